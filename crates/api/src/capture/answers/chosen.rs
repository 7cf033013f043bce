//! Which reads are asked again: the first of each statement always, then those of the statements that were asked least.

use std::collections::{BTreeMap, HashMap};

use switchyard_capture::Captured;
use switchyard_queries::shape::{Does, Shape};
use switchyard_shadow::{Question, Sample, Skip};
use tokio::time::Instant;

/// Statements that are kept apart.
const MOST_SHAPES: usize = 5_000;
/// Reads of one look at the log that may be chosen; the rest of it is left out.
const MOST_READS: usize = 2_000;
/// A read that took longer is not asked again, µs.
const SLOW_US: u64 = 2_000_000;

/// What is chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    rate: u32,
    /// Questions that may be asked now; below 0 where first ones were more than that.
    allowed: f64,
    since: Instant,
    shapes: HashMap<String, Known>,
    round: Vec<(String, Captured)>,
    /// Of the round that was handed out, in its order.
    handed: Vec<String>,
    beyond_rate: u64,
    slow: u64,
    skipped: BTreeMap<Skip, u64>,
}

#[derive(Debug)]
struct Known {
    unfit: Option<Skip>,
    asked: u64,
}

impl Chosen {
    pub(super) fn at(rate: u32) -> Chosen {
        Chosen {
            rate,
            allowed: f64::from(rate),
            since: Instant::now(),
            shapes: HashMap::new(),
            round: Vec::new(),
            handed: Vec::new(),
            beyond_rate: 0,
            slow: 0,
            skipped: BTreeMap::new(),
        }
    }

    /// A statement of this round.
    pub(super) fn saw(&mut self, one: &Captured) {
        if one.sqlstate.is_some() || one.answer.is_some() || one.application.starts_with("switchyard") {
            return;
        }
        let id = Shape::id_of(&one.text);
        if !self.shapes.contains_key(&id) {
            if self.shapes.len() >= MOST_SHAPES {
                return;
            }
            self.shapes.insert(id.clone(), Known::of(one));
        }
        match self.shapes.get(&id).map(|known| known.unfit) {
            // What does not read is nobody's question.
            Some(Some(Skip::NotARead)) | None => {}
            Some(Some(skip)) => *self.skipped.entry(skip).or_default() += 1,
            Some(None) if one.duration_us.is_some_and(|us| us > SLOW_US) => self.slow += 1,
            Some(None) if self.round.len() < MOST_READS => self.round.push((id, one.clone())),
            Some(None) => self.beyond_rate += 1,
        }
    }

    /// Those of the round that are to be asked. Each is answered for with [`Chosen::sent`], in this order.
    pub(super) fn of_round(&mut self) -> Vec<Captured> {
        let now = Instant::now();
        let earned = now.duration_since(self.since).as_secs_f64() * f64::from(self.rate);
        (self.since, self.allowed) = (now, (self.allowed + earned).min(f64::from(self.rate)));
        // Each statement's own ones count on from what was asked of it.
        let mut times: HashMap<String, u64> = HashMap::new();
        let asked = |id: &str| self.shapes.get(id).map_or(0, |known| known.asked);
        let ranked = std::mem::take(&mut self.round).into_iter().map(|(id, one)| {
            let times = times.entry(id.clone()).or_insert_with(|| asked(&id));
            *times += 1;
            (*times, id, one)
        });
        let mut ranked: Vec<(u64, String, Captured)> = ranked.collect();
        ranked.sort_by_key(|(times, _, _)| *times);
        let mut out = Vec::new();
        for (_, id, one) in ranked {
            let is_first = self.shapes.get(&id).is_some_and(|known| known.asked == 0);
            if self.allowed < 1.0 && !is_first {
                self.beyond_rate += 1;
                continue;
            }
            self.allowed -= 1.0;
            if let Some(known) = self.shapes.get_mut(&id) {
                known.asked += 1;
            }
            self.handed.push(id);
            out.push(one);
        }
        self.handed.reverse();
        out
    }

    /// Whether the next one of those that were handed out was taken; one that was not waits for another of its kind.
    pub(super) fn sent(&mut self, sent: bool) {
        let Some(id) = self.handed.pop() else { return };
        if sent {
            return;
        }
        self.beyond_rate += 1;
        if let Some(known) = self.shapes.get_mut(&id) {
            known.asked -= 1;
        }
    }

    /// Statements of which something was asked.
    pub(super) fn shapes_asked(&self) -> usize {
        self.shapes.values().filter(|known| known.asked > 0).count()
    }

    /// Reads that were left out.
    pub(super) fn beyond_rate(&self) -> u64 {
        self.beyond_rate
    }

    /// Reads that took too long.
    pub(super) fn slow(&self) -> u64 {
        self.slow
    }

    /// Reads that are not asked, by why.
    pub(super) fn skipped(&self) -> &BTreeMap<Skip, u64> {
        &self.skipped
    }
}

impl Known {
    fn of(one: &Captured) -> Known {
        let (text, parameters) = (one.text.clone(), one.parameters.clone());
        let does = Shape::of(&text).does;
        let unfit = match Question::of(&Sample { text, parameters, user: String::new(), cut: false }) {
            // Another one of its kind may have its values.
            Ok(_) | Err(Skip::ValuesUnknown | Skip::Cut) if does == Does::Read => None,
            Ok(_) => Some(Skip::NotARead),
            Err(skip) => Some(skip),
        };
        Known { unfit, asked: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(n: u64, text: &str) -> Captured {
        Captured { n, text: text.to_owned(), parameters: Some(Vec::new()), ..Captured::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_of_each_statement_is_asked_and_the_rest_at_the_rate() {
        let mut chosen = Chosen::at(2);
        for n in 0..20 {
            chosen.saw(&one(n, &format!("SELECT {n} FROM a")));
        }
        for table in ["b", "c", "d"] {
            chosen.saw(&one(20, &format!("SELECT 1 FROM {table}")));
        }
        chosen.saw(&one(21, "UPDATE a SET x = 1"));
        chosen.saw(&one(22, "SELECT now()"));
        chosen.saw(&Captured { duration_us: Some(SLOW_US + 1), ..one(23, "SELECT 5 FROM e") });
        let asked: Vec<String> = chosen.of_round().into_iter().map(|one| one.text).collect();
        assert_eq!(asked, ["SELECT 0 FROM a", "SELECT 1 FROM b", "SELECT 1 FROM c", "SELECT 1 FROM d"]);
        for at in 0..4 {
            chosen.sent(at != 1);
        }
        assert_eq!((chosen.beyond_rate(), chosen.shapes_asked()), (20, 3), "what is left out is counted");
        assert_eq!(chosen.slow(), 1, "and what is slow as well");
        assert_eq!(chosen.skipped().values().sum::<u64>(), 1, "what asks for the time has no answer to keep");
        tokio::time::advance(std::time::Duration::from_secs(3)).await;
        for n in 0..5 {
            chosen.saw(&one(n, &format!("SELECT {n} FROM a")));
        }
        chosen.saw(&one(9, "SELECT 9 FROM b"));
        let asked: Vec<String> = chosen.of_round().into_iter().map(|one| one.text).collect();
        assert_eq!(asked, ["SELECT 9 FROM b", "SELECT 0 FROM a"], "those that were asked least come first");
    }
}
