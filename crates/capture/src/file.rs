//! The file of a capture: JSON lines, compressed. A head, and a statement per line. Its end may be torn.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use crate::record::{Captured, FORM, Head, VERSION};

/// A line longer than this is none of ours, bytes.
const MOST: u64 = 32 << 20;
/// So many lines that cannot be read are told one by one.
const TOLD: u64 = 10;

/// Writes a capture.
pub struct Writer<W: Write> {
    to: BufWriter<GzEncoder<W>>,
}

impl<W: Write> Writer<W> {
    /// Begins one with its head.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(to: W, head: &Head) -> io::Result<Writer<W>> {
        let mut writer = Writer { to: BufWriter::new(GzEncoder::new(to, Compression::fast())) };
        writer.line(head)?;
        Ok(writer)
    }

    /// Adds a statement.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, one: &Captured) -> io::Result<()> {
        self.line(one)
    }

    /// Hands everything on, so that it can be read also when nothing follows.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> io::Result<W> {
        self.to.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
    }

    fn line<T: serde::Serialize>(&mut self, value: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, value)?;
        self.to.write_all(b"\n")
    }
}

/// Reads a capture, in constant memory.
pub struct Reader {
    from: BufReader<Box<dyn Read + Send>>,
    head: Head,
    line: u64,
    is_over: bool,
    bad: u64,
    notes: Vec<String>,
}

impl Reader {
    /// Begins to read one; compressed or not.
    ///
    /// # Errors
    /// A sentence when it is no capture, or cannot be read.
    pub fn open(mut source: impl Read + Send + 'static) -> Result<Reader, String> {
        let unread = |e: &io::Error| format!("The capture cannot be read: {e}.");
        let mut begin = Vec::with_capacity(2);
        source.by_ref().take(2).read_to_end(&mut begin).map_err(|e| unread(&e))?;
        let is_gzip = begin == [0x1f, 0x8b];
        let whole = io::Cursor::new(begin).chain(source);
        let plain: Box<dyn Read + Send> = if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let mut from = BufReader::with_capacity(256 << 10, plain);
        let mut line = Vec::new();
        // What is torn before its first line has ended is no capture.
        let _ = from.by_ref().take(MOST).read_until(b'\n', &mut line);
        let head: Head = serde_json::from_slice(&line)
            .ok()
            .filter(|h: &Head| h.form == FORM)
            .ok_or("The file is no capture: its first line is not a capture's head.")?;
        if !(1..=VERSION).contains(&head.version) {
            return Err(format!(
                "The capture has version {}, and this program reads versions up to {VERSION}: take the program that made it.",
                head.version
            ));
        }
        Ok(Reader { from, head, line: 1, is_over: false, bad: 0, notes: Vec::new() })
    }

    /// What its first line says.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What could not be read so far, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut all = self.notes.clone();
        if self.bad > TOLD {
            all.push(format!("{} more lines of the capture cannot be read.", self.bad - TOLD));
        }
        all
    }

    fn bad(&mut self, why: impl FnOnce(u64) -> String) {
        self.bad += 1;
        if self.bad <= TOLD {
            self.notes.push(why(self.line));
        }
    }

    fn torn(&mut self) {
        self.is_over = true;
        let line = self.line;
        self.notes.push(format!("The capture is torn in line {line}: what stands before is used."));
    }
}

impl Iterator for Reader {
    type Item = Captured;

    fn next(&mut self) -> Option<Captured> {
        while !self.is_over {
            let mut line = Vec::new();
            self.line += 1;
            let read = self.from.by_ref().take(MOST).read_until(b'\n', &mut line);
            match read {
                Ok(0) => {
                    self.is_over = true;
                    return None;
                }
                Ok(_) if line.last() == Some(&b'\n') => match serde_json::from_slice(&line) {
                    Ok(one) => return Some(one),
                    Err(e) => self.bad(|n| format!("Line {n} of the capture cannot be read: {e}.")),
                },
                Ok(_) | Err(_) => self.torn(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn one(n: u64) -> Captured {
        Captured {
            at_us: n as i64 * 1000,
            n,
            session: format!("s{}", n % 3),
            user: "app".to_owned(),
            database: String::new(),
            application: String::new(),
            text: format!("SELECT '{n}\n' -- \"q\""),
            parameters: Some(vec![Some("a\nb".to_owned()), None]),
            duration_us: Some(5),
            sqlstate: None,
            answer: None,
        }
    }

    fn written(count: u64) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &Head::of("a")).unwrap();
        for n in 0..count {
            writer.put(&one(n)).unwrap();
        }
        writer.end().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut reader = Reader::open(io::Cursor::new(written(100))).unwrap();
        assert_eq!(reader.head().source, "a");
        let all: Vec<Captured> = reader.by_ref().collect();
        assert_eq!(all, (0..100).map(one).collect::<Vec<_>>());
        assert!(reader.notes().is_empty(), "{:?}", reader.notes());
    }

    #[test]
    fn of_a_torn_file_the_rest_is_used() {
        let mut writer = Writer::begin(Vec::new(), &Head::of("a")).unwrap();
        for n in 0..10 {
            writer.put(&one(n)).unwrap();
        }
        writer.flush().unwrap();
        // Whoever wrote it was killed here: no end was ever written.
        let half = writer.to.get_ref().get_ref().clone();
        let mut reader = Reader::open(io::Cursor::new(half)).unwrap();
        assert_eq!(reader.by_ref().count(), 10, "all that was handed on");
        assert!(reader.notes()[0].contains("torn in line 12"), "{:?}", reader.notes());
    }

    #[test]
    fn a_bad_line_is_told_and_the_others_count() {
        let head = serde_json::to_string(&Head::of("a")).unwrap();
        let good = serde_json::to_string(&one(1)).unwrap();
        let text = format!("{head}\n{good}\nnonsense\n{{}}\n{good}\n");
        let mut reader = Reader::open(io::Cursor::new(text.into_bytes())).unwrap();
        assert_eq!(reader.by_ref().count(), 2, "a plain file is read as well");
        let notes = reader.notes();
        assert!(notes.len() == 2 && notes[0].contains("Line 3") && notes[1].contains("Line 4"), "{notes:?}");
    }

    #[test]
    fn what_is_no_capture_is_refused_in_a_sentence() {
        for bytes in [&b""[..], b"x", b"{}\n", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage"] {
            let Err(why) = Reader::open(io::Cursor::new(bytes.to_vec())) else { panic!("{bytes:?} was taken") };
            assert!(why.contains("no capture"), "{why}");
        }
        let mut head = Head::of("a");
        head.version = 9;
        let text = serde_json::to_string(&head).unwrap() + "\n";
        let Err(why) = Reader::open(io::Cursor::new(text.into_bytes())) else { panic!("another version") };
        assert!(why.contains("version 9"), "{why}");
    }

    #[test]
    fn answers_make_the_second_version_and_the_first_is_read() {
        use crate::{digest::Seed, record::Answers};
        // As the first version wrote it.
        let first = r#"{"form":"switchyard capture","version":1,"source":"a","from_us":1,"to_us":2,"ordered":true,"statements":1,"notes":[]}
{"at_us":1,"n":1,"session":"s","text":"SELECT 1","parameters":[],"duration_us":1}
"#;
        let mut reader = Reader::open(io::Cursor::new(first.as_bytes())).unwrap();
        assert_eq!((reader.head().answers, reader.by_ref().count(), reader.notes().len()), (None, 1, 0));
        assert_eq!(Head::of("a").version, 1, "a capture without answers is for earlier programs as well");
        let head = Head::of("a").with(Some(Answers { seed: Seed::drawn(), major: 15 }));
        let mut writer = Writer::begin(Vec::new(), &head).unwrap();
        let recorded = crate::recorded::Recorded {
            answered: crate::recorded::Answered::default(),
            tables: vec!["t".to_owned()],
            any_table: false,
            settings: vec![("DateStyle".to_owned(), "ISO".to_owned())],
            clock: (1, 2),
        };
        let answer = Captured { answer: Some(Box::new(recorded)), ..one(1) };
        writer.put(&answer).unwrap();
        let mut reader = Reader::open(io::Cursor::new(writer.end().unwrap())).unwrap();
        assert_eq!((reader.head().version, reader.head().clone()), (2, head));
        assert_eq!(reader.next(), Some(answer));
    }

    #[test]
    fn no_byte_that_is_wrong_breaks_it() {
        let whole = written(50);
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            if let Ok(reader) = Reader::open(io::Cursor::new(bytes)) {
                assert!(reader.count() <= 50, "flipped at {at}");
            }
        }
    }
}
