//! `queries latency`: percentiles of both sides over time.

use std::path::PathBuf;

use switchyard_api::dto::*;
use switchyard_model::{
    figure,
    reads::{Percentile, Timed},
    time::utc,
};

use super::super::{Ctl, consumers::table::lines};
use crate::output::{self, Answer};

pub async fn run(
    ctl: &Ctl,
    migration: String,
    writes: bool,
    minutes: u32,
    chart: Option<PathBuf>,
) -> Result<Answer, ApiError> {
    let request = LatencyChartRequest {
        migration,
        what: if writes { Timed::Writes } else { Timed::Reads },
        percentile: Percentile::P99,
        minutes,
        width: 1_000,
        height: 320,
        dark: false,
        utc_offset_minutes: 0,
    };
    let view: LatencyChart = ctl.call("latency_chart", &request).await?;
    if let Some(file) = chart {
        std::fs::write(&file, &view.svg).map_err(|e| {
            let why = format!("{} cannot be written: {e}.", file.display());
            ApiError::new("failed", why, "Give a file in a folder that may be written to.")
        })?;
    }
    if ctl.json {
        output::json(&view);
    } else {
        text(&view);
    }
    Ok(answer(&view, writes))
}

fn answer(view: &LatencyChart, writes: bool) -> Answer {
    let measured = view.sides.iter().any(|s| s.newest.is_some());
    match view.within {
        Some(true) => Answer::Yes,
        Some(false) => Answer::No,
        None if writes && measured => Answer::Yes,
        None => Answer::Unable,
    }
}

fn text(view: &LatencyChart) {
    let row = |title: String, at: String, spread: Option<ReadSpread>, ms: bool| {
        let one = |value: f64| if ms { figure::read_ms(value) } else { format!("{value:.1} ×") };
        let [a, b, c] = match spread {
            Some(s) => [s.p50_ms, s.p95_ms, s.p99_ms].map(one),
            None => ["–", "–", "–"].map(str::to_owned),
        };
        vec![title, a, b, c, at]
    };
    let mut rows = Vec::new();
    for side in &view.sides {
        rows.push(row(side.side.to_string(), side.at.map(utc).unwrap_or_default(), side.newest, true));
        rows.push(row(format!("{}, highest", side.side), String::new(), side.highest, true));
    }
    rows.push(row("target ÷ source".to_owned(), String::new(), view.ratio, false));
    for line in lines(&["", "P50", "P95", "P99", "at"], &rows) {
        say!("{line}");
    }
    if let Some(worst) = view.worst {
        say!("P99 was farthest apart at {}: {:.1} × of the source.", utc(worst.at), worst.ratio);
    }
    for why in view.sides.iter().filter_map(|s| s.missing.as_ref()).chain(&view.notes) {
        say!("Note: {why}");
    }
}
