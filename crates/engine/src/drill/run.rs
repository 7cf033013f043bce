//! One drill, from the canary's first request to its last.

use std::time::{Duration, Instant};

use switchyard_model::{
    Command, Side,
    drill::{DrillOrder, DrillResult, Failure, LedgerCheck, Measured},
    gate::{self, Judged},
};

use super::{
    Operator,
    back::{go_back, has_moved, in_words, unplant, wait_until_left},
    canary::{Canary, Marks},
    faults::Injected,
    front::Front,
};
use crate::{
    error::{Error, Kind, Result},
    saga::Pair,
    store::TicketState,
};

/// How often the gates and the canary are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A failure that nobody notices in this time is not noticed.
const NOTICING: Duration = Duration::from_secs(60);
/// How long the act's gates may take to open.
const OPENING: Duration = Duration::from_secs(30);
/// How long a share of reads may take to reach the target.
const ARRIVING: Duration = Duration::from_secs(20);
/// After so many looks without a read on the target the poolers' connections are renewed.
const RENEW_EVERY: u32 = 15;

/// Gates that look at the world. The others are about time, people and the journal, and notice nothing.
const WATCHFUL: [&str; 7] = ["lag", "consistency", "schema", "way_back", "read_back", "latency", "errors"];

/// Runs a drill. What goes wrong is in its result; whatever happened, no failure stands afterwards, and the way back was asked
/// for.
pub async fn run(operator: &dyn Operator, drill: i64, order: &DrillOrder, fronts: &[Front]) -> DrillResult {
    let mut measured = Measured::default();
    let mut rehearsal = Rehearsal { operator, drill, order, injected: Injected::Nothing };
    if let Err(e) = rehearsal.play(fronts, &mut measured).await {
        measured.troubles.push(format!("{} {}", e.sentence(), e.remedy()));
    }
    if let Err(e) = rehearsal.leave_nothing().await {
        measured.troubles.push(format!("{} {}", e.sentence(), e.remedy()));
    }
    measured.judge(order)
}

/// For a drill whose process died: removes what it may have left, and takes back what it moved. The sentence is why it counts
/// as failed.
pub async fn cut_short(operator: &dyn Operator, order: &DrillOrder) -> DrillResult {
    let mut measured = Measured::default();
    measured.troubles.push("The process that ran it ended before the drill did.".to_owned());
    let taken_back = async {
        unplant(operator.pair()).await?;
        if has_moved(operator).await? {
            go_back(operator).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(e) = taken_back.await {
        measured.troubles.push(format!("{} {}", e.sentence(), e.remedy()));
    }
    DrillResult { why_not: measured.troubles.clone(), ..measured.judge(order) }
}

struct Rehearsal<'a> {
    operator: &'a dyn Operator,
    drill: i64,
    order: &'a DrillOrder,
    injected: Injected,
}

impl Rehearsal<'_> {
    fn pair(&self) -> &Pair {
        self.operator.pair()
    }

    fn act(&self) -> Command {
        self.order.act.command()
    }

    async fn play(&mut self, fronts: &[Front], measured: &mut Measured) -> Result<()> {
        self.operator.say("the canary starts".to_owned());
        let marks = prepare(self.pair(), self.drill, &self.order.canary).await?;
        let mut canary = Canary::start(fronts, self.drill, marks).await?;
        let played = self.with_canary(&canary, measured).await;
        canary.stop().await;
        canary.seen().tell(measured);
        measured.ledger = check_ledger(self.operator, &canary, self.drill).await?;
        played
    }

    async fn with_canary(&mut self, canary: &Canary, measured: &mut Measured) -> Result<()> {
        self.wait_for_gates().await;
        self.operator.say(format!("{} begins", self.act().label()));
        match self.operator.ask(self.act()).await? {
            TicketState::Done { .. } => {}
            other => return Err(Error::new(Kind::Refused, self.act().label(), in_words(&other))),
        }
        self.wait_for_target(canary).await?;
        let watched = self.open_gates().await;
        let authority = self.operator.state().await?.authority;
        // Before the failure, for putting it on takes time in which it may be felt already.
        let since = self.operator.clock().instant();
        canary.seen().begin(since, matches!(self.order.failure, Failure::TargetDown | Failure::TargetErrors));
        self.injected = Injected::put_on(self.order.failure, self.pair(), authority, self.drill).await?;
        self.operator.say(format!("“{}” is on", self.order.failure.title()));
        measured.noticed = self.notice(canary, &watched, since).await;
        if let Some((at, by)) = &measured.noticed {
            self.operator.say(format!("noticed after {at:.0} ms by {by}"));
        }
        measured.decided_ms = Some(self.since(since));
        if self.order.failure == Failure::ReplicationStopped {
            // What was written on the target has to arrive before anything goes back; whoever decides mends the stream first.
            self.injected.take_off(self.operator.pair()).await?;
        }
        go_back(self.operator).await?;
        measured.routed_back_ms = Some(self.since(since));
        wait_until_left(self.operator, canary).await
    }

    /// Gives the gates of the act a moment: a process that has just begun to drive has not measured for long. If they stay shut
    /// the act is refused, and the refusal says which one it was.
    async fn wait_for_gates(&self) {
        let began = self.operator.clock().instant();
        while self.operator.clock().instant() - began < OPENING {
            if gate::open(&self.operator.gates(&self.act()).await) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Some of the canary's reads have reached the target: without that nothing is rehearsed.
    async fn wait_for_target(&self, canary: &Canary) -> Result<()> {
        let (began, mut looks) = (self.operator.clock().instant(), 0u32);
        while canary.seen().last_on_target.is_none() {
            if self.operator.clock().instant() - began > ARRIVING {
                let why = format!("no read of the canary reached the target within {} s", ARRIVING.as_secs());
                return Err(Error::new(Kind::Unsuitable, "rehearsing", why));
            }
            tokio::time::sleep(LOOK).await;
            looks += 1;
            if looks.is_multiple_of(RENEW_EVERY) {
                self.renew_readers().await?;
            }
        }
        Ok(())
    }

    /// The share is of connections, and a pooler keeps those it has; the shift renewed them when there were few.
    async fn renew_readers(&self) -> Result<()> {
        for router in &self.pair().routers.all {
            router.renew_readers().await?;
        }
        Ok(())
    }

    /// What would be asked before going on, of which everything that passes now has to go on passing.
    async fn judged(&self) -> Vec<Judged> {
        let gates = self.operator.gates(&Command::SwitchWrites).await;
        gates.into_iter().filter(|g| WATCHFUL.contains(&g.gate.as_str())).collect()
    }

    async fn open_gates(&self) -> Vec<String> {
        self.judged().await.into_iter().filter(|g| g.verdict.opens()).map(|g| g.gate).collect()
    }

    /// When something that was well is not, in two looks one after the other.
    async fn notice(&self, canary: &Canary, watched: &[String], since: Instant) -> Option<(f64, String)> {
        let mut before: Option<(f64, String)> = None;
        let mut looks = 0u32;
        loop {
            let alarm = canary.seen().alarm(self.operator.clock().instant());
            let said = match alarm {
                Some(said) => Some(said),
                None => self.judged().await.into_iter().find_map(|g| {
                    let shut = watched.contains(&g.gate) && !g.verdict.opens();
                    shut.then(|| format!("the gate “{}”: {}", g.title, g.verdict.sentence()))
                }),
            };
            let at = self.since(since);
            match (said, before.take()) {
                (Some(_), Some(first)) => return Some(first),
                (Some(said), None) => before = Some((at, said)),
                (None, _) => {}
            }
            if at > NOTICING.as_secs_f64() * 1000.0 {
                return None;
            }
            tokio::time::sleep(LOOK).await;
            looks += 1;
            if looks.is_multiple_of(RENEW_EVERY) && canary.seen().has_left_target() {
                // A failure of the target is felt by those who use it. A router that does not answer may be the failure itself.
                let _ = self.renew_readers().await;
            }
        }
    }

    /// Whatever was put on or moved is gone.
    async fn leave_nothing(&mut self) -> Result<()> {
        self.injected.take_off(self.operator.pair()).await?;
        if has_moved(self.operator).await? {
            go_back(self.operator).await?;
        }
        unplant(self.pair()).await
    }

    fn since(&self, since: Instant) -> f64 {
        ms(since, self.operator.clock().instant())
    }
}

/// Makes both sides ready, and learns what tells them apart.
pub(super) async fn prepare(pair: &Pair, drill: i64, role: &str) -> Result<Marks> {
    let marks = Marks { source: pair.source.drills.mark().await?, target: pair.target.drills.mark().await? };
    if marks.source == marks.target {
        let why = "both sides are one server, so the canary could not tell who answers";
        return Err(Error::new(Kind::Unsuitable, "preparing a drill", why));
    }
    for side in [Side::Source, Side::Target] {
        pair.db(side).drills.admit(role).await?;
    }
    unplant(pair).await?;
    // A drill begins with everything on the source; its stream takes the rows away on the other side.
    pair.source.drills.forget(drill).await?;
    Ok(marks)
}

/// What became of the canary's writes, on the side that has the authority now.
pub(super) async fn check_ledger(operator: &dyn Operator, canary: &Canary, drill: i64) -> Result<LedgerCheck> {
    let authority = operator.state().await?.authority;
    let there = operator.pair().db(authority).drills.written(drill).await?;
    let seen = canary.seen();
    Ok(LedgerCheck::of(&seen.acknowledged, seen.uncertain, &there))
}

/// Milliseconds from one instant to another.
pub(super) fn ms(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}
