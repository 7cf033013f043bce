//! The comparison as the window asks for it: of a migration's own two sides.

use switchyard_engine::clock::{Clock, SystemClock};

use super::SchemaDiffRequest;
use crate::{Switchyard, dto::*, verify::End};

impl Switchyard {
    /// Reads both schemas and compares them.
    pub(crate) async fn schema_differences(&self, args: ByName) -> Result<SchemaView, ApiError> {
        let (_, book) = self.named(&args.name).await?;
        let spec = book.state().await.spec;
        let end = |reference: &str| End { reference: reference.to_owned(), password: None };
        let request = SchemaDiffRequest { source: end(&spec.source), target: end(&spec.target), accept: None };
        let found = self.schema_diff(request).await?;
        Ok(SchemaView {
            equal: found.counts.values().map(|c| c.equal).sum(),
            differences: found.differences,
            unseen: found.unseen,
            source: found.source,
            target: found.target,
            at: SystemClock.now(),
            seconds: found.read_seconds + found.compare_seconds,
        })
    }
}
