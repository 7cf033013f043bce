//! Schemas: the spaces of names.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};

/// One schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name and the rest.
    pub head: Head,
}

impl Item for Schema {
    fn kind(&self) -> Kind {
        Kind::Schema
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        "schema".into()
    }

    fn phrase(&self) -> String {
        format!("SCHEMA {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Before, format!("CREATE {}", self.phrase()));
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        // It goes only when it is empty.
        Some(format!("DROP {} RESTRICT", self.phrase()))
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "Nothing of what is in it exists on the target."),
            Alone::Extra => {
                (Severity::Cosmetic, "Nothing comes into it from the source; look whose it is before you drop it.")
            }
        }
    }
}

impl Compared for Schema {
    const ASPECTS: &'static [Aspect<Schema>] = &[];
}
