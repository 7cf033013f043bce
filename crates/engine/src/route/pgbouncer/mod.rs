//! PgBouncer: queues writing clients and renews readers' server connections.
//!
//! Owns the commands that are sent to the admin console and what its answers mean. It must never leave a PAUSE behind
//! whose answer did not come: PgBouncer does not end a PAUSE by itself when our connection dies.

mod console;
mod hold;
mod names;
mod pools;
pub mod sentry;
mod stats;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchyard_model::{Side, journal::Action, plan::live::Pool, sources::SourceKind};
use tokio::time::Instant;

use self::{
    console::{Answer, Console, Row},
    hold::Hold,
};
use super::{Capabilities, Router, RouterState, Traffic};
use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};

/// For a PAUSE, which waits for the clients' transactions. A group sets a shorter one; this is for a caller without any.
const HOLD: Duration = Duration::from_secs(30);
/// A queue longer than this is worth a warning, seconds.
const LONG_WAIT_S: u64 = 3;

/// One PgBouncer, reached at its admin console.
pub struct PgBouncer {
    console: Console,
    user: String,
    rw_database: String,
    ro_database: String,
    hold_deadline: Duration,
    hold: Hold,
    /// Cleared when the console does not know SHOW STATE (1.18), so that its log gets one complaint and not thousands.
    knows_state: AtomicBool,
    /// Whether a sentry stands there, and when that was asked.
    sentry: Mutex<Option<(Instant, Option<bool>)>>,
}

/// How often the pool is looked at for logins before a PAUSE, a millisecond apart. A pool that never rests is paused anyhow.
const LOGIN_LOOKS: u32 = 200;

impl PgBouncer {
    /// Does not connect; the first command does. A host that starts with `/` is the folder of a Unix socket.
    pub fn new(
        host: impl Into<String>,
        port: u16,
        user: impl Into<String>,
        password: Option<Secret>,
        rw_database: impl Into<String>,
        ro_database: impl Into<String>,
    ) -> PgBouncer {
        let user = user.into();
        PgBouncer {
            console: Console::new(&host.into(), port, &user, password),
            user,
            rw_database: rw_database.into(),
            ro_database: ro_database.into(),
            hold_deadline: HOLD,
            hold: Hold::default(),
            knows_state: AtomicBool::new(true),
            sentry: Mutex::default(),
        }
    }

    /// The same with another deadline for the PAUSE.
    pub fn with_hold_deadline(mut self, deadline: Duration) -> PgBouncer {
        self.hold_deadline = deadline;
        self
    }

    fn sentry(&self) -> MutexGuard<'_, Option<(Instant, Option<bool>)>> {
        self.sentry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> String {
        format!("PAUSE {}", names::quote(&self.rw_database))
    }

    fn resume(&self) -> String {
        format!("RESUME {}", names::quote(&self.rw_database))
    }

    fn reconnect(&self, database: &str) -> String {
        format!("RECONNECT {}", names::quote(database))
    }

    fn actions(&self, command: String) -> Vec<Action> {
        vec![Action::new(self.console.label(), command)]
    }

    /// Asks a question that must be answered with rows.
    async fn show(&self, command: &str) -> Result<Vec<Row>> {
        match self.console.ask(command).await? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Refused(words) => Err(self.refused(command, &words)),
        }
    }

    /// Whether all databases are paused or suspended, where the console can tell.
    async fn all_held(&self) -> Result<bool> {
        if !self.knows_state.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match self.console.ask("SHOW STATE").await? {
            Answer::Rows(rows) => Ok(rows.iter().any(|r| r.get("key") != "active" && r.get("value") == "yes")),
            Answer::Refused(_) => {
                self.knows_state.store(false, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    fn refused(&self, command: &str, words: &str) -> Error {
        let doing = format!("sending {command} to {}", self.console.label());
        if words.contains("admin access needed") {
            let why =
                format!("the console says “{words}”: add {} to admin_users in pgbouncer.ini and reload", self.user);
            return Error::new(Kind::Router, doing, why);
        }
        if names::says_all_paused(words) {
            let why = format!("somebody has paused or suspended all databases (“{words}”): send RESUME; first");
            return Error::new(Kind::Router, doing, why);
        }
        Error::new(Kind::Router, doing, format!("the console says “{words}”"))
    }

    /// RESUME after a PAUSE whose answer did not come, and the error that tells both.
    async fn give_up_hold(&self) -> Error {
        let doing = format!("holding clients at {}", self.console.label());
        let waited = format!("transactions on {} did not end within {:?}", self.rw_database, self.hold_deadline);
        match self.release().await {
            Ok(()) => Error::new(Kind::Deadline, doing, format!("{waited}; clients go on as before")),
            Err(e) => {
                let why = format!("{waited}, and taking it back failed too ({}): run {} by hand", e.why, self.resume());
                Error::new(Kind::Contradiction, doing, why)
            }
        }
    }

    fn find<'a>(&self, databases: &'a [Row], name: &str) -> Result<&'a Row> {
        databases.iter().find(|d| d.get("name") == name).ok_or_else(|| {
            let listed: Vec<&str> = databases.iter().map(|d| d.get("name")).filter(|n| *n != "pgbouncer").collect();
            Error::new(
                Kind::NotFound,
                format!("looking for database “{name}” in {}", self.console.label()),
                format!("it is not in its [databases]; there are: {}", super::list(&listed)),
            )
        })
    }

    /// A console lets those who may only look ask the same questions.
    fn forbidden(&self, config: &[Row]) -> Option<String> {
        let admins = config.iter().find(|c| c.get("key") == "admin_users").map(|c| c.get("value"))?;
        let why = || format!("{} may look but not PAUSE: add it to admin_users in pgbouncer.ini and reload", self.user);
        (!names::listed(admins, &self.user)).then(why)
    }

    fn warnings(&self, rw: &Row, pools: &[Row], config: &[Row]) -> Vec<String> {
        let mut out = Vec::new();
        let setting = |key: &str| config.iter().find(|c| c.get("key") == key).map(|c| c.get("value"));
        let of_rw = || pools.iter().filter(|p| p.get("database") == self.rw_database);
        let own_mode = match rw.get("pool_mode") {
            "" => setting("pool_mode").unwrap_or_default(),
            own => own,
        };
        // A user may override the mode of the database, so the pools have a say too.
        if own_mode == "session" || of_rw().any(|p| p.get("pool_mode") == "session") {
            out.push(format!(
                "{} pools by session: PAUSE does not return while clients are connected; use pool_mode = transaction",
                self.rw_database
            ));
        }
        if rw.get("disabled") == "1" {
            out.push(format!("{} is disabled: ENABLE it", self.rw_database));
        }
        if self.rw_database == self.ro_database {
            out.push(format!("reads and writes share {}: the write switch holds readers too", self.rw_database));
        }
        let longest = of_rw().map(|p| p.number("maxwait")).max().unwrap_or(0);
        if rw.get("paused") == "0" && longest >= LONG_WAIT_S {
            out.push(format!("a client has waited {longest} s for a server connection of {}", self.rw_database));
        }
        out
    }
}

impl PgBouncer {
    /// Waits, for a moment at most, until no server login of the writers' pool is under way. A PAUSE kills such a login,
    /// PgBouncer then takes the server for broken, and fails clients until `server_login_retry` has passed (seen on 1.18).
    async fn wait_out_logins(&self) -> Result<()> {
        for _ in 0..LOGIN_LOOKS {
            let pools = self.show("SHOW POOLS").await?;
            let ours = pools.iter().filter(|p| p.get("database") == self.rw_database);
            if ours.map(|p| p.number("sv_login")).sum::<u64>() == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Router for PgBouncer {
    fn label(&self) -> &str {
        self.console.label()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { hold: true, shift_reads: false, point_writes: false }
    }

    async fn observe(&self) -> Result<RouterState> {
        let look = self.hold.begin();
        let version = self.show("SHOW VERSION").await?;
        let databases = self.show("SHOW DATABASES").await?;
        let rw = self.find(&databases, &self.rw_database)?;
        self.find(&databases, &self.ro_database)?;
        let pools = self.show("SHOW POOLS").await?;
        let config = self.show("SHOW CONFIG").await?;
        let ours = |p: &&Row| p.get("database") == self.rw_database || p.get("database") == self.ro_database;
        let clients: u64 = pools.iter().filter(ours).map(|p| p.number("cl_active") + p.number("cl_waiting")).sum();
        let mut warnings = self.warnings(rw, &pools, &config);
        let all_held = self.all_held().await?;
        let holding = all_held || rw.get("paused") == "1";
        self.hold.seen(look, holding);
        if all_held {
            warnings.push("somebody has paused or suspended all databases".to_owned());
        }
        let forbidden = self.forbidden(&config);
        warnings.extend(forbidden.clone());
        Ok(RouterState {
            product: version.first().map_or("PgBouncer", |v| v.get("version")).to_owned(),
            reads_on_target: None,
            writes: None,
            holding: Some(holding),
            clients: Some(u32::try_from(clients).unwrap_or(u32::MAX)),
            warning: super::joined(warnings),
            forbidden,
            sentry: self.has_sentry().await?,
        })
    }

    fn hold_actions(&self) -> Vec<Action> {
        self.actions(self.pause())
    }

    async fn hold(&self) -> Result<()> {
        names::check(&self.rw_database, self.label())?;
        // A connection that a sleeping laptop or a firewall lost is found out now, while nobody waits.
        self.show("SHOW VERSION").await?;
        self.wait_out_logins().await?;
        self.hold.is_sent();
        tracing::debug!(at = self.label(), "PAUSE is sent");
        match self.console.ask_and_wait(&self.pause(), self.hold_deadline).await {
            Ok(Answer::Rows(_)) => Ok(()),
            Ok(Answer::Refused(words)) if names::says_already_paused(&words) => Ok(()),
            Ok(Answer::Refused(words)) => {
                // No PAUSE of ours is in force.
                self.hold.seen(self.hold.begin(), false);
                Err(self.refused(&self.pause(), &words))
            }
            Err(e) if e.kind == Kind::Deadline => Err(self.give_up_hold().await),
            Err(e) => Err(e),
        }
    }

    fn release_actions(&self) -> Vec<Action> {
        self.actions(self.resume())
    }

    async fn release(&self) -> Result<()> {
        names::check(&self.rw_database, self.label())?;
        // One that was not held need not be released, and need not be there.
        if self.hold.is_surely_open() {
            return Ok(());
        }
        let look = self.hold.begin();
        match self.console.ask(&self.resume()).await {
            Ok(Answer::Rows(_)) => {}
            Ok(Answer::Refused(words)) if names::says_not_paused(&words) => {}
            Ok(Answer::Refused(words)) => return Err(self.refused(&self.resume(), &words)),
            Err(e) => return Err(e),
        }
        self.hold.seen(look, false);
        Ok(())
    }

    fn shift_reads_actions(&self, _percent: u8) -> Vec<Action> {
        Vec::new()
    }

    async fn shift_reads(&self, _percent: u8) -> Result<()> {
        Err(Error::new(Kind::Refused, format!("shifting reads at {}", self.label()), "PgBouncer has no weights"))
    }

    fn point_writes_actions(&self, _side: Side) -> Vec<Action> {
        Vec::new()
    }

    async fn point_writes(&self, _side: Side) -> Result<()> {
        let why = "PgBouncer is not told where writes go; the router behind it is";
        Err(Error::new(Kind::Refused, format!("pointing writes at {}", self.label()), why))
    }

    fn renew_readers_actions(&self) -> Vec<Action> {
        self.actions(self.reconnect(&self.ro_database))
    }

    async fn renew_readers(&self) -> Result<()> {
        names::check(&self.ro_database, self.label())?;
        self.show(&self.reconnect(&self.ro_database)).await.map(|_| ())
    }

    fn renew_writers_actions(&self) -> Vec<Action> {
        self.actions(self.reconnect(&self.rw_database))
    }

    async fn renew_writers(&self) -> Result<()> {
        names::check(&self.rw_database, self.label())?;
        self.show(&self.reconnect(&self.rw_database)).await.map(|_| ())
    }

    async fn pools(&self) -> Result<Option<Vec<Pool>>> {
        self.pools_now().await.map(Some)
    }

    async fn traffic(&self) -> Result<Option<Vec<Traffic>>> {
        self.stats_now().await.map(|traffic| Some(vec![traffic]))
    }

    fn counts_by(&self) -> Option<SourceKind> {
        Some(SourceKind::Pgbouncer)
    }
}
