//! What is kept of one statement, and of a capture as a whole.

use serde::{Deserialize, Serialize};

use crate::{digest::Seed, recorded::Recorded};

/// What the first line of a capture says.
pub const FORM: &str = "switchyard capture";
/// The newest version of its form: what the source answered may be in it.
pub const VERSION: u32 = 2;
/// The version of a capture without answers, which earlier programs read as well.
const WITHOUT_ANSWERS: u32 = 1;

/// The first line of a capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORM`].
    pub form: String,
    /// Up to [`VERSION`].
    pub version: u32,
    /// Where it was taken, for people; without a password.
    pub source: String,
    /// The first start, Unix µs; None while it is being taken.
    pub from_us: Option<i64>,
    /// The last end.
    pub to_us: Option<i64>,
    /// Whether its lines are in the order of their starts.
    pub ordered: bool,
    /// Statements in it; None while it is being taken.
    pub statements: Option<u64>,
    /// What is to be known of it, in sentences: what its source cannot see first.
    pub notes: Vec<String>,
    /// What is to be known of its answers; None where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// What is to be known of all answers of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The key of their hashes.
    pub seed: Seed,
    /// The source's version, as 15 or 18.
    pub major: u32,
}

impl Head {
    /// Of a capture that begins.
    pub fn of(source: &str) -> Head {
        Head {
            form: FORM.to_owned(),
            version: WITHOUT_ANSWERS,
            source: source.to_owned(),
            from_us: None,
            to_us: None,
            ordered: false,
            statements: None,
            notes: Vec::new(),
            answers: None,
        }
    }

    /// The same with answers.
    #[must_use]
    pub fn with(self, answers: Option<Answers>) -> Head {
        let version = if answers.is_some() { VERSION } else { self.version };
        Head { version, answers, ..self }
    }
}

/// One statement as it came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Captured {
    /// When it began, Unix µs. Within a session it never goes back.
    pub at_us: i64,
    /// Its place in the order in which the log has it: in which statements ended, where durations were logged.
    pub n: u64,
    /// Session, the same text for all of its statements.
    pub session: String,
    /// Role.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Database.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
    /// `application_name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub application: String,
    /// As the application sent it.
    pub text: String,
    /// Values of its parameters: none where it has none, null where they are not known.
    pub parameters: Option<Vec<Option<String>>>,
    /// How long it took, where that was logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// Why it failed; nothing when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// What the source answered: it is no statement of the application's then, but a question of ours. Its place is where every statement
    /// that its snapshot saw is before it, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<Recorded>>,
}

impl Captured {
    /// When it ended; when it began where nobody knows.
    pub fn end_us(&self) -> i64 {
        self.at_us.saturating_add_unsigned(self.duration_us.unwrap_or_default())
    }

    /// What it takes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let values = self.parameters.iter().flatten().flatten().map(|v| v.len() + 24).sum::<usize>();
        let answer = self.answer.as_ref().map_or(0, |a| a.bytes());
        200 + self.text.len() + self.session.len() + values + answer
    }
}
