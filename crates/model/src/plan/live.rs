//! A pooler's pools as they are now, and what in them is worth a warning.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One pool: a database and a user of a PgBouncer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Pool {
    /// Its database, as clients name it.
    pub database: String,
    /// Its user.
    pub user: String,
    /// `transaction`, `session` or `statement`.
    pub mode: String,
    /// Clients that have a server connection, or need none right now.
    pub cl_active: u32,
    /// Clients that wait for one.
    pub cl_waiting: u32,
    /// Server connections that serve a client.
    pub sv_active: u32,
    /// Server connections that are free.
    pub sv_idle: u32,
    /// Server connections that are free and are checked before they serve again.
    pub sv_used: u32,
    /// Server connections that are being checked or reset.
    pub sv_tested: u32,
    /// Server connections that log in.
    pub sv_login: u32,
    /// How long the first waiting client has waited, ms.
    pub maxwait_ms: f64,
    /// Server connections it may open; None where the pooler does not say.
    pub size: Option<u32>,
    /// Whether its clients are held by a PAUSE.
    pub paused: bool,
}

impl Pool {
    /// Server connections, whatever they do.
    pub fn servers(&self) -> u32 {
        self.sv_active + self.sv_idle + self.sv_used + self.sv_tested + self.sv_login
    }

    /// What to know of it, in sentences; none where all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let name = format!("{} as {}", self.database, self.user);
        let wait = super::span::time(self.maxwait_ms / 1000.0);
        match (self.cl_waiting, self.paused) {
            (0, false) => {}
            (0, true) => out.push(format!("{name} is held: its clients would wait.")),
            (n, true) => out.push(format!("{name} is held: {} wait, the first for {wait}.", clients(n))),
            (n, false) => {
                let full = self.size.is_some_and(|size| self.servers() >= size);
                let why = if full { " All its server connections are in use." } else { "" };
                out.push(format!("{} of {name} wait for a server connection, the first for {wait}.{why}", clients(n)));
            }
        }
        out
    }
}

fn clients(n: u32) -> String {
    if n == 1 { "1 client".to_owned() } else { format!("{n} clients") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        Pool {
            database: "app_rw".into(),
            user: "app".into(),
            cl_active: 8,
            sv_active: 4,
            size: Some(5),
            ..Pool::default()
        }
    }

    #[test]
    fn a_client_that_waits_is_told_of_and_why() {
        assert_eq!(pool().warnings(), Vec::<String>::new(), "work is no reason to warn");
        let waits = Pool { cl_waiting: 1, maxwait_ms: 250.0, ..pool() };
        let said = waits.warnings().join(" ");
        assert!(said.contains("1 client of app_rw as app") && said.contains("250 ms"), "{said}");
        assert!(!said.contains("All its server"), "one connection is left: {said}");
        let full = Pool { cl_waiting: 3, sv_active: 5, ..pool() };
        assert!(full.warnings()[0].contains("All its server connections are in use"), "{:?}", full.warnings());
    }

    #[test]
    fn a_hold_is_no_lack_of_connections() {
        let held = Pool { paused: true, cl_waiting: 2, maxwait_ms: 40.0, sv_active: 5, ..pool() };
        assert_eq!(held.warnings(), ["app_rw as app is held: 2 clients wait, the first for 40 ms."]);
    }
}
