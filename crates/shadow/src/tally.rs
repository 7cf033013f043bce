//! What was seen, compared, found, and never looked at. Bounded, whatever the traffic is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use switchyard_queries::shape::{Does, Shape};
use ts_rs::TS;

use crate::{
    Allowed, Class, Judged, Sample, Skip,
    read::{self, Plain},
};

/// Statements that are kept apart; the rest is counted together.
const MOST_SHAPES: usize = 5_000;
/// Findings that are kept.
const MOST_FINDINGS: usize = 200;
/// A statement that was found to differ so often is not looked at again.
const ENOUGH: u64 = 3;
/// Roles for which it is remembered whether they may run a statement.
const MOST_ROLES: usize = 16;
/// Statements that were never compared, as they are told.
const MOST_NEVER: usize = 200;
/// Characters of a text that is told.
const SHOWN: usize = 2_000;

/// A statement that is to be run on both sides.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub(crate) sample: Sample,
    pub(crate) id: String,
    pub(crate) plain: Arc<Plain>,
}

/// A difference that stayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "ShadowFinding")]
pub struct Finding {
    /// The shape's id.
    pub statement: String,
    /// The shape's text.
    pub text: String,
    /// One that differed, with its values.
    pub example: String,
    /// Values of its parameters.
    pub parameters: Vec<Option<String>>,
    /// What the difference is.
    pub class: Class,
    /// Whether it counts; else it is only told.
    pub is_finding: bool,
    /// In a sentence.
    pub why: String,
    /// SQLSTATE where a side fails.
    pub state: Option<String>,
    /// How often it was seen.
    pub times: u64,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Some rows that the source alone has.
    pub source: Vec<Vec<Option<String>>>,
    /// Some rows that the target alone has.
    pub target: Vec<Vec<Option<String>>>,
}

/// Statements that were not run, by why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "ShadowSkipped")]
pub struct Skipped {
    /// Why.
    pub why: Skip,
    /// The same in a sentence.
    pub sentence: String,
    /// How many.
    pub times: u64,
}

/// A read of the traffic that was never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "ShadowNever")]
pub struct Never {
    /// The shape's id.
    pub statement: String,
    /// The shape's text.
    pub text: String,
    /// How often the traffic had it.
    pub seen: u64,
    /// Why not, in a sentence.
    pub why: String,
}

/// What came of it so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "ShadowReport")]
pub struct Report {
    /// Statements of the traffic that were seen.
    pub seen: u64,
    /// Run on both sides and compared.
    pub compared: u64,
    /// Of these: equal at once.
    pub equal: u64,
    /// Of these: equal after the stream had passed.
    pub in_flight: u64,
    /// Of these: different, and the source's own result changed from one run to the next.
    pub moving: u64,
    /// Of these: different, and the statement asks for the time or for the session.
    pub of_the_time: u64,
    /// Of these: different in what the statement leaves open.
    pub told: u64,
    /// Of these: different.
    pub differing: u64,
    /// Of these: different at once and not looked at again, since the statement is a finding already or too many wait.
    pub not_again: u64,
    /// Of these: different at once, and the stream did not pass, or a side did not answer again.
    pub unproven: u64,
    /// Being looked at again.
    pub pending: u64,
    /// Reads that were not run because of the share.
    pub beyond_share: u64,
    /// Reads that were not run because of the rate.
    pub beyond_rate: u64,
    /// Statements that were not run, by why.
    pub skipped: Vec<Skipped>,
    /// Findings first, then what is only told.
    pub findings: Vec<Finding>,
    /// Reads of the traffic by their shape.
    pub statements: usize,
    /// Of these: compared at least once.
    pub covered: usize,
    /// Those that never were, the most frequent first.
    pub never: Vec<Never>,
    /// Runs of statements beyond those that are kept apart.
    pub others: u64,
    /// Why something could not be looked at, each once.
    pub troubles: Vec<String>,
}

impl Report {
    /// Findings that count.
    pub fn found(&self) -> usize {
        self.findings.iter().filter(|f| f.is_finding).count()
    }
}

/// Counts; shared by all that work.
#[derive(Debug, Default)]
pub struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    report: Report,
    skipped: BTreeMap<Skip, u64>,
    shapes: HashMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    text: String,
    is_read: bool,
    plain: Result<Arc<Plain>, Skip>,
    /// What the catalogs say, by role.
    allowed: HashMap<String, Result<Allowed, Skip>>,
    seen: u64,
    chosen: u64,
    compared: u64,
    found: u64,
    waiting: u64,
    skipped: Option<Skip>,
}

/// How a comparison ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Equal,
    InFlight,
    Moving,
    OfTheTime,
    Differs(Judged),
    Unproven(String),
    Skipped(Skip),
}

impl Tally {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a statement of the traffic; hands it back where it is to be run. `share` is in percent; the
    /// first of each statement is always wanted.
    pub fn choose(&self, sample: Sample, share: u8) -> Option<Chosen> {
        let id = Shape::id_of(&sample.text);
        let inner = &mut *self.inner();
        inner.report.seen += 1;
        if !inner.shapes.contains_key(&id) {
            if inner.shapes.len() >= MOST_SHAPES {
                inner.report.others += 1;
                return None;
            }
            inner.shapes.insert(id.clone(), Known::of(&sample.text));
        }
        let known = inner.shapes.get_mut(&id)?;
        known.seen += 1;
        let fit = known.plain.clone().and_then(|plain| read::whole(&sample).map(|()| plain));
        let plain = match fit {
            Ok(plain) => plain,
            Err(skip) => {
                known.skipped = Some(skip);
                *inner.skipped.entry(skip).or_default() += 1;
                return None;
            }
        };
        if known.chosen > 0 && known.chosen * 100 >= known.seen * u64::from(share) {
            inner.report.beyond_share += 1;
            return None;
        }
        known.chosen += 1;
        Some(Chosen { sample, id, plain })
    }

    /// One that was wanted and came too fast.
    pub fn beyond_rate(&self, chosen: &Chosen) {
        let mut inner = self.inner();
        inner.report.beyond_rate += 1;
        if let Some(known) = inner.shapes.get_mut(&chosen.id) {
            known.chosen = known.chosen.saturating_sub(1);
        }
    }

    /// What is known already of whether a role's statement may be run.
    pub(crate) fn allowed(&self, chosen: &Chosen) -> Option<Result<Allowed, Skip>> {
        self.inner().shapes.get(&chosen.id)?.allowed.get(&chosen.sample.user).copied()
    }

    pub(crate) fn allow(&self, chosen: &Chosen, allowed: Result<Allowed, Skip>) {
        if let Some(known) = self.inner().shapes.get_mut(&chosen.id)
            && known.allowed.len() < MOST_ROLES
        {
            known.allowed.insert(chosen.sample.user.clone(), allowed);
        }
    }

    /// Whether one that differs is worth another look.
    pub(crate) fn look_again(&self, chosen: &Chosen) -> bool {
        let inner = &mut *self.inner();
        let Some(known) = inner.shapes.get_mut(&chosen.id) else { return false };
        if known.found + known.waiting >= ENOUGH {
            known.compared += 1;
            inner.report.compared += 1;
            inner.report.not_again += 1;
            return false;
        }
        known.waiting += 1;
        inner.report.pending += 1;
        true
    }

    /// The other look is over.
    pub(crate) fn looked_again(&self, chosen: &Chosen, outcome: Outcome) {
        {
            let mut inner = self.inner();
            inner.report.pending -= 1;
            if let Some(known) = inner.shapes.get_mut(&chosen.id) {
                known.waiting -= 1;
            }
        }
        self.ended(chosen, outcome);
    }

    pub(crate) fn ended(&self, chosen: &Chosen, outcome: Outcome) {
        let inner = &mut *self.inner();
        let Some(known) = inner.shapes.get_mut(&chosen.id) else { return };
        let report = &mut inner.report;
        if let Outcome::Skipped(skip) = outcome {
            known.skipped = Some(skip);
            *inner.skipped.entry(skip).or_default() += 1;
            return;
        }
        report.compared += 1;
        known.compared += 1;
        match outcome {
            Outcome::Equal => report.equal += 1,
            Outcome::InFlight => report.in_flight += 1,
            Outcome::Moving => report.moving += 1,
            Outcome::OfTheTime => report.of_the_time += 1,
            Outcome::Unproven(why) => {
                report.unproven += 1;
                trouble(report, why);
            }
            Outcome::Differs(judged) => {
                if judged.class.is_finding() {
                    report.differing += 1;
                    known.found += 1;
                } else {
                    report.told += 1;
                }
                let text = known.text.clone();
                keep(report, chosen, text, judged);
            }
            Outcome::Skipped(_) => {}
        }
    }

    pub(crate) fn trouble(&self, why: String) {
        trouble(&mut self.inner().report, why);
    }

    /// What came of it so far.
    pub fn report(&self) -> Report {
        let inner = self.inner();
        let mut report = inner.report.clone();
        let one =
            |(why, times): (&Skip, &u64)| Skipped { why: *why, sentence: why.sentence().to_owned(), times: *times };
        report.skipped = inner.skipped.iter().map(one).collect();
        report.findings.sort_by_key(|f| (!f.is_finding, f.class));
        let reads = || inner.shapes.iter().filter(|(_, k)| k.is_read);
        report.statements = reads().count();
        report.covered = reads().filter(|(_, k)| k.compared > 0).count();
        report.never = reads().filter(|(_, k)| k.compared == 0).map(|(id, k)| k.never(id)).collect();
        report.never.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.text.cmp(&b.text)));
        report.never.truncate(MOST_NEVER);
        report
    }
}

impl Known {
    fn of(text: &str) -> Known {
        let (shape, facts) = Shape::with_facts(text);
        Known {
            is_read: shape.does == Does::Read,
            plain: read::plain(&shape, &facts).map(Arc::new),
            text: shown(&shape.text),
            allowed: HashMap::new(),
            seen: 0,
            chosen: 0,
            compared: 0,
            found: 0,
            waiting: 0,
            skipped: None,
        }
    }

    fn never(&self, id: &str) -> Never {
        let why = self.skipped.map_or("It waited for its turn, or came faster than the rate.", Skip::sentence);
        Never { statement: id.to_owned(), text: self.text.clone(), seen: self.seen, why: why.to_owned() }
    }
}

/// One finding per statement and kind of difference.
fn keep(report: &mut Report, chosen: &Chosen, text: String, judged: Judged) {
    let same = |f: &&mut Finding| f.statement == chosen.id && f.class == judged.class;
    if let Some(known) = report.findings.iter_mut().find(same) {
        known.times += 1;
        return;
    }
    if report.findings.len() >= MOST_FINDINGS {
        return trouble(report, format!("More than {MOST_FINDINGS} statements differ; only these are listed."));
    }
    let values = chosen.sample.parameters.iter().flatten();
    report.findings.push(Finding {
        statement: chosen.id.clone(),
        text,
        example: shown(&chosen.sample.text),
        parameters: values.map(|v| v.as_deref().map(shown)).collect(),
        class: judged.class,
        is_finding: judged.class.is_finding(),
        why: judged.why,
        state: judged.failed.and_then(|f| f.state),
        times: 1,
        columns: judged.columns,
        source: judged.source,
        target: judged.target,
    });
}

fn trouble(report: &mut Report, why: String) {
    if report.troubles.len() < 20 && !report.troubles.contains(&why) {
        report.troubles.push(why);
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
