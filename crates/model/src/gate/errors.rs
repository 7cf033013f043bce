//! No more fails on the target than the limit, on top of what fails on the source, allows.

use super::{Gate, Looked, Question, goes_forward, outdated};
use crate::{
    UnixMs, figure,
    limits::Limits,
    reads::{COUNTS_MS, Counted, ErrorFacts, FailsAlways, Place, PlaceKind},
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "errors", title: "Errors", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.errors.as_ref().map(|f| f.at), counts_ms: Some(COUNTS_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let limits = q.state.limits();
    let Some(facts) = &q.facts.errors else {
        return (Verdict::unknown("no errors have been counted on the target yet"), None);
    };
    if let Some(why) = outdated("errors were last counted", facts.at, q.now, COUNTS_MS) {
        return (Verdict::unknown(why), None);
    }
    if let Some(closed) = facts.places.iter().find_map(|place| wrong(place, limits)) {
        return (closed, None);
    }
    if let Some(closed) = never_well(&facts.always) {
        return (closed, None);
    }
    // Probes alone are sure to be there: they make the samples that everything else is too quiet to give.
    let probed = facts.places.iter().find(|p| p.kind == PlaceKind::Probes).map_or(0, |p| p.target.requests);
    if probed < u64::from(limits.errors_min_samples) {
        let missing = format!("{probed} of {} reads tried on the target", limits.errors_min_samples);
        return (Verdict::unknown(missing), None);
    }
    (Verdict::pass(evidence(facts, q.state.route.reads_on_target)), None)
}

fn wrong(place: &Place, limits: &Limits) -> Option<Verdict> {
    if place.target_down {
        let why = format!("the target is down: {}", place.detail);
        return Some(Verdict::fail(why, "See why its check of the target fails; it opens by itself."));
    }
    if !place.is_above(limits) {
        return None;
    }
    let detail = if place.detail.is_empty() { String::new() } else { format!(": {}", place.detail) };
    let source = match place.source.errors {
        0 => String::new(),
        _ => format!(", {} on the source", percent(place.source.rate())),
    };
    let why = format!(
        "{} of {} failed on the target{detail}; {}{source}, limit {} more than on the source",
        figure::count(place.target.errors as i64),
        requests(place),
        percent(place.target.rate()),
        percent(place.limit(limits)),
    );
    Some(Verdict::fail(why, remedy(place.kind)))
}

/// However few of all requests it is: a rate would hide it.
fn never_well(always: &[FailsAlways]) -> Option<Verdict> {
    let first = always.first()?;
    let source = if first.source_known { ", and not on the source" } else { "; the source is not known to" };
    let table = if first.table.is_empty() { String::new() } else { format!(", table {}", first.table) };
    let from = match first.applications.as_slice() {
        [] => String::new(),
        all => format!(", sent by {}", all.join(" and ")),
    };
    let more = match always.len() - 1 {
        0 => String::new(),
        1 => "; so does another statement".to_owned(),
        n => format!("; so do {n} other statements"),
    };
    let why = format!(
        "one statement fails always on the target{source}: “{}” failed {} of {} times within {} ({}{table}{from}){more}",
        first.statement,
        first.times,
        first.times,
        figure::span((first.over_ms / 1000).max(1)),
        first.error,
    );
    let remedy = "“queries errors” has the server's message: make what the statement lacks on the target. It opens once the statement \
                  goes well there, or five minutes after it last failed.";
    Some(Verdict::fail(why, remedy))
}

fn remedy(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Probes => {
            "Look at the target's log for what refuses or cuts off short reads; it opens a minute after the last error."
        }
        PlaceKind::Server => {
            "Look at the target's log for what failed there, and at the application's; it opens a minute after the last error."
        }
        PlaceKind::Reads | PlaceKind::Writes => {
            "See which statements fail with “queries errors”; it opens a minute after the last error."
        }
        PlaceKind::Router => {
            "See whether the router reaches the target and whether it accepts connections; it opens a minute after the last error."
        }
    }
}

/// Counts of all that count, with what was not asked.
fn evidence(facts: &ErrorFacts, reads_on_target: u8) -> String {
    let counts: Vec<String> = facts
        .places
        .iter()
        .filter(|p| p.target.requests > 0 || p.kind == PlaceKind::Probes)
        .map(|p| format!("{} of {}", figure::count(p.target.errors as i64), requests(p)))
        .collect();
    let alone = if reads_on_target == 0 { "; the application does not read there yet" } else { "" };
    let blind = match facts.blind.as_slice() {
        [] => String::new(),
        all => format!("; {}", all.join("; ")),
    };
    format!("{} failed in the last minute{alone}{blind}", counts.join(", "))
}

/// `480 probe reads`, `12 connections through HAProxy lb:9999`.
fn requests(place: &Place) -> String {
    let Counted { requests, .. } = place.target;
    format!("{} {}", figure::count(requests as i64), place.what)
}

/// `0.4 %`, as few digits as tell it from nothing.
fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    if percent >= 10.0 || percent == 0.0 {
        format!("{percent:.0} %")
    } else if percent >= 0.1 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.3} %")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Facts,
            tests::{ask, state},
        },
        *,
    };

    fn place(kind: PlaceKind, what: &str, source: (u64, u64), target: (u64, u64)) -> Place {
        let counted = |(errors, requests)| Counted { requests, errors };
        let (source, target) = (counted(source), counted(target));
        Place { what: what.into(), kind, source, target, detail: String::new(), target_down: false }
    }

    fn probes(errors: u64, requests: u64) -> Place {
        place(PlaceKind::Probes, "probe reads", (0, 480), (errors, requests))
    }

    fn judged(places: Vec<Place>) -> Verdict {
        let facts =
            ErrorFacts { at: 1_000, places, blind: vec!["PgBouncer pgb:6432 counts no errors".into()], always: vec![] };
        ask(&state(), &Facts { errors: Some(facts), ..Facts::default() }, 1_500, "errors").verdict
    }

    #[test]
    fn nothing_failed_opens_and_says_who_counted_and_who_cannot() {
        let verdict = judged(vec![probes(0, 480)]);
        assert_eq!(
            verdict,
            Verdict::pass(
                "0 of 480 probe reads failed in the last minute; the application does not read there yet; \
                 PgBouncer pgb:6432 counts no errors"
            )
        );
    }

    #[test]
    fn too_few_probes_are_unknown_and_none_at_all_as_well() {
        assert_eq!(judged(vec![probes(0, 199)]), Verdict::unknown("199 of 200 reads tried on the target"));
        let server = place(PlaceKind::Server, "transactions", (0, 9), (0, 9_000));
        assert!(matches!(judged(vec![server]), Verdict::Unknown { .. }), "others do not stand in for probes");
    }

    #[test]
    fn what_was_counted_long_ago_is_unknown() {
        let facts = ErrorFacts { at: 0, places: vec![probes(0, 480)], ..ErrorFacts::default() };
        let verdict = ask(&state(), &Facts { errors: Some(facts), ..Facts::default() }, 10_001, "errors").verdict;
        assert!(
            matches!(verdict, Verdict::Unknown { .. }),
            "a target that stopped answering proves nothing: {verdict:?}"
        );
    }

    #[test]
    fn one_error_is_no_rate_and_two_are_above_a_thousandth_of_few() {
        assert!(judged(vec![probes(1, 300)]).opens(), "one error alone");
        let Verdict::Fail { why, .. } = judged(vec![probes(2, 300)]) else { panic!("2 of 300 are above 0.1 %") };
        assert_eq!(why, "2 of 300 probe reads failed on the target; 0.7 %, limit 0.1 % more than on the source");
        assert!(judged(vec![probes(2, 2_000)]).opens(), "2 of 2000 are the limit itself");
        let router = place(PlaceKind::Router, "connections through HAProxy lb:1", (0, 0), (2, 2));
        assert!(matches!(judged(vec![probes(0, 480), router]), Verdict::Fail { .. }), "few requests hide no errors");
    }

    #[test]
    fn an_application_that_rolls_back_on_the_source_may_do_so_on_the_target() {
        let server = |target| place(PlaceKind::Server, "transactions", (500, 10_000), target);
        assert!(judged(vec![probes(0, 480), server((50, 1_000))]).opens(), "5 % here and there");
        let Verdict::Fail { why, .. } = judged(vec![probes(0, 480), server((60, 1_000))]) else {
            panic!("6 % are more than 5.1 %")
        };
        assert!(why.contains("6.0 %, 5.0 % on the source, limit 0.1 % more"), "{why}");
    }

    #[test]
    fn writes_are_judged_more_tightly_than_reads() {
        let by = |kind, errors| judged(vec![probes(0, 480), place(kind, "of them", (0, 9_000), (errors, 10_000))]);
        assert!(by(PlaceKind::Reads, 5).opens(), "0.05 % of reads");
        let Verdict::Fail { why, .. } = by(PlaceKind::Writes, 5) else { panic!("0.05 % of writes are too much") };
        assert!(why.contains("limit 0.010 % more"), "it says its own limit: {why}");
    }

    #[test]
    fn one_statement_of_a_thousand_that_fails_always_closes_and_is_named() {
        let one = FailsAlways {
            statement: "select with_tax(total) from orders where id = $1".into(),
            table: "orders".into(),
            applications: vec!["shop".into()],
            error: "42883, syntax or access".into(),
            times: 4,
            over_ms: 50_000,
            source_known: true,
        };
        let facts = |always| ErrorFacts { at: 1_000, places: vec![probes(0, 480)], always, ..ErrorFacts::default() };
        let verdict =
            |facts| ask(&state(), &Facts { errors: Some(facts), ..Facts::default() }, 1_500, "errors").verdict;
        assert!(verdict(facts(vec![])).opens(), "nothing else is wrong");
        assert_eq!(
            verdict(facts(vec![one.clone()])).sentence(),
            "one statement fails always on the target, and not on the source: “select with_tax(total) from orders where \
             id = $1” failed 4 of 4 times within 50 s (42883, syntax or access, table orders, sent by shop)"
        );
        let unsure = FailsAlways { source_known: false, ..one.clone() };
        let said = verdict(facts(vec![unsure, one])).sentence().to_owned();
        assert!(said.contains("the source is not known to") && said.ends_with("so does another statement"), "{said}");
    }

    #[test]
    fn a_target_that_a_router_calls_down_closes() {
        let mut router = place(PlaceKind::Router, "connections through HAProxy lb:1", (0, 0), (0, 0));
        router.target_down = true;
        router.detail = "HAProxy lb:1 says so of ro/target".into();
        let verdict = judged(vec![probes(0, 480), router]);
        assert_eq!(verdict.sentence(), "the target is down: HAProxy lb:1 says so of ro/target");
    }
}
