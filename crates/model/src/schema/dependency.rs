//! Which object needs which, by name: views over views, functions over types, foreign keys, defaults over sequences.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{inventory::Inventory, kind::Kind};

/// One object needs another, as the catalog records it. A part (a default, a foreign key, a trigger) stands for its table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// What the object is.
    pub kind: Kind,
    /// The object.
    pub object: String,
    /// What is needed.
    pub on_kind: Kind,
    /// Its name.
    pub on: String,
}

/// All of them, by name.
pub fn dependencies(inventory: &Inventory) -> Vec<Dependency> {
    let items = inventory.items();
    let named: HashMap<(Kind, u32), (Kind, String)> = items
        .iter()
        .filter(|item| item.head().oid != 0)
        .map(|item| ((item.kind().space(), item.head().oid), (item.kind(), item.shown())))
        .collect();
    let mut out: Vec<Dependency> = Vec::new();
    for need in &inventory.needs {
        let of = named.get(&(need.of.space(), need.of_oid));
        if let (Some((kind, object)), Some((on_kind, on))) = (of, named.get(&(need.on.space(), need.on_oid))) {
            out.push(Dependency { kind: *kind, object: object.clone(), on_kind: *on_kind, on: on.clone() });
        }
    }
    out.sort();
    out
}
