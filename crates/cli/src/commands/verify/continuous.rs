//! `verify --continuous`: round after round, until somebody interrupts it.

use std::time::Duration;

use switchyard_api::{
    Pace,
    dto::ApiError,
    verify::VerifyRequest,
    watch::{Watch, WatchRound},
};
use switchyard_model::{reconcile::TableVerdict, time::utc};
use tokio::signal::unix::{SignalKind, signal};

use super::{Ctl, print_table, tell};
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, request: VerifyRequest, every: Duration, pace: &Pace) -> Result<Answer, ApiError> {
    let mut watch = ctl.api.watch(request).await?;
    if !ctl.json {
        for line in watch.says() {
            say!("{line}");
        }
    }
    let ended = tokio::select! {
        ended = rounds(ctl, &mut watch, every, pace) => ended,
        never = tell(pace) => match never {},
    };
    watch.end().await;
    ended
}

/// Returns when it is interrupted, with what was known last.
async fn rounds(ctl: &Ctl, watch: &mut Watch, every: Duration, pace: &Pace) -> Result<Answer, ApiError> {
    let broken =
        |e: std::io::Error| ApiError::new("failed", format!("Signals cannot be heard: {e}."), "Start it again.");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
    let mut last = Answer::Unable;
    let mut full = true;
    loop {
        let round = async { if full { watch.full_pass(None, pace).await } else { watch.round(pace).await } };
        let round = tokio::select! {
            round = round => round?,
            _ = interrupt.recv() => return Ok(last),
            _ = terminate.recv() => return Ok(last),
        };
        full = false;
        show(ctl, &round);
        last = answer(&round);
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = interrupt.recv() => return Ok(last),
            _ = terminate.recv() => return Ok(last),
        }
    }
}

fn answer(round: &WatchRound) -> Answer {
    match (round.findings, round.unproven) {
        (0, 0) => Answer::Yes,
        (0, _) => Answer::Unable,
        (_, _) => Answer::No,
    }
}

/// A round in which nothing was looked at is not worth a line.
fn show(ctl: &Ctl, round: &WatchRound) {
    if !round.full && round.tables.is_empty() {
        return;
    }
    if ctl.json {
        output::json(round);
        return;
    }
    let what = if round.full { "full pass" } else { "changed rows" };
    say!(
        "{}  {what}: {} rows in {:.2} s; {} rows differ, {} tables not proven",
        utc(round.at),
        round.rows,
        round.seconds,
        round.findings,
        round.unproven
    );
    for table in round.tables.iter().filter(|t| t.verdict != TableVerdict::Equal || !t.not_compared.is_empty()) {
        print_table(table);
    }
}
