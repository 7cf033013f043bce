//! Checks that somebody accepted, with a reason: entries of an `accepted.toml` that name a check.

use crate::{check::Check, verdict::Verdict};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedCheck {
    /// The check's id.
    pub check: String,
    /// The object, where the check is about several.
    pub object: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// Who says so.
    pub by: Option<String>,
}

impl AcceptedCheck {
    /// Whether it is about this object of this check.
    fn covers(&self, check: &Check, object: &str) -> bool {
        self.check == check.id
            && match &self.object {
                Some(named) => named == object,
                // What is about one object needs no name, and what is about several is not accepted wholesale.
                None => check.objects.len() == 1,
            }
    }

    /// As a sentence names it.
    pub fn shown(&self) -> String {
        match &self.object {
            Some(object) => format!("{}, {object}", self.check),
            None => self.check.clone(),
        }
    }
}

/// The entries that cover a check that does not pass.
#[derive(Debug, Default)]
pub struct Cover<'a> {
    /// Those that are about it, or about an object of it.
    pub entries: Vec<&'a AcceptedCheck>,
    /// Objects that none of them is about.
    pub left: Vec<String>,
    /// Whether nothing is left.
    pub whole: bool,
}

/// What was accepted of a check.
pub fn cover<'a>(check: &Check, entries: &'a [AcceptedCheck]) -> Cover<'a> {
    match check.verdict {
        Verdict::Pass { .. } => return Cover::default(),
        Verdict::Fail { .. } | Verdict::Unknown { .. } => {}
    }
    if check.objects.is_empty() {
        let found = entries.iter().find(|e| e.check == check.id && e.object.is_none());
        return Cover { whole: found.is_some(), entries: found.into_iter().collect(), left: Vec::new() };
    }
    let mut out = Cover::default();
    for object in &check.objects {
        match entries.iter().find(|e| e.covers(check, object)) {
            Some(entry) => out.entries.push(entry),
            None => out.left.push(object.clone()),
        }
    }
    out.whole = out.left.is_empty();
    out
}
