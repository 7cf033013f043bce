//! Differences that somebody accepted, with a reason: `accepted.toml`.
//!
//! An entry holds for exactly the values it was written for: when one of them changes, it is a new difference. The same file
//! may hold entries that name a check of the preflight instead; whoever reads it takes what is his.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{difference::Difference, kind::Kind};
use crate::preflight::accepted::AcceptedCheck;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(rename = "AcceptedEntry")]
pub struct Accepted {
    /// As the difference names it.
    pub object: String,
    /// Its kind.
    pub kind: Kind,
    /// The fact.
    pub what: String,
    /// The source's value; left out where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The target's value; left out where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Accepted {
    /// The entry for a difference.
    pub fn of(d: &Difference, reason: &str, by: Option<&str>) -> Accepted {
        Accepted {
            object: d.object.clone(),
            kind: d.kind,
            what: d.what.clone(),
            source: d.source.clone(),
            target: d.target.clone(),
            reason: reason.to_owned(),
            by: by.map(str::to_owned),
        }
    }

    /// Whether it is about this difference with these values.
    pub fn covers(&self, d: &Difference) -> bool {
        self.object == d.object
            && self.kind == d.kind
            && self.what == d.what
            && self.source == d.source
            && self.target == d.target
    }

    /// As a sentence names it.
    pub fn shown(&self) -> String {
        format!("{} {}, {}", self.kind.word().replace('_', " "), self.object, self.what)
    }
}

/// The file as it is written.
#[derive(Debug, Default, Serialize)]
struct Written<'a> {
    accepted: &'a [Accepted],
}

/// The file as it is read: entries for differences and for checks, told apart by what they name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accepted: Vec<toml::Spanned<Entry>>,
}

/// Any entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    check: Option<String>,
    object: Option<String>,
    kind: Option<Kind>,
    what: Option<String>,
    source: Option<String>,
    target: Option<String>,
    reason: Option<String>,
    by: Option<String>,
}

/// What an entry is about.
enum About {
    Difference(Accepted),
    Check(AcceptedCheck),
}

impl Entry {
    fn about(self) -> Result<About, String> {
        let missing = |field: &str| format!("missing field `{field}`");
        let reason = self.reason.ok_or_else(|| missing("reason"))?;
        let (about, shown) = match self.check {
            Some(check) => {
                let of_difference = [
                    ("kind", self.kind.is_some()),
                    ("what", self.what.is_some()),
                    ("source", self.source.is_some()),
                    ("target", self.target.is_some()),
                ];
                if let Some((field, _)) = of_difference.iter().find(|(_, given)| *given) {
                    return Err(format!("the entry for check {check} has a `{field}`, which only differences have"));
                }
                let entry = AcceptedCheck { check, object: self.object, reason: reason.clone(), by: self.by };
                let shown = entry.shown();
                (About::Check(entry), shown)
            }
            None => {
                let entry = Accepted {
                    object: self.object.ok_or_else(|| missing("object"))?,
                    kind: self.kind.ok_or_else(|| missing("kind"))?,
                    what: self.what.ok_or_else(|| missing("what"))?,
                    source: self.source,
                    target: self.target,
                    reason: reason.clone(),
                    by: self.by,
                };
                let shown = entry.shown();
                (About::Difference(entry), shown)
            }
        };
        if reason.trim().is_empty() {
            return Err(format!("the entry for {shown} gives no reason"));
        }
        Ok(about)
    }
}

/// Reads the text of a file: its differences, and its checks of the preflight.
///
/// # Errors
/// A sentence that says which line or entry is wrong.
pub fn parse_all(text: &str) -> Result<(Vec<Accepted>, Vec<AcceptedCheck>), String> {
    let line = |at: usize| format!("line {}: ", text.get(..at).unwrap_or(text).matches('\n').count() + 1);
    let file: File = toml::from_str(text).map_err(|e| {
        let at = e.span().map_or(String::new(), |s| line(s.start));
        format!("{at}{}", e.message().replace('\n', " "))
    })?;
    let (mut differences, mut checks) = (Vec::new(), Vec::new());
    for entry in file.accepted {
        let at = entry.span().start;
        match entry.into_inner().about().map_err(|why| format!("{}{why}", line(at)))? {
            About::Difference(entry) => differences.push(entry),
            About::Check(entry) => checks.push(entry),
        }
    }
    Ok((differences, checks))
}

/// The differences of a file; what it says of checks is somebody else's.
///
/// # Errors
/// As [`parse_all`].
pub fn parse(text: &str) -> Result<Vec<Accepted>, String> {
    parse_all(text).map(|(differences, _)| differences)
}

/// The text of a file that [`parse`] reads as these entries.
///
/// # Errors
/// A sentence, when an entry cannot be written as TOML.
pub fn write(entries: &[Accepted]) -> Result<String, String> {
    toml::to_string_pretty(&Written { accepted: entries }).map_err(|e| format!("they cannot be written as TOML: {e}"))
}

/// What is left, what was accepted with its entry, and the entries that are about nothing any more.
pub fn apply(
    differences: Vec<Difference>,
    entries: &[Accepted],
) -> (Vec<Difference>, Vec<(Difference, Accepted)>, Vec<Accepted>) {
    let (mut open, mut taken) = (Vec::new(), Vec::new());
    for difference in differences {
        match entries.iter().find(|a| a.covers(&difference)) {
            Some(entry) => taken.push((difference, entry.clone())),
            None => open.push(difference),
        }
    }
    let idle = entries.iter().filter(|a| !taken.iter().any(|(d, _)| a.covers(d))).cloned().collect();
    (open, taken, idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_whatever_its_names_are() {
        let entry = |object: &str, target: Option<&str>| Accepted {
            object: object.into(),
            kind: Kind::Index,
            what: "missing".into(),
            source: Some("CREATE INDEX \"a\"\"b\"\non t (x) -- '''\"\"\"".into()),
            target: target.map(str::to_owned),
            reason: "wird später gebaut 🐘\t\\".into(),
            by: Some("ann".into()),
        };
        let entries = [entry("public.\"[[accepted]]\"", None), entry("s.\"new\nline\"", Some(""))];
        let text = write(&entries).unwrap();
        assert_eq!(parse(&text).unwrap(), entries, "{text}");
        assert!(!text.contains("target = \"\"\n\n[[accepted]]"), "a value that is not there is left out: {text}");
        assert_eq!(parse(&write(&[]).unwrap()).unwrap(), [], "a file without entries");
    }

    #[test]
    fn one_file_serves_differences_and_checks() {
        let text = "[[accepted]]\ncheck = \"source.unlogged\"\nobject = \"public.\\\"T\\\"\"\nreason = \"cache\"\n\n\
                    [[accepted]]\nobject = \"public.t\"\nkind = \"table\"\nwhat = \"missing\"\nreason = \"later\"\nby = \"ann\"";
        let (differences, checks) = parse_all(text).unwrap();
        assert_eq!((differences.len(), checks.len()), (1, 1));
        assert_eq!(checks[0].shown(), "source.unlogged, public.\"T\"");
        assert_eq!(parse(text).unwrap(), differences, "who compares schemas sees nothing of checks");
        for (text, told) in [
            (
                "\n[[accepted]]\ncheck = \"a\"\nkind = \"table\"\nreason = \"r\"",
                "line 2: the entry for check a has a `kind`",
            ),
            ("[[accepted]]\ncheck = \"a\"", "line 1: missing field `reason`"),
            ("[[accepted]]\ncheck = \"a\"\nreason = \" \"", "line 1: the entry for a gives no reason"),
            ("[[accepted]]\nreason = \"r\"", "line 1: missing field `object`"),
        ] {
            let why = parse_all(text).unwrap_err();
            assert!(why.starts_with(told), "{why}");
        }
    }
}
