//! A reconciler: looks for transactions that would delay the fence, on the side that would be fenced. The gate judges.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use switchyard_model::{
    UnixMs,
    transactions::{OpenTransaction, TransactionFacts},
};

use super::{Live, reconcilers::is_ending};
use crate::db::transactions::InTheWay;

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Younger ones come and go.
pub const YOUNGEST_MS: i64 = 1_000;

/// When a transaction was first seen whose age our role may not see.
#[derive(Default)]
pub(super) struct FirstSeen(HashMap<(i32, String), UnixMs>);

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let ready = state.milestones.prepared.is_some() && !is_ending(&state);
    let (Some(pair), Some(scope)) = (live.pair().await.filter(|_| ready), state.scope.as_ref()) else { return };
    let side = state.authority;
    let looking = pair.db(side).transactions.in_the_way(&scope.fence, YOUNGEST_MS);
    let Ok(Ok(seen)) = tokio::time::timeout(PATIENCE, looking).await else {
        // What was seen last stays, with its age.
        return;
    };
    let at = live.parts.clock.now();
    let open = live.first_seen.lock().unwrap_or_else(PoisonError::into_inner).aged(seen.listed, at);
    live.snapshot().facts.transactions = Some(TransactionFacts { at, side, open, more: seen.more });
}

impl FirstSeen {
    /// Gives those of unknown age the time for which they have been seen.
    fn aged(&mut self, listed: Vec<InTheWay>, now: UnixMs) -> Vec<OpenTransaction> {
        let before = std::mem::take(&mut self.0);
        let mut open: Vec<OpenTransaction> = listed
            .into_iter()
            .map(|InTheWay { mut shown, virtual_id, .. }| {
                if shown.age_ms.is_none() {
                    let key = (shown.pid, virtual_id);
                    let first = before.get(&key).copied().unwrap_or(now);
                    shown.age_ms = Some((now - first).max(0));
                    self.0.insert(key, first);
                }
                shown
            })
            .collect();
        open.sort_by_key(|t| std::cmp::Reverse(t.age_ms));
        open
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::transactions::TransactionOf;

    use super::*;

    fn seen(pid: i32, virtual_id: &str, age_ms: Option<i64>) -> InTheWay {
        let shown = OpenTransaction {
            id: None,
            of: TransactionOf::Client,
            pid,
            application: String::new(),
            user: String::new(),
            address: String::new(),
            age_ms,
            state: String::new(),
            statement: String::new(),
            waits_for: None,
            table: "public.a".into(),
            tables: 1,
            queued: false,
        };
        InTheWay { shown, virtual_id: virtual_id.into(), began: None }
    }

    #[test]
    fn one_whose_age_may_not_be_seen_is_as_old_as_it_has_been_seen() {
        let mut first = FirstSeen::default();
        let ages = |open: Vec<OpenTransaction>| open.iter().map(|t| (t.pid, t.age_ms)).collect::<Vec<_>>();
        assert_eq!(ages(first.aged(vec![seen(7, "3/1", None)], 1_000)), [(7, Some(0))]);
        let later = first.aged(vec![seen(7, "3/1", None), seen(8, "4/1", Some(9_000))], 5_000);
        assert_eq!(ages(later), [(8, Some(9_000)), (7, Some(4_000))], "the oldest first");
        assert_eq!(ages(first.aged(vec![seen(7, "3/2", None)], 9_000)), [(7, Some(0))], "another one of that session");
    }
}
