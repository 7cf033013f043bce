//! The Timeline and Pools pages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Side, UnixMs,
    plan::{
        Measured,
        live::Pool,
        pools::{Pools, Room},
        timeline::Timeline,
    },
};
use ts_rs::TS;

use super::ApiError;

/// What an operator changed in a timeline; the same in a file for the command line and in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields, default)]
pub struct TimelineEdits {
    /// First day, as `2026-11-24`; None is the day on which the migration was created.
    pub start: Option<String>,
    /// People; None is two.
    pub team: Option<u32>,
    /// Whether people rest on weekends, and nothing begins on one.
    pub skip_weekends: bool,
    /// Days by task.
    #[ts(type = "Record<string, number>")]
    pub days: BTreeMap<String, f64>,
    /// The day on which a task ended, by task; goes before what the journal says.
    #[ts(type = "Record<string, string>")]
    pub done: BTreeMap<String, String>,
}

/// Asks for a timeline and its picture.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TimelineRequest {
    /// The migration.
    pub migration: String,
    /// Width of the picture in CSS pixels, 200–4000.
    pub width: u32,
    /// Dark theme.
    pub dark: bool,
}

/// A pair as it was last measured, with what only its migration knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PairMeasured {
    /// When.
    pub at: UnixMs,
    /// The figures.
    pub measured: Measured,
    /// What could not be measured, in sentences.
    pub notes: Vec<String>,
}

/// The Timeline page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TimelineView {
    /// None while nobody has measured the pair: then there is nothing to place bars by.
    pub measured: Option<PairMeasured>,
    /// The bars; None without a measurement.
    pub placed: Option<TimelinePlaced>,
    /// What was changed.
    pub edits: TimelineEdits,
    /// People that are reckoned with.
    pub team: u32,
    /// First day that is reckoned with, as `2026-11-24`.
    pub start: String,
}

/// Bars and their picture.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TimelinePlaced {
    /// The bars.
    pub timeline: Timeline,
    /// The picture.
    pub svg: String,
    /// The whole in a sentence.
    pub summary: String,
    /// Each task in words, in the order of the bars.
    pub rows: Vec<TaskRow>,
}

/// A task in words. Days are of UTC, and the last is the last that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TaskRow {
    /// First day as it looks now, or was.
    pub from: String,
    /// Last day as it looks now, or was.
    pub to: String,
    /// Both days as planned; None where nothing moved.
    pub planned: Option<String>,
    /// Where it stands, in a sentence.
    pub state: String,
    /// The day on which it ended; None while it has not.
    pub done: Option<String>,
}

/// Changes a timeline.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ChangeTimeline {
    /// The migration.
    pub migration: String,
    /// All that is changed; what is not in it is as computed.
    pub edits: TimelineEdits,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Written {
    /// Its full path.
    pub file: String,
    /// Its size.
    pub bytes: u64,
}

/// Asks for connections through the phases.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PoolsRequest {
    /// The migration.
    pub migration: String,
    /// The application's pool; None is what is in use where it is served now.
    pub pool: Option<i64>,
}

/// The Pools page: needed against limits.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PoolsView {
    /// When both servers were asked.
    pub at: UnixMs,
    /// The source's.
    pub source_room: Room,
    /// The target's.
    pub target_room: Room,
    /// Through the phases.
    pub pools: Pools,
}

/// The Pools page: live.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PoolsNow {
    /// When the routers were asked.
    pub at: UnixMs,
    /// For how long that counts, ms.
    pub counts_ms: i64,
    /// Source and target.
    pub sides: Vec<SideConnections>,
    /// Every router that keeps pools.
    pub routers: Vec<RouterPools>,
}

/// Connections of one server, as whoever drives last saw them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SideConnections {
    /// Which.
    pub side: Side,
    /// In use, ours among them.
    pub used: i32,
    /// `max_connections`; 0 where nobody has asked yet.
    pub limit: i32,
    /// When it was asked; None before its first answer.
    pub at: Option<UnixMs>,
    /// For how long an answer counts, ms.
    pub counts_ms: i64,
    /// What to know.
    pub warning: Option<String>,
}

/// The pools of one router.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RouterPools {
    /// `PgBouncer pgb-1:6432`.
    pub label: String,
    /// Why it does not answer.
    pub problem: Option<ApiError>,
    /// Its pools; empty where it does not answer.
    pub pools: Vec<Pool>,
    /// What to know of them, in sentences.
    pub warnings: Vec<String>,
}
