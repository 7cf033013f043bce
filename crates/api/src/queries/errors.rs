//! What failed, by the servers' logs.

use std::collections::BTreeMap;

use switchyard_queries::{
    damage::{Counted, added},
    errors::{Errors, Tolerated},
    shape::Shape,
};

use super::logs::{Asked, Read};
use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Errors of the target's log by what failed, beside the source's.
    pub(crate) async fn queries_errors(&self, args: QueryErrorsRequest) -> Result<QueryErrorsView, ApiError> {
        let (id, pair, state) = self.sides_of(&args.migration).await?;
        let kept = self.kept(id).await?;
        let now = pair.target.statements.reading(true).await?;
        // Runs are counted from a known time on; errors of another time would make a rate that means nothing.
        let counted_from = kept.as_ref().map(|k| k.at).or(now.since);
        let since = args.since.or(counted_from);
        let calls = match (&now.refused, &kept) {
            (Some(_), _) => None,
            (None, Some(kept)) => Some(by_shape(&added(&kept.target, &now.statements))),
            (None, None) => Some(by_shape(&now.statements)),
        };
        let calls = calls.filter(|_| args.since.is_none() || args.since == counted_from);
        let mut notes: Vec<String> = now.refused.iter().map(ToString::to_string).collect();
        if calls.is_none() {
            notes
                .push("Rates are not known: nobody counted the statements that went well in the same time.".to_owned());
        }
        let (source, target) = self.names_of(&state).await?;
        let errors = |database: &str| Errors::new(Some(database), since);
        let prefix = args.prefix.as_deref();
        let mut logs = Read::default();
        let asked = Asked { db: &pair.target, files: &args.target_files, prefix, since };
        let target = asked.read(errors(&target), &mut logs).await?;
        let asked = Asked { db: &pair.source, files: &args.source_files, prefix, since };
        let source = match asked.read(errors(&source), &mut logs).await {
            Ok(errors) => Some(errors),
            // It is there to compare with; what the target says counts without it.
            Err(e) if args.source_files.is_empty() => {
                notes.push(format!("Whether the source has the same errors is not known. {}", e.message));
                None
            }
            Err(e) => return Err(e),
        };
        notes.extend(logs.notes);
        let limits = state.limits();
        let tolerated = Tolerated {
            reads: f64::from(limits.errors_per_million) / 1e6,
            writes: f64::from(limits.errors_writes_per_million) / 1e6,
            always_from: u64::from(limits.errors_always_from),
        };
        let of = |id: &str| calls.as_ref().map(|calls| calls.get(id).copied().unwrap_or_default());
        let on_source = source.map(|s| s.judged(|_| None, tolerated));
        let kinds = target.judged(of, tolerated).into_iter().map(|kind| {
            let id = |k: &switchyard_queries::errors::ErrorKind| k.statement.as_ref().map(|s| s.id.clone());
            let same = |s: &&switchyard_queries::errors::ErrorKind| id(s) == id(&kind) && s.class == kind.class;
            let on_source = on_source.as_ref().map(|all| all.iter().filter(same).map(|s| s.count).sum());
            ErrorRow { on_source, kind }
        });
        Ok(QueryErrorsView {
            target: pair.target.label.clone(),
            since,
            kinds: kinds.collect(),
            total: target.total(),
            others: target.others(),
            logs: logs.names,
            notes,
        })
    }
}

fn by_shape(all: &[Counted]) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    for one in all {
        *out.entry(Shape::id_of(&one.text)).or_default() += one.calls;
    }
    out
}
