//! What a repair came to, from the journal.

use switchyard_api::dto::*;
use switchyard_model::{
    journal::Entry,
    repair::{RepairCount, RepairedRow},
};

use super::Ctl;
use crate::output::Answer;

/// Rows that still differ are printed so far; the journal has them all.
const SHOWN: usize = 20;

/// Entries of a journal that are read at once.
const PAGE: u32 = 10_000;

/// The outcome of the repair that began after this entry.
pub struct Outcome {
    pub count: RepairCount,
    /// The rows that still differ, with their tables; the newest where there are very many.
    pub left: Vec<(String, RepairedRow)>,
}

/// Reads it.
pub async fn since(ctl: &Ctl, migration: &str, after: i64) -> Result<Outcome, ApiError> {
    let args = JournalRequest { migration: migration.to_owned(), after, limit: PAGE };
    let page: JournalPage = ctl.call("journal", &args).await?;
    let mut outcome = Outcome { count: RepairCount::default(), left: Vec::new() };
    for line in page.lines {
        match line.recorded.entry {
            Entry::Repaired { repaired, .. } => {
                let left = repaired.rows.into_iter().filter(|row| !row.outcome.is_equal());
                outcome.left.extend(left.map(|row| (repaired.table.plain(), row)));
            }
            // The step's own sum is complete.
            Entry::StepDone { step, output, .. } if step == "repair_rows" => {
                outcome.count = serde_json::from_value(output).unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(outcome)
}

impl Outcome {
    /// No when rows still differ.
    pub fn answer(&self) -> Answer {
        if self.count.left() == 0 { Answer::Yes } else { Answer::No }
    }

    pub fn print(&self) {
        for (table, row) in self.left.iter().take(SHOWN) {
            let key: Vec<String> = row.key.iter().map(|(c, v)| format!("{c} = {v}")).collect();
            say!("  {table}  {}  {}", key.join(", "), row.outcome.words());
        }
        if self.left.len() > SHOWN {
            say!("  … and {} more; the journal lists them all", self.left.len() - SHOWN);
        }
        say!("{}.", self.count.words());
    }
}
