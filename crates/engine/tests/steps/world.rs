//! A pair with routers and load, reached through proxies that can break, and the migration on it.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection};
use switchyard_engine::{
    clock::SystemClock,
    conductor,
    heartbeat::Beats,
    keychain::Keychain,
    phases,
    route::{group::Routers, haproxy::HaProxy, pgbouncer::PgBouncer},
    saga::{self, Book, Cx, Ended, Pair, Plan},
    secret::Secret,
    store::Store,
};
use switchyard_model::{
    Command, Side,
    endpoint::{Endpoint, TlsMode},
    journal::Entry,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    router::RouterConfig,
};
use switchyard_rig::{
    DATABASE, Rig, RigOptions, Server, Workload, WorkloadConfig,
    faults::{Fuse, Proxy},
    ledger,
};

/// Name of the migration, its number in the steps' names of slots included.
pub const MIGRATION: &str = "steps";

/// Everything.
pub struct World {
    pub rig: Rig,
    pub fuse: Arc<Fuse>,
    pub store: Store,
    pub book: Arc<Book>,
    pub keychain: Arc<Keychain>,
    /// As the product reaches it, through the proxies.
    pub pair: Pair,
    /// The routers themselves, for looking from outside.
    pub routers: Routers,
    /// What nobody may ever read in a message.
    pub passwords: Vec<String>,
    clock: Arc<SystemClock>,
    beats: Arc<Beats>,
    workload: tokio::sync::Mutex<Option<Workload>>,
    looking: [tokio::sync::Mutex<PgConnection>; 2],
    // Dropped last.
    _proxies: Vec<Proxy>,
    _folder: tempfile::TempDir,
}

/// Waits inside the pause must not end by themselves: many things are tried there.
fn limits() -> Limits {
    Limits { hold_deadline_ms: 60_000, ..Limits::demo() }
}

fn endpoint(name: &str, proxy: &Proxy, server: &Server) -> Endpoint {
    Endpoint {
        name: name.into(),
        host: proxy.host.clone(),
        port: proxy.port,
        database: DATABASE.into(),
        user: server.logins.switchyard.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        // The servers reach each other whatever becomes of us.
        peer_address: Some(format!("{}:{}", server.host, server.port)),
    }
}

impl World {
    /// Starts it all, for the live strategy.
    pub async fn start() -> World {
        World::with(Strategy::Live).await
    }

    /// The same for another strategy.
    pub async fn with(strategy: Strategy) -> World {
        let rig = Rig::start(RigOptions { poolers: 1, ..RigOptions::default() }).await.unwrap();
        let fuse = Arc::new(Fuse::default());
        let proxy = async |host: &str, port: u16| Proxy::with_fuse(host, port, fuse.clone()).await.unwrap();
        let (pooler, haproxy) = (&rig.poolers[0], rig.haproxy.as_ref().unwrap());
        let source_proxy = proxy(&rig.source.host, rig.source.port).await;
        let target_proxy = proxy(&rig.target.host, rig.target.port).await;
        let pooler_proxy = proxy(&pooler.host, pooler.port).await;
        let haproxy_proxy = proxy(&haproxy.admin_host, haproxy.admin_port).await;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        let keychain = Keychain::in_memory("tests keep nothing");
        for (name, proxy, server) in [("a", &source_proxy, &rig.source), ("b", &target_proxy, &rig.target)] {
            store.save_endpoint(&endpoint(name, proxy, server)).await.unwrap();
            keychain.put(name, Secret::new(server.logins.switchyard.password.clone())).await;
        }
        let console = RouterConfig::PgBouncer {
            host: pooler_proxy.host.clone(),
            port: pooler_proxy.port,
            user: pooler.admin_user.clone(),
            rw_database: "app_rw".into(),
            ro_database: "app_ro".into(),
        };
        keychain.put(&console.secret_name().unwrap(), Secret::new(pooler.admin_password.clone())).await;
        let front = RouterConfig::HaProxy {
            address: format!("{}:{}", haproxy_proxy.host, haproxy_proxy.port),
            rw_backend: "rw".into(),
            ro_backend: "ro".into(),
            source_server: "source".into(),
            target_server: "target".into(),
        };
        let spec = MigrationSpec {
            name: MIGRATION.into(),
            strategy,
            source: "a".into(),
            target: "b".into(),
            routers: vec![console, front],
            limits: limits(),
        };
        let clock = Arc::new(SystemClock);
        let id = store.create_migration(&spec, "a test", 1).await.unwrap();
        let (lease, _) = store.take_lease(id, "a test", 1).await.unwrap().unwrap();
        let book = Book::open(store.clone(), id, clock.clone(), "a test".into(), Some(&lease)).await.unwrap();
        let pair = conductor::connect(&spec, &store, &keychain).await.unwrap();
        let routers = Routers::new(vec![
            Arc::new(PgBouncer::new(
                &pooler.host,
                pooler.port,
                &pooler.admin_user,
                Some(Secret::new(pooler.admin_password.clone())),
                "app_rw",
                "app_ro",
            )),
            Arc::new(HaProxy::new(
                format!("{}:{}", haproxy.admin_host, haproxy.admin_port),
                "rw",
                "ro",
                "source",
                "target",
            )),
        ]);
        let light =
            WorkloadConfig { writers: 3, readers: 1, think: Duration::from_millis(30), ..WorkloadConfig::of(&rig) };
        let workload = Workload::start(light).await.unwrap();
        let looking = [
            PgConnection::connect(&rig.source.admin_url(DATABASE)).await.unwrap().into(),
            PgConnection::connect(&rig.target.admin_url(DATABASE)).await.unwrap().into(),
        ];
        World {
            looking,
            passwords: vec![rig.source.logins.switchyard.password.clone(), pooler.admin_password.clone()],
            fuse,
            store,
            book: Arc::new(book),
            keychain: Arc::new(keychain),
            pair,
            routers,
            beats: Arc::new(Beats::new(clock.clone())),
            clock,
            workload: tokio::sync::Mutex::new(Some(workload)),
            _proxies: vec![source_proxy, target_proxy, pooler_proxy, haproxy_proxy],
            _folder: folder,
            rig,
        }
    }

    /// What the steps of this run may use, as a process has it that has just begun: no fence, no dump.
    pub async fn cx(&self, run: i64) -> Cx {
        Cx {
            pair: self.pair.clone(),
            book: self.book.clone(),
            state: Arc::new(self.book.state().await),
            run,
            beats: self.beats.clone(),
            clock: self.clock.clone(),
            progress: Default::default(),
            session: Arc::default(),
            launcher: None,
            recall: Default::default(),
            dump: Arc::default(),
        }
    }

    /// Begins a run.
    pub async fn begin(&self, command: &Command) -> (Cx, Plan) {
        let started = Entry::RunStarted { command: command.clone(), reason: String::new(), gates: vec![] };
        let run = self.book.record(started).await.unwrap();
        let cx = self.cx(run).await;
        let plan = phases::plan(command, &cx.state);
        (cx, plan)
    }

    /// Runs a command as the product does.
    pub async fn run(&self, command: Command) {
        let (cx, plan) = self.begin(&command).await;
        let ended = saga::run(&cx, &plan).await.unwrap();
        assert!(matches!(ended, Ended::Done), "{}: {ended:?}", command.label());
    }

    /// One side's server.
    pub fn server(&self, side: Side) -> &Server {
        match side {
            Side::Source => &self.rig.source,
            Side::Target => &self.rig.target,
        }
    }

    /// A connection for looking at one side, around all proxies.
    pub async fn looking(&self, side: Side) -> tokio::sync::MutexGuard<'_, PgConnection> {
        match side {
            Side::Source => self.looking[0].lock().await,
            Side::Target => self.looking[1].lock().await,
        }
    }

    /// Waits until clients have written again.
    pub async fn clients_write(&self, patience: Duration) {
        let workload = self.workload.lock().await;
        let workload = workload.as_ref().unwrap();
        let (before, began) = (workload.acknowledged(), std::time::Instant::now());
        while workload.acknowledged() < before + 10 {
            assert!(began.elapsed() < patience, "clients are still waiting");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the load and looks for every acknowledged write on the side that has the authority.
    pub async fn nothing_is_lost(&self, authority: Side) {
        let workload = self.workload.lock().await.take().unwrap();
        let report = workload.stop().await;
        let check = ledger::check(&self.server(authority).app_url(), &report.acknowledged).await.unwrap();
        println!(
            "{} acknowledged writes, {} client errors {:?}",
            check.acknowledged,
            report.client_errors(),
            report.first_errors
        );
        assert!(check.acknowledged > 100, "a ledger of {} writes proves little", check.acknowledged);
        assert!(check.is_clean(), "lost {:?}, twice {:?}", check.lost, check.duplicated);
    }
}
