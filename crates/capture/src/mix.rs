//! Load as it was captured: whole transactions with their own values, drawn as often as they came.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;
use switchyard_load::{Mix, Script, script::Step};

use crate::{
    fit::{Bounds, Kinds},
    record::Captured,
    survey::NO_VALUES,
};

/// Transactions that are kept to draw from.
const KEPT: usize = 20_000;
/// A transaction with more statements than this is left out.
const STATEMENTS: usize = 2_000;
/// And one with more bytes.
const BYTES: usize = 4 << 20;
/// All that are kept have at most so many bytes.
const ALL_BYTES: usize = 256 << 20;

/// What a capture comes to as load.
#[derive(Debug)]
pub struct Mixed {
    /// What is drawn from.
    pub mix: Mix,
    /// What it was drawn from.
    pub about: About,
}

/// What load was drawn from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// Transactions of the capture that can be drawn.
    pub transactions: u64,
    /// Of these so many are kept, each as likely as any other.
    pub kept: usize,
    /// Transactions that began each second.
    pub per_second: f64,
    /// Transactions that ran at once, at most.
    pub most_at_once: usize,
    /// How long it was captured, s.
    pub seconds: f64,
    /// Transactions that are left out, by why.
    pub left_out: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Open {
    steps: Vec<Captured>,
    bytes: usize,
    in_transaction: bool,
    why_not: Option<&'static str>,
}

struct Gathered {
    rng: StdRng,
    kept: Vec<(Script, usize)>,
    bytes: usize,
    room: usize,
    transactions: u64,
    left_out: BTreeMap<String, u64>,
    ends: BinaryHeap<Reverse<i64>>,
    most_at_once: usize,
}

impl Mixed {
    /// Of statements in the order of their starts.
    ///
    /// # Errors
    /// A sentence when nothing in it can be drawn.
    pub fn of(all: impl Iterator<Item = Captured>, seed: u64) -> Result<Mixed, String> {
        let mut gathered = Gathered {
            rng: StdRng::seed_from_u64(seed),
            kept: Vec::new(),
            bytes: 0,
            room: KEPT,
            transactions: 0,
            left_out: BTreeMap::new(),
            ends: BinaryHeap::new(),
            most_at_once: 0,
        };
        let (mut kinds, mut open) = (Kinds::default(), HashMap::<String, Open>::new());
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        // Questions of ours are nothing that the application sent.
        for one in all.filter(|one| one.answer.is_none()) {
            (from, to) = (from.min(one.at_us), to.max(one.end_us()));
            let kind = kinds.of(&one.text);
            let session = one.session.clone();
            let of = open.entry(session.clone()).or_default();
            let failed = one.sqlstate.is_some().then_some("A statement of it had failed.");
            let unknown = one.parameters.is_none().then_some(NO_VALUES);
            of.why_not = of.why_not.or(kind.unfit).or(unknown).or(failed);
            of.bytes += one.bytes();
            if of.steps.len() >= STATEMENTS || of.bytes > BYTES {
                of.why_not = Some("It is longer than a transaction of a load may be.");
                // What bounds it is still needed.
                of.steps.truncate(1);
            }
            of.steps.push(one);
            match kind.bounds {
                Bounds::Begins => of.in_transaction = true,
                Bounds::Ends => of.in_transaction = false,
                Bounds::Mixed => of.why_not = Some("It begins or ends within one text of several statements."),
                Bounds::Nothing => {}
            }
            if !of.in_transaction
                && let Some(whole) = open.remove(&session)
            {
                gathered.take(whole);
            }
        }
        for torn in open.into_values() {
            gathered.leave_out(torn.why_not.unwrap_or("Its end is not in the capture."));
        }
        gathered.mixed(to.saturating_sub(from).max(1) as f64 / 1e6)
    }
}

impl Gathered {
    fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_owned()).or_default() += 1;
    }

    fn take(&mut self, whole: Open) {
        let (Some(first), Some(last)) = (whole.steps.first(), whole.steps.last()) else { return };
        let (began, ended) = (first.at_us, last.end_us());
        if let Some(why) = whole.why_not {
            return self.leave_out(why);
        }
        // A commit alone, as drivers send it: nothing that a load is made of.
        if whole.steps.len() == 1 && Kinds::default().of(&first.text).bounds != Bounds::Nothing {
            return self.leave_out("It ends a transaction whose begin is not in the capture.");
        }
        self.transactions += 1;
        while self.ends.peek().is_some_and(|Reverse(end)| *end < began) {
            self.ends.pop();
        }
        self.ends.push(Reverse(ended));
        self.most_at_once = self.most_at_once.max(self.ends.len());
        self.keep(whole);
    }

    /// Each transaction is kept as likely as any other, however many come.
    fn keep(&mut self, whole: Open) {
        let bytes = whole.bytes;
        let script = || {
            let step = |one: Captured| Step::Given { text: one.text, parameters: one.parameters.unwrap_or_default() };
            Script { name: "captured".to_owned(), steps: whole.steps.into_iter().map(step).collect() }
        };
        if self.kept.len() < self.room {
            self.bytes += bytes;
            self.kept.push((script(), bytes));
            if self.bytes > ALL_BYTES {
                self.room = self.kept.len();
            }
            return;
        }
        let at = self.rng.random_range(0..self.transactions);
        if let Some(place) = usize::try_from(at).ok().and_then(|at| self.kept.get_mut(at)) {
            *place = (script(), bytes);
        }
    }

    fn mixed(self, seconds: f64) -> Result<Mixed, String> {
        let why_not: Vec<String> = self.left_out.iter().map(|(why, n)| format!("{n}: {why}")).collect();
        if self.kept.is_empty() {
            let why = if why_not.is_empty() { "It is empty.".to_owned() } else { why_not.join(" ") };
            return Err(format!("No transaction of the capture can be run as load. {why}"));
        }
        let about = About {
            transactions: self.transactions,
            kept: self.kept.len(),
            per_second: self.transactions as f64 / seconds,
            most_at_once: self.most_at_once,
            seconds,
            left_out: self.left_out,
        };
        let mix = Mix::of(self.kept.into_iter().map(|(script, _)| (script, 1)).collect())?;
        Ok(Mixed { mix, about })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(n: u64, session: &str, text: &str) -> Captured {
        Captured {
            at_us: n as i64 * 100_000,
            n,
            session: session.to_owned(),
            user: String::new(),
            database: String::new(),
            application: String::new(),
            text: text.to_owned(),
            parameters: Some(Vec::new()),
            duration_us: Some(50_000),
            sqlstate: None,
            answer: None,
        }
    }

    #[test]
    fn whole_transactions_are_drawn_with_their_own_values() {
        let mut failed = one(7, "c", "SELECT 1/0");
        failed.sqlstate = Some("22012".to_owned());
        let mut unknown = one(8, "c", "SELECT $1");
        unknown.parameters = None;
        let all = vec![
            one(0, "a", "BEGIN"),
            one(1, "b", "SELECT 1"),
            one(2, "a", "UPDATE t SET n = 1"),
            one(3, "a", "COMMIT"),
            one(4, "b", "BEGIN"),
            one(5, "b", "SELECT 2"),
            one(6, "c", "COMMIT"),
            failed,
            unknown,
            one(9, "c", "COPY t FROM STDIN"),
            Captured { answer: Some(Box::default()), ..one(9, "switchyard", "SELECT 3") },
        ];
        let mixed = Mixed::of(all.into_iter(), 1).unwrap();
        let mut lengths: Vec<usize> = mixed.mix.scripts().map(|s| s.steps.len()).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [1, 3], "one statement alone, and one transaction of three");
        assert_eq!((mixed.about.transactions, mixed.about.most_at_once), (2, 2), "{:?}", mixed.about);
        assert_eq!(mixed.about.left_out.values().sum::<u64>(), 5, "each with its reason: {:?}", mixed.about);
        assert!((mixed.about.per_second - 2.0 / 0.95).abs() < 0.01, "{}", mixed.about.per_second);
    }

    #[test]
    fn of_a_capture_without_anything_to_run_it_is_said_why() {
        let why = Mixed::of([one(0, "a", "COPY t FROM STDIN")].into_iter(), 1).unwrap_err();
        assert!(why.contains("No transaction") && why.contains("COPY"), "{why}");
        assert!(Mixed::of(std::iter::empty(), 1).unwrap_err().contains("empty"));
    }
}
