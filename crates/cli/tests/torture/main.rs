//! Torture: an application writes, a switch or its way back goes on, one fault comes at one point, another process recovers, and
//! everything that was promised is checked. The choice follows from a seed, so each run can be repeated.
//!
//! `make test` runs each case that ever failed, and each kind of fault once that has no test of its own; `make torture` runs as
//! many as one likes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

#[path = "../ctl/mod.rs"]
mod ctl;

mod arena;
mod case;
mod fault;
mod forgetful;
mod links;
mod moment;
mod point;
mod run;
mod seeds;
mod table;
mod verdict;
mod walk;
mod writers;

use arena::Arena;
use case::{Case, Dice};
use run::Told;
use table::Table;

/// After so many runs all rows of both sides are compared.
const COMPARED: usize = 10;

/// What came of cases, and of the comparisons of all rows in between.
#[derive(Default)]
struct Runs {
    told: Vec<(Case, Told)>,
    wrong: Vec<String>,
}

impl Runs {
    fn take(&mut self, case: Case, told: Told) {
        let mut text = format!("{case}  [seed {}]\n       {told}", case.seed);
        for what in &told.wrong {
            text += &format!("\nWRONG: {what}\n       repeat it: make torture RUNS=1 SEED={}", case.seed);
            self.wrong.push(format!("{case} [seed {}]: {what}", case.seed));
        }
        println!("{text}");
        self.told.push((case, told));
    }

    /// All rows of both sides; answers whether something differs.
    fn compare(&mut self, arena: &Arena) -> bool {
        let Some(what) = arena.rows_differ() else { return false };
        let seeds: Vec<u64> = self.told.iter().rev().take(COMPARED).map(|(case, _)| case.seed).collect();
        let what = format!("rows differ after the seeds {seeds:?}, newest first: {what}");
        println!("WRONG: {what}");
        self.wrong.push(what);
        true
    }

    /// The table first: it is what a person wants to see of a failure, too.
    fn judge(self) {
        println!("{}", Table::of(self.told));
        assert!(self.wrong.is_empty(), "what was promised does not hold:\n{}", self.wrong.join("\n"));
    }
}

/// Runs these, one after the other, on the same servers.
async fn torture(cases: impl Iterator<Item = Case>) -> Runs {
    let (mut arena, mut runs) = (Arena::open().await, Runs::default());
    for (number, case) in cases.enumerate() {
        let told = run::run(&arena, &case).await;
        let is_wrong = !told.wrong.is_empty();
        runs.take(case, told);
        // What went wrong once would be found again in every run that follows.
        if is_wrong || number % COMPARED == COMPARED - 1 && runs.compare(&arena) {
            drop(arena);
            arena = Arena::open().await;
        }
    }
    runs.compare(&arena);
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_fault_and_each_case_that_ever_failed() {
    torture(seeds::kept().chain(seeds::one_of_each_kind())).await.judge();
}

#[test]
fn a_seed_means_the_same_case_for_ever() {
    for kept in seeds::KEPT {
        assert_eq!(Case::of(kept.seed).to_string(), kept.case, "the seed was kept for this case: {}", kept.why);
    }
}

/// `make torture RUNS=n SEED=s JOBS=j`; with one run the seed is the case's own. Each job has servers of its own.
#[test]
#[ignore = "as long as one likes: make torture"]
fn random_runs() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let runs = number("TORTURE_RUNS").unwrap_or(30);
    let seed = number("TORTURE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let jobs = usize::try_from(number("TORTURE_JOBS").unwrap_or(1).max(1)).unwrap();
    println!("{runs} runs; all of them again: make torture RUNS={runs} SEED={seed}");
    let mut dice = Dice::of(seed);
    let seeds: Vec<u64> = if runs == 1 { vec![seed] } else { (0..runs).map(|_| dice.seed()).collect() };
    let started: Vec<_> = (0..jobs)
        .map(|job| {
            let cases: Vec<Case> = seeds.iter().skip(job).step_by(jobs).map(|seed| Case::of(*seed)).collect();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            std::thread::spawn(move || runtime.block_on(torture(cases.into_iter())))
        })
        .collect();
    let mut all = Runs::default();
    for job in started {
        let runs = job.join().unwrap();
        all.told.extend(runs.told);
        all.wrong.extend(runs.wrong);
    }
    all.judge();
}
