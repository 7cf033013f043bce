//! Differences that somebody accepted, with a reason: `accepted.toml`.
//!
//! An entry holds for exactly the values it was written for: when one of them changes, it is a new difference.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{difference::Difference, kind::Kind};

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

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accepted: Vec<Accepted>,
}

/// Reads the text of a file.
///
/// # Errors
/// A sentence that says which line or entry is wrong.
pub fn parse(text: &str) -> Result<Vec<Accepted>, String> {
    let file: File = toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(String::new(), |s| {
            let before = text.get(..s.start).unwrap_or(text);
            format!("line {}: ", before.matches('\n').count() + 1)
        });
        format!("{line}{}", e.message().replace('\n', " "))
    })?;
    match file.accepted.iter().find(|a| a.reason.trim().is_empty()) {
        Some(a) => Err(format!("the entry for {} gives no reason", a.shown())),
        None => Ok(file.accepted),
    }
}

/// The text of a file that [`parse`] reads as these entries.
///
/// # Errors
/// A sentence, when an entry cannot be written as TOML.
pub fn write(entries: &[Accepted]) -> Result<String, String> {
    toml::to_string_pretty(&File { accepted: entries.to_vec() })
        .map_err(|e| format!("they cannot be written as TOML: {e}"))
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
}
