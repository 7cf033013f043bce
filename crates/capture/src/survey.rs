//! What is in a capture, before it is played: one look through it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use switchyard_queries::shape::Does;

use crate::{fit::Kinds, record::Captured};

/// What a capture holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// Statements.
    pub statements: u64,
    /// Answers of the source.
    pub answers: u64,
    /// Statements by session.
    pub sessions: HashMap<String, u64>,
    /// Sessions that were there at once, at most: each from its first statement to its last.
    pub most_at_once: usize,
    /// The first start, Unix µs.
    pub from_us: i64,
    /// The last end.
    pub to_us: i64,
    /// The longest duration, µs.
    pub longest_us: u64,
    /// Whether anything may write.
    pub writes: bool,
    /// Statements that are not played, by why.
    pub unfit: BTreeMap<String, u64>,
}

/// Why a statement without its values is not played.
pub(crate) const NO_VALUES: &str = "The values of its parameters were not logged.";

impl Survey {
    /// Looks through all of them, in any order.
    pub fn of(all: impl Iterator<Item = Captured>) -> Survey {
        let (mut survey, mut kinds) =
            (Survey { from_us: i64::MAX, to_us: i64::MIN, ..Survey::default() }, Kinds::default());
        let mut spans: HashMap<String, (i64, i64)> = HashMap::new();
        for one in all {
            if one.answer.is_some() {
                survey.answers += 1;
                continue;
            }
            let kind = kinds.of(&one.text);
            let (from, to) = (one.at_us, one.end_us());
            survey.statements += 1;
            (survey.from_us, survey.to_us) = (survey.from_us.min(from), survey.to_us.max(to));
            survey.longest_us = survey.longest_us.max(one.duration_us.unwrap_or_default());
            survey.writes |= kind.shape.does != Does::Read;
            let why = kind.unfit.or(one.parameters.is_none().then_some(NO_VALUES));
            if let Some(why) = why {
                *survey.unfit.entry(why.to_owned()).or_default() += 1;
            }
            let span = spans.entry(one.session.clone()).or_insert((from, to));
            *span = (span.0.min(from), span.1.max(to));
            *survey.sessions.entry(one.session).or_default() += 1;
        }
        let mut spans: Vec<(i64, i64)> = spans.into_values().collect();
        spans.sort_unstable();
        let mut open = BinaryHeap::new();
        for (from, to) in spans {
            while open.peek().is_some_and(|Reverse(end)| *end < from) {
                open.pop();
            }
            open.push(Reverse(to));
            survey.most_at_once = survey.most_at_once.max(open.len());
        }
        survey
    }

    /// How long it was taken for, s.
    pub fn seconds(&self) -> f64 {
        self.to_us.saturating_sub(self.from_us).max(0) as f64 / 1e6
    }
}
