//! What has to be so before a side is made to refuse writes, whether for a switch or by agreement. Looks only, but for the
//! watchdog.

use switchyard_model::{Side, ident::TableName};

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Step},
};

/// A transaction older than this that holds locks on our tables would make the fence wait, ms.
const BLOCKER_AGE_MS: i64 = 500;

/// Refuses to begin.
pub(super) fn refuse(cx: &Cx, step: &dyn Step, why: impl Into<String>) -> Error {
    Error::new(Kind::Refused, step.title(cx), why)
}

/// Both sides have the fence on every table, and the side that is to refuse has no table beside them.
pub(super) async fn fences_are_installed(cx: &Cx, step: &dyn Step, refusing: Side, tables: &[TableName]) -> Result<()> {
    for side in [Side::Source, Side::Target] {
        if !cx.pair.db(side).fence.is_installed(tables).await? {
            let label = &cx.pair.db(side).label;
            let why = format!(
                "the fence's triggers are not on every table of {label}; one that the migration carries was made anew"
            );
            return Err(refuse(cx, step, why));
        }
    }
    if let Some(first) = cx.pair.db(refusing).fence.uncovered().await?.first() {
        let (table, label) = (first.plain(), &cx.pair.db(refusing).label);
        let why = match cx.state.milestones.replicating {
            Some(_) => format!(
                "{table} on {label} was made since replication began, so what is written to it is not carried over: \
                 drop it or move it to another database, or clean up and begin anew"
            ),
            None => format!(
                "{table} on {label} was made since the fence was installed, so writes to it would not be refused: run \
                 “Prepare the target” again"
            ),
        };
        return Err(refuse(cx, step, why));
    }
    Ok(())
}

/// No transaction would make the fence wait beyond its limit.
pub(super) async fn nobody_blocks(cx: &Cx, step: &dyn Step, refusing: Side, tables: &[TableName]) -> Result<()> {
    let blockers = cx.pair.db(refusing).fence.blockers(tables, BLOCKER_AGE_MS).await?;
    // One whose age cannot be seen (it is just ending, or our role may not look) is left to the fence's lock timeout.
    let blockers: Vec<_> = blockers.into_iter().filter(|b| b.age_ms >= BLOCKER_AGE_MS).collect();
    let Some(b) = blockers.first() else { return Ok(()) };
    let why = format!(
        "{} transaction(s) would block the fence; the longest is process {} of “{}” at {}, open for {:.1} s",
        blockers.len(),
        b.pid,
        b.application,
        b.address,
        b.age_ms as f64 / 1000.0
    );
    Err(Error::new(Kind::LockTimeout, step.title(cx), why))
}

/// Every router can hold clients, and none does.
pub(super) async fn routers_can_hold(cx: &Cx, step: &dyn Step) -> Result<()> {
    cx.pair.routers.demand_rights().await?;
    if cx.pair.routers.any_holding().await? {
        return Err(refuse(cx, step, "a router is holding clients already; RESUME it first"));
    }
    Ok(())
}

/// Somebody has to let clients go on when this process dies while they wait.
pub(super) async fn launch_watchdog(cx: &Cx) -> Result<()> {
    let Some(launcher) = &cx.launcher else { return Ok(()) };
    let mut session = cx.session.lock().await;
    // One that is dropped takes over at once, so there is never a second.
    if session.watchdog.is_some() {
        return Ok(());
    }
    session.watchdog = Some(launcher.launch_for(cx).await?);
    Ok(())
}
