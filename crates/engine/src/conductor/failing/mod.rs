//! A reconciler: which statements of the application fail, by both servers' logs and statistics. The errors gate judges.
//!
//! A rate hides a statement that comes once in a thousand and fails always; the log does not.

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    UnixMs,
    reads::{Counted, FailsAlways, Place, PlaceKind},
};
use switchyard_queries::{
    lately::{LONG_MS, Lately, Own, Share},
    log::{Entry, Prefix},
};

use super::{Live, errors::disturbed, probes::is_streaming};
use crate::{
    clock::Clock,
    db::{Database, connect::APPLICATION, follow::Follower},
    error::{Error, Kind, Result},
    saga::Pair,
};

/// Longest that a look at one side may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// After a log that could not be read it is asked for again only so much later, ms: the server logs what it refuses.
const AGAIN_MS: i64 = 120_000;

/// Reading the statistics may take one part in so many of the time.
const SHARE: u32 = 20;

/// What is read of a log at one look, bytes: of one that grows faster the newest is read.
const MOST: u64 = 16 << 20;

/// Characters of a statement that are shown.
const SHOWN: usize = 160;

/// What both sides' logs showed.
#[derive(Default)]
pub(in crate::conductor) struct Failing {
    own: Option<(Own, Own)>,
    source: Watched,
    target: Watched,
}

/// What the gate is told of it.
#[derive(Debug, Clone, Default)]
pub(in crate::conductor) struct Told {
    pub(super) places: Vec<Place>,
    pub(super) always: Vec<FailsAlways>,
    pub(super) blind: Vec<String>,
}

/// When a side is looked at, and by whom.
struct At<'a> {
    own: Own,
    clock: &'a dyn Clock,
    now: UnixMs,
    /// A run makes statements fail that the application sends.
    on_purpose: bool,
}

/// One side.
#[derive(Default)]
struct Watched {
    lately: Option<Lately>,
    follower: Option<Follower>,
    /// Bytes of the log that were left out at the newest look.
    skipped: u64,
    /// Why the log could not be read, and from when on it is asked for again.
    refused: Option<(UnixMs, String)>,
    uncounted: Option<String>,
    count_from: UnixMs,
}

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let Some(pair) = live.pair().await.filter(|_| is_streaming(&state)) else { return };
    let now = live.parts.clock.now();
    let mut failing = live.failing.lock().await;
    if failing.own.is_none() {
        let (source, target) = tokio::join!(own(&live, &state.spec.source), own(&live, &state.spec.target));
        failing.own = source.zip(target);
    }
    let Some((source_own, target_own)) = failing.own.clone() else { return };
    let Failing { source, target, .. } = &mut *failing;
    let on_purpose = disturbed(&state, now);
    let clock = &*live.parts.clock;
    let at = |own| At { own, clock, now, on_purpose };
    tokio::join!(source.go_on(&pair.source, at(source_own)), target.go_on(&pair.target, at(target_own)));
    let told = failing.told(&pair, now, u64::from(state.limits().errors_always_from));
    live.tell_failing(told);
}

impl Failing {
    fn told(&mut self, pair: &Pair, now: UnixMs, at_least: u64) -> Told {
        let mut told = Told::default();
        let source_known = self.source.is_read();
        for (side, db) in [(&self.target, &pair.target), (&self.source, &pair.source)] {
            told.blind.extend(side.blind(&db.label));
        }
        if let Some(there) = &mut self.source.lately {
            // It is asked so that what is broken there is remembered for the time when nobody asks there any more.
            there.always(now, at_least);
        }
        let there = self.source.lately.as_ref();
        let Some(here) = &mut self.target.lately else { return told };
        told.always = here
            .always(now, at_least)
            .into_iter()
            .filter(|f| !there.is_some_and(|l| l.fails(&f.shape.id, now)))
            .map(|f| FailsAlways {
                statement: shortened(&f.shape.text),
                table: f.shape.tables.first().cloned().unwrap_or_default(),
                applications: f.applications,
                error: f.error,
                times: f.times,
                over_ms: f.over_ms,
                source_known,
            })
            .collect();
        // Without the source's own rate a rate of the target alone would call the application's habits errors.
        if let (Some((reads, writes)), true) = (here.shares(now), source_known) {
            let (source_reads, source_writes) = there.and_then(|l| l.shares(now)).unwrap_or_default();
            told.places.push(place(PlaceKind::Reads, "reads of the application", source_reads, reads));
            told.places.push(place(PlaceKind::Writes, "writes of the application", source_writes, writes));
        }
        told
    }
}

fn place(kind: PlaceKind, what: &str, source: Share, target: Share) -> Place {
    let counted = |s: Share| Counted { requests: s.requests, errors: s.errors };
    let (source, target) = (counted(source), counted(target));
    Place { what: what.to_owned(), kind, source, target, detail: String::new(), target_down: false }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Watched {
    /// What the log has had since, and what went well meanwhile. A side that does not answer in time keeps what it has.
    async fn go_on(&mut self, db: &Database, at: At<'_>) {
        let now = at.now;
        if self.refused.as_ref().is_some_and(|(again, _)| now < *again && *again < now + AGAIN_MS) {
            return;
        }
        let answer = tokio::time::timeout(PATIENCE, self.look(db, at)).await;
        let late = || Error::new(Kind::Deadline, format!("reading the log of {}", db.label), "no answer in time");
        match answer.unwrap_or_else(|_| Err(late())) {
            Ok(()) => self.refused = None,
            // A role that may not, or a server that writes no log: asking each time would fill its log with refusals.
            Err(e) => self.refused = Some(refusal(&e, now)),
        }
        if let Some(lately) = &mut self.lately {
            lately.must_count(now);
        }
    }

    async fn look(&mut self, db: &Database, at: At<'_>) -> Result<()> {
        let At { own, clock, now, on_purpose } = at;
        let lately = self.lately.get_or_insert_with(|| Lately::new(own));
        let is_first = self.follower.is_none();
        let follower = match &mut self.follower {
            Some(follower) => follower,
            None => self.follower.insert(Follower::new(prefix(db).await?, Some(now - LONG_MS))),
        };
        // What stood there before we looked happened when it says; afterwards our own clock is nearer to the readings.
        let when = |entry: &Entry<'_>| match entry.at {
            Some(at) if is_first => at.unix_ms.min(now),
            _ => now,
        };
        self.skipped = follower.look(db, MOST).await?;
        while follower.piece(db, &mut |entry| lately.take(when(entry), entry)).await? {}
        if on_purpose {
            lately.start_over();
        }
        if lately.must_count(now) && now >= self.count_from {
            let began = clock.instant();
            let reading = db.statements.reading(true).await?;
            // One whose runs may not be seen would look as if it never went well.
            self.uncounted =
                reading.refused.map(|r| r.to_string()).or_else(|| (reading.hidden > 0).then(|| unseen(&db.label)));
            match &self.uncounted {
                Some(_) => lately.counts_no_more(),
                None => lately.counted(now, &reading.statements, reading.is_whole),
            }
            self.count_from =
                now + i64::try_from((clock.instant().duration_since(began) * SHARE).as_millis()).unwrap_or(LONG_MS);
        }
        Ok(())
    }

    fn is_read(&self) -> bool {
        self.follower.is_some() && self.refused.is_none()
    }

    /// What it does not see, in sentences.
    fn blind(&self, label: &str) -> Vec<String> {
        let mut out = Vec::new();
        if let Some((_, why)) = &self.refused {
            out.push(format!("statements that fail always are not seen on {label}: {why}"));
        }
        if self.skipped > 0 {
            let skipped = self.skipped / 1_000_000;
            out.push(format!("{skipped} MB of the log of {label} were not read, it grows too fast"));
        }
        out.extend(self.uncounted.clone());
        let others = self.lately.as_ref().map_or(0, Lately::others);
        if others > 0 {
            out.push(format!("{others} errors on {label} are of too many kinds to be told apart"));
        }
        out
    }
}

async fn prefix(db: &Database) -> Result<Prefix> {
    Prefix::new(&db.statements.log_prefix().await?)
        .map_err(|why| Error::new(Kind::Unsuitable, format!("reading the log of {}", db.label), why))
}

async fn own(live: &Live, endpoint: &str) -> Option<Own> {
    let endpoint = live.parts.store.endpoint(endpoint).await.ok()?;
    Some(Own { database: endpoint.database, role: endpoint.user, application: APPLICATION.to_owned() })
}

fn unseen(label: &str) -> String {
    format!("what went well on {label} cannot be seen of other roles (grant pg_read_all_stats)")
}

/// From when on it is worth asking again, and why it failed.
fn refusal(error: &Error, now: UnixMs) -> (UnixMs, String) {
    let later = now + AGAIN_MS - 1;
    if error.kind == Kind::Unsuitable {
        (later, "it collects no log that can be read over SQL (logging_collector)".to_owned())
    } else if error.kind == Kind::Privilege {
        (later, "our role may not read its log (grant pg_monitor and pg_read_server_files)".to_owned())
    } else if error.kind == Kind::Statement {
        (later, error.to_string())
    } else {
        (now, error.to_string())
    }
}
