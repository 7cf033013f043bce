//! What reads cost and how many fail: the tile and the two checks.

use switchyard_model::{
    Side,
    check::Check,
    figure,
    phase::Phase,
    reads::{COUNTS_MS, PlaceKind, allowed_ms},
    verdict::Verdict,
};

use super::{Seen, checklists::from_gate};
use crate::dto::*;

/// The tile; None before the first reads.
pub(super) fn tile(seen: &Seen<'_>) -> Option<ReadLatencyTile> {
    let facts = seen.snapshot.facts.latency.as_ref()?;
    let limits = seen.state.limits();
    let spread =
        |s: switchyard_model::reads::Spread| ReadSpread { p50_ms: s.p50_ms, p95_ms: s.p95_ms, p99_ms: s.p99_ms };
    Some(ReadLatencyTile {
        source: spread(facts.source),
        target: spread(facts.target),
        limit_ms: allowed_ms(limits, facts.source.p99_ms),
        within: facts.suffices(limits).then(|| facts.too_slow(limits).is_none()),
        samples: u32::try_from(facts.samples()).unwrap_or(u32::MAX),
        min_samples: limits.latency_min_samples,
        slowest: facts.slowest.as_ref().map(|s| s.table.clone()),
        skipped: facts.skipped.clone(),
        errors: errors_of_probes(seen),
        at: facts.at,
        counts_ms: COUNTS_MS,
    })
}

fn errors_of_probes(seen: &Seen<'_>) -> Option<u32> {
    let places = &seen.snapshot.facts.errors.as_ref()?.places;
    let probes = places.iter().find(|p| p.kind == PlaceKind::Probes)?;
    u32::try_from(probes.target.errors).ok()
}

/// `Read latency p99 within 1.5 × of the source for 10 min`.
pub(super) fn latency(seen: &Seen<'_>) -> Check {
    let limits = seen.state.limits();
    let ratio = f64::from(limits.latency_ratio_percent) / 100.0;
    let hold = match limits.latency_hold_s {
        0 => String::new(),
        s => format!(" for {}", figure::span(i64::from(s))),
    };
    let title = format!("Read latency p99 within {ratio} × of the source{hold}");
    while_going_forward(seen, "cutover.latency", "latency", title)
}

/// `Error rate on the target under 0.1 %`.
pub(super) fn errors(seen: &Seen<'_>) -> Check {
    let percent = |per_million: u32| f64::from(per_million) / 10_000.0;
    let limits = seen.state.limits();
    let (all, writes) = (percent(limits.errors_per_million), percent(limits.errors_writes_per_million));
    let title =
        format!("Error rate on the target within {all} % of the source's, of writes {writes} %; nothing fails always");
    while_going_forward(seen, "cutover.errors", "errors", title)
}

/// `The application's 3 own metrics are within their limits`; None where none is set up, or nobody is to be asked.
pub(super) fn application(seen: &Seen<'_>) -> Option<Check> {
    let metrics = &seen.state.metrics;
    if metrics.is_empty() || seen.state.held.is_some() {
        return None;
    }
    let title = match metrics.as_slice() {
        [one] => format!("The application's metric “{}” is within its limit", one.metric.name),
        many => format!("The application's {} own metrics are within their limits", many.len()),
    };
    Some(while_going_forward(seen, "cutover.application", "application", title))
}

/// Once writes are on the target nothing goes forward that these would guard.
fn while_going_forward(seen: &Seen<'_>, id: &str, gate: &str, title: String) -> Check {
    let phase = Phase::TrafficCutover;
    if seen.state.authority == Side::Target {
        return Check::computed(
            id,
            phase,
            title,
            Verdict::pass("it held until writes moved"),
            Some(seen.state.authority_since),
        );
    }
    Check { id: id.to_owned(), ..from_gate(seen, phase, gate, title) }
}
