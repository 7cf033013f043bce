//! What is kept of one statement, and of a capture as a whole.

use serde::{Deserialize, Serialize};

/// What the first line of a capture says.
pub const FORM: &str = "switchyard capture";
/// The version of its form.
pub const VERSION: u32 = 1;

/// The first line of a capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORM`].
    pub form: String,
    /// [`VERSION`].
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
}

impl Head {
    /// Of a capture that begins.
    pub fn of(source: &str) -> Head {
        Head {
            form: FORM.to_owned(),
            version: VERSION,
            source: source.to_owned(),
            from_us: None,
            to_us: None,
            ordered: false,
            statements: None,
            notes: Vec::new(),
        }
    }
}

/// One statement as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

impl Captured {
    /// When it ended; when it began where nobody knows.
    pub fn end_us(&self) -> i64 {
        self.at_us.saturating_add_unsigned(self.duration_us.unwrap_or_default())
    }

    /// What it takes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let values = self.parameters.iter().flatten().flatten().map(|v| v.len() + 24).sum::<usize>();
        200 + self.text.len() + self.session.len() + values
    }
}
