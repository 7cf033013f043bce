//! A log that grows, file after file: which bytes come next, and what they say.
//!
//! Each byte is read once. A file that has become shorter was begun anew under its name, and so was one that had gone and is there again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Entry, Format, LogReader, Prefix};

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its name.
    pub file: String,
    /// Where they begin.
    pub from: u64,
    /// How many.
    pub bytes: u64,
}

/// How far a log was read that grows.
#[derive(Debug)]
pub struct Following {
    prefix: Prefix,
    files: BTreeMap<String, Known>,
    /// What the newest look showed and was not read yet.
    todo: VecDeque<Span>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Bytes that were read or left out.
    read: u64,
    /// Whether the look before showed it.
    shown: bool,
}

/// A reader, and the place at which it goes on.
#[derive(Debug)]
struct Open {
    file: String,
    at: u64,
    reader: LogReader,
}

impl Following {
    /// From the begin of all that will be seen; `prefix` is the server's `log_line_prefix`.
    pub fn new(prefix: Prefix) -> Following {
        Following { prefix, files: BTreeMap::new(), todo: VecDeque::new(), open: None }
    }

    /// What stands there already is not read.
    pub fn pass_over(&mut self, files: impl IntoIterator<Item = (String, u64)>) {
        self.files.extend(files.into_iter().map(|(file, read)| (file, Known { read, shown: false })));
    }

    /// Takes note of how large each file is now, those that were written to last at the end. Where more than `most` bytes are new, only
    /// the newest are read. Answers how many are left out.
    pub fn sees(&mut self, now: Vec<(String, u64)>, most: u64) -> u64 {
        self.todo.clear();
        let there: BTreeSet<&str> = now.iter().map(|(file, _)| file.as_str()).collect();
        self.files.retain(|file, known| !known.shown || there.contains(file.as_str()));
        for (file, size) in now {
            let known = self.files.entry(file.clone()).or_default();
            known.shown = true;
            if size < known.read {
                known.read = 0;
            }
            if known.read < size {
                self.todo.push_back(Span { file, from: known.read, bytes: size - known.read });
            }
        }
        let too_much = self.todo.iter().map(|s| s.bytes).sum::<u64>().saturating_sub(most);
        self.leave_out(too_much);
        too_much
    }

    /// The oldest of what is to be read.
    fn leave_out(&mut self, mut bytes: u64) {
        while bytes > 0
            && let Some(first) = self.todo.front_mut()
        {
            let over = first.bytes.min(bytes);
            (first.from, first.bytes, bytes) = (first.from + over, first.bytes - over, bytes - over);
            self.files.entry(first.file.clone()).or_default().read = first.from;
            if first.bytes == 0 {
                self.todo.pop_front();
            }
        }
    }

    /// Whether another file follows the one that was read last, which is whole then.
    pub fn goes_over(&self) -> bool {
        let last = self.open.as_ref().map(|open| &open.file);
        last.is_some_and(|last| self.todo.iter().any(|span| span.file != *last))
    }

    /// The next bytes to be read, at most so many; None where all that was seen was read.
    pub fn next(&self, most: u64) -> Option<Span> {
        self.todo.front().map(|span| Span { bytes: span.bytes.min(most), ..span.clone() })
    }

    /// These are they, or less where there are no more of them; tells each entry that is whole.
    pub fn read(&mut self, span: &Span, bytes: &[u8], tell: &mut dyn FnMut(&Entry<'_>)) {
        let Some(left) = self.todo.front_mut().filter(|first| first.file == span.file && first.from == span.from)
        else {
            return;
        };
        let got = bytes.len() as u64;
        (left.from, left.bytes) = (left.from + got, left.bytes.saturating_sub(got));
        if got == 0 || left.bytes == 0 {
            // The file was cut where nothing came: the next look will show what there is.
            self.todo.pop_front();
        }
        if got == 0 {
            return;
        }
        let at = span.from + got;
        self.files.entry(span.file.clone()).or_default().read = at;
        if self.open.as_ref().is_some_and(|open| open.file != span.file || open.at != span.from) {
            // What comes does not go on where that one ended.
            self.finish(tell);
        }
        let prefix = &self.prefix;
        let open = self.open.get_or_insert_with(|| Open {
            file: span.file.clone(),
            at: span.from,
            reader: LogReader::new(Format::of_file(&span.file, prefix)),
        });
        open.at = at;
        // Memory does not fail.
        let _ = open.reader.read(&mut &*bytes, tell);
    }

    /// Nothing more comes: what is left is an entry, or the torn begin of one.
    pub fn finish(&mut self, tell: &mut dyn FnMut(&Entry<'_>)) {
        if let Some(mut open) = self.open.take() {
            open.reader.finish(tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a server, by name.
    type Files = Vec<(&'static str, String)>;

    struct Log {
        following: Following,
        files: Files,
        told: Vec<String>,
    }

    fn line(message: &str) -> String {
        format!("2026-11-28 21:10:28.000 UTC [77] LOG:  {message}\n")
    }

    fn csv(message: &str) -> String {
        format!(
            "2026-11-28 21:10:28.000 UTC,\"app\",\"shop\",77,\"[local]\",6a0.1,1,\"SELECT\",2026-11-28 21:10:28 UTC,1/1,0,LOG,00000,\
             \"{message}\",,,,,,,,,\"web\",\"client backend\",,0\n"
        )
    }

    impl Log {
        fn new(files: Files) -> Log {
            let following = Following::new(Prefix::new("%m [%p] ").unwrap());
            Log { following, files, told: Vec::new() }
        }

        fn file(&mut self, name: &'static str) -> &mut String {
            if !self.files.iter().any(|(n, _)| *n == name) {
                self.files.push((name, String::new()));
            }
            &mut self.files.iter_mut().find(|(n, _)| *n == name).unwrap().1
        }

        fn sizes(&self) -> Vec<(String, u64)> {
            self.files.iter().map(|(name, text)| ((*name).to_owned(), text.len() as u64)).collect()
        }

        /// Reads what a look shows, in pieces; `meanwhile` comes between two of them.
        fn look(&mut self, most: u64, piece: u64, meanwhile: fn(&mut Log)) -> u64 {
            let left_out = self.following.sees(self.sizes(), most);
            while let Some(span) = self.following.next(piece) {
                let text = self.file_now(&span.file);
                let (from, to) = (span.from as usize, (span.from + span.bytes) as usize);
                let bytes = text.get(from.min(text.len())..to.min(text.len())).unwrap().to_owned();
                let told = &mut self.told;
                self.following.read(&span, bytes.as_bytes(), &mut |e| told.push(e.message.clone().into_owned()));
                meanwhile(self);
            }
            left_out
        }

        fn file_now(&self, name: &str) -> String {
            self.files.iter().find(|(n, _)| *n == name).unwrap().1.clone()
        }

        fn told(&mut self) -> Vec<String> {
            std::mem::take(&mut self.told)
        }

        fn end(mut self) -> Vec<String> {
            let Log { following, told, .. } = &mut self;
            following.finish(&mut |e| told.push(e.message.clone().into_owned()));
            self.told
        }
    }

    const ALL: u64 = u64::MAX;

    fn nothing(_: &mut Log) {}

    #[test]
    fn each_entry_is_told_once_however_it_comes() {
        let first = |more: &str| vec![("a.log", line("one") + more)];
        /// What is there, what happens between two looks, and what is told in all.
        type Case = (&'static str, Files, fn(&mut Log), &'static [&'static str]);
        let cases: [Case; 8] = [
            ("nothing new", first(""), nothing, &["one"]),
            ("it grows", first(""), |l| l.file("a.log").push_str(&line("two")), &["one", "two"]),
            (
                "it grows, and the look before saw half of a line",
                first("2026-11-28 21:"),
                |l| {
                    l.file("a.log").push_str("10:28.000 UTC [77] LOG:  two\n");
                },
                &["one", "two"],
            ),
            ("another file follows", first(""), |l| l.file("b.log").push_str(&line("two")), &["one", "two"]),
            (
                "the file before has got its last bytes",
                first(""),
                |l| {
                    l.file("a.log").push_str(&line("two"));
                    l.file("b.log").push_str(&line("three"));
                },
                &["one", "two", "three"],
            ),
            (
                "begun anew under its name",
                first(&line("two")),
                |l| *l.file("a.log") = line("new"),
                &["one", "two", "new"],
            ),
            (
                "emptied, and written to later",
                first(""),
                |l| {
                    l.file("a.log").clear();
                    l.look(ALL, ALL, nothing);
                    l.file("a.log").push_str(&(line("new") + &line("newer")));
                },
                &["one", "new", "newer"],
            ),
            (
                "another form in a file of its own",
                first(""),
                |l| l.file("a.csv").push_str(&csv("two")),
                &["one", "two"],
            ),
        ];
        for (what, files, then, told) in cases {
            for piece in [ALL, 7] {
                let mut log = Log::new(files.clone());
                log.look(ALL, piece, nothing);
                then(&mut log);
                log.look(ALL, piece, nothing);
                log.look(ALL, piece, nothing);
                assert_eq!(log.end(), told, "{what}, in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_stands_there_is_passed_over_and_later_files_are_not() {
        let mut log = Log::new(vec![("a.log", line("old"))]);
        log.following.pass_over(log.sizes());
        assert_eq!(log.look(ALL, ALL, nothing), 0);
        log.file("a.log").push_str(&line("one"));
        log.file("b.log").push_str(&line("two"));
        log.look(ALL, ALL, nothing);
        assert_eq!(log.end(), ["one", "two"]);
    }

    #[test]
    fn a_file_that_grows_or_is_cut_while_it_is_read() {
        let mut log = Log::new(vec![("a.csv", csv("one"))]);
        log.look(ALL, 50, |l| {
            if l.file("a.csv").len() < 400 {
                l.file("a.csv").push_str(&csv("two"));
            }
        });
        assert_eq!(log.told(), ["one"], "as far as it was when it was looked at");
        log.look(ALL, 50, nothing);
        let told = log.told();
        assert!(!told.is_empty() && told.iter().all(|m| m == "two"), "and then the rest: {told:?}");

        log.file("a.csv").push_str(&csv("lost"));
        log.look(ALL, 50, |l| l.file("a.csv").clear());
        log.file("a.csv").push_str(&csv("new"));
        log.look(ALL, ALL, nothing);
        assert_eq!(log.end(), ["new"], "it ends where it was cut, and begins anew");
    }

    #[test]
    fn of_too_much_the_newest_is_read() {
        let files = vec![("a.csv", csv("one") + &csv("two")), ("b.csv", csv("three")), ("c.csv", csv("four"))];
        let (older, newer) = ((csv("one") + &csv("two")).len() as u64, (csv("three") + &csv("four")).len() as u64);
        let mut log = Log::new(files);
        assert_eq!(log.look(newer + 9, ALL, nothing), older - 9, "what is left out is counted");
        assert_eq!(log.told(), ["three", "four"], "the oldest goes first, and what it tore is no entry");
        assert_eq!(log.look(ALL, ALL, nothing), 0, "what was left out does not come back");
        assert_eq!(log.end(), [""; 0]);
    }

    #[test]
    fn a_name_that_had_gone_is_a_new_file() {
        let mut log = Log::new(vec![("a.log", line("one"))]);
        log.look(ALL, ALL, nothing);
        log.files.clear();
        log.look(ALL, ALL, nothing);
        log.file("a.log").push_str(&(line("two") + &line("three")));
        log.look(ALL, ALL, nothing);
        assert_eq!(log.end(), ["one", "two", "three"], "although it is longer than the one before");
    }
}
