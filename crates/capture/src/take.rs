//! From entries of a log to statements.
//!
//! With `log_min_duration_statement = 0` an entry is written when a statement has ended, and says how long it took. With
//! `log_statement = all` one is written when it begins, and its duration follows where `log_duration` is on. Both forms may
//! be mixed in one log; the session tells what belongs together.

use std::collections::HashMap;

use switchyard_queries::{log::Entry, parameters::may_be_cut, shape::parameters};

use crate::record::Captured;

/// So many sessions are remembered before idle ones are forgotten.
const MOST_SESSIONS: usize = 100_000;
/// Idle for so long, they are, µs.
const IDLE_US: i64 = 3_600_000_000;
/// Sessions of our own: what they do is no application's.
const OURS: &str = "switchyard";

/// What is wanted of a log.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this database alone.
    pub database: Option<String>,
    /// Of this role alone.
    pub user: Option<String>,
    /// Not what began before, Unix µs.
    pub since_us: Option<i64>,
}

/// What was seen on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Statements that were taken.
    pub statements: u64,
    /// Those whose values are not known.
    pub unknown_values: u64,
    /// Those of which a value may have been cut.
    pub maybe_cut: u64,
    /// Those without a duration.
    pub no_duration: u64,
    /// Those of no session or time: they cannot be put in order.
    pub no_session: u64,
    /// Times that more rows were fetched from a statement that had begun.
    pub fetches: u64,
    /// Places that were given to answers of the source.
    pub places: u64,
}

/// Takes statements out of a log, in constant memory.
#[derive(Debug, Default)]
pub struct Taker {
    wanted: Wanted,
    sessions: HashMap<String, Session>,
    n: u64,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Session {
    /// Logged when it began; its end is not known yet.
    open: Option<Captured>,
    last_us: i64,
}

impl Taker {
    /// Of what is wanted.
    pub fn new(wanted: Wanted) -> Taker {
        Taker { wanted, ..Taker::default() }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// A place of its own in the log's order, behind all that was told so far.
    pub fn place(&mut self) -> u64 {
        self.n += 1;
        self.seen.places += 1;
        self.n
    }

    /// Takes an entry; tells each statement that is known whole.
    pub fn take(&mut self, entry: &Entry<'_>, tell: &mut dyn FnMut(Captured)) {
        if !self.is_wanted(entry) {
            return;
        }
        let failed = entry.is_error();
        // A warning names the statement that it came from, which is told of elsewhere.
        if !failed && !entry.query.is_empty() {
            return;
        }
        if is_fetch(&entry.message) {
            self.seen.fetches += 1;
            return;
        }
        let (text, took_us) = (entry.statement(), entry.duration_ms().map(|ms| (ms * 1000.0).round().max(0.0) as u64));
        let is_end = text.is_none() && took_us.is_some() && is_bare_duration(&entry.message);
        if text.is_none() && !is_end {
            return;
        }
        let (Some(at), Some(key)) = (entry.at, key(entry)) else {
            self.seen.no_session += u64::from(text.is_some());
            return;
        };
        let at_us = at.unix_ms.saturating_mul(1000);
        self.forget_idle(at_us, tell);
        let open = self.sessions.get_mut(&key).and_then(|s| s.open.take());
        match text {
            None => {
                if let Some(mut begun) = open {
                    begun.duration_us = took_us;
                    self.emit(begun, tell);
                }
            }
            Some(text) => {
                let is_same = failed && open.as_ref().is_some_and(|o| o.text == text);
                if let (Some(mut begun), true) = (open.clone(), is_same) {
                    begun.sqlstate = Some(state(entry));
                    begun.duration_us = u64::try_from(at_us - begun.at_us).ok();
                    self.emit(begun, tell);
                    return;
                }
                if let Some(begun) = open {
                    self.emit(begun, tell);
                }
                let one = self.captured(entry, text, key, at_us, took_us);
                if took_us.is_none() && !failed {
                    let session = one.session.clone();
                    self.sessions.entry(session).or_default().open = Some(one);
                } else {
                    self.emit(one, tell);
                }
            }
        }
    }

    /// The log is over: what had begun is told as it is.
    pub fn finish(&mut self, tell: &mut dyn FnMut(Captured)) {
        let mut open: Vec<Captured> = self.sessions.values_mut().filter_map(|s| s.open.take()).collect();
        open.sort_by_key(|c| c.n);
        for one in open {
            self.emit(one, tell);
        }
    }

    fn is_wanted(&self, entry: &Entry<'_>) -> bool {
        let other = |wanted: &Option<String>, is: &str| wanted.as_deref().is_some_and(|w| !is.is_empty() && w != is);
        !(other(&self.wanted.database, &entry.database)
            || other(&self.wanted.user, &entry.user)
            || entry.application.starts_with(OURS))
    }

    fn captured(&mut self, entry: &Entry<'_>, text: &str, session: String, at_us: i64, took: Option<u64>) -> Captured {
        self.n += 1;
        // Where parameters are not logged the list is missing, as it is where there are none.
        let values = entry.parameters().filter(|v| v.len() >= parameters(text) as usize);
        Captured {
            at_us: at_us.saturating_sub_unsigned(took.unwrap_or_default()),
            n: self.n,
            session,
            user: entry.user.to_string(),
            database: entry.database.to_string(),
            application: entry.application.to_string(),
            text: text.to_owned(),
            parameters: values,
            duration_us: took,
            sqlstate: entry.is_error().then(|| state(entry)),
            answer: None,
        }
    }

    fn emit(&mut self, mut one: Captured, tell: &mut dyn FnMut(Captured)) {
        let session = self.sessions.entry(one.session.clone()).or_default();
        // A log's times have milliseconds, durations microseconds: what followed must not seem to have come before.
        one.at_us = one.at_us.max(session.last_us);
        session.last_us = one.at_us;
        if self.wanted.since_us.is_some_and(|since| one.at_us < since) {
            return;
        }
        if one.duration_us.is_some() {
            self.n += 1;
            one.n = self.n;
        } else {
            self.seen.no_duration += u64::from(one.sqlstate.is_none());
        }
        self.seen.statements += 1;
        self.seen.unknown_values += u64::from(one.parameters.is_none());
        self.seen.maybe_cut += u64::from(one.parameters.as_deref().is_some_and(may_be_cut));
        tell(one);
    }

    fn forget_idle(&mut self, now_us: i64, tell: &mut dyn FnMut(Captured)) {
        if self.sessions.len() < MOST_SESSIONS {
            return;
        }
        let idle: Vec<String> =
            self.sessions.iter().filter(|(_, s)| s.last_us < now_us - IDLE_US).map(|(k, _)| k.clone()).collect();
        for key in idle {
            if let Some(open) = self.sessions.remove(&key).and_then(|s| s.open) {
                self.emit(open, tell);
                self.sessions.remove(&key);
            }
        }
    }
}

impl Seen {
    /// What is to be known of a capture from a log, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let answers = if self.places == 0 { "answers and no " } else { "" };
        let mut out = vec![format!(
            "A log has no {answers}counts of rows, no data of COPY, and nothing of statements whose log was off."
        )];
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                out.push(format!("{count} {what}"));
            }
        };
        say(
            self.unknown_values,
            "statements were logged without their values, and cannot be played again: set log_parameter_max_length, and \
             log_parameter_max_length_on_error for those that fail, to -1.",
        );
        say(self.maybe_cut, "statements have a value that ends with …: log_parameter_max_length may have cut it.");
        say(
            self.no_duration,
            "statements were logged without a duration: set log_min_duration_statement to 0 rather than log_statement to all.",
        );
        say(self.no_session, "statements have no session or no time in the log: put %m and %c into log_line_prefix.");
        say(self.fetches, "times rows were fetched in pieces; they are played as fetched at once.");
        out
    }
}

/// Why it failed; a log of plain lines without %e does not say.
fn state(entry: &Entry<'_>) -> String {
    entry.sqlstate.as_deref().unwrap_or("?????").to_owned()
}

fn key(entry: &Entry<'_>) -> Option<String> {
    match (entry.session.as_ref(), entry.pid) {
        ("", Some(pid)) => Some(format!("pid {pid}")),
        ("", None) => None,
        (session, _) => Some(session.to_owned()),
    }
}

fn behind_duration(message: &str) -> &str {
    match message.strip_prefix("duration: ").and_then(|m| m.split_once(" ms")) {
        Some((_, rest)) => rest.trim_start(),
        None => message,
    }
}

/// Rows fetched from a portal that was executed before.
fn is_fetch(message: &str) -> bool {
    behind_duration(message).starts_with("execute fetch from ")
}

fn is_bare_duration(message: &str) -> bool {
    message.starts_with("duration: ") && behind_duration(message).is_empty()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use switchyard_queries::log::{Format, LogReader, Prefix};

    use super::*;

    /// Lines of a log with the prefix `%m [%p] %c `.
    fn taken(log: &str) -> (Vec<Captured>, Seen) {
        let prefix = Prefix::new("%m [%p] %c ").unwrap();
        let mut reader = LogReader::new(Format::Stderr(prefix));
        let (mut taker, mut out) = (Taker::default(), Vec::new());
        let mut tell = |entry: &Entry<'_>| taker.take(entry, &mut |one| out.push(one));
        reader.read(&mut log.as_bytes(), &mut tell).unwrap();
        reader.finish(&mut tell);
        taker.finish(&mut |one| out.push(one));
        (out, taker.seen())
    }

    fn line(ms: u32, session: &str, said: &str) -> String {
        format!("2026-11-28 21:10:27.{ms:03} UTC [7] {session} {said}\n")
    }

    #[test]
    fn a_statement_that_was_logged_at_its_end_began_before() {
        let log = line(500, "a.1", "LOG:  duration: 100.250 ms  statement: SELECT 1")
            + &line(500, "a.1", "LOG:  duration: 0.300 ms  execute S_1: SELECT $1")
            + &line(500, "a.1", "DETAIL:  Parameters: $1 = 'it''s'")
            + &line(501, "a.1", "LOG:  duration: 0.100 ms  bind S_1: SELECT $1");
        let (all, seen) = taken(&log);
        assert_eq!(all.len(), 2, "a bind runs nothing: {all:?}");
        assert_eq!(all[0].at_us, 1_795_900_227_399_750, "end less duration");
        assert_eq!(all[1].parameters, Some(vec![Some("it's".to_owned())]));
        assert!(all[1].at_us >= all[0].at_us && all[1].n > all[0].n);
        assert_eq!((seen.statements, seen.no_duration), (2, 0));
    }

    #[test]
    fn a_statement_that_was_logged_at_its_begin_gets_its_duration_later() {
        let log = line(1, "a.1", "LOG:  statement: BEGIN")
            + &line(2, "b.2", "LOG:  statement: SELECT 2")
            + &line(3, "a.1", "LOG:  duration: 2.000 ms")
            + &line(9, "a.1", "LOG:  statement: COMMIT");
        let (all, seen) = taken(&log);
        let texts: Vec<&str> = all.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["BEGIN", "SELECT 2", "COMMIT"], "what never ended is told at the end");
        assert_eq!((all[0].duration_us, all[1].duration_us, seen.no_duration), (Some(2000), None, 2));
    }

    #[test]
    fn a_failure_is_one_statement_with_its_state() {
        let log = line(1, "a.1", "LOG:  execute <unnamed>: SELECT 1/$1")
            + &line(1, "a.1", "DETAIL:  parameters: $1 = '0'")
            + &line(4, "a.1", "ERROR:  division by zero")
            + &line(4, "a.1", "STATEMENT:  SELECT 1/$1")
            + &line(5, "a.1", "ERROR:  division by zero")
            + &line(5, "a.1", "STATEMENT:  SELECT 2/$1");
        let (all, seen) = taken(&log);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].parameters.clone(), all[0].duration_us), (Some(vec![Some("0".to_owned())]), Some(3000)));
        assert!(all.iter().all(|c| c.sqlstate.is_some()));
        assert_eq!((all[1].parameters.clone(), seen.unknown_values), (None, 1), "values that nobody logged");
    }

    #[test]
    fn rows_in_pieces_and_warnings_are_no_statements() {
        let log = line(1, "a.1", "LOG:  duration: 0.1 ms  execute fetch from S_1/C_2: SELECT 1")
            + &line(2, "a.1", "WARNING:  there is no transaction in progress")
            + &line(2, "a.1", "STATEMENT:  COMMIT");
        let (all, seen) = taken(&log);
        assert_eq!((all.len(), seen.fetches), (0, 1), "{all:?}");
    }

    #[test]
    fn sessions_of_our_own_are_left_out() {
        let mut taker = Taker::default();
        let entry = Entry {
            at: Some(switchyard_queries::log::At { unix_ms: 1, zone_known: true }),
            user: Cow::Borrowed("u"),
            database: Cow::Borrowed("d"),
            application: Cow::Borrowed("switchyard load"),
            client: Cow::Borrowed(""),
            pid: Some(1),
            session: Cow::Borrowed("s"),
            severity: switchyard_queries::log::Severity::Log,
            sqlstate: None,
            message: Cow::Borrowed("duration: 1.0 ms  statement: SELECT 1"),
            detail: Cow::Borrowed(""),
            context: Cow::Borrowed(""),
            query: Cow::Borrowed(""),
        };
        taker.take(&entry, &mut |one| panic!("{one:?}"));
    }
}
