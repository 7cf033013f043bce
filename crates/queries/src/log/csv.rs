//! The csv form: 23 to 26 columns, quotes doubled, statements over many lines.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::{Entry, Notes, Severity, time};

/// Columns of which an entry has to have some to be one: the message is the fourteenth.
const MESSAGE: usize = 13;

/// Most columns that are looked at.
const COLUMNS: usize = 26;

/// Where the search for the end of a record is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Search {
    at: usize,
    quoted: bool,
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The record ends before this newline.
    Whole(usize),
    /// It was torn: another one begins after this newline.
    Torn(usize),
    /// More has to be read.
    Not,
}

impl Search {
    /// Goes on to search in a record that begins at the begin of `text`; `last` says that nothing follows.
    pub(super) fn go_on(&mut self, text: &[u8], last: bool) -> Found {
        while let Some(hit) = memchr2(b'"', b'\n', &text[self.at..]) {
            let hit = self.at + hit;
            if text[hit] == b'"' {
                (self.quoted, self.at) = (!self.quoted, hit + 1);
                continue;
            }
            if !self.quoted {
                return Found::Whole(hit);
            }
            let next = &text[hit + 1..];
            // Too little to judge by; it comes back here with more.
            if next.len() < HEAD && !last {
                self.at = hit;
                return Found::Not;
            }
            if is_head(next) {
                return Found::Torn(hit);
            }
            self.at = hit + 1;
        }
        self.at = text.len();
        Found::Not
    }

    /// How far it has looked.
    pub(super) fn looked(&self) -> usize {
        self.at
    }

    /// The bytes up to there are gone.
    pub(super) fn rebase(&mut self) {
        self.at = 0;
    }
}

/// Enough to tell the head of a record from a text within quotes, with names of 63 bytes.
const HEAD: usize = 220;

/// Whether a record begins here. Within a quoted text the quotes of another record would be doubled, so that a statement
/// which holds a log is not taken for one.
pub(super) fn is_head(line: &[u8]) -> bool {
    let Some((_, end)) = time::stamp(line) else { return false };
    let mut rest = &line[end..];
    // User and database.
    for _ in 0..2 {
        let Some((b',', after)) = rest.split_first() else { return false };
        rest = match after {
            [b'"', name @ ..] => match memchr(b'"', name) {
                Some(0) | None => return false,
                Some(close) => &name[close + 1..],
            },
            _ => after,
        };
    }
    matches!(rest, [b',', digit, ..] if digit.is_ascii_digit())
}

/// An entry of a record; None when it is none.
pub(super) fn entry<'a>(record: &'a [u8], notes: &mut Notes) -> Option<Entry<'a>> {
    let (at, length) = time::stamp(record)?;
    if record.get(length) != Some(&b',') {
        return None;
    }
    let mut fields: [&[u8]; COLUMNS] = [&[]; COLUMNS];
    let mut count = 0;
    let mut rest = Some(record);
    while let (Some(text), true) = (rest, count < COLUMNS) {
        (fields[count], rest) = field(text);
        count += 1;
    }
    if count <= MESSAGE {
        return None;
    }
    let mut text = |i: usize| unquoted(notes.text(fields[i]));
    let state = text(12);
    Some(Entry {
        at: Some(at),
        user: text(1),
        database: text(2),
        pid: std::str::from_utf8(fields[3]).ok().and_then(|p| p.parse().ok()),
        client: text(4),
        session: text(5),
        severity: Severity::of(&text(11)),
        sqlstate: (state.len() == 5).then_some(state),
        message: text(MESSAGE),
        detail: text(14),
        context: text(18),
        query: text(19),
        application: text(22),
    })
}

/// The first field as it stands, without its outer quotes, and what follows its comma.
fn field(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let [b'"', inner @ ..] = text else {
        return match memchr(b',', text) {
            Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
            None => (text, None),
        };
    };
    let mut at = 0;
    while let Some(hit) = memchr(b'"', &inner[at..]) {
        let hit = at + hit;
        match inner.get(hit + 1) {
            Some(b'"') => at = hit + 2,
            Some(b',') => return (&inner[..hit], Some(&inner[hit + 2..])),
            Some(_) | None => return (&inner[..hit], None),
        }
    }
    (inner, None)
}

/// Doubled quotes made single.
fn unquoted(text: Cow<'_, str>) -> Cow<'_, str> {
    if memmem::find(text.as_bytes(), b"\"\"").is_some() { Cow::Owned(text.replace("\"\"", "\"")) } else { text }
}
