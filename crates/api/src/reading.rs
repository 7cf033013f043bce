//! Reading the journal: each entry with a sentence.

use switchyard_engine::{phases::step_title, store::Head};
use switchyard_model::{
    application::{Bound, Metric},
    drill::{Act, DrillResult},
    figure,
    journal::{Entry, Outcome, Recorded},
    repair::RepairCount,
    switch::Recovery,
};

use crate::{Switchyard, dto::*};

impl Switchyard {
    pub(crate) async fn journal(&self, args: JournalRequest) -> Result<JournalPage, ApiError> {
        if !(1..=10_000).contains(&args.limit) {
            return Err(ApiError::new("invalid", "The limit must be between 1 and 10 000.", "Ask for fewer entries."));
        }
        let id = self.parts.store.migration_id(&args.migration).await?;
        let entries = self.parts.store.journal(id, args.after.max(0)).await?;
        let newest = entries.last().map_or(args.after, |r| r.seq);
        let skip = entries.len().saturating_sub(args.limit as usize);
        Ok(JournalPage { lines: entries.into_iter().skip(skip).map(line).collect(), newest })
    }

    /// Reads the whole journal and computes its chain anew; `noted` is a head that was printed before and kept elsewhere.
    ///
    /// # Errors
    /// When there is no such migration, the store cannot be read, or `noted` is no head.
    pub async fn verify_journal(&self, migration: &str, noted: Option<&str>) -> Result<JournalVerified, ApiError> {
        let head = |text: &str| {
            let why = format!("“{text}” is no noted hash.");
            Head::parse(text).ok_or_else(|| {
                ApiError::new("invalid", why, "Give what the command printed: a number, a colon, 64 digits.")
            })
        };
        let noted = noted.map(head).transpose()?;
        let id = self.parts.store.migration_id(migration).await?;
        let chain = self.parts.store.chain(id, noted.as_ref()).await?;
        Ok(JournalVerified {
            migration: migration.to_owned(),
            entries: chain.entries,
            unhashed: chain.unhashed,
            head: chain.head.map(|head| head.to_string()),
            whole: chain.broken.is_none(),
            broken: chain.broken.map(|(seq, why)| format!("Entry {seq} is not what was written: {why}.")),
        })
    }

    /// The cockpit of one migration, from the journal and what its driver last saw.
    pub(crate) async fn cockpit(&self, args: CockpitRequest) -> Result<Cockpit, ApiError> {
        use switchyard_engine::facts::{SNAPSHOT, Snapshot};
        let (id, book) = self.named(&args.name).await?;
        let store = &self.parts.store;
        let snapshot: Option<(i64, Snapshot)> = store.snapshot(id, SNAPSHOT).await?;
        let analysis = self.analysis(id).get(store, id).await?;
        let lease = store.lease(id).await?;
        let shadow: Option<(i64, ShadowSummary)> = store.snapshot(id, crate::shadow::KEPT).await?;
        let now = self.parts.clock.now();
        let state = book.state().await;
        Ok(crate::cockpit::build(&crate::cockpit::Seen {
            state: &state,
            measured_at: snapshot.as_ref().map(|(at, _)| *at),
            snapshot: snapshot.map(|(_, s)| s).unwrap_or_default(),
            analysis: analysis.map(|(_, a)| a),
            shadow: shadow.map(|(_, s)| s),
            lease,
            operator: &self.parts.operator,
            now,
            have: args.have.unwrap_or_default(),
        }))
    }
}

/// An entry with its sentence.
pub fn line(recorded: Recorded) -> JournalLine {
    let (sentence, tone) = sentence(&recorded.entry);
    JournalLine { sentence, tone, at: recorded.at, recorded }
}

fn sentence(entry: &Entry) -> (String, Tone) {
    match entry {
        Entry::Created { spec } => {
            (format!("“{}” was created: {} → {}.", spec.name, spec.source, spec.target), Tone::Info)
        }
        Entry::LimitsChanged { limits } => (format!("The limits were changed to “{}”.", limits.template), Tone::Warn),
        Entry::RunStarted { command, reason, .. } if reason.is_empty() => {
            (format!("{} was started.", command.label()), Tone::Info)
        }
        Entry::RunStarted { command, reason, .. } => (format!("{} was started: {reason}", command.label()), Tone::Info),
        Entry::StepStarted { step, actions, .. } => {
            let what = actions.first().map_or_else(String::new, |a| format!(": {} @ {}", shorten(&a.run), a.at));
            (format!("“{}” begins{what}", step_title(step)), Tone::Info)
        }
        Entry::StepDone { step, ms, .. } => (format!("“{}” is done in {ms:.1} ms.", step_title(step)), Tone::Good),
        Entry::StepSkipped { step, .. } => (format!("“{}” was found done.", step_title(step)), Tone::Info),
        Entry::StepFailed { step, why, remedy, .. } => {
            (format!("“{}” failed: {why}. {remedy}", step_title(step)), Tone::Bad)
        }
        Entry::UndoStarted { step, .. } => (format!("“{}” is being taken back.", step_title(step)), Tone::Warn),
        Entry::UndoDone { step, .. } => (format!("“{}” was taken back.", step_title(step)), Tone::Warn),
        Entry::UndoFailed { step, why, remedy, .. } => {
            (format!("“{}” could not be taken back: {why}. {remedy}", step_title(step)), Tone::Bad)
        }
        Entry::Scoped { scope, .. } => {
            (format!("{} tables are in scope, {} are fenced.", scope.publish.len(), scope.fence.len()), Tone::Info)
        }
        Entry::PointOfNoReturn { epoch, authority, .. } => {
            (format!("Point of no return: the {authority} has the authority, epoch {epoch}."), Tone::Warn)
        }
        Entry::Routed { route, .. } => (format!("Read back: {route}."), Tone::Good),
        Entry::Validated { validation, .. } => {
            let tone = if validation.findings() > 0 { Tone::Bad } else { Tone::Good };
            let sentence = format!(
                "{} rows in {} tables compared: {} tables differ, {} unproven.",
                figure::count(validation.rows()),
                validation.tables.len(),
                validation.findings(),
                validation.unproven()
            );
            (sentence, tone)
        }
        Entry::Repaired { repaired, .. } => {
            let count = RepairCount::of(&repaired.rows);
            let tone = if count.left() > 0 { Tone::Warn } else { Tone::Good };
            (format!("{} on the {}: {}.", repaired.table.plain(), repaired.side, count.words()), tone)
        }
        Entry::RunEnded { outcome, summary, .. } => (summary.clone(), tone_of(*outcome)),
        Entry::Recovered { decision, .. } => {
            let what = match decision {
                Recovery::Undo => "takes it back",
                Recovery::Finish => "finishes it",
            };
            (format!("A process found the run open and {what}."), Tone::Warn)
        }
        Entry::SignedOff { check, by_name, reason } => (format!("{by_name} signed off {check}: {reason}"), Tone::Info),
        Entry::MetricSet { metric } => (metric_set(metric), Tone::Info),
        Entry::MetricRemoved { name } => {
            (format!("The application's metric “{name}” is no longer asked for."), Tone::Warn)
        }
        Entry::Overridden { gate, by_name, reason } => {
            (format!("{by_name} overrode the gate “{gate}” for the next run: {reason}"), Tone::Warn)
        }
        Entry::DifferenceAccepted { difference, by_name, reason } => {
            let who = by_name.as_deref().unwrap_or("Somebody");
            (format!("{who} accepted that {difference} differs: {reason}"), Tone::Warn)
        }
        Entry::DifferenceTakenBack { difference } => {
            (format!("That {difference} differs is no longer accepted."), Tone::Info)
        }
        Entry::DrillAsked { order } => {
            (format!("A drill was asked for: {}, {}.", order.failure.title(), moved(order.act)), Tone::Info)
        }
        Entry::DrillBegan { .. } => ("The drill begins.".to_owned(), Tone::Info),
        Entry::DrillEnded { result, .. } => drilled(result),
        Entry::DrillsScheduled { plan: Some(plan) } => {
            let every = figure::span(i64::from(plan.every_s));
            (format!("“{}” is rehearsed every {every} from now on.", plan.order.failure.title()), Tone::Info)
        }
        Entry::DrillsScheduled { plan: None } => ("No drill is run by itself any more.".to_owned(), Tone::Warn),
        Entry::DualWrite { event } => crate::dual_write::sentence(event),
        Entry::IndexAsked { action, .. } => {
            (format!("An index begins to be made: {} @ {}", shorten(&action.run), action.at), Tone::Info)
        }
        Entry::IndexEnded { failed: None, ms, .. } => {
            (format!("The index is there, after {:.1} s.", ms / 1000.0), Tone::Good)
        }
        Entry::IndexEnded { failed: Some(why), .. } => (format!("The index was not made. {why}"), Tone::Bad),
        Entry::SoakBroken { title, why, step_back: None, .. } => {
            (format!("The soak is broken by {title}: {why}. The ladder holds."), Tone::Bad)
        }
        Entry::SoakBroken { title, why, step_back: Some(percent), .. } => {
            (format!("The soak is broken by {title}: {why}. The ladder steps back to {percent} %."), Tone::Bad)
        }
        Entry::SoakMended => ("Everything that is watched is well again: the soak begins anew.".to_owned(), Tone::Good),
        Entry::TransactionEndAsked { side, transaction, by_name, reason } => {
            let who = by_name.as_deref().unwrap_or("Somebody");
            (format!("{who} asked for the end of {transaction}, on the {side}: {reason}"), Tone::Warn)
        }
        Entry::LeaseTaken { from } => (format!("The lease was taken over; {from} had let it lapse."), Tone::Warn),
    }
}

fn metric_set(metric: &Metric) -> String {
    let Metric { name, limit, unit, for_s, query, .. } = metric;
    let side = match metric.bound {
        Bound::Above => "above",
        Bound::Below => "below",
    };
    let held = figure::span(i64::from(*for_s));
    let what = shorten(query);
    format!("The application's metric “{name}” is wrong {side} {limit} {unit} and has to be within for {held}: {what}")
}

fn moved(act: Act) -> String {
    match act {
        Act::Reads { percent } => format!("with {percent} % of reads on the target"),
        Act::Writes => "with writes on the target".to_owned(),
    }
}

fn drilled(result: &DrillResult) -> (String, Tone) {
    let back = result.total_ms.map_or_else(
        || "not everything came back".to_owned(),
        |ms| format!("everything was back in {}", figure::lag(ms)),
    );
    let lost = format!("{} of {} writes lost", result.ledger.lost.len(), result.ledger.acknowledged);
    match result.why_not.first() {
        None => (format!("The drill passed: {back}, {lost}."), Tone::Good),
        Some(why) => (format!("The drill failed: {back}, {lost}. {why}"), Tone::Bad),
    }
}

fn tone_of(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Done => Tone::Good,
        Outcome::Undone => Tone::Warn,
        Outcome::Failed => Tone::Bad,
    }
}

fn shorten(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}
