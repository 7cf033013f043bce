//! What the source was asked is asked again on the copy, at its place, and what came of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use switchyard_queries::shape::Shape;
use switchyard_shadow::{Failure, Question, Sample};

use crate::{
    compare::Ran,
    digest::Seed,
    doubt::Effects,
    record::Captured,
    recorded::{Answered, Apart, Held, Recorded, Taking, judge},
};

/// Findings that are kept, one per statement.
const MOST: usize = 200;
/// Answers at the begin by which it is seen whether the copy is of the capture's time.
const FIRST: u64 = 20;

/// A copy that is asked.
#[async_trait]
pub trait Asks: Send {
    /// Asks in a read-only transaction that is rolled back, with the settings that the source was asked with.
    ///
    /// # Errors
    /// When it failed.
    async fn ask(&mut self, sample: &Sample, recorded: &Recorded, taking: Taking) -> Result<Answered, Failure>;
}

/// What it takes to ask.
pub struct Asking {
    /// Whom.
    pub copy: Box<dyn Asks>,
    /// The key of the capture's hashes.
    pub seed: Seed,
    /// What statements do there.
    pub effects: Effects,
}

/// What came of all answers of a capture.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AnswersCompared {
    /// Answers of the source that were asked for on the copy.
    pub asked: u64,
    /// Of these: the same.
    pub equal: u64,
    /// Of these: the same but for times of both clocks.
    pub clock: u64,
    /// Of these: the same but for floats, by no more than what adding in another order costs.
    pub float: u64,
    /// Of these: another one, of those that the statement leaves open.
    pub open: u64,
    /// Of these: another one, and nothing is known that explains it.
    pub different: u64,
    /// Of these: another one, or none, for a reason that says nothing of the copy; by why.
    pub in_doubt: BTreeMap<String, u64>,
    /// Answers that were not asked for, since statements were not played one by one, or no copy has the source's version.
    pub not_asked: u64,
    /// Of the first ones so many differ.
    pub first_different: u64,
    /// What differs, one per statement.
    pub findings: Vec<AnswerFinding>,
    /// Whether more statements differ than are kept.
    pub more: bool,
}

/// A statement that the copy answers otherwise than the source did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerFinding {
    /// Its place in the capture, where it was found first.
    pub n: u64,
    /// Its shape's id.
    pub shape: String,
    /// Its text, as it was captured.
    pub text: String,
    /// Its values.
    pub parameters: Vec<Option<String>>,
    /// How often.
    pub times: u64,
    /// How.
    #[serde(flatten)]
    pub apart: Apart,
}

impl AnswersCompared {
    /// Whether so many of the first ones differ that the copy is likely of another time.
    pub fn begins_otherwise(&self) -> bool {
        let first = self.asked.min(FIRST);
        first >= 3 && self.first_different * 2 > first
    }

    /// Whether any of them says something of the copy.
    pub fn is_anything_known(&self) -> bool {
        self.equal + self.clock + self.float + self.different > 0
    }

    /// One that nobody asked for on the copy.
    pub(crate) fn left(&mut self) {
        self.not_asked += 1;
    }

    /// How one held; `doubt` is why it need not.
    pub(crate) fn took(&mut self, one: &Captured, held: Result<Held, String>, doubt: Option<&str>) {
        self.asked += 1;
        match (held, doubt) {
            (Err(why), _) => *self.in_doubt.entry(why).or_default() += 1,
            (Ok(Held::Equal), _) => self.equal += 1,
            (Ok(Held::Clock), _) => self.clock += 1,
            (Ok(Held::Float), _) => self.float += 1,
            (Ok(Held::Open), _) => self.open += 1,
            (Ok(Held::Different(_)), Some(why)) => *self.in_doubt.entry(why.to_owned()).or_default() += 1,
            (Ok(Held::Different(apart)), None) => {
                self.different += 1;
                self.first_different += u64::from(self.asked <= FIRST);
                self.keep(one, apart);
            }
        }
    }

    fn keep(&mut self, one: &Captured, apart: Apart) {
        let shape = Shape::id_of(&one.text);
        if let Some(known) = self.findings.iter_mut().find(|f| f.shape == shape) {
            known.times += 1;
        } else if self.findings.len() < MOST {
            let parameters = one.parameters.clone().unwrap_or_default();
            self.findings.push(AnswerFinding { n: one.n, shape, text: one.text.clone(), parameters, times: 1, apart });
        } else {
            self.more = true;
        }
    }
}

/// Asks the copy; a sentence where its answer says nothing.
pub(crate) async fn hold(
    copy: &mut dyn Asks,
    seed: Seed,
    one: &Captured,
    recorded: &Recorded,
    ran: Ran,
) -> Result<Held, String> {
    let sample =
        Sample { text: one.text.clone(), parameters: one.parameters.clone(), user: one.user.clone(), cut: false };
    let question = Question::of(&sample).map_err(|skip| skip.sentence().to_owned())?;
    let (from_ms, to_ms) = recorded.clock;
    let then = Ran { from_ms, to_ms };
    // Whether a time is of the replay's clock or was there is not always seen: either may hold.
    let clocks = vec![vec![then], vec![then, ran]];
    let taking = Taking::new(seed, &question.keys, clocks).looking_for(&recorded.answered.first);
    match copy.ask(&sample, recorded, taking).await {
        Ok(now) => Ok(judge(&recorded.answered, &now, &question)),
        Err(failure) if failure.is_ours() => Err(format!("It could not be asked on the copy. {}", failure.sentence)),
        Err(failure) => Ok(Held::Different(Apart {
            why: format!("It fails on the copy, and had not on the source: {}", failure.sentence),
            sqlstate: failure.state,
            columns: recorded.answered.columns.iter().map(|c| c.name.clone()).collect(),
            source: recorded.answered.first.clone(),
            here: Vec::new(),
        })),
    }
}
