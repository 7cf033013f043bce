//! Reading the runtime API's tables, strictly: by the names in the header, never by position.

use std::collections::HashMap;

use super::server::{ServerRow, ServerState};
use crate::route::Served;

/// Administrative flags of `srv_admin_state` that keep traffic away. 0x04 only remembers that the file says `disabled`.
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x20;
const DRAIN: u32 = 0x08 | 0x10;
/// Values of `srv_op_state`.
const STOPPED: u32 = 0;
const STOPPING: u32 = 3;

/// A line of `show stat`, what we use of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// Proxy.
    pub(super) proxy: String,
    /// Server, or `BACKEND`.
    pub(super) server: String,
    /// Sessions now.
    pub(super) sessions: u32,
    /// Connections that had to be tried again, since HAProxy started.
    pub(super) retries: u64,
    /// Connections that failed, since HAProxy started.
    pub(super) failed: u64,
}

/// `show cli level`: what a socket that only lets us look says of itself.
pub(super) fn forbidden(level: &str) -> Option<String> {
    let level = level.trim();
    // A release that does not know the question is found out by its answer to the first act.
    matches!(level, "user" | "operator").then(|| {
        format!("its admin socket has level “{level}” and may look but not act: give it `level admin` in HAProxy's configuration")
    })
}

/// `show servers state`.
pub(super) fn servers(text: &str) -> Result<Vec<ServerRow>, String> {
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if version != "1" {
        return Err(format!("the table of servers is in an unknown format (version “{version}”)"));
    }
    let header = lines.next().and_then(|l| l.strip_prefix("# ")).ok_or("the table of servers has no header")?;
    let names: Vec<&str> = header.split(' ').collect();
    lines.map(|line| server(&Line::new(&names, line.split(' ')))).collect()
}

fn server(line: &Line<'_>) -> Result<ServerRow, String> {
    let admin: u32 = line.number("srv_admin_state")?;
    let operation: u32 = line.number("srv_op_state")?;
    let state = if admin & MAINTENANCE != 0 {
        ServerState::Maintenance
    } else if admin & DRAIN != 0 || operation == STOPPING {
        ServerState::Draining
    } else if operation == STOPPED {
        ServerState::Down
    } else {
        ServerState::Ready
    };
    let name = line.text("srv_fqdn")?;
    Ok(ServerRow {
        backend: line.text("be_name")?.to_owned(),
        name: line.text("srv_name")?.to_owned(),
        address: line.text("srv_addr")?.to_owned(),
        host_name: (name != "-").then(|| name.to_owned()),
        port: line.number("srv_port")?,
        state,
        weight: line.number("srv_uweight")?,
    })
}

/// `show stat`, line by line.
pub(super) fn lines(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = text.lines().filter(|l| !l.is_empty());
    let header = lines.next().and_then(|l| l.strip_prefix("# ")).ok_or("the statistics have no header")?;
    let names: Vec<&str> = header.split(',').collect();
    Ok(lines.map(|line| Line::new(&names, line.split(','))).collect())
}

/// `show stat`, what we use of it.
pub(super) fn stats(text: &str) -> Result<Vec<Stat>, String> {
    lines(text)?.iter().map(stat).collect()
}

fn stat(line: &Line<'_>) -> Result<Stat, String> {
    Ok(Stat {
        proxy: line.text("pxname")?.to_owned(),
        server: line.text("svname")?.to_owned(),
        sessions: line.number("scur")?,
        retries: line.number_or_none("wretr")?,
        failed: line.number_or_none("econ")?,
    })
}

/// `show stat`, what it counts of each server. A connection that the server broke off is one that gave a wrong answer or
/// an aborted transfer.
pub(super) fn served(text: &str) -> Result<Vec<(String, Served)>, String> {
    let each = lines(text)?.into_iter().map(|line| {
        let (proxy, server) = (line.text("pxname")?, line.text("svname")?);
        let served = Served {
            connections: line.number_or_none("stot")?,
            failed: line.number_or_none("econ")?,
            cut_off: line.number_or_none("eresp")? + line.number_or_none("srv_abrt")?,
            retries: line.number_or_none("wretr")?,
            // `DOWN 1/2` on its way up.
            down: line.text("status")?.starts_with("DOWN").then(|| format!("{proxy}/{server}")),
        };
        Ok((server.to_owned(), served))
    });
    each.collect()
}

/// `HAProxy 2.6.12` from `show info`.
pub(super) fn product(info: &str) -> String {
    let field = |key: &str| info.lines().find_map(|l| l.strip_prefix(key)).map(str::trim);
    let name = field("Name:").unwrap_or("HAProxy");
    // `2.6.12-1+deb12u4`: the package's revision says nothing to a DBA.
    match field("Version:").and_then(|v| v.split('-').next()) {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}

/// HAProxy's words about a command that it refused.
pub(super) fn refusal(command: &str, words: &str) -> String {
    let first = words.lines().next().unwrap_or_default().trim();
    if first.contains("static LB algorithm") {
        return format!("“{command}” was answered “{first}”: use `balance roundrobin` or `leastconn` in this backend");
    }
    format!("“{command}” was answered “{first}”")
}

/// A line of a table, by the names in its header.
pub(super) struct Line<'a>(HashMap<&'a str, &'a str>);

impl<'a> Line<'a> {
    fn new(names: &[&'a str], values: impl Iterator<Item = &'a str>) -> Self {
        Line(names.iter().copied().zip(values).collect())
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.0.get(name).copied().ok_or_else(|| format!("HAProxy's answer lacks the column {name}"))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("HAProxy's answer has “{text}” in column {name}, which is no number"))
    }

    /// Columns that do not apply are empty.
    pub(super) fn number_or_none(&self, name: &str) -> Result<u64, String> {
        if self.text(name)?.is_empty() { Ok(0) } else { self.number(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_fqdn srv_port\n\
        4 rw 1 source 127.0.0.1 2 0 1 - 5432\n\
        4 rw 2 target ::1 0 5 1 - 6432\n\
        5 ro 1 source 10.0.0.1 0 0 100 db1.internal 5432\n\
        5 ro 2 target 10.0.0.2 2 4 0 - 5432\n\
        5 ro 3 old 10.0.0.3 2 8 7 - 5432\n";

    #[test]
    fn states_are_read_from_both_flags() {
        let rows = servers(TABLE).unwrap();
        let states: Vec<ServerState> = rows.iter().map(|r| r.state).collect();
        assert_eq!(
            states,
            [
                ServerState::Ready,
                ServerState::Maintenance,
                ServerState::Down,
                // 4 alone is a server that the file disables and somebody has made ready since.
                ServerState::Ready,
                ServerState::Draining,
            ]
        );
        assert_eq!(rows[2].host_name.as_deref(), Some("db1.internal"));
        assert_eq!((rows[1].address.as_str(), rows[1].port), ("::1", 6432), "IPv6 has no brackets here");
    }

    #[test]
    fn columns_go_by_name_and_a_missing_one_is_said() {
        let swapped = "1\n# srv_name be_name\nsource rw\n";
        assert!(servers(swapped).unwrap_err().contains("srv_admin_state"), "the sentence names the column");
        assert!(servers("2\n# x\n").unwrap_err().contains("version “2”"), "another format is not guessed at");
        assert!(servers("").is_err(), "an empty answer is no table");
    }

    #[test]
    fn statistics_go_by_name() {
        let csv = "# pxname,svname,scur,econ,wretr,\nrw,source,3,1,2,\nrw,BACKEND,4,,,\n";
        let stats = stats(csv).unwrap();
        assert_eq!((stats[0].sessions, stats[0].failed, stats[0].retries), (3, 1, 2));
        assert_eq!((stats[1].sessions, stats[1].retries), (4, 0), "an empty column does not apply");
    }

    #[test]
    fn the_product_is_short() {
        assert_eq!(product("Name: HAProxy\nVersion: 2.6.12-1+deb12u4\n"), "HAProxy 2.6.12");
    }
}
