//! Reads are no slower on the target than the source allows, without a break, for the required time.

use super::{Gate, Looked, Question, duration, goes_forward, outdated};
use crate::{
    UnixMs, figure,
    limits::Limits,
    reads::{COUNTS_MS, LatencyFacts, TooSlow},
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "latency", title: "Read latency", guards: goes_forward, judge, looked };

const MEND: &str = "Look for an index that is missing on the target, for statistics that were never gathered, and for what \
                    else its server does; it opens by itself.";

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.latency.as_ref().map(|f| f.at), counts_ms: Some(COUNTS_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let limits = q.state.limits();
    let Some(facts) = &q.facts.latency else {
        return (Verdict::unknown("no read has been measured on both sides yet"), None);
    };
    if let Some(why) = outdated("reads were last measured", facts.at, q.now, COUNTS_MS) {
        return (Verdict::unknown(why), None);
    }
    if facts.probed == 0 {
        let why = facts.skipped.first().map_or("there is no table to read from", String::as_str);
        return (Verdict::unknown(format!("no table can be read on both sides: {why}")), None);
    }
    if !facts.suffices(limits) {
        let missing = format!("{} of {} reads measured on each side", facts.samples(), limits.latency_min_samples);
        return (Verdict::unknown(missing), None);
    }
    if let Some(slow) = facts.too_slow(limits) {
        return (Verdict::fail(too_slow(facts, slow, limits), MEND), None);
    }
    let since = facts.within_since.unwrap_or(facts.at);
    let held = (q.now - since) / 1000;
    // Writes that are held are the application's pause: what it would read then, it does not read.
    let needed = if q.state.held.is_some() { 0 } else { i64::from(limits.latency_hold_s) };
    let now = format!(
        "p99 {} on the target, {} on the source, {} reads each{}",
        ms(facts.target.p99_ms),
        ms(facts.source.p99_ms),
        facts.samples(),
        left_out(&facts.skipped),
    );
    if held >= needed {
        return (Verdict::pass(format!("{now}, held {}", figure::held(held))), None);
    }
    let opens_at = since + needed * 1000;
    let why = format!("{now}, held {} of {}", duration(held), figure::span(needed));
    (Verdict::fail(why, "Wait: it opens by itself."), Some(opens_at))
}

/// `p99 41.0 ms on the target, 1.0 ms on the source: 41 ×, limit 1.5 × or 5 ms; slowest: public.orders`.
fn too_slow(facts: &LatencyFacts, slow: TooSlow, limits: &Limits) -> String {
    let TooSlow { which, source_ms, target_ms } = slow;
    let times = if source_ms > 0.0 { format!(": {:.1} ×", target_ms / source_ms) } else { String::new() };
    let slowest = facts.slowest.as_ref().map_or_else(String::new, |s| {
        format!("; slowest: {}, {} against {}", s.table, ms(s.target_ms), ms(s.source_ms))
    });
    format!(
        "{which} {} on the target, {} on the source{times}, limit {} × or {} ms{slowest}",
        ms(target_ms),
        ms(source_ms),
        f64::from(limits.latency_ratio_percent) / 100.0,
        limits.latency_floor_ms,
    )
}

/// Tables that could not be read are said, whatever the others' figures are.
fn left_out(skipped: &[String]) -> String {
    match skipped {
        [] => String::new(),
        [one] => format!(" (without one table: {one})"),
        [first, rest @ ..] => format!(" (without {} tables: {first}, and {} more)", rest.len() + 1, rest.len()),
    }
}

fn ms(value: f64) -> String {
    figure::read_ms(value)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Facts, Judged,
            tests::{ask, state},
        },
        *,
    };
    use crate::reads::{SlowTable, Spread};

    /// At 700 s, held since the start.
    const NOW: i64 = 700_000;

    fn side(samples: u64, p95_ms: f64, p99_ms: f64) -> Spread {
        Spread { samples, p50_ms: 0.5, p95_ms, p99_ms }
    }

    fn facts(source: Spread, target: Spread) -> LatencyFacts {
        let within_since = Some(100_000);
        LatencyFacts { at: NOW, source, target, slowest: None, probed: 3, skipped: vec![], within_since }
    }

    fn judged(facts: LatencyFacts) -> Judged {
        ask(&state(), &Facts { latency: Some(facts), ..Facts::default() }, NOW, "latency")
    }

    #[test]
    fn the_target_may_take_what_the_ratio_allows() {
        let j = judged(facts(side(480, 10.0, 20.0), side(480, 15.0, 30.0)));
        assert!(j.verdict.opens(), "1.5 × is the limit itself: {:?}", j.verdict);
        assert_eq!(
            j.verdict.sentence(),
            "p99 30.0 ms on the target, 20.0 ms on the source, 480 reads each, held 10 min"
        );
    }

    #[test]
    fn a_read_that_is_too_slow_closes_and_names_its_table() {
        let mut slow = facts(side(480, 1.0, 2.0), side(480, 1.0, 41.0));
        slow.slowest = Some(SlowTable { table: "public.orders".into(), source_ms: 0.9, target_ms: 44.0 });
        let Verdict::Fail { why, remedy } = judged(slow).verdict else { panic!("41 ms against 2 ms") };
        assert_eq!(
            why,
            "p99 41.0 ms on the target, 2.0 ms on the source: 20.5 ×, limit 1.5 × or 5 ms; \
             slowest: public.orders, 44.0 ms against 0.90 ms"
        );
        assert!(remedy.contains("index"), "the usual cause is named: {remedy}");
    }

    #[test]
    fn a_95th_percentile_that_is_too_high_closes_as_well() {
        let j = judged(facts(side(480, 10.0, 100.0), side(480, 16.0, 100.0)));
        assert!(j.verdict.sentence().starts_with("p95 16.0 ms"), "{:?}", j.verdict);
    }

    #[test]
    fn below_the_floor_no_ratio_counts() {
        assert!(judged(facts(side(480, 0.1, 0.2), side(480, 4.0, 5.0))).verdict.opens(), "nobody notices 5 ms");
    }

    #[test]
    fn few_samples_on_one_side_are_unknown() {
        let j = judged(facts(side(480, 1.0, 1.0), side(199, 1.0, 1.0)));
        assert_eq!(j.verdict, Verdict::unknown("199 of 200 reads measured on each side"));
    }

    #[test]
    fn what_is_old_or_of_no_table_is_unknown() {
        let old = LatencyFacts { at: NOW - COUNTS_MS - 1, ..facts(side(480, 1.0, 1.0), side(480, 1.0, 1.0)) };
        assert!(matches!(judged(old).verdict, Verdict::Unknown { .. }), "a side that is silent proves nothing");
        let skipped = vec!["our role may not read public.a on the target".to_owned()];
        let none = LatencyFacts { probed: 0, skipped, ..facts(side(0, 0.0, 0.0), side(0, 0.0, 0.0)) };
        let Verdict::Unknown { missing } = judged(none).verdict else { panic!("nothing was read") };
        assert!(missing.contains("may not read public.a"), "it says why: {missing}");
    }

    #[test]
    fn tables_that_may_not_be_read_are_said() {
        let skipped = vec!["public.a is not on the target".to_owned(); 2];
        let facts = LatencyFacts { skipped, ..facts(side(480, 1.0, 1.0), side(480, 1.0, 1.0)) };
        let told = judged(facts).verdict;
        assert!(told.opens() && told.sentence().contains("without 2 tables: public.a is not on"), "{told:?}");
    }

    #[test]
    fn it_has_to_hold_and_says_when_it_opens() {
        let since = |s| LatencyFacts { within_since: s, ..facts(side(480, 1.0, 1.0), side(480, 1.0, 1.0)) };
        let j = judged(since(Some(100_001)));
        assert!(!j.verdict.opens(), "a millisecond too early: {:?}", j.verdict);
        assert_eq!(j.opens_at, Some(700_001));
        assert!(!judged(since(None)).verdict.opens(), "nobody knows since when");
    }
}
