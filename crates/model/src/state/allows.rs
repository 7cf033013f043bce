//! Which commands a state allows, and where on the ladder it is. Gates come on top of this.

use super::State;
use crate::{Command, Side, UnixMs, limits::Rung};

impl State {
    /// Whether this command fits this state at all. Gates come on top.
    ///
    /// # Errors
    /// One sentence that says why not and what comes first.
    pub fn allows(&self, command: &Command) -> Result<(), String> {
        if let Some(run) = self.open_run.as_ref().filter(|run| !self.gives_way(&run.command, command)) {
            return Err(format!("“{}” is still running; wait for it, or let recovery end it.", run.command.label()));
        }
        if self.milestones.cleaned.is_some() {
            return Err("This migration has been cleaned up; nothing can be run any more.".to_owned());
        }
        if command.needs_asynchronous_commits() && self.open_dual_write().is_some() {
            return Err(super::dual_write::IN_THE_WAY.to_owned());
        }
        match command {
            Command::Analyze => Ok(()),
            Command::Prepare if self.held.is_some() => Err(
                "Writes are held on the source; the fence is not made again under them: run “Release writes” first."
                    .to_owned(),
            ),
            Command::Prepare => match (self.milestones.analyzed, self.milestones.replicating) {
                (None, _) => Err("Both sides have not been analyzed yet: run “Analyze both sides” first.".to_owned()),
                (_, Some(_)) => {
                    Err("Replication runs already; the target's schema is not made again under it.".to_owned())
                }
                (Some(_), None) => Ok(()),
            },
            Command::Hold => self.allows_hold(),
            Command::Release => self.allows_release(),
            Command::Replicate if self.authority == Side::Target => {
                Err("The target has the authority; the initial copy is behind us.".to_owned())
            }
            Command::Replicate if self.milestones.replicating.is_some() => {
                Err("Replication runs already; its tables are not copied a second time.".to_owned())
            }
            Command::Replicate => {
                need(self.milestones.prepared, "The target is not prepared yet: run “Prepare the target” first.")
            }
            Command::Validate | Command::Repair { .. } => self.replicating(),
            Command::ShiftReads { percent } => self.allows_shift(*percent),
            Command::SwitchWrites => {
                self.replicating()?;
                if self.authority == Side::Target {
                    return Err("Writes are on the target already.".to_owned());
                }
                if self.spec.strategy.moves_reads_by_percent() && self.route.reads_on_target < 100 {
                    return Err(format!(
                        "Reads are at {} % on the target; writes move after 100 %.",
                        self.route.reads_on_target
                    ));
                }
                Ok(())
            }
            Command::RollBack => {
                if self.authority == Side::Source && self.route.reads_on_target == 0 && self.held.is_none() {
                    return Err("All is on the source: nothing to roll back.".to_owned());
                }
                Ok(())
            }
            Command::Cleanup { typed_name } => self.allows_cleanup(typed_name),
        }
    }

    /// Whether a run that is open is taken back for this command: writes that are held go on, whatever takes long meanwhile.
    fn gives_way(&self, running: &Command, command: &Command) -> bool {
        self.held.is_some() && running.ends_for_a_release() && matches!(command, Command::Release | Command::RollBack)
    }

    fn replicating(&self) -> Result<(), String> {
        need(self.milestones.replicating, "The copy has not been completed yet: run “Start replication” first.")
    }

    fn allows_hold(&self) -> Result<(), String> {
        if !self.spec.strategy.holds_writes() {
            return Err("This strategy lets writes go on until the switch; only the offline one holds them.".to_owned());
        }
        if self.authority == Side::Target {
            return Err("Writes are on the target; the source refuses them already.".to_owned());
        }
        if let Some(held) = &self.held {
            return Err(format!("Writes are held already, since {}.", crate::time::utc(held.since)));
        }
        need(self.milestones.prepared, "The fence is not on the source's tables yet: run “Prepare the target” first.")
    }

    /// Also where the journal knows of no hold: letting writes in does no harm, and the source may refuse them all the same.
    fn allows_release(&self) -> Result<(), String> {
        if self.authority == Side::Target {
            return Err("Writes are on the target; they return to the source with “Roll back”.".to_owned());
        }
        if !self.spec.strategy.holds_writes() || self.scope.is_none() && self.held.is_none() {
            return Err("Writes were never held: there is nothing to release.".to_owned());
        }
        Ok(())
    }

    fn allows_shift(&self, percent: u8) -> Result<(), String> {
        self.replicating()?;
        if percent > 100 {
            return Err(format!("{percent} % is more than all reads; choose 0 to 100."));
        }
        if self.authority == Side::Target && percent < 100 {
            return Err("Writes are on the target; reads return to the source with “Roll back”.".to_owned());
        }
        if percent == self.route.reads_on_target {
            return Err(format!("{percent} % of reads are on the target already."));
        }
        if percent > 0 && !self.spec.strategy.moves_reads_by_percent() {
            return Err(
                "This strategy moves reads and writes at once: “Switch writes” takes the reads along.".to_owned()
            );
        }
        if percent > self.route.reads_on_target
            && let Some(next) = self.next_rung()
            && percent > next
            && !self.rehearses(percent)
        {
            return Err(format!("The next rung of the ladder is {next} %; rungs are not skipped."));
        }
        Ok(())
    }

    fn allows_cleanup(&self, typed_name: &str) -> Result<(), String> {
        if typed_name != self.spec.name {
            return Err(format!("Type the migration's name, “{}”, to confirm.", self.spec.name));
        }
        if self.authority == Side::Source && self.route.reads_on_target > 0 {
            return Err("Some reads are on the target: roll back first, or go on to the end.".to_owned());
        }
        Ok(())
    }

    /// The rungs by which reads move; none where they move with the writes.
    pub fn ladder(&self) -> &[Rung] {
        if self.spec.strategy.moves_reads_by_percent() { &self.limits().ladder } else { &[] }
    }

    /// Percent of the ladder's next rung; None at the top.
    pub fn next_rung(&self) -> Option<u8> {
        self.ladder().iter().map(|r| r.percent).find(|p| *p > self.route.reads_on_target)
    }

    /// Percent one rung below the present one; None when no reads are on the target.
    pub fn previous_rung(&self) -> Option<u8> {
        if self.route.reads_on_target == 0 {
            return None;
        }
        let below = self.ladder().iter().map(|r| r.percent).rfind(|p| *p < self.route.reads_on_target);
        Some(below.unwrap_or(0))
    }

    /// Seconds the present rung has to hold; 0 when no reads are on the target.
    pub fn soak_s(&self) -> u32 {
        let here = self.route.reads_on_target;
        self.ladder().iter().rfind(|r| r.percent <= here).map_or(0, |r| r.soak_s)
    }
}

fn need(milestone: Option<UnixMs>, otherwise: &str) -> Result<(), String> {
    match milestone {
        Some(_) => Ok(()),
        None => Err(otherwise.to_owned()),
    }
}
