//! Streams on real servers: made, made again, looked at, taken down with parts missing; and no password in a log.

#![allow(clippy::unwrap_used, clippy::panic)]

mod native_pair;

use native_pair::{Pair, scope, wait};
use switchyard_engine::{
    Kind,
    replicate::{Replicator, TableCopyState},
};
use switchyard_model::Side::{self, Source, Target};
use switchyard_rig::Major;

async fn pair() -> Pair {
    Pair::start(Major::V15, Major::best()).await.unwrap()
}

async fn slots(pair: &Pair, side: Side) -> i64 {
    pair.number(side, "SELECT count(*) FROM pg_replication_slots").await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_done_twice_and_undone_twice() {
    let pair = pair().await;
    assert!(!pair.native.is_published(Source, &scope()).await.unwrap());
    pair.run(Source, "INSERT INTO public.part SELECT i, i % 2 FROM generate_series(1, 100) i").await;
    for _ in 0..2 {
        pair.connect().await;
        pair.beat_through(Source, 1).await;
    }
    assert!(pair.native.is_published(Source, &scope()).await.unwrap());
    assert!(
        !pair.native.is_published(Source, &scope()[1..]).await.unwrap(),
        "one table more than asked is not the scope"
    );
    assert!(pair.native.is_subscribed(Source).await.unwrap() && pair.native.is_subscribed(Target).await.unwrap());
    assert_eq!(
        pair.number(Target, "SELECT count(*) FROM public.part").await,
        100,
        "the second time copies nothing again"
    );
    let progress = pair.native.copy_progress(Source).await.unwrap();
    assert_eq!(progress.tables.len(), 5, "leaf partitions are copied, the beats are ours: {progress:?}");
    assert!(progress.tables.iter().all(|t| t.state == TableCopyState::Ready && t.rows_done.is_none()));
    let status = pair.native.status(Source).await.unwrap();
    assert!(status.slot_exists && status.subscription_enabled && status.wal_position > 0, "{status:?}");
    assert_eq!((status.wal_status.as_str(), status.keep_limit_bytes), ("reserved", -1));
    assert_eq!(status.rows_open, Some(true));
    assert_eq!(
        pair.native.status(Target).await.unwrap().rows_open,
        Some(false),
        "the way back is closed until the switch"
    );
    for side in [Source, Target] {
        let planned = pair.native.remove_actions(side).await.unwrap();
        assert_eq!(planned.len(), 7, "three for the subscription, the slot, three publications: {planned:?}");
        for _ in 0..2 {
            pair.native.remove(side).await.unwrap();
        }
        assert_eq!(pair.native.remove_actions(side).await.unwrap(), [], "nothing is left to remove");
        assert_eq!(slots(&pair, side).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_slot_is_not_taken_for_a_new_copy() {
    let pair = pair().await;
    // What a crash between slot and subscription leaves.
    pair.run(Source, "SELECT pg_create_logical_replication_slot('switchyard_test_from_source', 'pgoutput')").await;
    pair.native.publish(Source, &scope(), true).await.unwrap();
    pair.run(Source, "INSERT INTO public.part VALUES (1, 0)").await;
    pair.native.subscribe(Source, true).await.unwrap();
    wait("the copy", async || pair.native.copy_progress(Source).await.unwrap().is_done()).await;
    pair.beat_through(Source, 1).await;
    let status = pair.native.status(Source).await.unwrap();
    assert_eq!(status.apply_errors.unwrap_or(0), 0, "from the old position the row would arrive twice");
    // A subscription whose slot was dropped has lost changes.
    pair.run(Target, "ALTER SUBSCRIPTION switchyard_test_from_source DISABLE").await;
    assert!(!pair.native.is_subscribed(Source).await.unwrap(), "a disabled subscription carries nothing");
    wait("the walsender to go", async || !pair.native.status(Source).await.unwrap().slot_active).await;
    pair.run(Source, "SELECT pg_drop_replication_slot('switchyard_test_from_source')").await;
    let error = pair.native.subscribe(Source, true).await.unwrap_err();
    assert_eq!(error.kind, Kind::Contradiction, "a new slot would hide the gap: {error}");
    pair.native.remove(Source).await.unwrap();
    assert_eq!(pair.native.remove_actions(Source).await.unwrap(), [], "a stream without its slot can be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_broke_off_leaves_no_slot_behind() {
    let pair = pair().await;
    pair.run(Source, "INSERT INTO public.part SELECT i, i % 2 FROM generate_series(1, 100) i").await;
    // The copy of this table fails for ever, and its worker keeps a slot of its own.
    pair.run(Target, "INSERT INTO public.part VALUES (2, 0)").await;
    pair.native.publish(Source, &scope(), true).await.unwrap();
    pair.native.subscribe(Source, true).await.unwrap();
    wait("the copy to fail", async || pair.native.status(Source).await.unwrap().apply_errors.unwrap_or(0) > 0).await;
    assert!(!pair.native.copy_progress(Source).await.unwrap().is_done());
    pair.native.remove(Source).await.unwrap();
    assert_eq!(slots(&pair, Source).await, 0, "the copying workers' slots would keep WAL for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_removed_as_far_as_the_living_side_goes() {
    let pair = pair().await;
    pair.connect().await;
    pair.target.kill().await.unwrap();
    let status = pair.native.status(Source).await.unwrap();
    assert!(
        status.slot_exists && status.unseen.is_some(),
        "the source's disk is watched without the target: {status:?}"
    );
    let planned = pair.native.remove_actions(Source).await.unwrap();
    assert!(planned[0].run.starts_with("-- cannot be looked at"), "{planned:?}");
    let error = pair.native.remove(Source).await.unwrap_err();
    assert!(error.why.contains("may be left on the target") && !error.why.contains("left on the source"), "{error}");
    assert_eq!(slots(&pair, Source).await, 0, "a dead target must not fill the source's disk");
    let error = pair.native.remove(Target).await.unwrap_err();
    assert!(error.why.contains("publications may be left on the target"), "{error}");
    assert_eq!(
        pair.number(Source, "SELECT count(*) FROM pg_subscription").await,
        0,
        "the source no longer calls for it"
    );
    pair.target.restart().await.unwrap();
    for side in [Source, Target] {
        pair.native.remove(side).await.unwrap();
        assert_eq!(pair.native.remove_actions(side).await.unwrap(), [], "the rest goes once the target is back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_side_does_not_hold_us() {
    let pair = pair().await;
    pair.connect().await;
    pair.target.freeze().unwrap();
    let started = std::time::Instant::now();
    let status = pair.native.status(Source).await;
    pair.target.thaw().unwrap();
    assert!(status.unwrap().unseen.is_some());
    assert!(started.elapsed().as_secs() < 8, "every question has a deadline: {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_in_no_log_and_no_preview() {
    let pair = pair().await;
    pair.run(Target, "ALTER SYSTEM SET log_statement = 'all'").await;
    pair.run(Target, "ALTER SYSTEM SET log_min_duration_statement = 0").await;
    pair.run(Target, "SELECT pg_reload_conf()").await;
    let shows = async || {
        let shown: String = sqlx::query_scalar("SHOW log_statement").fetch_one(&pair.target_pool).await.unwrap();
        shown == "all"
    };
    wait("the setting", shows).await;
    pair.native.publish(Source, &scope(), true).await.unwrap();
    // The first attempt fails in the server, which is when a server likes to log the statement.
    let endpoint = native_pair::endpoint("the source", &pair.source);
    let refused = native_pair::native_with(&pair, endpoint, "wrong-sekret").subscribe(Source, true).await.unwrap_err();
    assert_eq!(refused.kind, Kind::LoginRefused, "{refused}");
    assert!(!format!("{refused:?}").contains("sekret"), "an error never holds the password: {refused:?}");
    let password = pair.source.logins.switchyard.password.clone();
    pair.native.subscribe(Source, true).await.unwrap();
    let log = std::fs::read_to_string(&pair.target.log).unwrap();
    assert!(log.contains("SET LOCAL log_statement"), "the log does record statements: {log}");
    assert!(log.contains("password authentication failed"), "and the refusal: {log}");
    assert!(!log.contains(&password) && !log.contains("sekret"), "the password must not be in the server's log");
    let preview = format!("{:?}", pair.native.subscribe_actions(Source, true));
    assert!(preview.contains("password=…") && !preview.contains(&password), "{preview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_servers_refusal_is_told_with_a_remedy() {
    let pair = pair().await;
    pair.native.publish(Source, &scope(), true).await.unwrap();
    let mut source = native_pair::endpoint("the source", &pair.source);
    source.peer_address = Some("127.0.0.1:1".into());
    let native = native_pair::native_with(&pair, source, &pair.source.logins.switchyard.password);
    let error = native.subscribe(Source, true).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    assert!(error.why.contains("peer address"), "{error}");
    pair.native.remove(Source).await.unwrap();
    assert_eq!(slots(&pair, Source).await, 0, "what a failed attempt leaves can be removed");
}
