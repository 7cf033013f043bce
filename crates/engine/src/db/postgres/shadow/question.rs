//! A session that asks questions of ours: the source, with the proof of the answer's place in its log, and later a copy.
//!
//! A log has times of milliseconds, and a statement's line may come after its effect is seen, or before. So the place is a line of our own
//! that the server writes among the others, and around it stands the proof, in one message:
//!
//! 1. A snapshot; no other session holds a lock of writing on the tables; and the sessions that run something without having a transaction's
//!    number, since one of these may have committed and not have said so in the log yet. Whoever asks judges their texts.
//! 2. The line.
//! 3. Still no such lock.
//! 4. The snapshot with which the question is asked. It is the first one: no transaction that wrote has ended in between.
//!
//! Then every write to the tables that the snapshot sees stands before the line, and every other one is not yet ended there.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};
use switchyard_capture::{
    asked::Asks,
    recorded::{Answered, Recorded, Taking},
};
use switchyard_shadow::{Failure, Question, Sample, Skip};
use tokio::sync::mpsc;

use super::{
    super::reach,
    catalog, failure,
    lane::{BEGIN, One, literal},
    settings,
};

/// Whether somebody else holds a lock of writing on one of these tables, or a part of one; or on any table.
const HELD: &str = "WITH RECURSIVE t(oid) AS (SELECT pg_catalog.to_regclass(n)::oid FROM unnest($1) n \
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid) \
    SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted \
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
        AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') \
        AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
        AND CASE WHEN $2 THEN l.relation >= 16384 ELSE l.relation IN (SELECT oid FROM t) END)";

/// The snapshot, and what runs without a number. A state that our role may not see is no state.
const LOOK: &str = "SELECT pg_catalog.txid_current_snapshot()::text, \
        (SELECT coalesce(pg_catalog.json_agg(a.query), '[]')::text FROM pg_catalog.pg_stat_activity a \
         WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.backend_xid IS NULL \
           AND a.pid <> pg_catalog.pg_backend_pid() AND a.application_name NOT LIKE 'switchyard%' \
           AND coalesce(a.state, '') NOT IN ('idle', 'idle in transaction', 'idle in transaction (aborted)'))";

const SNAPSHOT: &str =
    "SELECT pg_catalog.txid_current_snapshot()::text, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text";

/// Tables on which somebody else holds a lock of writing, with their parts and what they are parts of.
const WRITTEN: &str = "WITH RECURSIVE held(oid) AS (SELECT l.relation FROM pg_catalog.pg_locks l \
        WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
          AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
          AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')), \
        down(oid) AS (SELECT oid FROM held UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN down d ON i.inhparent = d.oid), \
        up(oid) AS (SELECT oid FROM held UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up u ON i.inhrelid = u.oid) \
    SELECT c.relname::text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 \
      AND c.oid IN (SELECT oid FROM down UNION SELECT oid FROM up)";

/// Tables that a question names, with their parts and what they are parts of. What a view depends on is not followed here, so that is none.
const TABLES: &str = "WITH RECURSIVE named(oid) AS (SELECT pg_catalog.to_regclass(n)::oid FROM unnest($1::text[]) n), \
        down(oid) AS (SELECT oid FROM named UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN down d ON i.inhparent = d.oid), \
        up(oid) AS (SELECT oid FROM named UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up u ON i.inhrelid = u.oid) \
    SELECT c.relname::text, c.relkind IN ('m', 'v') FROM pg_catalog.pg_class c \
    WHERE c.oid IN (SELECT oid FROM down UNION SELECT oid FROM up)";

/// Whether one of these functions may read other tables: an immutable one may not, and the server's own do not.
const READS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = ANY ($1) AND provolatile <> 'i' \
    AND pronamespace <> 'pg_catalog'::regnamespace)";

/// What an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depends {
    /// Tables as the question names them, quoted.
    named: Vec<String>,
    /// Tables by their names without schemas: also parts, and what they are parts of.
    pub tables: Vec<String>,
    /// Whether any table may matter.
    pub any_table: bool,
}

/// What a look around the line came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whether it holds if what ran meanwhile does not write.
    pub holds: bool,
    /// What ran meanwhile.
    pub running: Vec<String>,
    /// When the snapshot was taken, Unix µs by the server's clock.
    pub at_us: i64,
}

/// A session.
///
/// No `Debug`: it holds a connection.
pub struct Asker {
    one: One,
    settings: Option<(String, Vec<(String, String)>)>,
}

impl Asker {
    pub(super) fn over(one: One) -> Asker {
        Asker { one, settings: None }
    }

    /// What the answer depends on; or why it must not be asked for.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn depends(&mut self, user: &str, asked: &Question) -> Result<Result<Depends, Skip>, Failure> {
        match self.look_up(user, asked).await {
            Ok(found) => Ok(found),
            Err(error) => Err(self.one.failed(error).await),
        }
    }

    async fn look_up(&mut self, user: &str, asked: &Question) -> sqlx::Result<Result<Depends, Skip>> {
        self.one.become_like(user).await?;
        let connection = self.one.connection();
        if let Err(skip) = catalog::allows(connection, &asked.text, &asked.functions, &asked.tables).await? {
            return Ok(Err(skip));
        }
        let named = reach::quoted(&asked.tables);
        let found: Vec<(String, bool)> = sqlx::query_as(TABLES).bind(&named).fetch_all(&mut *connection).await?;
        if found.iter().any(|(_, is_view)| *is_view) {
            return Ok(Err(Skip::NotATable));
        }
        let any_table = sqlx::query_scalar(READS).bind(&asked.functions).fetch_one(connection).await?;
        Ok(Ok(Depends { named, tables: found.into_iter().map(|(name, _)| name).collect(), any_table }))
    }

    /// Tables that transactions write to which are open now, without their schemas.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn written_now(&mut self) -> Result<Vec<String>, Failure> {
        let found = sqlx::query_scalar(WRITTEN).fetch_all(self.one.connection()).await;
        match found {
            Ok(names) => Ok(names),
            Err(error) => Err(self.one.failed(error).await),
        }
    }

    /// The settings that a role's statements have here.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn settings(&mut self, user: &str) -> Result<Vec<(String, String)>, Failure> {
        if let Some((of, settings)) = &self.settings
            && of == user
        {
            return Ok(settings.clone());
        }
        let read = match self.one.become_like(user).await {
            Ok(()) => settings::all(self.one.connection()).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(settings) => Ok(self.settings.insert((user.to_owned(), settings)).1.clone()),
            Err(error) => Err(self.one.failed(error).await),
        }
    }

    /// Writes the line and begins the transaction with which the question is asked. `mark` has nothing but letters, digits and `-`.
    ///
    /// # Errors
    /// When the server refuses, or is not there.
    pub async fn prove(&mut self, user: &str, on: &Depends, mark: &str) -> Result<Proof, Failure> {
        match self.proven(user, on, mark).await {
            Ok(proof) => Ok(proof),
            Err(error) => Err(self.one.failed(error).await),
        }
    }

    async fn proven(&mut self, user: &str, on: &Depends, mark: &str) -> sqlx::Result<Proof> {
        self.one.become_like(user).await?;
        if !self.one.proves {
            let both =
                format!("PREPARE switchyard_held (text[], boolean) AS {HELD}; PREPARE switchyard_look AS {LOOK}");
            sqlx::raw_sql(AssertSqlSafe(both)).execute(self.one.connection()).await?;
            self.one.proves = true;
        }
        let names: Vec<String> = on.named.iter().map(|name| literal(Some(name))).collect();
        let held = format!("EXECUTE switchyard_held (ARRAY[{}]::text[], {})", names.join(", "), on.any_table);
        // All in one message, so that as little as can be happens in between.
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; EXECUTE switchyard_look; {held}; \
             DO $$BEGIN RAISE LOG 'switchyard asks %', {}; END$$; {held}; COMMIT; {BEGIN}; {SNAPSHOT}",
            literal(Some(mark))
        );
        let rows: Vec<_> = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(self.one.connection()).try_collect().await?;
        let rows: Vec<sqlx::postgres::PgRow> = rows.into_iter().filter_map(|one| one.right()).collect();
        let [look, before, behind, snapshot] = rows.as_slice() else {
            return Err(sqlx::Error::Protocol("not all of a proof was answered".to_owned()));
        };
        let is_held = |row: &sqlx::postgres::PgRow| row.try_get_unchecked::<&str, _>(0).map(|held| held != "f");
        let is_same = look.try_get::<&str, _>(0)? == snapshot.try_get::<&str, _>(0)?;
        let running: Vec<Option<String>> =
            serde_json::from_str(look.try_get::<&str, _>(1)?).unwrap_or_else(|_| vec![None]);
        Ok(Proof {
            holds: is_same && !is_held(before)? && !is_held(behind)?,
            running: running.into_iter().map(Option::unwrap_or_default).collect(),
            at_us: snapshot.try_get::<&str, _>(1)?.parse().unwrap_or_default(),
        })
    }

    /// It is not asked after all.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn leave(&mut self) -> Result<(), Failure> {
        self.one.end().await.map_err(failure)
    }

    /// Asks with the snapshot that was proven.
    ///
    /// # Errors
    /// When the statement failed.
    pub async fn answer(&mut self, sample: &Sample, taking: Taking) -> Result<Answered, Failure> {
        let (to, mut from) = mpsc::channel(2);
        let one = &mut self.one;
        let asked = async move {
            let answer = one.answer(sample, &to).await;
            drop(to);
            answer.map_err(|error| (one, error))
        };
        let drained = async move {
            let mut taking = taking;
            while let Some(piece) = from.recv().await {
                taking.take(piece);
            }
            taking.answered()
        };
        match tokio::join!(asked, drained) {
            (Ok(()), answered) => Ok(answered),
            (Err((one, error)), _) => Err(one.failed(error).await),
        }
    }
}

#[async_trait]
impl Asks for Asker {
    async fn ask(&mut self, sample: &Sample, recorded: &Recorded, taking: Taking) -> Result<Answered, Failure> {
        if let Err(error) = self.one.become_given(&recorded.settings).await {
            let mut failed = self.one.failed(error).await;
            // It says nothing of the answer.
            failed.state = None;
            return Err(failed);
        }
        // What it is needed for would be written in another way.
        if !self.one.missing.is_empty() && is_of_a_locale(sample, recorded) {
            let sentence = format!("This system does not have the source's {}.", self.one.missing.join(", "));
            return Err(Failure { state: None, sentence, broken: false });
        }
        if let Err(error) = self.one.begin().await {
            return Err(self.one.failed(error).await);
        }
        self.answer(sample, taking).await
    }
}

/// Whether it may write money, or dates and numbers as a country does.
fn is_of_a_locale(sample: &Sample, recorded: &Recorded) -> bool {
    const MONEY: u32 = 790;
    let text = sample.text.to_lowercase();
    text.contains("to_char") || text.contains("money") || recorded.answered.columns.iter().any(|c| c.kind == MONEY)
}
