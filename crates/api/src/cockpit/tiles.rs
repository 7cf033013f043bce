//! Tiles, side cards, health lines.

use switchyard_engine::facts::{CopyFact, CopyState, RouterFact, SideFact};
use switchyard_model::{Side, lag::GAP_MS};

use super::{
    Seen,
    freshness::{LOOKED_MS, lag_limit_ms},
};
use crate::dto::*;

pub(super) fn side(endpoint: &str, fact: &SideFact) -> SideCard {
    SideCard {
        endpoint: endpoint.to_owned(),
        version: fact.version.clone(),
        answered_at: fact.answered_at,
        problem: fact.problem.clone(),
    }
}

pub(super) fn lag(seen: &Seen<'_>, from: Side) -> Option<LagTile> {
    let window = match from {
        Side::Source => seen.snapshot.lag_forward,
        Side::Target => seen.snapshot.lag_reverse,
    }?;
    Some(LagTile {
        now_ms: window.now_ms,
        at: window.at,
        counts_ms: GAP_MS,
        p95_ms: window.p95_ms,
        worst_ms: window.worst_ms,
        limit_ms: f64::from(lag_limit_ms(seen.state, from)),
        within_since: seen.snapshot.facts.stream_from(from).within_since,
    })
}

pub(super) fn write_latency(seen: &Seen<'_>) -> Option<WriteLatencyTile> {
    let w = seen.snapshot.write_latency?;
    Some(WriteLatencyTile {
        before_ms: w.before_ms,
        now_ms: w.now_ms,
        p99_ms: w.p99_ms,
        samples: w.samples,
        at: w.at,
        counts_ms: LOOKED_MS,
    })
}

pub(super) fn copy(fact: &CopyFact) -> CopyCard {
    let rows_done: i64 = fact.tables.iter().map(|t| t.rows_done).sum();
    let rows_total: i64 = fact.tables.iter().map(|t| t.rows_total).sum();
    let eta = |left: i64| fact.rows_per_s.filter(|r| *r > 1.0).map(|r| (left.max(0) as f64 / r).ceil() as i64);
    CopyCard {
        tables_done: fact.tables.iter().filter(|t| t.state == CopyState::Ready).count() as u32,
        tables_total: fact.tables.len() as u32,
        rows_done,
        rows_total,
        eta_s: if fact.done { Some(0) } else { eta(rows_total - rows_done) },
        rows_per_s: fact.rows_per_s,
        done: fact.done,
        tables: fact
            .tables
            .iter()
            .map(|t| CopyTable {
                table: t.table.clone(),
                state: match t.state {
                    CopyState::Waiting => CopyTableState::Waiting,
                    CopyState::Copying => CopyTableState::Copying,
                    CopyState::CatchingUp => CopyTableState::CatchingUp,
                    CopyState::Ready => CopyTableState::Ready,
                },
                rows_done: t.rows_done,
                rows_total: t.rows_total,
                eta_s: if t.state == CopyState::Copying { eta(t.rows_total - t.rows_done) } else { None },
            })
            .collect(),
    }
}

pub(super) fn slots(seen: &Seen<'_>) -> Vec<SlotCard> {
    seen.snapshot
        .slots
        .iter()
        .map(|s| SlotCard {
            name: s.name.clone(),
            on: s.on,
            active: s.active,
            lag_bytes: s.lag_bytes,
            retained_bytes: s.retained_bytes,
            limit_bytes: s.limit_bytes,
            seconds_to_limit: s.seconds_to_limit,
            at: s.at,
            counts_ms: LOOKED_MS,
        })
        .collect()
}

pub(super) fn health(seen: &Seen<'_>) -> Vec<HealthLine> {
    let mut lines =
        vec![side_health(Side::Source, &seen.snapshot.source), side_health(Side::Target, &seen.snapshot.target)];
    lines.extend(seen.snapshot.routers.iter().map(router_health));
    lines
}

fn side_health(side: Side, fact: &SideFact) -> HealthLine {
    let (figure, good) = match (&fact.problem, fact.answered_at) {
        // The banner says why; here the line must stay a line.
        (Some(_), _) => ("no answer".to_owned(), Some(false)),
        (None, Some(_)) => (format!("{} of {} conns", fact.connections, fact.max_connections), Some(true)),
        (None, None) => ("not asked yet".to_owned(), None),
    };
    HealthLine {
        name: side.to_string(),
        place: None,
        figure,
        trouble: fact.problem.clone(),
        good,
        at: fact.answered_at,
        counts_ms: LOOKED_MS,
    }
}

fn router_health(fact: &RouterFact) -> HealthLine {
    let (name, place) = fact.label.split_once(' ').unwrap_or((&fact.label, ""));
    let figure = match (fact.clients, &fact.trouble) {
        (Some(1), _) => "1 client".to_owned(),
        (Some(clients), _) => format!("{clients} clients"),
        (None, Some(_)) => "no answer".to_owned(),
        (None, None) => String::new(),
    };
    HealthLine {
        name: name.to_owned(),
        place: Some(place.to_owned()).filter(|p| !p.is_empty()),
        figure,
        trouble: fact.trouble.clone(),
        good: Some(fact.trouble.is_none()),
        at: fact.at,
        counts_ms: LOOKED_MS,
    }
}
