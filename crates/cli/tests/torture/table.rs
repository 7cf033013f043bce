//! The summary: faults by points, with the longest wait of a client.

use std::{collections::BTreeMap, fmt, time::Duration};

use switchyard_model::switch::{ORDER, SwitchStep};

use crate::{case::Case, run::Told};

#[derive(Debug, Default, Clone, Copy)]
struct Cell {
    runs: u32,
    failed: u32,
    longest: Duration,
}

impl Cell {
    fn add(&mut self, told: &Told) {
        self.runs += 1;
        self.failed += u32::from(!told.wrong.is_empty());
        self.longest = self.longest.max(told.longest);
    }
}

/// `2 · 3.1`: two runs, and the longest that any client waited, in seconds; with a mark where a promise was broken.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Cell { runs, failed, longest } = self;
        match (runs, failed) {
            (0, _) => write!(f, ""),
            (_, 0) => write!(f, "{runs} · {:.1}", longest.as_secs_f64()),
            (_, _) => write!(f, "{runs} · {:.1} **{failed} WRONG**", longest.as_secs_f64()),
        }
    }
}

/// What happened in all runs.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<&'static str, BTreeMap<usize, Cell>>,
    sums: BTreeMap<&'static str, Cell>,
    outcomes: BTreeMap<String, u32>,
    whole: Cell,
    acknowledged: u64,
    not_reached: u32,
}

impl Table {
    /// Of all these.
    pub fn of(runs: Vec<(Case, Told)>) -> Table {
        let mut table = Table::default();
        for (case, told) in runs {
            table.add(&case, told);
        }
        table
    }

    fn add(&mut self, case: &Case, told: Told) {
        if !told.reached && told.wrong.is_empty() {
            self.not_reached += 1;
            return;
        }
        let column = ORDER.iter().position(|step| *step == case.point.step).unwrap();
        self.rows.entry(case.fault.kind()).or_default().entry(column).or_default().add(&told);
        self.sums.entry(case.fault.kind()).or_default().add(&told);
        self.whole.add(&told);
        *self.outcomes.entry(told.outcome).or_default() += 1;
        self.acknowledged += told.acknowledged;
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Cell { runs, failed, longest } = self.whole;
        let outcomes: Vec<String> = self.outcomes.iter().map(|(word, n)| format!("{n} {word}")).collect();
        writeln!(
            f,
            "{runs} runs ({}), {} acknowledged writes, {failed} runs with something wrong, longest wait {:.1} s; {} points not reached.\n",
            outcomes.join(", "),
            self.acknowledged,
            longest.as_secs_f64(),
            self.not_reached
        )?;
        let words: Vec<String> = ORDER.iter().map(|step: &SwitchStep| step.word().replace('_', " ")).collect();
        writeln!(f, "| fault | {} | all |", words.join(" | "))?;
        writeln!(f, "|---|{}---|", "---|".repeat(ORDER.len()))?;
        for (kind, row) in &self.rows {
            write!(f, "| {kind} |")?;
            for column in 0..ORDER.len() {
                write!(f, " {} |", row.get(&column).copied().unwrap_or_default())?;
            }
            writeln!(f, " {} |", self.sums[kind])?;
        }
        Ok(())
    }
}
