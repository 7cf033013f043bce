//! Drills in the state: what was asked for, what runs, what came of it, and whether one can begin.

use super::{BadJournal, State, dual_write::IN_THE_WAY};
use crate::{
    Side, UnixMs,
    drill::{Act, DrillOrder, DrillRecord},
};

impl State {
    /// The drill of this number, while it is open.
    pub(super) fn drill(&mut self, id: i64, seq: i64) -> Result<&mut DrillRecord, BadJournal> {
        let open = self.drills.iter_mut().find(|d| d.id == id && d.is_open());
        open.ok_or_else(|| BadJournal { seq, why: format!("it belongs to drill {id}, which is not open") })
    }

    /// Whether a drill is under way that moves this share of reads. It skips rungs: it stays for seconds, and goes back.
    pub(super) fn rehearses(&self, percent: u8) -> bool {
        let moves = |d: &DrillRecord| d.began.is_some() && d.order.act == Act::Reads { percent };
        self.open_drill().is_some_and(moves) && percent <= self.rehearsed_percent()
    }

    /// The drill that is asked for or runs.
    pub fn open_drill(&self) -> Option<&DrillRecord> {
        self.drills.iter().find(|d| d.is_open())
    }

    /// The newest drill that came to its failure and to the way back; one that was refused or cut short says nothing of either.
    pub fn last_rehearsal(&self) -> Option<&DrillRecord> {
        let rehearsed = |d: &&DrillRecord| d.ended.as_ref().is_some_and(|(_, r)| r.decided_ms.is_some());
        self.drills.iter().rfind(rehearsed)
    }

    /// When a drill last passed.
    pub fn drill_passed_at(&self) -> Option<UnixMs> {
        self.drills.iter().rev().find_map(DrillRecord::passed_at)
    }

    /// The most that a drill of reads moves, percent: the first rungs up to ten, or the first one where it is higher.
    pub fn rehearsed_percent(&self) -> u8 {
        const MOST: u8 = 10;
        let rungs = self.ladder().iter().map(|r| r.percent);
        rungs.clone().rfind(|p| *p <= MOST).or(rungs.clone().next()).unwrap_or(0)
    }

    /// Whether a drill can begin. The gates of its act come on top.
    ///
    /// # Errors
    /// One sentence that says why not and what comes first.
    pub fn allows_drill(&self, order: &DrillOrder) -> Result<(), String> {
        if self.milestones.cleaned.is_some() {
            return Err("This migration has been cleaned up; there is no pair left to rehearse on.".to_owned());
        }
        if let Some(open) = self.open_drill() {
            return Err(format!("A drill is under way already: “{}”. Wait for its end.", open.order.failure.title()));
        }
        if self.milestones.replicating.is_none() {
            return Err("The copy has not been completed yet: run “Start replication” first.".to_owned());
        }
        if self.open_dual_write().is_some() {
            return Err(format!(
                "A drill can keep the stream from applying, and the application would wait. {IN_THE_WAY}"
            ));
        }
        if self.authority == Side::Target {
            return Err(
                "Writes are on the target, and a drill begins with everything on the source: it would roll the real \
                        switch back."
                    .to_owned(),
            );
        }
        match order.act {
            Act::Reads { percent } => self.allows_drill_of_reads(percent),
            Act::Writes => self.allows(&crate::Command::SwitchWrites),
        }
    }

    fn allows_drill_of_reads(&self, percent: u8) -> Result<(), String> {
        let here = self.route.reads_on_target;
        if here > 0 {
            return Err(format!(
                "{here} % of reads are on the target, and a drill of reads would take them back: rehearse before the ladder, or \
                 rehearse the writes at its top."
            ));
        }
        if !self.spec.strategy.moves_reads_by_percent() {
            return Err("This strategy moves reads and writes at once: rehearse the writes.".to_owned());
        }
        let most = self.rehearsed_percent();
        if percent > most {
            return Err(format!("A drill moves at most {most} % of reads: up to there the ladder goes without one."));
        }
        match &self.open_run {
            Some(run) => Err(format!("“{}” is still running; wait for it.", run.command.label())),
            None => Ok(()),
        }
    }
}
