//! Rows that were found different are made equal to those of the side with the authority.
//!
//! Findings leave the store as their rows are equal; what became of each row is journaled after each batch, without values.

mod chosen;
mod run;

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{ident::TableName, journal::Action, repair::RepairCount};

use self::{
    chosen::{Chosen, Pages, chosen},
    run::Run,
};
use crate::{
    error::{Error, Kind, Result},
    reconcile::repair::{Mender, Previewer, Repair},
    saga::{Arrives, Cx, Observed, Step},
};

/// Statements that a preview lists; and about how many characters of them.
const LISTED: (usize, usize) = (200, 1_000_000);

/// Rows whose statements are made at once.
const PAGE: i64 = 50;

pub(super) struct RepairRows {
    pub(super) table: Option<TableName>,
    pub(super) findings: Vec<i64>,
}

impl RepairRows {
    async fn chosen(&self, cx: &Cx) -> Result<Vec<Chosen>> {
        chosen(cx, self.table.as_ref(), &self.findings).await
    }

    async fn preview(&self, cx: &Cx) -> Result<Vec<Action>> {
        let stream = Arrives::new(cx.clone(), cx.state.authority);
        let repair = repair(cx, &stream);
        let at = &cx.pair.db(cx.state.authority.other()).label;
        let chosen = self.chosen(cx).await?;
        let rows: i64 = chosen.iter().map(|c| c.count).sum();
        if chosen.is_empty() {
            return Ok(vec![Action::new(at, "-- no finding is left: nothing to mend")]);
        }
        let mut previewer = Previewer::open(repair, &tables(&chosen)).await?;
        let mut actions = vec![Action::new(at, cx.pair.db(cx.state.authority.other()).repairs.preparation())];
        let (mut shown, mut long) = (0, 0);
        'all: for c in &chosen {
            let mut pages = Pages::of(c);
            while let Some(page) = pages.next(cx, PAGE).await? {
                let findings: Vec<_> = page.iter().map(|k| k.finding.clone()).collect();
                for planned in previewer.plan(&c.table, &findings).await? {
                    let lines = match planned.statements {
                        Ok(statements) => statements,
                        Err(outcome) => vec![format!("-- {}: {}", row(&c.table, &planned.key), outcome.words())],
                    };
                    long += lines.iter().map(String::len).sum::<usize>();
                    actions.extend(lines.into_iter().map(|line| Action::new(at, line)));
                    shown += 1;
                    if shown >= LISTED.0 || long >= LISTED.1 {
                        break 'all;
                    }
                }
            }
        }
        previewer.close().await;
        let more = rows - shown as i64;
        if more > 0 {
            actions.push(Action::new(at, format!("-- and so on for {more} more rows")));
        }
        Ok(actions)
    }
}

/// What the journal says before anything is written: it holds no values.
fn intent(cx: &Cx, chosen: &[Chosen]) -> Vec<Action> {
    let at = &cx.pair.db(cx.state.authority.other()).label;
    let line = |c: &Chosen| {
        let table = &c.table;
        format!(
            "INSERT INTO {table} …, UPDATE {table} … or DELETE FROM {table} … WHERE it is what was seen, for up to {} rows",
            c.count
        )
    };
    chosen.iter().map(|c| Action::new(at, line(c))).collect()
}

/// A row in one line, whatever its key holds: a comment of SQL ends with its line.
fn row(table: &TableName, key: &[(String, String)]) -> String {
    let key: Vec<String> = key.iter().map(|(c, v)| format!("{c} = {v}")).collect();
    let text = format!("{} {}", table.plain(), key.join(", "));
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn tables(chosen: &[Chosen]) -> HashSet<TableName> {
    chosen.iter().map(|c| c.table.clone()).collect()
}

fn repair<'a>(cx: &'a Cx, stream: &'a Arrives) -> Repair<'a> {
    Repair { source: &cx.pair.source, target: &cx.pair.target, authority: cx.state.authority, stream, exact: false }
}

/// The valve of the stream that leaves the side to be mended has to be closed, or repairs would travel back.
async fn nothing_travels_back(cx: &Cx) -> Result<()> {
    let side = cx.state.authority.other();
    let doing = || format!("looking whether repairs of {} would travel back", cx.pair.db(side).label);
    let status = cx.pair.replicator.status(side).await?;
    match status.rows_open {
        Some(false) | None => Ok(()),
        Some(true) => {
            let why =
                format!("the valve of the stream that leaves the {side} is open, and the {side} has no authority");
            Err(Error::new(Kind::Contradiction, doing(), why))
        }
    }
}

#[async_trait]
impl Step for RepairRows {
    fn name(&self) -> &'static str {
        "repair_rows"
    }

    fn title(&self, cx: &Cx) -> String {
        let side = cx.state.authority.other();
        format!("Mend rows of {}, each if it is what was seen; what is mended stays", cx.pair.db(side).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    fn stays(&self) -> Option<&'static str> {
        Some("Rows that were mended stay mended, each by a commit of its own; the journal lists them.")
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        // A preview belongs to no run.
        if cx.run == 0 { self.preview(cx).await } else { Ok(intent(cx, &self.chosen(cx).await?)) }
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        // Mending again finds rows equal.
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        nothing_travels_back(cx).await?;
        let chosen = self.chosen(cx).await?;
        let rows: i64 = chosen.iter().map(|c| c.count).sum();
        // A chosen finding that is gone is of a row that was equal when it was last looked at.
        let gone = (self.findings.len() as i64 - rows).max(0);
        let mut count = RepairCount { equal: gone, ..RepairCount::default() };
        if chosen.is_empty() {
            return Ok(json!(count));
        }
        let stream = Arrives::new(cx.clone(), cx.state.authority);
        let mender = Mender::open(repair(cx, &stream), &tables(&chosen)).await?;
        let side = cx.state.authority.other();
        let mut run = Run { cx, mender, side, count: RepairCount::default(), rows };
        for c in &chosen {
            run.table(c).await?;
        }
        let Run { mender, count: mended, .. } = run;
        mender.close().await;
        count.add(mended);
        Ok(json!(count))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
