//! The way back of a drill, and what tells that it was gone to its end.

use std::time::Duration;

use switchyard_model::{Command, Side};

use super::{Operator, canary::Canary};
use crate::{
    error::{self, Error, Kind, Result},
    saga::Pair,
    store::TicketState,
};

/// How long the way back is tried.
const GOING_BACK: Duration = Duration::from_secs(90);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(100);
/// How long requests may go on reaching the target afterwards.
const LEAVING: Duration = Duration::from_secs(15);

/// Everything goes back to the source, however often it has to be asked for.
pub(super) async fn go_back(operator: &dyn Operator) -> Result<()> {
    let began = operator.clock().instant();
    loop {
        let answer = operator.ask(Command::RollBack).await?;
        if matches!(answer, TicketState::Done { .. }) || !has_moved(operator).await? {
            return Ok(());
        }
        if operator.clock().instant() - began > GOING_BACK {
            return Err(Error::new(Kind::Contradiction, "rolling back", in_words(&answer)));
        }
        operator.say(format!("the way back is tried again: {}", in_words(&answer)));
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether anything is on the target.
pub(super) async fn has_moved(operator: &dyn Operator) -> Result<bool> {
    let state = operator.state().await?;
    Ok(state.authority == Side::Target || state.route.reads_on_target > 0)
}

/// Nobody is answered by the target any more.
pub(super) async fn wait_until_left(operator: &dyn Operator, canary: &Canary) -> Result<()> {
    canary.seen().from_source.fill(0);
    let began = operator.clock().instant();
    while !canary.seen().has_left_target() {
        if operator.clock().instant() - began > LEAVING {
            let why = format!("{} s later some requests still did not go to the source alone", LEAVING.as_secs());
            return Err(Error::new(Kind::Contradiction, "waiting for requests to leave the target", why));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Removes planted rows; only a side without the authority has any.
pub(super) async fn unplant(pair: &Pair) -> Result<()> {
    for side in [Side::Source, Side::Target] {
        pair.db(side).drills.unplant().await?;
    }
    Ok(())
}

/// How a command ended, for a sentence.
pub(super) fn in_words(state: &TicketState) -> String {
    let words = match state {
        TicketState::Waiting | TicketState::Running => "it has not ended",
        TicketState::Done { summary } | TicketState::Undone { summary } | TicketState::Failed { summary } => summary,
        TicketState::Refused { why } => why,
    };
    error::sentence(words).trim_end_matches('.').to_owned()
}
