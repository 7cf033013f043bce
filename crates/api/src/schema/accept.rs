//! Differences that a migration's operators accepted: kept in the store in the form of `accepted.toml`, and given as that file.

use switchyard_model::{
    journal::Entry,
    schema::accepted::{self, Accepted},
};

use super::{SchemaDiffRequest, SchemaDifferences};
use crate::{Switchyard, dto::*, verify::End};

/// The longest reason or name that is kept, characters.
const LONGEST: usize = 2_000;

impl Switchyard {
    /// Accepts a difference; a reason that was given before is replaced.
    pub(crate) async fn accept_difference(&self, args: AcceptDifference) -> Result<Nothing, ApiError> {
        let mut entry = args.entry;
        entry.reason = entry.reason.trim().to_owned();
        entry.by = entry.by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty());
        if entry.reason.is_empty() {
            let why = format!("The difference of {} cannot be accepted without a reason.", entry.shown());
            return Err(ApiError::new("invalid", why, "Say why it may stay."));
        }
        let said = [Some(&entry.reason), entry.by.as_ref()];
        if said.into_iter().flatten().any(|text| text.chars().count() > LONGEST) {
            let why = format!("A reason and a name have at most {LONGEST} characters.");
            return Err(ApiError::new("invalid", why, "Say it shorter, and link to the rest."));
        }
        let id = self.parts.store.migration_id(&args.migration).await?;
        let said = Entry::DifferenceAccepted {
            difference: entry.shown(),
            by_name: entry.by.clone(),
            reason: entry.reason.clone(),
        };
        self.record(&args.migration, said).await?;
        self.parts.store.accept(id, &entry).await?;
        Ok(Nothing {})
    }

    /// Takes an accepted difference back.
    pub(crate) async fn take_back_difference(&self, args: TakeBackDifference) -> Result<Nothing, ApiError> {
        let id = self.parts.store.migration_id(&args.migration).await?;
        if self.parts.store.take_back(id, &args.entry).await? {
            // After the act, unlike others: only now is it known that there was something to take back.
            let said = Entry::DifferenceTakenBack { difference: args.entry.shown() };
            return self.record(&args.migration, said).await;
        }
        let why =
            format!("Nobody accepted the difference of {}, or somebody took it back already.", args.entry.shown());
        Err(ApiError::new("not_found", why, "Look again."))
    }

    /// Compares both schemas of a migration; what its operators accepted counts as accepted.
    ///
    /// # Errors
    /// As [`Switchyard::schema_diff`], and when there is no such migration.
    pub async fn schema_diff_of(
        &self,
        migration: &str,
        accept: Option<std::path::PathBuf>,
    ) -> Result<SchemaDifferences, ApiError> {
        let (id, book) = self.named(migration).await?;
        let spec = book.state().await.spec;
        let end = |reference: &str| End { reference: reference.to_owned(), password: None };
        let accepted = self.parts.store.accepted(id).await?;
        self.schema_diff(SchemaDiffRequest { source: end(&spec.source), target: end(&spec.target), accept, accepted })
            .await
    }

    /// What a migration's operators accepted, as the text of an `accepted.toml`.
    ///
    /// # Errors
    /// When there is no such migration, or the store cannot be read.
    pub async fn accepted_file(&self, migration: &str) -> Result<String, ApiError> {
        let id = self.parts.store.migration_id(migration).await?;
        let entries: Vec<Accepted> = self.parts.store.accepted(id).await?;
        accepted::write(&entries).map_err(|why| {
            let why = format!("What was accepted for {migration} cannot be given as a file: {why}.");
            ApiError::new("failed", why, "Take the entry back and accept it anew.")
        })
    }
}
