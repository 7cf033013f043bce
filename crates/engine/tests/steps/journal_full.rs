//! A store that takes nothing more once the point of no return is on its disk: clients are let go all the same, and the
//! journal is written to its end when it can be.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use switchyard_engine::{
    Kind, phases,
    saga::{self, Clients, Ended},
};
use switchyard_model::{Command, Side, journal::Outcome, router::Route};

use super::{outside::Outside, world::World};

/// What a full disk is to the journal, from the point of no return on.
const FULL: &str = "CREATE TRIGGER full BEFORE INSERT ON journal WHEN EXISTS \
    (SELECT 1 FROM journal WHERE entry LIKE '%point_of_no_return\"%' AND entry LIKE '%epoch%') \
    BEGIN SELECT RAISE(FAIL, 'no room'); END";

async fn store(world: &World, sql: &'static str) {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", world.store.path().display())).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_go_on_although_the_journal_is_full() {
    let world = World::start().await;
    for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::ShiftReads { percent: 100 }] {
        world.run(command).await;
    }
    store(&world, FULL).await;
    let (cx, plan) = world.begin(&Command::SwitchWrites).await;
    let Ended::Unfinished { error } = saga::run(&cx, &plan).await.unwrap() else {
        panic!("a run whose end is not in the journal is not over")
    };
    assert_eq!(error.kind, Kind::Store, "{error}");
    drop(cx);
    // Everything is done outside, and clients write on the target.
    let route = world.routers.read_back(0).await;
    assert_eq!(route.route, Ok(Route { reads_on_target: 100, writes: Side::Target }), "writes are routed");
    assert!(!route.holding, "clients were let go");
    world.clients_write(Duration::from_secs(5)).await;
    let before = Outside::look(&world).await;
    // As long as it is full, each attempt finds everything done and harms nothing.
    let state = world.book.catch_up().await.unwrap();
    let run = state.open_run.as_ref().unwrap().id;
    let again =
        saga::finish(&world.cx(run).await, &phases::plan(&Command::SwitchWrites, &state), Clients::Wait).await.unwrap();
    assert!(matches!(again, Ended::Unfinished { .. }), "{again:?}");
    Outside::settles(&world, &before, "an attempt with a full journal").await;
    // And once there is room, the journal is brought to its end.
    store(&world, "DROP TRIGGER full").await;
    let last =
        saga::finish(&world.cx(run).await, &phases::plan(&Command::SwitchWrites, &state), Clients::Wait).await.unwrap();
    assert!(matches!(last, Ended::Done), "{last:?}");
    let state = world.book.catch_up().await.unwrap();
    assert!(state.open_run.is_none(), "the run has an end");
    assert_eq!(state.last_run.unwrap().ended.unwrap().1, Outcome::Done);
    assert_eq!((state.authority, state.route.writes), (Side::Target, Side::Target));
    world.nothing_is_lost(Side::Target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_behind_the_back_of_another_holder() {
    let world = World::start().await;
    for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::ShiftReads { percent: 100 }] {
        world.run(command).await;
    }
    // Full, and the lease has moved on: both at the moment of the point of no return.
    store(&world, "CREATE TRIGGER taken AFTER INSERT ON journal WHEN NEW.entry LIKE '%point_of_no_return\"%' AND NEW.entry LIKE '%epoch%' \
         BEGIN UPDATE lease SET generation = generation + 1, holder = 'somebody else'; END").await;
    store(&world, FULL).await;
    let (cx, plan) = world.begin(&Command::SwitchWrites).await;
    let error = saga::run(&cx, &plan).await.unwrap_err();
    assert_eq!(error.kind, Kind::LeaseLost, "the other one finishes it: {error}");
    let route = world.routers.read_back(0).await;
    assert_eq!(route.route.unwrap().writes, Side::Source, "the routers are left to the new holder");
}
