//! The soak of the present rung, watched: a gate that fails in it breaks it, which is said loudly, and takes the ladder one rung
//! down where the limits say so.
//!
//! It never moves traffic itself: it asks for the same command as an operator would, and what it decided is in the journal before.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::{
    Command, Side, UnixMs,
    gate::{self, Judged},
    journal::Entry,
    state::State,
};
use tokio_util::sync::CancellationToken;

use super::{Event, Live, Tone};
use crate::{error::Result, store::Ticket};

/// Who asks for a step back.
const BY: &str = "switchyard";

/// The least looks in which a gate has to fail, and in which everything has to be well again.
const LOOKS: u32 = 2;

/// Watches until stopped.
pub(super) async fn watch(live: Arc<Live>, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        // Each second the state is not copied for nothing.
        if !live.book.look(State::is_soaking).await {
            watch = Watch::default();
            continue;
        }
        if let Err(e) = look(&live, &mut watch).await {
            tracing::error!(error = %e, "what broke or mended the soak could not be written or acted on");
        }
    }
}

async fn look(live: &Live, watch: &mut Watch) -> Result<()> {
    let (state, facts, now) = (live.book.state().await, live.facts().await, live.parts.clock.now());
    let judged = gate::watched(&state, &facts, now);
    match watch.look(&state, &judged, live.parts.clock.instant(), now) {
        Some(News::Broken { gate, title, why, step_back }) => {
            let entry = Entry::SoakBroken { gate, title: title.clone(), why: why.clone(), step_back };
            live.book.record(entry).await?;
            live.tell(told(&state, &title, &why, step_back));
            if let Some(percent) = step_back {
                let reason = format!("step back: {title}: {why}");
                let store = &live.parts.store;
                store.ask(live.book.migration(), &Command::ShiftReads { percent }, &reason, BY, now).await?;
            }
        }
        Some(News::Mended) => {
            live.book.record(Entry::SoakMended).await?;
            live.tell(Event::Notice {
                migration: state.spec.name.clone(),
                title: format!("The soak at {} % begins anew", state.route.reads_on_target),
                body: "Everything that is watched is well again.".to_owned(),
                tone: Tone::Good,
            });
        }
        None => {}
    }
    Ok(())
}

fn told(state: &State, title: &str, why: &str, step_back: Option<u8>) -> Event {
    let here = state.route.reads_on_target;
    let (title, end) = match step_back {
        Some(percent) => (format!("Stepping back to {percent} %: {title}"), "The ladder goes one rung down by itself."),
        None => (
            format!("The soak at {here} % is broken: {title}"),
            "The ladder holds; the soak begins anew once that is well again.",
        ),
    };
    Event::Notice { migration: state.spec.name.clone(), title, body: format!("{why}. {end}"), tone: Tone::Bad }
}

/// Why a step back must not run any more; None for every other command. One that waited behind somebody's rollback would lead
/// reads up instead of down.
pub(super) fn overtaken(ticket: &Ticket, state: &State) -> Option<String> {
    let Command::ShiftReads { percent } = ticket.command else { return None };
    let here = state.route.reads_on_target;
    let over = ticket.by == BY && (percent >= here || state.authority == Side::Target);
    over.then(|| format!("it was to step back to {percent} %, and {here} % of reads are on the target already"))
}

/// What the looks have shown since the rung was reached.
#[derive(Default)]
struct Watch {
    /// The gate that fails, since when, and in how many looks.
    failing: Option<(String, Instant, u32)>,
    /// Looks in a row in which everything was well.
    well: u32,
}

/// What has to be written and said.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Broken { gate: String, title: String, why: String, step_back: Option<u8> },
    Mended,
}

impl Watch {
    /// One look at a rung that soaks. What is unknown neither breaks a soak nor mends it.
    fn look(&mut self, state: &State, judged: &[Judged], at: Instant, now: UnixMs) -> Option<News> {
        let Some(wrong) = self.wrong(judged) else {
            self.failing = None;
            return self.all_well(state, judged);
        };
        self.well = 0;
        let (gate, since, looks) = self.failing.get_or_insert_with(|| (wrong.gate.clone(), at, 0));
        if *gate != wrong.gate {
            (*gate, *since, *looks) = (wrong.gate.clone(), at, 0);
        }
        *looks += 1;
        let needed = Duration::from_secs(u64::from(state.limits().soak_break_s));
        if *looks < LOOKS || at.saturating_duration_since(*since) < needed {
            return None;
        }
        let step_back = state.steps_back(&wrong.gate, now).filter(|_| may_route(judged));
        if state.soak.broken.is_some() && step_back.is_none() {
            return None;
        }
        let why = wrong.verdict.sentence().to_owned();
        Some(News::Broken { gate: wrong.gate.clone(), title: wrong.title.clone(), why, step_back })
    }

    /// The gate that is wrong; the one that was before where it still is.
    fn wrong<'a>(&self, judged: &'a [Judged]) -> Option<&'a Judged> {
        let known = self.failing.as_ref().map(|(gate, ..)| gate);
        let wrong = || judged.iter().filter(|j| j.is_wrong_now());
        wrong().find(|j| Some(&j.gate) == known).or_else(|| wrong().next())
    }

    fn all_well(&mut self, state: &State, judged: &[Judged]) -> Option<News> {
        use switchyard_model::Verdict;
        let broken = state.soak.broken.as_ref()?;
        let unknown = |j: &Judged| matches!(j.verdict, Verdict::Unknown { .. });
        // What broke it has to be seen well; of the others it is enough that none is wrong.
        if judged.iter().any(|j| j.gate == broken.gate && unknown(j)) {
            self.well = 0;
            return None;
        }
        self.well += 1;
        (self.well >= LOOKS).then(|| {
            self.well = 0;
            News::Mended
        })
    }
}

/// Whether the routers are as the journal says. Where they are not, a step by us would go from a rung that nobody is on, and might
/// undo what a person did by hand.
fn may_route(judged: &[Judged]) -> bool {
    judged.iter().any(|j| j.gate == "read_back" && j.verdict.opens())
}

#[cfg(test)]
mod tests {
    use switchyard_model::{
        Verdict,
        journal::{Outcome, Recorded},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        router::Route,
        state::replay,
    };

    use super::*;

    /// At 10 % since 3 s after the epoch.
    fn state(step_back: bool) -> (State, Vec<Recorded>) {
        let limits = Limits { step_back, soak_break_s: 10, ..Limits::normal() };
        let spec = MigrationSpec {
            name: "shop".into(),
            strategy: Strategy::Live,
            source: "a".into(),
            target: "b".into(),
            routers: vec![],
            limits,
        };
        let command = Command::ShiftReads { percent: 10 };
        let entries = [
            Entry::Created { spec },
            Entry::RunStarted { command, reason: String::new(), gates: vec![] },
            Entry::Routed { run: 2, route: Route { reads_on_target: 10, writes: Side::Source } },
            Entry::RunEnded { run: 2, outcome: Outcome::Done, summary: String::new(), stopwatch: None },
        ];
        let recorded: Vec<Recorded> = (1..)
            .zip(entries)
            .map(|(seq, entry)| Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry })
            .collect();
        (replay(&recorded).unwrap(), recorded)
    }

    fn after(recorded: &[Recorded], entry: Entry, at: UnixMs) -> State {
        let seq = recorded.len() as i64 + 1;
        let one = Recorded { seq, at, by: "ann".into(), generation: 1, entry };
        replay(&[recorded, &[one]].concat()).unwrap()
    }

    fn judged(gate: &str, verdict: Verdict) -> Judged {
        Judged {
            gate: gate.into(),
            title: gate.into(),
            verdict,
            opens_at: None,
            at: None,
            counts_ms: None,
            overridden_by: None,
        }
    }

    /// The route as it should be, and one gate beside it.
    fn with(verdict: Verdict) -> Vec<Judged> {
        vec![judged("read_back", Verdict::pass("as told")), judged("errors", verdict)]
    }

    fn failing() -> Vec<Judged> {
        with(Verdict::fail("2 of 9 failed", "Look."))
    }

    /// Looks once a second for so long; what there was to say, with the second.
    fn seconds(
        watch: &mut Watch,
        state: &State,
        judged: &[Judged],
        from: Instant,
        range: std::ops::RangeInclusive<u64>,
    ) -> Vec<(u64, News)> {
        range
            .filter_map(|s| {
                let now = 100_000 + s as i64 * 1000;
                watch.look(state, judged, from + Duration::from_secs(s), now).map(|news| (s, news))
            })
            .collect()
    }

    #[test]
    fn a_gate_has_to_fail_for_its_time_and_it_is_said_once() {
        let ((state, recorded), began) = (state(false), Instant::now());
        let mut watch = Watch::default();
        assert_eq!(seconds(&mut watch, &state, &failing(), began, 0..=9), [], "not yet");
        let said = seconds(&mut watch, &state, &failing(), began, 10..=10);
        let Some((_, News::Broken { gate, step_back, .. })) = said.first() else { panic!("ten seconds: {said:?}") };
        assert_eq!((gate.as_str(), *step_back), ("errors", None), "off is off");
        let entry =
            Entry::SoakBroken { gate: "errors".into(), title: "Errors".into(), why: "x".into(), step_back: None };
        let broken = after(&recorded, entry, 110_000);
        assert_eq!(seconds(&mut watch, &broken, &failing(), began, 11..=300), [], "it is told, and goes on");
        let well = with(Verdict::pass("0 of 9 failed"));
        assert_eq!(seconds(&mut watch, &broken, &well, began, 301..=302), [(302, News::Mended)], "in two looks");
    }

    #[test]
    fn nothing_is_done_about_what_nobody_knows() {
        let ((state, recorded), began) = (state(true), Instant::now());
        let mut watch = Watch::default();
        let unknown = with(Verdict::unknown("no answer"));
        assert_eq!(seconds(&mut watch, &state, &unknown, began, 0..=600), [], "a silent server moves nothing");
        // Now and then unknown: it has to fail without a break.
        for turn in 0..20 {
            assert_eq!(seconds(&mut watch, &state, &failing(), began, 10 * turn..=10 * turn + 8), []);
            assert_eq!(seconds(&mut watch, &state, &unknown, began, 10 * turn + 9..=10 * turn + 9), []);
        }
        let entry =
            Entry::SoakBroken { gate: "errors".into(), title: "Errors".into(), why: "x".into(), step_back: None };
        let broken = after(&recorded, entry, 110_000);
        assert_eq!(seconds(&mut watch, &broken, &unknown, began, 601..=900), [], "nor does it mend anything");
    }

    #[test]
    fn it_steps_back_once_and_again_only_after_a_minute() {
        let ((state, recorded), began) = (state(true), Instant::now());
        let mut watch = Watch::default();
        let said = seconds(&mut watch, &state, &failing(), began, 0..=10);
        assert!(
            matches!(said.as_slice(), [(10, News::Broken { step_back: Some(5), .. })]),
            "one rung down, not further: {said:?}"
        );
        let entry =
            Entry::SoakBroken { gate: "errors".into(), title: "Errors".into(), why: "x".into(), step_back: Some(5) };
        // The command has not run yet, or was refused.
        let told = after(&recorded, entry, 110_000);
        let said = seconds(&mut watch, &told, &failing(), began, 11..=70);
        assert!(matches!(said.as_slice(), [(70, News::Broken { step_back: Some(5), .. })]), "a minute later: {said:?}");
    }

    #[test]
    fn it_does_not_route_where_the_routers_say_something_else() {
        let ((state, _), began) = (state(true), Instant::now());
        for route in [Verdict::fail("0 % by hand", "Look."), Verdict::unknown("no answer")] {
            let judged = vec![judged("read_back", route), failing().remove(1)];
            let said = seconds(&mut Watch::default(), &state, &judged, began, 0..=10);
            assert!(
                matches!(said.as_slice(), [(10, News::Broken { step_back: None, .. })]),
                "a person did that, or nobody knows: {said:?}"
            );
        }
    }

    #[test]
    fn a_step_back_that_somebody_was_faster_than_is_void() {
        let (mut state, _) = state(true);
        let ticket = |by: &str, percent| Ticket {
            id: 1,
            command: Command::ShiftReads { percent },
            reason: String::new(),
            by: by.into(),
            at: 0,
        };
        assert_eq!(overtaken(&ticket(BY, 5), &state), None, "it still leads down");
        state.route.reads_on_target = 0;
        assert!(overtaken(&ticket(BY, 5), &state).unwrap().contains("0 % of reads"), "it would lead up");
        assert_eq!(overtaken(&ticket("ann", 5), &state), None, "a person may");
    }
}
