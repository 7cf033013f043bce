//! Two databases with the same tables, and a session that probes them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use switchyard_engine::{
    Result,
    clock::{Clock, SystemClock},
    db::{
        Database,
        connect::{Login, bundle, connect_postgres},
    },
    probes::{Probed, Session},
    secret::Secret,
};
use switchyard_model::{
    Command, Side, UnixMs,
    gate::{self, Facts, Judged, Question},
    ident::TableName,
    journal::{Entry, Recorded},
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    reads::{ErrorFacts, Place},
    state::{State, replay},
};
use switchyard_rig::Major;

use super::postgres_server::{Bed, PATIENCE, connect, endpoint};

pub struct Reads {
    pub source: Bed,
    pub target: Bed,
    pub a: Database,
    pub b: Database,
}

/// A time of day that a test moves on.
#[derive(Default)]
pub struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> UnixMs {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

pub struct Probing {
    session: Session,
    scope: Vec<TableName>,
    probed: Mutex<Probed>,
    clock: Arc<Moved>,
}

impl Reads {
    pub async fn start() -> Reads {
        let (source, target) = tokio::join!(Bed::start(Major::V15, &[]), Bed::start(Major::best(), &[]));
        let a = bundle(connect(&source.server, Side::Source, "shop").await);
        let b = bundle(connect(&target.server, Side::Target, "shop").await);
        Reads { source, target, a, b }
    }

    pub async fn both(&self, sql: &str) {
        tokio::join!(self.source.execute(sql), self.target.execute(sql));
    }

    pub async fn session(&self, tables: &[&str]) -> Probing {
        Probing::open(&self.a, &self.b, tables).await
    }

    /// With a role on the target that may read only what it was granted.
    pub async fn limited_session(&self, tables: &[&str]) -> Probing {
        let login = &self.target.server.logins.limited;
        let server = &self.target.server;
        let endpoint = switchyard_model::endpoint::Endpoint { user: login.user.clone(), ..endpoint(server, "shop") };
        let password = Secret::new(login.password.clone());
        let login = Login { endpoint: &endpoint, password: Some(&password) };
        let limited = bundle(connect_postgres(Side::Target, login, 2).await.unwrap());
        Probing::open(&self.a, &limited, tables).await
    }

    /// Scans of tables, one per statement of the probes, once the server has written its statistics down.
    pub async fn statements(&self, bed: &Bed) -> i64 {
        let mut admin = bed.server.connect("shop").await.unwrap();
        let count = "SELECT sum(seq_scan + coalesce(idx_scan, 0))::int8 FROM pg_stat_user_tables";
        let mut last = -1;
        loop {
            let now: i64 = sqlx::query_scalar(count).fetch_one(&mut admin).await.unwrap();
            if now == last {
                return now;
            }
            last = now;
            // A session writes its statistics down within a second of its last statement, or when it is next used.
            tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        }
    }
}

impl Probing {
    async fn open(a: &Database, b: &Database, tables: &[&str]) -> Probing {
        let scope: Vec<TableName> = tables.iter().map(|t| TableName::new("public", *t)).collect();
        let clock = Arc::new(Moved::default());
        let session = Session::open(a, b, Side::Source, &scope, clock.clone()).await.unwrap();
        Probing { session, scope, probed: Mutex::default(), clock }
    }

    pub async fn round(&mut self, limits: &Limits) -> Result<()> {
        self.session.round(Side::Source, &self.scope, &self.probed, limits).await
    }

    /// Rounds until it is so.
    pub async fn until(&mut self, what: &str, limits: &Limits, so: impl Fn(&Judged) -> bool) {
        let began = Instant::now();
        loop {
            self.round(limits).await.unwrap();
            let judged = self.latency(limits);
            if so(&judged) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}: {}", judged.verdict.sentence());
        }
    }

    pub fn a_minute_passes(&self) {
        self.clock.0.fetch_add(66_000, Ordering::SeqCst);
    }

    pub fn place(&self) -> Place {
        self.probed.lock().unwrap().place(self.clock.now())
    }

    pub fn latency(&self, limits: &Limits) -> Judged {
        let latency = self.probed.lock().unwrap().latency(self.clock.now());
        self.judge(limits, &Facts { latency, ..Facts::default() }, "latency")
    }

    /// With what the probes alone count.
    pub fn errors(&self, limits: &Limits) -> Judged {
        let errors = ErrorFacts { at: self.clock.now(), places: vec![self.place()], ..ErrorFacts::default() };
        self.judge(limits, &Facts { errors: Some(errors), ..Facts::default() }, "errors")
    }

    fn judge(&self, limits: &Limits, facts: &Facts, gate: &str) -> Judged {
        let (command, state) = (Command::SwitchWrites, state(limits));
        let question = Question { command: &command, state: &state, facts, now: self.clock.now() };
        gate::judge(&question).into_iter().find(|j| j.gate == gate).unwrap()
    }
}

fn state(limits: &Limits) -> State {
    let (name, source, target) = ("shop".into(), "a".into(), "b".into());
    let (strategy, routers, limits) = (Strategy::Live, vec![], limits.clone());
    let spec = MigrationSpec { name, strategy, source, target, routers, limits };
    replay(&[Recorded { seq: 1, at: 0, by: String::new(), generation: 1, entry: Entry::Created { spec } }]).unwrap()
}
