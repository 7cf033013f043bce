//! The comparison as the window asks for it: of a migration's own two sides.

use switchyard_engine::clock::{Clock, SystemClock};
use switchyard_model::schema::accepted::Accepted as Entry;

use super::AcceptedDifference;
use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Reads both schemas and compares them.
    pub(crate) async fn schema_differences(&self, args: ByName) -> Result<SchemaView, ApiError> {
        let found = self.schema_diff_of(&args.name, None).await?;
        Ok(SchemaView {
            equal: found.counts.values().map(|c| c.equal).sum(),
            differences: found.differences,
            accepted: found.accepted.into_iter().map(accepted).collect(),
            idle: found.idle_entries,
            unseen: found.unseen,
            source: found.source,
            target: found.target,
            at: SystemClock.now(),
            seconds: found.read_seconds + found.compare_seconds,
        })
    }
}

fn accepted(a: AcceptedDifference) -> AcceptedView {
    let entry = Entry::of(&a.difference, &a.reason, a.by.as_deref());
    AcceptedView { difference: a.difference, entry }
}
