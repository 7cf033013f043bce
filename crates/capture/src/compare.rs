//! What a statement was answered, and what makes two answers differ.

use serde::Serialize;

use crate::digest::{Seed, Sums};

/// Rows that are kept of an answer, to show what differs.
const KEPT: usize = 500;
/// And bytes.
const KEPT_BYTES: usize = 256 << 10;
/// Of a value this much is shown, characters.
const SHOWN: usize = 200;

/// One row, as texts.
pub type Row = Vec<Option<String>>;

/// Rows and counts that a statement was answered with. Of any number of rows, in constant memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Rows that came.
    pub rows: u64,
    /// Rows that each of its statements touched or gave.
    pub affected: Vec<u64>,
    sums: Sums,
    kept: Vec<Row>,
    kept_bytes: usize,
    is_cut: bool,
}

impl Answer {
    /// Takes a row.
    pub fn row<'a>(&mut self, names: impl Iterator<Item = &'a str>, values: impl Iterator<Item = Option<&'a [u8]>>) {
        // Names count once per row: several statements may have rows of their own.
        let mut all: Vec<Option<&[u8]>> = names.map(|name| Some(name.as_bytes())).collect();
        let begin = all.len();
        all.extend(values);
        self.sums.row(Seed::default(), all.iter().copied());
        self.rows += 1;
        if !self.is_cut {
            let text = |v: &Option<&[u8]>| v.map(|v| String::from_utf8_lossy(v).into_owned());
            let row: Row = all.iter().skip(begin).map(text).collect();
            self.kept_bytes += row.iter().flatten().map(|v| v.len() + 24).sum::<usize>() + 24;
            self.kept.push(row);
            self.is_cut = self.kept.len() >= KEPT || self.kept_bytes >= KEPT_BYTES;
        }
    }
}

/// What came of a statement on one copy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// How long it took, µs.
    pub us: u64,
    /// Why it failed; "connection" where the session was lost.
    pub sqlstate: Option<String>,
    /// The same in a sentence.
    pub sentence: String,
    /// What came.
    pub answer: Answer,
}

/// How two outcomes differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// It failed here, and had not where it was captured.
    FailsHere {
        /// Why.
        sqlstate: String,
        /// In a sentence.
        why: String,
    },
    /// It failed where it was captured, and not here.
    FailedThere {
        /// Why it had failed.
        sqlstate: String,
    },
    /// One of two copies failed, or both for different reasons.
    Failures {
        /// On the first.
        here: Option<String>,
        /// On the other.
        there: Option<String>,
        /// In a sentence.
        why: String,
    },
    /// Other numbers of rows were touched or given.
    Counts {
        /// On the first.
        here: Vec<u64>,
        /// On the other.
        there: Vec<u64>,
    },
    /// Rows differ.
    Rows {
        /// One that the first has alone.
        here: Option<Row>,
        /// One that the other has alone.
        there: Option<Row>,
    },
    /// The same rows in another order, although one was asked for: another collation, or rows that are alike to it.
    Order,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Compared {
    /// The same.
    Equal,
    /// The same but for times that both took from their clocks.
    Clock,
    /// Not the same.
    Different(Difference),
}

/// When a replay ran, Unix ms: times of these that differ are the clock's.
#[derive(Debug, Clone, Copy)]
pub struct Ran {
    /// Its begin.
    pub from_ms: i64,
    /// Now, or its end.
    pub to_ms: i64,
}

/// Against what the source said when it was captured.
pub fn with_captured(captured: Option<&str>, here: &Outcome) -> Compared {
    match (captured, &here.sqlstate) {
        (None, Some(state)) => {
            Compared::Different(Difference::FailsHere { sqlstate: state.clone(), why: here.sentence.clone() })
        }
        (Some(state), None) => Compared::Different(Difference::FailedThere { sqlstate: state.to_owned() }),
        (Some(_), Some(_)) | (None, None) => Compared::Equal,
    }
}

/// Of two copies.
pub fn with_other(here: &Outcome, there: &Outcome, is_ordered: bool, ran: Ran) -> Compared {
    if here.sqlstate != there.sqlstate {
        let why = [&here.sentence, &there.sentence].into_iter().find(|s| !s.is_empty()).cloned().unwrap_or_default();
        let (here, there) = (here.sqlstate.clone(), there.sqlstate.clone());
        return Compared::Different(Difference::Failures { here, there, why });
    }
    let (a, b) = (&here.answer, &there.answer);
    if a.affected != b.affected {
        let (here, there) = (a.affected.clone(), b.affected.clone());
        return Compared::Different(Difference::Counts { here, there });
    }
    if a.sums == b.sums {
        return Compared::Equal;
    }
    if a.sums.has_same_rows(&b.sums) {
        return if is_ordered { Compared::Different(Difference::Order) } else { Compared::Equal };
    }
    rows(a, b, ran)
}

fn rows(a: &Answer, b: &Answer, ran: Ran) -> Compared {
    let masked = |answer: &Answer| -> Vec<(Row, usize)> {
        let mask = |v: &Option<String>| v.clone().map(|v| if is_of(&v, ran) { "(clock)".to_owned() } else { v });
        let mut all: Vec<(Row, usize)> =
            answer.kept.iter().enumerate().map(|(i, row)| (row.iter().map(mask).collect(), i)).collect();
        all.sort();
        all
    };
    let (left, right) = (masked(a), masked(b));
    let (mut i, mut j) = (0, 0);
    let (mut here, mut there) = (None, None);
    while (i < left.len() || j < right.len()) && (here.is_none() || there.is_none()) {
        match (left.get(i), right.get(j)) {
            (Some((l, _)), Some((r, _))) if l == r => (i, j) = (i + 1, j + 1),
            (Some((l, at)), Some((r, _))) if l < r => {
                here.get_or_insert(*at);
                i += 1;
            }
            (Some((_, at)), None) => {
                here.get_or_insert(*at);
                i += 1;
            }
            (_, Some((_, at))) => {
                there.get_or_insert(*at);
                j += 1;
            }
            (None, None) => break,
        }
    }
    let is_whole = !a.is_cut && !b.is_cut;
    if here.is_none() && there.is_none() && is_whole {
        return Compared::Clock;
    }
    let shown = |answer: &Answer, at: Option<usize>| at.and_then(|at| answer.kept.get(at)).map(shown);
    Compared::Different(Difference::Rows { here: shown(a, here), there: shown(b, there) })
}

fn shown(row: &Row) -> Row {
    let cut = |v: &String| match v.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &v[..at]),
        None => v.clone(),
    };
    row.iter().map(|v| v.as_ref().map(cut)).collect()
}

/// Whether a text is a time within the run. One without a zone is of whichever zone makes it so.
pub fn is_of(text: &str, ran: Ran) -> bool {
    const QUARTER_MS: i64 = 900_000;
    const FURTHEST_MS: i64 = 15 * 3_600_000;
    let Some(ms) = time_ms(text) else { return false };
    let (from, to) = (ran.from_ms - 1000, ran.to_ms + 1000);
    if let Some(east_ms) = zone_ms(text) {
        return (from..=to).contains(&(ms - east_ms));
    }
    let near = ms >= from - FURTHEST_MS && ms <= to + FURTHEST_MS;
    // Some whole quarter of an hour leads from it into the run.
    near && (to - ms).div_euclid(QUARTER_MS) != (from - 1 - ms).div_euclid(QUARTER_MS)
}

/// `2026-11-28 21:10:27.123456` with whatever zone behind it, taken for UTC.
fn time_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let fits = bytes.len() >= 19
        && b"0000-00-00 00:00:00".iter().zip(bytes).all(|(p, b)| match p {
            b'0' => b.is_ascii_digit(),
            b' ' => matches!(b, b' ' | b'T'),
            p => p == b,
        });
    if !fits || bytes.len() > 40 {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let of_era = years.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((days * 86_400 + seconds) * 1000)
}

/// How far east of UTC a time's zone is; None where it says none.
fn zone_ms(text: &str) -> Option<i64> {
    let behind = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    if behind == "Z" {
        return Some(0);
    }
    let sign = if behind.starts_with('-') { -1 } else { 1 };
    let mut parts = behind.strip_prefix(['+', '-'])?.split(':');
    let (hours, minutes) = (parts.next()?.parse::<i64>().ok()?, parts.next().map_or(Some(0), |m| m.parse().ok())?);
    Some(sign * (hours * 60 + minutes) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAN: Ran = Ran { from_ms: 1_795_900_227_000, to_ms: 1_795_900_287_000 };

    fn outcome(rows: &[&[Option<&str>]]) -> Outcome {
        let mut answer = Answer { affected: vec![rows.len() as u64], ..Answer::default() };
        for row in rows {
            answer.row(["a", "b"].into_iter(), row.iter().map(|v| v.map(str::as_bytes)));
        }
        Outcome { answer, ..Outcome::default() }
    }

    #[test]
    fn rows_are_compared_as_they_are() {
        let one = outcome(&[&[Some("1"), None], &[Some("2"), Some("")]]);
        let turned = outcome(&[&[Some("2"), Some("")], &[Some("1"), None]]);
        assert_eq!(with_other(&one, &one.clone(), true, RAN), Compared::Equal);
        assert_eq!(with_other(&one, &turned, false, RAN), Compared::Equal, "nobody asked for an order");
        assert_eq!(with_other(&one, &turned, true, RAN), Compared::Different(Difference::Order));
        let other = outcome(&[&[Some("1"), Some("")], &[Some("2"), Some("")]]);
        let Compared::Different(Difference::Rows { here, there }) = with_other(&one, &other, false, RAN) else {
            panic!("NULL is no empty text")
        };
        assert_eq!((here, there), (Some(vec![Some("1".into()), None]), Some(vec![Some("1".into()), Some("".into())])));
        let apart = outcome(&[&[Some("12"), Some("3")]]);
        let apart_too = outcome(&[&[Some("1"), Some("23")]]);
        assert_ne!(with_other(&apart, &apart_too, false, RAN), Compared::Equal, "values do not run together");
        let twice = outcome(&[&[Some("1"), None], &[Some("1"), None]]);
        let none = outcome(&[&[Some("2"), None], &[Some("2"), None]]);
        assert_ne!(with_other(&twice, &none, false, RAN), Compared::Equal, "alike rows do not cancel");
        assert!(matches!(with_other(&one, &outcome(&[]), false, RAN), Compared::Different(Difference::Counts { .. })));
    }

    #[test]
    fn what_both_took_from_their_clocks_is_no_difference() {
        let one = outcome(&[&[Some("1"), Some("2026-11-28 21:10:30.1+00")]]);
        let other = outcome(&[&[Some("1"), Some("2026-11-28 21:10:30.7+00")]]);
        assert_eq!(with_other(&one, &other, false, RAN), Compared::Clock);
        let before = outcome(&[&[Some("1"), Some("2026-11-28 20:59:30.7+00")]]);
        assert!(matches!(with_other(&one, &before, false, RAN), Compared::Different(_)), "data is compared");
        assert!(is_of("2026-11-28 23:40:30+02:30", RAN) && is_of("2026-11-28T13:10:30", RAN), "in any zone");
        for no in ["2026-11-27 21:10:30", "2026-11-28 21:12:30", "2026-11-28", "x", ""] {
            assert!(!is_of(no, RAN), "{no}");
        }
    }

    #[test]
    fn failures_are_compared_by_their_state() {
        let failed = Outcome { sqlstate: Some("42883".into()), sentence: "No function.".into(), ..Outcome::default() };
        let fine = Outcome::default();
        assert_eq!(with_other(&failed, &failed.clone(), false, RAN), Compared::Equal);
        assert!(matches!(
            with_other(&fine, &failed, false, RAN),
            Compared::Different(Difference::Failures { here: None, .. })
        ));
        assert!(matches!(with_captured(None, &failed), Compared::Different(Difference::FailsHere { .. })));
        assert!(matches!(with_captured(Some("23505"), &fine), Compared::Different(Difference::FailedThere { .. })));
        assert_eq!(with_captured(Some("23505"), &failed), Compared::Equal);
    }
}
