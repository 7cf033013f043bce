//! What the reconcilers of the process that drives saw last: one document, rewritten each second, read by every host.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs, check::Check, dual_write::Percentiles, gate::Facts, inventory::Inventory, reconcile::Following, time::utc,
};

use crate::{
    error::{Error, Kind, sentence},
    heartbeat::LagWindow,
};

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// For the gates.
    pub facts: Facts,
    /// Lag of the stream that leaves the source.
    pub lag_forward: Option<LagWindow>,
    /// Lag of the stream that leaves the target.
    pub lag_reverse: Option<LagWindow>,
    /// Commit time of a beat on the authority.
    pub write_latency: Option<WriteLatency>,
    /// Slots of ours.
    pub slots: Vec<SlotFact>,
    /// The source's server.
    pub source: SideFact,
    /// The target's server.
    pub target: SideFact,
    /// The routers, one each.
    pub routers: Vec<RouterFact>,
    /// The initial copy.
    pub copy: Option<CopyFact>,
    /// The comparison in the background.
    #[serde(default)]
    pub following: Following,
    /// The synchronous dual write that stands.
    #[serde(default)]
    pub dual_write: Option<DualWriteFact>,
    /// Progress line of the step that runs.
    pub progress: Option<String>,
    /// Secrets that are not known; nothing can be measured before they are.
    pub passwords_needed: Vec<String>,
}

impl Snapshot {
    /// Why a side does not answer, one sentence; None when both do.
    pub fn problem(&self) -> Option<String> {
        self.source.problem.clone().or_else(|| self.target.problem.clone())
    }
}

/// Name of [`Snapshot`] in the store.
pub const SNAPSHOT: &str = "live";

/// Name of what the tables of both sides looked like when replication began, in the store.
pub const SHAPES: &str = "shapes";

/// Write latency on the authority.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WriteLatency {
    /// Median before replication began, ms.
    pub before_ms: Option<f64>,
    /// Median now, ms.
    pub now_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
    /// Samples behind it.
    pub samples: u32,
    /// When the newest was taken.
    pub at: UnixMs,
}

/// A synchronous dual write as whoever attends it saw it last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DualWriteFact {
    /// Number of the entry that asked for it.
    pub dual: i64,
    /// When.
    pub at: UnixMs,
    /// What small writes take; None before the first.
    pub during: Option<Percentiles>,
    /// Sessions that waited for the target just then.
    pub waiting: i64,
    /// Those of them that nobody chose: they set `synchronous_commit` themselves.
    pub others_waiting: i64,
    /// Sessions of whoever is chosen that are older than the switch, and do not wait yet.
    pub not_yet: i64,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotFact {
    /// Its name.
    pub name: String,
    /// The side it is on.
    pub on: switchyard_model::Side,
    /// Somebody reads from it.
    pub active: bool,
    /// Bytes not confirmed.
    pub lag_bytes: i64,
    /// Bytes kept.
    pub retained_bytes: i64,
    /// Bytes the server keeps at most for a slot; None without a limit but the disk.
    #[serde(default)]
    pub limit_bytes: Option<i64>,
    /// Seconds until the limit at the present pace.
    pub seconds_to_limit: Option<i64>,
    /// When it was read.
    pub at: UnixMs,
}

/// One server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SideFact {
    /// `PostgreSQL 15.20`.
    pub version: Option<String>,
    /// When it last answered.
    pub answered_at: Option<UnixMs>,
    /// Why it does not.
    pub problem: Option<String>,
    /// Connections now.
    pub connections: i32,
    /// Connections it allows.
    pub max_connections: i32,
}

impl SideFact {
    /// Notes why it does not answer. One that has answered before is not looked for in the endpoint's fields, which are
    /// right: it stopped, and since when is what the operator needs.
    pub fn has_trouble(&mut self, label: &str, e: &Error) {
        let silent = matches!(e.kind, Kind::Unreachable | Kind::NotReady | Kind::Deadline);
        self.problem = Some(match self.answered_at {
            Some(at) if silent => format!(
                "“{label}” stopped answering; its last answer came at {}. {} See whether its server still runs and whether \
                 the network to it is up. Everything goes on by itself once it answers.",
                utc(at),
                sentence(&e.why)
            ),
            Some(_) | None => format!("{} {}", e.sentence(), e.remedy()),
        });
    }
}

/// One router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterFact {
    /// `PgBouncer pgb-1:6432`.
    pub label: String,
    /// Its clients now; None where it does not count them, or did not answer.
    pub clients: Option<u32>,
    /// Why it does not answer, or what is wrong by its own word; None while it is well.
    pub trouble: Option<String>,
    /// When it last answered; None before its first answer.
    pub at: Option<UnixMs>,
    /// Whether it can hold clients at all.
    #[serde(default)]
    pub holds: bool,
    /// Whether a sentry would let them go if this machine were gone; None where it does not say.
    #[serde(default)]
    pub sentry: Option<bool>,
}

/// The initial copy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CopyFact {
    /// One per table.
    pub tables: Vec<CopyTableFact>,
    /// Rows per second over the last seconds.
    pub rows_per_s: Option<f64>,
    /// Whether it is over.
    pub done: bool,
}

/// One table's copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyTableFact {
    /// `schema.name`.
    pub table: String,
    /// Where it stands.
    pub state: CopyState,
    /// Rows copied.
    pub rows_done: i64,
    /// Estimated rows.
    pub rows_total: i64,
}

/// Where a table's copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Not begun.
    Waiting,
    /// Rows are being copied.
    Copying,
    /// Copied; catching up.
    CatchingUp,
    /// Streams.
    Ready,
}

/// Name of the median commit time of a small write on the source before replication began, ms, in the store.
pub const BASELINE: &str = "write_latency_before";

/// The newest analysis: both readings and what the preflight made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The source.
    pub source: Inventory,
    /// The target.
    pub target: Inventory,
    /// Every check.
    pub checks: Vec<Check>,
}

/// Name of [`Analysis`] in the store.
pub const ANALYSIS: &str = "analysis";

impl Analysis {
    /// What the preflight gate needs of it.
    pub fn facts(&self) -> switchyard_model::gate::AnalysisFacts {
        use switchyard_model::{gate::FailedCheck, verdict::Verdict};
        let mut facts = switchyard_model::gate::AnalysisFacts { at: self.source.at, ..Default::default() };
        // What is milder is on the checklist and closes nothing.
        for check in self.checks.iter().filter(|c| c.blocks()) {
            match &check.verdict {
                Verdict::Pass { .. } => {}
                Verdict::Fail { why, remedy } => {
                    facts.failed.push(FailedCheck { what: format!("{}: {why}.", check.title), remedy: remedy.clone() })
                }
                Verdict::Unknown { .. } => facts.unknown += 1,
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Error {
        Error::new(Kind::Unreachable, "connecting to shop-eu", "nothing listens on 10.0.0.1:5432")
    }

    #[test]
    fn a_server_that_was_there_is_told_from_one_that_never_was() {
        let mut fact = SideFact::default();
        fact.has_trouble("shop-eu", &down());
        assert!(fact.problem.as_ref().unwrap().contains("Check host and port"), "a new endpoint may be mistyped");
        fact.answered_at = Some(951_827_696_000);
        fact.has_trouble("shop-eu", &down());
        let told = fact.problem.unwrap();
        assert!(
            told.starts_with("“shop-eu” stopped answering; its last answer came at 2000-02-29 12:34:56Z."),
            "{told}"
        );
        assert!(told.contains("Nothing listens on 10.0.0.1:5432.") && !told.contains("Check host"), "{told}");
    }

    #[test]
    fn only_what_blocks_closes_the_gate() {
        use switchyard_model::{phase::Phase, schema::Severity, verdict::Verdict};
        let check = |severity, verdict| Check {
            severity,
            ..Check::computed("x", Phase::SchemaAnalysis, "Something holds", verdict, None)
        };
        let fail = || Verdict::fail("it does not", "Mend it.");
        let checks =
            [None, Some(Severity::Blocks), Some(Severity::Data), Some(Severity::Speed), Some(Severity::Cosmetic)]
                .into_iter()
                .flat_map(|s| [check(s, fail()), check(s, Verdict::unknown("not read"))])
                .collect();
        let (source, target) = (nothing_read(), nothing_read());
        let facts = Analysis { source, target, checks }.facts();
        assert_eq!((facts.failed.len(), facts.unknown), (2, 2), "what was never weighed counts as it always did");
    }

    fn nothing_read() -> Inventory {
        serde_json::from_value(serde_json::json!({
            "server": switchyard_model::inventory::ServerFacts::default(), "tables": [], "sequences": [], "extensions": [],
            "available_extensions": [], "large_objects": -1, "at": 0
        }))
        .unwrap()
    }

    #[test]
    fn a_login_that_is_refused_now_is_no_silence() {
        let mut fact = SideFact { answered_at: Some(1), ..SideFact::default() };
        fact.has_trouble("shop-eu", &Error::new(Kind::LoginRefused, "connecting to shop-eu", "wrong password"));
        assert!(!fact.problem.unwrap().contains("stopped"), "the server answers, and says no");
    }
}
