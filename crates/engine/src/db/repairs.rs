//! Rows for repairs: read with everything they hold on one side, written one by one on the other.
//!
//! A [`Change`] says what shall become of one row, and every change of a row that is there is bound to what was seen of it.
//! Knows nothing of which rows shall be changed, nor of the stream between the two sides.

use async_trait::async_trait;
use switchyard_model::{ident::TableName, reconcile::Key};

use super::rows::{Extent, Relation, Slice};
use crate::error::Result;

/// A row with everything a repair needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeRow {
    /// Its key, as it was asked for.
    pub key: Key,
    /// Its hash, as a finding has it.
    pub hash: i64,
    /// Which version of it this is: another one after every change, deletion and new insertion, whatever its values.
    pub version: String,
    /// Each field as text, whole; empty where values were not asked for.
    pub texts: Vec<Option<String>>,
    /// Hash of each field.
    pub hashes: Vec<i64>,
}

/// Where one copy of a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Hash of the row.
    pub hash: i64,
    /// The table or partition that holds it, by the server's number.
    pub table: i64,
    /// Its place in there, as text.
    pub at: String,
}

/// Fields by their position, with the values they shall have; None is NULL.
pub type Cells = Vec<(usize, Option<String>)>;

/// What shall become of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is added, unless a row with its key is there.
    Insert {
        /// Its key.
        key: Key,
        /// What it holds.
        cells: Cells,
    },
    /// Copies of it are added to a table without a key.
    InsertCopies {
        /// How many.
        copies: i64,
        /// What each holds.
        cells: Cells,
    },
    /// It gets other values, if it still is what was seen.
    Update {
        /// Its key.
        key: Key,
        /// Its hash as it was seen.
        hash: i64,
        /// What changes.
        cells: Cells,
    },
    /// It goes, if it still is what was seen.
    Delete {
        /// Its key.
        key: Key,
        /// Its hash as it was seen.
        hash: i64,
    },
    /// Copies of it go from a table without a key, each if it still is what was seen.
    DeleteCopies {
        /// The hash of all of them.
        hash: i64,
        /// The table or partition that holds them, by the server's number.
        table: i64,
        /// Their places in there.
        at: Vec<String>,
    },
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// So many rows were written, for good; 0 where the row is not what was seen.
    Rows(u64),
    /// The server refused this one, and nothing was written.
    Refused {
        /// Which constraint or what else stands in the way, in a clause without values.
        why: String,
        /// Whether another row holds what must be unique, so that it may work once that one has been seen to.
        taken: bool,
    },
}

/// What feeds a subscription: a slot, and one of the publications it asks for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feeder {
    /// The slot.
    pub slot: String,
    /// The publication.
    pub publication: String,
}

/// Opens sessions for repairs.
#[async_trait]
pub trait Repairs: Send + Sync {
    /// What a writer sends before its first change, for the preview.
    fn preparation(&self) -> String;
    /// The statement of a change with its values written out, for the preview. Very long values are shortened, and said so.
    fn statement(&self, relation: &Relation, change: &Change) -> String;
    /// A session that only reads.
    async fn reader(&self) -> Result<Box<dyn WholeRows>>;
    /// A session whose changes are applied as the stream's own are: no trigger and no foreign key of the application acts.
    ///
    /// # Errors
    /// `Privilege` when our role may not do that, with what to grant.
    async fn writer(&self) -> Result<Box<dyn RowWriter>>;
    /// What enabled subscriptions here are fed from.
    async fn fed_from(&self) -> Result<Vec<Feeder>>;
    /// Those of the tables whose rows leave this side through one of these: a repair of them would leave as well.
    async fn leaving(&self, through: &[Feeder], tables: &[TableName]) -> Result<Vec<TableName>>;
}

/// Reads whole rows. Each statement is a transaction of its own and is cut off by the server before 5 s.
#[async_trait]
pub trait WholeRows: Send {
    /// The rows with these keys, one that is gone is absent. Without a key one row per hash, and only of this slice.
    async fn rows(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        keys: &[Key],
        with_texts: bool,
    ) -> Result<Vec<WholeRow>>;
    /// Where rows with these hashes are in the slice, at most `most` of each.
    async fn places(&mut self, relation: &Relation, slice: &Slice, hashes: &[i64], most: i64) -> Result<Vec<Place>>;
    /// Hands the session back.
    async fn close(self: Box<Self>);
}

/// Writes, and reads what it is about to write.
#[async_trait]
pub trait RowWriter: WholeRows {
    /// Keeps every other writer of a table out, the stream's own too, until `commit` or `roll_back`. What is applied in
    /// between is one transaction, and over once a change is refused.
    ///
    /// # Errors
    /// As `apply`; `Refused` where the table was not to be had in time, and then nothing is to be ended.
    async fn alone(&mut self, relation: &Relation) -> Result<Applied>;
    /// Makes what was applied since `alone` permanent.
    async fn commit(&mut self) -> Result<()>;
    /// Takes what was applied since `alone` back.
    async fn roll_back(&mut self) -> Result<()>;
    /// One change, committed when this returns.
    ///
    /// # Errors
    /// When the session broke: whether the change is there has to be looked at. What stands in the way of this row alone is
    /// no error.
    async fn apply(&mut self, relation: &Relation, change: &Change) -> Result<Applied>;
}

/// Slices of a table by its pages, for reading it where no key helps; about `bytes` of it each.
pub fn by_pages(extent: Extent, table_bytes: i64, bytes: i64) -> Vec<Slice> {
    let parts = (table_bytes / bytes.max(1)).clamp(0, extent.pages.max(1) - 1) + 1;
    if parts == 1 {
        return vec![Slice::Whole];
    }
    let step = (extent.pages / parts).max(1);
    let slice = |i: i64| Slice::Pages { from: i * step, to: (i < parts - 1).then_some((i + 1) * step) };
    (0..parts).map(slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_page_and_have_no_end() {
        let extent = |pages| Extent { pages, correlation: None, heap: 0 };
        assert_eq!(by_pages(extent(0), 0, 100), [Slice::Whole], "an empty table is read too: it may have been filled");
        assert_eq!(by_pages(extent(3), 90, 100), [Slice::Whole]);
        let slices = by_pages(extent(10), 350, 100);
        let expected = [
            Slice::Pages { from: 0, to: Some(2) },
            Slice::Pages { from: 2, to: Some(4) },
            Slice::Pages { from: 4, to: Some(6) },
            Slice::Pages { from: 6, to: None },
        ];
        assert_eq!(slices, expected, "each begins where the one before it ended");
        assert_eq!(by_pages(extent(2), 1_000_000, 1).len(), 2, "no slice is smaller than a page");
    }
}
