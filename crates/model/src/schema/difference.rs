//! The result: one row per difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{inventory::Unseen, kind::Kind};

/// How bad a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The move or the application stops on it with an error.
    Blocks,
    /// Rows can be lost, refused, changed, or seen by somebody who should not.
    Data,
    /// Something becomes slower.
    Speed,
    /// Nobody but a reader of the catalog notices.
    Cosmetic,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Severity; 4] = [Severity::Blocks, Severity::Data, Severity::Speed, Severity::Cosmetic];

    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Blocks => "blocks",
            Severity::Data => "data",
            Severity::Speed => "speed",
            Severity::Cosmetic => "cosmetic",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Severity::Blocks => "blocks",
            Severity::Data => "risks data",
            Severity::Speed => "risks speed",
            Severity::Cosmetic => "cosmetic",
        }
    }
}

/// How the two sides stand to each other. Equal objects are counted, not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Both have it, and one fact is not the same.
    Differs,
    /// Only the source has it.
    Missing,
    /// Only the target has it.
    Extra,
}

impl Status {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Status::Differs => "differs",
            Status::Missing => "missing on the target",
            Status::Extra => "only on the target",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Difference {
    /// `public.t7.b`.
    pub object: String,
    /// What that is.
    pub kind: Kind,
    /// Missing, extra, or different in one fact.
    pub status: Status,
    /// The fact, or the status' own word.
    pub what: String,
    /// The source's value; none where it has none.
    pub source: Option<String>,
    /// The target's value; none where it has none.
    pub target: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub why: String,
    /// What mends it on the target; none where no statement can.
    pub sql: Option<String>,
}

/// Objects of one kind, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Count {
    /// The same on both sides.
    pub equal: u32,
    /// On both sides, with a difference.
    pub differs: u32,
    /// Only on the source, with everything that goes with its table or schema.
    pub missing: u32,
    /// Only on the target, likewise.
    pub extra: u32,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Comparison {
    /// In an order in which their SQL can be run.
    pub differences: Vec<Difference>,
    /// By kind.
    pub counts: BTreeMap<Kind, Count>,
    /// What could not be compared.
    pub unseen: Vec<Unseen>,
}
