//! The cockpit: everything the main screen shows, from the journal's state and what the driver last saw. Pure.

mod checklists;
mod continuous;
mod dual_write;
pub(crate) mod freshness;
mod held;
mod ladder;
mod reads;
mod room;
mod runs;
mod sentry;
mod tiles;

pub use checklists::SIGN_OFFS;
pub(crate) use dual_write::card as dual_write_card;
pub use freshness::lag_limit_ms;

use std::sync::Arc;

use switchyard_engine::{
    facts::{Analysis, Snapshot},
    store::Lease,
};
use switchyard_model::{
    Command, Side, UnixMs,
    drill::DrillResult,
    figure,
    gate::{self, Judged, Question},
    phase::Phase,
    state::State,
};

use crate::dto::*;

/// What the cockpit is computed from.
pub struct Seen<'a> {
    /// The journal's state.
    pub state: &'a State,
    /// What the driver last saw.
    pub snapshot: Snapshot,
    /// When it saw it; None when nobody has driven yet.
    pub measured_at: Option<UnixMs>,
    /// The newest analysis.
    pub analysis: Option<Arc<Analysis>>,
    /// What is kept of the newest shadow reads.
    pub shadow: Option<ShadowSummary>,
    /// The lease.
    pub lease: Option<Lease>,
    /// This process.
    pub operator: &'a str,
    /// Now.
    pub now: UnixMs,
    /// What the asker holds already.
    pub have: Have,
}

impl Seen<'_> {
    /// The large parts that the asker need not get again.
    fn left_out(&self) -> LeftOut {
        let validation_at = self.state.validation.as_ref().map(|v| v.at);
        let copy_done = self.snapshot.copy.as_ref().is_some_and(|c| c.done);
        LeftOut {
            validation: validation_at.is_some() && validation_at == self.have.validation_at,
            copy: copy_done && self.have.copy_done,
        }
    }

    fn judge(&self, command: &Command) -> Vec<Judged> {
        gate::judge(&Question { command, state: self.state, facts: &self.snapshot.facts, now: self.now })
    }
}

/// Computes it.
pub fn build(seen: &Seen<'_>) -> Cockpit {
    let state = seen.state;
    let phases = checklists::phases(seen);
    let phase = phases.iter().find(|p| p.state == PhaseState::Now).map_or(Phase::Cleanup, |p| p.phase);
    let next = next_command(seen);
    Cockpit {
        spec: state.spec.clone(),
        left_out: seen.left_out(),
        at: seen.measured_at.unwrap_or(0),
        measured: freshness::measured(seen),
        headline: headline(state),
        source: tiles::side(&state.spec.source, &seen.snapshot.source),
        target: tiles::side(&state.spec.target, &seen.snapshot.target),
        authority: state.authority,
        authority_since: state.authority_since,
        epoch: state.epoch,
        held: held::card(seen),
        reads_on_target: state.route.reads_on_target,
        read_back: freshness::read_back(seen),
        phase,
        phases,
        lag: tiles::lag(seen, state.authority),
        way_back: tiles::lag(seen, state.authority.other()),
        write_latency: tiles::write_latency(seen),
        read_latency: reads::tile(seen),
        validation: state.validation.as_ref().filter(|_| !seen.left_out().validation).cloned(),
        copy: seen.snapshot.copy.as_ref().filter(|_| !seen.left_out().copy).map(tiles::copy),
        slots: tiles::slots(seen),
        dual_write: dual_write::card(seen.state, seen.snapshot.dual_write.as_ref()),
        ladder: ladder::cards(seen),
        soak: room::soak(seen),
        gates: next.as_ref().map(|n| seen.judge(&n.command)).unwrap_or_default(),
        back: back_command(seen),
        next,
        rollback: rollback(seen),
        running: state.open_run.as_ref().map(|r| runs::card(r, seen)),
        last_run: state.last_run.as_ref().map(|r| runs::card(r, seen)),
        last_forward: state.last_forward.as_ref().map(|(at, s)| SwitchCard { at: *at, stopwatch: s.clone() }),
        last_rollback: state.last_rollback.as_ref().map(|(at, s)| SwitchCard { at: *at, stopwatch: s.clone() }),
        health: tiles::health(seen),
        lease: lease(seen),
        limits: state.limits().clone(),
        passwords_needed: seen.snapshot.passwords_needed.clone(),
    }
}

/// Whether clients are being held by the run that is open.
pub fn is_holding(state: &State) -> bool {
    holding_since(state).is_some()
}

/// Since when they are; None while nobody is held.
pub fn holding_since(state: &State) -> Option<UnixMs> {
    use switchyard_model::state::StepState;
    let run = state.open_run.as_ref()?;
    let step = |name: &str| run.steps.iter().find(|s| s.step == name);
    let hold = step("hold").filter(|s| matches!(s.state, StepState::Running | StepState::Done | StepState::Skipped))?;
    // A switch lets them go with `release`, a hold that stands with `resume`.
    let released = step("release")
        .or_else(|| step("resume"))
        .is_some_and(|s| matches!(s.state, StepState::Done | StepState::Skipped));
    (!released).then_some(hold.started)
}

/// One line: where the migration stands.
pub fn headline(state: &State) -> String {
    let m = &state.milestones;
    if m.cleaned.is_some() {
        return format!("Cleaned up · {} has the authority", state.authority);
    }
    if let Some(run) = &state.open_run {
        return format!("Running · {}", run.command.label());
    }
    match state.authority {
        Side::Target => "Receive-only · writes on target".to_owned(),
        Side::Source if state.route.reads_on_target > 0 => {
            format!("Cutover · {} % of reads on target", state.route.reads_on_target)
        }
        Side::Source if state.held.is_some() => held::headline(state),
        Side::Source if state.validation.is_some() => "Validated · all traffic on source".to_owned(),
        Side::Source if m.replicating.is_some() => "Replicating · all traffic on source".to_owned(),
        Side::Source if m.prepared.is_some() => "Target prepared".to_owned(),
        Side::Source if m.analyzed.is_some() => "Analyzed".to_owned(),
        Side::Source => "New".to_owned(),
    }
}

/// Why a command cannot be run now: the state's word first, then every closed gate.
pub fn why_not(command: &Command, state: &State, gates: &[Judged]) -> Option<String> {
    state.allows(command).err().or_else(|| shut(gates))
}

/// Every closed gate that nobody overrode, in one line; None where all are open.
pub fn shut(gates: &[Judged]) -> Option<String> {
    let closed: Vec<String> = gates
        .iter()
        .filter(|g| !g.verdict.opens() && g.overridden_by.is_none())
        .map(|g| format!("{}: {}", g.title, g.verdict.sentence()))
        .collect();
    if closed.is_empty() { None } else { Some(closed.join(" · ")) }
}

fn next_command(seen: &Seen<'_>) -> Option<NextCommand> {
    let state = seen.state;
    let m = &state.milestones;
    if m.cleaned.is_some() {
        return None;
    }
    let hold = state.spec.strategy.holds_writes() && state.held.is_none();
    let validated = state.validation.as_ref().is_some_and(|v| v.findings() == 0 && v.unproven() == 0);
    let (command, title) = if m.analyzed.is_none() {
        (Command::Analyze, "Next: read both sides".to_owned())
    } else if m.prepared.is_none() {
        (Command::Prepare, "Next: make the target's schema".to_owned())
    } else if m.replicating.is_none() && hold {
        (Command::Hold, "Next: refuse writes, for the copy".to_owned())
    } else if m.replicating.is_none() {
        (Command::Replicate, "Next: copy every row and follow every change".to_owned())
    } else if state.authority == Side::Target {
        (Command::Cleanup { typed_name: state.spec.name.clone() }, "Next: end the migration".to_owned())
    } else if !validated && state.route.reads_on_target == 0 {
        (Command::Validate, "Next: prove both sides equal".to_owned())
    } else if let Some(percent) = state.next_rung() {
        let title = format!("Next: {} % → {percent} % of reads", state.route.reads_on_target);
        (Command::ShiftReads { percent }, title)
    } else if hold {
        (Command::Hold, "Next: refuse writes, until the switch".to_owned())
    } else {
        let what = if state.spec.strategy.moves_reads_by_percent() { "writes" } else { "reads and writes" };
        (Command::SwitchWrites, format!("Next: {what} to the target"))
    };
    Some(button(seen, command, title))
}

fn back_command(seen: &Seen<'_>) -> Option<NextCommand> {
    if seen.state.authority == Side::Target {
        return None;
    }
    if seen.state.held.is_some() || held::is_stray(seen) {
        return Some(button(seen, Command::Release, "Writes go on at the source".to_owned()));
    }
    let percent = seen.state.previous_rung()?;
    let mut button = button(seen, Command::ShiftReads { percent }, "One rung down".to_owned());
    button.label = format!("Back to {percent} %");
    Some(button)
}

fn button(seen: &Seen<'_>, command: Command, title: String) -> NextCommand {
    let gates = seen.judge(&command);
    let why_not = why_not(&command, seen.state, &gates);
    let closed = gates.iter().filter(|g| !g.verdict.opens() && g.overridden_by.is_none());
    // It opens by itself only when every closed gate does.
    let opens_at = closed.map(|g| g.opens_at).collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().max());
    NextCommand { label: command.label(), title, open: why_not.is_none(), opens_at, why_not, command }
}

fn rollback(seen: &Seen<'_>) -> RollbackCard {
    let why_not = why_not(&Command::RollBack, seen.state, &[]);
    let rolled = seen.state.last_rollback.as_ref().map(|(at, watch)| (*at, watch));
    let drilled = seen.state.last_rehearsal().and_then(|d| d.ended.as_ref());
    let note = match (rolled, drilled) {
        _ if seen.state.held.is_some() => "writes go on at the source; nothing has moved".to_owned(),
        // A drill of writes ends with a rollback of its own, and says more than that.
        (Some((at, watch)), drill) if drill.is_none_or(|(ended, _)| *ended < at) => {
            format!("last rollback held writes for {:.0} ms", watch.write_pause_ms)
        }
        (_, Some((_, drill))) => drill_note(drill),
        (_, None) => "never tested: a hope".to_owned(),
    };
    RollbackCard { open: why_not.is_none(), why_not, note }
}

/// What the last drill says of the way back.
fn drill_note(drill: &DrillResult) -> String {
    match drill.total_ms {
        Some(total) if drill.passed => {
            format!("last drill: back in {}, 0 of {} writes lost", figure::lag(total), drill.ledger.acknowledged)
        }
        Some(_) | None => "the last drill failed".to_owned(),
    }
}

fn lease(seen: &Seen<'_>) -> LeaseCard {
    match &seen.lease {
        Some(l) if l.expires > seen.now => {
            LeaseCard { mine: l.holder == seen.operator, holder: Some(l.holder.clone()), since: Some(l.since) }
        }
        Some(_) | None => LeaseCard { mine: false, holder: None, since: None },
    }
}
