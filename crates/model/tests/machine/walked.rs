//! The machine's journal beside the real one: what a walk through the machine writes is replayed by `State`, and after each move
//! both say the same. So what the explored machine decides is what the engine decides.

use switchyard_model::{
    Command, Side,
    hold::REFUSE_WRITES,
    journal::{Entry, Outcome, Recorded, RunId, Scope},
    limits::Limits,
    machine::{Ask, Drive, Left, Machine, Mode, Move, Program, Rules},
    migration::{MigrationSpec, Strategy},
    router::Route,
    state::{State, replay},
};

const WALKS: u64 = 3_000;
const MOVES: usize = 140;

/// The real journal.
struct Book {
    state: State,
    run: RunId,
}

impl Book {
    /// Replication runs.
    fn new(offline: bool) -> Book {
        let spec = MigrationSpec {
            name: "shop".into(),
            strategy: if offline { Strategy::Offline } else { Strategy::Live },
            source: "a".into(),
            target: "b".into(),
            routers: vec![],
            limits: Limits::demo(),
        };
        let created = Recorded { seq: 1, at: 1, by: "ann".into(), generation: 1, entry: Entry::Created { spec } };
        let mut book = Book { state: replay(&[created]).unwrap(), run: 0 };
        for command in [Command::Analyze, Command::Prepare, Command::Replicate] {
            book.start(command);
            let scope = Scope { fence: vec![], ..Scope::default() };
            book.add(Entry::Scoped { run: book.run, scope });
            book.end(Outcome::Done);
        }
        book
    }

    /// Reads move before the writes, where the strategy has it so. The machine leaves reads out.
    fn climb(&mut self) {
        while let Some(percent) = self.state.next_rung() {
            self.start(Command::ShiftReads { percent });
            let route = Route { reads_on_target: percent, writes: Side::Source };
            self.add(Entry::Routed { run: self.run, route });
            self.end(Outcome::Done);
        }
    }

    fn add(&mut self, entry: Entry) {
        let seq = self.state.seq + 1;
        let recorded = Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry };
        self.state.take(&recorded).unwrap_or_else(|e| panic!("the journal does not follow from itself: {e:?}"));
    }

    fn start(&mut self, command: Command) {
        self.state.allows(&command).unwrap_or_else(|why| panic!("the machine began {command:?}, and the state: {why}"));
        self.run = self.state.seq + 1;
        self.add(Entry::RunStarted { command, reason: String::new(), gates: vec![] });
    }

    fn end(&mut self, outcome: Outcome) {
        self.add(Entry::RunEnded { run: self.run, outcome, summary: String::new(), stopwatch: None });
    }

    /// What the move wrote.
    fn follow(&mut self, rules: &Rules, happens: Move, before: &Machine, after: &Machine) {
        if let Move::Ask(_, ask, _) = happens {
            if ask == Ask::SwitchWrites {
                self.climb();
            }
            self.start(match ask {
                Ask::SwitchWrites => Command::SwitchWrites,
                Ask::RollBack => Command::RollBack,
                Ask::Hold => Command::Hold,
                Ask::Release => Command::Release,
            });
        }
        for (was, is) in before.drivers.iter().zip(&after.drivers) {
            let announced = is.drive().filter(|d| d.announced && !was.drive().is_some_and(|w| w.announced));
            if let Some(drive) = announced {
                let effect = rules.steps(drive.run.program)[usize::from(drive.at)];
                self.add(Entry::StepStarted { run: self.run, step: effect.word().into(), actions: vec![] });
            }
        }
        let passes = |m: &Machine| m.journal.run.is_some_and(|r| r.past);
        if passes(after) && !passes(before) {
            let (epoch, authority) = (i64::from(after.journal.epoch), after.journal.authority);
            self.add(Entry::PointOfNoReturn { run: self.run, epoch, authority });
            // As the watch of a real switch does; reads have moved along.
            let reads_on_target = if authority == Side::Target { 100 } else { 0 };
            self.add(Entry::Routed { run: self.run, route: Route { reads_on_target, writes: authority } });
        }
        if before.journal.run.is_some() && after.journal.run.is_none() {
            let Move::Step(d) = happens else { panic!("a run was ended by {happens:?}") };
            self.close(before.drivers[usize::from(d)].drive().unwrap());
        }
    }

    fn close(&mut self, drive: &Drive) {
        if drive.refuses_still {
            let why = "the source did not answer".to_owned();
            self.add(Entry::UndoFailed { run: self.run, step: REFUSE_WRITES.into(), why: why.clone(), remedy: why });
        }
        self.end(match drive.mode {
            Mode::Undo if drive.refuses_still => Outcome::Failed,
            Mode::Undo => Outcome::Undone,
            Mode::Forward | Mode::Finish => Outcome::Done,
        });
    }

    fn agrees(&self, m: &Machine) {
        let (state, journal) = (&self.state, &m.journal);
        assert_eq!((state.epoch, state.authority), (i64::from(journal.epoch), journal.authority));
        assert_eq!(state.held.is_some(), journal.held, "whether writes are held");
        assert_eq!(state.recovery(), journal.run.map(|run| run.recovery()), "what recovery does");
        assert_eq!(
            state.open_run.as_ref().map(|run| run.past_no_return),
            journal.run.map(|run| run.past),
            "whether the point of no return is behind the open run"
        );
        if journal.held_clients {
            assert!(state.clients_held_until.is_some(), "a late pause would be taken for somebody else's");
        }
        if let (Some(run), Some(open)) = (journal.run, &state.open_run) {
            assert!(open.command.holds_clients() || !run.program.holds_clients(), "{:?}", open.command);
            assert!(run.program != Program::Switch || run.winner != state.authority || run.past);
        }
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

#[test]
fn the_journal_of_every_walk_is_the_real_one() {
    let (mut moves, mut ended) = (0, 0);
    for walk in 0..WALKS {
        let (offline, mut dice) = (walk % 2 == 1, Dice(walk));
        let rules = Rules::engine(offline);
        let mut m = Machine::new(Left { faults: 4, commands: 5, writes: 2 });
        let mut book = Book::new(offline);
        for _ in 0..MOVES {
            let all = m.moves(&rules);
            // Mostly what gets on with it, so that walks get somewhere.
            let steps: Vec<Move> =
                all.iter().copied().filter(|m| matches!(m, Move::Step(_) | Move::Ask(..) | Move::Pick(_))).collect();
            let from = if steps.is_empty() || dice.below(8) == 0 { &all } else { &steps };
            if from.is_empty() {
                break;
            }
            let happens = from[dice.below(from.len())];
            let after = m.after(&rules, happens).unwrap();
            book.follow(&rules, happens, &m, &after);
            ended += usize::from(m.journal.run.is_some() && after.journal.run.is_none());
            m = after;
            book.agrees(&m);
            moves += 1;
        }
    }
    println!("{moves} moves, {ended} runs ended");
    assert!(ended > 3_000, "walks that end no run compare little: {ended}");
}
