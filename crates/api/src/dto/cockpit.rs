//! Everything the main screen shows, computed in one go.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Command, Side, UnixMs,
    check::Check,
    gate::Judged,
    journal::{Outcome, Stopwatch},
    limits::Limits,
    migration::MigrationSpec,
    phase::Phase,
    state::StepRecord,
    validation::Validation,
};
use ts_rs::TS;

/// The cockpit of one migration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Cockpit {
    /// What it is.
    pub spec: MigrationSpec,
    /// When this was computed. Older than 5 s is shown as stale.
    pub at: UnixMs,
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
    /// Percent of reads on the target, as last routed.
    pub reads_on_target: u8,
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
    /// The newest validation.
    pub validation: Option<Validation>,
    /// The initial copy while it runs and after.
    pub copy: Option<CopyCard>,
    /// Replication slots of ours, both directions.
    pub slots: Vec<SlotCard>,
    /// The ladder, with Writes and Receive-only at the end.
    pub ladder: Vec<RungCard>,
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
    /// Seconds until `max_slot_wal_keep_size` at the present pace; None when unlimited, unknown or not growing.
    pub seconds_to_limit: Option<i64>,
    /// When it was read.
    pub at: UnixMs,
}

/// One rung.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RungCard {
    /// `10 %`, `Writes`, `Receive-only`.
    pub label: String,
    /// `35:53 of 2 h`, `4 h`, `pause < 1 s`.
    pub detail: String,
    /// Where it stands.
    pub state: PhaseState,
}

/// A button that runs a command.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct NextCommand {
    /// What it runs.
    pub command: Command,
    /// Its label.
    pub label: String,
    /// `Next: 10 % → 25 % of reads`.
    pub title: String,
    /// Whether it can be pressed.
    pub open: bool,
    /// Why not, and when it opens.
    pub why_not: Option<String>,
    /// When it opens by itself.
    pub opens_at: Option<UnixMs>,
}

/// The rollback button.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RollbackCard {
    /// Whether it can be pressed.
    pub open: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// What the last rehearsal or rollback measured, or that there was none.
    pub note: String,
}

/// A run and its steps.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunCard {
    /// Its number.
    pub run: i64,
    /// What.
    pub command: Command,
    /// Its label.
    pub label: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub started: UnixMs,
    /// Steps with the titles the preview uses.
    pub steps: Vec<RunStep>,
    /// Whether clients are held right now.
    pub holding: bool,
    /// Whether the point of no return is behind it.
    pub past_no_return: bool,
    /// How it ended.
    pub ended: Option<RunEnd>,
}

/// One step of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunStep {
    /// What it does, for people.
    pub title: String,
    /// Where it stands.
    #[serde(flatten)]
    pub record: StepRecord,
    /// One line of progress while it runs.
    pub progress: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunEnd {
    /// When.
    pub at: UnixMs,
    /// How.
    pub outcome: Outcome,
    /// One sentence.
    pub summary: String,
}

/// A write switch that happened.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SwitchCard {
    /// When.
    pub at: UnixMs,
    /// The stopwatch.
    pub stopwatch: Stopwatch,
}

/// One line of health.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HealthLine {
    /// `source · 41 of 200 connections`.
    pub text: String,
    /// Whether it is well; None when not known.
    pub good: Option<bool>,
    /// When it was looked at.
    pub at: Option<UnixMs>,
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
