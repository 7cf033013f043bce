//! The timeline as the window asks for it: from the last measurement that was kept, the journal, and what was changed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use switchyard_charts::{GanttInput, Theme, gantt_chart};
use switchyard_engine::{
    measure::{self, Pair},
    store::MigrationId,
};
use switchyard_model::{
    Side, UnixMs,
    plan::{
        Measured,
        reached::reached,
        timeline::{Changes, Given, Task, Timeline, timeline},
    },
    time::{DAY_MS, date, parse_date, utc},
};

use super::{LANES, Planned, export, learn, read};
use crate::{Switchyard, dto::*, export::draft::Draft, verify::End};

/// The kind of snapshot that keeps a measurement.
const MEASURED: &str = "pair measured";

/// People of a team that nobody counted.
const TEAM: u32 = 2;

/// The longest that a task may be given, days.
const MOST_DAYS: f64 = 3_650.0;

/// A measurement in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    measured: Measured,
    notes: Vec<String>,
}

/// How a timeline is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page with the picture.
    Html,
    /// A table.
    Markdown,
    /// A calendar, RFC 5545.
    ICalendar,
}

impl Format {
    /// By the end of a file's name; a page where that says nothing.
    pub fn of(file: &std::path::Path) -> Format {
        let ending = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "md" | "markdown" => Format::Markdown,
            "ics" | "ical" => Format::ICalendar,
            _ => Format::Html,
        }
    }
}

/// A timeline, and where it goes.
#[derive(Debug, Clone)]
pub struct ExportTimeline {
    /// The migration.
    pub migration: String,
    /// The file.
    pub file: PathBuf,
    /// How it is written.
    pub format: Format,
    /// Whether a file of this name may go.
    pub replace: bool,
}

/// A name for the file, where nobody has named one.
pub fn file_name(migration: &str) -> String {
    format!("{}-timeline.html", switchyard_model::ident::slug(migration))
}

/// What was changed, understood.
pub(super) struct Edited {
    /// First day; None where nobody named one.
    pub(super) start: Option<UnixMs>,
    /// For the model.
    pub(super) changes: Changes,
}

/// Understands what was changed.
pub(super) fn check(edits: &TimelineEdits) -> Result<Edited, ApiError> {
    let invalid = |why: String| ApiError::problems(&[why]);
    let start = edits.start.as_deref().map(parse_date).transpose().map_err(invalid)?;
    if let Some((task, days)) = edits.days.iter().find(|(_, d)| !d.is_finite() || **d < 0.0 || **d > MOST_DAYS) {
        return Err(invalid(format!("{task} cannot take {days} days: give a number from 0 to {MOST_DAYS}.")));
    }
    if edits.team.is_some_and(|team| !(1..=1_000).contains(&team)) {
        return Err(invalid("A team has between 1 and 1000 people.".to_owned()));
    }
    let mut changes = Changes { days: edits.days.clone(), skip_weekends: edits.skip_weekends, ..Changes::default() };
    for (task, on) in &edits.done {
        changes.done.insert(task.clone(), parse_date(on).map_err(invalid)?);
    }
    Ok(Edited { start, changes })
}

/// The beginning of a day.
pub(super) fn day(at: UnixMs) -> UnixMs {
    at - at.rem_euclid(DAY_MS)
}

/// Everything that is known of one migration's timeline.
struct Known {
    measured: Option<PairMeasured>,
    edits: TimelineEdits,
    start: UnixMs,
    team: u32,
    placed: Option<Timeline>,
    source: String,
    target: String,
}

impl Switchyard {
    /// Measures a migration's pair: some seconds, and a sample of rows that is written to the target and rolled back.
    pub(crate) async fn measure_pair(&self, args: ByName) -> Result<Nothing, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let spec = book.state().await.spec;
        let end = |name: &str| End { reference: name.to_owned(), password: None };
        let (here, there) = (end(&spec.source), end(&spec.target));
        let (source, target) =
            tokio::try_join!(self.end(Side::Source, &here, LANES), self.end(Side::Target, &there, LANES))?;
        let pair = measure::measure(&source, &target, true).await?;
        self.keep_measured(id, &pair).await?;
        Ok(Nothing {})
    }

    pub(super) async fn keep_measured(&self, id: MigrationId, pair: &Pair) -> Result<(), ApiError> {
        let kept = Kept { measured: pair.measured.clone(), notes: pair.notes.clone() };
        Ok(self.parts.store.put_snapshot(id, MEASURED, self.parts.clock.now(), &kept).await?)
    }

    /// The timeline of a migration.
    pub(crate) async fn timeline(&self, args: TimelineRequest) -> Result<TimelineView, ApiError> {
        let known = self.known_timeline(&args.migration).await?;
        let placed = known.placed.map(|timeline| drawn(timeline, &args, self.parts.clock.now())).transpose()?;
        Ok(TimelineView {
            measured: known.measured,
            placed,
            edits: known.edits,
            team: known.team,
            start: date(known.start),
        })
    }

    /// Keeps what an operator changed.
    pub(crate) async fn change_timeline(&self, args: ChangeTimeline) -> Result<Nothing, ApiError> {
        check(&args.edits)?;
        let known = self.known_timeline(&args.migration).await?;
        let tasks: Vec<&str> = known.placed.iter().flat_map(|t| &t.tasks).map(|t| t.id.as_str()).collect();
        let named = args.edits.days.keys().chain(args.edits.done.keys());
        if let Some(other) = named.into_iter().find(|name| !tasks.is_empty() && !tasks.contains(&name.as_str())) {
            let why = format!("“{other}” is no task of this timeline: these are {}.", tasks.join(", "));
            return Err(ApiError::problems(&[why]));
        }
        let id = self.parts.store.migration_id(&args.migration).await?;
        self.parts.store.put_timeline(id, &args.edits).await?;
        Ok(Nothing {})
    }

    /// Writes the timeline of a migration into a file.
    ///
    /// # Errors
    /// The pair was not measured yet; the file is there already, or cannot be written.
    pub async fn export_timeline(&self, export: ExportTimeline) -> Result<Written, ApiError> {
        let known = self.known_timeline(&export.migration).await?;
        let (Some(measured), Some(placed)) = (known.measured, known.placed) else {
            let why = "The pair was not measured yet, so there is no timeline.";
            return Err(ApiError::new("refused", why, "Measure it first."));
        };
        let mut notes = measured.notes;
        notes.push(format!("The pair was measured at {}.", utc(measured.at)));
        let plan =
            Planned { source: known.source, target: known.target, measured: measured.measured, notes, plan: placed };
        let now = self.parts.clock.now();
        let text = match export.format {
            Format::Html => export::html(&plan, now),
            Format::Markdown => export::markdown(&plan),
            Format::ICalendar => export::icalendar(&plan, now),
        };
        let mut draft = Draft::beside(&export.file, "timeline", export.replace)?;
        draft.put(&text).await?;
        let (file, bytes) = draft.keep().await?;
        Ok(Written { file, bytes })
    }

    async fn known_timeline(&self, name: &str) -> Result<Known, ApiError> {
        let store = &self.parts.store;
        let id = store.migration_id(name).await?;
        let journal = store.journal(id, 0).await?;
        let state = read(name, &journal)?;
        let edits: TimelineEdits = store.timeline(id).await?.unwrap_or_default();
        let Edited { start, changes } = check(&edits)?;
        let start = day(start.or(journal.first().map(|first| first.at)).unwrap_or_default());
        let team = edits.team.unwrap_or(TEAM);
        let now = self.parts.clock.now();
        let kept: Option<(UnixMs, Kept)> = store.snapshot(id, MEASURED).await?;
        let standings = store.standings(id).await?;
        let measured = kept.map(|(at, Kept { mut measured, notes })| {
            learn(&mut measured, &state, &standings);
            PairMeasured { at, measured, notes }
        });
        let reached = reached(&journal, &state, now);
        let placed = measured.as_ref().map(|m| {
            timeline(Given {
                measured: &m.measured,
                strategy: state.spec.strategy,
                limits: state.limits(),
                team,
                start,
                changes: &changes,
                reached: &reached,
                now,
            })
        });
        let (source, target) = (state.spec.source, state.spec.target);
        Ok(Known { measured, edits, start, team, placed, source, target })
    }
}

fn drawn(timeline: Timeline, args: &TimelineRequest, now: UnixMs) -> Result<TimelinePlaced, ApiError> {
    let theme = if args.dark { Theme::Dark } else { Theme::Light };
    let svg = gantt_chart(&GanttInput { timeline: &timeline, now, width: args.width, theme })
        .map_err(|e| ApiError::new("failed", format!("The timeline could not be drawn: {e}."), "Try another size."))?;
    let summary = export::summary(&timeline);
    let rows = timeline.tasks.iter().map(row).collect();
    Ok(TimelinePlaced { timeline, svg, summary, rows })
}

fn row(task: &Task) -> TaskRow {
    let (from, to) = (date(task.begins), date(task.last()));
    let planned = (date(task.start), date(task.last_planned()));
    TaskRow {
        planned: (planned != (from.clone(), to.clone())).then(|| format!("{} to {}", planned.0, planned.1)),
        from,
        to,
        state: export::state(task),
        done: task.done.map(date),
    }
}
