//! One session: claims starts, waits for their time, and carries out what it draws.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::rngs::StdRng;

use super::Shared;
use crate::{
    Session, Sessions, Trouble,
    alarm::Alarm,
    script::{Act, Mix, Variables},
};

/// After a login that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// One session and what it draws.
pub(super) struct Worker {
    pub(super) sessions: Arc<dyn Sessions>,
    pub(super) session: Option<Box<dyn Session>>,
    pub(super) mix: Arc<Mix>,
    pub(super) variables: Variables,
    pub(super) rng: StdRng,
    pub(super) alarm: Alarm,
}

impl Worker {
    /// Works until there is no start to claim, or the run is stopped.
    pub(super) async fn work(mut self, shared: Arc<Shared>) {
        let mut idle_since = shared.began;
        while let Some(due) = shared.claim() {
            if !self.waits(&shared, due).await {
                return;
            }
            let began = Instant::now();
            shared.seen().begins(began.saturating_duration_since(due), idle_since <= due);
            let answer = self.transaction().await;
            idle_since = Instant::now();
            shared.seen().ended(due, began, idle_since, answer);
            if self.session.is_none() {
                tokio::time::sleep(AFTER_FAILURE).await;
                idle_since = Instant::now();
            }
        }
    }

    /// Waits until a start's time has come; whether it may begin.
    async fn waits(&mut self, shared: &Shared, due: Instant) -> bool {
        if due <= Instant::now() {
            return !shared.stop.is_cancelled();
        }
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => false,
            rang = self.alarm.at(due) => {
                if rang.is_err() {
                    // The runtime's own timer is later, and the figures say by how much.
                    tokio::time::sleep_until(due.into()).await;
                }
                true
            }
        }
    }

    /// One script from its first step to its last, or to the first that fails.
    async fn transaction(&mut self) -> Result<u64, Trouble> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.sessions.open().await?,
        };
        let mix = self.mix.clone();
        let mut statements = 0;
        for step in &mix.draw(&mut self.rng).steps {
            let wrong = |sentence| Trouble { class: "script".to_owned(), sentence, broken: false };
            let answer = match step.act(&mut self.variables, &mut self.rng).map_err(wrong) {
                Ok(Act::Nothing) => Ok(()),
                Ok(Act::Wait(time)) => {
                    tokio::time::sleep(time).await;
                    Ok(())
                }
                Ok(Act::Ask(statement)) => session.run(&statement).await.inspect(|()| statements += 1),
                Ok(Act::Given(text, values)) => session.run_given(text, values).await.inspect(|()| statements += 1),
                Err(wrong) => Err(wrong),
            };
            if let Err(trouble) = answer {
                // A transaction that the script had opened must not go on into the next one.
                if !trouble.broken && session.run("ROLLBACK").await.is_ok() {
                    self.session = Some(session);
                }
                return Err(trouble);
            }
        }
        self.session = Some(session);
        Ok(statements)
    }
}
