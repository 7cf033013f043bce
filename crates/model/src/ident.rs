//! Quoting of identifiers and literals, and the name of a table.
//!
//! Every identifier that reaches a server goes through [`quote`]; there is no list of names that are "safe" unquoted.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An SQL identifier in double quotes, inner quotes doubled.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// An SQL string literal. Only for statements that take no bind parameters (utility statements); uses the `E''` form
/// when a backslash occurs, so that it means the same whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// A schema-qualified relation name, unquoted parts. Displays quoted, ready for SQL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub struct TableName {
    /// Schema, as stored in the catalog.
    pub schema: String,
    /// Relation, as stored in the catalog.
    pub name: String,
}

impl TableName {
    /// From the two parts as the catalog stores them.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// `schema.name` for people; not for SQL.
    pub fn plain(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", quote(&self.schema), quote(&self.name))
    }
}

/// A short form of a free name that is safe inside slot names: `[a-z0-9_]`, at most 40 bytes.
///
/// PostgreSQL allows only these characters in the name of a replication slot.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
        if out.len() == 40 {
            break;
        }
    }
    out.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_inside_identifiers_are_doubled() {
        assert_eq!(quote(r#"a"b"#), r#""a""b""#, "an inner quote must not end the identifier");
        assert_eq!(TableName::new("S p", "T\"x").to_string(), r#""S p"."T""x""#);
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(literal("o'clock"), "'o''clock'");
        assert_eq!(literal(r"a\'b"), r"E'a\\''b'", "a backslash needs the E form whatever the server's setting");
    }

    #[test]
    fn slugs_fit_slot_names() {
        assert_eq!(slug("Orders EU → 18"), "orders_eu_18");
        assert!(slug(&"x".repeat(100)).len() <= 40, "slot names are limited to 63 bytes with our prefix and suffix");
    }
}
