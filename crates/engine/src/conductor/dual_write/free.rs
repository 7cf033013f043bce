//! Taking it off: whoever waits goes on, and what was set comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::{
    Side,
    dual_write::{Cause, DualWriteEvent, DualWriteRecord, End, Former},
};
use tokio_util::sync::CancellationToken;

use super::{
    Live,
    attend::Over,
    ended, probing, record, source,
    turn_on::{Standing, renew_writers},
};
use crate::{
    db::synchronous::Line,
    error::{Error, Kind, Result},
};

/// Longest that one attempt may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(200);

/// How long a process that is to end goes on trying; what is left then is the watchdog's.
const LAST: Duration = Duration::from_millis(2_000);

/// Takes off what this process turned on, journals it, and measures once more.
pub(super) async fn free_and_end(
    live: &Arc<Live>,
    open: &DualWriteRecord,
    mut standing: Standing,
    over: Over,
    stop: &CancellationToken,
) -> Result<()> {
    let began = Instant::now();
    let mut stopping = None;
    loop {
        let error = match attempt(standing.line.as_mut(), &standing.former).await {
            Ok(()) => break,
            Err(e) => e,
        };
        tracing::error!(error = %error, "commits on the source may still wait for the target");
        if stop.is_cancelled() && stopping.get_or_insert_with(Instant::now).elapsed() > LAST {
            // Dropped without a good word: the watchdog goes on.
            return Err(error);
        }
        tokio::time::sleep(AGAIN).await;
        let again = standing.source.synchronous.line(&open.order.scope, &standing.standby);
        if let Ok(Ok(line)) = tokio::time::timeout(PATIENCE, again).await {
            standing.line = line;
        }
        // A watchdog that is gone says so by itself; this process is there.
        let _ = standing.watchdog.still_here().await;
    }
    let freed_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
    let end = End { cause: over.cause, why: over.why, during: over.during, freed_ms };
    ended(live, open, end).await?;
    standing.watchdog.stand_down().await;
    if stop.is_cancelled() {
        return Ok(());
    }
    renew_writers(live).await;
    let after = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        after = probing::measure(&standing.source, standing.line.as_mut(), &live.parts.clock, false, probing::SHORT) => after?,
    };
    record(live, DualWriteEvent::Measured { dual: open.id, after }).await.map(drop)
}

async fn attempt(line: &mut dyn Line, former: &Former) -> Result<()> {
    match tokio::time::timeout(PATIENCE, line.free(former)).await {
        Ok(done) => done,
        Err(_) => Err(Error::new(Kind::Deadline, "freeing the source", "no answer within 3 s")),
    }
}

/// Takes off what another process turned on and does not attend any more.
pub(super) async fn abandoned(live: &Arc<Live>, open: &DualWriteRecord, stop: &CancellationToken) -> Result<()> {
    let Some((_, _, former)) = &open.began else { return Ok(()) };
    let began = Instant::now();
    let freeing = async {
        let (source, standby) = (source(live).await?, live.book.look(|s| s.spec.slot(Side::Source)).await);
        let mut line = source.synchronous.line(&open.order.scope, &standby).await?;
        attempt(line.as_mut(), former).await
    };
    tokio::select! {
        freed = freeing => freed?,
        () = stop.cancelled() => return Ok(()),
    }
    let why = "The process that attended it died, slept, or could not say that it had ended it.".to_owned();
    let freed_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
    ended(live, open, End { cause: Cause::Abandoned, why, during: None, freed_ms }).await
}
