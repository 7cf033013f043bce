//! What came of a replay, for a window: the verdict in a sentence, the first of what differs, both sides as texts.

use std::collections::HashMap;

use switchyard_capture::{
    ShapeFigures,
    asked::{AnswerFinding, AnswersCompared},
    compare::{Difference, Row},
    play::Finding,
    recorded::Shown,
};
use switchyard_load::Spread;
use switchyard_model::figure;

use super::listed::left_out;
use crate::{
    dto::*,
    replay::{ReplayVerdict, ReplayView, TablesCompared},
};

/// Findings and shapes that a window gets; the command line has them all.
const SHOWN: usize = 100;
/// And so many findings of one shape: others of it say the same.
const OF_A_SHAPE: u32 = 3;
/// Of a text this much is shown, characters.
const TEXT: usize = 2_000;
/// And so many values of one statement.
const VALUES: usize = 30;

pub(super) fn result(view: ReplayView) -> ReplayResult {
    let outcome = match view.verdict() {
        ReplayVerdict::Equal => ReplayOutcome::Equal,
        ReplayVerdict::Different => ReplayOutcome::Different,
        ReplayVerdict::Unknown => ReplayOutcome::Unknown,
    };
    let says = says(&view, outcome);
    let ReplayView { at, against, replayed, left_out_why, tables, notes, .. } = view;
    let told = replayed.answers.iter().flat_map(|a| a.findings.iter().take(SHOWN));
    let of_source: Vec<ReplayFinding> = told.map(answered_otherwise).collect();
    ReplayResult {
        outcome,
        says,
        at,
        against,
        played: replayed.played,
        sessions: replayed.sessions,
        compared: replayed.compared,
        clock: replayed.clock,
        unlike_captured: replayed.unlike_captured,
        found: replayed.found,
        findings: first(replayed.findings).chain(of_source).collect(),
        answers: replayed.answers.map(answers),
        shapes_in_all: replayed.shapes.len() as u64,
        shapes: replayed.shapes.into_iter().take(SHOWN).map(shape).collect(),
        late: replayed.late.map(ReadSpread::from),
        seconds: replayed.seconds,
        left_out: left_out(left_out_why),
        tables: tables.map(compared),
        notes,
    }
}

fn says(view: &ReplayView, outcome: ReplayOutcome) -> String {
    let played = &view.replayed;
    let count = |n: u64| figure::count(i64::try_from(n).unwrap_or(i64::MAX));
    match outcome {
        ReplayOutcome::Equal if view.against.is_some() => {
            format!("Both copies answered alike: {} answers compared.", count(played.compared))
        }
        ReplayOutcome::Equal if known(view) > 0 => {
            let answers = if known(view) == 1 { "answer" } else { "answers" };
            format!("The copy answered as the source had: {} {answers} compared.", count(known(view)))
        }
        ReplayOutcome::Equal => {
            format!("Each of {} statements failed or not as it had when it was captured.", count(played.played))
        }
        ReplayOutcome::Different => {
            let rows = view.tables.as_ref().map_or(0, |t| t.findings as u64);
            let statements = (played.found, "statement", "statements");
            let differ = played.answers.as_ref().map_or(0, |a| a.different);
            let answers = (differ, "answer that the source had given", "answers that the source had given");
            let rows = (rows, "row of the tables afterwards", "rows of the tables afterwards");
            let named = |(n, one, many): (u64, &str, &str)| {
                (n > 0).then(|| format!("in {} {}", count(n), if n == 1 { one } else { many }))
            };
            let all: Vec<String> = [statements, answers, rows].into_iter().filter_map(named).collect();
            if all.is_empty() { "In what the notes name.".to_owned() } else { sentence(&all.join(", and ")) }
        }
        ReplayOutcome::Unknown if played.stopped => {
            format!("It was stopped: nothing differed in the {} statements that were played.", count(played.played))
        }
        ReplayOutcome::Unknown if played.stuck > 0 => "Some sessions never ended.".to_owned(),
        ReplayOutcome::Unknown if played.played == 0 => "Nothing was played.".to_owned(),
        ReplayOutcome::Unknown => match &view.tables_unknown {
            Some(why) => format!("No statement differs, but the tables were not compared. {why}"),
            None => "No statement differs, but not every table could be compared.".to_owned(),
        },
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    format!("{}{}.", first.into_iter().flatten().collect::<String>(), letters.as_str())
}

fn compared(t: TablesCompared) -> ReplayTables {
    let rows = |t: crate::replay::TableDiffers| NotPlayed { why: t.table, times: t.findings as u64 };
    ReplayTables {
        tables: t.tables as u64,
        rows: t.rows,
        findings: t.findings as u64,
        clock: t.clock as u64,
        unproven: t.unproven as u64,
        different: t.different.into_iter().map(rows).collect(),
    }
}

/// The first few of each shape.
fn first(findings: Vec<Finding>) -> impl Iterator<Item = ReplayFinding> {
    let mut seen = HashMap::<String, u32>::new();
    let few = findings.into_iter().filter(move |f| {
        let n = seen.entry(f.shape.clone()).or_default();
        *n += 1;
        *n <= OF_A_SHAPE
    });
    few.take(SHOWN).map(finding)
}

fn shape(f: ShapeFigures) -> ReplayShape {
    ReplayShape {
        id: f.id,
        text: cut(&f.text),
        calls: f.calls,
        failed: f.failed,
        differed: f.differed,
        captured: f.captured.map(ReadSpread::from),
        here: f.here.map(ReadSpread::from),
        there: f.there.map(ReadSpread::from),
    }
}

fn finding(f: Finding) -> ReplayFinding {
    let (says, here, there) = sides(f.difference);
    ReplayFinding {
        n: f.n,
        text: cut(&f.text),
        parameters: f.parameters.iter().take(VALUES).map(|v| v.as_deref().map(cut)).collect(),
        says: says.to_owned(),
        here: cut(&here),
        there: cut(&there),
        of_source: false,
    }
}

/// Answers of the source that say something of the copy.
fn known(view: &ReplayView) -> u64 {
    view.replayed.answers.as_ref().map_or(0, |a| a.equal + a.clock + a.float)
}

fn answers(a: AnswersCompared) -> ReplayAnswers {
    ReplayAnswers {
        asked: a.asked,
        equal: a.equal + a.clock + a.float,
        open: a.open,
        different: a.different,
        in_doubt: left_out(a.in_doubt),
        not_asked: a.not_asked,
    }
}

fn answered_otherwise(f: &AnswerFinding) -> ReplayFinding {
    let rows = |rows: &[Shown]| {
        let line = |row: &Shown| row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | ");
        cut(&rows.iter().map(line).collect::<Vec<_>>().join("\n"))
    };
    ReplayFinding {
        n: f.n,
        text: cut(&f.text),
        parameters: f.parameters.iter().take(VALUES).map(|v| v.as_deref().map(cut)).collect(),
        says: f.apart.why.clone(),
        here: rows(&f.apart.here),
        there: rows(&f.apart.source),
        of_source: true,
    }
}

/// What differs, what the copy said, and what the other side said.
fn sides(difference: Difference) -> (&'static str, String, String) {
    const FINE: &str = "no error";
    let row = |row: Option<Row>| match row {
        Some(row) => row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | "),
        None => "no such row".to_owned(),
    };
    let state = |s: Option<String>| s.unwrap_or_else(|| FINE.to_owned());
    let counts = |n: Vec<u64>| match n.as_slice() {
        [one] => format!("{one} rows"),
        many => many.iter().map(u64::to_string).collect::<Vec<_>>().join(", ") + " rows",
    };
    match difference {
        Difference::FailsHere { sqlstate, why } => {
            ("Fails, and had not when it was captured", format!("{sqlstate}: {why}"), FINE.to_owned())
        }
        Difference::FailedThere { sqlstate } => {
            ("Does not fail, and had when it was captured", FINE.to_owned(), sqlstate)
        }
        Difference::Failures { here: Some(here), there: None, why } => {
            ("Fails on the first copy alone", format!("{here}: {why}"), FINE.to_owned())
        }
        Difference::Failures { here: None, there: Some(there), why } => {
            ("Fails on the second copy alone", FINE.to_owned(), format!("{there}: {why}"))
        }
        Difference::Failures { here, there, why } => {
            ("Fails on both for different reasons", format!("{}: {why}", state(here)), state(there))
        }
        Difference::Counts { here, there } => ("Other numbers of rows", counts(here), counts(there)),
        Difference::Rows { here, there } => ("Other rows", row(here), row(there)),
        Difference::Order => {
            ("The same rows in another order, although one was asked for", String::new(), String::new())
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl From<Spread> for ReadSpread {
    fn from(s: Spread) -> ReadSpread {
        ReadSpread { p50_ms: s.p50_ms, p95_ms: s.p95_ms, p99_ms: s.p99_ms }
    }
}
