//! What a statement costs more on the target: how often it runs times how much slower it is.
//!
//! Statements of two servers are matched by their shapes. Counters are of a time that both sides were watched; percentiles are no
//! part of `pg_stat_statements` and are not made up from its mean: they are here only where somebody measured them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::shape::{Shape, id, normalised};

/// Runs on a side below which a mean says little.
const FEW: f64 = 5.0;

/// A statement is slower from this ratio on.
const SLOWER: f64 = 2.0;

/// What a run takes longer in the mean before it is called slower, ms: below it two servers differ by chance.
const NOISE_MS: f64 = 0.1;

/// A P99 this many times the source's, with a median that is not slower, is another plan.
const TAIL: f64 = 10.0;

/// One line of a server's statistics: sums since they were reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// What tells it from the others on its server: role, level and the server's own id.
    pub key: String,
    /// Its text, as the server keeps it.
    pub text: String,
    /// Runs that went well.
    pub calls: f64,
    /// All of them, ms.
    pub total_ms: f64,
    /// Sum of the squares of their times, ms².
    pub squares: f64,
    /// The longest since the reset, ms.
    pub max_ms: f64,
    /// Rows.
    pub rows: f64,
    /// Blocks found in memory.
    pub hits: f64,
    /// Blocks read.
    pub reads: f64,
}

impl Counted {
    /// The role whose it is: what stands in the key before the level and the server's own id.
    pub fn role(&self) -> &str {
        self.key.rsplitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// What was added since an earlier reading. Counters that were reset since then begin at nothing.
    fn since(&self, before: Option<&Counted>) -> Counted {
        let Some(b) = before.filter(|b| b.calls <= self.calls && b.total_ms <= self.total_ms + 0.001) else {
            return self.clone();
        };
        let less = |a: f64, b: f64| (a - b).max(0.0);
        Counted {
            calls: less(self.calls, b.calls),
            total_ms: less(self.total_ms, b.total_ms),
            squares: less(self.squares, b.squares),
            rows: less(self.rows, b.rows),
            hits: less(self.hits, b.hits),
            reads: less(self.reads, b.reads),
            ..self.clone()
        }
    }
}

/// What was added between two readings of one server; statements that did not run are left out.
pub fn added(before: &[Counted], after: &[Counted]) -> Vec<Counted> {
    let known: BTreeMap<&str, &Counted> = before.iter().map(|c| (c.key.as_str(), c)).collect();
    let new = after.iter().map(|now| now.since(known.get(now.key.as_str()).copied()));
    new.filter(|c| c.calls > 0.0).collect()
}

/// One side of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "StatementSide")]
pub struct Side {
    /// Runs.
    pub calls: f64,
    /// All of them, ms.
    pub total_ms: f64,
    /// One of them in the mean, ms.
    pub mean_ms: f64,
    /// How far they are spread, ms.
    pub stddev_ms: f64,
    /// The longest since the server began to count, ms.
    pub max_ms: f64,
    /// Rows of one in the mean.
    pub rows: f64,
    /// Blocks of one in the mean, from memory or not.
    pub blocks: f64,
}

/// Measured, not computed from a mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "MeasuredPercentiles")]
pub struct Percentiles {
    /// Half of all runs take at most this, ms.
    pub p50_ms: f64,
    /// 95 of 100 take at most this, ms.
    pub p95_ms: f64,
    /// 99 of 100 take at most this, ms.
    pub p99_ms: f64,
    /// Of so many runs.
    pub runs: u64,
}

/// What is to be said of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "StatementCalled")]
pub enum Called {
    /// Not slower.
    Fine,
    /// At least twice as slow.
    Slower,
    /// As fast in the middle and ten times slower at the end: an index is missing, or the plan is another one.
    Tail,
    /// It ran too seldom on a side to be judged.
    Few,
    /// It ran on the source alone.
    OnlySource,
    /// It ran on the target alone.
    OnlyTarget,
}

/// A statement on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "ComparedStatement")]
pub struct Compared {
    /// The statement.
    pub shape: Shape,
    /// The text from which it can be explained, as a server keeps it.
    #[serde(skip)]
    #[ts(skip)]
    pub text: String,
    /// The role that runs it most, on the side that runs it most.
    pub role: String,
    /// On the source.
    pub source: Option<Side>,
    /// On the target.
    pub target: Option<Side>,
    /// Mean of the target divided by that of the source.
    pub ratio: Option<f64>,
    /// What all runs of both sides would take longer if they ran on the target, ms; 0 when it is not slower.
    pub damage_ms: f64,
    /// What is to be said.
    pub called: Called,
}

#[derive(Default)]
struct Sum {
    text: String,
    role: String,
    most: f64,
    calls: f64,
    total: f64,
    squares: f64,
    max: f64,
    rows: f64,
    blocks: f64,
}

impl Sum {
    fn side(&self) -> Side {
        let mean = self.total / self.calls;
        Side {
            calls: self.calls,
            total_ms: self.total,
            mean_ms: mean,
            stddev_ms: (self.squares / self.calls - mean * mean).max(0.0).sqrt(),
            max_ms: self.max,
            rows: self.rows / self.calls,
            blocks: self.blocks / self.calls,
        }
    }
}

fn by_shape(all: &[Counted]) -> BTreeMap<String, (Shape, Sum)> {
    let mut out: BTreeMap<String, (Shape, Sum)> = BTreeMap::new();
    for one in all.iter().filter(|c| c.calls > 0.0) {
        let text = normalised(&one.text);
        let (_, sum) = out.entry(id(&text)).or_insert_with(|| (Shape::of_normalised(text).0, Sum::default()));
        if one.calls > sum.most {
            sum.text.clone_from(&one.text);
            sum.role = one.role().to_owned();
            sum.most = one.calls;
        }
        sum.calls += one.calls;
        sum.total += one.total_ms;
        sum.squares += one.squares;
        sum.max = sum.max.max(one.max_ms);
        sum.rows += one.rows;
        sum.blocks += one.hits + one.reads;
    }
    out
}

/// Both sides' statements, the most damaging first.
pub fn compare(source: &[Counted], target: &[Counted]) -> Vec<Compared> {
    let (source, mut target) = (by_shape(source), by_shape(target));
    let mut all: Vec<Compared> = Vec::with_capacity(source.len() + target.len());
    for (id, (shape, here)) in source {
        let there = target.remove(&id).map(|(_, sum)| sum);
        all.push(compared(shape, Some(here), there));
    }
    for (shape, there) in target.into_values() {
        all.push(compared(shape, None, Some(there)));
    }
    sort(&mut all, Sort::Damage);
    all
}

fn compared(shape: Shape, source: Option<Sum>, target: Option<Sum>) -> Compared {
    let more = [&source, &target].into_iter().flatten().max_by(|a, b| a.most.total_cmp(&b.most));
    let (text, role) = more.map(|sum| (sum.text.clone(), sum.role.clone())).unwrap_or_default();
    let (source, target) = (source.map(|s| s.side()), target.map(|t| t.side()));
    let (ratio, damage_ms, called) = match (&source, &target) {
        (Some(s), Some(t)) => {
            let ratio = (s.mean_ms > 0.0).then(|| t.mean_ms / s.mean_ms);
            let called = match ratio {
                _ if s.calls.min(t.calls) < FEW => Called::Few,
                Some(ratio) if ratio >= SLOWER && t.mean_ms - s.mean_ms >= NOISE_MS => Called::Slower,
                Some(_) | None => Called::Fine,
            };
            (ratio, (s.calls + t.calls) * (t.mean_ms - s.mean_ms).max(0.0), called)
        }
        (Some(_), None) => (None, 0.0, Called::OnlySource),
        (None, Some(_)) | (None, None) => (None, 0.0, Called::OnlyTarget),
    };
    Compared { shape, text, role, source, target, ratio, damage_ms, called }
}

/// What two measured distributions say: a median that is equal with a far slower end is another plan.
pub fn tail(source: Percentiles, target: Percentiles) -> Called {
    if source.runs.min(target.runs) < 100 {
        Called::Few
    } else if target.p50_ms < source.p50_ms * SLOWER && target.p99_ms >= source.p99_ms * TAIL {
        Called::Tail
    } else if target.p50_ms >= source.p50_ms * SLOWER {
        Called::Slower
    } else {
        Called::Fine
    }
}

/// By what statements are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "StatementSort")]
pub enum Sort {
    /// Calls times slowdown.
    #[default]
    Damage,
    /// Runs on both sides.
    Calls,
    /// The target's mean; the source's where there is none.
    Mean,
    /// Time on both sides.
    Total,
}

/// The greatest first.
pub fn sort(all: &mut [Compared], by: Sort) {
    let sum = |c: &Compared, of: fn(&Side) -> f64| c.source.iter().chain(&c.target).map(of).sum::<f64>();
    let key = |c: &Compared| match by {
        Sort::Damage => c.damage_ms,
        Sort::Calls => sum(c, |s| s.calls),
        Sort::Mean => c.target.or(c.source).map_or(0.0, |s| s.mean_ms),
        Sort::Total => sum(c, |s| s.total_ms),
    };
    all.sort_by(|a, b| {
        key(b).total_cmp(&key(a)).then_with(|| sum(b, |s| s.total_ms).total_cmp(&sum(a, |s| s.total_ms)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str, calls: f64, mean: f64) -> Counted {
        Counted {
            key: format!("the app true {}", text.len()),
            text: text.to_owned(),
            calls,
            total_ms: calls * mean,
            squares: calls * mean * mean,
            max_ms: mean,
            rows: calls,
            hits: calls * 3.0,
            reads: 0.0,
        }
    }

    #[test]
    fn the_worst_is_what_costs_most_in_all() {
        let source = [counted("select a from t where id = $1", 100.0, 1.0), counted("select b from u", 2.0, 100.0)];
        let target = [counted("SELECT a FROM t WHERE id = $1", 100.0, 9.0), counted("select b from u", 2.0, 300.0)];
        let all = compare(&source, &target);
        assert_eq!(all[0].shape.tables, ["t"], "200 calls of 8 ms more outweigh 4 of 200 ms: {all:?}");
        assert_eq!((all[0].damage_ms, all[0].ratio, all[0].called), (1600.0, Some(9.0), Called::Slower));
        assert_eq!(all[0].role, "the app", "a role's name may have spaces");
        assert_eq!((all[1].damage_ms, all[1].called), (800.0, Called::Few), "two calls prove nothing");
        let mut by_mean = all.clone();
        sort(&mut by_mean, Sort::Mean);
        assert_eq!(by_mean[0].shape.tables, ["u"]);
    }

    #[test]
    fn only_what_was_added_counts_and_a_reset_begins_at_nothing() {
        let before = [counted("a", 10.0, 5.0), counted("bb", 3.0, 1.0), counted("ccc", 50.0, 1.0)];
        let after = [counted("a", 14.0, 5.0), counted("bb", 3.0, 1.0), counted("ccc", 2.0, 1.0)];
        let new = added(&before, &after);
        assert_eq!(new.iter().map(|c| (c.text.as_str(), c.calls)).collect::<Vec<_>>(), [("a", 4.0), ("ccc", 2.0)]);
        assert_eq!((new[0].total_ms, new[0].squares), (20.0, 100.0));
        let side = compare(&new, &[])[0].source.unwrap();
        assert_eq!((side.mean_ms, side.stddev_ms), (5.0, 0.0), "the spread is that of the added ones");
    }

    #[test]
    fn an_equal_median_with_a_long_tail_is_another_plan() {
        let p = |p50_ms, p99_ms, runs| Percentiles { p50_ms, p95_ms: p50_ms, p99_ms, runs };
        assert_eq!(tail(p(1.0, 2.0, 500), p(1.1, 25.0, 500)), Called::Tail);
        assert_eq!(tail(p(1.0, 2.0, 500), p(3.0, 25.0, 500)), Called::Slower);
        assert_eq!(tail(p(1.0, 2.0, 500), p(1.0, 3.0, 500)), Called::Fine);
        assert_eq!(tail(p(1.0, 2.0, 5), p(1.0, 30.0, 500)), Called::Few);
    }
}
