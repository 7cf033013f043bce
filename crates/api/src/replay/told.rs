//! How far a replay is, for whoever looks on.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use switchyard_capture::{
    compare::Outcome,
    play::{Player, Stage},
};

use crate::dto::ReplayPhase;

/// So many times of statements are kept.
const KEPT: u64 = 200_000;

/// What is told while it goes on.
#[derive(Default)]
pub(crate) struct Told {
    going: Mutex<Going>,
    failed: Arc<[AtomicU64; 2]>,
}

#[derive(Default)]
struct Going {
    phase: ReplayPhase,
    all: Option<u64>,
    began: Option<Instant>,
    came: u64,
    first_us: i64,
    /// After the first statement, µs: of each that is a multiple of `stride`.
    due_us: Vec<i64>,
}

impl Going {
    fn stride(&self) -> u64 {
        (self.all.unwrap_or_default() / KEPT).max(1)
    }
}

impl Told {
    fn going(&self) -> MutexGuard<'_, Going> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The capture was looked through.
    pub(super) fn read(&self, statements: u64) {
        self.going().all = Some(statements);
    }

    pub(super) fn goes_to(&self, phase: ReplayPhase) {
        let mut going = self.going();
        going.phase = phase;
        if phase == ReplayPhase::Playing {
            going.began = Some(Instant::now());
        }
    }

    /// A statement is handed on that began at this time in the capture.
    pub(super) fn comes(&self, at_us: i64) {
        let mut going = self.going();
        if going.came == 0 {
            going.first_us = at_us;
        }
        if going.came.is_multiple_of(going.stride()) {
            let due_us = at_us - going.first_us;
            going.due_us.push(due_us);
        }
        going.came += 1;
    }

    /// The same copy, whose failures are counted.
    pub(super) fn counts(&self, stage: Arc<dyn Stage>, copy: usize) -> Arc<dyn Stage> {
        Arc::new(Counted { stage, failed: self.failed.clone(), copy })
    }

    /// What it does.
    pub(crate) fn phase(&self) -> ReplayPhase {
        self.going().phase
    }

    /// Statements of the capture, once it was looked through.
    pub(crate) fn all(&self) -> Option<u64> {
        self.going().all
    }

    /// Statements that failed so far, on the first so many copies.
    pub(crate) fn failed(&self, copies: usize) -> Vec<u64> {
        self.failed.iter().take(copies).map(|n| n.load(Ordering::Relaxed)).collect()
    }

    /// How far it is behind the capture's clock at a speed, ms, when so many have ended: the next one should have begun that long ago.
    pub(crate) fn behind_ms(&self, ended: u64, speed: f64) -> Option<f64> {
        let going = self.going();
        if going.phase != ReplayPhase::Playing {
            return None;
        }
        let ran_us = going.began?.elapsed().as_micros() as f64;
        let next = usize::try_from(ended / going.stride()).ok()?;
        // Behind the last one there is nothing to be late for.
        let due_us = going.due_us.get(next).map_or(ran_us, |us| *us as f64 / speed);
        Some(((ran_us - due_us) / 1000.0).max(0.0))
    }
}

struct Counted {
    stage: Arc<dyn Stage>,
    failed: Arc<[AtomicU64; 2]>,
    copy: usize,
}

#[async_trait]
impl Stage for Counted {
    async fn open(&self) -> Result<Box<dyn Player>, String> {
        let player = self.stage.open().await?;
        Ok(Box::new(CountedPlayer { player, failed: self.failed.clone(), copy: self.copy }))
    }
}

struct CountedPlayer {
    player: Box<dyn Player>,
    failed: Arc<[AtomicU64; 2]>,
    copy: usize,
}

#[async_trait]
impl Player for CountedPlayer {
    async fn play(&mut self, text: &str, parameters: &[Option<String>]) -> Outcome {
        let outcome = self.player.play(text, parameters).await;
        if let Some(failed) = self.failed.get(self.copy).filter(|_| outcome.sqlstate.is_some()) {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_is_by_the_next_statement_alone() {
        let told = Told::default();
        told.read(2);
        told.comes(5_000_000);
        told.comes(3_605_000_000);
        assert_eq!(told.behind_ms(0, 1.0), None, "it does not play yet");
        told.goes_to(ReplayPhase::Playing);
        assert!(told.behind_ms(0, 1.0).is_some_and(|ms| ms < 1_000.0), "the first is due at once");
        assert_eq!(told.behind_ms(1, 1.0), Some(0.0), "an hour in which nothing came is nothing to be late for");
        assert_eq!(told.behind_ms(2, 1.0), Some(0.0), "nor is the end");
    }
}
