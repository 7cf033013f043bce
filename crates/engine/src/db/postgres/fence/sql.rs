//! The fence's statements. Pure: the preview shows what these return, and the acts send exactly that.

use switchyard_model::ident::{TableName, literal, quote};

use crate::db::{Bidding, FenceOrder, Refusal, postgres::drills};

/// Our schema on both sides.
pub const SCHEMA: &str = "switchyard";

/// The trigger's name on every table.
pub const TRIGGER: &str = "switchyard_fence";

/// How long a statement that needs a lock on an application's table may queue for it. Whoever writes to that table in
/// the meantime queues behind us, so this is the longest stall that we cause outside the switch.
pub(super) const PATIENCE_MS: u32 = 100;

/// Sorted and without doubles: locks are always taken in the same order.
pub(super) fn ordered(tables: &[TableName]) -> Vec<&TableName> {
    let mut sorted: Vec<&TableName> = tables.iter().collect();
    sorted.sort();
    sorted.dedup();
    sorted
}

/// Schema and beats, each alone and idempotent.
pub(super) fn base() -> Vec<String> {
    let beat = |name: &str| {
        format!(
            "CREATE TABLE IF NOT EXISTS {SCHEMA}.{name} (\
             id integer PRIMARY KEY DEFAULT 1 CHECK (id IN (1, 2)), n bigint NOT NULL, at timestamptz NOT NULL)"
        )
    };
    vec![format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}"), beat("beat_forward"), beat("beat_reverse")]
        .into_iter()
        .chain(drills::base())
        .collect()
}

/// How the sentence of writes that are held begins; by this the fence is known from one that says that they moved.
pub(super) const HELD: &str = "switchyard: writes are held";

/// The refusing function as it is first made. Run only where there is none: it may stand raised with its own sentence.
pub(super) fn first_function() -> String {
    function("switchyard: this table refuses writes", "It was fenced by hand; ask whoever runs the migration.")
}

/// What writers are told, and what they may do.
fn words(refusal: &Refusal) -> (String, String) {
    match refusal {
        Refusal::Moved { to, epoch, .. } => (
            format!("switchyard: writes moved to {to}, epoch {epoch}"),
            format!("Connect again through the pooler, or to {to}: this side no longer takes writes."),
        ),
        Refusal::Held { to } => (
            format!("{HELD} while the data moves to {to}; reads go on"),
            "Nothing is wrong with this connection: try again later, or ask whoever runs the migration.".to_owned(),
        ),
    }
}

/// The refusing function with its sentence. 25006 is `read_only_sql_transaction`: drivers and pools that know it take
/// the connection for one to a standby and look for the primary again.
fn function(message: &str, hint: &str) -> String {
    let body = format!(
        "BEGIN RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = {}, HINT = {}; END",
        literal(message),
        literal(hint)
    );
    format!("CREATE OR REPLACE FUNCTION {SCHEMA}.refuse() RETURNS trigger LANGUAGE plpgsql AS {}", literal(&body))
}

/// One table's trigger, created and disabled in one transaction, so that no writer ever meets it enabled.
pub(super) fn add_trigger(table: &TableName) -> String {
    format!(
        "BEGIN; SET LOCAL lock_timeout = '{PATIENCE_MS}ms'; \
         CREATE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
         FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse(); \
         ALTER TABLE ONLY {table} DISABLE TRIGGER {TRIGGER}; COMMIT"
    )
}

/// How long raising waits for one lock before it lets go of all and tries again. Less than the server's
/// `deadlock_timeout` (1 s): when we and a writer wait for each other, it is never the writer that is ended.
const ONE_WAIT_MS: u32 = 250;

/// The first half of raising: the transaction and the locks. `lock_timeout` counts for each table anew, so the statement
/// as a whole has a limit of its own.
pub(super) fn lock(order: &FenceOrder, limit_ms: u32) -> Vec<String> {
    vec![
        "BEGIN".to_owned(),
        format!("SET LOCAL lock_timeout = '{}ms'", limit_ms.min(ONE_WAIT_MS)),
        format!("SET LOCAL statement_timeout = '{limit_ms}ms'"),
        format!("SET LOCAL idle_in_transaction_session_timeout = '{}ms'", order.idle_timeout_ms),
        format!("LOCK TABLE {} IN EXCLUSIVE MODE", listed(&order.tables)),
    ]
}

/// `ONLY a, ONLY b`: each relation is named by the caller, none is reached through its parent, so the order is ours.
fn listed(tables: &[TableName]) -> String {
    ordered(tables).iter().map(|t| format!("ONLY {t}")).collect::<Vec<_>>().join(", ")
}

/// The second half: the sentence, the triggers, and the valve where writes move and there is one.
pub(super) fn refuse(order: &FenceOrder, publication_exists: bool) -> Vec<String> {
    let (message, hint) = words(&order.refusal);
    let mut out = vec!["SET LOCAL statement_timeout = '10s'".to_owned(), function(&message, &hint)];
    // ONLY: with a root alone, some versions go on to the partitions, which have triggers of their own here.
    out.extend(ordered(&order.tables).iter().map(|t| format!("ALTER TABLE ONLY {t} ENABLE TRIGGER {TRIGGER}")));
    match &order.refusal {
        Refusal::Moved { rows_publication, .. } if publication_exists => {
            out.push(format!("ALTER PUBLICATION {} SET (publish = '')", quote(rows_publication)));
        }
        Refusal::Moved { .. } | Refusal::Held { .. } => {}
    }
    out
}

/// How long lowering waits for its locks. Longer than the server's `deadlock_timeout` (1 s), after which an autovacuum in the way
/// is sent home; nobody but writers who are refused anyway queues behind it.
const LOWER_MS: u32 = 1_500;

/// Disables all triggers in one transaction, and leaves them the sentence they were made with. The locks come first and in one statement, so that its limit holds for all
/// of them together.
pub(super) fn lower(tables: &[TableName], bidding: Bidding) -> String {
    let each: String =
        ordered(tables).iter().map(|t| format!("ALTER TABLE ONLY {t} DISABLE TRIGGER {TRIGGER}; ")).collect();
    format!(
        "BEGIN; SET LOCAL lock_timeout = '{LOWER_MS}ms'; SET LOCAL statement_timeout = '{LOWER_MS}ms'; \
         LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE; SET LOCAL statement_timeout = '10s'; {}; {each}{}; COMMIT",
        listed(tables),
        // Behind the locks: a fence that was just being raised has been decided.
        unless_surpassed(bidding),
        first_function()
    )
}

/// Ends the transaction with an error where this side refuses writes because they moved in a switch that is not older than the
/// bidding. The function's own sentence says which one that was; the quote behind the number cannot come from a name, where
/// each is written twice.
pub(crate) fn unless_surpassed(bidding: Bidding) -> String {
    let since = match bidding {
        Bidding::Switch { epoch } => epoch,
        Bidding::Release => 0,
    };
    let body = format!(
        "BEGIN IF EXISTS (SELECT FROM pg_proc WHERE oid = to_regprocedure('{SCHEMA}.refuse()') \
         AND substring(prosrc, ', epoch ([0-9]{{1,18}})'', HINT = ')::bigint >= {since}) THEN \
         RAISE EXCEPTION USING ERRCODE = '{SURPASSED}', \
         MESSAGE = 'writes have moved from this side since this was asked for; it refuses them as it should'; END IF; END"
    );
    format!("DO {}", literal(&body))
}

/// SQLSTATE of a bidding that is too old.
pub(crate) const SURPASSED: &str = "SY001";

/// Drops one table's trigger.
pub(super) fn drop_trigger(table: &TableName) -> String {
    format!("BEGIN; SET LOCAL lock_timeout = '{PATIENCE_MS}ms'; DROP TRIGGER IF EXISTS {TRIGGER} ON {table}; COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> FenceOrder {
        FenceOrder {
            tables: vec![TableName::new("b", "t"), TableName::new("a", "O'Brien\"s"), TableName::new("b", "t")],
            refusal: Refusal::Moved {
                to: "o'clock\\db".into(),
                epoch: 7,
                rows_publication: "switchyard_orders_rows".into(),
            },
            lock_timeout_ms: 500,
            idle_timeout_ms: 5000,
        }
    }

    #[test]
    fn locks_are_taken_in_one_order_and_once() {
        let last = lock(&order(), 500).pop().unwrap();
        assert_eq!(last, r#"LOCK TABLE ONLY "a"."O'Brien""s", ONLY "b"."t" IN EXCLUSIVE MODE"#);
    }

    #[test]
    fn the_sentence_survives_quotes_and_backslashes() {
        let f = refuse(&order(), false).remove(1);
        assert!(f.contains("epoch 7"), "{f}");
        // Nested literals: quotes double once for the message and once more for the body.
        assert!(f.contains("o''''clock"), "an apostrophe in a name must not end the literal: {f}");
    }

    #[test]
    fn writes_that_are_held_are_told_so_and_leave_the_valve_open() {
        let held = FenceOrder { refusal: Refusal::Held { to: "b".into() }, ..order() };
        let said = refuse(&held, true);
        assert!(said[1].contains(HELD), "the fence is known by this: {}", said[1]);
        assert!(!said.iter().any(|s| s.contains("PUBLICATION")), "the stream goes on: {said:?}");
        assert!(!refuse(&order(), true)[1].contains(HELD), "the sentence of a switch is another one");
        assert!(
            lower(&order().tables, Bidding::Release).contains(&first_function()),
            "a fence that is down says neither"
        );
    }

    #[test]
    fn the_valve_is_closed_only_where_there_is_one() {
        assert!(refuse(&order(), true).iter().any(|s| s.contains("publish = ''")));
        assert!(!refuse(&order(), false).iter().any(|s| s.contains("PUBLICATION")));
    }
}
