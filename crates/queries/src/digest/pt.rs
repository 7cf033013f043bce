//! `pt-query-digest --output json`. Its times are seconds, written as texts.

use serde::{Deserialize, de::DeserializeSeed};

use super::{
    gathered::{Entry, Gathered, with_values},
    lenient::{Number, items},
};

/// One kind of statement.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Class {
    fingerprint: Option<String>,
    query_count: Number,
    metrics: Metrics,
    example: Example,
    ts_min: Option<String>,
    ts_max: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Example {
    query: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "Query_time")]
    time: Option<Times>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Times {
    sum: Number,
    min: Number,
    max: Number,
    median: Number,
    pct_95: Number,
}

/// What it says of all of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Global {
    query_count: Number,
    unique_query_count: Number,
    files: Option<Vec<LogFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogFile {
    name: Option<String>,
}

/// `classes`, one by one.
pub(super) fn classes(to: &mut Gathered) -> impl for<'de> DeserializeSeed<'de, Value = ()> {
    items(|class: Class| take(class, to))
}

/// `global`.
pub(super) fn global(global: Global, to: &mut Gathered) {
    to.of_calls = global.query_count.0;
    to.of_statements = global.unique_query_count.0;
    to.logs.extend(global.files.unwrap_or_default().into_iter().filter_map(|f| f.name));
}

fn take(class: Class, to: &mut Gathered) {
    to.time(class.ts_min);
    to.time(class.ts_max);
    let Some(calls) = class.query_count.0.filter(|n| *n > 0.0) else { return };
    let text = class.example.query.or_else(|| class.fingerprint.map(|f| with_values(&f)));
    let Some(text) = text.filter(|t| !t.trim().is_empty()) else { return };
    let t = class.metrics.time.unwrap_or_default();
    let ms = |n: Number| n.0.map(|s| s * 1000.0);
    // Percentiles are the tool's own, from all runs of the class.
    let entry = Entry { calls, total: ms(t.sum), min: ms(t.min), max: ms(t.max), p50: ms(t.median), p95: ms(t.pct_95) };
    to.statement(&text, entry);
}
