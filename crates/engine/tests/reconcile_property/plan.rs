//! What a seed decides, and what has to be found then.

use std::collections::BTreeMap;

use switchyard_model::reconcile::FindingKind;

use crate::{
    kinds::{KINDS, Kind},
    random::Random,
};

/// A value: its number in its type, None for NULL, and whether it is written in the other way.
pub type Cell = (Option<usize>, bool);
pub type Row = Vec<Cell>;

/// One column.
pub struct Column {
    pub name: String,
    pub kind: &'static Kind,
    pub source_type: String,
    pub target_type: String,
}

/// One table on both sides.
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Positions of the key's columns, in key order.
    pub key: Vec<usize>,
    /// The target's order of columns.
    pub order: Vec<usize>,
    /// A column that only the target has.
    pub more: Option<String>,
    /// Into how many parts each side divides it, by its first key column; 0 is not at all.
    pub parts: [usize; 2],
    pub analyzed: [bool; 2],
    pub source: Vec<Row>,
    pub target: Vec<Row>,
}

/// One case.
pub struct Case {
    pub seed: u64,
    pub exact: bool,
    pub lanes: usize,
    pub schema: String,
    pub tables: Vec<Table>,
}

impl Case {
    pub fn new(seed: u64) -> Self {
        let mut r = Random::new(seed);
        let exact = r.percent(30);
        let tables = (0..1 + r.below(4)).map(|n| table(&mut r, n, exact)).collect();
        Case { seed, exact, lanes: 1 + r.below(3), schema: r.name(seed as usize % 1000), tables }
    }
}

fn table(r: &mut Random, n: usize, exact: bool) -> Table {
    let large = r.percent(4);
    let mut columns = columns(r, large);
    let key = key(r, &columns);
    for (i, c) in columns.iter_mut().enumerate() {
        // A key's type is the same on both sides; other types are another test's. Another scale is another writing.
        if key.contains(&i) || exact && c.source_type.starts_with("numeric") {
            c.target_type = c.source_type.clone();
        }
    }
    let mut order: Vec<usize> = (0..columns.len()).collect();
    if r.percent(50) {
        r.shuffle(&mut order);
    }
    let parts = [0, 1].map(|_| if key.is_empty() || r.percent(70) { 0 } else { 1 + r.below(3) });
    let rows = match (large, r.below(10)) {
        (true, _) => 50_000 + r.below(10_000),
        (false, 0) => 0,
        (false, 1) => 1_000 + r.below(3_000),
        (false, _) => 1 + r.below(150),
    };
    let source = rows_of(r, &columns, &key, rows);
    let mut target = source.clone();
    spoil(r, &columns, &key, &mut target);
    if r.percent(40) {
        r.shuffle(&mut target);
    }
    let analyzed = [large || r.percent(20), r.percent(50)];
    let more = r.percent(20).then(|| r.name(99));
    Table { name: r.name(n), columns, key, order, more, parts, analyzed, source, target }
}

fn columns(r: &mut Random, large: bool) -> Vec<Column> {
    let several = 1 + r.below(if large { 4 } else { 9 });
    let column = |r: &mut Random, n: usize| {
        let kind = r.pick(KINDS);
        let target_type = if kind.target.is_empty() || r.percent(70) { kind.source } else { *r.pick(kind.target) };
        Column { name: r.name(n), kind, source_type: kind.source.into(), target_type: target_type.into() }
    };
    (0..several).map(|n| column(r, n)).collect()
}

/// Columns whose types may be in a key; the first can take as many values as are needed.
fn key(r: &mut Random, columns: &[Column]) -> Vec<usize> {
    let mut fit: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].kind.key).collect();
    r.shuffle(&mut fit);
    let Some(first) = fit.iter().position(|i| columns[*i].kind.wide) else { return vec![] };
    if r.percent(20) {
        return vec![];
    }
    fit.swap(0, first);
    fit.truncate(1 + r.below(3));
    let at = r.below(fit.len());
    fit.swap(0, at);
    fit
}

fn rows_of(r: &mut Random, columns: &[Column], key: &[usize], rows: usize) -> Vec<Row> {
    // Without a key, few values make equal rows likely; with one, all numbers up to some more than are needed.
    let scattered = r.percent(50);
    let mut numbers: Vec<usize> = (0..rows + rows / 10).collect();
    if scattered {
        r.shuffle(&mut numbers);
    }
    let few = if r.percent(50) { 3 } else { 1_000 };
    (0..rows).map(|n| row(r, columns, key, numbers[n], few)).collect()
}

/// A row whose key is `number`.
fn row(r: &mut Random, columns: &[Column], key: &[usize], number: usize, few: usize) -> Row {
    let cell = |(i, c): (usize, &Column)| -> Cell {
        if !key.contains(&i) {
            return value(r, c, few);
        }
        (Some(if c.kind.wide { number } else { number % c.kind.values }), false)
    };
    columns.iter().enumerate().map(cell).collect()
}

fn value(r: &mut Random, c: &Column, few: usize) -> Cell {
    if r.percent(8) { (None, false) } else { (Some(r.below(c.kind.values.min(few))), false) }
}

/// Corrupts the target's copy.
fn spoil(r: &mut Random, columns: &[Column], key: &[usize], rows: &mut Vec<Row>) {
    let free: Vec<usize> = (0..columns.len()).filter(|i| !key.contains(i)).collect();
    let changes = if r.percent(20) { 0 } else { r.below(12) };
    let next = 10 * rows.len() + 20;
    for n in 0..changes {
        let at = r.below(rows.len());
        match r.below(7) {
            0 if !rows.is_empty() => drop(rows.remove(at)),
            1 => rows.push(row(r, columns, key, next + n, 1_000)),
            // A key that changes.
            2 if !rows.is_empty() && !key.is_empty() => {
                let changed = row(r, columns, key, next + n, 1_000);
                key.iter().for_each(|i| rows[at][*i] = changed[*i]);
            }
            // Two rows exchange a value.
            3 if rows.len() > 1 && !free.is_empty() => {
                let (i, other) = (*r.pick(&free), r.below(rows.len()));
                let (a, b) = (rows[at][i], rows[other][i]);
                (rows[at][i], rows[other][i]) = (b, a);
            }
            // Two columns exchange theirs.
            4 if !rows.is_empty() && free.len() > 1 => {
                let (i, j) = (*r.pick(&free), *r.pick(&free));
                if columns[i].source_type == columns[j].source_type {
                    rows[at].swap(i, j);
                }
            }
            _ if !rows.is_empty() && !free.is_empty() => {
                let (i, few) = (*r.pick(&free), *r.pick(&[4, 1_000]));
                rows[at][i] = value(r, &columns[i], few);
            }
            _ => {}
        }
    }
    if r.percent(30) {
        let cells = rows.iter_mut().flat_map(|row| row.iter_mut().zip(columns));
        for ((number, other), c) in cells {
            *other = r.percent(10) && number.is_some_and(|n| c.kind.other(n).is_some());
        }
    }
}

/// What is to be found in a table, in order: for each finding its kind, its key as far as it is known, and its columns.
pub fn expected(table: &Table, exact: bool) -> Vec<String> {
    let seen = |row: &Row, i: usize| -> Cell { (row[i].0, exact && row[i].1) };
    let identity = |row: &Row| -> Vec<Cell> {
        if table.key.is_empty() {
            (0..row.len()).map(|i| seen(row, i)).collect()
        } else {
            table.key.iter().map(|i| seen(row, *i)).collect()
        }
    };
    let mut both: BTreeMap<Vec<Cell>, [Vec<&Row>; 2]> = BTreeMap::new();
    for (side, rows) in [&table.source, &table.target].into_iter().enumerate() {
        for row in rows {
            both.entry(identity(row)).or_default()[side].push(row);
        }
    }
    let mut out = Vec::new();
    for [a, b] in both.values() {
        let differing = |a: &Row, b: &Row| -> Vec<&str> {
            (0..a.len()).filter(|i| seen(a, *i) != seen(b, *i)).map(|i| table.columns[i].name.as_str()).collect()
        };
        let (kind, columns) = match (a.first(), b.first()) {
            (Some(_), None) => (FindingKind::MissingOnTarget, vec![]),
            (None, Some(_)) => (FindingKind::OnlyOnTarget, vec![]),
            (Some(x), Some(y)) if a.len() == b.len() && differing(x, y).is_empty() => continue,
            (Some(x), Some(y)) => (FindingKind::Different, differing(x, y)),
            (None, None) => continue,
        };
        let Some(any) = a.first().or(b.first()) else { continue };
        let shown: Vec<String> = table.key.iter().map(|i| shown(&table.columns[*i], any[*i], exact)).collect();
        out.push(line(kind, &shown, &columns, a.len(), b.len()));
    }
    out.sort();
    out
}

/// A key's value as a finding shows it.
fn shown(column: &Column, (number, other): Cell, exact: bool) -> String {
    let Some(n) = number else { return String::new() };
    match column.kind.other(n) {
        Some(writing) if other && exact => writing,
        Some(_) | None => column.kind.value(n),
    }
}

/// A finding in a line.
pub fn line(kind: FindingKind, key: &[String], columns: &[&str], source: usize, target: usize) -> String {
    format!("{kind:?} {key:?} {columns:?} {source}:{target}")
}
