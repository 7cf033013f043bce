//! Statements of both sides for hosts: compared, explained, and what failed.

mod errors;
mod import;
mod index;
mod latency;
pub(crate) mod logs;
mod over_time;
mod plans;
mod sources;
mod window;

use switchyard_engine::{db::Database, store::MigrationId};
use switchyard_model::{Side, state::State};
use switchyard_queries::damage::{Compared, compare, sort};
pub use switchyard_queries::{
    damage::{Called, Percentiles, Side as StatementSide, Sort},
    digest::Kind as DigestKind,
    plan::Node,
};

use crate::{Switchyard, dto::*, verify::End};

/// Statements that a host gets at once.
const MOST: u32 = 1_000;

/// A window is at most so long, seconds.
const LONGEST: u32 = 600;

/// Sessions per side.
const LANES: usize = 2;

/// So many of the worst are explained by the way.
const EXPLAINED: usize = 3;

/// Both databases of a migration.
pub(crate) struct Sides {
    pub(crate) source: Database,
    pub(crate) target: Database,
}

impl Switchyard {
    /// Statements of both sides, compared.
    pub(crate) async fn queries_top(&self, args: QueriesRequest) -> Result<QueriesView, ApiError> {
        if let QueryWindow::Watch { seconds } = args.window
            && !(1..=LONGEST).contains(&seconds)
        {
            let why = format!("Statements cannot be watched for {seconds} s.");
            return Err(ApiError::new("invalid", why, format!("Give between 1 and {LONGEST} seconds.")));
        }
        let (id, pair, state) = self.sides_of(&args.migration).await?;
        let mut seen = self.seen(id, &pair, args.window, args.own).await?;
        let mut all = compare(&seen.source, &seen.target);
        let measured = match &args.logs {
            Some(logs) => Some(self.measured(&pair, &state, logs, seen.from, &mut seen.notes).await?),
            None => None,
        };
        if let Some(measured) = &measured {
            measured.judge(&mut all, &mut seen.notes);
        }
        let worst = self.worst(&pair, &all).await;
        sort(&mut all, args.sort);
        let total = all.len();
        let slower = all.iter().filter(|c| matches!(c.called, Called::Slower | Called::Tail)).count();
        let why = |c: &Compared| worst.iter().find(|(id, _)| *id == c.shape.id).map(|(_, why)| why.clone());
        let first = all.into_iter().take(args.limit.clamp(1, MOST) as usize);
        Ok(QueriesView {
            source: pair.source.label.clone(),
            target: pair.target.label.clone(),
            from: seen.from,
            at: self.parts.clock.now(),
            statements: first
                .map(|compared| {
                    let percentiles = measured.as_ref().map(|m| m.of(&compared)).unwrap_or_default();
                    StatementRow { why: why(&compared), percentiles, compared }
                })
                .collect(),
            total,
            slower,
            refused: seen.refused,
            notes: seen.notes,
        })
    }

    /// What the plans of the worst statements say.
    async fn worst(&self, pair: &Sides, all: &[Compared]) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for one in all.iter().take(EXPLAINED).filter(|c| matches!(c.called, Called::Slower | Called::Tail)) {
            // One that cannot be explained is listed all the same; whoever asks for its plans is told why.
            let Ok(both) = plans::plans_of(pair, one, None, false).await else { continue };
            let why = match both.missing.first() {
                Some(index) => Some(format!("The target lacks the index {} of {}.", index.name, index.table)),
                None => both.laid.whole_scans.first().and_then(|_| both.sentences().into_iter().next()),
            };
            out.extend(why.map(|why| (one.shape.id.clone(), why)));
        }
        out
    }

    /// A migration's two databases, for looking; its routers are not asked.
    pub(crate) async fn sides_of(&self, migration: &str) -> Result<(MigrationId, Sides, State), ApiError> {
        let (id, book) = self.named(migration).await?;
        let state = book.state().await;
        let end = |name: &str| End { reference: name.to_owned(), password: None };
        let (source, target) = (end(&state.spec.source), end(&state.spec.target));
        let (source, target) =
            tokio::try_join!(self.end(Side::Source, &source, LANES), self.end(Side::Target, &target, LANES))?;
        Ok((id, Sides { source, target }, state))
    }

    /// A statement by its id, as either server has it.
    async fn statement(&self, pair: &Sides, id: &str) -> Result<Compared, ApiError> {
        let (source, target) =
            tokio::try_join!(pair.source.statements.reading(true), pair.target.statements.reading(true))?;
        let found = compare(&source.statements, &target.statements).into_iter().find(|c| c.shape.id == id);
        found.ok_or_else(|| {
            let refused: Vec<String> = source.refused.iter().chain(&target.refused).map(ToString::to_string).collect();
            let why = format!("No statement “{id}” is known on either side. {}", refused.join(" "));
            ApiError::new("not_found", why.trim(), "Take an id that “queries top” lists.")
        })
    }
}
