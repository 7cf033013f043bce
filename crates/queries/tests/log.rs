//! Logs as PostgreSQL 15 and 18 wrote them, and what becomes of them when they are torn.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::io::{Read, Write};

use proptest::prelude::*;
use switchyard_queries::log::{Entry, Format, LogReader, Notes, Prefix, Severity, plain};

const CSV: [&[u8]; 2] = [include_bytes!("samples/pg15.csv"), include_bytes!("samples/pg18.csv")];
const JSON: [&[u8]; 2] = [include_bytes!("samples/pg15.json"), include_bytes!("samples/pg18.json")];
const STDERR: [&[u8]; 2] = [include_bytes!("samples/pg15.stderr"), include_bytes!("samples/pg18.stderr")];
const PREFIX: &str = "%m [%p] %q%u@%d/%a %e ";

/// What a test looks at.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    at: Option<i64>,
    pid: Option<i32>,
    user: String,
    application: String,
    is_error: bool,
    state: Option<String>,
    message: String,
    statement: Option<String>,
    ms: Option<f64>,
}

impl Told {
    fn of(e: &Entry<'_>) -> Told {
        Told {
            at: e.at.map(|a| a.unix_ms),
            pid: e.pid,
            user: e.user.to_string(),
            application: e.application.to_string(),
            is_error: e.is_error(),
            state: e.sqlstate.as_deref().map(str::to_owned),
            message: e.message.to_string(),
            statement: e.statement().map(str::to_owned),
            ms: e.duration_ms(),
        }
    }
}

fn stderr() -> Format {
    Format::Stderr(Prefix::new(PREFIX).unwrap())
}

/// Reads pieces one after the other.
fn read(format: Format, pieces: &[&[u8]]) -> (Vec<Told>, Notes) {
    let (mut reader, mut all) = (LogReader::new(format), Vec::new());
    for piece in pieces {
        let mut piece = *piece;
        reader.read(&mut piece, &mut |e| all.push(Told::of(e))).unwrap();
    }
    reader.finish(&mut |e| all.push(Told::of(e)));
    (all, *reader.notes())
}

#[test]
fn the_three_forms_of_one_log_say_the_same() {
    for i in 0..2 {
        let (csv, notes) = read(Format::Csv, &[CSV[i]]);
        assert_eq!((notes.torn, notes.not_understood, notes.sentences()), (0, 0, vec![]), "{notes:?}");
        assert!(csv.len() > 25, "everything is read: {}", csv.len());
        let (json, _) = read(Format::Json, &[JSON[i]]);
        assert_eq!(csv.len(), json.len());
        for (a, b) in csv.iter().zip(&json) {
            assert_eq!(a, b, "csv and json");
        }
        let (lines, notes) = read(stderr(), &[STDERR[i]]);
        // Two lines come before the collector runs or are its own; sessions' entries are the same.
        let sessions = |all: &[Told]| -> Vec<Told> { all.iter().filter(|t| !t.user.is_empty()).cloned().collect() };
        assert_eq!(notes.not_understood, 0, "{notes:?}");
        for (a, b) in sessions(&csv).iter().zip(&sessions(&lines)) {
            let b = Told { message: b.message.split(" at character").next().unwrap().to_owned(), ..b.clone() };
            assert_eq!(*a, b, "csv and plain lines");
        }
        assert_eq!(sessions(&csv).len(), sessions(&lines).len());
    }
}

#[test]
fn an_error_has_everything_that_is_asked_of_it() {
    let (all, _) = read(Format::Csv, &[CSV[1]]);
    let twice = all.iter().find(|t| t.state.as_deref() == Some("23505")).unwrap();
    assert_eq!(twice.statement.as_deref(), Some("insert into orders values (1, 2,\n  'x \"y\"', 'two\nlines');"));
    assert_eq!((twice.user.as_str(), twice.application.as_str(), twice.is_error), ("postgres", "shop", true));
    assert!(all.iter().any(|t| t.application == "my app: x"), "a name with a space and a colon");
    assert_eq!(
        all.iter().filter(|t| t.is_error).count(),
        7,
        "five statements, one of them in two encodings, and a syntax error"
    );
    let slow = all.iter().find(|t| t.statement.as_deref() == Some("select * from orders where id=1;")).unwrap();
    assert_eq!((slow.ms, slow.is_error), (Some(0.376), false));
}

#[test]
fn other_prefixes_are_taken_apart() {
    for (prefix, line, pid, application) in [
        (
            "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
            "2026-11-28 21:10:28 UTC [42]: [3-1] user=u,db=d,app=a b,client=[local] ",
            42,
            "a b",
        ),
        ("%n %c %-8p %a|", "1795900228.044 6b0b4343.2b7f 42       psql|", 42, "psql"),
        (
            "%m %r %p %x %v %b %a: ",
            "2026-11-28 21:10:28.044 UTC 10.0.0.1(5432) 42 0 3/4 client backend a: b: ",
            42,
            "a: b",
        ),
        ("<%p>", "<42>", 42, ""),
    ] {
        let text = format!(
            "{line}ERROR:  relation \"x\" does not exist\n\tat line 2\n{line}STATEMENT:  select\n\t1 from x\n{line}LOG:  z\n"
        );
        let (all, notes) = read(Format::Stderr(Prefix::new(prefix).unwrap()), &[text.as_bytes()]);
        assert_eq!((all.len(), notes.not_understood), (2, 0), "{prefix}: {all:?}");
        assert_eq!((all[0].pid, all[0].application.as_str()), (Some(pid), application), "{prefix}");
        assert_eq!(all[0].statement.as_deref(), Some("select\n1 from x"), "{prefix}");
        assert_eq!(all[0].message, "relation \"x\" does not exist\nat line 2");
        assert!(all[0].is_error, "by its word, where there is no state");
    }
    let (all, notes) = read(Format::Stderr(Prefix::new("%t ").unwrap()), &[b"something else\nERROR:  x\n"]);
    assert!(all.is_empty() && notes.sentences()[0].contains("log_line_prefix"), "{notes:?}");
    assert!(Prefix::new("%m %K").unwrap_err().contains("%K"));
}

#[test]
fn the_form_is_seen_from_the_begin() {
    let prefix = Prefix::new(PREFIX).unwrap();
    assert_eq!(Format::detect(CSV[0], &prefix), Format::Csv);
    assert_eq!(Format::detect(&CSV[0][37..], &prefix), Format::Csv, "also of a file that begins in the middle");
    assert_eq!(Format::detect(JSON[0], &prefix), Format::Json);
    assert_eq!(Format::detect(STDERR[0], &prefix), stderr());
}

#[test]
fn compressed_logs_and_sets_of_them_are_read() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(CSV[0]).unwrap();
    let packed = gz.finish().unwrap();
    let mut unpacked = Vec::new();
    plain(packed.as_slice()).unwrap().read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, CSV[0]);
    let mut as_is = Vec::new();
    plain(&b"x"[..]).unwrap().read_to_end(&mut as_is).unwrap();
    assert_eq!(as_is, b"x", "a file of one byte is no gzip");
}

#[test]
fn a_server_that_crashed_while_it_wrote_costs_one_entry() {
    let whole = CSV[1];
    let (all, _) = read(Format::Csv, &[whole]);
    let at = whole.windows(4).position(|w| w == b"two\n").unwrap() + 2;
    let mut torn = whole[..at].to_vec();
    torn.push(b'\n');
    torn.extend_from_slice(whole);
    let (again, notes) = read(Format::Csv, &[&torn]);
    let index = all.iter().position(|t| t.state.as_deref() == Some("23505")).unwrap();
    assert_eq!(again.len(), index + 1 + all.len(), "what follows the torn one is read: {notes:?}");
    assert_eq!((notes.torn, again[index].state.as_deref()), (1, Some("23505")), "and it is told as far as it goes");
    assert_eq!(again[index + 1..], all);
}

#[test]
fn a_statement_that_holds_a_log_is_one_entry() {
    // Lines of the server's own processes have no quotes to tell by.
    let sessions = String::from_utf8_lossy(CSV[1]).into_owned();
    let inner: Vec<&str> = sessions.lines().filter(|l| !l.contains("UTC,,,")).collect();
    let inner = inner.join("\n").replace('"', "\"\"");
    let log = format!(
        "2026-11-28 21:10:28.046 UTC,\"u\",\"d\",1,\"h:1\",1.1,12,\"INSERT\",2026-11-28 21:10:27 UTC,0/13,0,ERROR,22012,\"bad\",,,,,,\"insert '{}'\",,,\"shop\",\"client backend\",,0\n",
        inner
    );
    let (all, notes) = read(Format::Csv, &[log.as_bytes()]);
    assert_eq!((all.len(), notes.torn), (1, 0), "{notes:?}");
}

#[test]
fn bytes_of_another_encoding_are_replaced_and_counted() {
    for (format, log) in [(Format::Csv, CSV[1]), (Format::Json, JSON[1]), (stderr(), STDERR[1])] {
        let latin: Vec<u8> = log
            .windows(2)
            .enumerate()
            .filter_map(|(i, w)| match w {
                [0xc3, 0xa9] => Some(0xe9),
                _ if i > 0 && log[i - 1..=i] == [0xc3, 0xa9] => None,
                _ => Some(w[0]),
            })
            .chain([b'\n'])
            .collect();
        let (all, notes) = read(format.clone(), &[&latin]);
        assert!(all.iter().any(|t| t.statement.as_deref().is_some_and(|s| s.contains("caf\u{fffd}"))), "{format:?}");
        assert_eq!((notes.wrong_encoding, notes.torn), (1, 0), "{format:?}: {notes:?}");
    }
}

#[test]
fn an_entry_of_any_length_takes_constant_memory() {
    let head = "2026-11-28 21:10:28.046 UTC,\"u\",\"d\",1,\"h:1\",1.1,12,\"INSERT\",2026-11-28 21:10:27 UTC,0/13,0,ERROR,22012,\"bad\",,,,,,\"insert ";
    let long = std::io::Cursor::new(head.as_bytes().to_vec())
        .chain(std::io::repeat(b'x').take(64 << 20))
        .chain(std::io::Cursor::new(b"\",,,\"shop\",\"client backend\",,0\n".to_vec()))
        .chain(CSV[0]);
    let (mut reader, mut all) = (LogReader::new(Format::Csv), Vec::new());
    let mut long = long;
    reader.read(&mut long, &mut |e| all.push(Told::of(e))).unwrap();
    reader.finish(&mut |e| all.push(Told::of(e)));
    assert_eq!((reader.notes().too_long, reader.notes().torn), (1, 0));
    assert_eq!(all[0].state.as_deref(), Some("22012"), "its begin is told");
    assert!(all[0].statement.as_deref().is_some_and(|s| s.len() < 70_000));
    assert_eq!(all.len(), 1 + read(Format::Csv, &[CSV[0]]).0.len(), "and what follows is read");
}

#[test]
fn severities_are_the_servers_words() {
    assert_eq!((Severity::of("DEBUG3"), Severity::of("FEHLER")), (Severity::Debug, Severity::Other));
}

fn forms() -> [(Format, &'static [u8]); 3] {
    [(Format::Csv, CSV[1]), (Format::Json, JSON[1]), (stderr(), STDERR[1])]
}

/// Every place in a line is one of these in some line.
const STEP: usize = 7;

/// Cut at any byte into two pieces, or with its end missing, nothing but the torn tail is lost.
#[test]
fn cut_at_any_byte_nothing_is_lost() {
    for (format, log) in forms() {
        let (all, _) = read(format.clone(), &[log]);
        for at in (0..log.len()).step_by(STEP) {
            let (again, _) = read(format.clone(), &[&log[..at], &log[at..]]);
            assert_eq!(again, all, "{format:?} in two pieces at {at}");
            let (first, _) = read(format.clone(), &[&log[..at]]);
            let whole = first.iter().zip(&all).take_while(|(a, b)| a == b).count();
            assert!(first.len() <= whole + 1, "{format:?} cut at {at}: only the last may be torn");
        }
    }
}

/// A file that begins anywhere costs the entry in which it begins.
#[test]
fn begun_at_any_byte_the_rest_is_read() {
    for (format, log) in forms() {
        let (all, _) = read(format.clone(), &[log]);
        for at in (0..log.len()).step_by(STEP) {
            let (again, notes) = read(format.clone(), &[&log[at..]]);
            let missing = match format {
                // An entry of plain lines can be missing the lines that came before.
                Format::Stderr(_) => {
                    all.len() - all.iter().rev().zip(again.iter().rev()).take_while(|(a, b)| a == b).count()
                }
                Format::Csv | Format::Json => all.len() - again.len(),
            };
            let before = read(format.clone(), &[&log[..at]]).0.len();
            assert!(
                missing <= before + 1,
                "{format:?} begun at {at}: {missing} are missing, {before} began before; {notes:?}"
            );
            assert!(all.ends_with(&again[again.len().min(1)..]), "{format:?} begun at {at}: what is told is true");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes are, nothing panics and every byte is counted.
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0..6000_usize, form in 0..3_usize) {
        let (format, log) = forms()[form].clone();
        let at = at.min(log.len());
        let (_, notes) = read(format, &[&log[..at], &bytes, b"\n", &log[at..]]);
        prop_assert_eq!(notes.bytes, (log.len() + bytes.len() + 1) as u64);
    }
}
