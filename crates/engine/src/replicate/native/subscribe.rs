//! Slot and subscription of a stream.
//!
//! The password reaches the subscriber's server as a bound value, and the `CREATE SUBSCRIPTION` that holds it is put
//! together and run inside the server: neither the server's log nor its list of running statements shows it.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, Postgres, Transaction};
use switchyard_model::{
    Side,
    ident::{literal, quote},
    journal::Action,
};

use super::{BEAT_PUBLICATION, Native, ROWS_PUBLICATION, conninfo, failure, publish::beat_table, slot};
use crate::error::{Error, Kind, Result};

/// The server's own limit for making a subscription: it logs in to the other server, which may not answer.
const CREATE: Duration = Duration::from_secs(25);

/// What the statements of a superuser's session can be kept out of: the log, and what extensions write down.
const QUIET: &str = "SET LOCAL log_statement = 'none'; SET LOCAL log_min_error_statement = 'panic'; \
                     SET LOCAL log_min_duration_statement = -1; SET LOCAL log_duration = off; \
                     SET LOCAL log_min_duration_sample = -1; SET LOCAL log_transaction_sample_rate = 0; \
                     SET LOCAL auto_explain.log_min_duration = -1; SET LOCAL pg_stat_statements.track = 'none'";

/// `CREATE SUBSCRIPTION` in two halves, between which the connection string goes.
struct Halves {
    before: String,
    after: String,
}

fn halves(native: &Native, from: Side, copy: bool, publisher: i32, subscriber: i32) -> Halves {
    let name = native.stream(from);
    let mut options = vec![
        "create_slot = false".to_owned(),
        format!("slot_name = {}", literal(name)),
        format!("copy_data = {copy}"),
        "enabled = false".to_owned(),
    ];
    // Big transactions wait for their commit: a stream that is applied piecemeal would delay the beats behind it.
    if subscriber >= 140_000 && publisher >= 140_000 {
        options.push("streaming = off".to_owned());
    }
    if subscriber >= 150_000 {
        options.push("disable_on_error = false".to_owned());
    }
    // Belt and braces: the valves alone keep changes from going round.
    if subscriber >= 160_000 && publisher >= 160_000 {
        options.push("origin = none".to_owned());
    }
    Halves {
        before: format!("CREATE SUBSCRIPTION {} CONNECTION ", quote(name)),
        after: format!(
            " PUBLICATION {}, {} WITH ({})",
            quote(BEAT_PUBLICATION),
            quote(ROWS_PUBLICATION),
            options.join(", ")
        ),
    }
}

fn enable(native: &Native, from: Side) -> String {
    format!("ALTER SUBSCRIPTION {} ENABLE", quote(native.stream(from)))
}

/// Beats of an earlier stream: the copy, or the first beat, would collide with them.
fn forget_beats(from: Side) -> String {
    format!("DELETE FROM {}", beat_table(from))
}

/// See [`super::Replicator::subscribe_actions`].
pub(super) fn actions(native: &Native, from: Side, copy: bool) -> Vec<Action> {
    let (publisher, subscriber) = (native.label(from), native.label(from.other()));
    let h = halves(native, from, copy, native.known_version(from), native.known_version(from.other()));
    let connection = literal(&conninfo::masked(native.party(from)));
    vec![
        Action::new(publisher, slot::create_statement(native.stream(from))),
        Action::new(subscriber, forget_beats(from)),
        Action::new(subscriber, format!("{}{connection}{}", h.before, h.after)),
        Action::new(subscriber, enable(native, from)),
    ]
}

/// A subscription as the catalog has it.
enum Found {
    Nothing,
    Disabled,
    Enabled,
}

async fn look(native: &Native, from: Side) -> Result<Found> {
    let sql = "SELECT subenabled FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
               WHERE d.datname = pg_catalog.current_database() AND subname = $1";
    let side = from.other();
    let query = sqlx::query_scalar::<_, bool>(sql).bind(native.stream(from)).fetch_optional(native.pool(side));
    let doing = format!("looking for subscription {} on {}", native.stream(from), native.label(side));
    Ok(match failure::ask(doing, failure::QUICK, query).await? {
        None => Found::Nothing,
        Some(false) => Found::Disabled,
        Some(true) => Found::Enabled,
    })
}

/// See [`super::Replicator::is_subscribed`].
pub(super) async fn is_subscribed(native: &Native, from: Side) -> Result<bool> {
    Ok(match look(native, from).await? {
        Found::Nothing | Found::Disabled => false,
        Found::Enabled => true,
    })
}

/// See [`super::Replicator::subscribe`]. The slot comes first and the subscription is made and enabled in one
/// transaction, so a subscription that exists always began at its slot's position.
pub(super) async fn subscribe(native: &Native, from: Side, copy: bool) -> Result<()> {
    match look(native, from).await? {
        Found::Nothing => {
            native.learn().await?;
            slot::make_afresh(native, from).await?;
            create(native, from, copy).await
        }
        Found::Disabled => {
            demand_slot(native, from).await?;
            let doing = format!("enabling subscription {} on {}", native.stream(from), native.label(from.other()));
            let sql = enable(native, from);
            let statement = sqlx::raw_sql(AssertSqlSafe(sql)).execute(native.pool(from.other()));
            failure::ask(doing, failure::STATEMENT, statement).await.map(drop)
        }
        Found::Enabled => demand_slot(native, from).await,
    }
}

/// A subscription whose slot is gone has lost changes; no new slot can bring them back.
async fn demand_slot(native: &Native, from: Side) -> Result<()> {
    let name = native.stream(from);
    if slot::exists(native, from, name).await? {
        return Ok(());
    }
    let doing = format!("subscribing {} to {}", native.label(from.other()), native.label(from));
    let why = format!(
        "subscription {name} exists, but its slot on {} is gone and changes are lost with it: remove the stream and copy again",
        native.label(from)
    );
    Err(Error::new(Kind::Contradiction, doing, why))
}

async fn create(native: &Native, from: Side, copy: bool) -> Result<()> {
    let side = from.other();
    let doing = format!("subscribing {} to {}", native.label(side), native.label(from));
    let h = halves(native, from, copy, native.version(from).await?, native.version(side).await?);
    let begin = async {
        let mut tx = native.pool(side).begin().await?;
        let quiet = be_quiet(&mut tx).await?;
        Ok((tx, quiet))
    };
    let (mut tx, quiet) = failure::ask(doing.clone(), failure::STATEMENT, begin).await?;
    if !quiet && native.party(from).password.is_some() {
        let why = format!(
            "{} logs every statement with its values, so the password would be written to its log: set log_statement to \
             ddl or lower and log_min_duration_statement to -1, or use a superuser",
            native.label(side)
        );
        return Err(Error::new(Kind::Unsuitable, doing, why));
    }
    let work = async {
        tx.execute(sqlx::raw_sql(AssertSqlSafe(forget_beats(from)))).await?;
        let connection = conninfo::real(native.party(from));
        sqlx::query("SELECT pg_catalog.set_config('switchyard.conninfo', $1, true)")
            .bind(connection)
            .execute(&mut *tx)
            .await?;
        tx.execute(sqlx::raw_sql(AssertSqlSafe(inside_the_server(&h)))).await?;
        tx.execute(sqlx::raw_sql(AssertSqlSafe(enable(native, from)))).await?;
        tx.commit().await
    };
    failure::ask(doing, failure::STATEMENT, work).await.map_err(|e| explain(native, from, e))
}

/// Silences the log for this transaction where our role may. Answers whether bound values stay out of the log.
async fn be_quiet(tx: &mut Transaction<'static, Postgres>) -> std::result::Result<bool, sqlx::Error> {
    let patience = format!("SET LOCAL statement_timeout = {}", CREATE.as_millis());
    tx.execute(sqlx::raw_sql(AssertSqlSafe(patience))).await?;
    let sql = "SELECT current_setting('is_superuser') = 'on', \
               current_setting('log_statement') <> 'all' AND current_setting('log_min_duration_statement') = '-1' \
               AND current_setting('log_duration') = 'off'";
    let (superuser, quiet_already): (bool, bool) = sqlx::query_as(sql).fetch_one(&mut **tx).await?;
    if superuser {
        tx.execute(sqlx::raw_sql(QUIET)).await?;
    }
    Ok(superuser || quiet_already)
}

/// A block that puts the statement together and runs it. Its error is raised anew, because the original's context would
/// carry the statement into the log.
fn inside_the_server(h: &Halves) -> String {
    let body = format!(
        "DECLARE detail text; hint text; BEGIN \
         EXECUTE {} OPERATOR(pg_catalog.||) pg_catalog.quote_literal(pg_catalog.current_setting('switchyard.conninfo')) \
         OPERATOR(pg_catalog.||) {}; \
         EXCEPTION WHEN OTHERS THEN \
         GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT; \
         RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM, DETAIL = detail, HINT = hint; END",
        literal(&h.before),
        literal(&h.after)
    );
    format!("DO {}", literal(&body))
}

/// Adds what a DBA needs when it is the two servers that cannot reach each other.
fn explain(native: &Native, from: Side, error: Error) -> Error {
    let (publisher, subscriber) = (native.label(from), native.label(from.other()));
    let (host, port) = native.party(from).endpoint.peer_host_port();
    let more = match error.kind {
        Kind::Unreachable => format!(
            "the server of {subscriber} must reach {publisher} at {host}:{port}; where that differs from the address used \
             here, fill in the peer address of {publisher}"
        ),
        Kind::TlsNotTrusted => format!(
            "the server of {subscriber} reads the CA file on its own disk: put it there under the same path, or choose TLS \
             mode require for {publisher}"
        ),
        _ => return error,
    };
    Error::new(error.kind, error.doing, format!("{}; {more}", error.why))
}
