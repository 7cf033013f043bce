//! What is not as it was seen is not touched; what the server refuses is told in a sentence.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use switchyard_engine::{
    Result,
    db::{
        Database,
        repairs::{Applied, Change, Feeder, Place, Repairs, RowWriter, WholeRow, WholeRows},
        rows::{Relation, Slice},
    },
    reconcile::repair::Repair,
};
use switchyard_model::{Side, ident::TableName, reconcile::Key, repair::RepairOutcome};

use super::{
    postgres_server::Bed,
    twin::{Still, Twin, letters, outcomes, why},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_changed_since_it_was_seen_is_not_touched() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 9) g")
        .await;
    twin.target
        .execute("UPDATE t SET v = 'x' WHERE id IN (1, 2, 3, 4); DELETE FROM t WHERE id IN (5, 6); INSERT INTO t VALUES (10, 'x'), (11, 'x')")
        .await;
    let found = twin.findings(Side::Source).await;
    // 1 on the target, 2 on the source, 3 equal by now; 5 is there otherwise; 10 is another one, 11 is gone.
    twin.target
        .execute(
            "UPDATE t SET v = 'y' WHERE id IN (1, 10); UPDATE t SET v = 'v' WHERE id = 3; INSERT INTO t VALUES (5, 'mine');
             DELETE FROM t WHERE id = 11",
        )
        .await;
    twin.source.execute("UPDATE t SET v = 'w' WHERE id = 2").await;
    let planned = twin.plan(Side::Source, &found).await;
    let ids = |p: &str| p.parse::<i32>().unwrap();
    let runnable: Vec<i32> = planned.iter().filter(|p| p.statements.is_ok()).map(|p| ids(&p.key[0].1)).collect();
    assert_eq!(runnable, [4, 5, 6], "a preview says what would be run; an insert asks itself whether its key is there");
    let mended = twin.mend(Side::Source, &found).await;
    let mut by_id: Vec<(i32, &RepairOutcome)> = mended.iter().map(|m| (ids(&m.row.key[0].1), &m.row.outcome)).collect();
    by_id.sort_by_key(|(id, _)| *id);
    for (id, outcome) in by_id {
        match id {
            4 | 6 => assert_eq!(*outcome, RepairOutcome::Mended, "{id}"),
            3 | 11 => assert_eq!(*outcome, RepairOutcome::Equal, "{id}"),
            _ => assert!(matches!(outcome, RepairOutcome::Changed { .. }), "{id}: {outcome:?}"),
        }
    }
    let there = letters(&twin.target, "t").await;
    for kept in ["(1,y)", "(2,x)", "(5,mine)", "(10,y)"] {
        assert!(there.contains(&kept.to_owned()), "{kept} was not to be touched: {there:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mending_twice_finds_all_equal() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE bag (v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')").await;
    twin.source.execute("INSERT INTO bag VALUES ('x'), ('x')").await;
    twin.target
        .execute("UPDATE t SET v = 'c' WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO bag VALUES ('y')")
        .await;
    let found = twin.findings(Side::Source).await;
    let first = twin.mend(Side::Source, &found).await;
    assert!(first.iter().all(|m| m.row.outcome == RepairOutcome::Mended), "{first:?}");
    let second = twin.mend(Side::Source, &found).await;
    assert!(second.iter().all(|m| m.row.outcome == RepairOutcome::Equal), "{second:?}");
    assert_eq!(letters(&twin.target, "bag").await.len(), 2, "copies are not added a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_said_with_the_constraint_and_without_values() {
    let twin = Twin::start().await;
    twin.source
        .execute("CREATE TABLE t (id int PRIMARY KEY, mail text, n int, e text); INSERT INTO t VALUES (1, 'secret@a', 5, 'x'), (2, 'b', -5, 'x'), (3, 'c', NULL, 'x'), (4, 'd', 7, 'toolong'), (5, 'e', 1, 'x')")
        .await;
    twin.target
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY, mail text CONSTRAINT one_mail UNIQUE, n int NOT NULL CONSTRAINT positive CHECK (n > 0), e varchar(3), own int);
             INSERT INTO t VALUES (1, 'x', 5, 'x'), (5, 'e', 1, 'x'); CREATE TABLE other (); INSERT INTO t VALUES (6, 'secret@a', 1, 'x')",
        )
        .await;
    let mut found = twin.findings(Side::Source).await;
    // The row that keeps the mail is not among the chosen ones.
    found[0].1.retain(|f| f.key[0].1 != "6");
    let mended = twin.mend(Side::Source, &found).await;
    let of = |id: &str| mended.iter().find(|m| m.row.key[0].1 == id).unwrap();
    for (id, told) in [("1", "“one_mail”"), ("2", "“positive”"), ("3", "column “n”"), ("4", "SQLSTATE 22001")]
    {
        let outcome = &of(id).row.outcome;
        assert!(matches!(outcome, RepairOutcome::Refused { .. }) && why(outcome).contains(told), "{id}: {outcome:?}");
        assert!(!why(outcome).contains("secret"), "values of the row go nowhere: {outcome:?}");
    }
    assert!(of("1").again, "it may go through once the other row has been mended");
    assert!(!of("2").again);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_stand_in_each_others_way_give_way() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY, mail text UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b')").await;
    twin.target.execute("DELETE FROM t; INSERT INTO t VALUES (9, 'a'), (1, 'b')").await;
    assert_eq!(twin.mends(Side::Source).await, 3, "9 goes, then 1 changes, then 2 comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_rounded_on_the_other_side_is_not_called_mended() {
    let twin = Twin::start().await;
    twin.source
        .execute("CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1.25), (2, 1.2)")
        .await;
    twin.target
        .execute("CREATE TABLE t (id int PRIMARY KEY, n numeric(8,1)); INSERT INTO t VALUES (1, 3), (2, 3)")
        .await;
    let found = twin.findings(Side::Source).await;
    let mended = twin.mend(Side::Source, &found).await;
    assert_eq!(*outcomes(&mended)[1], RepairOutcome::Mended);
    assert!(why(&mended[0].row.outcome).contains("narrower"), "{mended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_held_is_given_up_in_time() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)").await;
    twin.target.execute("UPDATE t SET v = 9").await;
    let found = twin.findings(Side::Source).await;
    let mut holder = twin.target.app().await;
    sqlx::raw_sql("BEGIN; SELECT FROM t WHERE id = 1 FOR UPDATE").execute(&mut holder).await.unwrap();
    let mended = twin.mend(Side::Source, &found).await;
    assert!(why(&mended[0].row.outcome).contains("try again"), "{mended:?}");
    assert_eq!(mended[1].row.outcome, RepairOutcome::Mended, "the others do not suffer from it");
}

/// When something happens on the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// All has been read, and the stream has passed.
    BeforeTheLock,
    /// All looks are over.
    InTheLock,
}

/// Does something on the source while a row is being inserted on the target.
struct Meanwhile {
    when: When,
    target: Arc<dyn Repairs>,
    source: Arc<Bed>,
    sql: &'static str,
    done: Arc<AtomicBool>,
}

struct MeanwhileWriter {
    when: When,
    writer: Box<dyn RowWriter>,
    source: Arc<Bed>,
    sql: &'static str,
    done: Arc<AtomicBool>,
}

#[async_trait]
impl Repairs for Meanwhile {
    fn preparation(&self) -> String {
        self.target.preparation()
    }
    fn statement(&self, relation: &Relation, change: &Change) -> String {
        self.target.statement(relation, change)
    }
    async fn reader(&self) -> Result<Box<dyn WholeRows>> {
        self.target.reader().await
    }
    async fn writer(&self) -> Result<Box<dyn RowWriter>> {
        let writer = self.target.writer().await?;
        Ok(Box::new(MeanwhileWriter {
            when: self.when,
            writer,
            source: self.source.clone(),
            sql: self.sql,
            done: self.done.clone(),
        }))
    }
    async fn fed_from(&self) -> Result<Vec<Feeder>> {
        self.target.fed_from().await
    }
    async fn leaving(&self, through: &[Feeder], tables: &[TableName]) -> Result<Vec<TableName>> {
        self.target.leaving(through, tables).await
    }
}

#[async_trait]
impl WholeRows for MeanwhileWriter {
    async fn rows(&mut self, relation: &Relation, slice: &Slice, keys: &[Key], texts: bool) -> Result<Vec<WholeRow>> {
        self.writer.rows(relation, slice, keys, texts).await
    }
    async fn places(&mut self, relation: &Relation, slice: &Slice, hashes: &[i64], most: i64) -> Result<Vec<Place>> {
        self.writer.places(relation, slice, hashes, most).await
    }
    async fn close(self: Box<Self>) {
        self.writer.close().await;
    }
}

#[async_trait]
impl RowWriter for MeanwhileWriter {
    async fn alone(&mut self, relation: &Relation) -> Result<Applied> {
        if self.when == When::BeforeTheLock && !self.done.swap(true, Ordering::SeqCst) {
            self.source.execute(self.sql).await;
        }
        self.writer.alone(relation).await
    }
    async fn commit(&mut self) -> Result<()> {
        self.writer.commit().await
    }
    async fn roll_back(&mut self) -> Result<()> {
        self.writer.roll_back().await
    }
    async fn apply(&mut self, relation: &Relation, change: &Change) -> Result<Applied> {
        if self.when == When::InTheLock && !self.done.swap(true, Ordering::SeqCst) {
            self.source.execute(self.sql).await;
        }
        self.writer.apply(relation, change).await
    }
}

/// The row is missing on the target, so the stream's update or delete of it finds nothing: what is inserted then is old.
async fn meanwhile(when: When, sql: &'static str, outcome: Option<RepairOutcome>, expected: &[&str]) {
    let Twin { source, target, a, b } = Twin::start().await;
    let (source, make) =
        (Arc::new(source), "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')");
    source.execute(make).await;
    target.execute(make).await;
    target.execute("DELETE FROM t").await;
    let done = Arc::new(AtomicBool::new(false));
    let repairs =
        Arc::new(Meanwhile { when, target: b.repairs.clone(), source: source.clone(), sql, done: done.clone() });
    let twin =
        Twin { source: Bed::start(switchyard_rig::Major::V15, &[]).await, target, a, b: Database { repairs, ..b } };
    let found = twin.findings(Side::Source).await;
    let repair = Repair { source: &twin.a, target: &twin.b, authority: Side::Source, stream: &Still, exact: false };
    let mended = twin.mend_by(repair, &found).await;
    assert!(done.load(Ordering::SeqCst), "this is the case that was meant");
    match outcome {
        Some(outcome) => assert_eq!(outcomes(&mended), [&outcome], "{when:?} {sql}"),
        None => assert!(matches!(mended[0].row.outcome, RepairOutcome::Changed { .. }), "{when:?} {sql}: {mended:?}"),
    }
    assert_eq!(letters(&twin.target, "t").await, expected, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_went_into_the_void_is_made_good() {
    meanwhile(When::InTheLock, "UPDATE t SET v = 'b'", Some(RepairOutcome::Mended), &["(1,b)"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_went_into_the_void_is_made_good() {
    meanwhile(When::InTheLock, "DELETE FROM t", Some(RepairOutcome::Mended), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_new_version_is_not_inserted() {
    meanwhile(When::BeforeTheLock, "UPDATE t SET v = 'b'", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_came_anew_with_the_same_values_is_looked_at_again_first() {
    let anew = "DELETE FROM t; INSERT INTO t VALUES (1, 'a')";
    meanwhile(When::BeforeTheLock, anew, Some(RepairOutcome::Mended), &["(1,a)"]).await;
}
