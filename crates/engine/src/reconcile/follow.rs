//! Following changes: after a full pass only rows that changed are looked at again, so the cost follows the rate of change.
//!
//! Both sides' feeds are read, since a row may also be changed on the other side alone, which no stream tells. Each key
//! that either feed tells is looked at on both sides by the same rule as in a full pass. It reads only; where what changed
//! cannot be told by keys, it says which tables have to be compared as a whole.

use std::collections::{HashMap, HashSet};

use switchyard_model::{Side, UnixMs, ident::TableName, inventory::Inventory, reconcile::Key};

use super::{
    Pace, Stream, describe,
    pairing::Matched,
    table::{Comparison, Readers},
    tally::{Findings, Tally},
};
use crate::{
    clock::SharedClock,
    db::{
        Database,
        feed::{Changes, Feed, Followed},
    },
    error::Result,
};

/// Keys that are looked at in one statement per side.
const AT_ONCE: usize = 5_000;

/// Keys of one table that wait at most; beyond it the table is compared as a whole.
const MOST_WAITING: usize = 200_000;

/// Both feeds of a pair, and what they told that was not looked at yet.
pub struct Follow {
    source: Box<dyn Feed>,
    target: Box<dyn Feed>,
    tables: HashMap<TableName, Followable>,
    names: Vec<TableName>,
    /// Keys that wait, by table.
    waiting: HashMap<TableName, HashSet<Key>>,
    whole: HashSet<TableName>,
    since: UnixMs,
}

/// A table, as it can be followed.
struct Followable {
    matched: Matched,
    /// Whether both feeds tell every change of it by key.
    by_key: bool,
}

/// What one look at a table's changed rows came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows looked at.
    pub rows: i64,
    /// Rows that are equal.
    pub equal: Vec<Vec<(String, String)>>,
    /// Rows that stayed different; the findings were told.
    pub different: i64,
    /// Rows that changed on every look; they are looked at again in the next round.
    pub hot: i64,
    /// The first of them, by key.
    pub hot_rows: Vec<Vec<(String, String)>>,
}

impl Follow {
    /// Begins to follow the tables of a pairing on both sides, as far as `publication` carries them there. Call it before
    /// the full pass: what changes during that pass is then told.
    ///
    /// # Errors
    /// When a side cannot be followed: no free slot, no permission, a transaction that does not end.
    pub async fn begin(
        source: &Database,
        target: &Database,
        publication: &str,
        tables: Vec<Matched>,
        inventories: [&Inventory; 2],
        clock: &SharedClock,
    ) -> Result<Follow> {
        let (here, there) = tokio::try_join!(source.feeds.published(publication), target.feeds.published(publication))?;
        let names: Vec<TableName> = tables.iter().map(|m| m.source.name.clone()).collect();
        let mut lists = [Vec::new(), Vec::new()];
        let mut followable = HashMap::new();
        for (number, matched) in tables.into_iter().enumerate() {
            let mut by_key = !matched.source.key.is_empty();
            let relations = [&matched.source, &matched.target];
            for (list, (inventory, (relation, published))) in
                lists.iter_mut().zip(inventories.into_iter().zip(relations.into_iter().zip([&here, &there])))
            {
                let leaves = leaves(inventory, &relation.name);
                by_key &= !leaves.is_empty() && leaves.iter().all(|l| published.contains(l));
                let key: Vec<String> = relation.key_fields().map(|f| f.name.clone()).collect();
                list.extend(leaves.into_iter().map(|name| Followed {
                    columns: columns(inventory, &name),
                    name,
                    key: key.clone(),
                    number,
                }));
            }
            followable.insert(matched.source.name.clone(), Followable { matched, by_key });
        }
        let [on_source, on_target] = lists;
        let since = clock.now();
        let (source, target) =
            tokio::try_join!(source.feeds.follow(publication, on_source), target.feeds.follow(publication, on_target))?;
        let (waiting, whole) = (HashMap::new(), HashSet::new());
        Ok(Follow { source, target, tables: followable, names, waiting, whole, since })
    }

    /// Since when every change is told.
    pub fn since(&self) -> UnixMs {
        self.since
    }

    /// Whether changed rows of a table can be verified by themselves.
    pub fn follows(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|t| t.by_key)
    }

    /// Whether every change of some tables is told by key.
    pub fn follows_any(&self) -> bool {
        self.tables.values().any(|t| t.by_key)
    }

    /// Whether tables are still as they were when this began; one that was altered has to be followed anew.
    pub fn fits(&self, tables: &[Matched]) -> bool {
        let shape = |m: &Matched| {
            let of = |r: &crate::db::rows::Relation| -> Vec<(String, String)> {
                r.fields.iter().map(|f| (f.name.clone(), f.sql_type.clone())).collect()
            };
            (of(&m.source), of(&m.target), m.source.key.clone())
        };
        tables.iter().all(|m| self.tables.get(&m.source.name).is_some_and(|t| shape(&t.matched) == shape(m)))
    }

    /// Changed rows that wait to be verified.
    pub fn waiting(&self) -> i64 {
        self.waiting.values().map(|keys| keys.len() as i64).sum()
    }

    /// Reads both feeds to their ends; returns the time up to which they told everything.
    ///
    /// # Errors
    /// Any error ends the following: what changed since is not known, and a full pass has to begin anew.
    pub async fn read(&mut self, clock: &SharedClock) -> Result<UnixMs> {
        loop {
            let asked = clock.now();
            let (a, b) = tokio::try_join!(self.source.next(), self.target.next())?;
            let done = a.caught_up && b.caught_up;
            self.note(a);
            self.note(b);
            if done {
                return Ok(asked);
            }
        }
    }

    fn note(&mut self, changes: Changes) {
        let name = |number: usize| self.names.get(number).cloned();
        for table in changes.whole.into_iter().filter_map(name) {
            self.waiting.remove(&table);
            self.whole.insert(table);
        }
        for (number, keys) in changes.keys {
            let Some(table) = self.names.get(number).cloned() else { continue };
            if !self.tables.get(&table).is_some_and(|t| t.by_key) {
                self.whole.insert(table);
                continue;
            }
            let waiting = self.waiting.entry(table.clone()).or_default();
            waiting.extend(keys);
            if waiting.len() > MOST_WAITING {
                self.waiting.remove(&table);
                self.whole.insert(table);
            }
        }
    }

    /// Tables that have to be compared as a whole.
    pub fn whole(&self) -> &HashSet<TableName> {
        &self.whole
    }

    /// A full pass over these begins: it reads everything that was told of them.
    pub fn begin_whole(&mut self, tables: &[TableName]) {
        for table in tables {
            self.whole.remove(table);
        }
    }

    /// Tables with changed rows that wait.
    pub fn changed(&self) -> Vec<TableName> {
        let mut tables: Vec<TableName> = self.waiting.keys().cloned().collect();
        tables.sort();
        tables
    }

    /// Verifies the changed rows of one table. Rows that cannot be looked at now wait for the next call.
    ///
    /// # Errors
    /// When a side does not answer; nothing that waited is lost.
    pub async fn verify(&mut self, table: &TableName, with: &mut Looking<'_>) -> Result<Verified> {
        let (Some(followable), Some(keys)) = (self.tables.get(table), self.waiting.remove(table)) else {
            return Ok(Verified::default());
        };
        // Neighbours are read together where the table is in the order of its key: numbers by their length first.
        let mut left: Vec<Key> = keys.into_iter().collect();
        left.sort_unstable_by(|a, b| by_length(a).cmp(&by_length(b)));
        let mut verified = Verified::default();
        let mut again = HashSet::new();
        while !left.is_empty() {
            let batch = left.split_off(left.len().saturating_sub(AT_ONCE));
            let looked = match with.readers.source.written(&followable.matched.source, batch.clone()).await {
                Ok(mut written) => {
                    if written.len() < batch.len() {
                        // One that the source's type cannot hold, so only the whole table tells what became of its row.
                        self.whole.insert(table.clone());
                    }
                    // Both logs may tell one key in two ways.
                    written.sort_unstable();
                    written.dedup();
                    look(&followable.matched, &written, with, &mut verified).await
                }
                Err(e) => Err(e),
            };
            match looked {
                Ok(hot) => again.extend(hot),
                Err(e) => {
                    again.extend(batch);
                    again.extend(left);
                    self.waiting.entry(table.clone()).or_default().extend(again);
                    return Err(e);
                }
            }
        }
        if !again.is_empty() {
            self.waiting.entry(table.clone()).or_default().extend(again);
        }
        Ok(verified)
    }

    /// Lets both servers forget it.
    pub async fn close(self) {
        tokio::join!(self.source.close(), self.target.close());
    }
}

fn by_length(key: &Key) -> Option<(usize, &String)> {
    key.0.first().map(|text| (text.len(), text))
}

/// What looking at changed rows needs.
pub struct Looking<'a> {
    /// Both sides' sessions.
    pub readers: &'a mut Readers,
    /// The side whose rows count.
    pub authority: Side,
    /// What carries changes.
    pub stream: &'a dyn Stream,
    /// Throttle and pause.
    pub pace: &'a Pace,
    /// Time.
    pub clock: &'a SharedClock,
    /// Where findings go.
    pub findings: &'a dyn Findings,
}

impl Looking<'_> {
    /// A server's log tells a commit before the server itself shows it, so rows are looked at only after the transactions
    /// that were about to end when the log was read have ended. False when some wait for a standby: look later then.
    ///
    /// # Errors
    /// When a side does not answer.
    pub async fn settle(&mut self) -> Result<bool> {
        let Readers { source, target } = &mut *self.readers;
        let (a, b) = tokio::try_join!(source.writers_ended(), target.writers_ended())?;
        Ok(a && b)
    }
}

/// Looks at some rows; returns the keys of those that never rested.
async fn look(matched: &Matched, keys: &[Key], with: &mut Looking<'_>, verified: &mut Verified) -> Result<Vec<Key>> {
    let began = with.clock.instant();
    let mut tally = Tally::new(matched, with.authority, with.findings, with.clock);
    let mut comparison = Comparison::new(matched, with.readers, with.authority, with.stream, with.pace, with.clock);
    let (different, hot) = comparison.verify(keys, &mut tally).await?;
    let unequal: HashSet<&Key> = different.iter().chain(&hot).collect();
    verified.rows += keys.len() as i64;
    verified.different += different.len() as i64;
    verified.hot += hot.len() as i64;
    verified.hot_rows.extend(std::mem::take(&mut tally.told.hot));
    let equal = keys.iter().filter(|k| !unequal.contains(k));
    verified.equal.extend(equal.map(|k| describe::named(&matched.source, k)));
    with.pace.rest(with.clock.instant().duration_since(began)).await;
    Ok(hot)
}

/// A table's columns as the log of changes lists them.
fn columns(inventory: &Inventory, name: &TableName) -> Vec<String> {
    let table = inventory.tables.iter().find(|t| &t.name == name);
    let columns = table.into_iter().flat_map(|t| &t.columns).filter(|c| !c.generated);
    columns.map(|c| c.name.clone()).collect()
}

/// The tables that hold a relation's rows.
fn leaves(inventory: &Inventory, name: &TableName) -> Vec<TableName> {
    let children: Vec<&TableName> =
        inventory.tables.iter().filter(|t| t.partition_of.as_ref() == Some(name)).map(|t| &t.name).collect();
    if children.is_empty() {
        return vec![name.clone()];
    }
    children.into_iter().flat_map(|child| leaves(inventory, child)).collect()
}
