//! The book: the journal of one migration with the state it gives, kept in step.

use switchyard_model::{
    journal::{Entry, Recorded},
    state::{State, replay},
};
use tokio::sync::Mutex;

use crate::{
    clock::SharedClock,
    error::{Error, Kind, Result},
    store::{Durability, Lease, MigrationId, NewEntry, Store},
};

/// The journal of one migration and the state that replaying it gives.
pub struct Book {
    store: Store,
    migration: MigrationId,
    clock: SharedClock,
    by: String,
    generation: i64,
    state: Mutex<State>,
}

impl Book {
    /// Opens the journal and replays it. `lease` is None for readers, whose appends carry no generation.
    ///
    /// # Errors
    /// `StoreDamaged` when the journal does not follow from itself.
    pub async fn open(
        store: Store,
        migration: MigrationId,
        clock: SharedClock,
        by: String,
        lease: Option<&Lease>,
    ) -> Result<Book> {
        let entries = store.journal(migration, 0).await?;
        let state = replay(&entries).map_err(|e| {
            let name = match entries.first().map(|first| &first.entry) {
                Some(Entry::Created { spec }) => format!("“{}”", spec.name),
                Some(_) | None => format!("migration {migration}"),
            };
            let doing = format!("replaying the journal of {name} in {}", store.path().display());
            Error::new(Kind::StoreDamaged, doing, e.to_string()).caused_by(e)
        })?;
        Ok(Book {
            store,
            migration,
            clock,
            by,
            generation: lease.map_or(0, |l| l.generation),
            state: Mutex::new(state),
        })
    }

    /// The state now.
    pub async fn state(&self) -> State {
        self.state.lock().await.clone()
    }

    /// Looks at the state where it is: for questions asked many times a second, which must not copy every table's result.
    pub async fn look<T>(&self, question: impl FnOnce(&State) -> T) -> T {
        question(&*self.state.lock().await)
    }

    /// Number of the migration in the store.
    pub fn migration(&self) -> MigrationId {
        self.migration
    }

    /// Who writes.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Reads what others appended (sign-offs, overrides, limits).
    pub async fn catch_up(&self) -> Result<State> {
        let mut state = self.state.lock().await;
        let entries = self.store.journal(self.migration, state.seq).await?;
        take_all(&mut state, &entries)?;
        Ok(state.clone())
    }

    /// Records entries, in one transaction, and takes them into the state. Nothing may act when this fails.
    pub async fn append(&self, entries: Vec<Entry>, durability: Durability) -> Result<i64> {
        let mut state = self.state.lock().await;
        let at = self.clock.now();
        let new = entries
            .into_iter()
            .map(|entry| NewEntry { at, by: self.by.clone(), generation: self.generation, entry })
            .collect();
        let recorded = self.store.append(self.migration, new, durability).await?;
        if recorded.first().is_some_and(|r| r.seq != state.seq + 1) {
            let missed = self.store.journal(self.migration, state.seq).await?;
            take_all(&mut state, &missed)?;
        } else {
            take_all(&mut state, &recorded)?;
        }
        Ok(state.seq)
    }

    /// Asks whether this process still drives, for when nothing can be written: reading needs no room on a disk. A store
    /// that cannot be read either has no word on it.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else holds the lease.
    pub async fn is_ours(&self) -> Result<()> {
        match self.store.lease(self.migration).await {
            Ok(Some(lease)) if lease.generation != self.generation => {
                let why = format!("{} has taken the lease of this migration over", lease.holder);
                Err(Error::new(Kind::LeaseLost, "looking at the lease", why))
            }
            Ok(_) => Ok(()),
            Err(e) => {
                tracing::error!(error = %e, "the store cannot be read either");
                Ok(())
            }
        }
    }

    /// One entry, on the disk.
    pub async fn record(&self, entry: Entry) -> Result<i64> {
        self.append(vec![entry], Durability::Disk).await
    }
}

fn take_all(state: &mut State, entries: &[Recorded]) -> Result<()> {
    for entry in entries {
        state
            .take(entry)
            .map_err(|e| Error::new(Kind::StoreDamaged, "replaying the journal", e.to_string()).caused_by(e))?;
    }
    Ok(())
}
