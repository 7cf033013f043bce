//! Statistics objects (`CREATE STATISTICS`).

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};

/// One statistics object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Its name and the rest.
    pub head: Head,
    /// Its table.
    pub table: Vec<String>,
    /// The whole statement that makes it.
    pub definition: String,
    /// Its target, where one is set.
    pub target: Option<i32>,
}

impl Statistics {
    fn set_target(&self, target: i32) -> String {
        format!("ALTER {} SET STATISTICS {target}", self.phrase())
    }
}

impl Item for Statistics {
    fn kind(&self) -> Kind {
        Kind::Statistics
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.table))
    }

    fn gist(&self) -> String {
        self.definition.clone()
    }

    fn phrase(&self) -> String {
        format!("STATISTICS {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Keys, self.definition.clone());
        if let Some(target) = self.target {
            script.at(Stage::Keys, self.set_target(target));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Speed, "The planner knows less of the table and may choose worse plans."),
            Alone::Extra => (Severity::Cosmetic, "The planner knows more of the table than on the source."),
        }
    }
}

impl Compared for Statistics {
    const ASPECTS: &'static [Aspect<Statistics>] = &[
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |s| Some(s.definition.clone()),
            means: |_, _| (Severity::Speed, "The planner knows other things of the table."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "target",
            same: Same::Text,
            value: |s| s.target.map(|n| n.to_string()),
            means: |_, _| (Severity::Speed, "ANALYZE gathers more, or less."),
            mend: |s, t, _| Mend::one(t.set_target(s.target.unwrap_or(-1))),
        },
    ];
}
