//! The target has connections enough for the traffic that is about to move there.

use super::{Gate, Looked, Question, duration, goes_forward, outdated};
use crate::{
    Command, UnixMs, figure,
    headroom::{COUNTS_MS, ConnectionFacts},
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "connections", title: "Connections", guards: goes_forward, judge, looked };

const MEND: &str = "Raise max_connections on the target (a restart), give the poolers smaller pools, or end what else is \
                    connected there.";

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.connections.as_ref().map(|f| f.at), counts_ms: Some(COUNTS_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let limits = q.state.limits();
    let Some(facts) = &q.facts.connections else {
        return (Verdict::unknown("connections have not been counted on both sides yet"), None);
    };
    if let Some(why) = outdated("connections were last counted", facts.at, q.now, COUNTS_MS) {
        return (Verdict::unknown(why), None);
    }
    if facts.samples < limits.headroom_min_samples {
        let missing = format!("{} of {} looks at both sides' connections", facts.samples, limits.headroom_min_samples);
        return (Verdict::unknown(missing), None);
    }
    let (coming, allowed) = (coming(q, facts), facts.target.allowed());
    let left = facts.target.free() - coming;
    // Rounded up: one percent of fifty connections is one of them.
    let wanted = (allowed * i64::from(limits.connections_headroom_percent) + 99) / 100;
    let said = format!("{} of {allowed} free on the target, {}", facts.target.free().max(0), about_to_come(coming));
    if left < wanted {
        let why = format!("{said}; {wanted} have to be left ({} %)", limits.connections_headroom_percent);
        return (Verdict::fail(why, MEND), None);
    }
    let (held, needed) = ((q.now - facts.since) / 1000, i64::from(limits.headroom_hold_s));
    if held < needed {
        let why = format!("{said}; counted for {} of {}", duration(held), figure::span(needed));
        return (Verdict::fail(why, "Wait: it opens by itself."), Some(facts.since + needed * 1000));
    }
    (Verdict::pass(said), None)
}

fn about_to_come(coming: i64) -> String {
    match coming {
        0 => "none about to come".to_owned(),
        n => format!("about {n} to come from the source"),
    }
}

/// How many sessions of the application are about to move: the part of the source's that the command takes along. Writers'
/// sessions are among those that are counted, so that there is rather more room than too little.
fn coming(q: &Question<'_>, facts: &ConnectionFacts) -> i64 {
    let there = facts.source.application;
    match q.command {
        Command::ShiftReads { percent } => {
            let here = i64::from(q.state.route.reads_on_target);
            let more = i64::from(*percent) - here;
            if more <= 0 { 0 } else { (there * more + (99 - here)) / (100 - here) }
        }
        Command::SwitchWrites => there,
        Command::Analyze
        | Command::Prepare
        | Command::Hold
        | Command::Release
        | Command::Replicate
        | Command::Validate
        | Command::Repair { .. }
        | Command::RollBack
        | Command::Cleanup { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Facts, Judged, judge as judge_all, tests::state},
        *,
    };
    use crate::headroom::Connections;

    const NOW: i64 = 100_000;

    fn facts(used: i64, application: i64) -> ConnectionFacts {
        let side = |used, application| Connections { max: 103, reserved: 3, used, application };
        ConnectionFacts {
            at: NOW,
            since: NOW - 60_000,
            samples: 20,
            source: side(application, application),
            target: side(used, 0),
        }
    }

    fn judged(facts: ConnectionFacts, here: u8, command: Command) -> Judged {
        let mut state = state();
        state.route.reads_on_target = here;
        let facts = Facts { connections: Some(facts), ..Facts::default() };
        let question = Question { command: &command, state: &state, facts: &facts, now: NOW };
        judge_all(&question).into_iter().find(|j| j.gate == "connections").unwrap()
    }

    #[test]
    fn what_is_about_to_come_has_to_leave_a_tenth() {
        let shift = || Command::ShiftReads { percent: 50 };
        let open = judged(facts(40, 100), 0, shift());
        assert_eq!(
            open.verdict,
            Verdict::pass("60 of 100 free on the target, about 50 to come from the source"),
            "ten of a hundred are left, the limit itself"
        );
        let Verdict::Fail { why, remedy } = judged(facts(41, 100), 0, shift()).verdict else { panic!("nine are left") };
        assert_eq!(why, "59 of 100 free on the target, about 50 to come from the source; 10 have to be left (10 %)");
        assert!(remedy.contains("max_connections"), "it says what can be done: {remedy}");
    }

    #[test]
    fn only_the_share_that_moves_is_counted() {
        let coming = |here, command| {
            let told = judged(facts(0, 60), here, command).verdict.sentence().to_owned();
            told.split("about ").nth(1).unwrap_or(&told).split(' ').next().unwrap_or_default().to_owned()
        };
        assert_eq!(coming(50, Command::ShiftReads { percent: 75 }), "30", "half of what is left at the source");
        assert_eq!(coming(0, Command::ShiftReads { percent: 1 }), "1", "rounded up: nobody moves by halves");
        assert_eq!(coming(100, Command::SwitchWrites), "60", "writes take all that are left");
    }

    #[test]
    fn free_has_to_have_been_counted_for_its_time() {
        let early = ConnectionFacts { since: NOW - 59_999, ..facts(0, 0) };
        let j = judged(early, 0, Command::ShiftReads { percent: 1 });
        assert!(!j.verdict.opens(), "a millisecond too early: {:?}", j.verdict);
        assert_eq!(j.opens_at, Some(NOW + 1), "and it says when");
        let crowded = ConnectionFacts { since: NOW, ..facts(99, 0) };
        assert_eq!(judged(crowded, 0, Command::ShiftReads { percent: 1 }).opens_at, None, "too few need no time");
    }

    #[test]
    fn few_looks_and_old_ones_are_unknown() {
        let few = ConnectionFacts { samples: 19, ..facts(0, 0) };
        let unknown = |f| matches!(judged(f, 0, Command::SwitchWrites).verdict, Verdict::Unknown { .. });
        assert!(unknown(few), "one is missing");
        assert!(unknown(ConnectionFacts { at: NOW - COUNTS_MS - 1, ..facts(0, 0) }), "a server that is silent");
        assert!(!unknown(ConnectionFacts { at: NOW - COUNTS_MS, ..facts(0, 0) }));
    }
}
