//! Everything the main screen shows, computed in one go.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Side, UnixMs, check::Check, gate::Judged, hold::HeldFor, limits::Limits, migration::MigrationSpec, phase::Phase,
    validation::Validation,
};
use ts_rs::TS;

use super::{DualWriteCard, NextCommand, RollbackCard, RunCard, RungCard, SwitchCard};

/// Asks for the cockpit of one migration.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct CockpitRequest {
    /// The migration.
    pub name: String,
    /// What the asker holds already; the large parts of it are left out of the answer while they are the same.
    #[serde(default)]
    #[ts(optional)]
    pub have: Option<Have>,
}

/// The large parts that an asker holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Have {
    /// When the validation it holds was made.
    pub validation_at: Option<UnixMs>,
    /// Whether the copy it holds is over; it does not change any more.
    pub copy_done: bool,
}

/// Which parts are left out because the asker holds them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LeftOut {
    /// The validation.
    pub validation: bool,
    /// The copy.
    pub copy: bool,
}

/// The cockpit of one migration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Cockpit {
    /// What it is.
    pub spec: MigrationSpec,
    /// What is missing here because the asker holds it.
    pub left_out: LeftOut,
    /// When the process that drives last wrote down what it knows; 0 when nobody has driven yet. Older than 5 s means
    /// that it is gone. How old each figure is, the figure says itself.
    pub at: UnixMs,
    /// Everything that is measured again and again at this stage, with its age.
    pub measured: Vec<Measured>,
    /// `Cutover · 10 % of reads on target`.
    pub headline: String,
    /// The source.
    pub source: SideCard,
    /// The target.
    pub target: SideCard,
    /// Whose writes count.
    pub authority: Side,
    /// Since when.
    pub authority_since: UnixMs,
    /// The epoch.
    pub epoch: i64,
    /// Writes that are refused on the source by agreement; None while they go on.
    pub held: Option<HeldCard>,
    /// Percent of reads on the target, as last routed.
    pub reads_on_target: u8,
    /// The route by the routers' own word; None until they were asked.
    pub read_back: Option<ReadBack>,
    /// The phase to look at now.
    pub phase: Phase,
    /// All six.
    pub phases: Vec<PhaseCard>,
    /// Lag of the authority's stream; None until measured.
    pub lag: Option<LagTile>,
    /// Lag of the stream back; None until measured.
    pub way_back: Option<LagTile>,
    /// Added latency of a write that replication costs, from the probe; None until measured.
    pub write_latency: Option<WriteLatencyTile>,
    /// What reads cost on both sides, from probes; None until measured.
    pub read_latency: Option<ReadLatencyTile>,
    /// The newest validation.
    pub validation: Option<Validation>,
    /// The initial copy while it runs and after.
    pub copy: Option<CopyCard>,
    /// Replication slots of ours, both directions.
    pub slots: Vec<SlotCard>,
    /// The synchronous dual write that is asked for or stands.
    pub dual_write: Option<DualWriteCard>,
    /// The ladder, with Writes and Receive-only at the end.
    pub ladder: Vec<RungCard>,
    /// How the present rung soaks; None where none does.
    pub soak: Option<SoakCard>,
    /// Gates of the next command.
    pub gates: Vec<Judged>,
    /// The next command, where there is one.
    pub next: Option<NextCommand>,
    /// The step back, where there is one: the previous rung.
    pub back: Option<NextCommand>,
    /// The rollback button.
    pub rollback: RollbackCard,
    /// The command that runs now.
    pub running: Option<RunCard>,
    /// The command that ended last.
    pub last_run: Option<RunCard>,
    /// The newest switch forward.
    pub last_forward: Option<SwitchCard>,
    /// The newest switch back.
    pub last_rollback: Option<SwitchCard>,
    /// Small lines at the foot of the navigation: sides and routers.
    pub health: Vec<HealthLine>,
    /// Who drives.
    pub lease: LeaseCard,
    /// The limits.
    pub limits: Limits,
    /// Passwords that have to be typed before anything can be measured.
    pub passwords_needed: Vec<String>,
}

/// The soak of the present rung.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SoakCard {
    /// From when it counts.
    pub since: UnixMs,
    /// Whether it was broken, and has begun anew.
    pub anew: bool,
    /// The rung to which the ladder steps back by itself when a gate fails; None where it stays.
    pub step_back: Option<u8>,
    /// What broke it and is not well yet.
    pub broken: Option<BrokenSoakCard>,
}

/// What broke a soak.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct BrokenSoakCard {
    /// When.
    pub at: UnixMs,
    /// The gate's title.
    pub title: String,
    /// What it said.
    pub why: String,
}

/// The hold of the offline strategy.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HeldCard {
    /// Since when.
    pub since: UnixMs,
    /// Who held them.
    pub by: String,
    /// For how long, and whether that is longer than agreed.
    #[serde(flatten)]
    pub how_long: HeldFor,
    /// The source's own word: refused, or why that is not so; None until it was asked.
    pub seen: Option<HeldSeen>,
}

/// How the source was last seen while writes are held.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HeldSeen {
    /// When.
    pub at: UnixMs,
    /// Whether it refuses writes as the journal says.
    pub refuses: bool,
}

/// One side.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SideCard {
    /// The endpoint's name.
    pub endpoint: String,
    /// `PostgreSQL 15.20`; None until it answered.
    pub version: Option<String>,
    /// Whether it answered the last time, and when.
    pub answered_at: Option<UnixMs>,
    /// Why it does not answer.
    pub problem: Option<String>,
}

/// One phase in the strip, with its checklist.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PhaseCard {
    /// Which.
    pub phase: Phase,
    /// Its title.
    pub title: String,
    /// Checks that pass or are signed off.
    pub passed: u32,
    /// All checks.
    pub total: u32,
    /// Where it stands.
    pub state: PhaseState,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// Where a phase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// Its work is done.
    Done,
    /// Its work is next or runs.
    Now,
    /// Later.
    Later,
}

/// A stream's lag.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LagTile {
    /// Newest, ms.
    pub now_ms: f64,
    /// When it was measured.
    pub at: UnixMs,
    /// For how long a measurement counts, ms.
    pub counts_ms: i64,
    /// 95th percentile over the last 30 min, ms.
    pub p95_ms: f64,
    /// Worst over the last 30 min, ms.
    pub worst_ms: f64,
    /// The gate's limit, ms.
    pub limit_ms: f64,
    /// Since when it is within the limit without a break.
    pub within_since: Option<UnixMs>,
}

/// Write latency on the authority, measured by the beat's own commit.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct WriteLatencyTile {
    /// Median before replication began, ms; None when it was not measured then.
    pub before_ms: Option<f64>,
    /// Median now, ms.
    pub now_ms: f64,
    /// 99th percentile now, ms.
    pub p99_ms: f64,
    /// Samples behind `now_ms`.
    pub samples: u32,
    /// When the newest was taken.
    pub at: UnixMs,
    /// For how long it counts, ms.
    pub counts_ms: i64,
}

/// Percentiles of one side's reads, ms.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct ReadSpread {
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

/// Read latency: the same short reads on both sides, over the last minute.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadLatencyTile {
    /// On the source.
    pub source: ReadSpread,
    /// On the target.
    pub target: ReadSpread,
    /// What the target's 99th percentile may be, ms, by the source's and the limits.
    pub limit_ms: f64,
    /// Whether the target's percentiles are within their limits; None with too few reads to say.
    pub within: Option<bool>,
    /// Reads behind the figures, on the side that has fewer.
    pub samples: u32,
    /// Reads that they need.
    pub min_samples: u32,
    /// The table in which the target is farthest behind; None where it is nowhere.
    pub slowest: Option<String>,
    /// Tables that could not be read, a sentence each.
    pub skipped: Vec<String>,
    /// Reads that failed on the target in the last minute; None until counted.
    pub errors: Option<u32>,
    /// When both sides were last read.
    pub at: UnixMs,
    /// For how long the figures count, ms.
    pub counts_ms: i64,
}

/// The initial copy.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopyCard {
    /// Tables that are copied and caught up.
    pub tables_done: u32,
    /// All tables.
    pub tables_total: u32,
    /// Rows copied so far, or the estimate of them.
    pub rows_done: i64,
    /// Estimated rows in all.
    pub rows_total: i64,
    /// Seconds until done at the present pace; None while unknown.
    pub eta_s: Option<i64>,
    /// Rows per second over the last seconds.
    pub rows_per_s: Option<f64>,
    /// Whether it is over.
    pub done: bool,
    /// One line per table.
    pub tables: Vec<CopyTable>,
}

/// One table's copy.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopyTable {
    /// `schema.name`.
    pub table: String,
    /// Where it stands.
    pub state: CopyTableState,
    /// Rows copied.
    pub rows_done: i64,
    /// Estimated rows.
    pub rows_total: i64,
    /// Seconds until done; None while unknown or not running.
    pub eta_s: Option<i64>,
}

/// Where one table's copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CopyTableState {
    /// Not begun.
    Waiting,
    /// Rows are being copied.
    Copying,
    /// Copied; catching up with changes made meanwhile.
    CatchingUp,
    /// Streams.
    Ready,
}

/// One slot.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SlotCard {
    /// Its name.
    pub name: String,
    /// The side it is on.
    pub on: Side,
    /// Whether somebody reads from it.
    pub active: bool,
    /// Bytes not yet confirmed by the other side.
    pub lag_bytes: i64,
    /// Bytes of WAL kept for it.
    pub retained_bytes: i64,
    /// Bytes kept at most (`max_slot_wal_keep_size`); None without a limit but the disk.
    pub limit_bytes: Option<i64>,
    /// Seconds until `max_slot_wal_keep_size` at the present pace; None when unlimited, unknown or not growing.
    pub seconds_to_limit: Option<i64>,
    /// When it was read.
    pub at: UnixMs,
    /// For how long that counts, ms.
    pub counts_ms: i64,
}

/// One line of health: a side or a router.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HealthLine {
    /// `source`, `PgBouncer`.
    pub name: String,
    /// Where it is, for what there may be several of: `pgb-1:6432`.
    pub place: Option<String>,
    /// `41 of 200 conns`, `380 clients`, `no answer`.
    pub figure: String,
    /// What is wrong, one sentence.
    pub trouble: Option<String>,
    /// Whether it is well; None when not known.
    pub good: Option<bool>,
    /// When it last answered.
    pub at: Option<UnixMs>,
    /// For how long that counts, ms.
    pub counts_ms: i64,
}

/// Something that is measured again and again, with its age: the screen says of itself what on it is old.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Measured {
    /// `lag source → target`, `the routers' route`.
    pub what: String,
    /// When it was last measured; None before the first time.
    pub at: Option<UnixMs>,
    /// For how long a measurement counts, ms.
    pub counts_ms: i64,
}

/// What the routers said when they were last asked.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadBack {
    /// When.
    pub at: UnixMs,
    /// For how long that counts, ms.
    pub counts_ms: i64,
    /// Whether it is what they were told; None where they do not agree among themselves.
    pub agrees: Option<bool>,
    /// Their word in one sentence.
    pub says: String,
}

/// Who drives this migration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LeaseCard {
    /// Whether it is this process.
    pub mine: bool,
    /// The holder; None when nobody drives.
    pub holder: Option<String>,
    /// Since when.
    pub since: Option<UnixMs>,
}
