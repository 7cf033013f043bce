//! Two results compared while they arrive, in constant memory.
//!
//! Rows are laid beside one another. Where a pair is not equal, both rows go into sums that do not know an order, so that the end
//! tells whether the same rows came in another order; and into a bounded list, so that some that differ can be shown.

use tokio::sync::mpsc::Receiver;

use crate::{Column, Failure, Piece, Row, unmatched::Unmatched};

/// How far two floats may be apart, as a share of the larger: what adding in another order costs.
const TOLERANCE: f64 = 1e-9;
/// The same for float4, which has fewer digits.
const TOLERANCE_4: f64 = 1e-5;
const FLOAT4: u32 = 700;

/// By what a result is sorted, where that stands in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The column of this number, from 0 on.
    At(usize),
    /// The column of this name.
    Named(String),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Compared {
    /// Of both sides.
    pub columns: [Vec<Column>; 2],
    /// Rows of both sides.
    pub rows: [u64; 2],
    /// Whether each row equalled the one beside it.
    pub same: bool,
    /// Whether the same rows came, in whatever order.
    pub same_rows: bool,
    /// The same, where floats may differ by what adding in another order costs.
    pub near: bool,
    /// The first sort key by which the rows are in another order; None where the keys are alike everywhere, or not known.
    pub key_differs: Option<usize>,
    /// Whether all sort keys were found in the result.
    pub keys_known: bool,
    /// Rows that one side alone has.
    pub only: [Vec<Vec<Option<String>>>; 2],
    /// Whether there are more than these.
    pub more: bool,
    /// A sum over the source's rows, to tell whether the source says the same again.
    pub source: u128,
    /// Why a side has no result.
    pub failed: [Option<Failure>; 2],
}

/// One side's rows, one at a time.
struct Rows {
    from: Receiver<Piece>,
    columns: Vec<Column>,
    held: std::vec::IntoIter<Row>,
    count: u64,
}

impl Rows {
    fn new(from: Receiver<Piece>) -> Rows {
        Rows { from, columns: Vec::new(), held: Vec::new().into_iter(), count: 0 }
    }

    /// Waits for the columns.
    async fn begin(&mut self) {
        if let Some(piece) = self.from.recv().await {
            self.take(piece);
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Columns(columns) => self.columns = columns,
            Piece::Rows(rows) => self.held = rows.into_iter(),
        }
    }

    async fn next(&mut self) -> Option<Row> {
        loop {
            if let Some(row) = self.held.next() {
                self.count += 1;
                return Some(row);
            }
            let piece = self.from.recv().await?;
            self.take(piece);
        }
    }
}

/// Sums over rows that did not equal the ones beside them.
struct Sums {
    exact: u128,
    /// Without the floats.
    blunt: u128,
    floats: Vec<Float>,
    unmatched: Unmatched,
}

struct Float {
    at: usize,
    tolerance: f64,
    difference: f64,
    size: f64,
    odd: bool,
}

impl Sums {
    fn over(columns: &[Column]) -> Sums {
        let tolerance = |c: &Column| if c.kind == FLOAT4 { TOLERANCE_4 } else { TOLERANCE };
        let one =
            |(at, c): (usize, &Column)| Float { at, tolerance: tolerance(c), difference: 0.0, size: 0.0, odd: false };
        let floats = columns.iter().enumerate().filter(|(_, c)| c.is_float()).map(one).collect();
        Sums { exact: 0, blunt: 0, floats, unmatched: Unmatched::default() }
    }

    fn add(&mut self, row: &Row, by: i64) {
        let hash = row.hash(|_| true);
        self.exact = if by > 0 { self.exact.wrapping_add(hash) } else { self.exact.wrapping_sub(hash) };
        if !self.floats.is_empty() {
            let is_float = |i: usize| self.floats.iter().any(|f| f.at == i);
            let blunt = row.hash(|i| !is_float(i));
            self.blunt = if by > 0 { self.blunt.wrapping_add(blunt) } else { self.blunt.wrapping_sub(blunt) };
            self.floats.iter_mut().for_each(|f| f.add(row, by));
        }
        self.unmatched.add(hash, row, by);
    }

    /// Whether both sides had the same rows, but for what floats may differ by.
    fn near(&self) -> bool {
        let close = |f: &Float| !f.odd && f.difference.abs() <= f.tolerance * f.size;
        !self.floats.is_empty() && self.blunt == 0 && self.floats.iter().all(close)
    }
}

impl Float {
    fn add(&mut self, row: &Row, by: i64) {
        let Some(Some(text)) = row.0.get(self.at) else { return };
        match text.parse::<f64>() {
            Ok(x) if x.is_finite() => {
                self.difference += x * by as f64;
                self.size += x.abs();
            }
            // NaN and the infinities are equal or not.
            Ok(_) | Err(_) => self.odd = true,
        }
    }
}

/// Reads both to their ends.
pub async fn compare(source: Receiver<Piece>, target: Receiver<Piece>, keys: &[Key]) -> Compared {
    let (mut source, mut target) = (Rows::new(source), Rows::new(target));
    tokio::join!(source.begin(), target.begin());
    let keys: Option<Vec<usize>> = keys.iter().map(|k| position(k, &source.columns)).collect();
    let keys_known = keys.as_ref().is_some_and(|k| !k.is_empty());
    let keys = keys.unwrap_or_default();
    let mut sums = Sums::over(&source.columns);
    let mut out = Compared { same: true, keys_known, ..Compared::default() };
    loop {
        let (here, there) = tokio::join!(source.next(), target.next());
        if here.is_none() && there.is_none() {
            break;
        }
        if let Some(row) = &here {
            out.source = out.source.wrapping_add(row.hash(|_| true));
        }
        if here == there {
            continue;
        }
        out.same = false;
        if let (Some(here), Some(there), None) = (&here, &there, out.key_differs) {
            out.key_differs = keys.iter().copied().find(|k| here.0.get(*k) != there.0.get(*k));
        }
        here.iter().for_each(|row| sums.add(row, 1));
        there.iter().for_each(|row| sums.add(row, -1));
    }
    out.rows = [source.count, target.count];
    out.same_rows = source.count == target.count && sums.exact == 0;
    out.near = source.count == target.count && sums.near();
    out.more = sums.unmatched.overflowed;
    out.only = sums.unmatched.only();
    out.columns = [source.columns, target.columns];
    out
}

/// The sum over a result alone.
pub async fn sum(from: Receiver<Piece>) -> u128 {
    let mut rows = Rows::new(from);
    let mut sum = 0_u128;
    while let Some(row) = rows.next().await {
        sum = sum.wrapping_add(row.hash(|_| true));
    }
    sum
}

fn position(key: &Key, columns: &[Column]) -> Option<usize> {
    match key {
        Key::At(at) => (*at < columns.len()).then_some(*at),
        Key::Named(name) => columns.iter().position(|c| c.name == *name),
    }
}
