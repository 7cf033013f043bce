//! The hold of the offline strategy, watched: a look at the source's fence, and a word when it stands longer than agreed.

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    Command, UnixMs,
    gate::{HoldFacts, duration},
    state::State,
    time::utc,
};

use super::{Event, Live, Tone, reconcilers::is_ending};

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether writes are wanted.
const LOOK: Duration = Duration::from_millis(300);

/// It is said again after this long, ms.
const AGAIN_MS: i64 = 3_600_000;

/// One look. The gate judges.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let asked = state.spec.strategy.holds_writes() && !is_ending(&state);
    let (Some(pair), Some(scope)) = (live.pair().await.filter(|_| asked), state.scope.as_ref()) else { return };
    // What was seen last stays, with its age, where there is no answer.
    let Ok(answer) = tokio::time::timeout(PATIENCE, pair.source.fence.standing(&scope.fence)).await else { return };
    let standing = match answer {
        Ok(standing) => Ok(standing),
        Err(e) if e.kind == crate::Kind::Contradiction => Err(e.why),
        Err(_) => return,
    };
    live.snapshot().facts.hold = Some(HoldFacts { at: live.parts.clock.now(), standing });
}

/// Returns once somebody asks for writes at the source while a command runs that takes long and can be taken back. The open
/// window costs the application every minute, so it is not made to wait for the end of a copy.
pub(super) async fn wants_writes(live: &Live, running: &Command) {
    let held = live.book.look(|state| state.held.is_some()).await;
    if !held || !running.ends_for_a_release() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(LOOK).await;
        match live.parts.store.next_ticket(live.book.migration()).await {
            Ok(Some(ticket)) if matches!(ticket.command, Command::Release | Command::RollBack) => return,
            Ok(Some(_) | None) => {}
            Err(e) => tracing::warn!(error = %e, "whether writes are wanted could not be read"),
        }
    }
}

/// Says once that the hold is overdue, and again each hour.
#[derive(Default)]
pub(super) struct Overdue {
    told: Option<UnixMs>,
}

impl Overdue {
    /// What there is to say now.
    pub(super) fn news(&mut self, state: &State, now: UnixMs) -> Option<Event> {
        let Some((held, how_long)) = state.held.as_ref().zip(state.held_for(now)).filter(|(_, f)| f.overdue) else {
            self.told = None;
            return None;
        };
        if self.told.is_some_and(|at| now - at < AGAIN_MS) {
            return None;
        }
        self.told = Some(now);
        Some(Event::Notice {
            migration: state.spec.name.clone(),
            title: format!("Writes have been refused for {}", duration(how_long.seconds)),
            body: format!(
                "{} refuses writes since {}, longer than the limit of {}. “Release writes” lets them go on; nothing is lost by it.",
                state.spec.source,
                utc(held.since),
                duration(i64::from(how_long.limit_s))
            ),
            tone: Tone::Warn,
        })
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::{
        journal::{Entry, Outcome, Recorded},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        state::replay,
    };

    use super::*;

    /// Writes are held since 3 s after the epoch.
    fn held() -> State {
        let spec = MigrationSpec {
            name: "shop".into(),
            strategy: Strategy::Offline,
            source: "a".into(),
            target: "b".into(),
            routers: vec![],
            limits: Limits::normal(),
        };
        let entries = [
            Entry::Created { spec },
            Entry::RunStarted { command: Command::Hold, reason: String::new(), gates: vec![] },
            Entry::RunEnded { run: 2, outcome: Outcome::Done, summary: String::new(), stopwatch: None },
        ];
        let recorded: Vec<Recorded> = (1..)
            .zip(entries)
            .map(|(seq, entry)| Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry })
            .collect();
        replay(&recorded).unwrap()
    }

    #[test]
    fn a_hold_beyond_its_limit_is_told_once_an_hour() {
        let (mut overdue, mut state) = (Overdue::default(), held());
        let late = 3_000 + i64::from(state.limits().held_max_s) * 1000 + 1_000;
        assert!(overdue.news(&state, late - 2_000).is_none(), "within the limit there is nothing to say");
        let Some(Event::Notice { title, body, tone, .. }) = overdue.news(&state, late) else {
            panic!("the limit is passed, and nobody was told")
        };
        assert_eq!((title.as_str(), tone), ("Writes have been refused for 8:00:01", Tone::Warn));
        assert!(
            body.contains("limit of 8:00:00") && body.contains("Release writes"),
            "how much, and what to do: {body}"
        );
        assert!(overdue.news(&state, late + AGAIN_MS - 1).is_none(), "not each second");
        assert!(overdue.news(&state, late + AGAIN_MS).is_some(), "and again an hour later");
        state.held = None;
        assert!(overdue.news(&state, late + 2 * AGAIN_MS).is_none(), "a hold that was released is no news");
    }
}
