//! The JSON form: an object per line, with absent keys for what there is nothing to say of.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Entry, Severity, time};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    dbname: Cow<'a, str>,
    pid: Option<i32>,
    #[serde(borrow, default)]
    remote_host: Cow<'a, str>,
    remote_port: Option<u32>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    error_severity: Cow<'a, str>,
    #[serde(borrow)]
    state_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    detail: Cow<'a, str>,
    #[serde(borrow, default)]
    context: Cow<'a, str>,
    #[serde(borrow, default)]
    statement: Cow<'a, str>,
    #[serde(borrow, default)]
    application_name: Cow<'a, str>,
}

/// An entry of a line; None when it is none.
pub(super) fn entry(line: &str) -> Option<Entry<'_>> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    let (at, _) = time::stamp(line.timestamp.as_bytes())?;
    let client = match line.remote_port {
        Some(port) => Cow::Owned(format!("{}:{port}", line.remote_host)),
        None => line.remote_host,
    };
    Some(Entry {
        at: Some(at),
        user: line.user,
        database: line.dbname,
        application: line.application_name,
        client,
        pid: line.pid,
        session: line.session_id,
        severity: Severity::of(&line.error_severity),
        // The server leaves the state out where nothing is wrong.
        sqlstate: Some(line.state_code.unwrap_or(Cow::Borrowed("00000"))),
        message: line.message,
        detail: line.detail,
        context: line.context,
        query: line.statement,
    })
}
