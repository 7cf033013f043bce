//! A sentry: ends a PAUSE that lasts too long, from another machine than the one that sent it.
//!
//! PgBouncer keeps a PAUSE when the connection that asked for it is gone, and the watchdog of a switch dies with its machine. A
//! sentry knows nothing of migrations, journals or stores: it looks at one database of one PgBouncer and sends RESUME when that has
//! been paused for longer than any switch holds it. No write is lost by that at any point of a switch: where writes may go is
//! decided by fences, and a hold only spares clients errors.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    PgBouncer,
    console::{Answer, Console, Row},
    names,
};
use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};

/// What its sessions are called, before the database's name.
const NAME: &str = "switchyard sentry ";
/// PgBouncer keeps no longer one, bytes.
const LONGEST_NAME: usize = 63;
/// For how long an answer about sentries counts; a list of all clients is long.
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Clients are served.
    Open,
    /// They are held, for at least so long.
    Held(Duration),
    /// They had been held for so long, and go on now.
    LetGo(Duration),
}

/// Stands at one database of one PgBouncer.
pub struct Sentry {
    console: Console,
    database: String,
    longest: Duration,
    held_since: Option<Instant>,
}

impl Sentry {
    /// Does not connect; the first look does.
    ///
    /// # Errors
    /// `Invalid` when the console would take the name for something else.
    pub fn at(
        host: &str,
        port: u16,
        user: &str,
        password: Option<Secret>,
        database: &str,
        longest: Duration,
    ) -> Result<Sentry> {
        let console = Console::new(host, port, user, password).called(&name_at(database));
        names::check(database, console.label())?;
        Ok(Sentry { console, database: database.to_owned(), longest, held_since: None })
    }

    /// `PgBouncer pgb-1:6432`.
    pub fn label(&self) -> &str {
        self.console.label()
    }

    /// Looks once, and lets clients go where they have been held for too long.
    ///
    /// # Errors
    /// When the console does not answer, does not know the database, or refuses. Time goes on counting meanwhile.
    pub async fn look(&mut self) -> Result<Look> {
        let rows = match self.console.ask("SHOW DATABASES").await? {
            Answer::Rows(rows) => rows,
            Answer::Refused(words) => return Err(self.refused("looking at", &words)),
        };
        let Some(row) = rows.iter().find(|r| r.get("name") == self.database) else {
            let doing = format!("looking for database “{}” in {}", self.database, self.label());
            return Err(Error::new(Kind::NotFound, doing, "it is not in its [databases]"));
        };
        if row.get("paused") != "1" {
            self.held_since = None;
            return Ok(Look::Open);
        }
        let held = self.held_since.get_or_insert_with(Instant::now).elapsed();
        if held < self.longest {
            return Ok(Look::Held(held));
        }
        match self.console.ask(&format!("RESUME {}", names::quote(&self.database))).await? {
            Answer::Rows(_) => {}
            // Whoever held them was quicker.
            Answer::Refused(words) if names::says_not_paused(&words) => {}
            Answer::Refused(words) => return Err(self.refused("letting go", &words)),
        }
        self.held_since = None;
        Ok(Look::LetGo(held))
    }

    fn refused(&self, doing: &str, words: &str) -> Error {
        let doing = format!("{doing} clients of {} at {}", self.database, self.label());
        Error::new(Kind::Router, doing, format!("the console says “{words}”"))
    }
}

/// The name by which a switch finds the sentry of a database.
fn name_at(database: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    NAME.chars().chain(database.chars().map(plain)).take(LONGEST_NAME).collect()
}

/// Whether one stands there; None where PgBouncer does not say what its clients are called (before 1.18).
fn is_among(clients: &[Row], database: &str) -> Option<bool> {
    let wanted = name_at(database);
    let mut names = clients.iter().map(|c| c.get("application_name")).filter(|n| !n.is_empty()).peekable();
    // This session of ours has a name too.
    names.peek()?;
    Some(names.any(|n| n == wanted))
}

impl PgBouncer {
    /// Whether a sentry stands at the writers' database; asked anew every few seconds.
    pub(super) async fn has_sentry(&self) -> Result<Option<bool>> {
        let known = *self.sentry();
        if let Some((_, stands)) = known.filter(|(at, _)| at.elapsed() < ASKED_EVERY) {
            return Ok(stands);
        }
        let stands = is_among(&self.show("SHOW CLIENTS").await?, &self.rw_database);
        *self.sentry() = Some((Instant::now(), stands));
        Ok(stands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentry_is_told_from_other_clients_and_from_one_of_another_database() {
        let client = |name: &'static str| Row::of(&[("application_name", name)]);
        let app_and = |name| [client("switchyard"), client("shop"), client(name)];
        assert_eq!(is_among(&app_and("switchyard sentry app_rw"), "app_rw"), Some(true));
        assert_eq!(is_among(&app_and("switchyard sentry other"), "app_rw"), Some(false), "it looks elsewhere");
        assert_eq!(is_among(&[client(""), client("")], "app_rw"), None, "not even our own session has a name");
        assert_eq!(is_among(&[], "app_rw"), None);
    }

    #[test]
    fn any_name_of_a_database_makes_a_name_that_pgbouncer_keeps() {
        assert_eq!(name_at("Ärger \"x\""), "switchyard sentry _rger__x_");
        assert_eq!(name_at(&"a".repeat(200)).len(), LONGEST_NAME);
    }
}
