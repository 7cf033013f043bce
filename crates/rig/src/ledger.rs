//! What was acknowledged, and whether the database still has it: the judge of "nothing is lost, nothing comes twice".

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use crate::error::{Result, RigError};

/// One write of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId {
    /// Which client wrote it.
    pub client: i64,
    /// Its number among that client's writes.
    pub number: i64,
}

/// The acknowledged writes. Numbers of a client are nearly without gaps, so they are kept as runs: hours of writing
/// take a few kilobytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledged {
    clients: BTreeMap<i64, Vec<(i64, i64)>>,
}

impl Acknowledged {
    /// Records a write. Numbers of one client have to come in ascending order.
    pub fn record(&mut self, entry: EntryId) {
        let runs = self.clients.entry(entry.client).or_default();
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == entry.number => *last = entry.number,
            _ => runs.push((entry.number, entry.number)),
        }
    }

    /// Takes over what another workload recorded.
    pub fn merge(&mut self, other: Self) {
        for (client, runs) in other.clients {
            let mine = self.clients.entry(client).or_default();
            mine.extend(runs);
            mine.sort_unstable();
        }
    }

    /// How many writes were acknowledged.
    pub fn len(&self) -> u64 {
        self.clients.values().flatten().map(|(first, last)| last.abs_diff(*first) + 1).sum()
    }

    /// Whether nothing was acknowledged.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Reads what a workload appended to its ledger file; a torn last line is no acknowledged write.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(RigError::io(format!("reading {}", path.display())))?;
        let mut read = Self::default();
        for line in text.split_inclusive('\n').filter_map(|l| l.strip_suffix('\n')) {
            let mut fields = line.split(' ').map(str::parse);
            if let (Some(Ok(client)), Some(Ok(number))) = (fields.next(), fields.next()) {
                read.record(EntryId { client, number });
            }
        }
        Ok(read)
    }
}

/// What became of the acknowledged writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerCheck {
    /// How many were looked for.
    pub acknowledged: u64,
    /// Those that are not there.
    pub lost: Vec<EntryId>,
    /// Those that are there more than once, once for each further copy.
    pub duplicated: Vec<EntryId>,
    /// Those that are there with another payload.
    pub altered: Vec<EntryId>,
    /// Rows of these clients that nobody was told of: writes whose answer got lost. Neither right nor wrong.
    pub unacknowledged: u64,
}

impl LedgerCheck {
    /// Whether every acknowledged write is there exactly once, as it was written.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty() && self.altered.is_empty()
    }
}

/// Compares the ledger with the rows of the database at `url`, row by row.
pub async fn check(url: &str, acknowledged: &Acknowledged) -> Result<LedgerCheck> {
    let mut connection = PgConnection::connect(url).await.map_err(RigError::sql("connecting to check the ledger"))?;
    let mut found = LedgerCheck { acknowledged: acknowledged.len(), ..LedgerCheck::default() };
    for (client, runs) in &acknowledged.clients {
        check_client(&mut connection, *client, runs, &mut found).await.map_err(RigError::sql("reading the ledger"))?;
    }
    connection.close().await.map_err(RigError::sql("closing the ledger's connection"))?;
    Ok(found)
}

/// Walks a client's rows and its acknowledged numbers side by side, both ascending.
async fn check_client(
    connection: &mut PgConnection,
    client: i64,
    runs: &[(i64, i64)],
    found: &mut LedgerCheck,
) -> Result<(), sqlx::Error> {
    let mut expected = runs.iter().flat_map(|(first, last)| *first..=*last).peekable();
    let mut previous = None;
    let mut rows = sqlx::query("SELECT number, payload FROM ledger_entry WHERE client_id = $1 ORDER BY number")
        .bind(client)
        .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let number: i64 = row.try_get(0)?;
        let entry = EntryId { client, number };
        if previous == Some(number) {
            found.duplicated.push(entry);
            continue;
        }
        previous = Some(number);
        while let Some(lost) = expected.next_if(|n| *n < number) {
            found.lost.push(EntryId { client, number: lost });
        }
        if expected.next_if_eq(&number).is_none() {
            found.unacknowledged += 1;
        } else if row.try_get::<&str, _>(1)? != payload(entry) {
            found.altered.push(entry);
        }
    }
    found.lost.extend(expected.map(|number| EntryId { client, number }));
    Ok(())
}

/// What a write stores: follows from its id, so the check knows it without having kept it. 16 to 128 hex digits.
pub(crate) fn payload(entry: EntryId) -> String {
    let mut state = (entry.client as u64).rotate_left(32) ^ entry.number as u64;
    let words = 1 + state % 8;
    (0..words)
        .map(|_| {
            state = mix(state);
            format!("{state:016x}")
        })
        .collect()
}

/// One step of a simple generator (an odd multiplier and a shift): equal everywhere, unlike a library's hash.
fn mix(state: u64) -> u64 {
    let next = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    next ^ (next >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_grow_and_break() {
        let mut ledger = Acknowledged::default();
        for number in [1, 2, 3, 7, 8] {
            ledger.record(EntryId { client: 4, number });
        }
        assert_eq!(ledger.len(), 5);
        assert_eq!(ledger.clients.get(&4).map(Vec::len), Some(2), "two runs, not five numbers");
    }

    #[test]
    fn payloads_differ_and_repeat() {
        let entry = |number| EntryId { client: 9, number };
        assert_eq!(payload(entry(1)), payload(entry(1)));
        assert_ne!(payload(entry(1)), payload(entry(2)));
    }
}
