//! Percentiles of statements, where a log has all of their durations.

use switchyard_model::{UnixMs, state::State};
use switchyard_queries::{
    damage::{Called, Compared, Percentiles, tail},
    latency::Latencies,
};

use super::{
    Sides,
    logs::{Asked, Read},
};
use crate::{Switchyard, dto::*};

/// Share of the runs that were counted which a log must hold: with fewer it holds the slow ones, and their percentiles mislead.
const ENOUGH: f64 = 0.9;

/// Durations on both sides.
pub(super) struct Measured {
    source: Latencies,
    target: Latencies,
}

impl Switchyard {
    pub(super) async fn measured(
        &self,
        pair: &Sides,
        state: &State,
        logs: &QueryLogs,
        since: Option<UnixMs>,
        notes: &mut Vec<String>,
    ) -> Result<Measured, ApiError> {
        let (source, target) = self.names_of(state).await?;
        let prefix = logs.prefix.as_deref();
        let mut read = Read::default();
        let asked = Asked { db: &pair.source, files: &logs.source_files, prefix, since };
        let source = asked.read(Latencies::new(Some(&source), since), &mut read).await?;
        let asked = Asked { db: &pair.target, files: &logs.target_files, prefix, since };
        let target = asked.read(Latencies::new(Some(&target), since), &mut read).await?;
        notes.extend(read.notes);
        Ok(Measured { source, target })
    }
}

impl Measured {
    /// Of a statement, on the source and on the target.
    pub(super) fn of(&self, one: &Compared) -> StatementPercentiles {
        let id = &one.shape.id;
        let enough = |p: &Percentiles, calls: f64| p.runs as f64 >= calls * ENOUGH;
        StatementPercentiles {
            source: self.source.percentiles(id).filter(|p| one.source.is_some_and(|s| enough(p, s.calls))),
            target: self.target.percentiles(id).filter(|p| one.target.is_some_and(|t| enough(p, t.calls))),
        }
    }

    /// Calls out what only the percentiles show.
    pub(super) fn judge(&self, all: &mut [Compared], notes: &mut Vec<String>) {
        let mut without = 0_u32;
        for one in all {
            match self.of(one) {
                StatementPercentiles { source: Some(s), target: Some(t) } => match tail(s, t) {
                    called @ (Called::Tail | Called::Slower) if one.called == Called::Fine => one.called = called,
                    Called::Tail if one.called == Called::Slower => one.called = Called::Tail,
                    _ => {}
                },
                StatementPercentiles { .. } => without += 1,
            }
        }
        if without > 0 {
            notes.push(format!(
                "{without} statements have no percentiles: the logs do not hold all of their runs on both sides, as they do with \
                 log_min_duration_statement = 0."
            ));
        }
    }
}
