//! HAProxy on real servers: weights and states read back, sessions cut, and what is said when it goes wrong.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails panics.

mod router_fixture;

use std::time::{Duration, Instant};

use router_fixture::answering;
use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_engine::{
    Kind,
    route::{
        Router,
        haproxy::{HaProxy, ServerState},
    },
};
use switchyard_model::Side;
use switchyard_rig::{Major, Rig, RigOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn rig() -> Rig {
    let options = RigOptions { target: Major::V15, poolers: 1, schema: None, ..RigOptions::default() };
    Rig::start(options).await.unwrap()
}

fn address(rig: &Rig) -> String {
    format!("127.0.0.1:{}", rig.haproxy.as_ref().unwrap().admin_port)
}

fn router(rig: &Rig) -> HaProxy {
    HaProxy::new(address(rig), "rw", "ro", "source", "target")
}

/// A command by hand, past our own code.
async fn by_hand(rig: &Rig, command: &str) {
    let mut stream = TcpStream::connect(address(rig)).await.unwrap();
    stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.trim(), "", "{command} by hand");
}

/// A client straight at HAProxy's port for writes.
async fn client(rig: &Rig) -> PgConnection {
    let login = &rig.source.logins.app;
    let port = rig.haproxy.as_ref().unwrap().rw_port;
    let url = format!("postgres://{}:{}@127.0.0.1:{port}/shop", login.user, login.password);
    PgConnection::connect(&url).await.unwrap()
}

async fn server_port(c: &mut PgConnection) -> i32 {
    raw_sql("SELECT inet_server_port()").fetch_one(c).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rung_reads_back_as_asked() {
    let rig = rig().await;
    let r = router(&rig);
    for percent in [0, 1, 5, 10, 25, 50, 100, 50, 0, 100, 0] {
        r.shift_reads(percent).await.unwrap();
        let state = r.observe().await.unwrap();
        assert_eq!(state.reads_on_target, Some(percent), "the ladder goes up, and back from anywhere");
        assert_eq!(state.warning, None);
        assert_eq!(state.writes, Some(Side::Source), "reads move alone");
    }
    assert_eq!(r.shift_reads(101).await.unwrap_err().kind, Kind::Invalid);
    assert!(r.observe().await.unwrap().product.starts_with("HAProxy 2."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rung_makes_its_servers_ready() {
    let rig = rig().await;
    let r = router(&rig);
    r.shift_reads(10).await.unwrap();
    by_hand(&rig, "set server ro/target state maint").await;
    let state = r.observe().await.unwrap();
    assert_eq!(state.reads_on_target, Some(0), "a weight in maintenance carries nothing");
    assert!(state.warning.unwrap().contains("in maintenance"));
    r.shift_reads(10).await.unwrap();
    assert_eq!(r.observe().await.unwrap().reads_on_target, Some(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_follow_and_the_losing_side_keeps_nobody() {
    let rig = rig().await;
    let r = router(&rig);
    let ports = [(Side::Target, rig.target.port), (Side::Source, rig.source.port), (Side::Target, rig.target.port)];
    for (side, port) in ports {
        let mut before = client(&rig).await;
        assert_ne!(server_port(&mut before).await, i32::from(port), "it starts on the losing side");
        r.point_writes(side).await.unwrap();
        assert_eq!(r.observe().await.unwrap().writes, Some(side));
        let lingering = raw_sql("SELECT 1").execute(&mut before).await;
        assert!(lingering.is_err(), "a session that lingers would go on writing on the losing side");
        assert_eq!(server_port(&mut client(&rig).await).await, i32::from(port), "new clients reach the winner");
        r.point_writes(side).await.unwrap();
        assert_eq!(r.observe().await.unwrap().writes, Some(side), "pointing twice is fine");
    }
}

/// HAProxy carries out commands of several connections at once, and those of one whose client is gone as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_was_lost_does_not_come_after_the_next() {
    let rig = rig().await;
    let r = router(&rig);
    let mut lost = 0;
    for round in 0..150 {
        let impatient = Duration::from_micros(50 * (round % 12));
        let began = Instant::now();
        tokio::select! {
            _ = r.shift_reads(0) => {}
            () = async { while began.elapsed() < impatient { tokio::task::yield_now().await } } => lost += 1,
        }
        r.shift_reads(100).await.unwrap();
        let state = r.observe().await.unwrap();
        assert_eq!(state.reads_on_target, Some(100), "round {round}: {:?}", state.warning);
    }
    println!("{lost} answers were not waited for");
    assert!(lost >= 20, "answers were to be lost, and {lost} were");
}

#[tokio::test(flavor = "multi_thread")]
async fn pointing_again_cuts_nobody_on_the_winner() {
    let rig = rig().await;
    let r = router(&rig);
    r.point_writes(Side::Target).await.unwrap();
    let mut there = client(&rig).await;
    server_port(&mut there).await;
    r.point_writes(Side::Target).await.unwrap();
    server_port(&mut there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pointing_is_one_short_round_trip_with_many_sessions() {
    let rig = rig().await;
    let r = router(&rig);
    let mut fastest = Duration::MAX;
    for side in [Side::Target, Side::Source, Side::Target, Side::Source, Side::Target] {
        let mut clients = Vec::new();
        for _ in 0..100 {
            clients.push(client(&rig).await);
        }
        let seen = r.observe().await.unwrap().clients;
        assert!(seen >= Some(100), "sessions are counted: {seen:?}");
        let started = Instant::now();
        r.point_writes(side).await.unwrap();
        fastest = fastest.min(started.elapsed());
        eprintln!("pointing writes at the {side} with 100 sessions: {:?}", started.elapsed());
    }
    // A hundred backends that end at once keep a small machine busy, which can only add to what we take.
    assert!(fastest < Duration::from_millis(100), "it happens inside the write pause: {fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclear_state_is_not_told_as_a_side() {
    let rig = rig().await;
    let r = router(&rig);
    by_hand(&rig, "set server rw/target state ready").await;
    let state = r.observe().await.unwrap();
    assert_eq!(state.writes, None, "two servers would take writes");
    assert!(state.warning.unwrap().contains("both servers"));
    by_hand(&rig, "set server rw/source state maint;set server rw/target state maint").await;
    assert_eq!(r.observe().await.unwrap().writes, None, "none takes writes");
    by_hand(&rig, "set server ro/source weight 2;set server ro/target weight 1").await;
    let state = r.observe().await.unwrap();
    assert_eq!(state.reads_on_target, Some(33), "the nearest percentage");
    assert!(state.warning.unwrap().contains("no whole percentage"));
    r.point_writes(Side::Source).await.unwrap();
    assert_eq!(r.observe().await.unwrap().writes, Some(Side::Source), "and it can be mended by pointing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_addresses_can_be_compared() {
    let rig = rig().await;
    let rows = router(&rig).servers().await.unwrap();
    let seen: Vec<_> = rows.iter().map(|s| (s.backend.as_str(), s.name.as_str(), s.port, s.state, s.weight)).collect();
    let (source, target) = (rig.source.port, rig.target.port);
    assert_eq!(
        seen,
        [
            ("rw", "source", source, ServerState::Ready, 1),
            ("rw", "target", target, ServerState::Maintenance, 1),
            ("ro", "source", source, ServerState::Ready, 100),
            ("ro", "target", target, ServerState::Ready, 0),
        ]
    );
    assert!(rows.iter().all(|s| s.address == "127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_is_sent() {
    let rig = rig().await;
    let r = router(&rig);
    let shown: Vec<String> = r.point_writes_actions(Side::Target).into_iter().map(|a| a.run).collect();
    assert_eq!(
        shown,
        [
            "set server rw/source state maint",
            "shutdown sessions server rw/source",
            "set server rw/target state ready",
            "show servers state rw",
        ],
        "the loser is closed before the winner opens"
    );
    let shown: Vec<String> = r.shift_reads_actions(0).into_iter().map(|a| a.run).collect();
    assert_eq!(
        shown,
        [
            "set server ro/source weight 100",
            "set server ro/source state ready",
            "set server ro/target weight 0",
            "show servers state ro",
        ],
        "what gains comes first, so that reads always have somewhere to go"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_get_the_list_of_what_exists() {
    let rig = rig().await;
    let admin = address(&rig);
    let e = HaProxy::new(&admin, "rw", "reads", "source", "target").observe().await.unwrap_err();
    assert_eq!(e.kind, Kind::NotFound);
    assert!(e.to_string().contains("“reads”") && e.to_string().contains("rw, ro"), "{e}");
    let wrong = HaProxy::new(&admin, "rw", "ro", "source", "new");
    for e in [
        wrong.observe().await.unwrap_err(),
        wrong.shift_reads(5).await.unwrap_err(),
        wrong.point_writes(Side::Target).await.unwrap_err(),
        wrong.servers().await.unwrap_err(),
    ] {
        assert_eq!(e.kind, Kind::NotFound, "{e}");
        assert!(e.to_string().contains("“new”") && e.to_string().contains("source, target"), "{e}");
    }
    let e = HaProxy::new(&admin, "rw;disable frontend ro_in", "ro", "source", "target").observe().await.unwrap_err();
    assert_eq!(e.kind, Kind::Invalid, "a name must not carry a second command: {e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_place_gets_a_sentence() {
    let at = |address: &str| HaProxy::new(address, "rw", "ro", "source", "target");
    assert_eq!(at("127.0.0.1:1").observe().await.unwrap_err().kind, Kind::Unreachable);
    assert_eq!(at("/no/such/socket").observe().await.unwrap_err().kind, Kind::Unreachable);
    let e = at(&answering("HTTP/1.0 400 Bad request\r\n\r\n").await).observe().await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("HTTP/1.0 400"), "{e}");
    let e = at(&answering("").await).observe().await.unwrap_err();
    assert_eq!(e.kind, Kind::Router, "{e}");
    let e = at(&answering("Permission denied\n\n").await).point_writes(Side::Target).await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("level admin"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_one_ends_at_the_deadline() {
    let rig = rig().await;
    let r = router(&rig);
    let haproxy = rig.haproxy.as_ref().unwrap();
    haproxy.freeze().unwrap();
    let started = Instant::now();
    assert_eq!(r.point_writes(Side::Target).await.unwrap_err().kind, Kind::Deadline);
    assert!(started.elapsed() < Duration::from_secs(3), "two seconds are the deadline: {:?}", started.elapsed());
    haproxy.thaw().unwrap();
    r.point_writes(Side::Target).await.unwrap();
}

const GLOBAL: &str = " stats socket {dir}/admin.sock level admin\n stats socket ipv4@127.0.0.1:{port} level operator";
const BACKENDS: &str = "backend rw
 server source 127.0.0.1:1
 server target 127.0.0.1:2 disabled
backend ro
 balance static-rr
 server source 127.0.0.1:1 weight 100
 server target localhost:2 weight 0
backend checked
 server source 127.0.0.1:1 check inter 50ms fall 1
 server target 127.0.0.1:2 disabled
backend three
 server source 127.0.0.1:1
 server target 127.0.0.1:2 disabled
 server old 127.0.0.1:3";

#[tokio::test(flavor = "multi_thread")]
async fn sockets_limits_and_odd_backends() {
    let running = router_fixture::haproxy(GLOBAL, BACKENDS).await;
    let socket = running.dir.path().join("admin.sock").display().to_string();
    let at = |rw: &str| HaProxy::new(&socket, rw, "ro", "source", "target");

    let r = at("rw");
    r.point_writes(Side::Target).await.unwrap();
    assert_eq!(r.observe().await.unwrap().writes, Some(Side::Target), "a Unix socket does as well as a port");
    assert_eq!(r.servers().await.unwrap()[3].host_name.as_deref(), Some("localhost"), "names are kept for comparing");

    let e = r.shift_reads(5).await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("balance roundrobin"), "{e}");

    let operator = HaProxy::new(format!("127.0.0.1:{}", running.port), "rw", "ro", "source", "target");
    let e = operator.point_writes(Side::Source).await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("level admin"), "{e}");

    let checked = at("checked");
    router_fixture::until("the failing health check", || async {
        checked.observe().await.unwrap().warning.is_some_and(|w| w.contains("checked/source is DOWN"))
    })
    .await;
    assert_eq!(checked.observe().await.unwrap().writes, Some(Side::Source), "down, yet where writes are pointed");

    let state = at("three").observe().await.unwrap();
    assert_eq!(state.writes, None, "a third server shares the writes");
    assert!(state.warning.unwrap().contains("three/old"));
}
