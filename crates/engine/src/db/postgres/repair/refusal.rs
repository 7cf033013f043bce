//! What the server's refusal of one row means. The words are ours: the server's would repeat values of the row, and these
//! go into the journal.

use sqlx::postgres::PgDatabaseError;

use crate::db::repairs::Applied;

/// Another row holds what must be unique.
const TAKEN: &str = "23505";

/// The refusal of this row alone; None when the session or the whole side is in trouble.
pub(super) fn of(error: &sqlx::Error) -> Option<Applied> {
    let e = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    let named = |what: &str, name: Option<&str>| match name {
        Some(name) => format!("{what} “{name}”"),
        None => format!("a {what}"),
    };
    let constraint = |what: &str| named(what, e.constraint());
    let why = match e.code() {
        // The session was ended, the server goes down or has no resources, or nothing at all can be written there.
        state if state.starts_with("57P") || state.starts_with("53") || state.starts_with("08") => return None,
        "25006" | "XX000" | "XX001" | "XX002" => return None,
        TAKEN => format!("another row has the value that {} keeps unique", constraint("constraint")),
        "23502" => format!("{} must not be NULL", named("column", e.column())),
        "23503" => format!("{} does not hold", constraint("foreign key")),
        "23514" => format!("{} does not hold", constraint("check")),
        "23P01" => format!("{} excludes it", constraint("constraint")),
        "428C9" => "the server lets nobody write its identity or generated column".to_owned(),
        "42501" => "our role may not write there".to_owned(),
        "55P03" | "40P01" => "its lock was not to be had in time; try again".to_owned(),
        "57014" => "it took longer than 4.5 s, or was cancelled; try again".to_owned(),
        "55000" => {
            "the server refuses it, as for a published table without a replica identity (SQLSTATE 55000)".to_owned()
        }
        // Data that the column cannot hold: a text too long, a number out of range, an unknown label.
        state if state.starts_with("22") => format!("a column cannot hold its value there (SQLSTATE {state})"),
        state => format!("the server refuses it (SQLSTATE {state})"),
    };
    Some(Applied::Refused { why, taken: e.code() == TAKEN })
}
