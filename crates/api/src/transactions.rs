//! Transactions in the way of the fence for hosts: which there are, and the end of one by an explicit choice.

use switchyard_engine::{
    conductor::YOUNGEST_MS,
    db::{
        Database,
        transactions::{Ending, InTheWay, Obstacles},
    },
};
use switchyard_model::{journal::Entry, state::State};

use crate::{
    Switchyard,
    dto::*,
    migrations::{answered, check_text},
};

impl Switchyard {
    /// Asks the side that would be fenced.
    pub(crate) async fn transactions(&self, args: ByName) -> Result<TransactionsView, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let state = book.state().await;
        let pair = self.pair_for_reading(id, &state).await?;
        let database = pair.db(state.authority);
        let Obstacles { listed, more } = seen(database, &state).await?;
        Ok(TransactionsView {
            side: state.authority,
            endpoint: database.label.clone(),
            at: self.parts.clock.now(),
            limit_s: state.limits().transaction_max_s,
            open: listed.into_iter().map(|t| t.shown).collect(),
            more,
        })
    }

    /// Ends the one that was shown under this id, and none that has come after it.
    pub(crate) async fn end_transaction(&self, args: EndTransaction) -> Result<EndedTransaction, ApiError> {
        match &args.name {
            Some(name) => answered(name, &args.reason)?,
            None if args.reason.trim().is_empty() => {
                let message = "A reason is needed; it goes into the journal.";
                return Err(ApiError::new("invalid", message, "Say why the transaction has to end."));
            }
            None => check_text("reason", &args.reason)?,
        }
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let pair = self.pair_for_reading(id, &state).await?;
        let database = pair.db(state.authority);
        let which = find(&seen(database, &state).await?, &args.id)?;
        // Before the act, like every other intent.
        book.record(Entry::TransactionEndAsked {
            side: state.authority,
            transaction: which.shown.sentence(),
            by_name: args.name,
            reason: args.reason,
        })
        .await?;
        self.changed(&args.migration);
        let pid = which.shown.pid;
        let said = match database.transactions.end(&which).await? {
            Ending::Ended => format!("Process {pid} on {} has ended; its transaction was rolled back.", database.label),
            Ending::Told => {
                format!("Process {pid} on {} was told to end, and does so as soon as it can.", database.label)
            }
            Ending::WasOver => format!("The transaction of process {pid} on {} had ended by itself.", database.label),
        };
        Ok(EndedTransaction { said })
    }
}

async fn seen(database: &Database, state: &State) -> Result<Obstacles, ApiError> {
    let Some(scope) = &state.scope else {
        return Err(ApiError::new(
            "refused",
            "Which tables the migration carries is not known yet, so no transaction is in its way.",
            "Run “Start replication” first.",
        ));
    };
    Ok(database.transactions.in_the_way(&scope.fence, YOUNGEST_MS).await?)
}

fn find(seen: &Obstacles, id: &str) -> Result<InTheWay, ApiError> {
    if let Some(found) = seen.listed.iter().find(|t| t.shown.id.as_deref() == Some(id)) {
        return Ok(found.clone());
    }
    let pid = id.split('-').next().and_then(|pid| pid.parse::<i32>().ok());
    let same = seen.listed.iter().find(|t| Some(t.shown.pid) == pid).map(|t| &t.shown);
    Err(match (same, id.contains('-')) {
        (Some(t), _) if t.id.is_none() => ApiError::new(
            "refused",
            format!("It cannot be ended from here: {}.", t.sentence()),
            "Wait, end it where it comes from, or GRANT pg_monitor, pg_signal_backend to our role where it is a client's.",
        ),
        (Some(t), false) => ApiError::new(
            "invalid",
            format!("“{id}” names a process, and that may be another one's by the time it is ended: {}.", t.sentence()),
            "Give the whole id with which it is listed.",
        ),
        (Some(_), true) => ApiError::new(
            "refused",
            format!("The transaction “{id}” is over; its process has begun another one, which is left alone."),
            "Look at the list again.",
        ),
        (None, _) => ApiError::new(
            "not_found",
            format!("No transaction “{id}” is in the way any more."),
            "Nothing is left to end; look at the list again.",
        ),
    })
}
