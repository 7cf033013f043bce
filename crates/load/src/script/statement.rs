//! One statement with places for variables.

use super::Variables;

/// A statement cut at its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Statement {
    /// Cuts the text of a statement at `:name`; `::` is a cast and stays.
    pub fn of(text: &str) -> Statement {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(':') {
            plain.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(beyond) = after.strip_prefix(':') {
                plain.push_str("::");
                rest = beyond;
                continue;
            }
            let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                parts.push(Part::Text(std::mem::take(&mut plain)));
                rest = &after[name.len()..];
                parts.push(Part::Variable(name));
            } else {
                plain.push(':');
                rest = after;
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        parts.retain(|p| !matches!(p, Part::Text(t) if t.is_empty()));
        Statement { parts }
    }

    /// With the values of its variables; a name that has none stays as it was written, for it may be no variable.
    pub fn filled(&self, variables: &Variables) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => match variables.get(name) {
                    Some(value) => out.push_str(&value.to_string()),
                    None => {
                        out.push(':');
                        out.push_str(name);
                    }
                },
            }
        }
        out
    }
}
