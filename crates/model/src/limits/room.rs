//! Limits of the gates on headroom and transactions, and of what breaks a soak: what an earlier version's migration gets, and
//! what cannot be meant.

use super::Limits;

pub(super) fn connections_headroom_percent() -> u32 {
    10
}

pub(super) fn headroom_hold_s() -> u32 {
    60
}

pub(super) fn headroom_min_samples() -> u32 {
    20
}

pub(super) fn slot_headroom_percent() -> u32 {
    20
}

/// 10 GiB.
pub(super) fn slot_kept_max_mb() -> u32 {
    10 * 1024
}

pub(super) fn slot_runway_s() -> u32 {
    3600
}

pub(super) fn transaction_max_s() -> u32 {
    30
}

pub(super) fn soak_break_s() -> u32 {
    10
}

/// Connections are counted every two seconds, and a look may take longer: so many seconds are sure to hold one.
const SURE_S: u32 = 3;

/// The shortest window in which connections are counted, seconds.
pub(super) const SHORTEST_S: u32 = 10;

impl Limits {
    /// The window whose most crowded moment the gate on connections judges, seconds.
    pub fn headroom_window_s(&self) -> u32 {
        self.headroom_hold_s.max(SHORTEST_S)
    }

    pub(super) fn problems_of_room(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (name, percent) in [
            ("connections_headroom_percent", self.connections_headroom_percent),
            ("slot_headroom_percent", self.slot_headroom_percent),
        ] {
            if percent > 90 {
                out.push(format!("{percent} % of headroom would never be there: give at most 90 ({name})."));
            }
        }
        let window = self.headroom_window_s();
        if self.headroom_min_samples == 0 || self.headroom_min_samples > window / SURE_S {
            out.push(format!(
                "Connections need between 1 and {} samples, since {window} s are sure to hold no more, not {} \
                 (headroom_min_samples).",
                window / SURE_S,
                self.headroom_min_samples
            ));
        }
        if self.headroom_hold_s > 24 * 3600 {
            out.push("Connections are counted for at most a day before a step opens (headroom_hold_s).".to_owned());
        }
        if self.transaction_max_s == 0 {
            out.push(
                "Every transaction is older than 0 s, so writes would never move: give at least 1 s (transaction_max_s)."
                    .to_owned(),
            );
        }
        if self.soak_break_s > 3600 {
            out.push(format!(
                "A gate that has to fail for {} s would be noticed too late: give at most 3600 s (soak_break_s).",
                self.soak_break_s
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_figures_for_room_get_a_sentence_each() {
        let bad = Limits {
            connections_headroom_percent: 91,
            slot_headroom_percent: 100,
            headroom_hold_s: 60,
            headroom_min_samples: 21,
            transaction_max_s: 0,
            soak_break_s: 3601,
            ..Limits::normal()
        };
        let told = bad.problems();
        assert_eq!(told.len(), 5, "each is named: {told:?}");
        assert!(told[2].contains("between 1 and 20 samples"), "by what can be there: {told:?}");
        let short = Limits { headroom_hold_s: 0, headroom_min_samples: 3, ..Limits::normal() };
        assert_eq!(short.problems(), Vec::<String>::new(), "ten seconds are looked at whatever has to hold");
    }

    #[test]
    fn a_ladder_of_an_earlier_version_does_not_step_back_by_itself() {
        let mut old = serde_json::to_value(Limits::normal()).unwrap();
        let new = ["connections", "headroom", "slot_", "transaction", "soak_break", "step_back"];
        old.as_object_mut().unwrap().retain(|name, _| !new.iter().any(|n| name.starts_with(n)));
        assert_eq!(serde_json::from_value::<Limits>(old).unwrap(), Limits::normal(), "its store still opens");
    }
}
