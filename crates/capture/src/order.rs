//! Bringing statements into an order, however many they are: sorted runs in files that have no name, merged as they are read.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};

use crate::record::Captured;

/// What is kept in memory, bytes.
const MOST: usize = 64 << 20;

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// When each began.
    Started,
    /// As the log has them: when each ended.
    Logged,
}

impl Order {
    fn key(self, one: &Captured) -> (i64, u64) {
        match self {
            Order::Started => (one.at_us, one.n),
            Order::Logged => (0, one.n),
        }
    }
}

/// Takes statements in any order.
#[derive(Debug)]
pub struct Sorter {
    order: Order,
    folder: PathBuf,
    most: usize,
    kept: Vec<Captured>,
    bytes: usize,
    runs: Vec<File>,
}

impl Sorter {
    /// Files go into this folder; nobody else can open them, and they are gone with this process.
    pub fn new(order: Order, folder: &Path) -> Sorter {
        Sorter { order, folder: folder.to_owned(), most: MOST, kept: Vec::new(), bytes: 0, runs: Vec::new() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn put(&mut self, one: Captured) -> io::Result<()> {
        self.bytes += one.bytes();
        self.kept.push(one);
        if self.bytes >= self.most { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        let order = self.order;
        self.kept.sort_by_key(|c| order.key(c));
        let mut to = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for one in self.kept.drain(..) {
            serde_json::to_writer(&mut to, &one)?;
            to.write_all(b"\n")?;
        }
        let mut file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        self.bytes = 0;
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        let order = self.order;
        self.kept.sort_by_key(|c| order.key(c));
        let mut runs: Vec<Run> = self.runs.into_iter().map(|f| Run::File(BufReader::new(f))).collect();
        runs.push(Run::Kept(self.kept.into_iter()));
        let mut next = BinaryHeap::new();
        for (i, run) in runs.iter_mut().enumerate() {
            if let Some(one) = run.next()? {
                next.push(Reverse(Waiting { key: order.key(&one), run: i, one }));
            }
        }
        Ok(Sorted { order, runs, next })
    }
}

enum Run {
    File(BufReader<File>),
    Kept(std::vec::IntoIter<Captured>),
}

impl Run {
    fn next(&mut self) -> io::Result<Option<Captured>> {
        match self {
            Run::Kept(kept) => Ok(kept.next()),
            Run::File(file) => {
                let mut line = Vec::new();
                if file.read_until(b'\n', &mut line)? == 0 {
                    return Ok(None);
                }
                Ok(Some(serde_json::from_slice(&line)?))
            }
        }
    }
}

struct Waiting {
    key: (i64, u64),
    run: usize,
    one: Captured,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        (self.key, self.run) == (other.key, other.run)
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        (self.key, self.run).cmp(&(other.key, other.run))
    }
}

/// Statements in order.
pub struct Sorted {
    order: Order,
    runs: Vec<Run>,
    next: BinaryHeap<Reverse<Waiting>>,
}

impl Iterator for Sorted {
    type Item = io::Result<Captured>;

    fn next(&mut self) -> Option<io::Result<Captured>> {
        let Reverse(Waiting { run, one, .. }) = self.next.pop()?;
        match self.runs[run].next() {
            Ok(Some(more)) => self.next.push(Reverse(Waiting { key: self.order.key(&more), run, one: more })),
            Ok(None) => {}
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_runs_there_are_the_order_is_one() {
        let folder = tempfile::tempdir().unwrap();
        for most in [1, 2_000, MOST] {
            let mut sorter = Sorter { most, ..Sorter::new(Order::Started, folder.path()) };
            for n in 0..500_u64 {
                let at_us = ((n * 7919) % 500) as i64 / 2;
                let one = Captured {
                    at_us,
                    n,
                    session: "s".to_owned(),
                    user: String::new(),
                    database: String::new(),
                    application: String::new(),
                    text: "x\n".to_owned(),
                    parameters: None,
                    duration_us: None,
                    sqlstate: None,
                    answer: None,
                };
                sorter.put(one).unwrap();
            }
            let all: Vec<(i64, u64)> = sorter.sorted().unwrap().map(|c| c.map(|c| (c.at_us, c.n)).unwrap()).collect();
            assert!(all.len() == 500 && all.windows(2).all(|w| w[0] < w[1]), "runs of {most} bytes");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing of it has a name");
    }
}
