//! The answer to a question about facts.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::UnixMs;

/// Pass, Fail or Unknown; only Pass opens a gate.
///
/// There is deliberately no `Default` and no conversion to `bool` other than [`Verdict::opens`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It holds; the evidence says what was seen.
    Pass {
        /// What was measured, with unit and limit.
        evidence: String,
    },
    /// It does not hold.
    Fail {
        /// What was measured against which limit.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// It was not, or not recently enough, looked at.
    Unknown {
        /// What is missing to answer.
        missing: String,
    },
}

impl Verdict {
    /// A pass with its evidence.
    pub fn pass(evidence: impl Into<String>) -> Self {
        Verdict::Pass { evidence: evidence.into() }
    }

    /// A fail with its cause and remedy.
    pub fn fail(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Verdict::Fail { why: why.into(), remedy: remedy.into() }
    }

    /// Not known, and what is missing.
    pub fn unknown(missing: impl Into<String>) -> Self {
        Verdict::Unknown { missing: missing.into() }
    }

    /// Whether a gate with this verdict is open.
    pub fn opens(&self) -> bool {
        match self {
            Verdict::Pass { .. } => true,
            Verdict::Fail { .. } | Verdict::Unknown { .. } => false,
        }
    }

    /// One sentence for a line of a checklist.
    pub fn sentence(&self) -> &str {
        match self {
            Verdict::Pass { evidence } => evidence,
            Verdict::Fail { why, .. } => why,
            Verdict::Unknown { missing } => missing,
        }
    }
}

/// A verdict and the instant at which it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Dated {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// When the facts were read.
    pub at: UnixMs,
}
