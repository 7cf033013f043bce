//! The canary: readers and writers that come through the poolers as the application does, and number their rows.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row,
    postgres::{PgConnectOptions, PgSslMode},
};
use switchyard_model::Side;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    front::Front,
    seen::{Seen, Written},
};
use crate::{
    db::{connect::classify, drills::CANARY},
    error::{Error, Kind, Result},
};

/// Readers and writers at each pooler. Enough readers that some of them are on either side of a small share.
const READERS: usize = 12;
const WRITERS: usize = 2;
/// Between two requests of one session.
const THINK: Duration = Duration::from_millis(15);
/// It takes a while, so that a pooler needs a connection for most readers: the share is of connections, not of requests.
const READ: &str = "SELECT switchyard_drill.canary(), pg_sleep(0.03)";
/// After a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// For one request, a login included. Longer than clients may be held, so that a hold is measured and no failure.
const PATIENCE: Duration = Duration::from_secs(15);
/// For requests that are under way when the canary is stopped.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// How many requests have to have gone well before a drill begins, and how long that may take.
const WARM_READS: u64 = 40;
const WARM_WRITES: usize = 10;
const WARMING: Duration = Duration::from_secs(15);

/// What tells the sides apart: what the canary's function answers on each.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    pub(super) source: String,
    pub(super) target: String,
}

impl Marks {
    /// Who answered this. A server that started anew since is the one that is not the other.
    fn side(&self, answer: &str) -> Side {
        if answer == self.source { Side::Source } else { Side::Target }
    }
}

/// Running sessions.
pub(super) struct Canary {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    sessions: JoinSet<()>,
}

impl Canary {
    /// Starts all sessions and waits until reads and writes go well.
    pub(super) async fn start(fronts: &[Front], drill: i64, marks: Marks) -> Result<Canary> {
        let readers = fronts.len() * READERS;
        let seen = Arc::new(Mutex::new(Seen::by(readers)));
        let (stop, next, mut sessions) = (CancellationToken::new(), Arc::new(AtomicI64::new(1)), JoinSet::new());
        for (f, front) in fronts.iter().enumerate() {
            for r in 0..READERS {
                let session = Session::new(front, &front.ro, &seen, &stop);
                sessions.spawn(session.read(f * READERS + r, marks.clone()));
            }
            for _ in 0..WRITERS {
                let session = Session::new(front, &front.rw, &seen, &stop);
                sessions.spawn(session.write(drill, next.clone()));
            }
        }
        let canary = Canary { seen, stop, sessions };
        canary.warm().await?;
        Ok(canary)
    }

    async fn warm(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            {
                let seen = self.seen();
                if seen.answered >= WARM_READS && seen.acknowledged.len() >= WARM_WRITES {
                    return Ok(());
                }
                if began.elapsed() > WARMING {
                    let why = match &seen.last_failure {
                        Some(failure) => format!("its requests through the poolers fail: {failure}"),
                        None => "the poolers did not answer it".to_owned(),
                    };
                    return Err(Error::new(Kind::Unsuitable, "starting the drill's canary", why));
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has seen.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every request end and counts it; then what it has seen is final.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        let ended = async { while self.sessions.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            tracing::warn!("some requests of the canary did not end; their writes are uncertain");
            self.sessions.abort_all();
        }
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One session of the canary.
struct Session {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
}

impl Session {
    fn new(front: &Front, database: &str, seen: &Arc<Mutex<Seen>>, stop: &CancellationToken) -> Session {
        let options = PgConnectOptions::new_without_pgpass()
            .port(front.port)
            .username(&front.user)
            .password(front.password.as_ref().map_or("", |p| p.expose()))
            .database(database)
            .ssl_mode(PgSslMode::Prefer)
            .application_name(CANARY)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        let options = if front.host.starts_with('/') { options.socket(&front.host) } else { options.host(&front.host) };
        Session { options, connection: None, seen: seen.clone(), stop: stop.clone() }
    }

    async fn read(mut self, reader: usize, marks: Marks) {
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let answer = self.ask(READ).await;
            let answer = answer.map(|mark| marks.side(&mark.unwrap_or_default())).map_err(|e| e.0);
            let failed = answer.is_err();
            self.seen().read(reader, began, Instant::now(), answer);
            self.pause(failed).await;
        }
    }

    async fn write(mut self, drill: i64, next: Arc<AtomicI64>) {
        while !self.stop.is_cancelled() {
            let (n, began) = (next.fetch_add(1, Ordering::Relaxed), Instant::now());
            let sql = format!(
                "INSERT INTO switchyard_drill.ledger (id, drill, n, at) \
                 VALUES (gen_random_uuid(), {drill}, {n}, clock_timestamp())"
            );
            let written = match self.ask(&sql).await {
                Ok(_) => Written::Acknowledged,
                Err((why, true)) => Written::Uncertain(why),
                Err((why, false)) => Written::Refused(why),
            };
            let failed = written != Written::Acknowledged;
            self.seen().wrote(n, began, Instant::now(), written);
            self.pause(failed).await;
        }
    }

    /// One statement, on a new connection where the last one failed. The error says whether it may have happened all the same.
    async fn ask(&mut self, sql: &str) -> std::result::Result<Option<String>, (String, bool)> {
        let mut sent = false;
        let request = async {
            let mut connection = match self.connection.take() {
                Some(open) => open,
                None => PgConnection::connect_with(&self.options).await?,
            };
            sent = true;
            let row = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_optional(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, row))
        };
        match tokio::time::timeout(PATIENCE, request).await {
            Ok(Ok((connection, row))) => {
                self.connection = Some(connection);
                Ok(row.and_then(|r| r.try_get(0).ok()))
            }
            Ok(Err(e)) => {
                let uncertain = sent && is_uncertain(&e);
                Err((classify("asking through a pooler", e).why, uncertain))
            }
            Err(_) => Err((format!("no answer within {} s", PATIENCE.as_secs()), sent)),
        }
    }

    async fn pause(&self, failed: bool) {
        let pause = if failed { AFTER_FAILURE } else { THINK };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a statement that failed may have happened all the same: the connection broke, or a server or pooler was going away.
fn is_uncertain(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(answer) => {
            answer.code().is_none_or(|code| ["08", "57", "58", "XX"].iter().any(|class| code.starts_with(class)))
        }
        _ => true,
    }
}
