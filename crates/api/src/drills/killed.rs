//! The drill that kills whoever drives: this process looks on, with the canary, and takes over.

use async_trait::async_trait;
use switchyard_engine::{
    clock::SharedClock,
    drill::{self, Operator, Victim},
    error::{Error, Kind, Result},
    saga::{Book, Pair},
    store::{MigrationId, TicketState},
};
use switchyard_model::{
    Command,
    drill::{DrillRecord, DrillResult},
    gate::Judged,
    journal::Entry,
    state::State,
};

use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Runs the drill to its end. `program` is started with the migration's name and the command, and drives.
    ///
    /// # Errors
    /// `refused` when somebody drives already, or the state does not allow a drill; then nothing was touched.
    pub async fn drill_operator_killed(
        &self,
        args: DrillRequest,
        start: impl FnOnce(&Command) -> std::io::Result<std::process::Child> + Send,
        say: impl Fn(String) + Send + Sync,
    ) -> std::result::Result<DrillRecord, ApiError> {
        let order = self.order(&args).await?;
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        self.see_allowed(&state, &order)?;
        if let Some(lease) = self.parts.store.lease(id).await?.filter(|l| l.expires > self.parts.clock.now()) {
            let why =
                format!("{} drives this migration, and would go on with what the killed process began.", lease.holder);
            return Err(ApiError::new("refused", why, "End it first, then run the drill again."));
        }
        let fronts = drill::fronts(&state.spec, &order.canary, &self.parts.keychain).await?;
        let pair = self.pair_for_reading(id, &state).await?;
        let drill = book.record(Entry::DrillAsked { order: order.clone() }).await?;
        book.record(Entry::DrillBegan { drill }).await?;
        let onlooker = Onlooker { host: self, id, book: &book, pair, say: &say };
        let launch = |command: &Command| -> Result<Box<dyn Victim>> {
            let failed = |e: std::io::Error| {
                Error::new(Kind::Unsuitable, "starting the process that is killed", e.to_string()).caused_by(e)
            };
            Ok(Box::new(Killed(start(command).map_err(failed)?)))
        };
        let result: DrillResult =
            drill::operator_killed(&onlooker, &book, drill, &order, &fronts, launch, || self.drive(id)).await;
        book.record(Entry::DrillEnded { drill, result }).await?;
        let record = book.state().await.drills.into_iter().find(|d| d.id == drill);
        record.ok_or_else(|| ApiError::new("failed", "The drill is not in the journal.", "Look at the journal."))
    }
}

struct Killed(std::process::Child);

impl Victim for Killed {
    fn kill(&mut self) {
        // It may have ended by itself; the drill sees what became of its command either way.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Somebody who asks and looks, and does not drive.
struct Onlooker<'a, S> {
    host: &'a Switchyard,
    id: MigrationId,
    book: &'a Book,
    pair: Pair,
    say: &'a S,
}

#[async_trait]
impl<S: Fn(String) + Send + Sync> Operator for Onlooker<'_, S> {
    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn clock(&self) -> &SharedClock {
        &self.host.parts.clock
    }

    async fn state(&self) -> Result<State> {
        self.book.catch_up().await
    }

    async fn gates(&self, _: &Command) -> Vec<Judged> {
        // Whoever drives judges them; this process only looks at the journal.
        Vec::new()
    }

    async fn ask(&self, command: Command) -> Result<TicketState> {
        drill::ask(&self.host.parts, self.id, &command).await
    }

    fn say(&self, line: String) {
        (self.say)(line);
    }
}
