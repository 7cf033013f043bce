//! Dependencies that no catalog records: functions that name relations in their text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{inventory::Inventory, name};

/// A function's text names a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mention {
    /// The function.
    pub function: String,
    /// The relation.
    pub relation: String,
}

/// Every function with every table, view and sequence whose name stands as a word in its text. A hint: a word may mean
/// something else, and text that is put together at run time says nothing.
pub fn mentions(inventory: &Inventory) -> Vec<Mention> {
    let relations = inventory.tables.iter().map(|t| &t.head.name).chain(inventory.views.iter().map(|v| &v.head.name));
    let mut by_word: BTreeMap<String, Vec<&Vec<String>>> = BTreeMap::new();
    for path in relations.chain(inventory.sequences.iter().map(|s| &s.head.name)) {
        if let Some(last) = path.last() {
            by_word.entry(last.to_lowercase()).or_default().push(path);
        }
    }
    let mut found = Vec::new();
    for function in &inventory.functions {
        let body = function.definition.to_lowercase();
        let words = body.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let named: std::collections::BTreeSet<&Vec<String>> =
            words.filter_map(|word| by_word.get(word)).flatten().copied().collect();
        found.extend(
            named
                .into_iter()
                .map(|path| Mention { function: super::Item::shown(function), relation: name::printable(path) }),
        );
    }
    found
}
