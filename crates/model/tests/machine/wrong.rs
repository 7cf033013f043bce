//! Machines that are wrong on purpose: each breaks one rule, and has to be found out by the law that the rule is there for.

use switchyard_model::{
    machine::{Effect, Rules},
    switch::SwitchStep,
};

/// A machine with one rule broken.
pub struct Wrong {
    /// What is wrong with it.
    pub what: &'static str,
    /// Whether it is the offline strategy that shows it.
    pub offline: bool,
    /// Breaks the rule.
    pub spoil: fn(&mut Rules),
    /// The law that it breaks.
    pub law: &'static str,
}

const ONE_SIDE: &str = "one side at most accepts writes";
const HAS_ALL: &str = "a side that accepts writes has every acknowledged one";
const TRAVELS: &str = "every acknowledged write is on both sides or on its way";
const STREAMS: &str = "the streams are never both open";
const WAY_BACK: &str = "whoever accepts writes has its way back open";
const SEQUENCES: &str = "no value of a sequence is handed out twice";
const GATE: &str = "Unknown opens no gate";
const EPOCH: &str = "each switch makes one epoch";
const WATCHED: &str = "nobody is held unwatched";
const BY_THEMSELVES: &str = "before the point of no return the databases are as before by themselves";
const ENDED: &str = "whoever comes next ends the run, and there is a way back";

/// All of them.
pub const WRONG: &[Wrong] = &[
    live("the route moves before the fence", ONE_SIDE, |r| before(r, &[SwitchStep::Route], SwitchStep::Fence)),
    live("clients are let go before the fence is committed", ONE_SIDE, |r| {
        before(r, &[SwitchStep::LowerFence, SwitchStep::Route, SwitchStep::Release], SwitchStep::CommitFence);
    }),
    live("the way back opens before the fence is committed", STREAMS, |r| {
        before(r, &[SwitchStep::OpenWayBack], SwitchStep::CommitFence);
    }),
    live("the way back opens after clients were let in", TRAVELS, |r| {
        before(r, &[SwitchStep::LowerFence, SwitchStep::Route, SwitchStep::Release], SwitchStep::OpenWayBack);
    }),
    live("the winner lets writes in while its stream is closed", WAY_BACK, |r| {
        before(r, &[SwitchStep::LowerFence, SwitchStep::Route, SwitchStep::Release], SwitchStep::OpenWayBack);
    }),
    live("the fence is committed before the point of no return", BY_THEMSELVES, |r| {
        before(r, &[SwitchStep::CommitFence], SwitchStep::PointOfNoReturn);
    }),
    live("the proof comes before the fence", HAS_ALL, |r| before(r, &[SwitchStep::ProveCaughtUp], SwitchStep::Fence)),
    live("the proof does not wait for its beat", HAS_ALL, |r| r.proof_waits = false),
    live("sequences are left as they are", SEQUENCES, |r| {
        r.switch.retain(|e| *e != Effect::Switch(SwitchStep::AdvanceSequences));
    }),
    live("the fence leaves the loser's stream open", STREAMS, |r| r.fence_closes_the_stream = false),
    live("the fence outlives its session", BY_THEMSELVES, |r| r.fence_dies_with_its_session = false),
    live("an undo leaves clients held", ENDED, |r| r.undo_lets_clients_go = false),
    offline("an undo leaves the refusal", ENDED, |r| r.undo_lowers_the_fence = false),
    live("Unknown counts as open", GATE, |r| r.unknown_is_shut = false),
    live("the journal takes entries of an old holder", EPOCH, |r| r.journal_refuses_the_old_holder = false),
    live("databases obey a switch that is over: fences", ONE_SIDE, |r| r.databases_refuse_the_old_epoch = false),
    live("databases obey a switch that is over: streams", STREAMS, |r| r.databases_refuse_the_old_epoch = false),
    offline("a release that arrives late lowers the fence of a switch", ONE_SIDE, |r| {
        r.databases_refuse_the_old_epoch = false;
    }),
    live("recovery does everything again, the point of no return included", EPOCH, |r| r.recovery_looks_first = false),
    live("recovery believes in a proof from before the fence fell", HAS_ALL, |r| r.recovery_proves_anew = false),
    live("recovery takes back what is past the point of no return", ENDED, |r| r.recovery_finishes = false),
    live("nobody watches a hold", WATCHED, |r| r.guard_is_watched = false),
    live("a pause that arrives after its run stays", ENDED, |r| r.stray_pause_is_ended = false),
    live("a route that arrives after its run stays", ENDED, |r| r.stray_route_is_led_back = false),
];

const fn live(what: &'static str, law: &'static str, spoil: fn(&mut Rules)) -> Wrong {
    Wrong { what, offline: false, spoil, law }
}

const fn offline(what: &'static str, law: &'static str, spoil: fn(&mut Rules)) -> Wrong {
    Wrong { what, offline: true, spoil, law }
}

/// Moves steps of the switch in front of another.
fn before(rules: &mut Rules, moved: &[SwitchStep], step: SwitchStep) {
    rules.switch.retain(|e| !moved.iter().any(|m| *e == Effect::Switch(*m)));
    let at = rules.switch.iter().position(|e| *e == Effect::Switch(step)).unwrap();
    rules.switch.splice(at..at, moved.iter().map(|m| Effect::Switch(*m)));
}
