//! The application's own metrics are within their limits, each for its time.
//!
//! Without a metric there is nothing to ask, and the gate is not there. Nor is it while writes are held by agreement: what an
//! application measures then is its own pause, and would keep it from ending.

use super::{Gate, Looked, Question, goes_forward};
use crate::{
    Command, UnixMs,
    application::{COUNTS_MS, MetricFact, SetUp, Standing, Unread, standing, written},
    figure,
    gate::duration,
    state::State,
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "application", title: "Application's own metrics", guards, judge, looked };

const MEND: &str =
    "See what the application does on the target: its errors, its slowest statements, its pool. It opens by itself.";

fn guards(command: &Command, state: &State) -> bool {
    applies(state) && goes_forward(command, state)
}

/// Whether there is anything to ask.
pub(super) fn applies(state: &State) -> bool {
    !state.metrics.is_empty() && state.held.is_none()
}

fn looked(q: &Question<'_>) -> Looked {
    let of = |set_up: &SetUp| fact(q, set_up).map(|f| f.at);
    let oldest = q.state.metrics.iter().map(of).min().flatten();
    Looked { at: oldest, counts_ms: Some(COUNTS_MS) }
}

fn fact<'a>(q: &'a Question<'_>, of: &SetUp) -> Option<&'a MetricFact> {
    q.facts.application.as_ref().and_then(|facts| facts.of(of.seq))
}

/// All of them, by where they stand.
#[derive(Default)]
struct All {
    /// The worst first.
    wrong: Vec<(f64, String)>,
    unknown: Vec<(String, Unread)>,
    /// When each is through, and what it says.
    waits: Vec<(UnixMs, String)>,
    within: Vec<String>,
    held_s: Option<i64>,
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let all = sorted(q);
    if let Some((_, worst)) = all.wrong.first() {
        let others = all.wrong.len() - 1;
        let unread = all.unknown.first().map(|(name, _)| format!("; {name} is not known"));
        return (Verdict::fail(format!("{worst}{}{}", and(others), unread.unwrap_or_default()), MEND), None);
    }
    if let Some((name, unread)) = all.unknown.first() {
        let others = and(all.unknown.len() - 1);
        return (Verdict::unknown(format!("{name}: {}{others}. {}", unread.why, unread.remedy)), None);
    }
    if let Some((opens_at, last)) = all.waits.first() {
        let why = format!("{last}{}", and(all.waits.len() - 1));
        return (Verdict::fail(why, "Wait: it opens by itself."), Some(*opens_at));
    }
    let first = all.within.first().map_or("", String::as_str);
    let held = all.held_s.map_or_else(String::new, |s| format!(", held {}", figure::held(s)));
    (Verdict::pass(format!("{first}{}{held}", and(all.within.len().saturating_sub(1)))), None)
}

fn sorted(q: &Question<'_>) -> All {
    let mut all = All::default();
    for of in &q.state.metrics {
        let fact = fact(q, of);
        let value = fact.and_then(|f| f.read.as_ref().ok()).map_or(f64::NAN, |r| r.value);
        let told = written(&of.metric, value);
        match standing(of, fact, q.now) {
            Standing::Wrong { beyond } => all.wrong.push((beyond, told)),
            Standing::Unknown(unread) => all.unknown.push((of.metric.name.clone(), unread)),
            Standing::Waits { held_s, opens_at } => {
                let needed = figure::span(i64::from(of.metric.for_s));
                all.waits.push((opens_at, format!("{told}, held {} of {needed}", duration(held_s))));
            }
            Standing::Within { held_s } => {
                all.within.push(told);
                all.held_s = Some(all.held_s.map_or(held_s, |s| s.min(held_s)));
            }
        }
    }
    all.wrong.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.waits.sort_by_key(|(opens_at, _)| std::cmp::Reverse(*opens_at));
    all
}

fn and(others: usize) -> String {
    if others == 0 { String::new() } else { format!("; and {others} more") }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Facts, Judged, judge as judge_all, tests::state, watched},
        *,
    };
    use crate::application::{ApplicationFacts, Bound, Metric, MetricLogin, Reading};

    const NOW: UnixMs = 700_000;

    fn with(metrics: &[(&str, u32)]) -> State {
        let mut state = state();
        state.metrics = (1..)
            .zip(metrics)
            .map(|(seq, (name, for_s))| SetUp {
                seq,
                at: 0,
                by: "ann".into(),
                metric: Metric {
                    name: (*name).into(),
                    url: "https://p".into(),
                    query: "up".into(),
                    bound: Bound::Above,
                    limit: 100.0,
                    for_s: *for_s,
                    unit: "ms".into(),
                    login: MetricLogin::None,
                    ca_file: None,
                },
            })
            .collect();
        state
    }

    /// Values, held since 100 s where they are within; None is a look that gave nothing.
    fn facts(values: &[Option<f64>]) -> Facts {
        let read = |value: &Option<f64>| match value {
            Some(value) => Ok(Reading { value: *value, age_ms: Some(1_000) }),
            None => Err(Unread { why: "no series".into(), remedy: "Look at the query.".into() }),
        };
        let one = |(seq, value): (i64, &Option<f64>)| MetricFact {
            seq,
            at: NOW,
            read: read(value),
            within: value.filter(|v| *v <= 100.0).map(|_| (100_000, NOW)),
        };
        let application = Some(ApplicationFacts { metrics: (1..).zip(values).map(one).collect() });
        Facts { application, ..Facts::default() }
    }

    fn judged(state: &State, facts: &Facts) -> Option<Judged> {
        let command = Command::ShiftReads { percent: 100 };
        let all = judge_all(&Question { command: &command, state, facts, now: NOW });
        all.into_iter().find(|j| j.gate == "application")
    }

    #[test]
    fn without_a_metric_it_is_not_there() {
        assert_eq!(judged(&state(), &Facts::default()), None, "nobody asked for it");
        let mut held = with(&[("p95", 0)]);
        held.held = Some(crate::hold::Held { since: 0, by: "ann".into() });
        assert_eq!(judged(&held, &facts(&[Some(900.0)])), None, "a pause that was agreed on must be able to end");
    }

    #[test]
    fn the_worst_is_named_first() {
        let state = with(&[("a", 0), ("b", 0), ("c", 0), ("d", 0)]);
        let j = judged(&state, &facts(&[Some(110.0), Some(300.0), Some(5.0), None])).unwrap();
        assert_eq!(j.verdict.sentence(), "b 300 ms, limit 100 ms; and 1 more; d is not known");
        assert!(j.is_wrong_now(), "it breaks a soak");
    }

    #[test]
    fn what_is_not_known_never_opens() {
        let state = with(&[("a", 0), ("b", 0)]);
        let j = judged(&state, &facts(&[Some(1.0), None])).unwrap();
        assert_eq!(j.verdict, Verdict::unknown("b: no series. Look at the query."));
        assert!(!j.is_wrong_now(), "nor does it break a soak");
        let both = judged(&state, &facts(&[None, None])).unwrap();
        assert_eq!(both.verdict, Verdict::unknown("a: no series; and 1 more. Look at the query."));
        let j = judged(&state, &facts(&[Some(1.0)])).unwrap();
        assert!(matches!(j.verdict, Verdict::Unknown { .. }), "one that was never read: {:?}", j.verdict);
        let never = judged(&state, &Facts::default()).unwrap();
        assert!(matches!(never.verdict, Verdict::Unknown { .. }) && never.at.is_none(), "{never:?}");
        let nan = judged(&with(&[("a", 0)]), &facts(&[Some(f64::NAN)])).unwrap();
        assert!(!nan.verdict.opens(), "no number is within no limit");
    }

    #[test]
    fn each_has_to_hold_for_its_own_time() {
        let values = facts(&[Some(1.0), Some(2.0)]);
        let j = judged(&with(&[("a", 0), ("b", 601)]), &values).unwrap();
        assert_eq!(j.verdict.sentence(), "b 2 ms, limit 100 ms, held 10:00 of 10:01");
        assert_eq!(j.opens_at, Some(701_000));
        assert!(!j.is_wrong_now(), "what only has not held for long enough is well");
        let j = judged(&with(&[("a", 0), ("b", 600)]), &values).unwrap();
        assert_eq!(j.verdict, Verdict::pass("a 1 ms, limit 100 ms; and 1 more, held 10 min"));
        assert_eq!((j.at, j.counts_ms), (Some(NOW), Some(COUNTS_MS)));
    }

    #[test]
    fn it_is_watched_while_a_rung_soaks() {
        let mut state = with(&[("a", 0)]);
        state.route.reads_on_target = 25;
        let all = watched(&state, &facts(&[Some(101.0)]), NOW);
        assert!(all.iter().any(|j| j.gate == "application" && j.is_wrong_now()), "{all:?}");
        state.metrics.clear();
        assert!(watched(&state, &facts(&[]), NOW).iter().all(|j| j.gate != "application"), "where there is one");
    }
}
