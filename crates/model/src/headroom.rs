//! Room that is left on both servers: connections, and the log that is kept back for the streams' slots.
//!
//! Pure: whoever looks hands the counts in. Free space of a disk is not among them, for no server tells it over SQL.

use serde::{Deserialize, Serialize};

use crate::{Side, UnixMs, limits::Limits};

/// For how long a look counts, ms; it is looked every two seconds.
pub const COUNTS_MS: i64 = 10_000;

/// Connections of one server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// `max_connections`.
    pub max: i64,
    /// Kept back for superusers and reserved roles.
    pub reserved: i64,
    /// Client sessions in all, ours among them.
    pub used: i64,
    /// Client sessions of others than us in the migration's database.
    pub application: i64,
}

impl Connections {
    /// What clients may have at most.
    pub fn allowed(&self) -> i64 {
        (self.max - self.reserved).max(0)
    }

    /// What is left for one more client.
    pub fn free(&self) -> i64 {
        self.allowed() - self.used
    }
}

/// Connections of both servers: the most that were counted in the window that the limits ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionFacts {
    /// When both servers were last counted.
    pub at: UnixMs,
    /// Since when, without a break.
    pub since: UnixMs,
    /// Looks behind the figures.
    pub samples: u32,
    /// The source.
    pub source: Connections,
    /// The target.
    pub target: Connections,
}

/// What the server says of the log that a slot needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalStatus {
    /// All of it is there.
    Kept,
    /// Beyond its limit: the server may drop it at the next checkpoint.
    Unreserved,
    /// It was dropped.
    Lost,
}

/// One slot of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRoom {
    /// Its name.
    pub name: String,
    /// The side it is on.
    pub on: Side,
    /// The server's own word.
    pub status: WalStatus,
    /// Bytes kept for it.
    pub kept_bytes: i64,
    /// `max_slot_wal_keep_size` in bytes; None without a limit but the disk.
    pub limit_bytes: Option<i64>,
    /// By how many bytes a minute what is kept grows; None before two minutes were seen.
    pub growth_per_min: Option<i64>,
}

impl SlotRoom {
    /// The limit that is reached first, bytes, and whether it is the server's own; None where there is none.
    pub fn limit(&self, limits: &Limits) -> Option<(i64, bool)> {
        let ours = Some(i64::from(limits.slot_kept_max_mb) << 20).filter(|bytes| *bytes > 0);
        match (self.limit_bytes, ours) {
            (Some(server), Some(ours)) if ours < server => Some((ours, false)),
            (Some(server), _) => Some((server, true)),
            (None, ours) => ours.map(|bytes| (bytes, false)),
        }
    }

    /// Seconds until a limit at the present pace; None while what is kept does not grow, or nobody knows.
    pub fn seconds_to(&self, limit_bytes: i64) -> Option<i64> {
        let growth = self.growth_per_min.filter(|bytes| *bytes > 0)?;
        let left = (limit_bytes - self.kept_bytes).max(0);
        // Wide: bytes of a large disk times sixty are more than they seem.
        i64::try_from(i128::from(left) * 60 / i128::from(growth)).ok()
    }
}

/// All slots of ours on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotFacts {
    /// When both servers were last asked.
    pub at: UnixMs,
    /// Each.
    pub slots: Vec<SlotRoom>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_limit_counts_and_none_is_none() {
        let slot = |limit_bytes| SlotRoom {
            name: "s".into(),
            on: Side::Source,
            status: WalStatus::Kept,
            kept_bytes: 0,
            limit_bytes,
            growth_per_min: None,
        };
        let limits = |slot_kept_max_mb| Limits { slot_kept_max_mb, ..Limits::normal() };
        assert_eq!(slot(Some(1 << 21)).limit(&limits(1)), Some((1 << 20, false)), "ours is lower");
        assert_eq!(slot(Some(1 << 20)).limit(&limits(2)), Some((1 << 20, true)), "the server's is lower");
        assert_eq!(slot(None).limit(&limits(1)), Some((1 << 20, false)));
        assert_eq!(slot(None).limit(&limits(0)), None, "0 asks for none");
    }

    #[test]
    fn the_time_left_is_none_while_nothing_grows() {
        let slot = |growth_per_min| SlotRoom {
            name: "s".into(),
            on: Side::Source,
            status: WalStatus::Kept,
            kept_bytes: 400,
            limit_bytes: None,
            growth_per_min,
        };
        assert_eq!(slot(Some(60)).seconds_to(1_000), Some(600));
        assert_eq!(slot(Some(60)).seconds_to(100), Some(0), "it is beyond the limit already");
        assert_eq!([slot(Some(0)), slot(Some(-5)), slot(None)].map(|s| s.seconds_to(1_000)), [None; 3]);
    }
}
