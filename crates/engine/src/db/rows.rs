//! Rows for reconciliation: hashed and summed where they are, fetched only where sums differ.
//!
//! A [`Relation`] says what to read on one side so that both sides compute the same. Knows nothing of when to look.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use switchyard_model::{ident::TableName, inventory::Table, reconcile::Key};

use crate::error::Result;

/// How a column's value enters the hash of its row. Both sides must use the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rendering {
    /// What is hashed.
    pub way: Way,
    /// Whether values count as different that the type calls equal and writes differently: 1.0 and 1.00.
    pub exact: bool,
}

/// What is hashed of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The value, by its type's own hash function.
    Native,
    /// A text's bytes, whatever its collation calls equal.
    Bytes,
    /// The value's text.
    Text,
    /// The text's UTF-8 bytes: for servers of different encodings.
    Utf8,
    /// The first 64 bits of the MD5 of the text's UTF-8 bytes: for servers whose hash functions differ.
    Md5,
}

/// One compared column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type on this side, as `format_type` writes it; keys are cast to it.
    pub sql_type: String,
    /// The internal name of its base type.
    pub base_type: String,
    /// How it is hashed.
    pub rendering: Rendering,
}

/// One table on one side, as it is compared: the same fields in the same order on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name on this side.
    pub name: TableName,
    /// Whether rows of its partitions are read with it; else they are of the table alone.
    pub with_partitions: bool,
    /// The root, where it is a partition: rows are looked up by their key there, since the other side may keep one in another
    /// partition.
    pub root: Option<TableName>,
    /// The compared columns.
    pub fields: Vec<Field>,
    /// Positions in `fields` of the key, in key order; empty without a key.
    pub key: Vec<usize>,
}

impl Relation {
    /// The key's fields.
    pub fn key_fields(&self) -> impl Iterator<Item = &Field> {
        self.key.iter().filter_map(|i| self.fields.get(*i))
    }
}

/// A part of a table that one statement reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slice {
    /// All of it.
    Whole,
    /// Keys in `(after, upto]`; None is without bound.
    Keys {
        /// Exclusive.
        after: Option<Key>,
        /// Inclusive.
        upto: Option<Key>,
    },
    /// Pages `from..to` of the heap, of each partition where there are some; None is to the end.
    Pages {
        /// First.
        from: i64,
        /// One beyond the last.
        to: Option<i64>,
    },
}

/// How the rows of a slice are divided into buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Division {
    /// By the hash of the key: a bucket is `hash & mask`, and `mask` is 2ⁿ−1. For every table; a bucket's rows are anywhere
    /// in the slice.
    Hash {
        /// 2ⁿ−1.
        mask: i64,
    },
    /// By the key itself, where it is one integer: a bucket is `key >> shift`. A bucket's rows are next to each other, so
    /// they are read without the rest.
    Span {
        /// A bucket spans 2^shift keys.
        shift: u32,
    },
}

impl Division {
    /// As the statements' first parameter.
    pub fn number(self) -> i64 {
        match self {
            Division::Hash { mask } => mask,
            Division::Span { shift } => shift.into(),
        }
    }
}

/// Count and wide sum of row hashes: equal multisets of rows have equal sums, in whatever order and parts they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Rows.
    pub rows: i64,
    /// Sum of their hashes.
    pub hash: i128,
}

impl Sum {
    /// Takes in another part.
    pub fn add(&mut self, other: Sum) {
        self.rows += other.rows;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// The rows with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSum {
    /// The key.
    pub key: Key,
    /// One row where the key is unique.
    pub sum: Sum,
    /// Tells whether it is the same version of the row, not only the same values: a row may be another one in between. 0
    /// where it was not asked for.
    pub version: i128,
}

/// One column of one row, for people and for telling which columns differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellValue {
    /// Text, shortened; None is NULL.
    pub text: Option<String>,
    /// Hash of the whole value.
    pub hash: i64,
}

/// What is known of a table's size and order before it is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Pages of the largest heap.
    pub pages: i64,
    /// Whether the heap is nearly in the order of the key; None when never analysed.
    pub correlation: Option<f64>,
    /// Tells whether it is still the same heap: another one after TRUNCATE or a rewrite, with other rows in each page.
    pub heap: i64,
}

/// Opens sessions that read rows.
#[async_trait]
pub trait Rows: Send + Sync {
    /// The rendering of a base type that is right whatever the other side is.
    fn rendering(&self, base_type: &str, exact: bool) -> Rendering;
    /// A session of its own, read only, in which no statement runs longer than 5 s.
    async fn open(&self) -> Result<Box<dyn RowReader>>;
}

/// One session. Each statement is a transaction of its own.
///
/// # Errors
/// Of every reading: `Deadline` when the slice was too large for the time limit; read a smaller one then.
#[async_trait]
pub trait RowReader: Send + Sync {
    /// The side's name, for errors.
    fn label(&self) -> &str;
    /// Hash of a constant of this type in this rendering, for comparing hash functions; None where this version
    /// has no such type.
    async fn constant(&mut self, base_type: &str, rendering: Rendering) -> Result<Option<i64>>;
    /// Size and order.
    async fn extent(&mut self, relation: &Relation) -> Result<Extent>;
    /// Smallest and largest value of a key of one column; None in an empty table.
    async fn key_bounds(&mut self, relation: &Relation) -> Result<Option<(Key, Key)>>;
    /// The key that ends the next `rows` rows after `after`; None when fewer are left.
    async fn boundary(&mut self, relation: &Relation, after: Option<&Key>, rows: i64) -> Result<Option<Key>>;
    /// One sum over the slice.
    async fn sum(&mut self, relation: &Relation, slice: &Slice) -> Result<Sum>;
    /// A sum per bucket; empty buckets are absent.
    async fn buckets(&mut self, relation: &Relation, slice: &Slice, by: Division) -> Result<Vec<(i64, Sum)>>;
    /// The rows of these buckets, as `sum` and `buckets` see them.
    async fn rows_in(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        by: Division,
        buckets: &[i64],
    ) -> Result<Vec<RowSum>>;
    /// The rows with these keys; one that is gone is absent, as is a key that this side's types cannot hold. Only of a
    /// relation with a key. Closer than `rows_in`: rows that it sees as different may be equal here, never the other way.
    async fn rows(&mut self, relation: &Relation, keys: &[Key]) -> Result<Vec<RowSum>>;
    /// Keys as every other reading here writes them, in any order; the server's log of changes writes some types otherwise
    /// (`t` for `true`, 1.00 for 1).
    async fn written(&mut self, _: &Relation, keys: Vec<Key>) -> Result<Vec<Key>> {
        Ok(keys)
    }
    /// A sum over each `per` of these keys, in their order, by the number of the part; parts without a row are absent. Only
    /// of a relation with a key. Where a sum differs from the other side's, [`RowReader::rows`] tells why, or that it does
    /// not.
    async fn sums_of(&mut self, relation: &Relation, keys: &[Key], per: usize) -> Result<Vec<(i64, Sum)>> {
        Ok(summed(&self.rows(relation, keys).await?, keys, per))
    }
    /// The values of rows with these keys, in the order of the fields; one that is gone is absent. Without a key, one
    /// row per hash, and only of this slice.
    async fn values(&mut self, relation: &Relation, slice: &Slice, keys: &[Key]) -> Result<Vec<(Key, Vec<CellValue>)>>;
    /// Waits until no transaction is about to end here that was when this was called; false where that cannot be said. One
    /// that idles between two statements is not about to, nor is one that goes on for seconds without waiting for a standby.
    ///
    /// A server sends a commit to its subscribers before its own readers see it, and while it waits for a synchronous
    /// standby much before. So the other side can show a row that this side does not show yet.
    async fn writers_ended(&mut self) -> Result<bool>;
    /// Hands the session back; one that is dropped hangs up.
    async fn close(self: Box<Self>);
}

/// Sums of rows over each `per` of their keys.
pub fn summed(rows: &[RowSum], keys: &[Key], per: usize) -> Vec<(i64, Sum)> {
    let part: HashMap<&Key, i64> = keys.iter().enumerate().map(|(i, k)| (k, (i / per.max(1)) as i64)).collect();
    let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
    for row in rows {
        if let Some(part) = part.get(&row.key) {
            sums.entry(*part).or_default().add(row.sum);
        }
    }
    sums.into_iter().collect()
}

/// Rows of a table as the planner estimates them; a guess from its size where it was never analysed.
pub fn estimated_rows(table: &Table) -> i64 {
    if table.estimated_rows >= 0 { table.estimated_rows } else { table.bytes / 100 }
}
