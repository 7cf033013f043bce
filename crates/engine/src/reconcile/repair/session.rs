//! What previewing and mending have in common: the tables as they are compared now, and the sessions that read them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use switchyard_model::{Side, ident::TableName, inventory::Table, reconcile::Key};

use super::{
    super::{
        Stream,
        pairing::{Matched, pair},
        recheck::Sides,
        table::Readers,
    },
    Repair,
};
use crate::{
    db::{
        repairs::{Place, WholeRow, WholeRows, by_pages},
        rows::{Division, Relation, RowReader, RowSum, Slice, Sum},
    },
    error::Result,
};

/// Bytes of a table without a key that one statement searches, indexes and all.
const SLICE: i64 = 32 << 20;

/// Bytes of whole rows that are held at once, as their table's average has it.
const HELD: i64 = 4 << 20;

/// A table to be mended.
pub(super) struct Mendable {
    pub(super) matched: Matched,
    /// By the position of the field: whether the side without the authority lets it be written.
    pub(super) writable: Vec<bool>,
    /// For a table without a key, by which slices each side is searched; the authority's first.
    pub(super) slices: [Vec<Slice>; 2],
}

impl Mendable {
    /// The table on one side.
    pub(super) fn on(&self, side: Side) -> &Relation {
        match side {
            Side::Source => &self.matched.source,
            Side::Target => &self.matched.target,
        }
    }

    /// Whole rows that may be held at once.
    pub(super) fn at_once(&self) -> usize {
        let width = (self.matched.bytes / self.matched.rows.max(1)).max(1);
        (HELD / width).clamp(1, 200) as usize
    }
}

/// The sessions that read, and what they read.
pub(super) struct Session<'a> {
    pub(super) with: Repair<'a>,
    pub(super) readers: Readers,
    /// Reads whole rows of the side with the authority.
    pub(super) whole: Box<dyn WholeRows>,
    pub(super) tables: HashMap<TableName, Arc<Mendable>>,
}

impl<'a> Session<'a> {
    /// Reads both catalogs, agrees on hashes as a pass does, and looks how tables without a key are searched.
    pub(super) async fn open(with: Repair<'a>, wanted: &HashSet<TableName>) -> Result<Session<'a>> {
        let (source, target) = tokio::try_join!(with.source.catalog.inventory(0), with.target.catalog.inventory(0))?;
        let rendering = |base: &str| with.source.rows.rendering(base, with.exact);
        let pairing = pair(&source, &target, |_| true, rendering);
        let mut matched: Vec<Matched> =
            pairing.tables.into_iter().filter(|m| wanted.contains(&m.source.name)).collect();
        let other_tables = match with.authority {
            Side::Source => &target.tables,
            Side::Target => &source.tables,
        };
        let mut readers = Readers::open(with.source, with.target).await?;
        readers.agree(&mut matched).await?;
        let whole = with.database(with.authority).repairs.reader().await?;
        let mut tables = HashMap::new();
        for matched in matched {
            let relation = if with.authority == Side::Source { &matched.target } else { &matched.source };
            let writable = writable(relation, other_tables.iter().find(|t| t.name == relation.name));
            let slices = slices(&mut readers, &matched, with.authority).await?;
            tables.insert(matched.source.name.clone(), Arc::new(Mendable { matched, writable, slices }));
        }
        Ok(Session { with, readers, whole, tables })
    }

    /// Whole rows of the side with the authority, by key.
    pub(super) async fn authority_rows(
        &mut self,
        mendable: &Mendable,
        keys: &[Key],
        with_texts: bool,
    ) -> Result<HashMap<Key, WholeRow>> {
        let (relation, slices) = (mendable.on(self.with.authority), &mendable.slices[0]);
        rows_by_key(self.whole.as_mut(), relation, slices, keys, with_texts).await
    }

    /// The pair as the recheck sees it.
    pub(super) fn sides<'s>(&'s mut self, mendable: &'s Mendable) -> Pair<'s> {
        let (readers, authority) = (&mut self.readers, self.with.authority);
        let (a, b) = match authority {
            Side::Source => (readers.source.as_mut(), readers.target.as_mut()),
            Side::Target => (readers.target.as_mut(), readers.source.as_mut()),
        };
        Pair { authority: a, other: b, side: authority, mendable, stream: self.with.stream }
    }

    pub(super) async fn close(self) {
        self.readers.close().await;
        self.whole.close().await;
    }
}

fn writable(relation: &Relation, table: Option<&Table>) -> Vec<bool> {
    let generated = |name: &str| table.is_some_and(|t| t.columns.iter().any(|c| c.name == name && c.generated));
    relation.fields.iter().map(|f| !generated(&f.name)).collect()
}

/// How each side of a table without a key is searched, the authority's first.
async fn slices(readers: &mut Readers, matched: &Matched, authority: Side) -> Result<[Vec<Slice>; 2]> {
    if !matched.source.key.is_empty() {
        return Ok([vec![Slice::Whole], vec![Slice::Whole]]);
    }
    let (source, target) =
        tokio::try_join!(readers.source.extent(&matched.source), readers.target.extent(&matched.target))?;
    let [source, target] = [source, target].map(|extent| by_pages(extent, matched.bytes, SLICE));
    Ok(match authority {
        Side::Source => [source, target],
        Side::Target => [target, source],
    })
}

/// Whole rows by key. Without a key, one row of each hash, wherever it is.
pub(super) async fn rows_by_key(
    reader: &mut dyn WholeRows,
    relation: &Relation,
    slices: &[Slice],
    keys: &[Key],
    with_texts: bool,
) -> Result<HashMap<Key, WholeRow>> {
    let mut found = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    for slice in slices {
        let missing: Vec<Key> = keys.iter().filter(|k| !found.contains_key(*k)).cloned().collect();
        if missing.is_empty() {
            break;
        }
        let rows = reader.rows(relation, slice, &missing, with_texts).await?;
        found.extend(rows.into_iter().map(|row| (row.key.clone(), row)));
    }
    Ok(found)
}

/// Where rows are that stand for these hashes.
pub(super) async fn places(
    reader: &mut dyn WholeRows,
    relation: &Relation,
    slices: &[Slice],
    keys: &[Key],
    most: i64,
) -> Result<HashMap<i64, Vec<Place>>> {
    let hashes: Vec<i64> = keys.iter().filter_map(|k| k.0.first()?.parse().ok()).collect();
    let mut found: HashMap<i64, Vec<Place>> = HashMap::new();
    if hashes.is_empty() {
        return Ok(found);
    }
    for slice in slices {
        for place in reader.places(relation, slice, &hashes, most).await? {
            found.entry(place.hash).or_default().push(place);
        }
    }
    Ok(found)
}

/// Both sides of one table, for the recheck.
pub(super) struct Pair<'s> {
    authority: &'s mut dyn RowReader,
    other: &'s mut dyn RowReader,
    side: Side,
    mendable: &'s Mendable,
    stream: &'s dyn Stream,
}

async fn look(reader: &mut dyn RowReader, relation: &Relation, slices: &[Slice], keys: &[Key]) -> Result<Vec<RowSum>> {
    if !relation.key.is_empty() {
        return reader.rows(relation, keys).await;
    }
    // A bucket of its own for each hash.
    let by = Division::Hash { mask: -1 };
    let hashes: Vec<i64> = keys.iter().filter_map(|k| k.0.first()?.parse().ok()).collect();
    let mut sums: HashMap<Key, Sum> = HashMap::new();
    for slice in slices {
        for row in reader.rows_in(relation, slice, by, &hashes).await? {
            sums.entry(row.key).or_default().add(row.sum);
        }
    }
    Ok(sums.into_iter().map(|(key, sum)| RowSum { key, sum, version: 0 }).collect())
}

#[async_trait]
impl Sides for Pair<'_> {
    async fn authority(&mut self, keys: &[Key]) -> Result<Vec<RowSum>> {
        look(self.authority, self.mendable.on(self.side), &self.mendable.slices[0], keys).await
    }

    async fn other(&mut self, keys: &[Key]) -> Result<Vec<RowSum>> {
        look(self.other, self.mendable.on(self.side.other()), &self.mendable.slices[1], keys).await
    }

    async fn pass(&mut self) -> Result<()> {
        self.stream.pass().await
    }

    async fn ended(&mut self) -> Result<bool> {
        self.authority.writers_ended().await
    }
}
