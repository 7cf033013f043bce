//! What the source answered to a question of ours, as a capture keeps it, and whether a copy answers the same.
//!
//! An answer is hashes, a count and its first rows, of any size in constant memory. Both sides make it here.

use serde::{Deserialize, Serialize};
use switchyard_shadow::{Column, Piece, Question, Row, compare::Key};

use crate::{
    compare::{Ran, is_of},
    digest::{Seed, Sums},
};

/// Rows that are kept of an answer.
const FIRST: usize = 5;
/// Rows of a copy that are kept because they begin as one of the source's first.
const BESIDE: usize = 20;
/// Of a value this much is kept, characters.
const SHOWN: usize = 200;
/// And so many columns.
const SHOWN_COLUMNS: usize = 20;
/// How far floats may be apart, as a share of their sum: what adding in another order costs.
const TOLERANCE: f64 = 1e-9;
/// The same for float4.
const TOLERANCE_4: f64 = 1e-5;
const FLOAT4: u32 = 700;

/// Values as they are shown.
pub type Shown = Vec<Option<String>>;

/// What the source answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its answer.
    pub answered: Answered,
    /// Tables that it depends on, without their schemas: also parts of tables, and the tables that they are parts of.
    pub tables: Vec<String>,
    /// Whether it may depend on any table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_table: bool,
    /// Settings under which it was asked.
    pub settings: Vec<(String, String)>,
    /// The capture until then, Unix ms: times of these may be the source's clock.
    pub clock: (i64, i64),
}

impl Recorded {
    /// What it takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.answered.first.iter().flatten().flatten().map(|v| v.len() + 24).sum::<usize>();
        1_000 + values
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Its columns; none where no row came.
    pub columns: Vec<Named>,
    /// Its rows.
    pub sums: Sums,
    /// The same without times that may be of a clock, where any may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Sums>,
    /// What it is sorted by, in its order, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyed: Option<Sums>,
    /// Its floats apart from the rest, where it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blunt: Option<Blunt>,
    /// The first rows.
    pub first: Vec<Shown>,
    /// Of a copy: rows that begin as one of those that were looked for.
    #[serde(skip)]
    beside: Vec<Shown>,
    /// Of a copy: those that were looked for and did not come.
    #[serde(skip)]
    missing: Vec<Shown>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its type's number.
    pub kind: u32,
}

impl Named {
    fn column(&self) -> Column {
        Column { name: self.name.clone(), kind: self.kind }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Blunt {
    /// All but the floats.
    sums: Sums,
    floats: Vec<Float>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Float {
    at: usize,
    sum: f64,
    size: f64,
    /// NaN and the infinities are equal or not.
    odd: bool,
}

/// Takes an answer as it comes.
#[derive(Debug)]
pub struct Taking {
    seed: Seed,
    keys: Vec<Key>,
    at: Option<Vec<usize>>,
    clocks: Vec<Vec<Ran>>,
    looked_for: Vec<Shown>,
    begins: Vec<Option<String>>,
    out: Answered,
}

impl Taking {
    /// An answer that is sorted by these keys. Of `clocks` each makes a sum in which times of these are alike.
    pub fn new(seed: Seed, keys: &[Key], clocks: Vec<Vec<Ran>>) -> Taking {
        let out = Answered { masked: vec![Sums::default(); clocks.len()], ..Answered::default() };
        Taking { seed, keys: keys.to_vec(), at: None, clocks, looked_for: Vec::new(), begins: Vec::new(), out }
    }

    /// Of a copy: the source's first rows, so that what differs can be laid beside them.
    pub fn looking_for(mut self, first: &[Shown]) -> Taking {
        self.begins = first.iter().filter_map(|row| row.first().cloned()).collect();
        self.looked_for = first.to_vec();
        self
    }

    /// Takes a piece of it.
    pub fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Columns(columns) => self.begin(&columns),
            Piece::Rows(rows) => rows.iter().for_each(|row| self.row(row)),
        }
    }

    /// It has ended.
    pub fn answered(mut self) -> Answered {
        self.out.missing = self.looked_for;
        self.out
    }

    fn begin(&mut self, columns: &[Column]) {
        let place = |key: &Key| match key {
            Key::At(at) => (*at < columns.len()).then_some(*at),
            Key::Named(name) => columns.iter().position(|c| c.name == *name),
        };
        self.at = self.keys.iter().map(place).collect::<Option<Vec<usize>>>().filter(|at| !at.is_empty());
        self.out.keyed = self.at.as_ref().map(|_| Sums::default());
        let floats = columns.iter().enumerate().filter(|(_, c)| c.is_float());
        let floats: Vec<Float> = floats.map(|(at, _)| Float { at, ..Float::default() }).collect();
        self.out.blunt = (!floats.is_empty()).then(|| Blunt { sums: Sums::default(), floats });
        self.out.columns = columns.iter().map(|c| Named { name: c.name.clone(), kind: c.kind }).collect();
    }

    fn row(&mut self, row: &Row) {
        let out = &mut self.out;
        out.sums.row(self.seed, row.0.iter().map(bytes));
        for (sums, clock) in out.masked.iter_mut().zip(&self.clocks) {
            let masked = |v: &'_ Option<String>| v.as_deref().is_some_and(|v| clock.iter().any(|ran| is_of(v, *ran)));
            let values = row.0.iter().map(|v| if masked(v) { Some(&b"(clock)"[..]) } else { bytes(v) });
            sums.row(self.seed, values);
        }
        if let (Some(keyed), Some(at)) = (&mut out.keyed, &self.at) {
            keyed.row(self.seed, at.iter().filter_map(|at| row.0.get(*at)).map(bytes));
        }
        if let Some(blunt) = &mut out.blunt {
            blunt.row(self.seed, row);
        }
        if out.first.len() < FIRST {
            out.first.push(shown(row));
        }
        let begins_so = |begin: &Option<String>| row.0.first().map(short).as_ref() == Some(begin);
        if self.begins.iter().any(begins_so) {
            let row = shown(row);
            if let Some(at) = self.looked_for.iter().position(|r| *r == row) {
                self.looked_for.remove(at);
            } else if out.beside.len() < BESIDE {
                out.beside.push(row);
            }
        }
    }
}

impl Blunt {
    fn row(&mut self, seed: Seed, row: &Row) {
        for float in &mut self.floats {
            let Some(Some(text)) = row.0.get(float.at) else { continue };
            match text.parse::<f64>() {
                Ok(x) if x.is_finite() => (float.sum, float.size) = (float.sum + x, float.size + x.abs()),
                Ok(_) | Err(_) => float.odd = true,
            }
        }
        let is_float = |i: usize| self.floats.iter().any(|f| f.at == i);
        // Whether there is a value counts.
        let one = |(i, v): (usize, &'_ Option<String>)| v.is_some() && is_float(i);
        let rest = row.0.iter().enumerate();
        self.sums.row(seed, rest.map(|(i, v)| if one((i, v)) { Some(&b"(float)"[..]) } else { bytes(v) }));
    }

    fn is_near(&self, other: &Blunt, columns: &[Named]) -> bool {
        let close = |(a, b): (&Float, &Float)| {
            let kind = columns.get(a.at).map_or(FLOAT4, |c| c.kind);
            let tolerance = if kind == FLOAT4 { TOLERANCE_4 } else { TOLERANCE };
            !a.odd && !b.odd && (a.sum - b.sum).abs() <= tolerance * a.size.max(b.size)
        };
        self.sums.has_same_rows(&other.sums) && self.floats.iter().zip(&other.floats).all(close)
    }
}

/// Whether a copy's answer holds beside the source's.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// The same.
    Equal,
    /// The same but for times of both clocks.
    Clock,
    /// Floats differ by no more than what adding in another order costs.
    Float,
    /// Another one, of those that the statement leaves open.
    Open,
    /// Another one.
    Different(Apart),
}

/// What makes two answers differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Apart {
    /// In a sentence.
    pub why: String,
    /// Why the copy failed: SQLSTATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows of the source that the copy has not; its first ones where these are equal.
    pub source: Vec<Shown>,
    /// Rows of the copy that are laid beside them.
    pub here: Vec<Shown>,
}

/// Lays a copy's answer beside the source's.
pub fn judge(then: &Answered, now: &Answered, asked: &Question) -> Held {
    if let Some(why) = other_columns(&then.columns, &now.columns) {
        return Held::Different(apart(then, now, why));
    }
    if then.sums == now.sums {
        return Held::Equal;
    }
    let same_keys = then.keyed.zip(now.keyed).map(|(a, b)| a == b);
    if then.sums.has_same_rows(&now.sums) {
        return match same_keys {
            _ if !asked.ordered => Held::Equal,
            // Those that are alike to its ORDER BY may come in any order.
            Some(true) => Held::Equal,
            None => Held::Open,
            Some(false) => {
                Held::Different(apart(then, now, "The same rows, sorted by other rules: another collation?".to_owned()))
            }
        };
    }
    let source_masked = then.masked.first().unwrap_or(&then.sums);
    if now.masked.iter().any(|m| m.has_same_rows(source_masked)) {
        return Held::Clock;
    }
    if let (Some(a), Some(b)) = (&then.blunt, &now.blunt)
        && a.is_near(b, &then.columns)
    {
        return Held::Float;
    }
    // The first of rows that its ORDER BY holds for equal, or that are sorted by what does not stand in the result.
    let cut = asked.limited && then.sums.rows == now.sums.rows && same_keys != Some(false);
    if asked.open || cut {
        return Held::Open;
    }
    let (source, here) = (then.sums.rows, now.sums.rows);
    let why = match source == here {
        true => format!("The same number of rows, {here}, and not all are equal."),
        false => format!("The copy answers with {here} rows, the source answered with {source}."),
    };
    Held::Different(apart(then, now, why))
}

fn other_columns(then: &[Named], now: &[Named]) -> Option<String> {
    // Without a row nothing is known of them.
    if then.is_empty() || now.is_empty() {
        return None;
    }
    if then.len() != now.len() {
        return Some(format!("The source answered with {} columns, the copy with {}.", then.len(), now.len()));
    }
    let (a, b) = then.iter().zip(now).find(|(a, b)| !a.column().is_like(&b.column()))?;
    Some(match a.name == b.name {
        true => format!("The column “{}” has another type.", a.name),
        false => format!("The column “{}” is called “{}” on the copy.", a.name, b.name),
    })
}

fn apart(then: &Answered, now: &Answered, why: String) -> Apart {
    let is_whole = then.sums.rows <= FIRST as u64;
    let source = now.missing.clone();
    let begins_so = |row: &&Shown| source.iter().any(|s| s.first() == row.first());
    let mut here: Vec<Shown> = now.beside.iter().filter(begins_so).take(FIRST).cloned().collect();
    let is_other = |row: &&Shown| is_whole && !then.first.contains(row) && !here.contains(row);
    let others: Vec<Shown> = now.first.iter().filter(is_other).cloned().collect();
    here.extend(others);
    here.truncate(FIRST);
    let columns = if then.columns.is_empty() { &now.columns } else { &then.columns };
    let columns = columns.iter().take(SHOWN_COLUMNS).map(|c| c.name.clone()).collect();
    if source.is_empty() && here.is_empty() {
        let why = format!("{why} What differs is not among the first rows.");
        return Apart { why, sqlstate: None, columns, source: then.first.clone(), here: now.first.clone() };
    }
    Apart { why, sqlstate: None, columns, source, here }
}

fn bytes(value: &Option<String>) -> Option<&[u8]> {
    value.as_deref().map(str::as_bytes)
}

fn shown(row: &Row) -> Shown {
    row.0.iter().take(SHOWN_COLUMNS).map(short).collect()
}

fn short(value: &Option<String>) -> Option<String> {
    let value = value.as_deref()?;
    Some(match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    })
}

#[cfg(test)]
mod tests;
