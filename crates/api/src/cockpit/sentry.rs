//! Whether clients that are held would be let go if this machine were gone.

use switchyard_engine::facts::RouterFact;
use switchyard_model::{check::Check, phase::Phase, verdict::Verdict};

use super::{Seen, freshness::LOOKED_MS};

/// The check of the cutover. It shuts no gate: a switch is as safe without a sentry, only its clients would wait.
pub(super) fn check(seen: &Seen<'_>) -> Check {
    let routers = &seen.snapshot.routers;
    let at = routers.iter().filter(|r| r.holds).filter_map(|r| r.at).min();
    let title = "A hold ends without this machine";
    Check::computed("cutover.sentry", Phase::TrafficCutover, title, verdict(routers), at).counting_for(LOOKED_MS)
}

fn verdict(routers: &[RouterFact]) -> Verdict {
    let holding: Vec<&RouterFact> = routers.iter().filter(|r| r.holds).collect();
    let that_say = |sentry: Option<bool>| {
        let labels: Vec<&str> = holding.iter().filter(|r| r.sentry == sentry).map(|r| r.label.as_str()).collect();
        (!labels.is_empty()).then(|| labels.join(", "))
    };
    if holding.is_empty() {
        return Verdict::unknown("no pooler has been asked");
    }
    if let Some(labels) = that_say(Some(false)) {
        return Verdict::unknown(format!(
            "{labels}: held clients would wait for somebody if this machine died; run “switchyardctl sentry” on another"
        ));
    }
    match that_say(None) {
        Some(labels) => Verdict::unknown(format!("{labels} does not say who is connected")),
        None => Verdict::pass("a sentry stands at every pooler"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(n: u8, holds: bool, sentry: Option<bool>) -> RouterFact {
        let label = format!("PgBouncer pgb-{n}:6432");
        RouterFact { label, clients: None, trouble: None, at: Some(19_000), holds, sentry }
    }

    #[test]
    fn every_pooler_needs_one_and_who_holds_nobody_needs_none() {
        let one = |n, sentry| router(n, true, sentry);
        let haproxy = || router(9, false, None);
        assert!(verdict(&[one(1, Some(true)), one(2, Some(true)), haproxy()]).opens());
        let half = verdict(&[one(1, Some(true)), one(2, Some(false))]);
        assert!(!half.opens() && half.sentence().starts_with("PgBouncer pgb-2:6432:"), "who lacks it: {half:?}");
        let silent = verdict(&[one(1, Some(true)), one(2, None)]);
        assert!(!silent.opens() && silent.sentence().contains("does not say"), "not known is no pass: {silent:?}");
        assert!(!verdict(&[haproxy()]).opens() && !verdict(&[]).opens(), "nobody was asked");
    }
}
