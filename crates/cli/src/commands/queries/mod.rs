//! `queries`: what statements cost on both sides, which fail, and why.

mod import;
mod latency;
mod sources;
mod text;

use std::path::PathBuf;

use switchyard_api::dto::*;

use super::Ctl;
use crate::{
    args::QueriesCmd,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, command: QueriesCmd) -> Result<Answer, ApiError> {
    match command {
        QueriesCmd::Top { migration, sort, limit, span, since, own, logs, log, source_log, prefix } => {
            let wanted = logs || !log.is_empty();
            let (target_files, source_files) = (names(log)?, names(source_log)?);
            let logs = wanted.then_some(QueryLogs { source_files, target_files, prefix });
            let window = match since.as_deref() {
                Some("start") => "start",
                Some(_) => "kept",
                None => "watch",
            };
            let request = serde_json::json!({
                "migration": migration, "window": window, "seconds": span, "sort": sort, "limit": limit, "own": own,
                "logs": logs,
            });
            top(ctl, &request).await
        }
        QueriesCmd::Errors { migration, log, source_log, prefix, all } => {
            let (target_files, source_files) = (names(log)?, names(source_log)?);
            let since = all.then_some(i64::MIN);
            errors(ctl, QueryErrorsRequest { migration, target_files, source_files, prefix, since }).await
        }
        QueriesCmd::Latency { migration, writes, minutes, chart } => {
            latency::run(ctl, migration, writes, minutes, chart).await
        }
        QueriesCmd::Sources { migration, seconds } => sources::run(ctl, migration, seconds).await,
        QueriesCmd::Import { file, kind, limit, with } => import::run(ctl, file, kind.as_deref(), limit, with).await,
        QueriesCmd::Plans { migration, statement, text, no_run } => {
            plans(ctl, PlansRequest { migration, statement, text, run: !no_run }).await
        }
        QueriesCmd::Index { migration, statement, apply } => {
            index(ctl, IndexRequest { migration, statement, apply }).await
        }
    }
}

async fn top(ctl: &Ctl, request: &serde_json::Value) -> Result<Answer, ApiError> {
    let view: QueriesView = ctl.call("queries_top", request).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text::top(&view);
    }
    Ok(if !view.refused.is_empty() {
        Answer::Unable
    } else if view.slower > 0 {
        Answer::No
    } else {
        Answer::Yes
    })
}

async fn errors(ctl: &Ctl, request: QueryErrorsRequest) -> Result<Answer, ApiError> {
    let view: QueryErrorsView = ctl.call("queries_errors", &request).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text::errors(&view);
    }
    let is_finding = |k: &ErrorRow| k.kind.always || k.kind.is_over || k.kind.rate.is_none();
    Ok(if view.kinds.iter().any(is_finding) { Answer::No } else { Answer::Yes })
}

async fn plans(ctl: &Ctl, request: PlansRequest) -> Result<Answer, ApiError> {
    let view: PlansView = ctl.call("queries_plans", &request).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text::plans(&view);
    }
    Ok(if view.lines.iter().all(|l| l.differences.is_empty()) { Answer::Yes } else { Answer::No })
}

async fn index(ctl: &Ctl, request: IndexRequest) -> Result<Answer, ApiError> {
    let view: IndexView = ctl.call("queries_index", &request).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text::index(&view);
    }
    Ok(if view.missing.is_empty() { Answer::Yes } else { Answer::No })
}

/// Paths as texts, from this process's folder on.
pub fn names(files: Vec<PathBuf>) -> Result<Vec<String>, ApiError> {
    let one = |file: PathBuf| {
        file.into_os_string().into_string().map_err(|name| {
            let why = format!("The name “{}” is not UTF-8.", name.to_string_lossy());
            ApiError::new("invalid", why, "Give the file another name.")
        })
    };
    files.into_iter().map(one).collect()
}
