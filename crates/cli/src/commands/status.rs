//! `status`, `sign-off` and `override`.

use switchyard_api::dto::*;
use switchyard_model::{figure, gate::duration, time::utc, verdict::Verdict};

use super::Ctl;
use crate::output::{self, Answer};

/// The cockpit of a migration.
pub async fn cockpit(ctl: &Ctl, migration: &str) -> Result<Cockpit, ApiError> {
    ctl.call("cockpit", &ByName { name: migration.to_owned() }).await
}

pub async fn run(ctl: &Ctl, migration: String, checks: bool) -> Result<Answer, ApiError> {
    let c = cockpit(ctl, &migration).await?;
    let open = c.next.as_ref().is_some_and(|n| n.open);
    if ctl.json {
        output::json(&c);
    } else {
        print(&c, checks);
    }
    Ok(if open { Answer::Yes } else { Answer::No })
}

fn print(c: &Cockpit, checks: bool) {
    say!("{}: {}", c.spec.name, c.headline);
    say!("  source  {}  {}", c.source.endpoint, c.source.version.as_deref().unwrap_or("not asked yet"));
    say!("  target  {}  {}", c.target.endpoint, c.target.version.as_deref().unwrap_or("not asked yet"));
    say!("  writes on the {} (epoch {}), {} % of reads on the target", c.authority, c.epoch, c.reads_on_target);
    if let Some(held) = &c.held {
        let word = if held.how_long.overdue { ", LONGER than the limit of" } else { ", at most" };
        say!(
            "  writes are REFUSED on the source since {}, for {}{word} {}; held by {}",
            utc(held.since),
            duration(held.how_long.seconds),
            duration(i64::from(held.how_long.limit_s)),
            held.by
        );
        if held.seen.as_ref().is_some_and(|s| !s.refuses) {
            say!("  but the source was seen to accept writes: release them and hold them again");
        }
    }
    match &c.lease.holder {
        Some(holder) => say!("  driven by {holder}"),
        None => {
            say!("  driven by nobody: figures below are from {}", if c.at > 0 { utc(c.at) } else { "never".into() })
        }
    }
    if let Some(open) = &c.dual_write {
        super::dual_write::card(open);
    }
    match &c.lag {
        Some(l) => say!(
            "  lag {:.0} ms, p95 {:.0} ms, worst {:.0} ms in 30 min, limit {:.0} ms",
            l.now_ms,
            l.p95_ms,
            l.worst_ms,
            l.limit_ms
        ),
        None => say!("  lag unknown: no beat measured yet"),
    }
    match &c.read_latency {
        Some(r) => say!(
            "  reads p99 {} on the source, {} on the target, limit {}, {} reads a minute on each side",
            figure::read_ms(r.source.p99_ms),
            figure::read_ms(r.target.p99_ms),
            figure::read_ms(r.limit_ms),
            r.samples
        ),
        None => say!("  reads unknown: none measured on both sides yet"),
    }
    for p in &c.phases {
        say!("  {} {:<20} {} of {}", phase_mark(p.state), p.title, p.passed, p.total);
        for check in p.checks.iter().filter(|_| checks) {
            say!(
                "      {} {:<28} {} — {}",
                mark(&check.verdict, check.opens_at),
                check.id,
                check.title,
                check.verdict.sentence()
            );
            if let Verdict::Fail { remedy, .. } = &check.verdict {
                say!("          {remedy}");
            }
        }
    }
    if let Some(broken) = c.soak.as_ref().and_then(|s| s.broken.as_ref()) {
        say!(
            "  the soak at {} % is BROKEN since {} by {}: {}",
            c.reads_on_target,
            utc(broken.at),
            broken.title,
            broken.why
        );
    }
    if let Some(next) = &c.next {
        say!("  {}", next.title);
        for g in &c.gates {
            let looked = g.at.map_or_else(String::new, |at| format!(", looked at {}", utc(at)));
            say!("    {} {}: {}{looked}", mark(&g.verdict, g.opens_at), g.title, g.verdict.sentence());
        }
        match &next.why_not {
            None => say!("  open: switchyardctl run {:?}", c.spec.name),
            Some(why) => say!("  shut: {why}"),
        }
        if let Some(at) = next.opens_at {
            say!("  opens by itself at {}", utc(at));
        }
    }
    say!("  roll back: {}", c.rollback.why_not.as_deref().unwrap_or(&c.rollback.note));
}

/// What opens by itself waits; it does not fail.
fn mark(verdict: &Verdict, opens_at: Option<i64>) -> &'static str {
    match verdict {
        Verdict::Pass { .. } => "✓",
        Verdict::Fail { .. } if opens_at.is_some() => "●",
        Verdict::Fail { .. } => "✕",
        Verdict::Unknown { .. } => "○",
    }
}

fn phase_mark(state: PhaseState) -> &'static str {
    match state {
        PhaseState::Done => "✓",
        PhaseState::Now => "●",
        PhaseState::Later => "○",
    }
}

pub async fn sign_off(
    ctl: &Ctl,
    migration: String,
    check: String,
    name: String,
    reason: String,
) -> Result<Answer, ApiError> {
    let sentence = format!("{name} answers for {check}; it is in the journal.");
    let _: Nothing = ctl.call("sign_off", &SignOffRequest { migration, check, name, reason }).await?;
    said(ctl, &sentence)
}

pub async fn override_gate(
    ctl: &Ctl,
    migration: String,
    gate: String,
    name: String,
    reason: String,
) -> Result<Answer, ApiError> {
    let sentence = format!("The gate {gate} is open for the next run; {name} answers for it, in the journal.");
    let _: Nothing = ctl.call("override_gate", &OverrideRequest { migration, gate, name, reason }).await?;
    said(ctl, &sentence)
}

fn said(ctl: &Ctl, sentence: &str) -> Result<Answer, ApiError> {
    if ctl.json {
        output::json(&serde_json::json!({ "done": sentence }));
    } else {
        say!("{sentence}");
    }
    Ok(Answer::Yes)
}
