//! The checklists of the six phases. Every check is computed or signed off; what nobody has looked at is Unknown.

use switchyard_model::{
    Command, Side,
    check::{Check, SignOff},
    figure,
    gate::duration,
    phase::Phase,
    verdict::Verdict,
};

use super::{Seen, freshness::LOOKED_MS};
use crate::dto::*;

/// A check that only a person can answer.
pub struct WantedSignOff {
    /// Stable name.
    pub id: &'static str,
    phase: Phase,
    title: &'static str,
}

/// All of them.
pub const SIGN_OFFS: &[WantedSignOff] = &[
    WantedSignOff {
        id: "schema.owner",
        phase: Phase::SchemaAnalysis,
        title: "Schema changes are frozen until Cleanup",
    },
    WantedSignOff {
        id: "compat.application",
        phase: Phase::CompatibilityLayer,
        title: "The application runs against the target's version",
    },
    WantedSignOff { id: "cutover.owner", phase: Phase::TrafficCutover, title: "Application owner agrees" },
    WantedSignOff {
        id: "cleanup.backup",
        phase: Phase::Cleanup,
        title: "A backup of the target has been restored once",
    },
];

pub(super) fn phases(seen: &Seen<'_>) -> Vec<PhaseCard> {
    let mut now_taken = false;
    Phase::ALL
        .into_iter()
        .map(|phase| {
            let checks = checks(seen, phase);
            let passed = checks.iter().filter(|c| c.verdict.opens()).count() as u32;
            let state = match (is_done(seen, phase), now_taken) {
                (true, _) => PhaseState::Done,
                (false, false) => PhaseState::Now,
                (false, true) => PhaseState::Later,
            };
            now_taken |= state == PhaseState::Now;
            PhaseCard { phase, title: phase.title().to_owned(), passed, total: checks.len() as u32, state, checks }
        })
        .collect()
}

fn is_done(seen: &Seen<'_>, phase: Phase) -> bool {
    let (state, m) = (seen.state, &seen.state.milestones);
    match phase {
        Phase::SchemaAnalysis => m.analyzed.is_some(),
        Phase::CompatibilityLayer => m.prepared.is_some(),
        Phase::DualWrite => m.replicating.is_some(),
        Phase::Validation => {
            state.route.reads_on_target > 0
                || state.authority == Side::Target
                || state.validation.as_ref().is_some_and(|v| v.findings() == 0 && v.unproven() == 0)
        }
        Phase::TrafficCutover => {
            let held = (seen.now - state.authority_since) / 1000;
            m.cleaned.is_some() || state.authority == Side::Target && held >= i64::from(state.limits().receive_only_s)
        }
        Phase::Cleanup => m.cleaned.is_some(),
    }
}

fn checks(seen: &Seen<'_>, phase: Phase) -> Vec<Check> {
    let mut checks = match phase {
        Phase::SchemaAnalysis => analysis(seen),
        Phase::CompatibilityLayer => compatibility(seen),
        Phase::DualWrite => dual_write(seen),
        Phase::Validation => validation(seen),
        Phase::TrafficCutover => cutover(seen),
        Phase::Cleanup => cleanup(seen),
    };
    checks.extend(SIGN_OFFS.iter().filter(|s| s.phase == phase).map(|s| sign_off(seen, s)));
    checks
}

fn sign_off(seen: &Seen<'_>, wanted: &WantedSignOff) -> Check {
    let (verdict, at, sign_off) = match seen.state.sign_offs.get(wanted.id) {
        Some((by, reason, at)) => (
            Verdict::pass(format!("{by}: {reason}")),
            Some(*at),
            SignOff::Signed { by: by.clone(), reason: reason.clone(), at: *at },
        ),
        None => (Verdict::unknown("a person has to sign this off"), None, SignOff::Wanted),
    };
    Check { sign_off, ..Check::computed(wanted.id, wanted.phase, wanted.title, verdict, at) }
}

fn analysis(seen: &Seen<'_>) -> Vec<Check> {
    match &seen.analysis {
        Some(analysis) => analysis.checks.clone(),
        None => vec![Check::computed(
            "schema.read",
            Phase::SchemaAnalysis,
            "Both catalogs have been read",
            Verdict::unknown("run “Analyze both sides”"),
            None,
        )],
    }
}

fn compatibility(seen: &Seen<'_>) -> Vec<Check> {
    let phase = Phase::CompatibilityLayer;
    let at = seen.state.milestones.prepared;
    let done = |evidence: &str| match at {
        Some(_) => Verdict::pass(evidence),
        None => Verdict::unknown("run “Prepare the target”"),
    };
    vec![
        Check::computed(
            "compat.schema",
            phase,
            "The target has the source's structure and keys",
            done("restored from the source's dump"),
            at,
        ),
        Check::computed(
            "compat.fence",
            phase,
            "Beats and fences are installed, switched off",
            done("on both sides"),
            at,
        ),
        from_gate(seen, phase, "read_back", "The routers were found and say what the journal says"),
    ]
}

fn dual_write(seen: &Seen<'_>) -> Vec<Check> {
    let phase = Phase::DualWrite;
    let mut checks = super::held::checks(seen, phase);
    checks.extend([copied(seen), indexed(seen)]);
    checks.push(stream(seen, "dual.forward", "Source → target streams", Side::Source));
    checks.push(stream(
        seen,
        "dual.reverse",
        "Target → source streams beats, its rows' valve as the journal says",
        Side::Target,
    ));
    checks.push(from_gate(seen, phase, "lag", lag_title(seen)));
    checks.push(from_gate(seen, phase, "way_back", "A live row comes back"));
    checks.push(retention(seen));
    checks.push(latency(seen));
    checks.extend(super::dual_write::check(seen));
    checks
}

fn copied(seen: &Seen<'_>) -> Check {
    let at = seen.state.milestones.replicating;
    let verdict = match (&seen.snapshot.copy, at) {
        (Some(copy), _) if copy.done => {
            let rows: i64 = copy.tables.iter().map(|t| t.rows_done).sum();
            Verdict::pass(format!("{} tables, about {} rows", copy.tables.len(), figure::count(rows)))
        }
        (_, Some(_)) => Verdict::pass("recorded in the journal"),
        (Some(copy), None) => {
            let ready = copy.tables.iter().filter(|t| t.state == switchyard_engine::facts::CopyState::Ready).count();
            Verdict::unknown(format!("{ready} of {} tables so far", copy.tables.len()))
        }
        (None, None) => Verdict::unknown("run “Start replication”"),
    };
    Check::computed("dual.copy", Phase::DualWrite, "Every row was copied", verdict, at)
}

fn indexed(seen: &Seen<'_>) -> Check {
    let at = seen.state.milestones.replicating;
    let verdict = match at {
        Some(_) => Verdict::pass("restored after the copy, statistics gathered"),
        None => Verdict::unknown("after the copy"),
    };
    Check::computed(
        "dual.indexes",
        Phase::DualWrite,
        "Indexes, constraints and triggers are on the target",
        verdict,
        at,
    )
}

fn stream(seen: &Seen<'_>, id: &str, title: &str, from: Side) -> Check {
    let slot = seen.snapshot.slots.iter().find(|s| s.on == from);
    let verdict = match slot {
        Some(s) if s.active => Verdict::pass(format!("slot active, {} behind", figure::bytes(s.lag_bytes))),
        Some(s) => Verdict::fail(
            format!("nobody reads from slot {}", s.name),
            "Look at the subscription on the other side; its server's log names the error.",
        ),
        None => Verdict::unknown("no slot seen yet"),
    };
    Check::computed(id, Phase::DualWrite, title, verdict, slot.map(|s| s.at)).counting_for(LOOKED_MS)
}

fn retention(seen: &Seen<'_>) -> Check {
    let worst = seen.snapshot.slots.iter().max_by_key(|s| s.retained_bytes);
    let verdict = match worst {
        None => Verdict::unknown("no slot seen yet"),
        Some(s) => match s.seconds_to_limit {
            Some(left) if left < 3600 => Verdict::fail(
                format!("{} kept, limit reached in {}", figure::bytes(s.retained_bytes), duration(left)),
                "Raise max_slot_wal_keep_size, or find out why the other side does not confirm.",
            ),
            Some(left) => {
                Verdict::pass(format!("{} kept, {} to the limit", figure::bytes(s.retained_bytes), duration(left)))
            }
            None => Verdict::pass(match s.limit_bytes {
                Some(limit) => format!("{} of {} kept", figure::bytes(s.retained_bytes), figure::bytes(limit)),
                None => format!("{} kept, no limit but the disk", figure::bytes(s.retained_bytes)),
            }),
        },
    };
    Check::computed(
        "dual.retention",
        Phase::DualWrite,
        "WAL kept for the streams stays within its limit",
        verdict,
        worst.map(|s| s.at),
    )
    .counting_for(LOOKED_MS)
}

fn latency(seen: &Seen<'_>) -> Check {
    let (verdict, at) = match &seen.snapshot.write_latency {
        None => (Verdict::unknown("not measured yet"), None),
        Some(w) => match w.before_ms {
            None => (Verdict::unknown("not measured before replication began"), Some(w.at)),
            Some(before) => (
                Verdict::pass(format!(
                    "{:+.2} ms: {before:.2} → {:.2} ms, {} writes",
                    w.now_ms - before,
                    w.now_ms,
                    w.samples
                )),
                Some(w.at),
            ),
        },
    };
    Check::computed("dual.latency", Phase::DualWrite, "Added write latency measured", verdict, at)
}

fn validation(seen: &Seen<'_>) -> Vec<Check> {
    let phase = Phase::Validation;
    let v = seen.state.validation.as_ref();
    let at = v.map(|v| v.at);
    let (equal, proven) = match v {
        None => (Verdict::unknown("run “Validate every table”"), Verdict::unknown("run “Validate every table”")),
        Some(v) => (
            match v.findings() {
                0 => Verdict::pass(format!("0 of {} tables, {} rows", v.tables.len(), figure::count(v.rows()))),
                n => Verdict::fail(format!("{n} of {} tables differ", v.tables.len()), "Open the Consistency page."),
            },
            match v.unproven() {
                0 => Verdict::pass("every table was compared to the end"),
                n => Verdict::unknown(format!("{n} tables kept changing or could not be read")),
            },
        ),
    };
    vec![
        Check::computed("validation.equal", phase, "No table differs", equal, at),
        Check::computed("validation.proven", phase, "Every table is proven", proven, at),
        from_gate(seen, phase, "schema", "No table was altered on one side alone"),
        from_gate(seen, phase, "consistency", format!("Full pass in the last {}", counts_for(seen))),
        super::continuous::check(seen),
        crate::shadow::check(seen.state, seen.shadow.as_ref(), seen.now),
    ]
}

fn cutover(seen: &Seen<'_>) -> Vec<Check> {
    let phase = Phase::TrafficCutover;
    let state = seen.state;
    let reads = match state.route.reads_on_target {
        100 => Verdict::pass("100 %"),
        percent => Verdict::unknown(format!("{percent} % so far")),
    };
    let by_percent = state.spec.strategy.moves_reads_by_percent();
    let writes = match state.authority {
        Side::Target => Verdict::pass(format!("epoch {}", state.epoch)),
        Side::Source if by_percent => Verdict::unknown("after 100 % of reads"),
        Side::Source => Verdict::unknown("with the reads, in one switch"),
    };
    let mut checks = super::held::checks(seen, phase);
    checks.extend([
        from_gate(seen, phase, "lag", lag_title(seen)),
        from_gate(seen, phase, "consistency", format!("Full pass in the last {}", counts_for(seen))),
        from_gate(seen, phase, "way_back", "A live row comes back"),
        from_gate(seen, phase, "read_back", "Routers say what they were told"),
        super::reads::latency(seen),
        super::reads::errors(seen),
    ]);
    checks.extend(super::reads::application(seen));
    checks.extend(super::room::checks(seen));
    checks.extend([
        soak(seen),
        drilled(seen),
        super::sentry::check(seen),
        Check::computed("cutover.reads", phase, "All reads on the target", reads, Some(state.route_since)),
        Check::computed("cutover.writes", phase, "Writes moved to the target", writes, Some(state.authority_since)),
    ]);
    checks
}

/// The newest drill, whatever the limits ask for.
fn drilled(seen: &Seen<'_>) -> Check {
    let last = seen.state.last_rehearsal().and_then(|d| d.ended.as_ref());
    let verdict = match last {
        None => Verdict::unknown("never tested: a hope"),
        Some((_, r)) => match (r.passed, r.total_ms) {
            (true, Some(total)) => {
                Verdict::pass(format!("back in {}, 0 of {} writes lost", figure::lag(total), r.ledger.acknowledged))
            }
            (_, _) => Verdict::fail(
                r.why_not.first().cloned().unwrap_or_else(|| "the last one failed".to_owned()),
                "Look at the Drills page, mend it, and rehearse again.",
            ),
        },
    };
    Check::computed(
        "cutover.drill",
        Phase::TrafficCutover,
        "Rollback drill passed on this pair",
        verdict,
        last.map(|(at, _)| *at),
    )
}

/// `Lag under 1 s for 30 min`.
fn lag_title(seen: &Seen<'_>) -> String {
    let limits = seen.state.limits();
    let (limit, hold) = (f64::from(limits.lag_limit_ms), i64::from(limits.lag_hold_s));
    if seen.state.held.is_some() {
        return format!("Lag under {}", figure::limit(limit));
    }
    format!("Lag under {} for {}", figure::limit(limit), figure::span(hold))
}

/// `10 % held for 2 h`. Once writes have moved no rung is left to hold.
fn soak(seen: &Seen<'_>) -> Check {
    let (phase, title) = (Phase::TrafficCutover, "The present rung has held");
    match (seen.state.authority, seen.state.route.reads_on_target) {
        (Side::Target, _) => Check::computed("gate.soak", phase, title, Verdict::pass("every rung is behind it"), None),
        (Side::Source, 0) => from_gate(seen, phase, "soak", title),
        (Side::Source, percent) => {
            let needed = figure::span(i64::from(seen.state.soak_s()));
            from_gate(seen, phase, "soak", format!("{percent} % held for {needed}"))
        }
    }
}

fn counts_for(seen: &Seen<'_>) -> String {
    figure::span(i64::from(seen.state.limits().validation_max_age_s))
}

fn cleanup(seen: &Seen<'_>) -> Vec<Check> {
    let phase = Phase::Cleanup;
    let state = seen.state;
    let title = format!("Source receive-only for {}", figure::span(i64::from(state.limits().receive_only_s)));
    let id = "cleanup.receive_only";
    let receive_only = match state.authority {
        Side::Source => Check::computed(id, phase, title, Verdict::unknown("the source has the authority"), None),
        Side::Target => {
            let command = Command::Cleanup { typed_name: state.spec.name.clone() };
            Check { id: id.to_owned(), ..gate_check(seen, &command, phase, "receive_only", title) }
        }
    };
    let cleaned = match state.milestones.cleaned {
        Some(_) => Verdict::pass("streams, fences and the switchyard schema are gone on both sides"),
        None => Verdict::unknown("run “Clean up”"),
    };
    vec![
        receive_only,
        Check::computed("cleanup.removed", phase, "Nothing of ours is left", cleaned, state.milestones.cleaned),
    ]
}

/// A gate's answer as a check. Gates of the ladder are asked for the next rung, or for the switch at its top; once writes
/// are on the target nothing goes further, and what is left to ask is whether the way stays passable.
pub(super) fn from_gate(seen: &Seen<'_>, phase: Phase, gate: &str, title: impl Into<String>) -> Check {
    let command = seen.state.next_rung().map_or(Command::SwitchWrites, |percent| Command::ShiftReads { percent });
    gate_check(seen, &command, phase, gate, title)
}

pub(super) fn gate_check(
    seen: &Seen<'_>,
    command: &Command,
    phase: Phase,
    gate: &str,
    title: impl Into<String>,
) -> Check {
    let id = format!("gate.{gate}");
    match seen.judge(command).into_iter().find(|j| j.gate == gate) {
        None => Check::computed(id, phase, title, Verdict::unknown("not asked in this state"), None),
        Some(j) => {
            Check { counts_ms: j.counts_ms, opens_at: j.opens_at, ..Check::computed(id, phase, title, j.verdict, j.at) }
        }
    }
}
