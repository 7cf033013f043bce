//! What the journal did not take while clients waited.
//!
//! A failed append stops a run: nothing acts that is not announced. There is one exception. After the point of no return,
//! while clients are held, going on is safe without it (the point itself is on the disk, every step after it asks reality
//! before it acts, and whoever takes over does the same), and standing still is not: a full disk here would keep the
//! application waiting until somebody frees it. So the steps that let clients go act all the same, loudly; what they did is
//! kept and written with the first append that succeeds.

use switchyard_model::journal::Entry;

use super::Book;
use crate::{
    error::{Kind, Result},
    store::Durability,
};

/// Entries in the order in which they happened, and not in the journal.
#[derive(Default)]
pub(super) struct Unwritten(Vec<Entry>);

impl Unwritten {
    /// Appends these after what is still unwritten. `clients_wait` says that the run is past its point of no return and
    /// clients are held: then a store that cannot be written is no reason to stop. It is asked once; one that is locked
    /// takes seconds to say no.
    ///
    /// # Errors
    /// When the journal cannot be written and nobody waits; always when somebody else drives.
    pub(super) async fn append(
        &mut self,
        book: &Book,
        new: Vec<Entry>,
        durability: Durability,
        clients_wait: bool,
    ) -> Result<()> {
        if clients_wait && !self.0.is_empty() {
            self.0.extend(new);
            return book.is_ours().await;
        }
        let mut entries = std::mem::take(&mut self.0);
        entries.extend(new);
        if !clients_wait {
            return book.append(entries, durability).await.map(drop);
        }
        match book.append(entries.clone(), durability).await {
            Ok(_) => Ok(()),
            Err(e) if e.kind == Kind::Store => {
                tracing::error!(
                    error = %e,
                    remedy = e.remedy(),
                    "the journal cannot be written after the point of no return; clients are let go all the same"
                );
                self.0 = entries;
                book.is_ours().await
            }
            Err(e) => Err(e),
        }
    }
}
