//! `show stat`, all that it counts of our servers: for showing it. What the gate of errors needs is read by `served`.

use switchyard_model::{
    Side,
    sources::{
        Growth::{All, AndAll, PerSecond},
        Reading, SourceKind, Unit,
    },
};

use super::{
    HaProxy,
    answer::{Line, lines},
};
use crate::{
    error::{Error, Kind, Result},
    route::Traffic,
};

impl HaProxy {
    /// Of each side: its servers in both backends.
    pub(super) async fn traffic_now(&self) -> Result<Vec<Traffic>> {
        let doing = format!("asking {} for its counters", self.runtime.label());
        let mut commands = vec!["show info".to_owned()];
        commands.extend([&self.rw, &self.ro].map(|backend| format!("show stat {backend} -1 -1")));
        let mut answers = self.ask(&doing, &commands).await?;
        let info = answers.next().unwrap_or_default();
        let at_s = super::super::seconds();
        let mut sides = [Side::Source, Side::Target].map(|side| {
            let mut reading = Reading { at_s, ..Reading::default() };
            if let Some(up) = up(&info) {
                reading.counter("", "counts for", up, Unit::S, All);
            }
            Traffic { kind: SourceKind::Haproxy, side: Some(side), reading }
        });
        let failed = |why| Error::new(Kind::Router, doing.clone(), why);
        for text in answers {
            for line in lines(&text).map_err(failed)? {
                let name = line.text("svname").map_err(failed)?;
                let Some(to) = sides.iter_mut().find(|t| t.side.is_some_and(|side| self.name(side) == name)) else {
                    continue;
                };
                take(&line, &mut to.reading).map_err(failed)?;
            }
        }
        if let Some(lacking) = sides.iter().find(|t| t.reading.now.is_empty()).and_then(|t| t.side) {
            let why = format!("it has no server “{}” in {} or {}", self.name(lacking), self.rw, self.ro);
            return Err(Error::new(Kind::NotFound, doing, why));
        }
        Ok(sides.into())
    }
}

/// How long HAProxy has run, by its own word: one that was started anew has run for less than before.
fn up(info: &str) -> Option<f64> {
    info.lines().find_map(|l| l.strip_prefix("Uptime_sec:"))?.trim().parse().ok()
}

fn take(line: &Line<'_>, to: &mut Reading) -> std::result::Result<(), String> {
    let of = format!("{}/{}", line.text("pxname")?, line.text("svname")?);
    let count = |column: &str| line.number_or_none(column).map(|n| n as f64);
    to.figure(&of, "sessions now", count("scur")?, Unit::Count);
    to.counter(&of, "sessions", count("stot")?, Unit::Count, PerSecond);
    to.counter(&of, "received from clients", count("bin")?, Unit::Bytes, PerSecond);
    to.counter(&of, "sent to clients", count("bout")?, Unit::Bytes, PerSecond);
    to.counter(&of, "connections that failed", count("econ")?, Unit::Count, AndAll);
    to.counter(&of, "cut off by the server", count("eresp")? + count("srv_abrt")?, Unit::Count, AndAll);
    to.counter(&of, "given up by clients", count("cli_abrt")?, Unit::Count, AndAll);
    to.counter(&of, "denied", count("dresp")?, Unit::Count, AndAll);
    to.counter(&of, "retries", count("wretr")?, Unit::Count, AndAll);
    // Means of the last 1 024 connections; `rtime` is HTTP's alone.
    for (column, name) in
        [("qtime", "wait in the queue, mean"), ("ctime", "time to connect, mean"), ("ttime", "session time, mean")]
    {
        // A release that is older than these columns has none.
        if line.text(column).is_ok_and(|t| !t.is_empty()) && count("stot")? > 0.0 {
            to.figure(&of, name, count(column)?, Unit::Ms);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_is_nothing_and_a_mean_needs_sessions() {
        let header = "# pxname,svname,scur,stot,bin,bout,econ,eresp,srv_abrt,cli_abrt,dresp,wretr,qtime,ctime,ttime,";
        let text =
            format!("{header}\nrw,source,3,40,100,9000,2,,1,4,,5,0,1,250,\nrw,target,0,0,0,0,0,,0,0,,0,0,0,0,\n");
        let (mut busy, mut idle) = (Reading::default(), Reading::default());
        let both = lines(&text).unwrap();
        take(&both[0], &mut busy).unwrap();
        take(&both[1], &mut idle).unwrap();
        let of = |r: &Reading, name: &str| r.now.iter().find(|f| f.name == name).map(|f| f.value);
        assert_eq!((of(&busy, "session time, mean"), of(&busy, "sessions now")), (Some(250.0), Some(3.0)));
        assert_eq!(of(&idle, "session time, mean"), None, "a server without sessions has no mean");
        let cut = busy.counters.iter().find(|c| c.name == "cut off by the server").unwrap();
        assert_eq!((cut.of.as_str(), cut.value), ("rw/source", 1.0));
    }

    #[test]
    fn a_restart_is_noticed_by_the_uptime() {
        let at = |seconds: u32| {
            let mut r = Reading::default();
            r.counter("", "counts for", up(&format!("Name: HAProxy\nUptime_sec: {seconds}\n")).unwrap(), Unit::S, All);
            r
        };
        assert!(at(3).is_reset_since(&at(100)) && !at(105).is_reset_since(&at(100)));
    }
}
