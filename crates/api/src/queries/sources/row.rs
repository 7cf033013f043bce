//! From two looks at a source to what is shown of it.

use super::{Asked, Reading};
use crate::dto::*;

/// What became of asking a source.
pub(super) enum Outcome {
    /// It answers.
    Seen {
        reading: Reading,
        /// Why that is not all, and what mends it.
        lacks: Option<(String, String)>,
        notes: Vec<String>,
    },
    /// It gives nothing: why, and what mends it.
    Refused(String, String),
    /// It could not be asked: why, and what mends it.
    Unknown(String, String),
}

/// The second look decides how the source stands; the first one is there for what grew.
pub(super) fn row(now: &Asked, before: Option<&Outcome>) -> SourceRow {
    let mut row = SourceRow {
        kind: now.kind,
        title: now.kind.name().to_owned(),
        name: now.name.clone(),
        side: now.side,
        state: SourceState::Usable,
        why: None,
        remedy: None,
        since: None,
        was_reset: false,
        figures: Vec::new(),
        cannot_see: now.kind.cannot_see().to_owned(),
        notes: Vec::new(),
    };
    let (state, reason) = match &now.outcome {
        Outcome::Seen { reading, lacks, notes } => {
            let earlier = match before {
                Some(Outcome::Seen { reading, .. }) => Some(reading),
                Some(_) | None => None,
            };
            row.since = reading.since;
            row.was_reset = earlier.is_some_and(|e| reading.is_reset_since(e));
            // Without an earlier reading nothing grew: it is compared with itself.
            row.figures = reading.figures(earlier.unwrap_or(reading));
            row.notes.clone_from(notes);
            (if lacks.is_some() { SourceState::Partly } else { SourceState::Usable }, lacks.clone())
        }
        Outcome::Refused(why, remedy) => (SourceState::Unusable, Some((why.clone(), remedy.clone()))),
        Outcome::Unknown(why, remedy) => (SourceState::Unknown, Some((why.clone(), remedy.clone()))),
    };
    row.state = state;
    (row.why, row.remedy) = reason.unzip();
    row
}

#[cfg(test)]
mod tests {
    use switchyard_model::sources::{Growth, SourceKind, Unit};

    use super::*;

    fn seen(at_s: f64, queries: f64) -> Outcome {
        let mut reading = Reading { at_s, ..Reading::default() };
        reading.counter("app", "queries", queries, Unit::Count, Growth::PerSecond);
        Outcome::Seen { reading, lacks: None, notes: Vec::new() }
    }

    fn asked(outcome: Outcome) -> Asked {
        Asked { kind: SourceKind::Pgbouncer, name: "PgBouncer x:1".to_owned(), side: None, outcome }
    }

    #[test]
    fn the_second_look_says_how_it_stands() {
        let gone = Outcome::Unknown("It is gone.".to_owned(), "Start it.".to_owned());
        let back = row(&asked(seen(9.0, 10.0)), Some(&gone));
        assert_eq!(
            (back.state, back.figures.len()),
            (SourceState::Usable, 0),
            "it is back, and nothing is known to have grown"
        );
        let gone = row(&asked(gone), Some(&seen(7.0, 10.0)));
        assert_eq!((gone.state, gone.remedy.as_deref()), (SourceState::Unknown, Some("Start it.")));
    }

    #[test]
    fn counters_that_began_anew_are_said_to_have() {
        let row = row(&asked(seen(9.0, 10.0)), Some(&seen(7.0, 500.0)));
        assert!(row.was_reset && row.figures.is_empty() && row.state == SourceState::Usable, "{row:?}");
    }
}
