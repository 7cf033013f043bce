//! What would break native logical replication or the switch, before it does.
//!
//! Pure judgement of two readings: no facts, no Pass. Every check is listed, the passed ones too, and each Fail names
//! the exact setting or statement that mends it.

mod pair;
mod roles;
mod server;
mod tables;
#[cfg(test)]
mod tests;

use crate::{
    Side,
    check::Check,
    inventory::{Inventory, ServerFacts},
    phase::Phase,
    verdict::Verdict,
};

/// The check that no longer applies once we have filled the target ourselves.
pub const TARGET_EMPTY: &str = "target.empty_or_equal";

/// Checks that ask for something free which our own replication occupies once it runs.
pub const TAKEN_BY_REPLICATION: [&str; 4] = ["source.slots", "target.slots", "source.senders", "target.senders"];

/// Judges two readings. Every check of the phase is listed, the passed ones too.
pub fn judge(source: &Inventory, target: &Inventory) -> Vec<Check> {
    let mut out = pair::checks(source, target);
    for (side, inventory) in [(Side::Source, source), (Side::Target, target)] {
        out.extend(server::checks(side, inventory));
        out.extend(roles::checks(side, inventory));
    }
    out.extend(tables::checks(source));
    out
}

/// A check on one side.
fn on(side: Side, name: &str, title: impl Into<String>, inventory: &Inventory, verdict: Verdict) -> Check {
    Check::computed(format!("{side}.{name}"), Phase::SchemaAnalysis, title, verdict, Some(inventory.at))
}

/// A check on both; as old as the older reading.
fn between(id: &str, title: impl Into<String>, source: &Inventory, target: &Inventory, verdict: Verdict) -> Check {
    Check::computed(id, Phase::SchemaAnalysis, title, verdict, Some(source.at.min(target.at)))
}

/// The verdict, if the server said anything at all.
fn if_read(facts: &ServerFacts, judge: impl FnOnce() -> Verdict) -> Verdict {
    if facts.version_num == 0 { Verdict::unknown("the server's settings were not read") } else { judge() }
}

/// `3 tables` and `1 table`.
fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
