//! A synchronous dual write as the journal tells it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{DualWriteOrder, Former, Percentiles};
use crate::UnixMs;

/// Why commits do not wait any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "DualWriteCause")]
pub enum Cause {
    /// Somebody turned it off.
    Operator,
    /// It was never turned on.
    Refused,
    /// The target cost more than the budget.
    Budget,
    /// The target, or the stream to it, was away.
    TargetAway,
    /// Whoever attended it ended in order.
    OrderlyEnd,
    /// Whoever attended it died, or slept.
    Abandoned,
    /// Somebody changed the settings of the source by hand.
    Settings,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 7] = [
        Cause::Operator,
        Cause::Refused,
        Cause::Budget,
        Cause::TargetAway,
        Cause::OrderlyEnd,
        Cause::Abandoned,
        Cause::Settings,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Cause::Operator => "turned off",
            Cause::Refused => "refused",
            Cause::Budget => "budget passed",
            Cause::TargetAway => "target away",
            Cause::OrderlyEnd => "driver ended in order",
            Cause::Abandoned => "driver died",
            Cause::Settings => "settings changed by hand",
        }
    }

    /// Whether the breaker opened: it ended though nobody had asked.
    pub fn is_opening(self) -> bool {
        match self {
            Cause::Operator | Cause::Refused => false,
            Cause::Budget | Cause::TargetAway | Cause::OrderlyEnd | Cause::Abandoned | Cause::Settings => true,
        }
    }
}

/// What the journal tells of it. `dual` is the number of the entry that asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DualWriteEvent {
    /// It was asked for; whoever drives turns it on.
    Asked {
        /// For whom, and how dear it may be.
        order: DualWriteOrder,
    },
    /// Intent: the source's settings are about to change. Whoever recovers puts `former` back.
    Began {
        /// Which.
        dual: i64,
        /// What small writes took until now.
        before: Percentiles,
        /// What was set.
        former: Former,
    },
    /// Commits of whoever is chosen wait for the target, in sessions that begin after this.
    Stands {
        /// Which.
        dual: i64,
        /// The source's own time, as text that it reads back.
        since: String,
    },
    /// Somebody asked for its end.
    OffAsked,
    /// Nobody waits for the target any more.
    Ended {
        /// Which.
        dual: i64,
        /// Why, and what it had cost.
        end: End,
    },
    /// What small writes took after its end.
    Measured {
        /// Which.
        dual: i64,
        /// The figures.
        after: Percentiles,
    },
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "DualWriteEnd")]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// The same in a sentence.
    pub why: String,
    /// What small writes took while it was on; None where there were none.
    pub during: Option<Percentiles>,
    /// From the decision until nobody waited any more, ms; None where nothing had been changed.
    pub freed_ms: Option<f64>,
}

/// One time that it was asked for. The number of its entry in the journal is its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DualWriteRecord {
    /// Its number.
    pub id: i64,
    /// When it was asked for.
    pub asked: UnixMs,
    /// Who asked.
    pub by: String,
    /// What for.
    pub order: DualWriteOrder,
    /// Since when the source's settings may be changed, what small writes took before, and what was set.
    pub began: Option<(UnixMs, Percentiles, Former)>,
    /// Since when commits wait, by our clock, and by the source's as text.
    pub stands: Option<(UnixMs, String)>,
    /// Who asked for its end, and when.
    pub off_asked: Option<(UnixMs, String)>,
    /// When it ended, and how.
    pub ended: Option<(UnixMs, End)>,
    /// What small writes took afterwards.
    pub after: Option<Percentiles>,
}

impl DualWriteRecord {
    /// Whether it is asked for and has not ended.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}
