//! Who uses a PostgreSQL database: `pg_stat_activity`, `pg_stat_database`, `pg_stat_user_tables` and, where it is installed,
//! `pg_stat_statements`. Nothing is created or reset.
//!
//! Everything that is in each look is one statement, so that our own part of the traffic is known and can be left out.

mod sql;
mod statements;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use switchyard_model::{
    consumers::{Facts, Look, StatementCount, Statements, TableCount},
    ident::TableName,
    preflight::OLDEST,
};

use super::{PgDatabase, classify::classify, options::APPLICATION};
use crate::{
    Error, Kind, Result,
    db::consumers::{Consumers, Depth, Looked, Watcher},
};
use statements::Extension;

/// No statement of a look runs longer.
const LIMIT: &str = "SET statement_timeout = '5s'; SET lock_timeout = '1s'";

/// How long a look may take altogether; a server that is frozen answers nothing at all.
const DEADLINE: Duration = Duration::from_secs(12);

/// Counting tables and statements may take this share of the time.
const SHARE: u32 = 20;

/// The session.
struct PgWatcher {
    label: String,
    connection: PgConnection,
    version: i32,
    facts: Facts,
    extension: Option<Extension>,
    /// When tables and statements were counted, and how long that took.
    counted: Option<(Instant, Duration)>,
    /// Statements that were prepared already; preparing is a transaction of its own.
    prepared: Vec<String>,
    /// What this session added to the database's transactions and statements since the last look.
    own: (f64, f64),
}

#[async_trait]
impl Consumers for PgDatabase {
    async fn watcher(&self) -> Result<Box<dyn Watcher>> {
        let mut connection = self.open().await?;
        let asking = "asking what can be seen of consumers";
        sqlx::raw_sql(LIMIT).execute(&mut connection).await.map_err(self.failed(asking))?;
        let row = sqlx::query(sql::FACTS).fetch_one(&mut connection).await.map_err(self.failed(asking))?;
        let (version, text): (i32, String) =
            row.try_get(0).and_then(|v| Ok((v, row.try_get(1)?))).map_err(self.failed(asking))?;
        let mut facts: Facts = understood(self.label(), &text)?;
        if version < OLDEST {
            let doing = format!("{asking} on {}", self.label());
            let why = format!("PostgreSQL {} is too old; it takes {} or newer", facts.version, OLDEST / 10_000);
            return Err(Error::new(Kind::Unsuitable, doing, why));
        }
        let extension = match Extension::find(&mut connection).await.map_err(self.failed(asking))? {
            None => None,
            Some(extension) => match extension.try_out(&mut connection).await {
                Ok(()) => {
                    facts.statements = Statements::Read;
                    Some(extension)
                }
                Err(e) => {
                    facts.statements = Statements::Refused(refusal(self.failed("reading pg_stat_statements")(e))?);
                    None
                }
            },
        };
        let (label, counted, prepared) = (self.label().to_owned(), None, Vec::new());
        // The login, and what was asked since: where this session replaces a lost one, it is in the window between the two.
        let own = (9.0, 7.0);
        let mut watcher = PgWatcher { label, connection, version, facts, extension, counted, prepared, own };
        // A look to nobody: from now on every look is one transaction, and what was before it is in the counters.
        watcher.look_once(0.0, Depth::Lean).await?;
        (watcher.own.0, watcher.own.1) = (watcher.own.0 + own.0, watcher.own.1 + own.1);
        Ok(Box::new(watcher))
    }
}

#[async_trait]
impl Watcher for PgWatcher {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn look(&mut self, since: f64, depth: Depth) -> Result<Looked> {
        let doing = format!("looking at who uses {}", self.label);
        match tokio::time::timeout(DEADLINE, self.look_once(since, depth)).await {
            Ok(looked) => looked,
            Err(_) => {
                let why = format!("the server gave no answer within {} s", DEADLINE.as_secs());
                Err(Error::new(Kind::Deadline, doing, why))
            }
        }
    }
}

impl PgWatcher {
    async fn look_once(&mut self, since: f64, depth: Depth) -> Result<Looked> {
        let look = match self.read_look(since).await {
            Ok(look) => look,
            // The extension was dropped, or a right to it taken away: the rest can be seen all the same.
            Err(e) if self.extension.is_some() && may_go_on(&e) => {
                self.extension = None;
                self.facts.statements = Statements::Refused(e.sentence());
                self.read_look(since).await?
            }
            Err(e) => return Err(e),
        };
        if !self.is_due(depth) {
            return Ok(Looked { look, tables: None, statements: None });
        }
        let began = Instant::now();
        let tables = self.read_tables().await?;
        let statements = self.read_statements().await?;
        self.counted = Some((Instant::now(), began.elapsed()));
        Ok(Looked { look, tables, statements })
    }

    fn is_due(&self, depth: Depth) -> bool {
        match (depth, &self.counted) {
            (Depth::Lean, _) => false,
            (Depth::Full, _) | (Depth::WhenCheap, None) => true,
            (Depth::WhenCheap, Some((at, took))) => at.elapsed() >= *took * SHARE,
        }
    }

    async fn read_look(&mut self, since: f64) -> Result<Look> {
        let sql = sql::look(self.version, self.extension.as_ref());
        self.prepares(&sql);
        let own = self.own;
        let text: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(APPLICATION)
            .bind(since)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|e| classify(format!("looking at who uses {}", self.label), e))?;
        // The statement itself is counted once it has ended, and so in the look that follows.
        self.own = (1.0, 1.0);
        let mut look: Look = understood(&self.label, &text)?;
        (look.counters.own_transactions, look.counters.own_statements) = own;
        Ok(look)
    }

    async fn read_tables(&mut self) -> Result<Option<Vec<TableCount>>> {
        if self.facts.tables_refused.is_some() {
            return Ok(None);
        }
        self.sends(sql::TABLES);
        let read = sqlx::query_as(sql::TABLES).fetch_all(&mut self.connection).await;
        let rows: Vec<(i64, String, String, f64, f64, f64, f64)> = match read {
            Ok(rows) => rows,
            Err(e) => {
                let error = classify(format!("reading the statistics of tables on {}", self.label), e);
                self.facts.tables_refused = Some(refusal(error)?);
                return Ok(None);
            }
        };
        let one = |(oid, schema, name, scans, inserted, updated, deleted)| TableCount {
            oid,
            name: TableName { schema, name },
            scans,
            inserted,
            updated,
            deleted,
        };
        Ok(Some(rows.into_iter().map(one).collect()))
    }

    async fn read_statements(&mut self) -> Result<Option<Vec<StatementCount>>> {
        let Some(extension) = self.extension.clone() else { return Ok(None) };
        self.sends(&extension.counts());
        match extension.read(&mut self.connection).await {
            Ok(statements) => Ok(Some(statements)),
            Err(e) => {
                let error = classify(format!("reading pg_stat_statements on {}", self.label), e);
                self.facts.statements = Statements::Refused(refusal(error)?);
                self.extension = None;
                Ok(None)
            }
        }
    }

    /// Counts what a statement adds to the database's transactions before it is counted itself.
    fn prepares(&mut self, sql: &str) {
        if !self.prepared.iter().any(|p| p == sql) {
            self.prepared.push(sql.to_owned());
            self.own.0 += 1.0;
        }
    }

    fn sends(&mut self, sql: &str) {
        self.prepares(sql);
        self.own = (self.own.0 + 1.0, self.own.1 + 1.0);
    }
}

/// Why something could not be read, when the session can go on without it.
fn refusal(error: Error) -> Result<String> {
    if may_go_on(&error) { Ok(error.sentence()) } else { Err(error) }
}

/// Whether only this statement failed.
fn may_go_on(error: &Error) -> bool {
    match error.kind {
        Kind::Privilege | Kind::LockTimeout | Kind::Deadline | Kind::Statement | Kind::Unsuitable => true,
        Kind::Unreachable
        | Kind::TlsRefused
        | Kind::TlsNotTrusted
        | Kind::LoginRefused
        | Kind::PasswordNeeded
        | Kind::NoSuchDatabase
        | Kind::TooManyConnections
        | Kind::NotReady
        | Kind::NoFreeSlot
        | Kind::Router
        | Kind::Tool
        | Kind::Store
        | Kind::StoreNewer
        | Kind::StoreDamaged
        | Kind::LeaseLost
        | Kind::Refused
        | Kind::Invalid
        | Kind::NotFound
        | Kind::Keyring
        | Kind::Contradiction => false,
    }
}

fn understood<'a, T: Deserialize<'a>>(label: &str, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        let doing = format!("looking at who uses {label}");
        Error::new(Kind::Unsuitable, doing, format!("the server's answer is not understood: {e}"))
    })
}
