//! The servers keep the log that the streams' slots need, and go on doing so.

use super::{Gate, Looked, Question, duration, goes_forward, outdated};
use crate::{
    Side, UnixMs, figure,
    headroom::{COUNTS_MS, SlotFacts, SlotRoom, WalStatus},
    limits::Limits,
    verdict::Verdict,
};

pub(super) const GATE: Gate = Gate { name: "slots", title: "Slots", guards: goes_forward, judge, looked };

const MEND: &str = "Find out why the other side does not confirm (its subscription, a long transaction), and see that the disk \
                    of the log has room.";

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.slots.as_ref().map(|f| f.at), counts_ms: Some(COUNTS_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    (verdict(q), None)
}

fn verdict(q: &Question<'_>) -> Verdict {
    let limits = q.state.limits();
    let Some(facts) = &q.facts.slots else {
        return Verdict::unknown("the slots have not been looked at yet");
    };
    if let Some(why) = outdated("the slots were last looked at", facts.at, q.now, COUNTS_MS) {
        return Verdict::unknown(why);
    }
    for side in [Side::Source, Side::Target] {
        let name = q.state.spec.slot(side);
        if !facts.slots.iter().any(|s| s.on == side && s.name == name) {
            return Verdict::unknown(format!("slot {name} was not seen on the {side}"));
        }
    }
    facts.slots.iter().find_map(|slot| wrong(slot, limits)).unwrap_or_else(|| Verdict::pass(evidence(facts, limits)))
}

fn wrong(slot: &SlotRoom, limits: &Limits) -> Option<Verdict> {
    let SlotRoom { name, on, .. } = slot;
    match slot.status {
        WalStatus::Lost => {
            return Some(Verdict::fail(
                format!("the {on} has dropped log that slot {name} needs"),
                "The stream cannot go on: everything has to be copied again. Roll back, clean up and begin anew.",
            ));
        }
        WalStatus::Unreserved => {
            return Some(Verdict::fail(
                format!("the {on} keeps no more log for slot {name}, and may drop it at its next checkpoint"),
                format!("Raise max_slot_wal_keep_size on the {on} now. {MEND}"),
            ));
        }
        WalStatus::Kept => {}
    }
    let (limit, servers) = slot.limit(limits)?;
    let kept = figure::bytes(slot.kept_bytes);
    let named = if servers { "max_slot_wal_keep_size" } else { "limit" };
    let most = if servers { share(limit, 100 - limits.slot_headroom_percent.min(100)) } else { limit };
    if slot.kept_bytes > most {
        let left =
            if servers { format!(", {} % have to be left", limits.slot_headroom_percent) } else { String::new() };
        let why = format!("{kept} of log kept for slot {name} on the {on}, {named} {}{left}", figure::bytes(limit));
        return Some(Verdict::fail(why, MEND));
    }
    let seconds = slot.seconds_to(limit).filter(|s| *s < i64::from(limits.slot_runway_s))?;
    let why = format!(
        "{kept} of log kept for slot {name} on the {on}, {} more a minute: {named} {} is reached in {}",
        figure::bytes(slot.growth_per_min.unwrap_or(0)),
        figure::bytes(limit),
        duration(seconds)
    );
    Some(Verdict::fail(why, MEND))
}

/// So many percent of it.
fn share(bytes: i64, percent: u32) -> i64 {
    i64::try_from(i128::from(bytes) * i128::from(percent) / 100).unwrap_or(i64::MAX)
}

/// The most on each side, and whether anything but the disk bounds it.
fn evidence(facts: &SlotFacts, limits: &Limits) -> String {
    let most = |side| facts.slots.iter().filter(|s| s.on == side).max_by_key(|s| s.kept_bytes);
    let told: Vec<String> = [Side::Source, Side::Target]
        .into_iter()
        .filter_map(|side| most(side).map(|s| (side, s)))
        .map(|(side, s)| match s.limit(limits) {
            Some((limit, _)) => {
                format!("{} of {} kept on the {side}", figure::bytes(s.kept_bytes), figure::bytes(limit))
            }
            None => format!("{} kept on the {side}", figure::bytes(s.kept_bytes)),
        })
        .collect();
    let bounded = facts.slots.iter().all(|s| s.limit_bytes.is_some());
    let disk =
        if bounded { "" } else { "; the server itself stops at the disk alone, whose free space it does not tell" };
    format!("{}{disk}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Facts,
            tests::{ask, state},
        },
        *,
    };

    const MIB: i64 = 1 << 20;

    fn slot(on: Side, kept_bytes: i64) -> SlotRoom {
        SlotRoom {
            name: state().spec.slot(on),
            on,
            status: WalStatus::Kept,
            kept_bytes,
            limit_bytes: Some(1_000 * MIB),
            growth_per_min: None,
        }
    }

    fn judged(forward: SlotRoom) -> Verdict {
        let slots = vec![forward, slot(Side::Target, MIB)];
        let facts = Facts { slots: Some(SlotFacts { at: 1_000, slots }), ..Facts::default() };
        ask(&state(), &facts, 1_500, "slots").verdict
    }

    #[test]
    fn a_fifth_of_the_servers_limit_has_to_be_left() {
        assert!(judged(slot(Side::Source, 800 * MIB)).opens(), "the limit itself");
        let Verdict::Fail { why, .. } = judged(slot(Side::Source, 800 * MIB + 1)) else { panic!("less is left") };
        assert_eq!(
            why,
            "800.0 MiB of log kept for slot switchyard_orders_from_source on the source, max_slot_wal_keep_size 1000.0 MiB, \
             20 % have to be left"
        );
    }

    #[test]
    fn without_a_limit_of_the_server_ours_counts_and_the_disk_is_said_to_be_unknown() {
        let unbounded = |kept_bytes| SlotRoom { limit_bytes: None, ..slot(Side::Source, kept_bytes) };
        let open = judged(unbounded(10_240 * MIB));
        assert!(open.opens() && open.sentence().contains("free space it does not tell"), "{open:?}");
        let shut = judged(unbounded(10_240 * MIB + 1));
        assert!(!shut.opens() && shut.sentence().ends_with("limit 10.0 GiB"), "{shut:?}");
    }

    #[test]
    fn a_limit_that_comes_near_closes_before_it_is_there() {
        let growing = |bytes| SlotRoom { growth_per_min: Some(bytes), ..slot(Side::Source, 400 * MIB) };
        assert!(judged(growing(10 * MIB)).opens(), "600 MiB at 10 MiB a minute are the hour itself");
        let Verdict::Fail { why, .. } = judged(growing(11 * MIB)) else { panic!("less than an hour") };
        assert!(why.contains("11.0 MiB more a minute") && why.ends_with("is reached in 54:32"), "{why}");
    }

    #[test]
    fn the_servers_own_word_comes_first() {
        let said = |status| judged(SlotRoom { status, ..slot(Side::Source, 0) });
        let Verdict::Fail { why, remedy } = said(WalStatus::Lost) else { panic!("a lost slot is no way") };
        assert!(why.contains("has dropped log") && remedy.contains("copied again"), "{why} {remedy}");
        assert!(matches!(said(WalStatus::Unreserved), Verdict::Fail { .. }), "it may be lost at any checkpoint");
    }

    #[test]
    fn a_slot_that_is_not_there_or_was_not_asked_lately_is_unknown() {
        let ask = |slots, now| {
            let facts = Facts { slots: Some(SlotFacts { at: 1_000, slots }), ..Facts::default() };
            super::super::tests::ask(&state(), &facts, now, "slots").verdict
        };
        let both = || vec![slot(Side::Source, 0), slot(Side::Target, 0)];
        assert!(ask(both(), 11_000).opens());
        assert!(matches!(ask(both(), 11_001), Verdict::Unknown { .. }), "ten seconds old and more");
        let Verdict::Unknown { missing } = ask(vec![slot(Side::Source, 0)], 1_500) else { panic!("one is gone") };
        assert!(missing.contains("switchyard_orders_from_target was not seen on the target"), "{missing}");
    }
}
