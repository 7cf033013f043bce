//! Installed extensions. What belongs to one is not looked into.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    script::{Script, Stage},
};
use crate::ident::{literal, quote};

/// One extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name. Its owner is not compared: nothing depends on it, and a dump does not carry it.
    pub head: Head,
    /// Its version.
    pub version: String,
    /// The schema of its objects.
    pub schema: String,
    /// Whether that can be changed.
    pub relocatable: bool,
}

impl Item for Extension {
    fn kind(&self) -> Kind {
        Kind::Extension
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        format!("version {}", self.version)
    }

    fn phrase(&self) -> String {
        format!("EXTENSION {}", quote(self.head.name.first().map_or("", String::as_str)))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Before, format!("CREATE {} SCHEMA {}", self.phrase(), quote(&self.schema)));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => {
                (Severity::Blocks, "Its types and functions are missing, and so is whatever is made of them.")
            }
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source uses it."),
        }
    }
}

/// Numbers of a version, as far as it has them.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

impl Compared for Extension {
    const ASPECTS: &'static [Aspect<Extension>] = &[
        Aspect {
            what: "version",
            same: Same::Text,
            value: |e| Some(e.version.clone()),
            means: |s, t| {
                if numbers(&t.version) > numbers(&s.version) {
                    (Severity::Cosmetic, "The target has a newer version, as newer servers bring it.")
                } else {
                    (
                        Severity::Blocks,
                        "The target has an older version: functions that the application calls may be missing.",
                    )
                }
            },
            mend: |s, t, _| {
                if numbers(&t.version) > numbers(&s.version) {
                    Mend::Nothing
                } else {
                    Mend::one(format!("ALTER {} UPDATE TO {}", t.phrase(), literal(&s.version)))
                }
            },
        },
        Aspect {
            what: "schema",
            same: Same::Text,
            value: |e| Some(e.schema.clone()),
            means: |_, _| (Severity::Blocks, "Whoever names its functions and types by their schema gets an error."),
            mend: |s, t, _| {
                if t.relocatable {
                    Mend::one(format!("ALTER {} SET SCHEMA {}", t.phrase(), quote(&s.schema)))
                } else {
                    Mend::Nothing
                }
            },
        },
    ];
}
