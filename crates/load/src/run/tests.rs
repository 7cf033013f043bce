//! The generator against servers whose behaviour is known to the millisecond.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::*;
use crate::{Ramp, Session, Trouble, climb, script::Script};

/// Answers after a time, and stands still once for a while.
struct Server {
    answers_after: Duration,
    /// Stands still from the first until the second, after its beginning.
    still: Option<(Duration, Duration)>,
    /// Every so many statements fail.
    fails_every: Option<u64>,
    began: Instant,
    asked: AtomicU64,
}

impl Server {
    fn quick() -> Server {
        Server {
            answers_after: Duration::ZERO,
            still: None,
            fails_every: None,
            began: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }
}

struct At(Arc<Server>);

struct One(Arc<Server>);

#[async_trait]
impl Sessions for At {
    async fn open(&self) -> Result<Box<dyn Session>, Trouble> {
        Ok(Box::new(One(self.0.clone())))
    }
}

#[async_trait]
impl Session for One {
    async fn run(&mut self, statement: &str) -> Result<(), Trouble> {
        if statement == "ROLLBACK" {
            return Ok(());
        }
        let n = self.0.asked.fetch_add(1, Ordering::Relaxed);
        if let Some((from, until)) = self.0.still {
            let now = self.0.began.elapsed();
            if now >= from && now < until {
                tokio::time::sleep(until - now).await;
            }
        }
        if !self.0.answers_after.is_zero() {
            tokio::time::sleep(self.0.answers_after).await;
        }
        match self.0.fails_every {
            Some(every) if n.is_multiple_of(every) => {
                Err(Trouble { class: "23505".into(), sentence: "It is there already.".into(), broken: false })
            }
            Some(_) | None => Ok(()),
        }
    }
}

const FREE: Bounds = Bounds { p99_ms: None, failed: None, backlog_s: 60.0 };

fn at(per_second: f64, ms: u64, sessions: usize) -> Hold {
    Hold { per_second, time: Duration::from_millis(ms), sessions, variables: Variables::new(), seed: 3 }
}

async fn run(server: Server, how: Hold, bounds: Bounds) -> Figures {
    let mix = Mix::of(vec![(Script::read("one", "SELECT 1;").unwrap(), 1)]).unwrap();
    hold(Arc::new(At(Arc::new(server))), Arc::new(mix), how, bounds, Stopped::default()).await.unwrap()
}

#[tokio::test]
async fn a_rate_is_held_and_everything_that_began_is_counted() {
    let f = run(Server::quick(), at(2_000.0, 1_000, 4), FREE).await;
    assert_eq!(f.transactions, f.statements, "one statement each");
    assert!((1_800..2_200).contains(&f.transactions), "a second at 2 000: {}", f.transactions);
    assert_eq!((f.failed, f.left_waiting, f.stopped), (0, 0, None));
}

#[tokio::test]
async fn a_server_that_stands_still_makes_everybody_late_who_should_have_begun() {
    let still = Some((Duration::from_millis(300), Duration::from_millis(800)));
    let f = run(Server { still, ..Server::quick() }, at(500.0, 1_000, 1), FREE).await;
    let (latency, service) = (f.latency.unwrap(), f.service.unwrap());
    assert!(latency.p95_ms > 350.0, "half of a second's starts fell into half a second of silence: {latency:?}");
    assert!(service.p95_ms < 100.0, "whoever counts from the real start sees one slow answer and no more: {service:?}");
    assert!(service.max_ms > 450.0, "{service:?}");
}

#[tokio::test]
async fn failures_are_counted_by_kind_and_end_it_at_the_limit() {
    let server = Server { fails_every: Some(2), ..Server::quick() };
    let bounds = Bounds { failed: Some(0.1), ..FREE };
    let f = run(server, at(500.0, 60_000, 2), bounds).await;
    assert!(f.seconds < 10.0, "half fails, and it ends by itself: {} s", f.seconds);
    assert!(f.stopped.as_deref().is_some_and(|why| why.contains("limit 10.0 %")), "{:?}", f.stopped);
    assert_eq!(f.errors["23505"].newest, "It is there already.");
    assert_eq!(f.errors["23505"].times, f.failed);
}

#[tokio::test]
async fn more_than_is_served_is_noticed_and_the_knee_is_below_it() {
    // Two sessions of 10 ms serve 200 a second.
    let slow = || Server { answers_after: Duration::from_millis(10), ..Server::quick() };
    let bounds = Bounds { backlog_s: 0.5, ..FREE };
    let f = run(slow(), at(1_000.0, 60_000, 2), bounds).await;
    assert!(f.stopped.as_deref().is_some_and(|why| why.contains("waited for a session")), "{:?}", f.stopped);

    let mix = Arc::new(Mix::of(vec![(Script::read("one", "SELECT 1;").unwrap(), 1)]).unwrap());
    let ramp = Ramp { from: 50.0, to: 1_600.0, steps: 6, each: Duration::from_millis(1_000) };
    let server: Arc<dyn Sessions> = Arc::new(At(Arc::new(slow())));
    let knee = climb(server, mix, at(1.0, 1, 2), ramp, FREE, Stopped::default()).await.unwrap();
    let found = knee.knee_per_second.unwrap();
    assert!((50.0..250.0).contains(&found), "200 a second are served: {found} {}", knee.why);
    assert!(knee.rates.len() < 6, "it does not go on beyond the knee");
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let stopped = Stopped::default();
    let stop = stopped.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
    });
    let mix = Mix::of(vec![(Script::read("one", "SELECT 1;").unwrap(), 1)]).unwrap();
    let server = Arc::new(At(Arc::new(Server::quick())));
    let f = hold(server, Arc::new(mix), at(1.0, 600_000, 1), FREE, stopped).await.unwrap();
    assert!(f.seconds < 5.0 && f.stopped.as_deref() == Some("It was stopped."), "{f:?}");
}
