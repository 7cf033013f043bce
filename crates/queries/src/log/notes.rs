//! What a reader has to say of a log besides its entries.

use std::borrow::Cow;

/// Counts of what was read and of what could not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes {
    /// Entries that were handed on.
    pub entries: u64,
    /// Bytes that were read, after decompression.
    pub bytes: u64,
    /// Entries of which a part is missing: the begin of a file that was cut, a server that crashed while it wrote.
    pub torn: u64,
    /// Lines that are of no known form.
    pub not_understood: u64,
    /// Entries longer than what is kept of one; their end was left out.
    pub too_long: u64,
    /// Entries with bytes that are no UTF-8.
    pub wrong_encoding: u64,
    /// Entries whose time zone is not known by its name.
    pub unknown_zone: u64,
}

impl Notes {
    /// A text, with what is no UTF-8 replaced and counted.
    pub(super) fn text<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(_) = text {
            self.wrong_encoding += 1;
        }
        text
    }

    /// A sentence for each thing that a reader of the figures must know.
    pub fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                out.push(format!("{count} {what}"));
            }
        };
        say(
            self.torn,
            "entries of the log are torn: a part of them is missing, as where a file was cut or the server crashed.",
        );
        say(
            self.not_understood,
            "lines of the log are of no known form: check that log_line_prefix is the one with which they were written, and that \
             lc_messages is C or English.",
        );
        say(self.too_long, "entries of the log are longer than 4 MB; only their begin was read.");
        say(self.wrong_encoding, "texts of the log are not UTF-8; what could not be read was replaced.");
        say(self.unknown_zone, "entries of the log have a time zone whose name is not known; they are taken for UTC.");
        out
    }
}
