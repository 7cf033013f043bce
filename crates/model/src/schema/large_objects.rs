//! Large objects, counted by owner. What is in them is data, and logical replication does not carry it.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::Script,
};

/// Those of one owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LargeObjects {
    /// The owner.
    pub head: Head,
    /// How many.
    pub count: i64,
}

impl Item for LargeObjects {
    fn kind(&self) -> Kind {
        Kind::LargeObjects
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn shown(&self) -> String {
        format!("large objects of {}", name::printable(&self.head.name))
    }

    fn gist(&self) -> String {
        self.count.to_string()
    }

    fn phrase(&self) -> String {
        self.shown()
    }

    fn create(&self, _sides: &Sides, _script: &mut Script) {}

    fn is_made(&self) -> bool {
        false
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        None
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => NOT_CARRIED,
            Alone::Extra => (Severity::Cosmetic, "The source has none of them."),
        }
    }
}

const NOT_CARRIED: (Severity, &str) = (
    Severity::Data,
    "Logical replication does not carry large objects: copy them with pg_dump --large-objects while nothing writes them.",
);

impl Compared for LargeObjects {
    const ASPECTS: &'static [Aspect<LargeObjects>] = &[Aspect {
        what: "count",
        same: Same::Text,
        value: |l| Some(l.count.to_string()),
        means: |_, _| NOT_CARRIED,
        mend: |_, _, _| Mend::Nothing,
    }];
}
