//! A session: from the moment changes are followed until they no longer can be.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::{
    Command, Side, UnixMs,
    ident::TableName,
    reconcile::{Activity, Pacing, Standing},
    state::State,
};

use super::{activity, facts, has_work, pass::Running, show};
use crate::{
    conductor::{Live, PACING},
    error::{Error, Kind, Result},
    reconcile::{Follow, Kept, Looking, Pace, Pairing, Readers, pair},
    saga::{Arrives, Cx, Pair},
    store::Cached,
};

/// Between two rounds. Each reads the log again from where the server last noted its running transactions, up to 15 s back,
/// so more rounds cost more than they tell.
const ROUND: Duration = Duration::from_secs(5);

/// How often it looks whether it has to stand aside.
const ASIDE: Duration = Duration::from_millis(100);

/// How often both catalogs are read again while nothing else asks for it.
const CATALOGS: Duration = Duration::from_secs(300);

/// A table that can only be compared as a whole is not compared without end: at least this long after the last time, ms,
/// and at least ten times as long as that took.
const WHOLE_AGAIN_MS: i64 = 30_000;

/// How long it goes without following changes before it tries again.
const BLIND: Duration = Duration::from_secs(60);

/// Changed rows are verified even where the operator set a low share of the time: they are few.
const LEAST_DUTY: u32 = 25;

/// Why a session ended.
pub(super) enum End {
    /// There is nothing more to compare, or the pair was connected anew.
    Over,
    /// Something went wrong, in sentences.
    Trouble(String),
}

/// Everything that one session holds.
pub(super) struct Session {
    live: Arc<Live>,
    cx: Cx,
    pair: Pair,
    /// None where changes cannot be followed; full passes go round all the same.
    follow: Option<Follow>,
    readers: Option<Readers>,
    pace: Pace,
    pass: Option<Running>,
    standings: HashMap<TableName, Standing>,
    /// Tables that can be compared, as both catalogs had it when they were last read, and when that was.
    known: (Vec<TableName>, Instant),
    began: Instant,
    pacing: Pacing,
    cached: Cached<Pacing>,
    /// Asked for by an operator and not yet part of a pass.
    wanted: HashSet<TableName>,
    /// Known to have changed beyond what keys tell, and part of a pass that has not ended.
    owed: HashSet<TableName>,
    trouble: Option<String>,
    verified: Option<UnixMs>,
    changed: i64,
}

impl Session {
    /// Connects, reads both catalogs, and begins to follow changes.
    pub(super) async fn open(live: Arc<Live>) -> Result<Session> {
        let state = live.book.state().await;
        let gone = || Error::new(Kind::Unreachable, "comparing both sides", "they are not connected");
        let pair = live.pair().await.ok_or_else(gone)?;
        let cx = live.cx(state, 0).await.ok_or_else(gone)?;
        let began = live.parts.clock.instant();
        let mut session = Session {
            cached: Cached::new(PACING),
            live,
            cx,
            pair,
            follow: None,
            readers: None,
            pace: Pace::default(),
            pass: None,
            standings: HashMap::new(),
            known: (Vec::new(), began),
            began,
            pacing: Pacing::default(),
            wanted: HashSet::new(),
            owed: HashSet::new(),
            trouble: None,
            verified: None,
            changed: 0,
        };
        session.follow().await?;
        session.load().await?;
        Ok(session)
    }

    /// Both catalogs as they are now, matched within the migration's scope.
    async fn matched(&self) -> Result<(Pairing, [switchyard_model::inventory::Inventory; 2])> {
        let scope = self.cx.scope().await?.fence;
        let now = self.live.parts.clock.now();
        let (source, target) = (&self.pair.source, &self.pair.target);
        let (here, there) = tokio::try_join!(source.catalog.inventory(now), target.catalog.inventory(now))?;
        let pairing = pair(&here, &there, |name| scope.contains(name), |base| source.rows.rendering(base, false));
        Ok((pairing, [here, there]))
    }

    /// Begins to follow; what stands in the way is shown, and full passes go round without it.
    async fn follow(&mut self) -> Result<()> {
        let (mut pairing, [here, there]) = self.matched().await?;
        self.known.0 = pairing.tables.iter().map(|m| m.source.name.clone()).collect();
        let (source, target) = (&self.pair.source, &self.pair.target);
        let mut readers = Readers::open(source, target).await?;
        readers.agree(&mut pairing.tables).await?;
        let publication = self.pair.replicator.watch_publication();
        let clock = &self.live.parts.clock;
        match Follow::begin(source, target, &publication, pairing.tables, [&here, &there], clock).await {
            Ok(follow) if follow.follows_any() => self.follow = Some(follow),
            Ok(follow) => {
                follow.close().await;
                let why = format!(
                    "Changes cannot be followed: publication {publication} is not on both sides. Full passes go round instead."
                );
                self.trouble = Some(why);
            }
            Err(e) => {
                self.trouble = Some(format!("Changes cannot be followed: {} {}", e.sentence(), e.remedy()));
            }
        }
        self.readers = Some(readers);
        Ok(())
    }

    /// Works until there is a reason to stop.
    pub(super) async fn run(&mut self) -> End {
        let mut since_round = ROUND;
        let mut since_load = Duration::ZERO;
        loop {
            let state = self.live.book.state().await;
            if !has_work(&state) || self.pair_changed().await || self.is_blind() {
                return End::Over;
            }
            let aside = stands_aside(&state);
            self.hold(aside);
            if !aside && since_round >= ROUND {
                since_round = Duration::ZERO;
                let live = self.live.clone();
                let round = tokio::select! {
                    round = self.round(&state) => round,
                    // What is read is being dropped; a round that is left half way leaves nothing behind.
                    () = ending(&live) => return End::Over,
                };
                if let Err(e) = round {
                    return End::Trouble(format!("{} {}", e.sentence(), e.remedy()));
                }
            }
            self.tell(aside);
            tokio::time::sleep(ASIDE).await;
            since_round += ASIDE;
            since_load += ASIDE;
            // What a pass finds closes the gate when the page shows it, and not a round later.
            if self.pass.is_some() && since_load >= super::LOOK {
                since_load = Duration::ZERO;
                if let Err(e) = self.load().await {
                    return End::Trouble(format!("{} {}", e.sentence(), e.remedy()));
                }
            }
        }
    }

    async fn pair_changed(&self) -> bool {
        let now = self.live.pair().await;
        !now.is_some_and(|p| Arc::ptr_eq(&p.source_login, &self.pair.source_login))
    }

    /// Whether it has gone without following for so long that it is time to try again.
    fn is_blind(&self) -> bool {
        let age = self.live.parts.clock.instant().duration_since(self.began);
        self.follow.is_none() && self.pass.is_none() && age > BLIND
    }

    /// Lets the pass go on, or not.
    fn hold(&mut self, aside: bool) {
        if let Some(pass) = &self.pass {
            pass.pace.pause(aside || self.pacing.paused || self.lagging());
        }
    }

    /// Whether the stream is further behind than the gates allow: reading more would not help it.
    fn lagging(&self) -> bool {
        let meter = self.live.meter(self.cx.state.authority);
        let newest = meter.lock().unwrap_or_else(std::sync::PoisonError::into_inner).facts(self.live.parts.clock.now());
        newest.newest.is_some_and(|(_, ms)| ms > f64::from(self.live.limit_ms()))
    }

    /// One look at everything: orders, the pass, the feeds, the changed rows.
    async fn round(&mut self, state: &State) -> Result<()> {
        if state.authority != self.cx.state.authority {
            // A pass that looks from the other side proves nothing; what it had compared stays, the rest is owed still.
            if let Some(pass) = self.pass.take() {
                self.wanted.extend(pass.tables.iter().cloned());
            }
            self.cx.state = Arc::new(state.clone());
        }
        self.orders().await?;
        self.load().await?;
        let told = match &mut self.follow {
            Some(follow) => Some(follow.read(&self.live.parts.clock).await?),
            None => None,
        };
        self.attend_pass(state).await?;
        // A validation and a repair write standings and findings themselves; what changes meanwhile waits.
        if self.pacing.paused || self.lagging() || state.open_run.is_some() {
            return Ok(());
        }
        if let Some(told) = told
            && self.verify_changes(state.authority, told).await?
        {
            self.verified = Some(told);
        }
        Ok(())
    }

    /// What the operator wants.
    async fn orders(&mut self) -> Result<()> {
        let store = &self.live.parts.store;
        let pacing = self.cached.get(store, self.live.book.migration()).await?;
        self.pacing = pacing.map(|(_, p)| (*p).clone()).unwrap_or_default();
        self.pace.throttle(self.pacing.duty.max(LEAST_DUTY));
        if let Some(pass) = &self.pass {
            pass.pace.throttle(self.pacing.duty);
        }
        Ok(())
    }

    /// Where the tables stand, as the store has it: passes write there, also those of a validation.
    async fn load(&mut self) -> Result<()> {
        let all = self.live.parts.store.standings(self.live.book.migration()).await?;
        self.standings = all.into_iter().map(|s| (s.table.clone(), s)).collect();
        let Some(follow) = &self.follow else { return Ok(()) };
        for standing in self.standings.values_mut() {
            let follows = follow.follows(&standing.table);
            if standing.follows != follows {
                standing.follows = follows;
                self.live.parts.store.put_standing(self.live.book.migration(), standing).await?;
            }
        }
        Ok(())
    }

    /// Ends a pass that is through, and begins one where tables need it.
    async fn attend_pass(&mut self, state: &State) -> Result<()> {
        if let Some(pass) = &mut self.pass {
            match pass.ended().await {
                None => return Ok(()),
                Some(result) => {
                    self.pass = None;
                    self.owed.clear();
                    result?;
                    self.load().await?;
                }
            }
        }
        // A validation reads everything itself, and what it finds counts here.
        if self.pacing.paused || state.open_run.is_some() || self.lagging() {
            return Ok(());
        }
        self.wanted.extend(self.live.parts.store.take_wanted(self.live.book.migration()).await?);
        let now = self.live.parts.clock.now();
        let instant = self.live.parts.clock.instant();
        let fresh = self.standings.is_empty() || instant.duration_since(self.known.1) > CATALOGS;
        if !fresh && self.due(self.known.0.iter(), now).is_empty() {
            return Ok(());
        }
        let (mut pairing, _) = self.matched().await?;
        self.known = (pairing.tables.iter().map(|m| m.source.name.clone()).collect(), instant);
        let due = self.due(self.known.0.iter(), now);
        self.forget(&pairing).await?;
        pairing.tables.retain(|m| due.contains(&m.source.name));
        pairing.left_out.retain(|(name, why)| {
            // What cannot be compared is told once, and again when the reason is another one.
            self.standings.get(name).is_none_or(|s| !s.not_compared.contains(why))
        });
        // Who asks for it now wants all of it as it is now; and where more changed than keys tell, nothing that was compared
        // before counts.
        let mut anew = std::mem::take(&mut self.wanted);
        anew.extend(self.follow.iter().flat_map(|f| f.whole().iter().cloned()));
        if pairing.tables.is_empty() && pairing.left_out.is_empty() {
            return Ok(());
        }
        if self.follow.as_ref().is_some_and(|f| !f.fits(&pairing.tables)) {
            return Err(Error::new(Kind::Contradiction, "comparing both sides", "a table was altered; it begins anew"));
        }
        let follows = |t: &&TableName| self.follow.as_ref().is_some_and(|f| f.follows(t));
        let followed = self.known.0.iter().filter(follows).cloned().collect();
        let pass = Running::start(&self.live, self.cx.clone(), pairing, followed, anew, self.pacing.duty).await?;
        if let Some(follow) = &mut self.follow {
            self.owed.extend(pass.tables.iter().filter(|t| follow.whole().contains(*t)).cloned());
            follow.begin_whole(&pass.tables);
        }
        self.pass = Some(pass);
        Ok(())
    }

    /// Tables that need a full pass. Those that never had one come alone, before the others.
    fn due<'a>(&self, tables: impl Iterator<Item = &'a TableName>, now: UnixMs) -> HashSet<TableName> {
        let every = i64::from(self.pacing.full_every_s) * 1000;
        let since = self.follow.as_ref().map(Follow::since);
        let (mut never, mut due) = (HashSet::new(), HashSet::new());
        for table in tables {
            let whole = self.follow.as_ref().is_some_and(|f| f.whole().contains(table));
            match self.standings.get(table) {
                None => {
                    never.insert(table.clone());
                }
                Some(s) => {
                    let old = every > 0 && now - s.full_at > every;
                    let uncovered = s.follows && since.is_some_and(|since| s.full_began < since);
                    let whole = whole && now - s.full_at > WHOLE_AGAIN_MS.max((s.seconds * 10_000.0) as i64);
                    if old || uncovered || whole || self.wanted.contains(table) {
                        due.insert(table.clone());
                    }
                }
            }
        }
        if never.is_empty() { due } else { never }
    }

    /// Forgets tables that are none of the migration's any more.
    async fn forget(&mut self, pairing: &Pairing) -> Result<()> {
        let known: HashSet<&TableName> = pairing
            .tables
            .iter()
            .map(|m| &m.source.name)
            .chain(pairing.left_out.iter().map(|(name, _)| name))
            .collect();
        let gone: Vec<TableName> = self.standings.keys().filter(|t| !known.contains(t)).cloned().collect();
        for table in gone {
            self.live.parts.store.drop_standing(self.live.book.migration(), &table).await?;
            self.standings.remove(&table);
        }
        Ok(())
    }

    /// Verifies changed rows of every table that has had its full pass; false where something has to wait.
    async fn verify_changes(&mut self, authority: Side, told: UnixMs) -> Result<bool> {
        let (Some(follow), Some(readers)) = (&mut self.follow, &mut self.readers) else { return Ok(false) };
        let since = follow.since();
        let covered = |s: &Standing| s.full_began >= since && s.follows;
        let busy = self.pass.as_ref().map(|p| p.tables.clone()).unwrap_or_default();
        let counts = |t: &TableName| self.standings.get(t).is_some_and(covered);
        let (held_back, tables): (Vec<TableName>, Vec<TableName>) =
            follow.changed().into_iter().filter(counts).partition(|t| busy.contains(t));
        // What is known to have changed and waits for its pass is not verified, and no verdict may say so.
        let all = held_back.is_empty() && !follow.whole().iter().chain(&self.owed).any(counts);
        if tables.is_empty() {
            return Ok(all);
        }
        let kept = Kept::new(
            self.live.parts.store.clone(),
            self.live.book.migration(),
            authority,
            self.live.parts.clock.clone(),
        )
        .await?;
        let stream = Arrives::new(self.cx.clone(), authority);
        let clock = &self.live.parts.clock;
        let mut looking = Looking { readers, authority, stream: &stream, pace: &self.pace, clock, findings: &kept };
        if !looking.settle().await? {
            return Ok(false);
        }
        for table in tables {
            let verified = follow.verify(&table, &mut looking).await?;
            let Some(standing) = self.standings.get_mut(&table) else { continue };
            kept.take(standing, &verified, told).await?;
            self.changed += verified.rows;
        }
        Ok(all)
    }

    /// Shows what it is at.
    fn tell(&mut self, aside: bool) {
        let now = self.live.parts.clock.instant();
        let lagging = self.lagging();
        let progress = self.pass.as_mut().map(|p| p.progress(now));
        let activity = activity(self.pacing.paused, aside || lagging, progress.is_some());
        let standings: Vec<Standing> = self.standings.values().cloned().collect();
        let trouble = match (activity, lagging) {
            (Activity::Waiting, true) => {
                Some("The lag is over its limit: nothing is compared until it is not.".to_owned())
            }
            _ => self.trouble.clone(),
        };
        show(&self.live, |f| {
            f.activity = activity;
            f.since = self.follow.as_ref().map(Follow::since);
            f.verified = self.verified;
            f.changed = self.changed;
            f.waiting = self.follow.as_ref().map_or(0, Follow::waiting);
            f.pass = progress;
            f.trouble = trouble;
        });
        let mut snapshot = self.live.snapshot();
        let known = facts(&standings, &snapshot.following);
        snapshot.facts.consistency = known;
    }

    /// Lets go of both servers.
    pub(super) async fn close(&mut self) {
        self.pass = None;
        if let Some(follow) = self.follow.take() {
            follow.close().await;
        }
        if let Some(readers) = self.readers.take() {
            readers.close().await;
        }
    }
}

/// Returns once there is nothing more to compare.
async fn ending(live: &Live) {
    while live.book.look(has_work).await {
        tokio::time::sleep(ASIDE).await;
    }
}

/// Whether a command runs that must not be disturbed, or that changes what is compared.
fn stands_aside(state: &State) -> bool {
    state.open_run.as_ref().is_some_and(|run| match run.command {
        Command::Hold
        | Command::Release
        | Command::SwitchWrites
        | Command::RollBack
        | Command::Replicate
        | Command::Prepare
        | Command::Cleanup { .. } => true,
        Command::Analyze | Command::Validate | Command::ShiftReads { .. } | Command::Repair { .. } => false,
    })
}
