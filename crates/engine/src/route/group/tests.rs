//! What the group does when one of its routers fails, is late, or loses its answer.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;

use super::*;

/// How the scripted router answers a hold.
#[derive(Clone, Copy, PartialEq)]
enum Script {
    Holds,
    /// Refuses without having done anything.
    Refuses,
    /// Holds, then the answer is lost.
    HoldsButAnswerIsLost,
    /// Holds and never answers.
    HoldsAndIsSilent,
    /// Holds, and cannot be released.
    HoldsForEver,
}

struct Fake {
    label: String,
    script: Script,
    holding: AtomicBool,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    fn new(label: &str, script: Script) -> Arc<Fake> {
        let (holding, calls) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Fake { label: label.to_owned(), script, holding, calls })
    }

    fn is_holding(&self) -> bool {
        self.holding.load(Ordering::SeqCst)
    }

    fn called(&self, what: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|c| *c == what).count()
    }

    fn call(&self, what: &str) {
        self.calls.lock().unwrap().push(what.to_owned());
    }

    fn error(&self, what: &str) -> Error {
        Error::new(Kind::Router, format!("{what} at {}", self.label), "scripted")
    }
}

#[async_trait]
impl Router for Fake {
    fn label(&self) -> &str {
        &self.label
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { hold: true, shift_reads: false, point_writes: false }
    }
    async fn observe(&self) -> Result<RouterState> {
        Ok(RouterState { holding: Some(self.is_holding()), ..RouterState::default() })
    }
    fn hold_actions(&self) -> Vec<Action> {
        vec![Action::new(&self.label, "HOLD")]
    }
    async fn hold(&self) -> Result<()> {
        self.call("hold");
        if self.script == Script::Refuses {
            return Err(self.error("hold"));
        }
        self.holding.store(true, Ordering::SeqCst);
        match self.script {
            Script::Holds | Script::Refuses | Script::HoldsForEver => Ok(()),
            Script::HoldsButAnswerIsLost => Err(self.error("hold")),
            Script::HoldsAndIsSilent => std::future::pending().await,
        }
    }
    fn release_actions(&self) -> Vec<Action> {
        vec![Action::new(&self.label, "RELEASE")]
    }
    async fn release(&self) -> Result<()> {
        self.call("release");
        if self.script == Script::HoldsForEver {
            return Err(self.error("release"));
        }
        self.holding.store(false, Ordering::SeqCst);
        Ok(())
    }
    fn shift_reads_actions(&self, _: u8) -> Vec<Action> {
        Vec::new()
    }
    async fn shift_reads(&self, _: u8) -> Result<()> {
        self.call("shift_reads");
        Ok(())
    }
    fn point_writes_actions(&self, _: Side) -> Vec<Action> {
        Vec::new()
    }
    async fn point_writes(&self, _: Side) -> Result<()> {
        self.call("point_writes");
        Ok(())
    }
    fn renew_readers_actions(&self) -> Vec<Action> {
        Vec::new()
    }
    async fn renew_readers(&self) -> Result<()> {
        self.call("renew_readers");
        Ok(())
    }
}

fn pair(a: Script, b: Script) -> (Routers, Arc<Fake>, Arc<Fake>) {
    let (a, b) = (Fake::new("pgb-1", a), Fake::new("pgb-2", b));
    (Routers::new(vec![a.clone(), b.clone()]), a, b)
}

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn all_hold_and_all_let_go() {
    let (routers, a, b) = pair(Script::Holds, Script::Holds);
    routers.hold_all(SOON).await.unwrap();
    assert!(a.is_holding() && b.is_holding(), "a hold is complete or it is none");
    routers.release_all().await.unwrap();
    routers.release_all().await.unwrap();
    assert!(!a.is_holding() && !b.is_holding(), "releasing twice is fine");
}

#[tokio::test]
async fn one_of_two_fails_and_the_other_lets_go() {
    for (first, second) in [(Script::Holds, Script::Refuses), (Script::Refuses, Script::Holds)] {
        let (routers, a, b) = pair(first, second);
        let e = routers.hold_all(SOON).await.unwrap_err();
        let culprit = if first == Script::Refuses { "pgb-1" } else { "pgb-2" };
        assert!(e.to_string().contains(culprit), "the error names the one that failed: {e}");
        assert!(!a.is_holding() && !b.is_holding(), "clients of the other must not wait");
    }
}

#[tokio::test]
async fn a_lost_answer_is_taken_for_a_hold() {
    let (routers, a, b) = pair(Script::Holds, Script::HoldsButAnswerIsLost);
    routers.hold_all(SOON).await.unwrap_err();
    assert!(!a.is_holding(), "the one that answered was released");
    assert!(!b.is_holding(), "the one whose answer was lost might hold, so it was released too");
    assert_eq!(b.called("release"), 1);
}

#[tokio::test]
async fn a_silent_router_is_given_up_at_the_deadline() {
    let (routers, a, b) = pair(Script::Holds, Script::HoldsAndIsSilent);
    let e = routers.hold_all(SOON).await.unwrap_err();
    assert_eq!(e.kind, Kind::Deadline);
    assert!(e.to_string().contains("pgb-2"), "the error names the silent one: {e}");
    assert!(!a.is_holding() && !b.is_holding(), "nobody waits after the deadline");
}

#[tokio::test]
async fn a_failure_does_not_wait_for_the_silent() {
    let (routers, a, _) = pair(Script::HoldsAndIsSilent, Script::Refuses);
    let far = Duration::from_secs(3600);
    tokio::time::timeout(Duration::from_secs(5), routers.hold_all(far)).await.unwrap().unwrap_err();
    assert!(!a.is_holding(), "its clients would have been queued until the deadline for nothing");
}

#[tokio::test]
async fn what_cannot_be_released_is_a_contradiction_and_the_rest_is_released() {
    let a = Fake::new("pgb-1", Script::HoldsForEver);
    let b = Fake::new("pgb-2", Script::Refuses);
    let c = Fake::new("pgb-3", Script::Holds);
    let routers = Routers::new(vec![a.clone(), b.clone(), c.clone()]);
    let e = routers.hold_all(SOON).await.unwrap_err();
    assert_eq!(e.kind, Kind::Contradiction, "a person has to look: {e}");
    assert!(e.to_string().contains("pgb-1") && e.to_string().contains("pgb-2"), "both are named: {e}");
    assert!(!c.is_holding(), "one that is stuck does not keep the others held");
}

#[tokio::test]
async fn nobody_there_is_an_error_and_not_a_success() {
    let none = Routers::default();
    assert_eq!(none.hold_all(SOON).await.unwrap_err().kind, Kind::Refused, "nothing was held");
    assert_eq!(none.point_writes(Side::Target).await.unwrap_err().kind, Kind::Refused, "nothing was pointed");
    none.release_all().await.unwrap();
}

fn says(label: &str, reads: Option<u8>, writes: Option<Side>, holding: Option<bool>) -> Observed {
    let can = Capabilities { hold: holding.is_some(), shift_reads: true, point_writes: true };
    let state = RouterState { reads_on_target: reads, writes, holding, ..RouterState::default() };
    Observed { label: label.to_owned(), can, state: Ok(state) }
}

fn pooler(label: &str, holding: bool) -> Observed {
    let mut o = says(label, None, None, Some(holding));
    o.can = Capabilities { hold: true, ..Capabilities::default() };
    o
}

#[test]
fn agreement_is_one_route() {
    let all = [
        says("h1", Some(10), Some(Side::Source), None),
        pooler("p", false),
        says("h2", Some(10), Some(Side::Source), None),
    ];
    let back = merge(&all, 7);
    assert_eq!(back.route, Ok(Route { reads_on_target: 10, writes: Side::Source }));
    assert!(!back.holding);
    assert_eq!(back.at, 7);
}

#[test]
fn disagreement_says_who_says_what() {
    let all = [says("h1", Some(10), Some(Side::Source), None), says("h2", Some(5), Some(Side::Source), None)];
    assert_eq!(
        merge(&all, 0).route.unwrap_err(),
        "the routers disagree: h1 says 10 % of reads on target, h2 says 5 % of reads on target"
    );
}

#[test]
fn one_paused_pooler_is_a_hold() {
    let all = [says("h1", Some(0), Some(Side::Source), None), pooler("p1", false), pooler("p2", true)];
    assert!(merge(&all, 0).holding, "clients of one of two are waiting");
}

#[test]
fn silence_and_uncertainty_are_no_route() {
    let gone = Error::new(Kind::Unreachable, "asking h2", "connection refused");
    let can = Capabilities { hold: false, shift_reads: true, point_writes: true };
    let all = [says("h1", Some(0), Some(Side::Source), None), Observed { label: "h2".into(), can, state: Err(gone) }];
    assert_eq!(merge(&all, 0).route.unwrap_err(), "asking h2: connection refused");

    let mut unclear = says("h2", Some(0), None, None);
    unclear.state.as_mut().unwrap().warning = Some("both servers of rw take writes".to_owned());
    let all = [says("h1", Some(0), Some(Side::Source), None), unclear];
    let why = merge(&all, 0).route.unwrap_err();
    assert!(why.contains("h2") && why.contains("both servers"), "h1's word does not cover for h2: {why}");
    assert!(merge(&[pooler("p", false)], 0).route.is_err(), "poolers alone do not say where traffic goes");
}
