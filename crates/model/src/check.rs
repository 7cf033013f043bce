//! One line of a phase's checklist.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{UnixMs, phase::Phase, schema::Severity, verdict::Verdict};

/// A check: computed with its evidence and age, or signed off by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Check {
    /// Stable name, for example `source.wal_level`.
    pub id: String,
    /// The phase it belongs to.
    pub phase: Phase,
    /// What is asked, as a statement that can hold: `wal_level is logical on the source`.
    pub title: String,
    /// The answer.
    pub verdict: Verdict,
    /// When the facts were read; None while nothing was read.
    pub at: Option<UnixMs>,
    /// For how long they count, ms; None where they do not go out of date by themselves.
    #[serde(default)]
    pub counts_ms: Option<i64>,
    /// When it will hold by itself if nothing gets worse: it waits, it does not fail.
    #[serde(default)]
    pub opens_at: Option<UnixMs>,
    /// Set when this is a person's to answer, and by whom it was.
    pub sign_off: SignOff,
    /// How bad it is when it does not hold; None where that was not weighed, and then it blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub severity: Option<Severity>,
    /// What it does not hold for, where it is about objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>", optional)]
    pub objects: Vec<String>,
}

/// Whether a person answers a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignOff {
    /// Computed; no person needed.
    Computed,
    /// A person has to answer and has not.
    Wanted,
    /// A person answered.
    Signed {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: UnixMs,
    },
}

impl Check {
    /// A computed check.
    pub fn computed(
        id: impl Into<String>,
        phase: Phase,
        title: impl Into<String>,
        verdict: Verdict,
        at: Option<UnixMs>,
    ) -> Self {
        Check {
            id: id.into(),
            phase,
            title: title.into(),
            verdict,
            at,
            counts_ms: None,
            opens_at: None,
            sign_off: SignOff::Computed,
            severity: None,
            objects: Vec::new(),
        }
    }

    /// Whether what it does not hold for closes a gate.
    pub fn blocks(&self) -> bool {
        self.severity.is_none_or(|s| s == Severity::Blocks)
    }

    /// The same check on facts that count for so long only.
    #[must_use]
    pub fn counting_for(mut self, ms: i64) -> Self {
        self.counts_ms = Some(ms);
        self
    }
}
