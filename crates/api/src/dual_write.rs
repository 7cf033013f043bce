//! Synchronous dual write for hosts: asking for it and for its end, and how it stands.

use switchyard_engine::{
    db::synchronous::statements,
    facts::{SNAPSHOT, Snapshot},
};
use switchyard_model::{
    Side,
    dual_write::{BUDGET_US, DualWriteEvent, DualWriteOrder, Scope},
    endpoint::Endpoint,
    figure,
    journal::Entry,
    state::State,
};

use crate::{Switchyard, cockpit, dto::*};

impl Switchyard {
    /// Everything that the panel shows.
    pub(crate) async fn dual_write(&self, args: ByName) -> Result<DualWriteView, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let state = book.state().await;
        let snapshot: Option<(i64, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        let seen = snapshot.and_then(|(_, s)| s.dual_write);
        let endpoint = self.parts.store.endpoint(&state.spec.source).await?;
        let standby = state.spec.slot(Side::Source);
        let of = |scope: &Scope| statements(scope, &endpoint.database, &standby);
        let openings = state.dual_write_openings().into_iter();
        Ok(DualWriteView {
            open: cockpit::dual_write_card(&state, seen.as_ref()),
            last: state.dual_writes.iter().rfind(|d| !d.is_open()).cloned(),
            openings: openings
                .map(|(cause, count)| DualWriteOpening { cause, title: cause.title().to_owned(), count })
                .collect(),
            why_not: self.why_no_dual_write(id, &state).await?,
            budget_us: BUDGET_US,
            statements_role: of(&Scope::Role { role: "{ROLE}".to_owned() }),
            statements_database: of(&Scope::Database),
            free_command: free_command(&endpoint),
        })
    }

    /// Asks whoever drives to turn it on.
    pub(crate) async fn dual_write_on(&self, args: DualWriteRequest) -> Result<DualWriteAccepted, ApiError> {
        let (id, book) = self.named(&args.migration).await?;
        let order = DualWriteOrder { scope: args.scope, budget_us: args.budget_us.unwrap_or(BUDGET_US) };
        let problems = order.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        let state = book.state().await;
        if let Some(why) = self.why_no_dual_write(id, &state).await? {
            return Err(ApiError::new("refused", why, "Do what the message says comes first."));
        }
        let event = DualWriteEvent::Asked { order: order.clone() };
        let dual = book.record(Entry::DualWrite { event }).await?;
        self.changed(&args.migration);
        Ok(DualWriteAccepted { dual, order })
    }

    /// Asks whoever drives to turn it off.
    pub(crate) async fn dual_write_off(&self, args: ByName) -> Result<Nothing, ApiError> {
        let (_, book) = self.named(&args.name).await?;
        if book.state().await.open_dual_write().is_none() {
            let why = "Synchronous dual write is off already.";
            return Err(ApiError::new("refused", why, "Nothing is left to do."));
        }
        self.record(&args.name, Entry::DualWrite { event: DualWriteEvent::OffAsked }).await
    }

    /// The journal's word, then whether somebody is there to attend it.
    async fn why_no_dual_write(&self, id: i64, state: &State) -> Result<Option<String>, ApiError> {
        if let Err(why) = state.allows_dual_write() {
            return Ok(Some(why));
        }
        let lease = self.parts.store.lease(id).await?;
        let driven = lease.is_some_and(|l| l.expires > self.parts.clock.now());
        Ok((!driven).then(|| {
            let name = &state.spec.name;
            format!(
                "Nobody drives this migration, and a source that waits for its target has to be attended: open the window, or run \
                 `switchyardctl drive {name}`."
            )
        }))
    }
}

/// Two statements of their own: `ALTER SYSTEM` cannot be part of a transaction, and one `-c` with both would be one.
fn free_command(e: &Endpoint) -> String {
    format!(
        "psql \"host={} port={} user={} dbname={}\" -c \"ALTER SYSTEM RESET synchronous_standby_names\" -c \"SELECT pg_reload_conf()\"",
        e.host, e.port, e.user, e.database
    )
}

/// An event of the journal as a sentence.
pub(crate) fn sentence(event: &DualWriteEvent) -> (String, Tone) {
    match event {
        DualWriteEvent::Asked { order } => {
            let (whose, budget) = (order.scope.words(), figure::read_ms(order.budget_ms()));
            let asked = format!("Synchronous dual write was asked for, for {whose}, with a budget of {budget} at P99.");
            (asked, Tone::Info)
        }
        DualWriteEvent::Began { before, .. } => (
            format!("The source's settings are about to change; before, small writes took {}.", before.words()),
            Tone::Info,
        ),
        DualWriteEvent::Stands { .. } => {
            ("Commits of whoever is chosen wait for the target from here.".to_owned(), Tone::Warn)
        }
        DualWriteEvent::OffAsked => ("Its end was asked for.".to_owned(), Tone::Info),
        DualWriteEvent::Ended { end, .. } => {
            let tone = if end.cause.is_opening() { Tone::Bad } else { Tone::Info };
            let freed =
                end.freed_ms.map_or_else(String::new, |ms| format!(" Nobody waited any more after {ms:.0} ms."));
            let cost =
                end.during.map_or_else(String::new, |d| format!(" With the target, small writes took {}.", d.words()));
            (format!("Synchronous dual write ended ({}): {}{freed}{cost}", end.cause.title(), end.why), tone)
        }
        DualWriteEvent::Measured { after, .. } => {
            (format!("Without the target, small writes take {}.", after.words()), Tone::Info)
        }
    }
}
