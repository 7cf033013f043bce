//! HAProxy in TCP mode: points writes at one of two servers and weighs reads between them.
//!
//! Owns the commands that are sent to the runtime API and the check that they took effect: every change is read back
//! in the same round trip. It must never touch HAProxy's configuration file.

mod answer;
mod runtime;
mod server;
mod straggler;
mod traffic;
mod trouble;

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::{Side, journal::Action, sources::SourceKind};

pub use self::server::{ServerRow, ServerState};
use self::{answer::Stat, runtime::Runtime, straggler::Straggler, trouble::Trouble};
use super::{Capabilities, Router, RouterState, ServedBySide, Traffic};
use crate::error::{Error, Kind, Result};

/// For one round trip, connection included.
const DEADLINE: Duration = Duration::from_secs(2);

/// One HAProxy, reached at its admin socket.
pub struct HaProxy {
    runtime: Runtime,
    rw: String,
    ro: String,
    source: String,
    target: String,
    trouble: Trouble,
    straggler: Straggler,
}

impl HaProxy {
    /// Does not connect; every command opens its own connection. The address is `host:port` or the path of a socket.
    pub fn new(
        address: impl Into<String>,
        rw_backend: impl Into<String>,
        ro_backend: impl Into<String>,
        source_server: impl Into<String>,
        target_server: impl Into<String>,
    ) -> HaProxy {
        HaProxy {
            runtime: Runtime::new(address.into(), DEADLINE),
            rw: rw_backend.into(),
            ro: ro_backend.into(),
            source: source_server.into(),
            target: target_server.into(),
            trouble: Trouble::default(),
            straggler: Straggler::default(),
        }
    }

    /// Every server of both backends as HAProxy has it now, for comparing addresses with the endpoints.
    pub async fn servers(&self) -> Result<Vec<ServerRow>> {
        let doing = format!("reading the servers of {}", self.label());
        let mut answers = self.ask(&doing, &[self.read_back(&self.rw), self.read_back(&self.ro)]).await?;
        let mut rows = self.rows(&doing, &self.rw, answers.next().unwrap_or_default()).await?;
        rows.extend(self.rows(&doing, &self.ro, answers.next().unwrap_or_default()).await?);
        Ok(rows)
    }

    fn name(&self, side: Side) -> &str {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    fn read_back(&self, backend: &str) -> String {
        format!("show servers state {backend}")
    }

    fn point_commands(&self, side: Side) -> Vec<String> {
        let (rw, loser, winner) = (&self.rw, self.name(side.other()), self.name(side));
        vec![
            format!("set server {rw}/{loser} state maint"),
            // Maintenance alone lets sessions live on; after this no client is left on the losing side.
            format!("shutdown sessions server {rw}/{loser}"),
            format!("set server {rw}/{winner} state ready"),
            self.read_back(rw),
        ]
    }

    fn shift_commands(&self, percent: u8) -> Vec<String> {
        let percent = percent.min(100);
        let mut shares = [(self.name(Side::Target), percent), (self.name(Side::Source), 100 - percent)];
        // The larger share first, so that at no instant both weights are zero.
        shares.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let mut commands = Vec::new();
        for (server, weight) in shares {
            commands.push(format!("set server {}/{server} weight {weight}", self.ro));
            if weight > 0 {
                commands.push(format!("set server {}/{server} state ready", self.ro));
            }
        }
        commands.push(self.read_back(&self.ro));
        commands
    }

    fn actions(&self, commands: Vec<String>) -> Vec<Action> {
        commands.into_iter().map(|c| Action::new(self.label(), c)).collect()
    }

    async fn ask(&self, doing: &str, commands: &[String]) -> Result<std::vec::IntoIter<String>> {
        server::check_names(doing, [&self.rw, &self.ro, &self.source, &self.target])?;
        Ok(self.runtime.ask(doing, commands).await?.into_iter())
    }

    /// Sends commands that answer with nothing, then reads the backend back. What was sent before is done with first.
    async fn change(&self, doing: &str, commands: &[String], backend: &str) -> Result<Vec<ServerRow>> {
        self.straggler.is_gone(&self.runtime, doing).await?;
        self.straggler.sets_out();
        let mut answers: Vec<String> = self.ask(doing, commands).await?.collect();
        self.straggler.is_back();
        let state = answers.pop().unwrap_or_default();
        for (command, words) in commands.iter().zip(&answers) {
            if words.trim().is_empty() {
                continue;
            }
            // An unknown name gets the list of what exists rather than HAProxy's bare refusal.
            self.rows(doing, backend, state).await?;
            return Err(Error::new(Kind::Router, doing, answer::refusal(command, words)));
        }
        self.rows(doing, backend, state).await
    }

    /// Reads `show servers state`; both of our servers must be in it.
    async fn rows(&self, doing: &str, backend: &str, text: String) -> Result<Vec<ServerRow>> {
        if text.starts_with("Can't find backend") {
            let backends = self.runtime.ask(doing, &["show backend".to_owned()]).await?.concat();
            let known: Vec<&str> = backends.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
            let why = format!("there is no backend “{backend}”; there are: {}", super::list(&known));
            return Err(Error::new(Kind::NotFound, doing, why));
        }
        let rows = answer::servers(&text).map_err(|why| Error::new(Kind::Router, doing, why))?;
        for server in [&self.source, &self.target] {
            if !rows.iter().any(|r| &r.name == server) {
                let known: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
                let why = format!("backend {backend} has no server “{server}”; it has: {}", super::list(&known));
                return Err(Error::new(Kind::NotFound, doing, why));
            }
        }
        Ok(rows)
    }

    fn side_of(&self, row: &ServerRow) -> Option<Side> {
        [Side::Source, Side::Target].into_iter().find(|side| self.name(*side) == row.name)
    }

    fn sessions(&self, stats: &[Stat]) -> u32 {
        let ours = |s: &&Stat| s.server == "BACKEND" && (s.proxy == self.rw || s.proxy == self.ro);
        stats.iter().filter(ours).map(|s| s.sessions).sum()
    }
}

#[async_trait]
impl Router for HaProxy {
    fn label(&self) -> &str {
        self.runtime.label()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { hold: false, shift_reads: true, point_writes: true }
    }

    async fn observe(&self) -> Result<RouterState> {
        let doing = format!("asking {} for its route", self.label());
        let commands = [
            "show cli level".to_owned(),
            "show info".to_owned(),
            self.read_back(&self.rw),
            self.read_back(&self.ro),
            format!("show stat {} -1 -1", self.rw),
            format!("show stat {} -1 -1", self.ro),
        ];
        let mut answers = self.ask(&doing, &commands).await?;
        let mut next = || answers.next().unwrap_or_default();
        let (level, info, rw, ro, mut stats, ro_stats) = (next(), next(), next(), next(), next(), next());
        let rw = self.rows(&doing, &self.rw, rw).await?;
        let ro = self.rows(&doing, &self.ro, ro).await?;
        stats.push('\n');
        let unreadable = |why| Error::new(Kind::Router, doing.clone(), why);
        let mut figures = answer::stats(&stats).map_err(unreadable)?;
        figures.extend(answer::stats(&ro_stats).map_err(unreadable)?);
        let mut warnings = Vec::new();
        let writes = server::writes(&rw, |r| self.side_of(r), &mut warnings);
        let reads_on_target = server::reads(&ro, |r| self.side_of(r), &mut warnings);
        warnings.extend(self.trouble.since_lately(&figures));
        let forbidden = answer::forbidden(&level);
        warnings.extend(forbidden.clone());
        Ok(RouterState {
            product: answer::product(&info),
            reads_on_target,
            writes,
            holding: None,
            clients: Some(self.sessions(&figures)),
            warning: super::joined(warnings),
            forbidden,
            sentry: None,
        })
    }

    fn hold_actions(&self) -> Vec<Action> {
        Vec::new()
    }

    async fn hold(&self) -> Result<()> {
        Err(Error::new(Kind::Refused, format!("holding clients at {}", self.label()), "HAProxy does not queue clients"))
    }

    fn release_actions(&self) -> Vec<Action> {
        Vec::new()
    }

    async fn release(&self) -> Result<()> {
        Ok(())
    }

    fn shift_reads_actions(&self, percent: u8) -> Vec<Action> {
        self.actions(self.shift_commands(percent))
    }

    async fn shift_reads(&self, percent: u8) -> Result<()> {
        let doing = format!("shifting {percent} % of reads at {}", self.label());
        if percent > 100 {
            return Err(Error::new(Kind::Invalid, doing, "a share is between 0 and 100 %"));
        }
        let rows = self.change(&doing, &self.shift_commands(percent), &self.ro).await?;
        let mut warnings = Vec::new();
        match server::reads(&rows, |r| self.side_of(r), &mut warnings) {
            Some(seen) if seen == percent => Ok(()),
            seen => Err(not_taken(doing, seen.map(|p| format!("{p} % of reads on target")), warnings)),
        }
    }

    fn point_writes_actions(&self, side: Side) -> Vec<Action> {
        self.actions(self.point_commands(side))
    }

    async fn point_writes(&self, side: Side) -> Result<()> {
        let doing = format!("pointing writes at the {side} at {}", self.label());
        let rows = self.change(&doing, &self.point_commands(side), &self.rw).await?;
        let mut warnings = Vec::new();
        match server::writes(&rows, |r| self.side_of(r), &mut warnings) {
            Some(seen) if seen == side => Ok(()),
            seen => Err(not_taken(doing, seen.map(|s| format!("writes on {s}")), warnings)),
        }
    }

    fn renew_readers_actions(&self) -> Vec<Action> {
        Vec::new()
    }

    /// New connections follow the weights by themselves; whoever pools in front of HAProxy has to renew.
    async fn renew_readers(&self) -> Result<()> {
        Ok(())
    }

    async fn traffic(&self) -> Result<Option<Vec<Traffic>>> {
        self.traffic_now().await.map(Some)
    }

    fn counts_by(&self) -> Option<SourceKind> {
        Some(SourceKind::Haproxy)
    }

    async fn served(&self) -> Result<Option<ServedBySide>> {
        let doing = format!("asking {} what failed", self.label());
        let commands = [&self.rw, &self.ro].map(|backend| format!("show stat {backend} -1 -1"));
        let mut both = ServedBySide::default();
        for text in self.ask(&doing, &commands).await? {
            let servers = answer::served(&text).map_err(|why| Error::new(Kind::Router, doing.clone(), why))?;
            for (name, served) in servers {
                let sum = match [Side::Source, Side::Target].into_iter().find(|side| self.name(*side) == name) {
                    Some(Side::Source) => &mut both.source,
                    Some(Side::Target) => &mut both.target,
                    None => continue,
                };
                sum.connections += served.connections;
                sum.failed += served.failed;
                sum.cut_off += served.cut_off;
                sum.retries += served.retries;
                sum.down = served.down.or(sum.down.take());
            }
        }
        Ok(Some(both))
    }
}

/// HAProxy took the commands without a word, yet reads back something else.
fn not_taken(doing: String, seen: Option<String>, warnings: Vec<String>) -> Error {
    let seen = seen.unwrap_or_else(|| "no clear route".to_owned());
    let more = super::joined(warnings).map(|w| format!(" ({w})")).unwrap_or_default();
    Error::new(Kind::Contradiction, doing, format!("the commands were accepted, but it reads back {seen}{more}"))
}
