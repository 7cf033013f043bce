//! What would break native logical replication or the switch, before it does.
//!
//! Pure judgement of two readings: no facts, no Pass. Every check is listed, the passed ones too, and each Fail names
//! the exact setting or statement that mends it.

pub mod accepted;
mod answer;
mod pair;
pub mod particulars;
mod roles;
mod server;
pub mod severity;
mod tables;
#[cfg(test)]
mod tests;

pub use server::OLDEST;

use crate::{
    Side,
    check::Check,
    inventory::{Inventory, ServerFacts},
    verdict::Verdict,
};
use answer::Answer;

/// The check that no longer applies once we have filled the target ourselves.
pub const TARGET_EMPTY: &str = "target.empty_or_equal";

/// Checks that ask for something free which our own replication occupies once it runs.
pub const TAKEN_BY_REPLICATION: [&str; 8] = [
    "source.slots",
    "target.slots",
    "source.senders",
    "target.senders",
    "source.workers",
    "target.workers",
    "source.origins",
    "target.origins",
];

/// Judges two readings. Every check of the phase is listed, the passed ones too.
pub fn judge(source: &Inventory, target: &Inventory) -> Vec<Check> {
    let mut out = pair::checks(source, target);
    for (side, inventory) in [(Side::Source, source), (Side::Target, target)] {
        out.extend(server::checks(side, inventory));
        out.extend(roles::checks(side, inventory));
        out.extend(particulars::of_side(side, inventory));
    }
    out.extend(tables::checks(source));
    out.extend(particulars::of_pair(source, target));
    out
}

/// Without the checks that no longer apply while our replication runs: we filled the target and took what was free ourselves.
pub fn while_replicating(mut checks: Vec<Check>) -> Vec<Check> {
    checks.retain(|c| c.id != TARGET_EMPTY && !TAKEN_BY_REPLICATION.contains(&c.id.as_str()));
    checks
}

/// A check on one side.
fn on(side: Side, name: &str, title: impl Into<String>, inventory: &Inventory, answer: impl Into<Answer>) -> Check {
    answer.into().on(side, name, title.into(), inventory)
}

/// A check on both; as old as the older reading.
fn between(id: &str, title: impl Into<String>, source: &Inventory, target: &Inventory, verdict: Verdict) -> Check {
    Answer::from(verdict).between(id, title.into(), source, target)
}

/// Whether the server said anything at all, and enough of it.
fn was_read(facts: &ServerFacts) -> bool {
    facts.version_num >= OLDEST
}

/// The verdict, where the server was read.
fn if_read(facts: &ServerFacts, judge: impl FnOnce() -> Verdict) -> Verdict {
    match facts.version_num {
        0 => Verdict::unknown("the server's settings were not read"),
        old if old < OLDEST => Verdict::unknown(format!("PostgreSQL {} is too old to be asked", facts.version)),
        _ => judge(),
    }
}

/// How many names a sentence lists; the remedy names all that it has to be run on.
const NAMED: usize = 8;

/// `a, b, c`; of many the first few and how many more there are.
fn named<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}

/// `3 tables` and `1 table`.
fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
