//! Taking a stream down, whatever is left of it.
//!
//! The subscription goes first, without its slot, so that it can go when the other server is dead; then the slot; the
//! publications last, because a walsender that misses its publication fails.

use sqlx::AssertSqlSafe;
use switchyard_model::{Side, ident::quote, journal::Action};

use super::{BEAT_PUBLICATION, Native, ROWS_PUBLICATION, WATCH_PUBLICATION, failure, slot};
use crate::error::{Error, Result};

/// What the subscriber holds of a stream.
struct Subscription {
    /// How the slots of its copying workers are called on the publisher, as a `LIKE` pattern.
    copy_slots: String,
}

/// What the publisher holds of a stream.
#[derive(Default)]
struct Published {
    slots: Vec<String>,
    publications: Vec<String>,
}

async fn find_subscription(native: &Native, from: Side) -> Result<Option<Subscription>> {
    // A copying worker's slot is named after subscription, table and the subscriber's cluster.
    let sql = "SELECT format('pg\\_%s\\_sync\\_%%\\_%s', s.oid, (pg_catalog.pg_control_system()).system_identifier) \
               FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
               WHERE d.datname = pg_catalog.current_database() AND s.subname = $1";
    let side = from.other();
    let query = sqlx::query_scalar::<_, String>(sql).bind(native.stream(from)).fetch_optional(native.pool(side));
    let doing = format!("looking for subscription {} on {}", native.stream(from), native.label(side));
    Ok(failure::ask(doing, failure::QUICK, query).await?.map(|copy_slots| Subscription { copy_slots }))
}

async fn find_published(native: &Native, from: Side, copy_slots: Option<&str>) -> Result<Published> {
    let sql = "SELECT coalesce(array(SELECT slot_name::text FROM pg_catalog.pg_replication_slots \
                                     WHERE slot_name = $1 OR slot_name LIKE $2 ORDER BY slot_name <> $1, 1), '{}'), \
               coalesce(array(SELECT pubname::text FROM pg_catalog.pg_publication WHERE pubname IN ($3, $4, $5) ORDER BY 1), '{}')";
    let query = sqlx::query_as::<_, (Vec<String>, Vec<String>)>(sql)
        .bind(native.stream(from))
        .bind(copy_slots)
        .bind(BEAT_PUBLICATION)
        .bind(ROWS_PUBLICATION)
        .bind(WATCH_PUBLICATION)
        .fetch_one(native.pool(from));
    let doing = format!("looking for slot {} and publications on {}", native.stream(from), native.label(from));
    let (slots, publications) = failure::ask(doing, failure::QUICK, query).await?;
    Ok(Published { slots, publications })
}

fn subscription_statements(name: &str) -> [String; 3] {
    let name = quote(name);
    [
        format!("ALTER SUBSCRIPTION {name} DISABLE"),
        format!("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)"),
        format!("DROP SUBSCRIPTION {name}"),
    ]
}

fn publication_statement(name: &str) -> String {
    format!("DROP PUBLICATION IF EXISTS {}", quote(name))
}

/// See [`super::Replicator::remove_actions`]. A side that does not answer gets a line that says so.
pub(super) async fn actions(native: &Native, from: Side) -> Result<Vec<Action>> {
    let (publisher, subscriber) = (native.label(from), native.label(from.other()));
    let mut out = Vec::new();
    let mut copy_slots = None;
    match find_subscription(native, from).await {
        Ok(Some(found)) => {
            let statements = subscription_statements(native.stream(from));
            out.extend(statements.into_iter().map(|s| Action::new(subscriber, s)));
            copy_slots = Some(found.copy_slots);
        }
        Ok(None) => {}
        Err(error) => out.push(Action::new(subscriber, format!("-- cannot be looked at now: {error}"))),
    }
    match find_published(native, from, copy_slots.as_deref()).await {
        Ok(found) => {
            out.extend(found.slots.iter().map(|s| Action::new(publisher, slot::drop_statement(s))));
            out.extend(found.publications.iter().map(|p| Action::new(publisher, publication_statement(p))));
        }
        Err(error) => out.push(Action::new(publisher, format!("-- cannot be looked at now: {error}"))),
    }
    Ok(out)
}

/// Whether the publications go with the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publications {
    Stay,
    Go,
}

/// See [`super::Replicator::remove`].
pub(super) async fn remove(native: &Native, from: Side) -> Result<()> {
    take_down(native, from, Publications::Go).await
}

/// See [`super::Replicator::unsubscribe`].
pub(super) async fn unsubscribe(native: &Native, from: Side) -> Result<()> {
    take_down(native, from, Publications::Stay).await
}

async fn take_down(native: &Native, from: Side, publications: Publications) -> Result<()> {
    let subscription = find_subscription(native, from).await;
    let copy_slots = subscription.as_ref().ok().and_then(|s| s.as_ref()).map(|s| s.copy_slots.clone());
    let first = match subscription {
        Ok(Some(_)) => drop_subscription(native, from).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    // Whatever became of the one side, the other is cleared as far as it can be.
    let second = clear_publisher(native, from, copy_slots.as_deref(), publications).await;
    both(native, from, first, second)
}

async fn drop_subscription(native: &Native, from: Side) -> Result<()> {
    let side = from.other();
    for statement in subscription_statements(native.stream(from)) {
        let doing = format!("running {statement} on {}", native.label(side));
        let run = sqlx::raw_sql(AssertSqlSafe(statement)).execute(native.pool(side));
        failure::ask(doing, failure::STATEMENT, run).await?;
    }
    Ok(())
}

async fn clear_publisher(
    native: &Native,
    from: Side,
    copy_slots: Option<&str>,
    publications: Publications,
) -> Result<()> {
    let found = find_published(native, from, copy_slots).await?;
    for name in &found.slots {
        slot::drop_when_idle(native, from, name).await?;
    }
    match publications {
        Publications::Stay => return Ok(()),
        Publications::Go => {}
    }
    for name in &found.publications {
        let doing = format!("dropping publication {name} on {}", native.label(from));
        let run = sqlx::raw_sql(AssertSqlSafe(publication_statement(name))).execute(native.pool(from));
        failure::ask(doing, failure::STATEMENT, run).await?;
    }
    Ok(())
}

/// One error that says what is left, on which side.
fn both(native: &Native, from: Side, first: Result<()>, second: Result<()>) -> Result<()> {
    let name = native.stream(from);
    let on_subscriber = |e: &Error| format!("subscription {name} may be left on {} ({e})", native.label(from.other()));
    let on_publisher = |e: &Error| format!("slot {name} or publications may be left on {} ({e})", native.label(from));
    let (kind, why) = match (&first, &second) {
        (Ok(()), Ok(())) => return Ok(()),
        (Err(a), Ok(())) => (a.kind, on_subscriber(a)),
        (Ok(()), Err(b)) => (b.kind, on_publisher(b)),
        (Err(a), Err(b)) => (a.kind, format!("{}; {}", on_subscriber(a), on_publisher(b))),
    };
    Err(Error::new(kind, format!("removing stream {name}"), why))
}
