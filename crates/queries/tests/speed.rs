//! How fast a log is read: `make bench-log`.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{io::Read, time::Instant};

use switchyard_queries::{
    errors::Errors,
    log::{Format, LogReader, Prefix},
};

/// A log of the sample's entries, over and over, made as it is read.
struct Repeated<'a> {
    log: &'a [u8],
    at: usize,
    left: u64,
}

impl Read for Repeated<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let part = &self.log[self.at..];
        let length = part.len().min(to.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        to[..length].copy_from_slice(&part[..length]);
        self.at = (self.at + length) % self.log.len();
        self.left -= length as u64;
        Ok(length)
    }
}

#[test]
#[ignore = "prints figures; run it with `make bench-log`"]
fn figures() {
    let prefix = Prefix::new("%m [%p] %q%u@%d/%a %e ").unwrap();
    let forms: [(&str, Format, &[u8]); 3] = [
        ("csv", Format::Csv, include_bytes!("samples/pg18.csv")),
        ("json", Format::Json, include_bytes!("samples/pg18.json")),
        ("stderr", Format::Stderr(prefix), include_bytes!("samples/pg18.stderr")),
    ];
    for (name, format, log) in forms {
        for (what, judged) in [("entries", false), ("entries and errors by shape", true)] {
            let bytes = 1_u64 << 30;
            let mut source = Repeated { log, at: 0, left: bytes };
            let (mut reader, mut errors, mut slow) = (LogReader::new(format.clone()), Errors::default(), 0_u64);
            let began = Instant::now();
            reader
                .read(&mut source, &mut |e| {
                    slow += u64::from(e.duration_ms().is_some_and(|ms| ms > 1.0));
                    if judged {
                        errors.take(e);
                    }
                })
                .unwrap();
            let seconds = began.elapsed().as_secs_f64();
            let notes = reader.notes();
            assert_eq!(notes.torn, u64::from(notes.torn > 0), "the log is whole but for its end");
            println!(
                "| {name}, {what} | {:.0} MB/s | {} entries, {} errors, {slow} over 1 ms, {seconds:.2} s |",
                bytes as f64 / 1e6 / seconds,
                notes.entries,
                errors.total()
            );
        }
    }
}
