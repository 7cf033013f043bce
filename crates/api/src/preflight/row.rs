//! One check as it is written.

use serde::Serialize;
use switchyard_model::{
    check::Check,
    preflight::{accepted::Cover, severity},
    schema::Severity,
    verdict::Verdict,
};

/// Its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It does not hold.
    Fail,
    /// It could not be answered.
    Unknown,
    /// It holds.
    Pass,
}

impl Word {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Word::Fail => "fails",
            Word::Unknown => "not known",
            Word::Pass => "passes",
        }
    }
}

/// What somebody accepted of it.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptedRow {
    /// The object; none where the check is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its stable name.
    pub id: String,
    /// `source`, `target` or `pair`.
    pub side: String,
    /// What is asked, as a statement that can hold.
    pub title: String,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    /// The answer.
    pub verdict: Word,
    /// What was seen; of an unknown check what is missing.
    pub seen: String,
    /// What comes of it when it does not hold.
    pub why: String,
    /// What to do about it; only of a check that fails.
    pub remedy: Option<String>,
    /// What it does not hold for and nobody accepted, where it is about objects.
    pub objects: Vec<String>,
    /// What somebody accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedRow>,
    /// Whether it counts: it does not pass, and something of it was not accepted.
    pub open: bool,
}

impl Row {
    pub(super) fn of(check: &Check, cover: &Cover<'_>) -> Row {
        let (verdict, remedy) = match &check.verdict {
            Verdict::Pass { .. } => (Word::Pass, None),
            Verdict::Fail { remedy, .. } => (Word::Fail, Some(remedy.clone())),
            Verdict::Unknown { .. } => (Word::Unknown, None),
        };
        let accepted = cover.entries.iter().map(|e| AcceptedRow {
            object: e.object.clone(),
            reason: e.reason.clone(),
            by: e.by.clone(),
        });
        Row {
            id: check.id.clone(),
            side: check.id.split('.').next().unwrap_or_default().to_owned(),
            title: check.title.clone(),
            severity: check.severity.unwrap_or(Severity::Blocks),
            verdict,
            seen: check.verdict.sentence().to_owned(),
            why: severity::of(&check.id).map_or("", |item| item.why).to_owned(),
            remedy,
            objects: cover.left.clone(),
            accepted: accepted.collect(),
            open: verdict != Word::Pass && !cover.whole,
        }
    }

    /// What fails goes before what is not known, what was accepted after both, and what passes last.
    pub(super) fn rank(&self) -> (bool, bool, Word, Severity) {
        (self.verdict == Word::Pass, !self.open, self.verdict, self.severity)
    }

    /// What was accepted of it, a line each.
    pub(super) fn accepted_lines(&self) -> impl Iterator<Item = String> {
        self.accepted.iter().map(|a| match &a.object {
            Some(object) => format!("{object}: {}", a.reason),
            None => a.reason.clone(),
        })
    }

    /// `fails`, and whether somebody accepted that.
    pub(super) fn standing(&self) -> &'static str {
        match (self.verdict, self.open) {
            (Word::Pass, _) | (Word::Fail | Word::Unknown, true) => self.verdict.words(),
            (Word::Fail | Word::Unknown, false) => "accepted",
        }
    }
}
