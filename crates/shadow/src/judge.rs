//! What a difference is called, and whether it is a finding.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Failure, compare::Compared};

/// Rows of each side that a finding shows.
const SHOWN: usize = 5;

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ShadowClass")]
pub enum Class {
    /// Rows have other values.
    Value,
    /// Rows of the source are not in the target's result.
    Missing,
    /// The target has rows that the source has not.
    Extra,
    /// The results have other columns.
    Columns,
    /// It fails on the target alone.
    TargetFails,
    /// It fails on the source alone.
    SourceFails,
    /// Texts are sorted or compared by other rules.
    Collation,
    /// The same rows come in another order, and nobody asked for one that tells them apart.
    Order,
    /// Floats differ by no more than what adding in another order costs.
    Float,
}

impl Class {
    /// Whether the application could see it although it asked for nothing that is left open.
    pub fn is_finding(self) -> bool {
        match self {
            Class::Value
            | Class::Missing
            | Class::Extra
            | Class::Columns
            | Class::TargetFails
            | Class::SourceFails
            | Class::Collation => true,
            Class::Order | Class::Float => false,
        }
    }
}

/// A difference with what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it is.
    pub class: Class,
    /// In a sentence.
    pub why: String,
    /// Names of the source's columns.
    pub columns: Vec<String>,
    /// Some rows that the source alone has.
    pub source: Vec<Vec<Option<String>>>,
    /// Some rows that the target alone has.
    pub target: Vec<Vec<Option<String>>>,
    /// Why a side failed: its SQLSTATE, and the server's words.
    pub failed: Option<Failure>,
}

/// What is known besides both results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether the result is sorted.
    pub ordered: bool,
    /// Whether it is cut off after some rows.
    pub limited: bool,
    /// A column by which the statement compares and that is sorted by other rules on both sides; in a sentence.
    pub sorts: Option<String>,
    /// The same where these rules may decide which rows there are.
    pub equals: Option<String>,
}

/// None where both sides say the same. A statement that fails on both is no matter of this.
pub fn judge(compared: &Compared, known: &Known) -> Option<Judged> {
    let (class, why) = named(compared, known)?;
    let [source, target] = &compared.only;
    let first = |rows: &[Vec<Option<String>>]| rows.iter().take(SHOWN).cloned().collect();
    let (source, target) = beside(source, target);
    Some(Judged {
        class,
        why,
        columns: compared.columns[0].iter().map(|c| c.name.clone()).collect(),
        source: first(&source),
        target: first(&target),
        failed: compared.failed.iter().flatten().next().cloned(),
    })
}

fn named(compared: &Compared, known: &Known) -> Option<(Class, String)> {
    let said = |class: Class, why: &str| Some((class, why.to_owned()));
    match &compared.failed {
        [Some(_), Some(_)] => return None,
        [None, Some(f)] => return said(Class::TargetFails, &f.sentence),
        [Some(f), None] => return said(Class::SourceFails, &f.sentence),
        [None, None] => {}
    }
    let [here, there] = &compared.columns;
    if let Some(why) = other_columns(here, there) {
        return Some((Class::Columns, why));
    }
    if compared.same {
        return None;
    }
    if compared.same_rows {
        return Some(order(compared, known));
    }
    if compared.near {
        return said(Class::Float, "Floats differ by no more than what adding in another order costs.");
    }
    let as_many = compared.rows[0] == compared.rows[1];
    if known.limited && as_many && !known.ordered {
        return said(Class::Order, "It takes some rows without an ORDER BY: which ones is left open.");
    }
    if known.limited && as_many && compared.keys_known && compared.key_differs.is_none() {
        return said(
            Class::Order,
            "It takes the first of rows that its ORDER BY holds for equal: which ones is left open.",
        );
    }
    if let Some(why) = &known.equals {
        return said(Class::Collation, why);
    }
    Some(rows(compared))
}

fn other_columns(here: &[crate::Column], there: &[crate::Column]) -> Option<String> {
    // A result without rows says nothing of its columns.
    if here.is_empty() || there.is_empty() {
        return None;
    }
    if here.len() != there.len() {
        return Some(format!("The source answers with {} columns, the target with {}.", here.len(), there.len()));
    }
    let (a, b) = here.iter().zip(there).find(|(a, b)| !a.is_like(b))?;
    Some(match a.name == b.name {
        true => format!("The column “{}” has another type.", a.name),
        false => format!("The column “{}” is called “{}” on the target.", a.name, b.name),
    })
}

/// The same rows in another order.
fn order(compared: &Compared, known: &Known) -> (Class, String) {
    if !known.ordered {
        return (Class::Order, "The same rows in another order; the statement asks for none.".to_owned());
    }
    if let Some(at) = compared.key_differs {
        let column = compared.columns[0].get(at);
        let name = column.map_or("", |c| c.name.as_str());
        if column.is_some_and(crate::Column::is_text) {
            let why = known.sorts.clone();
            let why = why.unwrap_or_else(|| format!("The same rows, sorted by other rules of “{name}”."));
            return (Class::Collation, why);
        }
        return (Class::Value, format!("The same rows, sorted by “{name}” in another order."));
    }
    match &known.sorts {
        Some(why) if !compared.keys_known => (Class::Collation, why.clone()),
        Some(_) | None => {
            (Class::Order, "The same rows; those that its ORDER BY holds for equal come in another order.".to_owned())
        }
    }
}

fn rows(compared: &Compared) -> (Class, String) {
    let [here, there] = compared.rows;
    match here.cmp(&there) {
        std::cmp::Ordering::Greater => {
            (Class::Missing, format!("The target answers with {there} rows, the source with {here}."))
        }
        std::cmp::Ordering::Less => {
            (Class::Extra, format!("The target answers with {there} rows, the source with {here}."))
        }
        std::cmp::Ordering::Equal => {
            let more = if compared.more { "at least " } else { "" };
            (Class::Value, format!("{more}{} of {here} rows differ.", compared.only[0].len().max(1)))
        }
    }
}

/// Rows as they are shown.
type Shown = Vec<Vec<Option<String>>>;

/// Rows that begin alike are laid beside one another, so that what differs is seen.
fn beside(source: &Shown, target: &Shown) -> (Shown, Shown) {
    let mut rest: Vec<&Vec<Option<String>>> = target.iter().collect();
    let (mut pairs, mut lonely) = (Vec::new(), Vec::new());
    for row in source {
        match rest.iter().position(|r| r.first() == row.first()) {
            Some(at) => pairs.push((row.clone(), rest.remove(at).clone())),
            None => lonely.push(row.clone()),
        }
    }
    let (mut here, mut there): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    here.extend(lonely);
    there.extend(rest.into_iter().cloned());
    (here, there)
}
