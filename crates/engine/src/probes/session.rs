//! One session: a connection on each side, and rounds of the same reads on both at the same time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use switchyard_model::{Side, ident::TableName, limits::Limits, reads::PER_ROUND};

use super::{
    Probed, Took,
    choice::{self, TABLES},
};
use crate::{
    clock::SharedClock,
    db::{
        Database,
        probes::{Answer, Key, Readable, Reader},
    },
    error::Result,
};

/// Tables and keys are chosen anew after so long: a few rows say nothing about a table.
const CHOSEN_FOR: Duration = Duration::from_secs(60);

/// And so long after a table turned out not to be what it was.
const CHOSEN_AGAIN: Duration = Duration::from_secs(5);

/// Keys of each table.
const KEYS: u32 = 8;

/// What one round may take on a side: where reads are slow there are fewer of them, not more load.
const BUDGET: Duration = Duration::from_millis(1_500);

/// Most samples that are taken at once while there are none.
const BURST: u64 = 64;

/// One side's connection.
pub struct ReadSide {
    side: Side,
    reader: Box<dyn Reader>,
}

/// Both connections and what is read through them.
pub struct Session {
    source: ReadSide,
    target: ReadSide,
    clock: SharedClock,
    tables: Vec<Probe>,
    skipped: Vec<String>,
    choose_at: Instant,
    /// Counts rounds, so that each one begins with another table.
    turn: usize,
}

/// One table with keys that both sides had.
struct Probe {
    table: Readable,
    keys: Vec<Key>,
}

/// A read of this round.
struct Wanted {
    probe: usize,
    key: Key,
}

impl ReadSide {
    /// Connects.
    ///
    /// # Errors
    /// When the side does not let us in.
    pub async fn open(db: &Database) -> Result<ReadSide> {
        Ok(ReadSide { side: db.side, reader: db.probes.reader().await? })
    }

    /// Reads until done or out of time. None where it was not read.
    async fn round(&mut self, probes: &[Probe], wanted: &[Wanted]) -> Result<Vec<Option<(Answer, Duration)>>> {
        let mut answers = Vec::with_capacity(wanted.len());
        let mut spent = Duration::ZERO;
        for w in wanted {
            if spent > BUDGET {
                answers.push(None);
                continue;
            }
            let Some(probe) = probes.get(w.probe) else { continue };
            let (answer, took) = self.reader.read(&probe.table, &w.key).await?;
            spent += took;
            answers.push(Some((answer, took)));
        }
        Ok(answers)
    }
}

impl Session {
    /// Connects to both sides and chooses tables.
    ///
    /// # Errors
    /// When a side does not answer.
    pub async fn open(
        source: &Database,
        target: &Database,
        authority: Side,
        scope: &[TableName],
        clock: SharedClock,
    ) -> Result<Session> {
        let (source, target) = tokio::try_join!(ReadSide::open(source), ReadSide::open(target))?;
        let choose_at = clock.instant();
        let mut session =
            Session { source, target, clock, tables: Vec::new(), skipped: Vec::new(), choose_at, turn: 0 };
        session.choose(authority, scope).await?;
        Ok(session)
    }

    /// One round; the tables are chosen anew when it is time. While there are no samples it takes enough to say something.
    ///
    /// # Errors
    /// When a side does not answer: both connections have to be dropped then.
    pub async fn round(
        &mut self,
        authority: Side,
        scope: &[TableName],
        probed: &Mutex<Probed>,
        limits: &Limits,
    ) -> Result<()> {
        if self.clock.instant() >= self.choose_at {
            self.choose(authority, scope).await?;
        }
        let wanted = u64::from(limits.latency_min_samples.max(limits.errors_min_samples)).min(BURST);
        // After a sleep of the machine nothing is left in the window either.
        let none_yet = probed.lock().unwrap_or_else(PoisonError::into_inner).samples(self.clock.now()) == 0;
        let most = if none_yet { BURST / u64::from(PER_ROUND) } else { 1 };
        for _ in 0..most {
            self.turn += 1;
            let still = self.reads(probed).await?;
            let mut probed = probed.lock().unwrap_or_else(PoisonError::into_inner);
            probed.round_ended(self.clock.now(), self.tables.len(), &self.skipped, limits);
            if !still {
                self.choose_at = self.choose_at.min(self.clock.instant() + CHOSEN_AGAIN);
                break;
            }
            if probed.samples(self.clock.now()) >= wanted {
                break;
            }
        }
        Ok(())
    }

    /// Reads the round's rows on both sides. Says false when a table is no longer what it was.
    async fn reads(&mut self, probed: &Mutex<Probed>) -> Result<bool> {
        let wanted = self.wanted();
        let (tables, source, target) = (&self.tables, &mut self.source, &mut self.target);
        let (here, there) = tokio::try_join!(source.round(tables, &wanted), target.round(tables, &wanted))?;
        let now = self.clock.now();
        let mut probed = probed.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut missing, mut still) = (Vec::new(), true);
        for ((w, source), target) in wanted.into_iter().zip(here).zip(there) {
            let (Some(source), Some(target)) = (source, target) else { continue };
            let Some(probe) = self.tables.get(w.probe) else { continue };
            match (source.0, target.0) {
                (Answer::Changed, _) | (_, Answer::Changed) => still = false,
                // In flight, or deleted: the one that found it did other work than the one that did not.
                (Answer::Missing, _) | (_, Answer::Missing) => missing.push(w),
                (Answer::Found | Answer::Failed, Answer::Found | Answer::Failed) => {
                    probed.took(now, &probe.table.table.plain(), took(source), took(target));
                }
            }
        }
        drop(probed);
        for w in missing {
            if let Some(probe) = self.tables.get_mut(w.probe) {
                probe.keys.retain(|k| *k != w.key);
                still &= !probe.keys.is_empty();
            }
        }
        Ok(still)
    }

    /// The reads of this round: all tables in turn, beginning with another one each time.
    fn wanted(&self) -> Vec<Wanted> {
        let count = self.tables.len();
        let nth = |n: usize| {
            let probe = (self.turn + n) % count;
            let keys = &self.tables.get(probe)?.keys;
            let key = keys.get((self.turn + n / count) % keys.len().max(1))?.clone();
            Some(Wanted { probe, key })
        };
        if count == 0 { Vec::new() } else { (0..PER_ROUND as usize).filter_map(nth).collect() }
    }

    /// Chooses tables and keys, and reads each once: the first read pays for its plan, which no application does each time.
    async fn choose(&mut self, authority: Side, scope: &[TableName]) -> Result<()> {
        let (one, other) = tokio::try_join!(self.source.reader.readable(scope), self.target.reader.readable(scope))?;
        let (here, there) = match authority {
            Side::Source => (one, other),
            Side::Target => (other, one),
        };
        let choice = choice::readable(authority, here, &there);
        let (keyed, mut others): (Vec<_>, Vec<_>) = choice.tables.into_iter().partition(|t| !t.key.is_empty());
        let mut tables = Vec::new();
        // Places of empty ones go to others.
        for table in choice::spread(keyed, TABLES * 2) {
            let keys = self.on(authority).reader.keys(&table, KEYS).await?;
            if keys.is_empty() {
                others.push(table);
            } else {
                tables.push(Probe { table, keys });
            }
        }
        if tables.is_empty() {
            // Nothing can be read by its key. A first row, or that there is none, is a read as well.
            let first_row = |table| Probe { table: Readable { key: Vec::new(), ..table }, keys: vec![Key::new()] };
            tables = others.into_iter().take(TABLES).map(first_row).collect();
        }
        self.tables = choice::spread(tables, TABLES);
        self.skipped = choice.skipped;
        self.choose_at = self.clock.instant() + CHOSEN_FOR;
        let all = self.tables.iter().enumerate();
        let once: Vec<Wanted> =
            all.filter_map(|(probe, p)| Some(Wanted { probe, key: p.keys.first()?.clone() })).collect();
        let (tables, source, target) = (&self.tables, &mut self.source, &mut self.target);
        tokio::try_join!(source.round(tables, &once), target.round(tables, &once))?;
        Ok(())
    }

    fn on(&mut self, side: Side) -> &mut ReadSide {
        if self.source.side == side { &mut self.source } else { &mut self.target }
    }
}

fn took((answer, took): (Answer, Duration)) -> Took {
    Took { ms: took.as_secs_f64() * 1000.0, failed: answer == Answer::Failed }
}
