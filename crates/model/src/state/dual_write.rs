//! Synchronous dual writes in the state: what was asked for, what stands, how often the breaker opened.

use std::collections::BTreeMap;

use super::{BadJournal, State};
use crate::{
    Side, UnixMs,
    dual_write::{Cause, DualWriteEvent, DualWriteRecord},
    migration::Strategy,
};

/// What a command that cannot run meanwhile says.
pub(super) const IN_THE_WAY: &str = "Commits on the source wait for the target (synchronous dual write): turn it off first, on the Replication page or with \
     `switchyardctl dual-write off`.";

impl State {
    /// Takes one of its entries in.
    pub(super) fn take_dual_write(
        &mut self,
        event: &DualWriteEvent,
        seq: i64,
        at: UnixMs,
        by: &str,
    ) -> Result<(), BadJournal> {
        match event {
            // Two people may ask at once; the second is not heard, and finds the first one's.
            DualWriteEvent::Asked { .. } if self.open_dual_write().is_some() => {}
            DualWriteEvent::Asked { order } => self.dual_writes.push(DualWriteRecord {
                id: seq,
                asked: at,
                by: by.to_owned(),
                order: order.clone(),
                began: None,
                stands: None,
                off_asked: None,
                ended: None,
                after: None,
            }),
            DualWriteEvent::Began { dual, before, former } => {
                self.open_dual(*dual, seq)?.began = Some((at, *before, former.clone()));
            }
            DualWriteEvent::Stands { dual, since } => self.open_dual(*dual, seq)?.stands = Some((at, since.clone())),
            DualWriteEvent::OffAsked => {
                if let Some(open) = self.dual_writes.iter_mut().find(|d| d.is_open()) {
                    open.off_asked = Some((at, by.to_owned()));
                }
            }
            DualWriteEvent::Ended { dual, end } => self.open_dual(*dual, seq)?.ended = Some((at, end.clone())),
            DualWriteEvent::Measured { dual, after } => {
                let ended = self.dual_writes.iter_mut().find(|d| d.id == *dual && !d.is_open());
                ended.ok_or_else(|| strange(*dual, seq, "has not ended"))?.after = Some(*after);
            }
        }
        Ok(())
    }

    fn open_dual(&mut self, id: i64, seq: i64) -> Result<&mut DualWriteRecord, BadJournal> {
        let open = self.dual_writes.iter_mut().find(|d| d.id == id && d.is_open());
        open.ok_or_else(|| strange(id, seq, "is not open"))
    }

    /// The one that is asked for or stands.
    pub fn open_dual_write(&self) -> Option<&DualWriteRecord> {
        self.dual_writes.iter().find(|d| d.is_open())
    }

    /// How often the breaker opened, by cause; causes that never were are left out.
    pub fn dual_write_openings(&self) -> BTreeMap<Cause, u32> {
        let mut count = BTreeMap::new();
        let causes = self.dual_writes.iter().filter_map(|d| d.ended.as_ref()).map(|(_, end)| end.cause);
        causes.filter(|c| c.is_opening()).for_each(|c| *count.entry(c).or_insert(0) += 1);
        count
    }

    /// Whether it can be turned on, as far as the journal knows.
    ///
    /// # Errors
    /// One sentence that says why not and what comes first.
    pub fn allows_dual_write(&self) -> Result<(), String> {
        if let Some(open) = self.open_dual_write() {
            let whose = open.order.scope.words();
            return Err(format!("Synchronous dual write is on, or asked for, for {whose}: turn it off first."));
        }
        self.allows_dual_write_now()
    }

    /// The same, where the one that is open is the one in question.
    ///
    /// # Errors
    /// As [`State::allows_dual_write`].
    pub fn allows_dual_write_now(&self) -> Result<(), String> {
        if self.milestones.cleaned.is_some() {
            return Err("This migration has been cleaned up; nothing streams any more.".to_owned());
        }
        if self.spec.strategy != Strategy::Live {
            return Err(
                "Synchronous dual write is part of the live strategy; this migration has another one.".to_owned()
            );
        }
        if self.milestones.replicating.is_none() {
            return Err("The copy has not been completed yet: run “Start replication” first.".to_owned());
        }
        if self.authority == Side::Target {
            return Err(
                "Writes are on the target; commits wait for the other side only while the source has the authority."
                    .to_owned(),
            );
        }
        match &self.open_run {
            Some(run) => Err(format!("“{}” is still running; wait for it.", run.command.label())),
            None => Ok(()),
        }
    }
}

fn strange(id: i64, seq: i64, what: &str) -> BadJournal {
    BadJournal { seq, why: format!("it belongs to dual write {id}, which {what}") }
}
