//! Plain lines: an entry is a line with a label, the lines that follow it with a tab, and those that tell its details.

use std::borrow::Cow;

use super::{
    At, Entry, Notes, Severity,
    prefix::{Prefix, Said, label},
    reader::MOST,
};

/// Which text of the entry a line goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Detail,
    Context,
    Query,
    /// A hint, a place in the source: read and left out.
    Nothing,
}

/// The entry that is being put together; it is whole when the next one begins.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    at: Option<At>,
    pid: Option<i32>,
    severity: Severity,
    sqlstate: Option<String>,
    names: [String; 5],
    message: String,
    detail: String,
    context: String,
    query: String,
    part: Part,
}

impl Pending {
    fn new(said: Said<'_>, severity: Severity, message: &str) -> Pending {
        let names = [said.user, said.database, said.application, said.client, said.session].map(str::to_owned);
        Pending {
            at: said.at,
            pid: said.pid,
            severity,
            sqlstate: said.sqlstate.map(str::to_owned),
            names,
            message: message.to_owned(),
            detail: String::new(),
            context: String::new(),
            query: String::new(),
            part: Part::Message,
        }
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        let [user, database, application, client, session] = self.names.each_ref().map(|n| Cow::Borrowed(n.as_str()));
        Entry {
            at: self.at,
            user,
            database,
            application,
            client,
            pid: self.pid,
            session,
            severity: self.severity,
            sqlstate: self.sqlstate.as_deref().map(Cow::Borrowed),
            message: Cow::Borrowed(&self.message),
            detail: Cow::Borrowed(&self.detail),
            context: Cow::Borrowed(&self.context),
            query: Cow::Borrowed(&self.query),
        }
    }

    fn part(&mut self) -> Option<&mut String> {
        match self.part {
            Part::Message => Some(&mut self.message),
            Part::Detail => Some(&mut self.detail),
            Part::Context => Some(&mut self.context),
            Part::Query => Some(&mut self.query),
            Part::Nothing => None,
        }
    }
}

/// Takes a line; hands the entry on that it ends.
pub(super) fn line(
    prefix: &Prefix,
    line: &str,
    pending: &mut Option<Pending>,
    notes: &mut Notes,
    tell: &mut dyn FnMut(&Entry<'_>, &mut Notes),
) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let taken = if line.starts_with('\t') { None } else { prefix.take(line) };
    let Some((said, (label, text))) = taken.and_then(|(said, rest)| Some((said, label(rest)?))) else {
        go_on(line, pending, notes);
        return;
    };
    let part = match label {
        "DETAIL" => Part::Detail,
        "CONTEXT" => Part::Context,
        "STATEMENT" => Part::Query,
        "HINT" | "QUERY" | "LOCATION" | "BACKTRACE" => Part::Nothing,
        word => {
            if let Some(done) = pending.replace(Pending::new(said, Severity::of(word), text)) {
                tell(&done.entry(), notes);
            }
            return;
        }
    };
    match pending.as_mut().filter(|p| p.pid == said.pid) {
        Some(of) => {
            of.part = part;
            if let Some(to) = of.part() {
                to.clear();
                to.push_str(text);
            }
        }
        // Details of an entry that stands before the begin of the file.
        None => notes.torn += 1,
    }
}

/// A line without a prefix goes on with the last one. The server begins it with a tab.
fn go_on(line: &str, pending: &mut Option<Pending>, notes: &mut Notes) {
    let (text, has_tab) = line.strip_prefix('\t').map_or((line, false), |t| (t, true));
    match pending.as_mut() {
        Some(of) if has_tab => {
            if let Some(to) = of.part().filter(|t| t.len() < MOST) {
                to.push('\n');
                to.push_str(text);
            }
        }
        Some(_) | None if line.is_empty() => {}
        Some(_) | None => notes.not_understood += 1,
    }
}
