//! The source's schema on the target, through the source's own `pg_dump` and `pg_restore`.
//!
//! Owns the dump file and the decision what belongs to which section. It never carries rows, never changes an object
//! that the target holds already, and never drops one that holds rows unless told to.
//!
//! | section | what | when |
//! |---|---|---|
//! | Structure | everything before the data: schemas, types, functions, tables, views | first, all or nothing |
//! | Keys | primary keys and replica identities, which the apply worker needs | before the copy, all or nothing |
//! | Rest | other indexes and constraints, triggers, rules, policies, statistics, foreign keys; materialised views are filled | after the copy, what is missing |
//!
//! The Rest is made while the target applies the stream; why foreign keys are made by us and not by `pg_restore` is said in
//! `ties.rs`.

mod facts;
mod list;
mod present;
mod preview;
mod restore;
mod sections;
mod take;
mod ties;
mod tools;
mod undo;

use std::collections::BTreeMap;

use super::private_dir::PrivateDir;
use list::Entry;
pub use present::Holding;
use ties::Tie;
pub use tools::Tools;
pub use undo::Rows;

/// A part of the schema, restored at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// Everything that comes before the data.
    Structure,
    /// Primary keys and what else identifies rows in the stream.
    Keys,
    /// What is better made once the rows are there.
    Rest,
}

impl Section {
    /// The word in previews and messages.
    pub fn word(self) -> &'static str {
        match self {
            Section::Structure => "structure",
            Section::Keys => "keys",
            Section::Rest => "indexes, constraints and triggers",
        }
    }
}

/// Hears what a restore waits for.
pub type Say<'a> = &'a (dyn Fn(String) + Send + Sync);

/// An entry of the dump, with what is known of it.
#[derive(Debug, Clone)]
struct Item {
    entry: Entry,
    section: Section,
    /// What the server calls it; None for what has no name of its own, such as a comment.
    identity: Option<Identity>,
    /// How it is made, when it is a foreign key.
    tie: Option<Tie>,
}

/// An object's type and its qualified, quoted name, as `pg_identify_object` gives them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Identity {
    kind: String,
    name: String,
}

/// The source's schema in a file, and what is known about it. The file goes when this is dropped.
pub struct SchemaDump {
    tools: tools::Binaries,
    dir: PrivateDir,
    /// The command that made it, for the preview.
    taken_by: String,
    source_label: String,
    items: Vec<Item>,
    /// Roles that own something in it or have a right on something.
    roles: Vec<String>,
    /// Materialised views that hold rows on the source, in the order in which they can be filled.
    filled_views: Vec<String>,
}

impl SchemaDump {
    /// How many objects of each kind a section makes.
    pub fn objects(&self, section: Section) -> BTreeMap<String, usize> {
        let mut out = BTreeMap::new();
        for item in self.of(section) {
            *out.entry(item.entry.kind.to_lowercase()).or_insert(0) += 1;
        }
        out
    }

    fn of(&self, section: Section) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |i| i.section == section)
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.file(take::FILE)
    }
}
