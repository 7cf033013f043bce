//! The front of a pair on real servers: two PgBouncers over one HAProxy, held and switched as one.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails panics.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_engine::{
    Kind,
    route::{Router, group::Routers, haproxy::HaProxy, pgbouncer::PgBouncer},
    secret::Secret,
};
use switchyard_model::{Side, router::Route};
use switchyard_rig::{Major, Pooler, Rig, RigOptions};

async fn rig() -> Rig {
    let options = RigOptions { target: Major::V15, poolers: 2, schema: None, ..RigOptions::default() };
    Rig::start(options).await.unwrap()
}

fn pgbouncer(p: &Pooler) -> Arc<dyn Router> {
    let password = Some(Secret::new(p.admin_password.as_str()));
    Arc::new(PgBouncer::new(&p.host, p.port, &p.admin_user, password, "app_rw", "app_ro"))
}

fn routers(rig: &Rig) -> Routers {
    let admin = format!("127.0.0.1:{}", rig.haproxy.as_ref().unwrap().admin_port);
    let mut all: Vec<Arc<dyn Router>> = rig.poolers.iter().map(pgbouncer).collect();
    all.push(Arc::new(HaProxy::new(&admin, "rw", "ro", "source", "target")));
    Routers::new(all)
}

async fn port_behind(url: &str) -> u16 {
    let mut c = PgConnection::connect(url).await.unwrap();
    let port: i32 = raw_sql("SELECT inet_server_port()").fetch_one(&mut c).await.unwrap().get(0);
    port as u16
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_there_and_back_through_the_whole_front() {
    let rig = rig().await;
    let front = routers(&rig);
    assert_eq!(front.read_back(0).await.route, Ok(Route::SOURCE));
    for (side, port) in [(Side::Target, rig.target.port), (Side::Source, rig.source.port)] {
        front.hold_all(Duration::from_secs(2)).await.unwrap();
        assert!(front.read_back(0).await.holding);
        front.point_writes(side).await.unwrap();
        front.release_all().await.unwrap();
        for url in rig.rw_urls() {
            assert_eq!(port_behind(&url).await, port, "every pooler's writers reach the {side}");
        }
        let back = front.read_back(0).await;
        assert_eq!(back.route, Ok(Route { reads_on_target: 0, writes: side }));
        assert!(!back.holding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_are_pooled_follow_a_shift() {
    let rig = rig().await;
    let front = routers(&rig);
    let url = &rig.ro_urls()[0];
    assert_eq!(port_behind(url).await, rig.source.port);
    front.shift_reads(100).await.unwrap();
    assert_eq!(port_behind(url).await, rig.target.port, "the pooled server connection was renewed");
    front.shift_reads(0).await.unwrap();
    assert_eq!(port_behind(url).await, rig.source.port);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_two_can_pause_so_none_does() {
    let rig = rig().await;
    let front = routers(&rig);
    let mut writer = PgConnection::connect(&rig.poolers[1].rw_url()).await.unwrap();
    raw_sql("BEGIN; SELECT 1").execute(&mut writer).await.unwrap();
    let started = Instant::now();
    let e = front.hold_all(Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(e.kind, Kind::Deadline);
    assert!(e.to_string().contains(&rig.poolers[1].port.to_string()), "it names the pooler that could not: {e}");
    assert!(started.elapsed() < Duration::from_secs(2), "clients wait the deadline and no longer");
    assert!(!front.read_back(0).await.holding, "the other one was resumed");

    rig.poolers[1].stop().await.unwrap();
    let e = front.hold_all(Duration::from_millis(500)).await.unwrap_err();
    assert!(e.to_string().contains(&rig.poolers[1].port.to_string()), "{e}");
    let alone = Routers::new(vec![pgbouncer(&rig.poolers[0])]);
    assert!(!alone.read_back(0).await.holding, "the other one was resumed");
    port_behind(&rig.poolers[0].rw_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_empty_switch_is_short() {
    let rig = rig().await;
    let front = routers(&rig);
    let mut writers = Vec::new();
    for n in 0..16 {
        let mut c = PgConnection::connect(&rig.poolers[n % 2].rw_url()).await.unwrap();
        raw_sql("SELECT 1").execute(&mut c).await.unwrap();
        writers.push(c);
    }
    front.hold_all(Duration::from_secs(2)).await.unwrap();
    front.release_all().await.unwrap();
    let mut all = Vec::new();
    for n in 0..20 {
        let side = if n % 2 == 0 { Side::Target } else { Side::Source };
        let started = Instant::now();
        front.hold_all(Duration::from_secs(2)).await.unwrap();
        let held = started.elapsed();
        front.point_writes(side).await.unwrap();
        let pointed = started.elapsed();
        front.release_all().await.unwrap();
        all.push((started.elapsed(), held, pointed - held, started.elapsed() - pointed));
    }
    all.sort();
    let (total, hold, point, release) = all[10];
    eprintln!("median of 20: {total:?} = hold {hold:?} + point {point:?} + release {release:?}");
    assert!(total < Duration::from_millis(60), "the routers alone may not use up the write pause: {total:?}");
}
