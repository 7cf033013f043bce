//! Drills: a failure is put on, the gates notice, everything goes back, and a canary on the application's own way measures it.
//!
//! Owns the canary, the failures and the stopwatch. It must never move traffic itself: it asks for the same commands as an
//! operator, and leaves no failure standing, whatever happens. It touches no table of the application.

mod back;
mod canary;
mod faults;
mod front;
mod killed;
mod run;
mod seen;

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::{Command, gate::Judged, state::State};

pub use front::{Front, canary_secret, fronts};
pub use killed::{Victim, operator_killed};
pub use run::{cut_short, run};

use crate::{
    clock::SharedClock,
    conductor::Parts,
    error::Result,
    saga::Pair,
    store::{MigrationId, TicketState},
};

/// How often it is looked whether a command has ended.
const ANSWERED: Duration = Duration::from_millis(20);

/// Puts a command into the queue, as an operator does, and waits for its end.
///
/// # Errors
/// When the store cannot be written or read.
pub async fn ask(parts: &Parts, migration: MigrationId, command: &Command) -> Result<TicketState> {
    let ticket = parts.store.ask(migration, command, "a drill", &parts.operator, parts.clock.now()).await?;
    loop {
        match parts.store.ticket(ticket).await? {
            TicketState::Waiting | TicketState::Running => tokio::time::sleep(ANSWERED).await,
            ended => return Ok(ended),
        }
    }
}

/// What a drill may do with the migration: what an operator can.
#[async_trait]
pub trait Operator: Send + Sync {
    /// The pair.
    fn pair(&self) -> &Pair;
    /// Time.
    fn clock(&self) -> &SharedClock;
    /// The journal's state.
    async fn state(&self) -> Result<State>;
    /// The gates of a command, as they stand.
    async fn gates(&self, command: &Command) -> Vec<Judged>;
    /// Asks for a command and waits for its end.
    async fn ask(&self, command: Command) -> Result<TicketState>;
    /// Says what goes on.
    fn say(&self, line: String);
}
