//! Which strategy fits: each with its downtime, its price and its way back, and the reason in numbers.
//!
//! The advice is the simplest strategy whose downtime fits twice over: an estimate is wrong by a factor sooner than by
//! a tenth, and a plan that just fits does not fit.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    Measured,
    span::{bytes, time},
};
use crate::migration::Strategy;

/// By how much the downtime has to stay below what is tolerated.
const MARGIN: f64 = 2.0;

/// From the first client held to the last one released, s, where no switch was measured: the deadline of a hold.
const PAUSE_S: f64 = 5.0;

/// What the team says of itself and of its application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Answers {
    /// How long the application may be without the database, s.
    pub downtime_s: f64,
    /// People who can attend to the move.
    pub team: u32,
    /// Shards of the source: databases that can be moved one after the other.
    pub shards: u32,
    /// Whether both ends are of the same engine.
    pub same_engine: bool,
}

/// One strategy, weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Weighed {
    /// Which.
    pub strategy: Strategy,
    /// How long writes stop, s; None when a speed was not measured.
    pub downtime_s: Option<f64>,
    /// Of what the downtime is made, in a sentence.
    pub downtime: String,
    /// From 1, one evening, to 5, a project.
    pub complexity: u8,
    /// What it is good for, by volume.
    pub volume: String,
    /// How one goes back.
    pub rollback: String,
    /// What stands in its way; empty when nothing does.
    pub against: Vec<String>,
    /// Whether Switchyard runs it.
    pub runs: bool,
}

impl Weighed {
    /// Whether it can be chosen, and its downtime fits.
    pub fn fits(&self) -> bool {
        self.against.is_empty()
    }
}

/// All of them, and the one that is advised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Advice {
    /// In order of their complexity.
    pub strategies: Vec<Weighed>,
    /// The simplest that fits; None when none does.
    pub advised: Option<Strategy>,
    /// Why, in numbers.
    pub why: String,
    /// Figures that were not measured, in sentences.
    pub missing: Vec<String>,
}

/// Weighs every strategy.
pub fn advise(measured: &Measured, answers: &Answers) -> Advice {
    let mut strategies =
        vec![offline(measured), blue_green(measured), live(measured, answers), rolling(measured, answers)];
    for weighed in &mut strategies {
        judge(weighed, answers);
    }
    let advised = strategies.iter().find(|w| w.fits()).map(|w| w.strategy);
    let why = why(&strategies, advised, measured, answers);
    Advice { strategies, advised, why, missing: missing(measured) }
}

fn judge(weighed: &mut Weighed, answers: &Answers) {
    match weighed.downtime_s {
        Some(s) if s * MARGIN > answers.downtime_s => weighed.against.push(format!(
            "It stops writes for {}, and {} are allowed: less than twice as much.",
            time(s),
            time(answers.downtime_s)
        )),
        Some(_) => {}
        None => weighed.against.push("How long it stops writes is not known: its speeds were not measured.".to_owned()),
    }
    // Rows could be carried across engines while nobody writes; this version's copy is the servers' own.
    weighed.runs &= answers.same_engine;
    if !answers.same_engine && weighed.strategy != Strategy::Offline {
        weighed.against.push("The engines differ, and native replication does not cross engines.".to_owned());
    }
}

fn offline(m: &Measured) -> Weighed {
    let parts = m.copy_s().zip(m.index_s());
    let downtime_s = parts.map(|(copy, index)| copy + index + m.verify_s() + PAUSE_S);
    let downtime = match parts {
        Some((copy, index)) => format!(
            "{} of rows at {}/s are {}, indexes {}, the comparison {}.",
            bytes(m.heap_bytes as f64),
            bytes(m.copy_bytes_per_s.unwrap_or_default()),
            time(copy),
            time(index),
            time(m.verify_s())
        ),
        None => "Copying, building indexes and comparing, all while nobody writes.".to_owned(),
    };
    Weighed {
        strategy: Strategy::Offline,
        downtime_s,
        downtime,
        complexity: 1,
        volume: "Small: the downtime grows with every row.".to_owned(),
        rollback: "Before the switch: writes are released, the source goes on. After it: the same switch back, nothing is lost.".to_owned(),
        // It copies and goes back by the same streams; only catching up is no matter while nobody writes.
        against: m.no_replication.clone(),
        runs: Strategy::Offline.runs(),
    }
}

/// The write pause of a switch, s, and where the figure is from.
fn pause(m: &Measured) -> (f64, String) {
    match m.pause_ms {
        Some(ms) => (ms / 1000.0, format!("One write pause: {} on this pair, measured.", time(ms / 1000.0))),
        None => (PAUSE_S, format!("One write pause: at most {}, then it is taken back.", time(PAUSE_S))),
    }
}

/// What stands in the way of everything that replicates.
fn against_replication(m: &Measured) -> Vec<String> {
    let mut against = m.no_replication.clone();
    if m.catch_up_s() == Some(f64::INFINITY) {
        against.push(format!(
            "The source writes {}/s into its log and the target takes {}/s: it would never catch up.",
            bytes(m.wal_bytes_per_s.unwrap_or_default()),
            bytes(m.copy_bytes_per_s.unwrap_or_default())
        ));
    }
    against
}

fn blue_green(m: &Measured) -> Weighed {
    let (s, said) = pause(m);
    Weighed {
        strategy: Strategy::BlueGreen,
        downtime_s: Some(s),
        downtime: format!("{said} Reads and writes move in it at once."),
        complexity: 2,
        volume: caught_up(m),
        rollback: "The same switch back: the way back is open from the first write on, nothing is lost. Every reader has then been on \
                   the target."
            .to_owned(),
        against: against_replication(m),
        runs: Strategy::BlueGreen.runs(),
    }
}

fn live(m: &Measured, a: &Answers) -> Weighed {
    let (s, said) = pause(m);
    let mut against = against_replication(m);
    if a.team < 2 {
        against.push("The ladder of reads is watched for days, and one person sleeps.".to_owned());
    }
    Weighed {
        strategy: Strategy::Live,
        downtime_s: Some(s),
        downtime: format!("{said} Reads move before, by percent, without any."),
        complexity: 3,
        volume: caught_up(m),
        rollback: "Reads return within a second at any percent; writes by the same switch back, nothing is lost."
            .to_owned(),
        against,
        runs: Strategy::Live.runs(),
    }
}

fn rolling(m: &Measured, a: &Answers) -> Weighed {
    let (s, said) = pause(m);
    let mut against = against_replication(m);
    if a.shards < 2 {
        against.push("The source is one database: there are no shards to move one after the other.".to_owned());
    }
    if a.team < 3 {
        against
            .push(format!("Shards on both sides for weeks want at least three people, and the team is of {}.", a.team));
    }
    Weighed {
        strategy: Strategy::Rolling,
        downtime_s: Some(s),
        downtime: format!("{said} Once per shard, each for its own clients."),
        complexity: 5,
        volume: "The largest: each shard is a move of its own.".to_owned(),
        rollback: "Shard by shard, by the same switch back.".to_owned(),
        against,
        runs: Strategy::Rolling.runs(),
    }
}

fn caught_up(m: &Measured) -> String {
    match m.catch_up_s() {
        Some(s) if s.is_finite() => {
            format!("Any: copied and caught up after {} while the application goes on.", time(s))
        }
        Some(_) | None => "Any that catches up: the application goes on meanwhile.".to_owned(),
    }
}

fn why(all: &[Weighed], advised: Option<Strategy>, m: &Measured, a: &Answers) -> String {
    let volume = format!("{} rows in {}", m.rows, bytes((m.heap_bytes + m.index_bytes) as f64));
    let allowed = time(a.downtime_s);
    let simpler: Vec<String> = all
        .iter()
        .take_while(|w| Some(w.strategy) != advised)
        .filter_map(|w| w.against.first().map(|why| format!("{}: {why}", name(w.strategy))))
        .collect();
    let simpler =
        if simpler.is_empty() { String::new() } else { format!(" Not the simpler ones. {}", simpler.join(" ")) };
    match all.iter().find(|w| Some(w.strategy) == advised) {
        Some(w) => {
            let downtime = w.downtime_s.map(time).unwrap_or_default();
            format!("{volume}; {allowed} of downtime are allowed, {} needs {downtime}.{simpler}", name(w.strategy))
        }
        None => format!("{volume}; {allowed} of downtime are allowed, and no strategy fits.{simpler}"),
    }
}

/// The strategy's name, as the screen writes it.
pub fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Offline => "Offline cutover",
        Strategy::BlueGreen => "Blue-green",
        Strategy::Rolling => "Rolling",
        Strategy::Live => "Live",
    }
}

fn missing(m: &Measured) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |known: bool, what: &str| {
        if !known {
            out.push(what.to_owned());
        }
    };
    say(m.copy_bytes_per_s.is_some(), "The copy's speed was not measured.");
    say(m.index_bytes_per_s.is_some(), "The speed of building indexes was not measured.");
    say(m.wal_bytes_per_s.is_some(), "How fast the source writes its log was not measured.");
    say(m.verify_rows_per_s.is_some(), "The comparison's speed was not measured: 300 000 rows/s are assumed.");
    say(m.pause_ms.is_some(), "No switch was measured on this pair: the hold's deadline stands for its pause.");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Measured {
        Measured {
            tables: 10,
            rows: 1_000_000,
            heap_bytes: 1_000_000_000,
            index_bytes: 500_000_000,
            wal_bytes_per_s: Some(1e5),
            copy_bytes_per_s: Some(1e8),
            index_bytes_per_s: Some(1e8),
            verify_rows_per_s: Some(1e6),
            pause_ms: Some(60.0),
            ..Measured::default()
        }
    }

    fn answers(downtime_s: f64) -> Answers {
        Answers { downtime_s, team: 2, shards: 1, same_engine: true }
    }

    #[test]
    fn the_simplest_that_fits_twice_over_is_advised() {
        // Copy 10 s, indexes 5 s, comparison 1 s, pause 5 s: 21 s.
        let advised = |s: f64| advise(&small(), &answers(s)).advised;
        assert_eq!(advised(42.0), Some(Strategy::Offline), "exactly twice");
        assert_eq!(advised(41.0), Some(Strategy::BlueGreen), "21 s fit into 41, but not twice");
        assert_eq!(advised(0.12), Some(Strategy::BlueGreen));
        assert_eq!(advised(0.1), None, "no switch is twice as fast as that");
    }

    #[test]
    fn the_reason_is_in_numbers() {
        let why = advise(&small(), &answers(30.0)).why;
        assert!(why.contains("1000000 rows in 1.5 GB") && why.contains("30 s") && why.contains("21 s"), "{why}");
    }

    #[test]
    fn a_source_that_writes_faster_than_it_can_be_copied_is_not_replicated() {
        let m = Measured { wal_bytes_per_s: Some(2e8), ..small() };
        let advice = advise(&m, &answers(10.0));
        assert_eq!(advice.advised, None);
        let blue = advice.strategies.iter().find(|w| w.strategy == Strategy::BlueGreen).unwrap();
        assert!(blue.against.iter().any(|a| a.contains("200 MB/s") && a.contains("100 MB/s")), "{:?}", blue.against);
    }

    #[test]
    fn other_engines_leave_the_offline_cutover() {
        let a = Answers { same_engine: false, ..answers(3_600.0) };
        let fits: Vec<Strategy> =
            advise(&small(), &a).strategies.iter().filter(|w| w.fits()).map(|w| w.strategy).collect();
        assert_eq!(fits, [Strategy::Offline]);
    }

    #[test]
    fn shards_and_people_decide_about_rolling() {
        let rolling = |a: &Answers| {
            let advice = advise(&small(), a);
            advice.strategies.iter().find(|w| w.strategy == Strategy::Rolling).unwrap().against.len()
        };
        assert_eq!(rolling(&answers(60.0)), 2, "one database, two people");
        assert_eq!(rolling(&Answers { shards: 8, team: 4, ..answers(60.0) }), 0);
    }

    #[test]
    fn what_was_not_measured_is_told_and_stands_in_the_way() {
        let m = Measured { copy_bytes_per_s: None, pause_ms: None, ..small() };
        let advice = advise(&m, &answers(1e6));
        assert_eq!(advice.missing.len(), 2, "{:?}", advice.missing);
        assert!(advice.strategies.iter().any(|w| w.strategy == Strategy::Offline && !w.fits()));
    }
}
