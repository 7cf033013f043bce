//! Gates: questions about facts that a command has to have answered with Pass.
//!
//! One file per gate; [`GATES`] is the list. A gate never reads the world itself: it judges [`Facts`], and says Unknown
//! with what is missing when a fact is absent or too old.

mod application;
mod connections;
mod consistency;
mod drill;
mod errors;
mod hold;
mod lag;
mod latency;
mod preflight;
mod read_back;
mod receive_only;
mod schema;
mod slots;
mod soak;
mod transactions;
mod watched;
mod way_back;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use watched::watched;

use crate::{
    Command, Side, UnixMs,
    application::ApplicationFacts,
    headroom::{ConnectionFacts, SlotFacts},
    hold::Standing,
    reads::{ErrorFacts, LatencyFacts},
    router::Route,
    state::State,
    transactions::TransactionFacts,
    verdict::Verdict,
};

/// What the reconcilers last saw. Absent means not measured; it never means fine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The newest analysis; None before the first.
    pub analysis: Option<AnalysisFacts>,
    /// The stream from source to target.
    pub forward: StreamFacts,
    /// The stream from target to source.
    pub reverse: StreamFacts,
    /// The routers' own word.
    pub route: Option<RouteReadBack>,
    /// What the comparison in the background knows; None before its first pass.
    #[serde(default)]
    pub consistency: Option<ConsistencyFacts>,
    /// Tables that were altered; None before the first look.
    #[serde(default)]
    pub drift: Option<DriftFacts>,
    /// How the source's fence stands; None before the first look.
    #[serde(default)]
    pub hold: Option<HoldFacts>,
    /// What reads cost; None before the first probes.
    #[serde(default)]
    pub latency: Option<LatencyFacts>,
    /// What failed; None before the first look.
    #[serde(default)]
    pub errors: Option<ErrorFacts>,
    /// The application's own metrics; None before the first was read.
    #[serde(default)]
    pub application: Option<ApplicationFacts>,
    /// Connections of both servers; None before the first look.
    #[serde(default)]
    pub connections: Option<ConnectionFacts>,
    /// Log kept for our slots; None before the first look.
    #[serde(default)]
    pub slots: Option<SlotFacts>,
    /// Transactions in the way of the fence; None before the first look.
    #[serde(default)]
    pub transactions: Option<TransactionFacts>,
}

impl Facts {
    /// The stream that leaves this side.
    pub fn stream_from(&self, side: Side) -> &StreamFacts {
        match side {
            Side::Source => &self.forward,
            Side::Target => &self.reverse,
        }
    }
}

/// One stream as its beats show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamFacts {
    /// Newest measurement: when, and the lag in ms.
    pub newest: Option<(UnixMs, f64)>,
    /// Since when the lag has been within the limit without a break, as of `newest`.
    pub within_since: Option<UnixMs>,
}

/// Where the tables stand, all passes and verified changes taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ConsistencyFacts {
    /// Tables compared.
    pub tables: usize,
    /// Tables with rows that differ.
    pub different: usize,
    /// Rows that differ.
    pub findings: i64,
    /// Tables of which not everything is proven.
    pub unproven: usize,
    /// Rows on the source, as the last full passes counted them.
    pub rows: i64,
    /// As of when all verdicts hold: the oldest of them; None while a table was never compared.
    pub holds_at: Option<UnixMs>,
}

/// What became of the tables since replication began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftFacts {
    /// When the catalogs were read.
    pub at: UnixMs,
    /// Tables that were looked at.
    pub tables: usize,
    /// Those that were altered, on one side or not alike.
    pub altered: Vec<crate::drift::Drifted>,
}

/// How the source's fence was seen to stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldFacts {
    /// When.
    pub at: UnixMs,
    /// How; one sentence where it is neither up nor down.
    pub standing: Result<Standing, String>,
}

/// What the preflight found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalysisFacts {
    /// When.
    pub at: UnixMs,
    /// Checks that failed.
    pub failed: Vec<FailedCheck>,
    /// Checks that could not be answered.
    pub unknown: usize,
}

/// A check of the preflight that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// What was asked and what was found, one sentence.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What the routers said when asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteReadBack {
    /// When.
    pub at: UnixMs,
    /// The route, where all of them agree; otherwise one sentence why not.
    pub route: Result<Route, String>,
    /// Whether any router is holding clients.
    pub holding: bool,
}

/// Everything a gate may look at.
pub struct Question<'a> {
    /// The command it is asked for.
    pub command: &'a Command,
    /// The journal's state.
    pub state: &'a State,
    /// The reconcilers' facts.
    pub facts: &'a Facts,
    /// Now.
    pub now: UnixMs,
}

/// A gate's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Judged {
    /// Stable name.
    pub gate: String,
    /// Title on the screen.
    pub title: String,
    /// The answer.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// When it opens by itself if nothing gets worse.
    pub opens_at: Option<UnixMs>,
    /// When the facts behind the answer were read; None where the journal alone answers, or nothing was read.
    pub at: Option<UnixMs>,
    /// For how long they count, ms: once they are older the answer is worth nothing, whoever still shows it.
    pub counts_ms: Option<i64>,
    /// Who overrode it for the next run.
    pub overridden_by: Option<String>,
}

/// One gate.
pub struct Gate {
    /// Stable name.
    pub name: &'static str,
    /// Title on the screen.
    pub title: &'static str,
    /// Whether it guards this command.
    pub guards: fn(&Command, &State) -> bool,
    judge: fn(&Question<'_>) -> (Verdict, Option<UnixMs>),
    looked: fn(&Question<'_>) -> Looked,
}

/// When a gate's facts were read, and for how long they count, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Looked {
    at: Option<UnixMs>,
    counts_ms: Option<i64>,
}

/// Of gates that judge the journal: it is always current.
fn in_the_journal(_: &Question<'_>) -> Looked {
    Looked::default()
}

/// All gates, in the order of the screen.
pub const GATES: &[Gate] = &[
    preflight::GATE,
    hold::GATE,
    lag::GATE,
    consistency::GATE,
    schema::GATE,
    way_back::GATE,
    read_back::GATE,
    latency::GATE,
    errors::GATE,
    application::GATE,
    connections::GATE,
    slots::GATE,
    transactions::GATE,
    soak::GATE,
    drill::GATE,
    receive_only::GATE,
];

/// Judges every gate that guards the command.
pub fn judge(question: &Question<'_>) -> Vec<Judged> {
    GATES
        .iter()
        .filter(|gate| (gate.guards)(question.command, question.state))
        .map(|gate| judged(gate, question))
        .collect()
}

fn judged(gate: &Gate, question: &Question<'_>) -> Judged {
    let (verdict, opens_at) = (gate.judge)(question);
    let Looked { at, counts_ms } = (gate.looked)(question);
    Judged {
        at,
        counts_ms,
        gate: gate.name.to_owned(),
        title: gate.title.to_owned(),
        verdict,
        opens_at,
        overridden_by: question.state.overrides.get(gate.name).cloned(),
    }
}

/// Whether the command may run: every gate passes or was overridden by name.
pub fn open(judged: &[Judged]) -> bool {
    judged.iter().all(|j| j.verdict.opens() || j.overridden_by.is_some())
}

/// Whether a command moves traffic towards the target, which is what most gates guard.
fn goes_forward(command: &Command, state: &State) -> bool {
    match command {
        Command::ShiftReads { percent } => *percent > state.route.reads_on_target,
        Command::SwitchWrites => true,
        Command::Analyze
        | Command::Prepare
        | Command::Hold
        | Command::Release
        | Command::Replicate
        | Command::Validate
        | Command::Repair { .. }
        | Command::RollBack
        | Command::Cleanup { .. } => false,
    }
}

/// Why something that was looked at then does not count now, `last measured 2:00 ago`; None while it does. A time that is
/// yet to come is no fresh one: the clock was set back since, and nobody knows by how much it was wrong.
fn outdated(what: &str, at: UnixMs, now: UnixMs, limit_ms: i64) -> Option<String> {
    let age = now - at;
    if age > limit_ms {
        return Some(format!("{what} {} ago", duration(age / 1000)));
    }
    if age < -crate::lag::GAP_MS {
        return Some(format!("{what} at a time that is yet to come: this machine's clock was set back"));
    }
    None
}

/// A length of time for people: `41:12`, `2:00:00`, `7 d`.
pub fn duration(seconds: i64) -> String {
    let s = seconds.max(0);
    if s >= 48 * 3600 {
        return format!("{} d", s / 86_400);
    }
    if s >= 3600 {
        return format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    }
    if s >= 60 { format!("{}:{:02}", s / 60, s % 60) } else { format!("{s} s") }
}

#[cfg(test)]
mod tests;
