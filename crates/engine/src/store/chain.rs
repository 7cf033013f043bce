//! The chain of the journal: each entry carries a hash of itself and of the hash before it.
//!
//! Who changes, removes or slips in an entry has to compute every hash behind it anew, and then the newest one is no longer
//! the one that somebody noted. It finds a changed journal; it keeps nobody from changing one.

use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::{MigrationId, Store};
use crate::error::{Error, Kind, Result};

/// What is hashed of an entry, as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<T> {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) written_by: T,
    pub(super) generation: i64,
    pub(super) entry: T,
}

/// The hash of an entry behind another's; "" before the first. Texts go in behind their length, so that no two entries read
/// as the same bytes.
pub(super) fn next<T: AsRef<str>>(before: &str, link: &Link<T>) -> String {
    let mut hash = Sha256::new();
    for number in [link.seq, link.at, link.generation] {
        hash.update(number.to_be_bytes());
    }
    for text in [before, link.written_by.as_ref(), link.entry.as_ref()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An entry's number and its hash, as a person notes it: `17:3f…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number.
    pub seq: i64,
    /// The hash, 64 hexadecimal digits.
    pub hash: String,
}

impl Head {
    /// Reads what [`std::fmt::Display`] wrote; None where it is something else.
    pub fn parse(text: &str) -> Option<Head> {
        let (seq, hash) = text.trim().split_once(':')?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
        let hash = hash.to_ascii_lowercase();
        (hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some(Head { seq, hash })
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// What a look at the whole chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Entries that were read.
    pub entries: i64,
    /// Those at the beginning that an earlier version wrote without a hash.
    pub unhashed: i64,
    /// The newest entry; None where there is none.
    pub head: Option<Head>,
    /// The first entry that is not what was written, and why; None while the chain is whole.
    pub broken: Option<(i64, String)>,
}

/// What was read of the chain so far.
struct Walk {
    chain: Chain,
    hash: String,
}

impl Walk {
    fn new() -> Walk {
        Walk { chain: Chain { entries: 0, unhashed: 0, head: None, broken: None }, hash: String::new() }
    }

    /// Takes the next entry; false where the chain breaks.
    fn take(&mut self, link: &Link<String>, stored: Option<&str>, noted: Option<&Head>) -> bool {
        let due = self.chain.entries + 1;
        if link.seq != due {
            return self.break_at(due, "it is missing");
        }
        self.hash = next(&self.hash, link);
        self.chain.entries = due;
        match stored {
            Some(stored) if stored != self.hash => {
                return self.break_at(due, "it, its hash, or an entry before it that has none was changed");
            }
            Some(_) => {}
            None if self.chain.unhashed == due - 1 => self.chain.unhashed = due,
            None => return self.break_at(due, "it has no hash, and entries before it have one"),
        }
        if noted.is_some_and(|n| n.seq == due && n.hash != self.hash) {
            return self.break_at(due, "it or an entry before it is another one than when its hash was noted");
        }
        self.chain.head = Some(Head { seq: due, hash: self.hash.clone() });
        true
    }

    fn break_at(&mut self, seq: i64, why: &str) -> bool {
        self.chain.broken = Some((seq, why.to_owned()));
        false
    }

    fn end(mut self, noted: Option<&Head>) -> Chain {
        if let Some(noted) = noted.filter(|n| self.chain.broken.is_none() && n.seq > self.chain.entries) {
            self.break_at(noted.seq, "its hash was noted, and it is no longer there");
        }
        self.chain
    }
}

type Row = (i64, i64, String, i64, String, Option<String>);

async fn rows(store: &Store, connection: &mut SqliteConnection, migration: MigrationId) -> Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT seq, at, written_by, generation, entry, chain FROM journal WHERE migration_id = ? ORDER BY seq",
    )
    .bind(migration)
    .fetch_all(connection)
    .await
    .map_err(|e| store.failed("reading the journal", e))
}

fn walk(rows: Vec<Row>, noted: Option<&Head>) -> Walk {
    let mut walk = Walk::new();
    for (seq, at, written_by, generation, entry, stored) in rows {
        if !walk.take(&Link { seq, at, written_by, generation, entry }, stored.as_deref(), noted) {
            break;
        }
    }
    walk
}

/// The newest entry's number and hash, behind which the next one is written; 0 and "" before the first.
pub(super) async fn tail(
    store: &Store,
    connection: &mut SqliteConnection,
    migration: MigrationId,
) -> Result<(i64, String)> {
    let newest: Option<(i64, Option<String>)> =
        sqlx::query_as("SELECT seq, chain FROM journal WHERE migration_id = ? ORDER BY seq DESC LIMIT 1")
            .bind(migration)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|e| store.failed("writing the journal", e))?;
    match newest {
        None => Ok((0, String::new())),
        Some((seq, Some(hash))) => Ok((seq, hash)),
        // The newest is an earlier version's: its hash is computed, once. A gap is told by who looks, and keeps nobody waiting.
        Some((seq, None)) => Ok((seq, walk(rows(store, connection, migration).await?, None).hash)),
    }
}

impl Store {
    /// Reads the whole journal and computes its chain anew. `noted` is a head that somebody kept elsewhere.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn chain(&self, migration: MigrationId, noted: Option<&Head>) -> Result<Chain> {
        let mut connection = self.full.acquire().await.map_err(|e| self.failed("reading the journal", e))?;
        let rows = rows(self, &mut connection, migration).await?;
        if rows.is_empty() {
            return Err(Error::new(Kind::StoreDamaged, "reading the journal", "this migration has no entry at all"));
        }
        Ok(walk(rows, noted).end(noted))
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::journal::Entry;

    use super::super::{Durability, NewEntry, fixture};
    use super::*;

    fn entry(reason: &str) -> NewEntry {
        let entry = Entry::SignedOff { check: "schema.owner".into(), by_name: "ann".into(), reason: reason.into() };
        NewEntry { at: 5, by: "ann@host".into(), generation: 0, entry }
    }

    /// A journal of five entries.
    async fn five() -> (tempfile::TempDir, Store, MigrationId) {
        let (folder, store, id) = fixture::with_migration().await;
        store.append(id, vec![entry("two"), entry("three")], Durability::Disk).await.unwrap();
        for reason in ["four", "five"] {
            store.append(id, vec![entry(reason)], Durability::Process).await.unwrap();
        }
        (folder, store, id)
    }

    /// What somebody does who can write the file.
    async fn tamper(store: &Store, sql: &'static str) {
        let free = "DROP TRIGGER IF EXISTS journal_is_append_only_update; DROP TRIGGER IF EXISTS journal_is_append_only_delete";
        for sql in [free, sql] {
            sqlx::raw_sql(sql).execute(&store.full).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_journal_that_nobody_touched_is_whole() {
        let (_folder, store, id) = five().await;
        let chain = store.chain(id, None).await.unwrap();
        assert_eq!((chain.entries, chain.unhashed, &chain.broken), (5, 0, &None), "also across both durabilities");
        let noted = chain.head.unwrap();
        assert_eq!(Head::parse(&noted.to_string()), Some(noted.clone()), "a head is read as it is written");
        store.append(id, vec![entry("six")], Durability::Disk).await.unwrap();
        let later = store.chain(id, Some(&noted)).await.unwrap();
        assert_eq!((later.entries, later.broken), (6, None), "what was noted is still part of it");
        assert_ne!(later.head, Some(noted), "and it has gone on");
    }

    #[tokio::test]
    async fn every_change_is_found_and_names_its_entry() {
        let changes: [(&str, i64); 9] = [
            ("UPDATE journal SET entry = replace(entry, 'three', 'threw') WHERE seq = 3", 3),
            ("UPDATE journal SET at = 6 WHERE seq = 4", 4),
            ("UPDATE journal SET written_by = 'bob@host' WHERE seq = 2", 2),
            ("UPDATE journal SET generation = 1 WHERE seq = 5", 5),
            ("UPDATE journal SET chain = upper(chain) WHERE seq = 1", 1),
            ("UPDATE journal SET chain = NULL WHERE seq = 4", 4),
            ("DELETE FROM journal WHERE seq = 2", 2),
            ("DELETE FROM journal WHERE seq = 3; UPDATE journal SET seq = seq - 1 WHERE seq > 3", 3),
            (
                "UPDATE journal SET seq = 99 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 4; \
                 UPDATE journal SET seq = 4 WHERE seq = 99",
                3,
            ),
        ];
        for (sql, seq) in changes {
            let (_folder, store, id) = five().await;
            tamper(&store, sql).await;
            let chain = store.chain(id, None).await.unwrap();
            assert_eq!(chain.broken.as_ref().map(|(seq, _)| *seq), Some(seq), "{sql}: {chain:?}");
            assert_eq!(chain.head.map(|h| h.seq), (seq > 1).then_some(seq - 1), "{sql}: what is before it still holds");
        }
    }

    #[tokio::test]
    async fn a_noted_head_finds_what_the_chain_alone_cannot() {
        let (_folder, store, id) = five().await;
        let noted = store.chain(id, None).await.unwrap().head.unwrap();
        tamper(&store, "DELETE FROM journal WHERE seq = 5").await;
        assert_eq!(store.chain(id, None).await.unwrap().broken, None, "a shorter journal is whole in itself");
        let cut = store.chain(id, Some(&noted)).await.unwrap();
        assert_eq!(cut.broken.map(|(seq, _)| seq), Some(5), "what was noted is gone");
        // Written anew, hashes and all.
        store.append(id, vec![entry("another five")], Durability::Disk).await.unwrap();
        assert_eq!(store.chain(id, None).await.unwrap().broken, None, "it is a whole chain again");
        let other = store.chain(id, Some(&noted)).await.unwrap();
        assert_eq!(other.broken.map(|(seq, _)| seq), Some(5), "but not the one that was noted");
    }

    #[tokio::test]
    async fn entries_of_an_earlier_version_are_covered_by_the_first_hash_behind_them() {
        let (_folder, store, id) = five().await;
        tamper(&store, "UPDATE journal SET chain = NULL").await;
        let old = store.chain(id, None).await.unwrap();
        assert_eq!((old.entries, old.unhashed, old.broken), (5, 5, None), "they are told, not taken for changed");
        store.append(id, vec![entry("six")], Durability::Disk).await.unwrap();
        let now = store.chain(id, None).await.unwrap();
        assert_eq!((now.entries, now.unhashed, now.broken), (6, 5, None));
        tamper(&store, "UPDATE journal SET entry = replace(entry, 'three', 'threw') WHERE seq = 3").await;
        let changed = store.chain(id, None).await.unwrap();
        let (seq, why) = changed.broken.unwrap();
        assert_eq!(seq, 6, "the first hash no longer fits");
        assert!(why.contains("before it that has none"), "and it says where else to look: {why}");
    }

    #[test]
    fn what_is_no_head_is_none() {
        let hash = "0".repeat(64);
        for text in
            ["", "5", ":", &format!("0:{hash}"), &format!("-1:{hash}"), "5:abc", &format!("5:{}", "g".repeat(64))]
        {
            assert_eq!(Head::parse(text), None, "“{text}”");
        }
        assert!(Head::parse(&format!(" 5:{hash}\n")).is_some(), "as it is pasted");
    }
}
