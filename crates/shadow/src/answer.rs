//! What a side answers, piece by piece.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Characters of a value that are kept to be shown.
const SHOWN: usize = 200;

/// Columns of a row that are kept to be shown.
const SHOWN_COLUMNS: usize = 20;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type's number on that server; below 16384 it is the same on every server.
    pub kind: u32,
}

/// The first number that a server gives to types that were made on it.
const OWN_TYPES: u32 = 16_384;

impl Column {
    /// Whether it is float4 or float8.
    pub fn is_float(&self) -> bool {
        matches!(self.kind, 700 | 701)
    }

    /// Whether it is sorted by a collation, as far as its number says: made types may be domains over a text.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, 19 | 25 | 1042 | 1043) || self.kind >= OWN_TYPES
    }

    /// Whether another server's column is the same.
    pub fn is_like(&self, other: &Column) -> bool {
        let own = self.kind >= OWN_TYPES && other.kind >= OWN_TYPES;
        self.name == other.name && (self.kind == other.kind || own)
    }
}

/// A row, each value as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Option<String>>);

impl Row {
    /// A wide hash of the values at which `keep` says yes. NULL differs from '', ('a','bc') from ('ab','c').
    pub(crate) fn hash(&self, keep: impl Fn(usize) -> bool) -> u128 {
        let half = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            seed.hash(&mut hasher);
            self.0.iter().enumerate().filter(|(i, _)| keep(*i)).for_each(|(_, v)| v.hash(&mut hasher));
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }

    /// What is shown of it.
    pub(crate) fn shown(&self) -> Vec<Option<String>> {
        self.0.iter().take(SHOWN_COLUMNS).map(|v| v.as_deref().map(shortened)).collect()
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// What comes of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// First, and once.
    Columns(Vec<Column>),
    /// Some of its rows.
    Rows(Vec<Row>),
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// SQLSTATE; None when no server said it.
    pub state: Option<String>,
    /// In a sentence.
    pub sentence: String,
    /// Whether the session is of no use any more.
    pub broken: bool,
}

impl Failure {
    /// Whether it says nothing of the statement: the session was lost, our role may not read, or our limit was reached.
    pub fn is_ours(&self) -> bool {
        self.broken || matches!(self.state.as_deref(), None | Some("42501" | "57014" | "55P03" | "40P01" | "25P02"))
    }
}
