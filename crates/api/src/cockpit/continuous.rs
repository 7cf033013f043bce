//! Whether changed rows are verified as they come: a check of the validation phase. It judges no row; the consistency gate does.

use switchyard_model::{
    check::Check,
    figure,
    phase::Phase,
    reconcile::{Activity, Following},
    verdict::Verdict,
};

use super::Seen;

/// Rounds are five seconds apart, and one that has much to look at takes longer.
const ROUNDS_MS: i64 = 60_000;

pub(super) fn check(seen: &Seen<'_>) -> Check {
    let following = &seen.snapshot.following;
    let verdict = if seen.state.milestones.cleaned.is_some() {
        Verdict::unknown("it ended with Cleanup")
    } else {
        verdict(following)
    };
    Check::computed(
        "validation.continuous",
        Phase::Validation,
        "Changed rows are verified as they come",
        verdict,
        following.verified,
    )
    .counting_for(ROUNDS_MS)
}

fn verdict(following: &Following) -> Verdict {
    if let Some(trouble) = &following.trouble {
        return Verdict::unknown(trouble);
    }
    match (following.activity, following.verified) {
        (Activity::Off, _) => Verdict::unknown("it begins when replication runs"),
        (Activity::Paused, _) => Verdict::unknown("the comparison was paused on the Consistency page"),
        (Activity::FullPass | Activity::Waiting | Activity::Following, Some(_)) => {
            let (changed, waiting) = (figure::count(following.changed), figure::count(following.waiting));
            Verdict::pass(format!("{changed} changed rows verified, {waiting} wait"))
        }
        (Activity::FullPass | Activity::Following, None) => Verdict::unknown("after the first full pass"),
        (Activity::Waiting, None) => Verdict::unknown("it waits for a command to end, or for the lag"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_only_while_changes_are_verified() {
        let at = |activity, verified| Following { activity, verified, changed: 1200, ..Following::default() };
        for activity in [Activity::Off, Activity::Paused] {
            assert!(
                !verdict(&at(activity, Some(1))).opens(),
                "what was verified before says nothing of now: {activity:?}"
            );
        }
        for activity in [Activity::FullPass, Activity::Waiting, Activity::Following] {
            assert!(!verdict(&at(activity, None)).opens(), "nothing was verified yet: {activity:?}");
            assert!(verdict(&at(activity, Some(1))).opens(), "rounds go on beside a pass: {activity:?}");
        }
        let blind = Following { trouble: Some("No slot is free.".into()), ..at(Activity::Following, Some(1)) };
        assert_eq!(verdict(&blind).sentence(), "No slot is free.", "the reason is what is missing");
    }
}
