//! One side of a table read by its heap's pages, in whatever order its keys are.

use std::{collections::HashMap, time::Duration};

use super::{
    pace::Pace,
    pairing::Matched,
    walk::{AIM, Walk, Walker, parts},
};
use crate::{
    clock::SharedClock,
    db::rows::{Division, Relation, RowReader, Slice, Sum},
    error::{Kind, Result},
};

/// One side's walk by pages.
pub(super) struct PageWalk<'a> {
    reader: &'a mut dyn RowReader,
    relation: &'a Relation,
    matched: &'a Matched,
    pace: &'a Pace,
    clock: &'a SharedClock,
}

/// What it read, and by which slices.
pub(super) struct Walked {
    pub(super) buckets: HashMap<i64, Sum>,
    pub(super) slices: Vec<Slice>,
    pub(super) rows: i64,
}

impl<'a> PageWalk<'a> {
    pub(super) fn new(
        reader: &'a mut dyn RowReader,
        relation: &'a Relation,
        matched: &'a Matched,
        pace: &'a Pace,
        clock: &'a SharedClock,
    ) -> Self {
        PageWalk { reader, relation, matched, pace, clock }
    }

    pub(super) async fn buckets(self, by: Division, slow: bool) -> Result<Walked> {
        let extent = self.reader.extent(self.relation).await?;
        let density = (self.matched.rows as f64 / extent.pages.max(1) as f64).max(0.001);
        let walk = Walk::Pages { from: 0, pages: extent.pages, density };
        let mut walker = Walker::new(walk, self.matched.rows, self.matched.bytes);
        if slow {
            walker.shrink();
            walker.shrink();
        }
        let mut walked = Walked { buckets: HashMap::new(), slices: Vec::new(), rows: 0 };
        while let Some(slice) = walker.next(self.reader, self.relation).await? {
            let began = self.clock.instant();
            let found = match self.reader.buckets(self.relation, &slice, by).await {
                Ok(found) => found,
                Err(e) if e.kind == Kind::Deadline && walker.shrink() => continue,
                Err(e) => return Err(e),
            };
            let took: Duration = self.clock.instant().duration_since(began);
            let mut rows = 0;
            for (bucket, sum) in found {
                rows += sum.rows;
                walked.buckets.entry(bucket).or_default().add(sum);
            }
            walked.rows += rows;
            walker.advance(&slice, rows, took);
            // As it may be read again, with less to spare.
            walked.slices.extend(parts(slice, (took.as_millis() / AIM.as_millis()) as i64));
            self.pace.read(rows, took).await;
        }
        Ok(walked)
    }
}
