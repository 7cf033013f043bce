//! What is known of the server before anything is counted, and what follows for what can be seen.

use serde::Deserialize;

/// Whether statements are counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statements {
    /// They are.
    Read,
    /// The extension is not installed in this database.
    #[default]
    NotInstalled,
    /// It is installed and could not be read; the sentence says why.
    Refused(String),
}

/// The server, our role, and what is tracked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Facts {
    /// `15.20`.
    pub version: String,
    /// The database.
    pub database: String,
    /// Our role.
    pub role: String,
    /// Whether it may see what others do: `pg_read_all_stats`, of which `pg_monitor` is a member.
    pub sees_all: bool,
    /// A standby.
    pub standby: bool,
    /// `max_connections`.
    pub max_connections: i64,
    /// Of it kept for superusers and for roles with `pg_use_reserved_connections`.
    pub reserved: i64,
    /// `track_counts`.
    pub counts: bool,
    /// `track_activities`, as it is set for our session.
    pub activities: bool,
    /// The library of pg_stat_statements is loaded.
    pub statements_loaded: bool,
    /// pg_stat_statements.
    #[serde(skip)]
    pub statements: Statements,
    /// Why tables were not counted.
    #[serde(skip)]
    pub tables_refused: Option<String>,
}

impl Facts {
    /// What cannot be seen, and how it could be, in sentences.
    pub fn unseen(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.sees_all {
            out.push(format!(
                "Role “{role}” sees of others only that they are connected, with application name and user: addresses, what they \
                 do, transactions, waits and the texts of statements are hidden, and background workers count as consumers. \
                 GRANT pg_monitor TO {grantee} shows them.",
                role = self.role,
                grantee = crate::ident::quote(&self.role)
            ));
        }
        if !self.activities {
            out.push("track_activities is off: what connections do, and for how long, is not seen.".to_owned());
        }
        if !self.counts {
            out.push("track_counts is off: reads and writes of tables are not seen.".to_owned());
        }
        if let Some(why) = &self.tables_refused {
            out.push(format!("Reads and writes of tables are not seen: {}", sentence_end(why)));
        }
        match &self.statements {
            Statements::Read => {}
            Statements::NotInstalled => out.push(not_installed(self.statements_loaded)),
            Statements::Refused(why) => out.push(format!(
                "Statements per second, and reads and writes by user, are not seen: pg_stat_statements is installed and cannot be \
                 read. {}",
                sentence_end(why)
            )),
        }
        out
    }
}

fn not_installed(loaded: bool) -> String {
    let how = if loaded {
        "Its library is loaded: CREATE EXTENSION pg_stat_statements in this database shows them."
    } else {
        "It takes pg_stat_statements in shared_preload_libraries, a restart of the server, and CREATE EXTENSION \
         pg_stat_statements in this database."
    };
    format!(
        "Statements per second, and reads and writes by user, are not seen: pg_stat_statements is not installed. {how}"
    )
}

fn sentence_end(why: &str) -> String {
    format!("{}.", why.trim_end_matches('.'))
}
