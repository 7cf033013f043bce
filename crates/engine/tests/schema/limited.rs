//! Who may see little sees what there is, and is told what is not; nobody is stood in the way of.

use sqlx::Connection;
use switchyard_engine::db::schema::Extent;
use switchyard_model::{Side, schema::difference};
use switchyard_rig::{DATABASE, Major};

use crate::bed::{Bed, connect_as, named};

const GRANTS: &str = "GRANT pg_monitor TO switchyard_limited; GRANT USAGE ON SCHEMA app TO switchyard_limited; \
    GRANT SELECT ON ALL TABLES IN SCHEMA app TO switchyard_limited";

#[tokio::test(flavor = "multi_thread")]
async fn pg_monitor_and_select_are_enough() {
    for major in [Major::V15, Major::V18] {
        let Some(bed) = Bed::start(major, include_str!("base.sql")).await else { continue };
        bed.target_runs(GRANTS).await.unwrap();
        let all = connect_as(bed.target(), Side::Target, &bed.target().logins.switchyard).await;
        let few = connect_as(bed.target(), Side::Target, &bed.target().logins.limited).await;
        let (all, few) = (
            all.schemas.schema(Extent::WithSizes).await.unwrap(),
            few.schemas.schema(Extent::WithSizes).await.unwrap(),
        );
        let unread: Vec<_> = few.unseen.iter().filter(|u| u.kind.is_some()).collect();
        assert!(unread.is_empty(), "{major:?}: every kind is read: {unread:?}");
        let found: Vec<_> = difference(&all, &few).differences;
        assert!(
            found.iter().all(|d| d.what == "time zone"),
            "{major:?}: what it sees is what is there: {}",
            named(&found)
        );
        let told = |what: &str| few.unseen.iter().any(|u| u.object.contains(what) && u.why.ends_with('.'));
        assert!(told("sequence app.loose"), "{major:?}: a sequence without SELECT is listed: {:?}", few.unseen);
        assert_eq!(few.tables.len(), few.tables.iter().filter(|t| t.head.owner.is_some()).count());
        assert!(few.sizes.iter().any(|s| s.name == ["app", "t"]), "sizes too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stands_behind_no_lock_but_the_strongest() {
    let Some(bed) = Bed::start(Major::V15, include_str!("base.sql")).await else { return };
    let mut other = sqlx::PgConnection::connect(&bed.target().admin_url(DATABASE)).await.unwrap();
    // EXCLUSIVE conflicts with every lock but ACCESS SHARE.
    let lock = "BEGIN; LOCK TABLE app.t, app.child_of_t, app.rich, app.parted IN EXCLUSIVE MODE; \
                ALTER SEQUENCE app.loose CACHE 4; ALTER SEQUENCE app.loose CACHE 3";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let database = connect_as(bed.target(), Side::Target, &bed.target().logins.switchyard).await;
    let read = database.schemas.schema(Extent::WithSizes).await.unwrap();
    assert_eq!(read.unseen, Vec::new(), "nothing was waited for in vain");
    assert!(read.sequences.len() > 3 && read.tables.len() > 10);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();

    // Behind ACCESS EXCLUSIVE some kinds cannot be read; they are told, and not taken for missing.
    let lock = "BEGIN; LOCK TABLE app.t IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let found = bed.compare().await;
    assert!(
        found.differences.is_empty(),
        "a kind that was not read differs from nothing: {}",
        named(&found.differences)
    );
    for unseen in &found.unseen {
        assert!(unseen.why.contains("lock timeout"), "the reason is named: {unseen:?}");
    }
    other.close().await.unwrap();
}
