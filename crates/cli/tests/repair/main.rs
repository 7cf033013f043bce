//! Repairs as a script runs them: of two databases alone, and in a migration with its streams and an application that writes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alone;
#[path = "../ctl/mod.rs"]
mod ctl;
mod streams;

use std::process::Output;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection};
use switchyard_rig::{DATABASE, Server};

/// The answer of a command, and its exit code.
fn answer(out: &Output) -> (Option<i32>, Value) {
    let text = String::from_utf8_lossy(&out.stdout);
    let json = serde_json::from_str(text.lines().last().unwrap_or("null"));
    (out.status.code(), json.unwrap_or_else(|e| panic!("{e}: {text}\n{}", String::from_utf8_lossy(&out.stderr))))
}

/// One text from a server.
async fn text(server: &Server, sql: &str) -> String {
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(DATABASE)).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({sql})::text"))).fetch_one(&mut connection).await.unwrap()
}
