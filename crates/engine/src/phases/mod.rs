//! The commands of the phases before and after the cutover, as sagas: one file per step.

mod analyze_target;
mod copy;
mod digest_tables;
mod empty_target;
mod fix_scope;
mod install_fence;
mod measure_writes;
mod prove_gone;
mod prove_streams;
mod publish;
mod read_catalogs;
mod read_routers;
mod remove_fence;
mod remove_stream;
mod repair_rows;
mod restore_schema;
mod subscribe;
mod titles;

pub use titles::step_title;

use switchyard_model::{Command, Side, ident::TableName, state::State};

use crate::{cutover, saga::Plan, tool::Section};

/// The saga of a command, for this state. The only place that knows which steps a command has.
pub fn plan(command: &Command, state: &State) -> Plan {
    match command {
        Command::Analyze => analyze(state),
        Command::Prepare => prepare(state),
        Command::Hold => hold(state),
        Command::Release => cutover::release_writes(state),
        Command::Replicate => replicate(state),
        Command::Validate => validate(),
        Command::Repair { table, findings } => repair(table.as_ref(), findings, state),
        Command::ShiftReads { percent } => cutover::shift_reads(*percent, state),
        Command::SwitchWrites => cutover::switch_writes(state),
        // An open roll back past its point of no return has changed the authority already; its direction stays.
        Command::RollBack => cutover::roll_back(authority_before(state), state),
        Command::Cleanup { .. } => cleanup(state),
    }
}

fn authority_before(state: &State) -> Side {
    match &state.open_run {
        Some(run) if run.past_no_return => state.authority.other(),
        Some(_) | None => state.authority,
    }
}

fn analyze(state: &State) -> Plan {
    Plan {
        title: "Analyze both sides".to_owned(),
        summary: format!(
            "Reads the catalogs of {} and {} and looks for what would break the migration. Changes nothing.",
            state.spec.source, state.spec.target
        ),
        steps: vec![Box::new(read_catalogs::ReadCatalogs), Box::new(read_routers::ReadRouters)],
        stopwatch: false,
    }
}

fn prepare(state: &State) -> Plan {
    Plan {
        title: "Prepare the target".to_owned(),
        summary: format!(
            "Makes {}'s schema on {}: structure and keys now, other indexes and constraints after the copy. Installs the \
             beats and the fence's triggers, switched off, on both sides.",
            state.spec.source, state.spec.target
        ),
        steps: vec![
            Box::new(read_routers::ReadRouters),
            Box::new(restore_schema::RestoreSchema(Section::Structure)),
            Box::new(restore_schema::RestoreSchema(Section::Keys)),
            Box::new(install_fence::InstallFence(Side::Source)),
            Box::new(install_fence::InstallFence(Side::Target)),
            Box::new(measure_writes::MeasureWrites),
        ],
        stopwatch: false,
    }
}

/// What is fenced has to be fixed first, until replication has done so.
fn hold(state: &State) -> Plan {
    let mut plan = cutover::hold_writes(state);
    if state.milestones.replicating.is_none() {
        plan.steps.insert(0, Box::new(fix_scope::FixScope));
    }
    plan
}

fn replicate(state: &State) -> Plan {
    let meanwhile = if state.held.is_some() { "nobody writes" } else { "the application goes on" };
    Plan {
        title: "Start replication".to_owned(),
        summary: format!(
            "Copies every row of {} to {} while {meanwhile}, then carries every change over. The way back is \
             set up as well, its valve closed.",
            state.spec.source, state.spec.target
        ),
        steps: vec![
            Box::new(fix_scope::FixScope),
            Box::new(empty_target::EmptyTarget),
            Box::new(publish::Publish { from: Side::Source, open: true }),
            Box::new(subscribe::Subscribe { from: Side::Source, copy: true }),
            Box::new(copy::Copy),
            Box::new(restore_schema::RestoreSchema(Section::Rest)),
            Box::new(analyze_target::AnalyzeTarget),
            Box::new(publish::Publish { from: Side::Target, open: false }),
            Box::new(subscribe::Subscribe { from: Side::Target, copy: false }),
            Box::new(prove_streams::ProveStreams),
        ],
        stopwatch: false,
    }
}

fn validate() -> Plan {
    Plan {
        title: "Validate every table".to_owned(),
        summary:
            "Counts and digests every table where it is, both sides at once; rows that differ are looked at again once \
                  the stream has passed. Changes nothing."
                .to_owned(),
        steps: vec![Box::new(digest_tables::DigestTables)],
        stopwatch: false,
    }
}

fn repair(table: Option<&TableName>, findings: &[i64], state: &State) -> Plan {
    let mended = match state.authority {
        Side::Source => &state.spec.target,
        Side::Target => &state.spec.source,
    };
    let which = match (table, findings.len()) {
        (None, 0) => "every row that differs".to_owned(),
        (Some(table), 0) => format!("the rows of {} that differ", table.plain()),
        (_, 1) => "one row that differs".to_owned(),
        (_, n) => format!("{n} rows that differ"),
    };
    Plan {
        title: "Repair rows".to_owned(),
        summary: format!(
            "Makes {which} on {mended} equal to those of the {}, which has the authority. A row is written only if it still is \
             what was seen; each statement is a commit of its own and is not taken back.",
            state.authority
        ),
        steps: vec![Box::new(repair_rows::RepairRows { table: table.cloned(), findings: findings.to_vec() })],
        stopwatch: false,
    }
}

fn cleanup(state: &State) -> Plan {
    let keeps = match state.authority {
        Side::Target => &state.spec.target,
        Side::Source => &state.spec.source,
    };
    Plan {
        title: "Clean up".to_owned(),
        summary: format!(
            "Removes both streams, the fences and the switchyard schema from both sides. {keeps} keeps the authority. After \
             this there is no way back, and the other side no longer refuses writes: keep applications away from it."
        ),
        steps: vec![
            Box::new(remove_stream::RemoveStream(Side::Target)),
            Box::new(remove_stream::RemoveStream(Side::Source)),
            Box::new(remove_fence::RemoveFence(Side::Source)),
            Box::new(remove_fence::RemoveFence(Side::Target)),
            Box::new(prove_gone::ProveGone),
        ],
        stopwatch: false,
    }
}
