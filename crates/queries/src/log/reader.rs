//! Bytes into entries, piece by piece.

use std::io::Read;

use memchr::memchr;

use super::{
    Entry, Format, Notes, csv, json,
    stderr::{self, Pending},
};

/// What is kept of one entry, bytes.
pub(super) const MOST: usize = 4 << 20;

/// What is read at once, bytes.
const PIECE: usize = 256 << 10;

/// What is kept of an entry that is longer than [`MOST`], bytes.
const HEAD: usize = 64 << 10;

/// Reads a log as it comes: call [`LogReader::read`] for each piece of it, and [`LogReader::finish`] at its end.
#[derive(Debug)]
pub struct LogReader {
    format: Format,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold something; the first is the begin of a record.
    filled: usize,
    search: csv::Search,
    /// The begin of a record that was too long to be kept.
    head: Option<Vec<u8>>,
    pending: Option<Pending>,
    notes: Notes,
}

impl LogReader {
    /// At the begin of a log.
    pub fn new(format: Format) -> LogReader {
        LogReader {
            format,
            buffer: vec![0; PIECE],
            filled: 0,
            search: csv::Search::default(),
            head: None,
            pending: None,
            notes: Notes::default(),
        }
    }

    /// What there is to say of it so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Reads up to the end of `source` and tells each entry that is whole; a torn tail is kept for the next piece.
    ///
    /// # Errors
    /// When `source` cannot be read; it can be gone on with another one.
    pub fn read(&mut self, source: &mut dyn Read, tell: &mut dyn FnMut(&Entry<'_>)) -> std::io::Result<()> {
        loop {
            if self.filled == self.buffer.len() {
                self.make_room();
            }
            let got = match source.read(&mut self.buffer[self.filled..]) {
                Ok(got) => got,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if got == 0 {
                return Ok(());
            }
            self.filled += got;
            self.notes.bytes += got as u64;
            self.take_all(false, tell);
        }
    }

    /// The log is over: what is left is an entry, or the torn begin of one. Another log can follow.
    pub fn finish(&mut self, tell: &mut dyn FnMut(&Entry<'_>)) {
        self.take_all(true, tell);
        if self.filled > 0 {
            let rest = std::mem::take(&mut self.filled);
            self.record(rest, false, tell);
        }
        if let Some(done) = self.pending.take() {
            told(&done.entry(), &mut self.notes, tell);
        }
        (self.search, self.head) = (csv::Search::default(), None);
    }

    /// The buffer is full and holds no end of a record.
    fn make_room(&mut self) {
        if self.buffer.len() < MOST {
            self.buffer.resize((self.buffer.len() * 2).min(MOST), 0);
            return;
        }
        if self.head.is_none() {
            self.notes.too_long += 1;
            self.head = Some(self.buffer[..HEAD].to_vec());
        }
        let looked = match self.format {
            Format::Csv => self.search.looked().max(1),
            Format::Json | Format::Stderr(_) => self.filled,
        };
        self.buffer.copy_within(looked..self.filled, 0);
        self.filled -= looked;
        self.search.rebase();
    }

    /// Every record that is whole.
    fn take_all(&mut self, last: bool, tell: &mut dyn FnMut(&Entry<'_>)) {
        let mut from = 0;
        loop {
            let text = &self.buffer[from..self.filled];
            let (end, is_torn) = match &self.format {
                Format::Csv => match self.search.go_on(text, last) {
                    csv::Found::Whole(end) => (end, false),
                    csv::Found::Torn(end) => (end, true),
                    csv::Found::Not => break,
                },
                Format::Json | Format::Stderr(_) => match memchr(b'\n', text) {
                    Some(end) => (end, false),
                    None => break,
                },
            };
            self.search = csv::Search::default();
            self.record_at(from, from + end, is_torn, tell);
            from += end + 1;
        }
        self.buffer.copy_within(from..self.filled, 0);
        self.filled -= from;
    }

    fn record(&mut self, end: usize, is_torn: bool, tell: &mut dyn FnMut(&Entry<'_>)) {
        self.record_at(0, end, is_torn, tell);
    }

    /// One record that lies here.
    fn record_at(&mut self, from: usize, end: usize, is_torn: bool, tell: &mut dyn FnMut(&Entry<'_>)) {
        let head = self.head.take();
        let record = head.as_deref().unwrap_or(&self.buffer[from..end]);
        let notes = &mut self.notes;
        if record.is_empty() {
            return;
        }
        let entry = match &self.format {
            Format::Stderr(prefix) => {
                let text = notes.text(record);
                let mut tell = |entry: &Entry<'_>, notes: &mut Notes| told(entry, notes, tell);
                return stderr::line(prefix, &text, &mut self.pending, notes, &mut tell);
            }
            Format::Csv => csv::entry(record.strip_suffix(b"\r").unwrap_or(record), notes),
            Format::Json => {
                let text = notes.text(record);
                if let Some(entry) = json::entry(&text) {
                    return told(&entry, notes, tell);
                }
                None
            }
        };
        match entry {
            Some(entry) => {
                notes.torn += u64::from(is_torn);
                told(&entry, notes, tell);
            }
            None if head.is_some() => {}
            None => notes.torn += 1,
        }
    }
}

fn told(entry: &Entry<'_>, notes: &mut Notes, tell: &mut dyn FnMut(&Entry<'_>)) {
    notes.entries += 1;
    notes.unknown_zone += u64::from(entry.at.is_some_and(|at| !at.zone_known));
    tell(entry);
}
