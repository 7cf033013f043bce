//! Digests that other tools made of a log: pgBadger's JSON and pt-query-digest's.
//!
//! Read as they come: of a file of any length no more is held than the kinds of statements that are kept apart. What a tool does
//! not give is not computed: no percentile comes from a mean, and two of them are never made into one.

mod gathered;
mod lenient;
mod pgbadger;
mod pt;

use std::io::{BufRead, BufReader, Read};

use serde::{
    Deserialize, Serialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use ts_rs::TS;

use self::gathered::Gathered;
use crate::shape::Shape;

/// Which tool made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "DigestKind")]
pub enum Kind {
    /// `pgbadger -x json`.
    #[serde(rename = "pgbadger")]
    Pgbadger,
    /// `pt-query-digest --output json`.
    #[serde(rename = "pt-query-digest")]
    PtQueryDigest,
}

impl Kind {
    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pgbadger => "pgBadger",
            Kind::PtQueryDigest => "pt-query-digest",
        }
    }

    /// What makes a file that can be read.
    pub fn how(self) -> &'static str {
        match self {
            Kind::Pgbadger => "pgbadger -x json -o out.json LOG",
            Kind::PtQueryDigest => "pt-query-digest --output json --limit 100% LOG > out.json",
        }
    }

    /// What such a digest cannot see, in sentences.
    pub fn cannot_see(self) -> &'static str {
        match self {
            Kind::Pgbadger => {
                "It knows what the log held and nothing else: with log_min_duration_statement above 0 the slow runs alone. Sums, \
                 means and extremes, and no percentiles; its times have no zone."
            }
            Kind::PtQueryDigest => {
                "P50 and P95 are the tool's own, from buckets some 5 % wide; it has no P99 and no errors. It lists the worst \
                 statements alone unless it ran with --limit 100%, and knows what its log or its packets held; its times have no zone."
            }
        }
    }
}

/// A statement of a digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "DigestStatement")]
pub struct Statement {
    /// The statement, by the same rules as everywhere else.
    pub shape: Shape,
    /// Runs.
    pub calls: f64,
    /// All of them, ms; None where no duration was logged.
    pub total_ms: Option<f64>,
    /// One of them in the mean, ms.
    pub mean_ms: Option<f64>,
    /// The shortest, ms.
    pub min_ms: Option<f64>,
    /// The longest, ms.
    pub max_ms: Option<f64>,
    /// Half of all runs take at most this, ms; only where the tool says it.
    pub p50_ms: Option<f64>,
    /// 95 of 100 take at most this, ms; only where the tool says it.
    pub p95_ms: Option<f64>,
}

/// Errors of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "DigestError")]
pub struct Failed {
    /// As the tool has it, without values.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Its SQLSTATE, where the tool has it.
    pub state: Option<String>,
    /// The class of it, in words.
    pub class: Option<String>,
    /// A statement that failed so.
    pub statement: Option<Shape>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "Digest")]
pub struct Digest {
    /// Who made it.
    pub kind: Kind,
    /// Logs that it was made of.
    pub logs: Vec<String>,
    /// The first time in it, as the tool wrote it.
    pub from: Option<String>,
    /// The last.
    pub to: Option<String>,
    /// Runs of all statements.
    pub calls: f64,
    /// Statements, those that took longest in all first.
    pub statements: Vec<Statement>,
    /// How many there are in all.
    pub total: usize,
    /// Errors, the most frequent first.
    pub errors: Vec<Failed>,
    /// How many errors there were in all.
    pub failed: u64,
    /// What it cannot see, in sentences.
    pub cannot_see: String,
    /// What else is to be said, in sentences.
    pub notes: Vec<String>,
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum Bad {
    /// The file itself.
    Io(std::io::Error),
    /// What it holds: a clause, and what to do, a sentence.
    Content(String, String),
}

/// Reads a digest; of statements and errors the first `most`. With a kind, a file of the other one is refused.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn read(source: impl Read, wanted: Option<Kind>, most: usize) -> Result<Digest, Bad> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    begins_well(&mut source, wanted)?;
    let mut gathered = Gathered::default();
    let mut json = serde_json::Deserializer::from_reader(source);
    json.deserialize_map(Top(&mut gathered)).map_err(|e| unreadable(e, wanted))?;
    json.end().map_err(|e| unreadable(e, wanted))?;
    let Some(kind) = gathered.kind else {
        return Err(content("it is JSON, but neither pgBadger's nor pt-query-digest's", wanted));
    };
    if let Some(wanted) = wanted.filter(|w| *w != kind) {
        let why = format!("it was made by {} and not by {}", kind.name(), wanted.name());
        return Err(Bad::Content(why, "Leave --kind out, or give the other file.".to_owned()));
    }
    Ok(gathered.digest(kind, most))
}

/// By the first byte: the reports for people that both tools make unless they are asked for JSON.
fn begins_well(source: &mut impl BufRead, wanted: Option<Kind>) -> Result<(), Bad> {
    loop {
        let head = source.fill_buf().map_err(Bad::Io)?;
        if head.is_empty() {
            return Err(content("it is empty", wanted));
        }
        let blank = head.iter().take_while(|b| b.is_ascii_whitespace()).count();
        match head.get(blank) {
            None => source.consume(blank),
            Some(b'{') => return Ok(()),
            Some(b'<') => {
                return Err(content("it is a report in HTML and no JSON", Some(wanted.unwrap_or(Kind::Pgbadger))));
            }
            Some(b'#') => {
                return Err(content(
                    "it is a report in plain text and no JSON",
                    Some(wanted.unwrap_or(Kind::PtQueryDigest)),
                ));
            }
            Some(_) => return Err(content("it is no JSON object", wanted)),
        }
    }
}

fn content(why: &str, kind: Option<Kind>) -> Bad {
    let how = match kind {
        Some(kind) => format!("Make it with “{}”.", kind.how()),
        None => format!("Make it with “{}”, or with “{}”.", Kind::Pgbadger.how(), Kind::PtQueryDigest.how()),
    };
    Bad::Content(why.to_owned(), how)
}

fn unreadable(e: serde_json::Error, wanted: Option<Kind>) -> Bad {
    use serde_json::error::Category;
    let at = format!("line {}, column {}", e.line(), e.column());
    match e.classify() {
        Category::Io => Bad::Io(e.into()),
        Category::Eof => content(&format!("it ends in the middle ({at})"), wanted),
        Category::Syntax => content(&format!("it is no JSON at {at}"), wanted),
        Category::Data => {
            let words = e.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            content(&format!("something else stands in it than expected at {at} ({words})"), wanted)
        }
    }
}

/// The outermost object. Each tool has keys of its own.
struct Top<'a>(&'a mut Gathered);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a digest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "normalyzed_info" => {
                    self.0.kind = Some(Kind::Pgbadger);
                    map.next_value_seed(pgbadger::Statements(self.0))?;
                }
                "error_info" => {
                    self.0.kind = Some(Kind::Pgbadger);
                    map.next_value_seed(pgbadger::Errors(self.0))?;
                }
                "overall_stat" => map.next_value_seed(pgbadger::Range(self.0))?,
                "log_files" => map.next_value_seed(pgbadger::logs(self.0))?,
                "classes" => {
                    self.0.kind = Some(Kind::PtQueryDigest);
                    map.next_value_seed(pt::classes(self.0))?;
                }
                "global" => pt::global(map.next_value()?, self.0),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
