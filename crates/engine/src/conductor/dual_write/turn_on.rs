//! Turning it on: looks, the watchdog, a figure without waiting, the intent, then one setting after the other. The prober waits for the
//! target before anybody else does.

use std::sync::Arc;

use switchyard_model::{
    Side,
    dual_write::{Cause, DualWriteEvent, DualWriteRecord, End, Former, Percentiles},
    figure,
};
use tokio_util::sync::CancellationToken;

use super::{Live, attend, ended, free, probing, record, source};
use crate::{
    db::{Database, synchronous::Line},
    error::{Error, Kind, Result},
    watchdog::{Launcher, Watchdog},
};

/// Everything that attending takes.
pub(super) struct Standing {
    pub(super) source: Database,
    pub(super) standby: String,
    pub(super) line: Box<dyn Line>,
    pub(super) former: Former,
    pub(super) watchdog: Watchdog,
}

/// Turns it on, attends it, and takes it off; returns when it is over.
pub(super) async fn turn_on(live: &Arc<Live>, open: &DualWriteRecord, stop: &CancellationToken) -> Result<()> {
    if let Some((_, by)) = &open.off_asked {
        let end = nothing(Cause::Operator, format!("{by} took it back before it was on."));
        return ended(live, open, end).await;
    }
    let prepared = tokio::select! {
        prepared = prepare(live, open) => prepared,
        // Nothing was changed, and it stays asked for.
        () = stop.cancelled() => return Ok(()),
    };
    let (mut standing, before) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => return ended(live, open, nothing(Cause::Refused, told(&e))).await,
    };
    let former = standing.former.clone();
    if let Err(e) = record(live, DualWriteEvent::Began { dual: open.id, before, former }).await {
        standing.watchdog.stand_down().await;
        return Err(e);
    }
    // A command that was judged before this was asked for may have begun meanwhile; it goes first.
    let meanwhile = live.book.look(switchyard_model::state::State::allows_dual_write_now).await;
    let on = tokio::select! {
        on = async {
            meanwhile.map_err(|why| (Cause::Refused, why))?;
            act(live, open, &mut standing).await
        } => on,
        () = stop.cancelled() => Err((Cause::OrderlyEnd, "Whoever drives ended while it was turned on.".to_owned())),
    };
    let over = match on {
        Ok(since) => attend::attend(live, open, &mut standing, &since, stop).await,
        Err((cause, why)) => attend::Over { cause, why, during: None },
    };
    free::free_and_end(live, open, standing, over, stop).await
}

fn nothing(cause: Cause, why: String) -> End {
    End { cause, why, during: None, freed_ms: None }
}

fn told(e: &Error) -> String {
    match e.kind {
        // These say what to do themselves.
        Kind::Refused | Kind::Unsuitable | Kind::Privilege => crate::error::sentence(&e.why),
        _ => format!("{} {}", e.sentence(), e.remedy()),
    }
}

async fn prepare(live: &Arc<Live>, open: &DualWriteRecord) -> Result<(Standing, Percentiles)> {
    let state = live.book.state().await;
    let refused = |why: String| Error::new(Kind::Refused, "turning synchronous dual write on", why);
    state.allows_dual_write_now().map_err(refused)?;
    let launcher = live.parts.watchdog.as_ref().ok_or_else(|| {
        let why = "this process cannot start a watchdog, and without one a source could wait without end when it dies: let the \
                   window or `switchyardctl drive` drive the migration";
        refused(why.to_owned())
    })?;
    let (source, standby) = (source(live).await?, state.spec.slot(Side::Source));
    let former = source.synchronous.look(&open.order.scope, &standby).await?;
    let mut line = source.synchronous.line(&open.order.scope, &standby).await?;
    let before = probing::measure(&source, line.as_mut(), &live.parts.clock, false, probing::BEFORE).await?;
    let watchdog = launch(live, launcher).await?;
    Ok((Standing { source, standby, line, former, watchdog }, before))
}

async fn launch(live: &Live, launcher: &Launcher) -> Result<Watchdog> {
    let secrets = live.pair().await.map(|pair| pair.secrets).unwrap_or_default();
    launcher.launch_to_attend(live.book.migration(), live.book.by(), &secrets).await
}

/// Changes the settings; returns the source's time of the switch. Whatever was changed when it fails is taken off by the caller.
async fn act(
    live: &Arc<Live>,
    open: &DualWriteRecord,
    standing: &mut Standing,
) -> std::result::Result<String, (Cause, String)> {
    let refused = |e: Error| (Cause::Refused, told(&e));
    standing.line.spare_others(&standing.former).await.map_err(refused)?;
    standing.line.name_standby().await.map_err(refused)?;
    // The prober alone waits now: what is too dear, or does not answer, never reaches the application.
    let Standing { source, line, .. } = standing;
    let trial = probing::measure(source, line.as_mut(), &live.parts.clock, true, probing::SHORT).await;
    let trial = trial.map_err(|e| (Cause::Refused, format!("{} Nobody else had waited.", e.sentence())))?;
    let budget = open.order.budget_ms();
    if trial.p99_ms > budget {
        let why = format!(
            "Tried out, it takes {}, and the budget for P99 is {}; nobody else had waited.",
            trial.words(),
            figure::read_ms(budget)
        );
        return Err((Cause::Refused, why));
    }
    // A process that slept since its intent may have been replaced: the next holder has freed the source, and must not find it on again.
    live.book.is_ours().await.map_err(refused)?;
    let since = standing.line.choose().await.map_err(refused)?;
    let stands = DualWriteEvent::Stands { dual: open.id, since: since.clone() };
    record(live, stands).await.map_err(|e| (Cause::OrderlyEnd, told(&e)))?;
    renew_writers(live).await;
    Ok(since)
}

/// New settings count for new sessions: pooled ones are made anew. Where that fails, those that are left are counted on the page.
pub(super) async fn renew_writers(live: &Live) {
    let Some(pair) = live.pair().await else { return };
    if let Err(e) = pair.routers.renew_writers().await {
        tracing::warn!(error = %e, "a pooler keeps its old connections to the source for now");
    }
}
