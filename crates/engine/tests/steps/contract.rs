//! What is asked of each step.

use std::time::Instant;

use switchyard_engine::{
    Error,
    saga::{Cx, Observed, Plan, Step},
};
use switchyard_model::{
    Command,
    journal::{Entry, Outcome, Stopwatch},
};

use super::{
    exceptions::{self, Exception},
    faults::{self, Fault, apply, strike},
    machine, obstacles,
    outside::Outside,
    world::World,
};

/// A run whose steps are put to the test one after the other; each is left applied, for the next.
struct Trial<'a> {
    world: &'a World,
    cx: Cx,
    plan: Plan,
    /// As it was before the first step.
    before_run: Outside,
    command: Command,
    /// Who had the authority then.
    authority: switchyard_model::Side,
}

/// Walks a command's plan; answers which steps were put to the test.
pub async fn keep(world: &World, command: Command) -> Vec<&'static str> {
    let before_run = Outside::look(world).await;
    let (cx, plan) = world.begin(&command).await;
    let point = plan.steps.iter().position(|s| s.is_point_of_no_return());
    let authority = cx.state.authority;
    let mut trial = Trial { world, cx, plan, before_run, command, authority };
    for index in 0..trial.plan.steps.len() {
        let began = Instant::now();
        let name = trial.plan.steps[index].name();
        let entry = Entry::StepStarted { run: trial.cx.run, step: name.to_owned(), actions: vec![] };
        world.book.record(entry).await.unwrap();
        let faults = match point {
            Some(point) if index > point || point == 0 => trial.after_the_point(index).await,
            Some(point) if index == point => trial.the_point(index).await,
            Some(_) | None => trial.before_the_point(index).await,
        };
        println!("  {name}: {faults} faults, {:.1} s", began.elapsed().as_secs_f64());
    }
    let stopwatch = trial.plan.stopwatch.then_some(Stopwatch { write_pause_ms: 1.0, parts: vec![] });
    let run = trial.cx.run;
    world
        .book
        .record(Entry::RunEnded { run, outcome: Outcome::Done, summary: String::new(), stopwatch })
        .await
        .unwrap();
    trial.plan.steps.iter().map(|s| s.name()).collect()
}

impl Trial<'_> {
    fn step(&self, index: usize) -> &dyn Step {
        self.plan.steps[index].as_ref()
    }

    async fn observed(&self, index: usize) -> Observed {
        let step = self.step(index);
        step.observe(&self.cx).await.unwrap_or_else(|e| panic!("{}: looking failed: {e}", step.name()))
    }

    async fn must_apply(&self, index: usize, why: &str) {
        let step = self.step(index);
        apply(&self.cx, step).await.unwrap_or_else(|e| panic!("{}: {why}: {e}", step.name()));
    }

    async fn must_undo(&self, index: usize, why: &str) {
        let step = self.step(index);
        step.undo(&self.cx).await.unwrap_or_else(|e| panic!("{}: {why}: {e}", step.name()));
    }

    /// Everything undoes itself.
    async fn before_the_point(&mut self, index: usize) -> usize {
        let (world, name) = (self.world, self.step(index).name());
        let exception = exceptions::of(name);
        let before = Outside::look(world).await;
        let seen_before = self.observed(index).await;
        let struck = self.fail(index, &before).await;
        self.wrong_preconditions(index, &before).await;

        self.must_apply(index, "it was to be applied").await;
        let seen_after = self.observed(index).await;
        let after = Outside::look(world).await;
        machine::knows(&self.command, self.authority, name, &before, &after);
        let acts = after != before;
        if acts {
            assert_eq!(
                (seen_before, seen_after),
                (Observed::NotDone, Observed::Done),
                "{name} changed what is outside, and its own look does not tell:\n{}",
                before.difference(&after)
            );
        } else if exception.is_none() {
            assert_eq!(seen_before, seen_after, "{name} says that it did something, and nothing of it is seen outside");
        }
        self.must_apply(index, "applied a second time").await;
        Outside::settles(world, &after, &format!("{name}: applying twice is as applying once")).await;
        assert_eq!(self.observed(index).await, seen_after, "{name}: applied twice");

        let undone = match exception {
            Some(Exception::Keeps | Exception::Waits) => &after,
            None => &before,
        };
        for round in ["undone", "undone a second time"] {
            self.must_undo(index, round).await;
            Outside::settles(world, undone, &format!("{name}: {round}")).await;
            if exception.is_none() {
                assert_eq!(self.observed(index).await, seen_before, "{name}: {round}");
            }
        }
        if acts && exception.is_none() {
            self.fail_to_undo(index, &before).await;
        }
        self.must_apply(index, "applied after it was undone").await;
        assert_eq!(self.observed(index).await, seen_after, "{name}: applied after it was undone");
        struck
    }

    /// Lets it fail in every way, and takes back what it had done.
    async fn fail(&mut self, index: usize, before: &Outside) -> usize {
        let (world, name) = (self.world, self.step(index).name());
        let mut struck = 0;
        let mut ended_before: Option<switchyard_rig::faults::Lost> = None;
        for fault in faults::all() {
            if matches!(fault, Fault::Cut(lost, _) if ended_before == Some(lost)) {
                continue;
            }
            let outcome = strike(world, fault, apply(&self.cx, self.step(index))).await;
            match &outcome.result {
                Ok(()) => {}
                Err(e) => self.reads_well(name, e),
            }
            if let (Fault::Cut(lost, _), false) = (fault, outcome.struck) {
                ended_before = Some(lost);
                assert!(outcome.result.is_ok(), "{name} failed although nothing was cut: {:?}", outcome.result);
            }
            struck += usize::from(outcome.struck);
            let why = format!("{name}: {fault:?}, then taken back");
            if self.step(index).is_inside_the_pause() {
                // The fence may have gone with its connection, so all of it is taken back, as the driver does.
                self.rewind(index, &why).await;
            } else {
                self.must_undo(index, &why).await;
                if exceptions::of(name).is_none() {
                    Outside::settles(world, before, &why).await;
                }
            }
        }
        struck
    }

    /// Puts something in its way that it has to refuse with a sentence, then takes it back.
    async fn wrong_preconditions(&mut self, index: usize, before: &Outside) {
        let (world, name) = (self.world, self.step(index).name());
        for obstacle in obstacles::of(name) {
            let standing = obstacle.put(world).await;
            let result = apply(&self.cx, self.step(index)).await;
            let Err(e) = result else { panic!("{name} did not mind that {}", obstacle.what) };
            self.reads_well(name, &e);
            assert!(e.to_string().contains(obstacle.told), "{name}: {} is not told: {e}", obstacle.what);
            self.must_undo(index, obstacle.what).await;
            standing.remove(world).await;
            Outside::settles(world, before, &format!("{name}: {}, then taken back", obstacle.what)).await;
        }
    }

    /// Lets its undo be cut off, and undoes it again.
    async fn fail_to_undo(&mut self, index: usize, before: &Outside) {
        for fault in faults::ON_UNDO {
            let why = format!("its undo met {fault:?}, and was called again");
            self.must_apply(index, &why).await;
            let step = self.step(index);
            if let Err(e) = strike(self.world, fault, step.undo(&self.cx)).await.result {
                self.reads_well(step.name(), &e);
            }
            self.must_undo(index, &why).await;
            Outside::settles(self.world, before, &format!("{}: {why}", step.name())).await;
        }
    }

    /// Takes everything of this run back, newest first, and does it again up to this step.
    async fn rewind(&mut self, index: usize, why: &str) {
        for i in (0..=index).rev() {
            self.must_undo(i, why).await;
        }
        Outside::settles(self.world, &self.before_run, why).await;
        self.cx = self.world.cx(self.cx.run).await;
        for i in 0..index {
            self.must_apply(i, why).await;
        }
    }

    /// The step after which there is no undo.
    async fn the_point(&mut self, index: usize) -> usize {
        let name = self.step(index).name();
        self.must_undo(index, "there is nothing to take back yet").await;
        let mut struck = 0;
        for fault in faults::all() {
            let outcome = strike(self.world, fault, apply(&self.cx, self.step(index))).await;
            match outcome.result {
                Ok(()) => break,
                Err(e) => self.reads_well(name, &e),
            }
            struck += 1;
            let past = self.world.book.catch_up().await.unwrap().open_run.is_some_and(|r| r.past_no_return);
            assert!(!past, "{name} failed, and the journal says that it is behind us");
            self.rewind(index, &format!("{name}: {fault:?}, then taken back")).await;
        }
        assert_eq!(self.observed(index).await, Observed::Done, "{name}");
        let before = self.world.book.state().await;
        self.must_apply(index, "applied a second time").await;
        let after = self.world.book.state().await;
        assert_eq!(
            (before.epoch, before.authority),
            (after.epoch, after.authority),
            "{name}: the point is passed once"
        );
        self.refuses_undo(index).await;
        struck
    }

    /// Nothing is taken back any more, and everything can be finished.
    async fn after_the_point(&mut self, index: usize) -> usize {
        let (world, name) = (self.world, self.step(index).name());
        let before = Outside::look(world).await;
        // What a later process would see: the point is behind it.
        self.cx.state = world.book.state().await.into();
        let mut struck = 0;
        let mut ended_before: Option<switchyard_rig::faults::Lost> = None;
        for fault in faults::all() {
            if matches!(fault, Fault::Cut(lost, _) if ended_before == Some(lost)) {
                continue;
            }
            let outcome = strike(world, fault, apply(&self.cx, self.step(index))).await;
            if let (Fault::Cut(lost, _), false) = (fault, outcome.struck) {
                ended_before = Some(lost);
            }
            if let Err(e) = &outcome.result {
                self.reads_well(name, e);
            }
            struck += usize::from(outcome.struck);
            self.finish(index, &format!("{name}: {fault:?}, then finished")).await;
        }
        self.must_apply(index, "applied once more").await;
        let after = Outside::look(world).await;
        machine::knows(&self.command, self.authority, name, &before, &after);
        self.must_apply(index, "applied again").await;
        Outside::settles(world, &after, &format!("{name}: applying again is harmless")).await;
        self.refuses_undo(index).await;
        Outside::settles(world, &after, &format!("{name}: a refused undo does nothing")).await;
        struck
    }

    /// As the product finishes a run after its point of no return: a new session, each step asked first.
    async fn finish(&mut self, index: usize, why: &str) {
        self.cx = self.world.cx(self.cx.run).await;
        for i in 0..=index {
            if self.observed(i).await == Observed::NotDone {
                self.must_apply(i, why).await;
            }
        }
    }

    async fn refuses_undo(&self, index: usize) {
        let step = self.step(index);
        let Err(e) = step.undo(&self.cx).await else {
            panic!("{} is not taken back after the point of no return, and says that it was", step.name())
        };
        self.reads_well(step.name(), &e);
    }

    /// A sentence for a person at night: what was being done, what went wrong, what to do; nobody's password.
    fn reads_well(&self, name: &str, e: &Error) {
        let text = format!("{e} | {}", e.remedy());
        if std::env::var_os("SWITCHYARD_SENTENCES").is_some() {
            println!("    {name}: {text}");
        }
        assert!(!e.doing.is_empty() && !e.why.is_empty() && !e.remedy().is_empty(), "{name}: {text}");
        for word in self.world.passwords.iter().map(String::as_str).chain(["sqlx", "Os {", "Some(", "RowNotFound"]) {
            assert!(!text.contains(word), "{name}: this is no sentence for a DBA, or tells too much: {text}");
        }
    }
}
