//! No old transaction, and no queue for a lock, stands in the way of the fence.
//!
//! It guards the write switch alone. A way back is never closed by it: there the fence waits for as long as its limit says, and is
//! asked for again.

use super::{Gate, Looked, Question, outdated};
use crate::{
    Command, UnixMs, figure,
    limits::Limits,
    state::State,
    transactions::{COUNTS_MS, OpenTransaction},
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "transactions", title: "Long transactions", guards, judge, looked };

const MEND: &str = "Wait until it has ended; or end it where it comes from, or here, with a reason for the journal.";

fn guards(command: &Command, _: &State) -> bool {
    *command == Command::SwitchWrites
}

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.transactions.as_ref().map(|f| f.at), counts_ms: Some(COUNTS_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    (verdict(q), None)
}

fn verdict(q: &Question<'_>) -> Verdict {
    let Some(facts) = q.facts.transactions.as_ref().filter(|f| f.side == q.state.authority) else {
        return Verdict::unknown("open transactions have not been looked for yet");
    };
    if let Some(why) = outdated("open transactions were last looked for", facts.at, q.now, COUNTS_MS) {
        return Verdict::unknown(why);
    }
    let limits = q.state.limits();
    let old: Vec<&OpenTransaction> = facts.open.iter().filter(|t| is_too_old(t, limits)).collect();
    let Some(first) = old.first() else {
        let oldest = facts.open.iter().filter_map(|t| t.age_ms).max();
        return Verdict::pass(oldest.map_or_else(
            || "none holds a lock on a table in scope".to_owned(),
            |ms| format!("the oldest with a lock on a table in scope is {} old", figure::held(ms / 1000)),
        ));
    };
    let more = match old.len() - 1 + facts.more as usize {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    let limit = if first.queued {
        format!("; the fence waits for {} at most", figure::limit(f64::from(limits.lock_timeout_ms)))
    } else {
        format!(", limit {}", figure::span(i64::from(limits.transaction_max_s)))
    };
    Verdict::fail(format!("{}{limit}{more}", first.sentence()), MEND)
}

/// Whoever waits for a lock makes the fence wait behind it, so it may wait no longer than the fence itself would.
fn is_too_old(t: &OpenTransaction, limits: &Limits) -> bool {
    let most = if t.queued { i64::from(limits.lock_timeout_ms) } else { i64::from(limits.transaction_max_s) * 1000 };
    t.age_ms.is_some_and(|age| age > most)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Facts, judge as judge_all, tests::state},
        *,
    };
    use crate::{
        Side,
        transactions::{TransactionFacts, TransactionOf},
    };

    fn open(pid: i32, age_ms: i64) -> OpenTransaction {
        OpenTransaction {
            id: Some(format!("{pid}-0")),
            of: TransactionOf::Client,
            pid,
            application: "report".into(),
            user: "app".into(),
            address: "10.0.0.9:5022".into(),
            age_ms: Some(age_ms),
            state: "idle in transaction".into(),
            statement: "UPDATE".into(),
            waits_for: None,
            table: "public.orders".into(),
            tables: 2,
            queued: false,
        }
    }

    fn judged(open: Vec<OpenTransaction>, more: u32, side: Side, now: i64) -> Verdict {
        let facts = Facts { transactions: Some(TransactionFacts { at: 1_000, side, open, more }), ..Facts::default() };
        let question = Question { command: &Command::SwitchWrites, state: &state(), facts: &facts, now };
        judge_all(&question).into_iter().find(|j| j.gate == "transactions").unwrap().verdict
    }

    #[test]
    fn the_first_old_one_is_named_with_how_many_more() {
        assert!(judged(vec![open(7, 30_000)], 0, Side::Source, 1_500).opens(), "30 s are the limit itself");
        let Verdict::Fail { why, remedy } = judged(vec![open(7, 130_000), open(8, 30_001)], 0, Side::Source, 1_500)
        else {
            panic!("two are too old")
        };
        assert_eq!(
            why,
            "process 7 of “report” at 10.0.0.9:5022, open for 2:10, idle in transaction, on public.orders, limit 30 s; \
             and 1 more"
        );
        assert!(remedy.contains("Wait") && remedy.contains("reason"), "waiting comes first: {remedy}");
    }

    #[test]
    fn a_queue_may_be_no_longer_than_the_fence_waits() {
        let queued = |age| OpenTransaction { queued: true, ..open(7, age) };
        assert!(judged(vec![queued(1_000)], 0, Side::Source, 1_500).opens());
        let shut = judged(vec![queued(1_001)], 0, Side::Source, 1_500);
        assert!(shut.sentence().contains("waiting for its lock"), "the fence would stand behind it: {shut:?}");
    }

    #[test]
    fn prepared_ones_are_named_by_their_identifier() {
        let prepared = OpenTransaction {
            of: TransactionOf::Prepared,
            application: "xa-17".into(),
            state: String::new(),
            ..open(0, 40_000)
        };
        let shut = judged(vec![prepared], 0, Side::Source, 1_500);
        assert!(
            shut.sentence().starts_with("prepared transaction “xa-17”, open for 40 s, on public.orders"),
            "{shut:?}"
        );
    }

    #[test]
    fn what_was_not_seen_lately_or_on_the_other_side_is_unknown() {
        assert!(matches!(judged(vec![], 0, Side::Target, 1_500), Verdict::Unknown { .. }), "another side says nothing");
        assert!(matches!(judged(vec![], 0, Side::Source, 11_001), Verdict::Unknown { .. }), "too old");
        assert!(judged(vec![], 0, Side::Source, 11_000).opens());
    }

    #[test]
    fn reads_and_the_way_back_do_not_wait_for_it() {
        for command in [Command::ShiftReads { percent: 100 }, Command::RollBack, Command::Hold] {
            assert!(!guards(&command, &state()), "{}", command.word());
        }
    }
}
