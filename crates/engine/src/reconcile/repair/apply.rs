//! Mending rows, each looked at before and after.
//!
//! Before: by the rule of a recheck a row is still different, and both sides are what the finding saw. Each statement then
//! holds only if the row it changes still is what was seen.
//!
//! A row that is missing needs more than that. While it is missing, the stream's updates and deletes of it find nothing: an
//! old row would be inserted behind them, and where the key was deleted and inserted anew, the stream's insert would meet
//! ours and stand still. So the version of the authority's row is read; the stream passes it; the table is closed to the
//! stream; and if the authority still has that very version, nothing of it is on its way, and what comes later comes
//! behind our insert. What shows only once its transaction has ended may still slip through by a hair: see below.
//!
//! After: rows that were written are looked at again. Where the other side holds what was written and the authority
//! something newer, that is mended in turn. Where the stream stands still, what was inserted is taken back.

use std::collections::{HashMap, HashSet};

use switchyard_model::{
    Side,
    ident::TableName,
    reconcile::{Finding, FindingKind, Key},
    repair::RepairOutcome,
};

use super::{
    super::recheck::{Sides, recheck},
    Repair,
    decide::{self, Act, COPIES, changes, left_alone},
    row::{Mended, Row, mended},
    session::{Mendable, Session, places, rows_by_key},
};
use crate::{
    db::{
        repairs::{Applied, Change, RowWriter},
        rows::{Relation, Sum},
    },
    error::Result,
};

/// Rows with a key that are looked at together: the writes between two looks take well below a second.
const BATCH: usize = 200;

/// Rows without a key that are looked at together: each look searches the whole table.
const BATCH_WITHOUT_KEY: usize = 1_000;

/// Rows that are inserted in one transaction, in which the stream waits for the table.
const INSERTS: usize = 50;

/// How often a row is written at most.
const ROUNDS: u32 = 8;

/// Mends rows.
pub struct Mender<'a> {
    session: Session<'a>,
    writer: Box<dyn RowWriter>,
}

/// Kinds in the order in which they are mended: what has to go, what changes, what is missing.
pub fn order(authority: Side) -> [FindingKind; 3] {
    match authority {
        Side::Source => [FindingKind::OnlyOnTarget, FindingKind::Different, FindingKind::MissingOnTarget],
        Side::Target => [FindingKind::MissingOnTarget, FindingKind::Different, FindingKind::OnlyOnTarget],
    }
}

/// The order within a round: what goes first may hold what must be unique, or what another row shall get.
const ORDER: [fn(Act) -> bool; 3] = [
    |act| matches!(act, Act::Delete | Act::DeleteCopies(_) | Act::Ambiguous),
    |act| matches!(act, Act::Update),
    |act| matches!(act, Act::Insert | Act::InsertCopies(_)),
];

impl<'a> Mender<'a> {
    /// Opens its sessions, for these tables.
    ///
    /// # Errors
    /// `Privilege` where our role may not write as a replica; or when a side does not answer.
    pub async fn open(with: Repair<'a>, tables: &HashSet<TableName>) -> Result<Mender<'a>> {
        // First what may be refused.
        let writer = with.database(with.authority.other()).repairs.writer().await?;
        Ok(Mender { session: Session::open(with, tables).await?, writer })
    }

    /// Mends rows of a table; what became of each, in their order.
    ///
    /// # Errors
    /// When a side cannot be read or a session broke; what was written before is there to stay.
    pub async fn mend(&mut self, table: &TableName, findings: &[Finding]) -> Result<Vec<Mended>> {
        let authority = self.session.with.authority;
        let Some(mendable) = self.session.tables.get(table).cloned() else {
            let all = findings.iter().map(|f| mended(f, None, left_alone(decide::NOT_COMPARED), false));
            return Ok(all.collect());
        };
        let relation = mendable.on(authority.other());
        let batch = if relation.key.is_empty() { BATCH_WITHOUT_KEY } else { BATCH };
        let mut all = Vec::with_capacity(findings.len());
        for some in findings.chunks(batch) {
            let mut rows: Vec<Row<'_>> = some.iter().map(|f| Row::new(f, relation, authority)).collect();
            self.rounds(&mendable, &mut rows).await?;
            all.extend(rows.into_iter().map(Row::end));
        }
        Ok(all)
    }

    /// Mends all of them: first rows that have to go, since they may hold what must be unique, then those that change, then
    /// those that are missing; rows that stood in each other's way once more at the end. In the order of `findings`.
    ///
    /// # Errors
    /// As [`Mender::mend`].
    pub async fn mend_all(&mut self, table: &TableName, findings: &[Finding]) -> Result<Vec<Mended>> {
        let mut all: Vec<Option<Mended>> = findings.iter().map(|_| None).collect();
        let mut again = Vec::new();
        for kind in order(self.session.with.authority) {
            let of_kind: Vec<usize> = (0..findings.len()).filter(|i| findings[*i].kind == kind).collect();
            again.extend(self.mend_some(table, findings, &of_kind, &mut all).await?);
        }
        loop {
            let before = again.len();
            again = self.mend_some(table, findings, &again, &mut all).await?;
            if again.len() == before {
                break;
            }
        }
        Ok(all.into_iter().flatten().collect())
    }

    /// Notes what became of some; returns those that may go through once others have been mended.
    async fn mend_some(
        &mut self,
        table: &TableName,
        findings: &[Finding],
        some: &[usize],
        all: &mut [Option<Mended>],
    ) -> Result<Vec<usize>> {
        let mut again = Vec::new();
        for batch in some.chunks(BATCH_WITHOUT_KEY) {
            let picked: Vec<Finding> = batch.iter().filter_map(|i| findings.get(*i).cloned()).collect();
            for (i, mended) in batch.iter().zip(self.mend(table, &picked).await?) {
                if mended.again {
                    again.push(*i);
                }
                if let Some(place) = all.get_mut(*i) {
                    *place = Some(mended);
                }
            }
        }
        Ok(again)
    }

    async fn rounds(&mut self, mendable: &Mendable, rows: &mut [Row<'_>]) -> Result<()> {
        let relation = mendable.on(self.session.with.authority.other());
        for round in 0..=ROUNDS {
            if let Err(e) = self.look(mendable, rows).await {
                self.take_back(relation, rows).await;
                return Err(e);
            }
            if round == ROUNDS || rows.iter().all(|row| row.open().is_none()) {
                break;
            }
            for kind in ORDER {
                let is_of = |row: &Row<'_>| row.open().is_some_and(|seen| kind(decide::act(relation, seen)));
                let mut of_kind: Vec<&mut Row<'_>> = rows.iter_mut().filter(|row| is_of(row)).collect();
                for some in of_kind.chunks_mut(mendable.at_once()) {
                    if relation.key.is_empty() || !kind(Act::Insert) {
                        self.write(mendable, some).await?;
                        continue;
                    }
                    for few in some.chunks_mut(INSERTS) {
                        self.insert(mendable, few).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at rows by the rule, and ends those of which nothing is left to be done.
    async fn look(&mut self, mendable: &Mendable, rows: &mut [Row<'_>]) -> Result<()> {
        let keys: Vec<Key> = rows.iter().filter_map(|row| row.open().map(|s| s.key.clone())).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let rechecked = recheck(&mut self.session.sides(mendable), keys).await?;
        let different: HashMap<Key, (Sum, Sum)> =
            rechecked.different.into_iter().map(|(key, a, b)| (key, (a, b))).collect();
        let hot: HashSet<Key> = rechecked.hot.into_iter().collect();
        for row in rows {
            row.inserted = false;
            let Some(key) = row.open().map(|s| &s.key) else { continue };
            match different.get(key) {
                Some((authority, other)) => row.differs(*authority, *other),
                None if hot.contains(key) => row.changed("it changes all the time"),
                None if row.written => row.outcome = Some(RepairOutcome::Mended),
                None => row.outcome = Some(RepairOutcome::Equal),
            }
        }
        Ok(())
    }

    /// Reads what a few rows need and writes them.
    async fn write(&mut self, mendable: &Mendable, rows: &mut [&mut Row<'_>]) -> Result<()> {
        let relation = mendable.on(self.session.with.authority.other());
        let keys: Vec<Key> = rows.iter().filter_map(|row| row.open().map(|s| s.key.clone())).collect();
        let acts: Vec<Act> = rows.iter().filter_map(|row| row.open()).map(|s| decide::act(relation, s)).collect();
        let any = |which: fn(Act) -> bool| acts.iter().any(|act| which(*act));
        let mut here = HashMap::new();
        if any(|act| matches!(act, Act::Insert | Act::Update | Act::InsertCopies(_))) {
            here = self.session.authority_rows(mendable, &keys, true).await?;
        }
        let (mut there, mut at) = (HashMap::new(), HashMap::new());
        if any(|act| matches!(act, Act::Update | Act::Delete)) {
            there = rows_by_key(self.writer.as_mut(), relation, &mendable.slices[1], &keys, false).await?;
        }
        if any(|act| matches!(act, Act::DeleteCopies(_))) {
            at = places(self.writer.as_mut(), relation, &mendable.slices[1], &keys, COPIES).await?;
        }
        for row in rows.iter_mut() {
            let Some(seen) = row.open() else { continue };
            let act = decide::act(relation, seen);
            let row_here = here.remove(&seen.key);
            match changes(relation, &mendable.writable, seen, row_here, there.get(&seen.key), &at) {
                Ok(changes) => self.apply(relation, row, act, &changes).await?,
                Err(outcome) => row.outcome = Some(outcome),
            }
        }
        Ok(())
    }

    /// Inserts a few rows while the stream waits for their table; by themselves where one of them is refused.
    async fn insert(&mut self, mendable: &Mendable, rows: &mut [&mut Row<'_>]) -> Result<()> {
        let relation = mendable.on(self.session.with.authority.other());
        let keys: Vec<Key> = rows.iter().filter_map(|row| row.open().map(|s| s.key.clone())).collect();
        let mut here = self.session.authority_rows(mendable, &keys, true).await?;
        let versions: HashMap<Key, String> = here.iter().map(|(k, row)| (k.clone(), row.version.clone())).collect();
        let mut planned = Vec::new();
        for (i, row) in rows.iter_mut().enumerate() {
            let Some(seen) = row.open() else { continue };
            let key = seen.key.clone();
            match changes(relation, &mendable.writable, seen, here.remove(&key), None, &HashMap::new()) {
                Ok(changes) => planned.push((i, key, changes)),
                Err(outcome) => row.outcome = Some(outcome),
            }
        }
        // Who is about to commit has done so then, and what was committed has arrived.
        let mut sides = self.session.sides(mendable);
        sides.ended().await?;
        sides.pass().await?;
        if self.insert_together(mendable, rows, &planned, &versions).await? {
            return Ok(());
        }
        for one in planned.chunks(1) {
            self.insert_together(mendable, rows, one, &versions).await?;
        }
        Ok(())
    }

    /// One transaction; false where several rows were to be inserted, one of them was refused, and so none was.
    async fn insert_together(
        &mut self,
        mendable: &Mendable,
        rows: &mut [&mut Row<'_>],
        planned: &[(usize, Key, Vec<Change>)],
        versions: &HashMap<Key, String>,
    ) -> Result<bool> {
        let relation = mendable.on(self.session.with.authority.other());
        if let Applied::Refused { why, .. } = self.writer.alone(relation).await? {
            for (i, _, _) in planned {
                rows[*i].outcome = Some(RepairOutcome::Refused { why: why.clone() });
            }
            return Ok(true);
        }
        let keys: Vec<Key> = planned.iter().map(|(_, key, _)| key.clone()).collect();
        let now = self.session.authority_rows(mendable, &keys, false).await?;
        let mut written = Vec::new();
        for (i, key, changes) in planned {
            // Another version is looked at again in the next round.
            if now.get(key).map(|row| &row.version) != versions.get(key) {
                continue;
            }
            for change in changes {
                match self.writer.apply(relation, change).await? {
                    Applied::Rows(n) => written.push((*i, n)),
                    Applied::Refused { why, taken } => {
                        self.writer.roll_back().await?;
                        if planned.len() > 1 {
                            return Ok(false);
                        }
                        rows[*i].outcome = Some(RepairOutcome::Refused { why });
                        rows[*i].again = taken;
                        return Ok(true);
                    }
                }
            }
        }
        self.writer.commit().await?;
        for (i, n) in written {
            match n {
                0 => rows[i].changed("it changed at the last moment"),
                n => rows[i].wrote(Act::Insert, n),
            }
        }
        Ok(true)
    }

    /// Takes back what was inserted and not looked at since: the stream may stand still because of it.
    async fn take_back(&mut self, relation: &Relation, rows: &[Row<'_>]) {
        for seen in rows.iter().filter(|row| row.inserted).filter_map(Row::open) {
            let Some(hash) = decide::hash(seen.other) else { continue };
            let taken = self.writer.apply(relation, &Change::Delete { key: seen.key.clone(), hash }).await;
            if let Err(e) = taken {
                tracing::error!(error = %e, "a row that was inserted could not be taken back");
                return;
            }
        }
    }

    async fn apply(&mut self, relation: &Relation, row: &mut Row<'_>, act: Act, changes: &[Change]) -> Result<()> {
        let mut written = 0;
        for change in changes {
            match self.writer.apply(relation, change).await? {
                Applied::Rows(rows) => written += rows,
                Applied::Refused { why, taken } => {
                    row.outcome = Some(RepairOutcome::Refused { why });
                    row.again = taken;
                    return Ok(());
                }
            }
        }
        match written {
            0 => row.changed("it changed at the last moment"),
            rows => row.wrote(act, rows),
        }
        Ok(())
    }

    /// Hands its sessions back.
    pub async fn close(self) {
        self.session.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_go_goes_first_on_either_side() {
        assert_eq!(order(Side::Source)[0], FindingKind::OnlyOnTarget, "the target shall not have it");
        assert_eq!(order(Side::Target)[0], FindingKind::MissingOnTarget, "the source shall not have it");
    }
}
