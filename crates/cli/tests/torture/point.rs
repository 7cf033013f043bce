//! Where a fault comes: a step of the switch or of its way back, before its effect (its intent is in the journal) or after
//! it (its result is not).

use std::fmt;

use switchyard_model::switch::{ORDER, SwitchStep};

/// Which way the authority goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the source to the target.
    Forward,
    /// Back to the source.
    Back,
}

/// When, by the words of the failpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Announced and not done.
    Before,
    /// Half of it done.
    Within,
    /// Done and not journaled.
    After,
}

/// A point of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    pub way: Way,
    pub when: When,
    pub step: SwitchStep,
}

impl Point {
    /// Every point there is.
    pub fn all() -> Vec<Point> {
        let mut all = Vec::new();
        for way in [Way::Forward, Way::Back] {
            for step in ORDER {
                all.push(Point { way, when: When::Before, step });
                // Reads go along on the way back, so this step acts twice.
                if way == Way::Back && step == SwitchStep::Route {
                    all.push(Point { way, when: When::Within, step });
                }
                all.push(Point { way, when: When::After, step });
            }
        }
        all
    }

    /// As the failpoint is asked for.
    pub fn word(&self) -> String {
        let when = match self.when {
            When::Before => "before",
            When::Within => "within",
            When::After => "after",
        };
        format!("{when}:{}", self.step.word())
    }

    /// The step that whoever finishes a run from here takes next; None where it is taken back.
    pub fn next(&self) -> Option<SwitchStep> {
        let at = ORDER.iter().position(|o| *o == self.step)?;
        // A step that was left half way or unannounced is looked at, and done again where it is not there.
        let next = if self.when == When::After { at + 1 } else { at };
        self.is_past().then(|| ORDER[next.min(ORDER.len() - 1)])
    }

    /// Whether the point of no return is behind it.
    pub fn is_past(&self) -> bool {
        let at = |step: SwitchStep| ORDER.iter().position(|o| *o == step).unwrap();
        let point = at(SwitchStep::PointOfNoReturn);
        at(self.step) > point || at(self.step) == point && self.when == When::After
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let way = match self.way {
            Way::Forward => "forward",
            Way::Back => "back",
        };
        write!(f, "{way} {}", self.word())
    }
}
