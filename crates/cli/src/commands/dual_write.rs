//! `dual-write`: commits that wait for the target.

use std::time::Duration;

use switchyard_api::dto::*;
use switchyard_model::{
    dual_write::{DualWriteRecord, Percentiles, Scope},
    figure::read_ms,
    time::utc,
};

use super::{Ctl, aftermath};
use crate::{
    args::DualWriteCmd,
    output::{self, Answer},
};

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long the figures afterwards may take.
const AFTERWARDS: Duration = Duration::from_secs(8);

pub async fn run(ctl: &Ctl, command: DualWriteCmd) -> Result<Answer, ApiError> {
    match command {
        DualWriteCmd::On { migration, role, database, budget } => {
            let scope = scope(role, database)?;
            turn_on(ctl, migration, scope, microseconds(&budget)?).await
        }
        DualWriteCmd::Off { migration } => turn_off(ctl, migration).await,
        DualWriteCmd::Show { migration } => {
            let view = view(ctl, &migration).await?;
            if ctl.json {
                output::json(&view);
            } else {
                print(&view);
            }
            Ok(if view.open.is_some_and(|o| o.since.is_some()) { Answer::Yes } else { Answer::No })
        }
    }
}

fn scope(role: Option<String>, database: bool) -> Result<Scope, ApiError> {
    match (role, database) {
        (Some(role), _) => Ok(Scope::Role { role }),
        (None, true) => Ok(Scope::Database),
        (None, false) => Err(ApiError::new(
            "invalid",
            "Whose commits shall wait is not said, and it is never everybody's by accident.",
            "Give --role with the application's role, or --database.",
        )),
    }
}

/// `3ms`, `0.8ms`, `800us`.
fn microseconds(text: &str) -> Result<u32, ApiError> {
    let wrong = || ApiError::new("invalid", format!("“{text}” is no budget."), "Write for example 3ms or 800us.");
    let (number, factor) = match (text.strip_suffix("ms"), text.strip_suffix("us")) {
        (Some(number), _) => (number, 1000.0),
        (None, Some(number)) => (number, 1.0),
        (None, None) => return Err(wrong()),
    };
    let us = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
    if us.is_finite() && (0.0..=f64::from(u32::MAX)).contains(&us) { Ok(us.round() as u32) } else { Err(wrong()) }
}

async fn view(ctl: &Ctl, migration: &str) -> Result<DualWriteView, ApiError> {
    ctl.call("dual_write", &ByName { name: migration.to_owned() }).await
}

async fn turn_on(ctl: &Ctl, migration: String, scope: Scope, budget_us: u32) -> Result<Answer, ApiError> {
    let request = DualWriteRequest { migration: migration.clone(), scope, budget_us: Some(budget_us) };
    let accepted: DualWriteAccepted = ctl.call("dual_write_on", &request).await?;
    tell!(
        "measuring without the target first; the server itself knows no time-out for what follows, so it is attended"
    );
    loop {
        let view = view(ctl, &migration).await?;
        if let Some(open) = view.open.as_ref().filter(|o| o.dual == accepted.dual && o.since.is_some()) {
            if ctl.json {
                output::json(open);
            } else {
                say!("Commits of {} wait for the target.", open.whose);
                figures("before", open.before.as_ref());
                say!("  to free the source by hand, whatever became of this program:");
                say!("    {}", view.free_command);
            }
            return Ok(Answer::Yes);
        }
        if let Some(ended) = view.last.filter(|l| l.id == accepted.dual) {
            return Ok(told(ctl, &ended, Answer::No));
        }
        if view.open.is_none_or(|o| o.dual != accepted.dual) {
            return Err(ApiError::new(
                "refused",
                "Somebody else asked for it at the same time.",
                "See `dual-write show`.",
            ));
        }
        aftermath::store_works(ctl, &migration)?;
        tokio::time::sleep(LOOK).await;
    }
}

async fn turn_off(ctl: &Ctl, migration: String) -> Result<Answer, ApiError> {
    let dual = view(ctl, &migration).await?.open.map(|o| o.dual);
    let _: Nothing = ctl.call("dual_write_off", &ByName { name: migration.clone() }).await?;
    // Whoever drives does it; where nobody does, this process takes the migration over and frees the source.
    ctl.api.drive_named(&migration).await?;
    let mut ended_for = Duration::ZERO;
    loop {
        let last = view(ctl, &migration).await?.last.filter(|l| Some(l.id) == dual);
        if let Some(ended) = last {
            if ended.after.is_some() || ended_for > AFTERWARDS || ended.stands.is_none() {
                return Ok(told(ctl, &ended, Answer::Yes));
            }
            ended_for += LOOK;
        }
        aftermath::store_works(ctl, &migration)?;
        tokio::time::sleep(LOOK).await;
    }
}

fn told(ctl: &Ctl, record: &DualWriteRecord, answer: Answer) -> Answer {
    if ctl.json {
        output::json(record);
    }
    if let Some((_, end)) = &record.ended {
        if answer == Answer::No {
            tell!("switchyardctl: {}", end.why);
        }
        if !ctl.json {
            say!("Off ({}): {}", end.cause.title(), end.why);
            ended(record);
        }
    }
    answer
}

fn ended(record: &DualWriteRecord) {
    figures("before", record.began.as_ref().map(|(_, before, _)| before));
    figures("during", record.ended.as_ref().and_then(|(_, end)| end.during.as_ref()));
    figures("after", record.after.as_ref());
    if let Some(ms) = record.ended.as_ref().and_then(|(_, end)| end.freed_ms) {
        say!("  nobody waited any more after {ms:.0} ms");
    }
}

fn figures(when: &str, figures: Option<&Percentiles>) {
    let Some(f) = figures else { return };
    let workload =
        f.workload_ms.map_or(String::new(), |ms| format!(", a transaction of anybody's {} on average", read_ms(ms)));
    say!("  {when:<7} {}{workload}", f.words());
}

fn print(view: &DualWriteView) {
    match &view.open {
        None => say!("Off: the stream is asynchronous."),
        Some(open) => card(open),
    }
    if let Some(why) = view.why_not.as_ref().filter(|_| view.open.is_none()) {
        say!("  cannot be turned on now: {why}");
    }
    if let Some(last) = &view.last {
        let end = last.ended.as_ref();
        say!("Last time, for {}: {}", last.order.scope.words(), end.map_or("", |(_, e)| e.why.as_str()));
        ended(last);
    }
    for o in &view.openings {
        say!("  fell back {} times: {}", o.count, o.title);
    }
    say!("To free the source by hand:\n  {}", view.free_command);
}

/// The lines of `status` and `show`.
pub fn card(open: &DualWriteCard) {
    match open.since {
        None => say!("  synchronous dual write is being turned on for {}, asked for by {}", open.whose, open.by),
        Some(since) => say!(
            "  commits of {} WAIT for the target since {}, by {}; budget {} at P99",
            open.whose,
            utc(since),
            open.by,
            read_ms(open.budget_ms)
        ),
    }
    if let Some(now) = &open.now {
        figures("during", now.during.as_ref());
        if now.not_yet > 0 {
            say!("  {} sessions are older than the switch and commit without waiting", now.not_yet);
        }
        if now.others_waiting > 0 {
            say!(
                "  {} sessions that nobody chose wait as well: they set synchronous_commit themselves",
                now.others_waiting
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_with_their_unit() {
        assert_eq!(microseconds("3ms").ok(), Some(3_000));
        assert_eq!(microseconds("0.8ms").ok(), Some(800));
        assert_eq!(microseconds("800us").ok(), Some(800));
        for wrong in ["3", "ms", "-1ms", "3s", "NaNms"] {
            assert!(microseconds(wrong).is_err(), "“{wrong}” has no unit that is meant, or is no time");
        }
    }
}
