//! A machine whose clock jumps: a laptop that slept for an hour, or one that was set back. What was measured before opens
//! nothing, a hold that lasted an hour is given up, and the lease is taken anew or lost in order.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, raw_sql};
use switchyard_engine::{
    Kind,
    clock::{Clock, SharedClock, SystemClock},
    conductor::{self, Parts},
    keychain::Keychain,
    saga::Book,
    secret::Secret,
    store::{MigrationId, Store, TicketState},
};
use switchyard_model::{
    Command, Side, UnixMs,
    endpoint::{Endpoint, TlsMode},
    journal::Entry,
    limits::{Limits, Rung},
    migration::{MigrationSpec, Strategy},
    reconcile::Pacing,
    router::RouterConfig,
    state::State,
};
use switchyard_rig::{Rig, RigOptions, Server};
use tokio_util::sync::CancellationToken;

const HOUR_MS: i64 = 3_600_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// The machine's clock with a time of day that a test sets. The monotonic one does not jump: it stands still while a
/// machine sleeps.
#[derive(Default)]
struct Jumping(AtomicI64);

impl Jumping {
    fn jump(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Jumping {
    fn now(&self) -> UnixMs {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// Servers, a store and a conductor that drives.
struct Desk {
    rig: Rig,
    clock: Arc<Jumping>,
    store: Store,
    id: MigrationId,
    cancel: CancellationToken,
    driving: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

const TABLES: &str = "CREATE TABLE region (code text PRIMARY KEY, name text);
                      INSERT INTO region SELECT 'r' || n, 'region' FROM generate_series(1, 100) n; ANALYZE";

fn endpoint(name: &str, server: &Server) -> Endpoint {
    Endpoint {
        name: name.into(),
        host: server.host.clone(),
        port: server.port,
        database: switchyard_rig::DATABASE.into(),
        user: server.logins.switchyard.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    }
}

/// Short, but with a validation that an hour makes too old.
fn limits() -> Limits {
    let ladder = vec![Rung { percent: 100, soak_s: 0 }];
    Limits { lag_hold_s: 2, validation_max_age_s: 1_800, ladder, ..Limits::demo() }
}

async fn keychain(rig: &Rig, spec: &MigrationSpec) -> Keychain {
    let keychain = Keychain::in_memory("a test");
    for (name, server) in [("a", &rig.source), ("b", &rig.target)] {
        keychain.put(name, Secret::new(server.logins.switchyard.password.as_str())).await;
    }
    for (router, pooler) in spec.routers.iter().zip(&rig.poolers) {
        keychain.put(&router.secret_name().unwrap(), Secret::new(pooler.admin_password.as_str())).await;
    }
    keychain
}

fn spec(rig: &Rig) -> MigrationSpec {
    let mut routers: Vec<RouterConfig> = rig
        .poolers
        .iter()
        .map(|p| RouterConfig::PgBouncer {
            host: p.host.clone(),
            port: p.port,
            user: p.admin_user.clone(),
            rw_database: "app_rw".into(),
            ro_database: "app_ro".into(),
        })
        .collect();
    routers.push(RouterConfig::HaProxy {
        address: format!("127.0.0.1:{}", rig.haproxy.as_ref().unwrap().admin_port),
        rw_backend: "rw".into(),
        ro_backend: "ro".into(),
        source_server: "source".into(),
        target_server: "target".into(),
    });
    let (name, source, target) = ("shop".into(), "a".into(), "b".into());
    MigrationSpec { name, strategy: Strategy::Live, source, target, routers, limits: limits() }
}

impl Desk {
    /// Driven up to 100 % of reads, by a conductor that has settled.
    async fn at_the_top() -> Desk {
        let rig = Rig::start(RigOptions { schema: None, ..RigOptions::default() }).await.unwrap();
        let mut app = PgConnection::connect(&rig.source.app_url()).await.unwrap();
        raw_sql(TABLES).execute(&mut app).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        for (name, server) in [("a", &rig.source), ("b", &rig.target)] {
            store.save_endpoint(&endpoint(name, server)).await.unwrap();
        }
        let clock = Arc::new(Jumping::default());
        let spec = spec(&rig);
        let id = store.create_migration(&spec, "test", clock.now()).await.unwrap();
        // What is validated by hand has to grow old: the comparison in the background would prove it anew.
        let paused = Pacing { paused: true, ..Pacing::default() };
        store.put_snapshot(id, conductor::PACING, clock.now(), &paused).await.unwrap();
        let shared: SharedClock = clock.clone();
        let (events, _) = tokio::sync::broadcast::channel(64);
        let keychain = Arc::new(keychain(&rig, &spec).await);
        let parts =
            Parts { store: store.clone(), keychain, clock: shared, operator: "one".into(), events, watchdog: None };
        let cancel = CancellationToken::new();
        let driving = tokio::spawn(conductor::drive(parts, id, cancel.clone()));
        let desk = Desk { rig, clock, store, id, cancel, driving, _folder: folder };
        let shift = Command::ShiftReads { percent: 100 };
        for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::Validate, shift] {
            let began = Instant::now();
            while !matches!(desk.run(&command).await, TicketState::Done { .. }) {
                assert!(began.elapsed() < PATIENCE, "{command:?}: {:?}", desk.run(&command).await);
            }
        }
        desk
    }

    async fn ask(&self, command: &Command) -> i64 {
        self.store.ask(self.id, command, "", "test", self.clock.now()).await.unwrap()
    }

    async fn answer(&self, ticket: i64) -> TicketState {
        let began = Instant::now();
        loop {
            match self.store.ticket(ticket).await.unwrap() {
                TicketState::Waiting | TicketState::Running => {}
                ended => return ended,
            }
            assert!(began.elapsed() < PATIENCE, "no answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn run(&self, command: &Command) -> TicketState {
        self.answer(self.ask(command).await).await
    }

    async fn state(&self) -> State {
        let clock: SharedClock = self.clock.clone();
        Book::open(self.store.clone(), self.id, clock, "reader".into(), None).await.unwrap().state().await
    }

    /// Asks for the switch until what every few seconds is looked at has been looked at since the clock jumped.
    async fn ask_to_switch(&self) -> i64 {
        let began = Instant::now();
        loop {
            let ticket = self.ask(&Command::SwitchWrites).await;
            let state = loop {
                match self.store.ticket(ticket).await.unwrap() {
                    TicketState::Waiting => tokio::time::sleep(Duration::from_millis(5)).await,
                    state => break state,
                }
            };
            match state {
                TicketState::Refused { why }
                    if ["Schema: the tables were last looked at", "Read latency: ", "Errors: "]
                        .iter()
                        .any(|gate| why.starts_with(gate)) =>
                {
                    assert!(began.elapsed() < PATIENCE, "it is not looked at again: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                _ => return ticket,
            }
        }
    }

    /// Why the switch is refused.
    async fn refused(&self) -> String {
        match self.run(&Command::SwitchWrites).await {
            TicketState::Refused { why } => why,
            other => panic!("it must be refused: {other:?}"),
        }
    }

    async fn end(self) {
        self.cancel.cancel();
        self.driving.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_measured_before_an_hour_of_sleep_opens_nothing() {
    let desk = Desk::at_the_top().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        // Long enough to hold the lag's two seconds: without the jump the switch would be open now.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    desk.clock.jump(HOUR_MS);
    let why = desk.refused().await;
    assert!(why.starts_with("Lag: "), "the first thing that is stale is told first: {why}");
    // It is measured anew by itself; what is not stays shut.
    let began = Instant::now();
    let why = loop {
        let why = desk.refused().await;
        if !why.starts_with("Lag: ") && !why.starts_with("Way back: ") && !why.starts_with("Route: ") {
            break why;
        }
        assert!(began.elapsed() < PATIENCE, "still {why}");
    };
    assert!(why.starts_with("Consistency: last validated 1:00:") && why.contains("run it again"), "{why}");
    assert!(matches!(desk.run(&Command::Validate).await, TicketState::Done { .. }));

    a_hold_of_an_hour_is_given_up(&desk).await;
    a_clock_that_is_set_back_closes_the_gates_and_opens_them_again(&desk).await;
    let switched = desk.answer(desk.ask_to_switch().await).await;
    assert!(matches!(switched, TicketState::Done { .. }), "awake, it switches: {switched:?}");
    assert_eq!(desk.state().await.authority, Side::Target);
    desk.end().await;
}

/// The laptop falls asleep while PAUSE waits for a transaction, and wakes an hour later: monotonic clocks saw nothing.
async fn a_hold_of_an_hour_is_given_up(desk: &Desk) {
    let mut client = PgConnection::connect(&desk.rig.poolers[0].rw_url()).await.unwrap();
    raw_sql("BEGIN; SELECT 1").execute(&mut client).await.unwrap();
    let ticket = desk.ask_to_switch().await;
    let began = Instant::now();
    let is_holding = async || {
        let run = desk.state().await.open_run;
        run.is_some_and(|r| r.steps.iter().any(|s| s.step == "hold"))
    };
    while !is_holding().await {
        assert!(began.elapsed() < PATIENCE, "no hold began: {:?}", desk.store.ticket(ticket).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    desk.clock.jump(HOUR_MS);
    raw_sql("COMMIT").execute(&mut client).await.unwrap();
    let TicketState::Undone { summary } = desk.answer(ticket).await else { panic!("an hour is longer than a hold") };
    assert!(summary.contains("longer than its deadline") && summary.contains("Everything was taken back"), "{summary}");
    assert_eq!(desk.state().await.authority, Side::Source);
    // Clients go on at once.
    tokio::time::timeout(Duration::from_secs(1), raw_sql("SELECT 1").execute(&mut client)).await.unwrap().unwrap();
    // An hour has made the validation old again.
    assert!(matches!(desk.run(&Command::Validate).await, TicketState::Done { .. }));
}

async fn a_clock_that_is_set_back_closes_the_gates_and_opens_them_again(desk: &Desk) {
    desk.clock.jump(-HOUR_MS);
    let began = Instant::now();
    loop {
        // A busy machine may still have something to say of the hour before.
        let why = desk.refused().await;
        if why.starts_with("Lag: ") || why.contains("set back") {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "nothing measured in the future is fresh: {why}");
    }
    assert!(matches!(desk.run(&Command::Validate).await, TicketState::Done { .. }), "the lease outlived it");
    let began = Instant::now();
    loop {
        match desk.run(&Command::ShiftReads { percent: 0 }).await {
            TicketState::Done { .. } => break,
            other => assert!(began.elapsed() < PATIENCE, "{other:?}"),
        }
    }
    while !matches!(desk.run(&Command::ShiftReads { percent: 100 }).await, TicketState::Done { .. }) {
        assert!(began.elapsed() < PATIENCE, "the gates open again: {:?}", desk.refused().await);
    }
}

/// A store with a migration, and nothing that drives it.
async fn store() -> (tempfile::TempDir, Store, MigrationId) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db")).await.unwrap();
    let spec = MigrationSpec {
        name: "shop".into(),
        strategy: Strategy::Live,
        source: "a".into(),
        target: "b".into(),
        routers: Vec::new(),
        limits: limits(),
    };
    let id = store.create_migration(&spec, "test", 0).await.unwrap();
    (folder, store, id)
}

fn drive(store: &Store, id: MigrationId, operator: &str, clock: &Arc<Jumping>) -> CancellationToken {
    let (events, _) = tokio::sync::broadcast::channel(64);
    let parts = Parts {
        store: store.clone(),
        keychain: Arc::new(Keychain::in_memory("a test")),
        clock: clock.clone(),
        operator: operator.into(),
        events,
        watchdog: None,
    };
    let cancel = CancellationToken::new();
    tokio::spawn(conductor::drive(parts, id, cancel.clone()));
    cancel
}

async fn holder(store: &Store, id: MigrationId) -> String {
    store.lease(id).await.unwrap().map_or_else(String::new, |l| l.holder)
}

async fn held_by(store: &Store, id: MigrationId, who: &str, within: Duration) {
    let began = Instant::now();
    while holder(store, id).await != who {
        assert!(began.elapsed() < within, "“{}” still holds the lease", holder(store, id).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_slept_writes_nothing_once_another_has_the_lease() {
    let (_folder, store, id) = store().await;
    let clock = Arc::new(Jumping::default());
    let (lease, _) = store.take_lease(id, "sleeper", clock.now()).await.unwrap().unwrap();
    let asleep = Book::open(store.clone(), id, clock.clone(), "sleeper".into(), Some(&lease)).await.unwrap();
    clock.jump(HOUR_MS);
    let cancel = drive(&store, id, "awake", &clock);
    held_by(&store, id, "awake", Duration::from_secs(3)).await;
    let error = asleep.record(Entry::LeaseTaken { from: "nobody".into() }).await.unwrap_err();
    assert_eq!(error.kind, Kind::LeaseLost, "{error}");
    assert!(error.why.contains("awake"), "it says who has it now: {error}");
    assert!(!store.renew_lease(id, &lease, clock.now()).await.unwrap(), "what is lost is not renewed");
    cancel.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_slept_alone_has_its_lease_still() {
    let (_folder, store, id) = store().await;
    let clock = Arc::new(Jumping::default());
    let cancel = drive(&store, id, "sleeper", &clock);
    held_by(&store, id, "sleeper", Duration::from_secs(3)).await;
    let before = store.lease(id).await.unwrap().unwrap();
    clock.jump(HOUR_MS);
    let began = Instant::now();
    while store.lease(id).await.unwrap().unwrap().expires < clock.now() {
        assert!(began.elapsed() < Duration::from_secs(5), "nobody renews it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.lease(id).await.unwrap().unwrap().generation, before.generation, "it never changed hands");
    cancel.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holder_does_not_keep_the_lease_until_the_old_time_comes_again() {
    let (_folder, store, id) = store().await;
    let clock = Arc::new(Jumping::default());
    store.take_lease(id, "dead", clock.now()).await.unwrap().unwrap();
    clock.jump(-HOUR_MS);
    let cancel = drive(&store, id, "alive", &clock);
    held_by(&store, id, "alive", Duration::from_secs(15)).await;
    // One that lives and renews is left alone, though its lease ends in a future that has been taken back.
    let other = drive(&store, id, "other", &clock);
    clock.jump(-HOUR_MS);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(holder(&store, id).await, "alive", "a live holder keeps its lease over any jump");
    cancel.cancel();
    other.cancel();
}
