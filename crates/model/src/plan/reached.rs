//! What of a plan is done, as the journal tells it: which tasks ended, and when they really did.
//!
//! The first good end of a command counts: an analysis that is made again later does not move the day on which the first was made.

use std::collections::BTreeMap;

use crate::{
    Command, Side, UnixMs,
    journal::{Entry, Outcome, Recorded},
    state::State,
    validation::TableOutcome,
};

/// When each task ended, by the task's id.
pub fn reached(entries: &[Recorded], state: &State, now: UnixMs) -> BTreeMap<String, UnixMs> {
    let mut ends = BTreeMap::new();
    let mut running: Option<&Command> = None;
    for recorded in entries {
        match &recorded.entry {
            Entry::RunStarted { command, .. } => running = Some(command),
            Entry::RunEnded { outcome, .. } => {
                if *outcome == Outcome::Done
                    && let Some(command) = running.take()
                {
                    for task in ended_by(command) {
                        ends.entry((*task).to_owned()).or_insert(recorded.at);
                    }
                }
            }
            Entry::Validated { validation, .. } => {
                let equal = validation.tables.iter().all(|t| t.outcome == TableOutcome::Equal);
                if equal {
                    ends.entry("validation".to_owned()).or_insert(recorded.at);
                } else {
                    // What was equal once and is no more has to be looked at again.
                    ends.remove("validation");
                }
            }
            // Shadow reads and performance are in no entry: an operator says when they ended, or the cutover leaves them behind.
            Entry::Created { .. }
            | Entry::LimitsChanged { .. }
            | Entry::MetricSet { .. }
            | Entry::MetricRemoved { .. }
            | Entry::StepStarted { .. }
            | Entry::StepDone { .. }
            | Entry::StepSkipped { .. }
            | Entry::StepFailed { .. }
            | Entry::UndoStarted { .. }
            | Entry::UndoDone { .. }
            | Entry::UndoFailed { .. }
            | Entry::Scoped { .. }
            | Entry::PointOfNoReturn { .. }
            | Entry::Routed { .. }
            | Entry::Repaired { .. }
            | Entry::Recovered { .. }
            | Entry::SignedOff { .. }
            | Entry::DifferenceAccepted { .. }
            | Entry::DifferenceTakenBack { .. }
            | Entry::Overridden { .. }
            | Entry::DrillAsked { .. }
            | Entry::DrillBegan { .. }
            | Entry::DrillEnded { .. }
            | Entry::DrillsScheduled { .. }
            | Entry::DualWrite { .. }
            | Entry::IndexAsked { .. }
            | Entry::IndexEnded { .. }
            | Entry::SoakBroken { .. }
            | Entry::SoakMended
            | Entry::TransactionEndAsked { .. }
            | Entry::LeaseTaken { .. } => {}
        }
    }
    // A rollback takes the cutover back, so the state decides and not its first time.
    ends.remove("cutover");
    if state.authority == Side::Target {
        let since = state.authority_since;
        ends.insert("cutover".to_owned(), since);
        let kept = since + i64::from(state.limits().receive_only_s) * 1000;
        let over = state.milestones.cleaned.map_or(kept, |cleaned| cleaned.min(kept));
        if over <= now {
            ends.insert("receive_only".to_owned(), over);
        }
    }
    ends
}

/// The tasks that the good end of a command ends.
fn ended_by(command: &Command) -> &'static [&'static str] {
    match command {
        Command::Analyze => &["discovery"],
        Command::Prepare => &["compatibility"],
        // It returns once everything is copied and both streams run.
        Command::Replicate => &["dual_write", "copy"],
        Command::Cleanup { .. } => &["cleanup"],
        Command::Hold
        | Command::Release
        | Command::Validate
        | Command::Repair { .. }
        | Command::ShiftReads { .. }
        | Command::SwitchWrites
        | Command::RollBack => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ident::TableName,
        journal::{Recorded, Stopwatch},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        router::Route,
        state::replay,
        validation::{TableResult, Validation},
    };

    const NOW: UnixMs = 1_000_000;

    /// Entries, a second apart from the next hundred on.
    fn journal(entries: Vec<Entry>) -> Vec<Recorded> {
        let spec = MigrationSpec {
            name: "shop".into(),
            strategy: Strategy::Live,
            source: "a".into(),
            target: "b".into(),
            routers: Vec::new(),
            limits: Limits { receive_only_s: 100, ..Limits::demo() },
        };
        let all = std::iter::once(Entry::Created { spec }).chain(entries);
        let recorded = all.enumerate().map(|(i, entry)| Recorded {
            seq: i as i64 + 1,
            at: (i as i64 + 1) * 100,
            by: "ann".into(),
            generation: 1,
            entry,
        });
        recorded.collect()
    }

    /// A run that ended; its number is that of its first entry.
    fn run(number: i64, command: Command, outcome: Outcome, between: Vec<Entry>) -> Vec<Entry> {
        let started = Entry::RunStarted { command, reason: String::new(), gates: Vec::new() };
        let ended = Entry::RunEnded { run: number, outcome, summary: String::new(), stopwatch: None::<Stopwatch> };
        std::iter::once(started).chain(between).chain(std::iter::once(ended)).collect()
    }

    fn ends(entries: Vec<Entry>) -> BTreeMap<String, UnixMs> {
        let journal = journal(entries);
        reached(&journal, &replay(&journal).unwrap(), NOW)
    }

    fn validated(run: i64, outcome: TableOutcome) -> Entry {
        let table = TableName { schema: "public".into(), name: "t".into() };
        let result = TableResult { table, rows_source: 1, rows_target: 1, outcome, ms: 1, at: 1 };
        Entry::Validated { run, validation: Validation { tables: vec![result], at: 1, ms: 1 } }
    }

    #[test]
    fn the_first_good_end_of_a_command_counts() {
        let mut all = run(2, Command::Analyze, Outcome::Failed, vec![]);
        all.extend(run(4, Command::Analyze, Outcome::Done, vec![]));
        all.extend(run(6, Command::Analyze, Outcome::Done, vec![]));
        all.extend(run(8, Command::Replicate, Outcome::Done, vec![]));
        let ends = ends(all);
        assert_eq!(ends.get("discovery"), Some(&500), "neither the failed one nor the one that was made again");
        assert_eq!((ends.get("dual_write"), ends.get("copy")), (Some(&900), Some(&900)), "one command ends both");
        assert_eq!(ends.get("cutover"), None, "nothing was switched");
    }

    #[test]
    fn a_validation_that_no_longer_holds_is_not_done() {
        let equal = run(2, Command::Validate, Outcome::Done, vec![validated(2, TableOutcome::Equal)]);
        assert_eq!(ends(equal.clone()).get("validation"), Some(&300));
        let mut all = equal;
        let different = TableOutcome::Different { why: "one row".into() };
        all.extend(run(5, Command::Validate, Outcome::Done, vec![validated(5, different)]));
        assert_eq!(ends(all).get("validation"), None, "it was equal once");
    }

    #[test]
    fn the_switch_is_done_while_the_target_has_the_authority() {
        let route = |reads_on_target, writes| Route { reads_on_target, writes };
        let mut all = run(
            2,
            Command::SwitchWrites,
            Outcome::Done,
            vec![
                Entry::PointOfNoReturn { run: 2, epoch: 2, authority: Side::Target },
                Entry::Routed { run: 2, route: route(100, Side::Target) },
            ],
        );
        let forward = ends(all.clone());
        let (cutover, performance) = (forward.get("cutover"), forward.get("performance"));
        assert_eq!((cutover, performance), (Some(&300), None), "traffic on the target proves no shadow read");
        assert_eq!(forward.get("receive_only"), Some(&100_300), "the limits keep the way back for 100 s");
        all.extend(run(
            6,
            Command::RollBack,
            Outcome::Done,
            vec![Entry::PointOfNoReturn { run: 6, epoch: 3, authority: Side::Source }],
        ));
        let back = ends(all);
        assert_eq!((back.get("cutover"), back.get("receive_only")), (None, None), "a rollback takes it back");
    }
}
