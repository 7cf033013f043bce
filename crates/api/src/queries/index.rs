//! Making the indexes that a statement lacks on the target.
//!
//! An index moves no traffic and nobody waits for it, so it is no command of the saga: whoever asks makes it. Its intent is
//! journaled all the same before it acts, and asking again finds what is there.

use switchyard_model::{
    ident::TableName,
    journal::{Action, Entry},
};
use switchyard_queries::index::Definition;

use super::{Sides, plans::plans_of};
use crate::{Switchyard, dto::*};

impl Switchyard {
    /// The indexes that a statement lacks on the target, and making them there.
    pub(crate) async fn queries_index(&self, args: IndexRequest) -> Result<IndexView, ApiError> {
        let (_, pair, _) = self.sides_of(&args.migration).await?;
        let statement = self.statement(&pair, &args.statement).await?;
        let both = plans_of(&pair, &statement, None, false).await?;
        let sentences = both.sentences();
        let mut view = IndexView {
            statement: statement.shape,
            target: pair.target.label.clone(),
            missing: both.missing,
            made: Vec::new(),
            sentences,
        };
        if args.apply {
            for index in std::mem::take(&mut view.missing) {
                self.make_index(&args, &pair, &index).await?;
                view.made.push(index);
            }
        }
        Ok(view)
    }

    async fn make_index(&self, args: &IndexRequest, pair: &Sides, index: &MissingIndex) -> Result<(), ApiError> {
        let (_, book) = self.named(&args.migration).await?;
        let table = TableName::new(index.schema.clone(), index.table.clone());
        let source = pair.source.statements.indexes(&table).await?.unwrap_or_default();
        let found = source.into_iter().map(|i| i.definition).find(|d| d.name == index.name);
        let definition: Definition = found.ok_or_else(|| {
            ApiError::new("failed", format!("The source no longer has the index {}.", index.name), "Look again.")
        })?;
        let action = Action::new(pair.target.label.clone(), definition.statement());
        let number = book.record(Entry::IndexAsked { action, statement: args.statement.clone() }).await?;
        self.changed(&args.migration);
        let began = std::time::Instant::now();
        let made = pair.target.statements.create_index(&table, &definition).await;
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        let failed = made.as_ref().err().map(|e| e.sentence());
        book.record(Entry::IndexEnded { index: number, failed, ms }).await?;
        self.changed(&args.migration);
        Ok(made?)
    }
}
