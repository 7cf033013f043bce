//! What a command would do, from the steps that would run.

use std::sync::Arc;

use switchyard_engine::{
    conductor::{self, YOUNGEST_MS},
    db::transactions::Obstacles,
    facts::{SNAPSHOT, Snapshot},
    heartbeat::Beats,
    phases,
    saga::{self, Cx, Pair, Progress},
    store::MigrationId,
};
use switchyard_model::{
    Command,
    gate::{self, Question},
    state::State,
    transactions::OpenTransaction,
};

use crate::{Switchyard, dto::*};

/// A transaction older than this is worth a line beside a write switch, ms.
const OLD_MS: i64 = 100;

impl Switchyard {
    pub(crate) async fn preview(&self, args: PreviewRequest) -> Result<Preview, ApiError> {
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let pair = self.pair_for_reading(id, &state).await?;
        let cx = Cx {
            pair,
            book,
            state: Arc::new(state.clone()),
            run: 0,
            beats: Arc::new(Beats::new(self.parts.clock.clone())),
            clock: self.parts.clock.clone(),
            progress: Progress::default(),
            session: Arc::default(),
            recall: Default::default(),
            launcher: None,
            dump: Arc::default(),
        };
        let plan = phases::plan(&args.command, &state);
        let (facts_beside, transactions) = beside(&cx, &args.command).await;
        let steps = saga::preview(&cx, &plan).await.into_iter().map(|s| step(s, &state)).collect();
        let snapshot: Option<(i64, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        let facts = snapshot.map(|(_, s)| s.facts).unwrap_or_default();
        let now = self.parts.clock.now();
        let gates = gate::judge(&Question { command: &args.command, state: &state, facts: &facts, now });
        let why_not = crate::cockpit::why_not(&args.command, &state, &gates);
        Ok(Preview {
            title: plan.title.clone(),
            summary: plan.summary.clone(),
            steps,
            open: why_not.is_none(),
            why_not,
            gates,
            facts: facts_beside,
            transactions,
            command: args.command,
        })
    }

    /// A pair for reading alone; it is kept, so that a preview opens at once the next time.
    pub(crate) async fn pair_for_reading(&self, id: MigrationId, state: &State) -> Result<Pair, ApiError> {
        if let Some(pair) = self.pairs.lock().await.get(&id) {
            return Ok(pair.clone());
        }
        let pair = conductor::connect(&state.spec, &self.parts.store, &self.parts.keychain)
            .await
            .map_err(|not| ApiError::from(not.error))?;
        self.pairs.lock().await.insert(id, pair.clone());
        Ok(pair)
    }
}

fn step(planned: saga::PlannedStep, state: &State) -> PreviewStep {
    let (actions, problem) = match planned.actions {
        Ok(actions) => (actions, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let before = [&state.last_rollback, &state.last_forward];
    let last_ms = before
        .into_iter()
        .flatten()
        .find_map(|(_, watch)| watch.parts.iter().find(|p| p.step == planned.name).map(|p| p.ms));
    PreviewStep {
        name: planned.name.to_owned(),
        title: planned.title,
        deadline_ms: planned.deadline.as_millis().min(i64::MAX as u128) as i64,
        last_ms,
        point_of_no_return: planned.point_of_no_return,
        actions,
        problem,
    }
}

/// Facts beside a write switch: what would block the fence, who bypasses the pooler, room on the winner.
async fn beside(cx: &Cx, command: &Command) -> (Vec<PreviewFact>, Vec<OpenTransaction>) {
    let switches = match command {
        Command::Hold | Command::SwitchWrites => true,
        Command::RollBack => cx.state.authority == switchyard_model::Side::Target,
        Command::Analyze
        | Command::Prepare
        | Command::Release
        | Command::Replicate
        | Command::Validate
        | Command::Repair { .. }
        | Command::ShiftReads { .. }
        | Command::Cleanup { .. } => false,
    };
    let Ok(scope) = cx.scope().await else { return Default::default() };
    if !switches {
        return Default::default();
    }
    let loser = cx.pair.db(cx.state.authority);
    let winner = cx.pair.db(cx.state.authority.other());
    let mut facts = Vec::new();
    let mut open = Vec::new();
    facts.push(match loser.transactions.in_the_way(&scope.fence, OLD_MS).await {
        Ok(Obstacles { listed, more }) => {
            open = listed.into_iter().map(|t| t.shown).collect();
            in_the_way(&open, more)
        }
        Err(e) => fact("What blocks the fence is not known", e.to_string(), None),
    });
    facts.push(match winner.catalog.server().await {
        Ok(s) => {
            let free = s.max_connections - s.connections;
            let title = format!("{} has {free} free connections", winner.label);
            fact(&title, format!("of {}", s.max_connections), Some(free > 20))
        }
        Err(e) => fact("Room on the winning side is not known", e.to_string(), None),
    });
    // Younger ones would flicker in a list that is read.
    open.retain(|t| t.age_ms.is_none_or(|age| age >= YOUNGEST_MS));
    (facts, open)
}

/// One whose age our role may not see may have begun just now, and is no more than shown.
fn in_the_way(open: &[OpenTransaction], more: u32) -> PreviewFact {
    let old: Vec<&OpenTransaction> = open.iter().filter(|t| t.age_ms.is_some()).collect();
    match old.first() {
        None => fact("Nothing blocks the fence", format!("no transaction older than {OLD_MS} ms"), Some(true)),
        Some(first) => {
            let title = format!("{} transaction(s) would delay the fence", old.len() + more as usize);
            fact(&title, first.sentence(), Some(false))
        }
    }
}

fn fact(title: &str, detail: String, good: Option<bool>) -> PreviewFact {
    PreviewFact { title: title.to_owned(), detail, good }
}
