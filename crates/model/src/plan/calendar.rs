//! Days on which people work: where a bar begins and ends when weekends are left out.

use crate::{UnixMs, time::DAY_MS};

/// Which days count for the work of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// All seven of a week.
    All,
    /// Monday to Friday, in UTC. A work of people rests on the others, and nothing begins on them.
    Working,
}

/// Who works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// People, who rest.
    People,
    /// Machines and soak times, which do not.
    Machine,
}

/// Days of a week that people work on.
const WORKING: f64 = 5.0;

/// Whether a day is a Saturday or a Sunday; 1970 began on a Thursday.
fn is_weekend(at: UnixMs) -> bool {
    (at.div_euclid(DAY_MS) + 3).rem_euclid(7) >= 5
}

fn next_day(at: UnixMs) -> UnixMs {
    (at.div_euclid(DAY_MS) + 1) * DAY_MS
}

impl Days {
    /// The first instant at or after this one at which something may begin.
    pub fn begin(self, at: UnixMs) -> UnixMs {
        match self {
            Days::All => at,
            Days::Working => {
                let mut at = at;
                while is_weekend(at) {
                    at = next_day(at);
                }
                at
            }
        }
    }

    /// The end of so many days of work that begin at an instant. It is exclusive: a day's work that begins on a Friday ends
    /// with it.
    pub fn end(self, from: UnixMs, days: f64, work: Work) -> UnixMs {
        let mut left = (days * DAY_MS as f64).round() as i64;
        match (self, work) {
            (Days::All, _) | (Days::Working, Work::Machine) => from + left,
            (Days::Working, Work::People) => {
                let mut at = from;
                while left > 0 {
                    at = self.begin(at);
                    let today = (next_day(at) - at).min(left);
                    at += today;
                    left -= today;
                }
                at
            }
        }
    }

    /// The days of work that are in so many weeks.
    pub fn in_weeks(self, weeks: f64) -> f64 {
        match self {
            Days::All => weeks * 7.0,
            Days::Working => weeks * WORKING,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{date, parse_date};

    fn end(from: &str, days: f64, work: Work) -> String {
        let from = Days::Working.begin(parse_date(from).unwrap());
        // The last instant that belongs to it.
        date(Days::Working.end(from, days, work) - 1)
    }

    #[test]
    fn people_rest_on_weekends_and_machines_do_not() {
        // 2026-11-27 is a Friday.
        assert_eq!(end("2026-11-27", 1.0, Work::People), "2026-11-27", "a day's work ends with its day");
        assert_eq!(end("2026-11-27", 2.0, Work::People), "2026-11-30", "the second day is Monday");
        assert_eq!(end("2026-11-27", 2.0, Work::Machine), "2026-11-28", "a copy goes on");
        assert_eq!(end("2026-11-28", 1.0, Work::People), "2026-11-30", "what would begin on Saturday begins on Monday");
        assert_eq!(
            end("2026-11-28", 1.0, Work::Machine),
            "2026-11-30",
            "and so does a machine, since a person starts it"
        );
        assert_eq!(end("2026-11-30", 10.0, Work::People), "2026-12-11", "two working weeks end on a Friday");
    }

    #[test]
    fn all_days_are_as_long_as_they_are() {
        assert_eq!(Days::All.end(0, 14.0, Work::People), 14 * DAY_MS);
        assert_eq!(Days::Working.end(0, 0.0, Work::People), 0, "nothing takes no time");
        assert_eq!((Days::All.in_weeks(2.0), Days::Working.in_weeks(2.0)), (14.0, 10.0));
    }
}
