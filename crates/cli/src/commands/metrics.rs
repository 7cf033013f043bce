//! `metrics`: the application's own metrics, and their limits.

use std::path::PathBuf;

use switchyard_api::dto::*;
use switchyard_model::{application::Bound, gate::duration};

use super::Ctl;
use crate::{
    args::{MetricArgs, MetricsCmd},
    output::{self, Answer},
    password,
};

pub async fn run(ctl: &Ctl, cmd: MetricsCmd) -> Result<Answer, ApiError> {
    match cmd {
        MetricsCmd::Add(args) => add(ctl, args).await,
        MetricsCmd::Try(args) => tried(ctl, args).await,
        MetricsCmd::List { migration } => list(ctl, migration).await,
        MetricsCmd::Show { migration, name } => show(ctl, migration, name).await,
        MetricsCmd::Remove { migration, name } => remove(ctl, migration, name).await,
    }
}

async fn add(ctl: &Ctl, args: MetricArgs) -> Result<Answer, ApiError> {
    let form = form(args)?;
    let typed = form.secret.is_some();
    let row: MetricRow = ctl.call("metric_set", &form).await?;
    if typed && row.login.ends_with("in memory only") {
        tell!(
            "There is no keyring here: the secret is not kept. Keep it in a file (--token-file), or start a keyring."
        );
    }
    if ctl.json {
        output::json(&row);
    } else {
        print(&row);
        say!("The ladder waits for it from now on. switchyardctl metrics show reads it now.");
    }
    Ok(Answer::Yes)
}

async fn tried(ctl: &Ctl, args: MetricArgs) -> Result<Answer, ApiError> {
    let row: MetricRow = ctl.call("metric_try", &form(args)?).await?;
    if ctl.json {
        output::json(&row);
    } else {
        print(&row);
    }
    Ok(answer(std::slice::from_ref(&row)))
}

async fn list(ctl: &Ctl, migration: String) -> Result<Answer, ApiError> {
    view(ctl, MetricsRequest { migration, name: None, read: false }).await?;
    Ok(Answer::Yes)
}

async fn show(ctl: &Ctl, migration: String, name: Option<String>) -> Result<Answer, ApiError> {
    let view = view(ctl, MetricsRequest { migration, name, read: true }).await?;
    Ok(answer(&view.metrics))
}

async fn view(ctl: &Ctl, request: MetricsRequest) -> Result<MetricsView, ApiError> {
    let view: MetricsView = ctl.call("metrics", &request).await?;
    if ctl.json {
        output::json(&view);
        return Ok(view);
    }
    for row in &view.metrics {
        print(row);
    }
    if view.metrics.is_empty() {
        say!("“{}” has no metric of its application; the gate for them does not apply.", request.migration);
    }
    Ok(view)
}

async fn remove(ctl: &Ctl, migration: String, name: String) -> Result<Answer, ApiError> {
    let _: Nothing = ctl.call("metric_remove", &RemoveMetric { migration, name: name.clone() }).await?;
    let done = format!("“{name}” is no longer asked for.");
    if ctl.json {
        output::json(&serde_json::json!({ "done": done }));
    } else {
        say!("{done}");
    }
    Ok(Answer::Yes)
}

/// What is beyond its limit comes before what is not known: it is known to be wrong.
fn answer(rows: &[MetricRow]) -> Answer {
    let any = |stands| rows.iter().any(|r| r.stands == stands);
    match (any(MetricStands::Wrong), any(MetricStands::Unknown)) {
        (true, _) => Answer::No,
        (false, true) => Answer::Unable,
        (false, false) => Answer::Yes,
    }
}

fn form(args: MetricArgs) -> Result<MetricForm, ApiError> {
    let MetricArgs { migration, name, url, query, above, below, span, unit, token, user, secret_file, ca_file } = args;
    let (bound, limit) = match (above, below) {
        (Some(limit), _) => (Bound::Above, limit),
        (None, limit) => (Bound::Below, limit.unwrap_or(f64::NAN)),
    };
    let secret = match (&user, token, &secret_file) {
        (_, _, Some(_)) | (None, false, None) => None,
        _ => Some(password::secret(&format!("the metric “{name}”"), "SWITCHYARD_METRIC_SECRET")?),
    };
    let (secret_file, ca_file) = (whole(secret_file)?, whole(ca_file)?);
    Ok(MetricForm { migration, name, url, query, bound, limit, for_s: span, unit, user, secret, secret_file, ca_file })
}

/// The whole path: whoever drives may have been started in another folder.
fn whole(path: Option<PathBuf>) -> Result<Option<String>, ApiError> {
    let Some(path) = path else { return Ok(None) };
    let bad = |why: String| ApiError::new("invalid", why, "Give the path of a file.");
    let path = std::path::absolute(&path)
        .map_err(|e| bad(format!("{} is no path: {}.", path.display(), switchyard_api::io_words(&e))))?;
    let text = path.to_str().map(str::to_owned);
    text.map(Some).ok_or_else(|| bad(format!("{} cannot be written as text.", path.display())))
}

fn print(row: &MetricRow) {
    let mark = match row.stands {
        MetricStands::Within => "✓",
        MetricStands::Waits => "…",
        MetricStands::Wrong => "✗",
        MetricStands::Unknown => "?",
    };
    let said = match row.stands {
        MetricStands::Unknown => format!("{}: not known: {}", row.name, row.said),
        MetricStands::Within | MetricStands::Waits | MetricStands::Wrong => row.said.clone(),
    };
    let age = row.sample_age_ms.map_or_else(String::new, |ms| format!(", sample {} old", duration(ms / 1000)));
    say!("{mark} {said}{age}");
    if let Some(remedy) = &row.remedy {
        say!("    {remedy}");
    }
    let by = row.by.as_deref().map_or_else(String::new, |by| format!(", set up by {by}"));
    say!("    {} at {} ({}{by})", row.query.split_whitespace().collect::<Vec<_>>().join(" "), row.url, row.login);
}
