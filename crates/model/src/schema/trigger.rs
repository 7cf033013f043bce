//! Triggers of tables and views.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    script::{Script, Stage},
};

/// When triggers and rules fire, as the catalog's letter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enabled {
    /// For clients, not for replicated rows.
    #[serde(rename = "O")]
    Origin,
    /// Never.
    #[serde(rename = "D")]
    Disabled,
    /// For replicated rows alone.
    #[serde(rename = "R")]
    Replica,
    /// For both.
    #[serde(rename = "A")]
    Always,
}

impl Enabled {
    /// `ENABLE ALWAYS`.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Enabled::Origin => "ENABLE",
            Enabled::Disabled => "DISABLE",
            Enabled::Replica => "ENABLE REPLICA",
            Enabled::Always => "ENABLE ALWAYS",
        }
    }
}

/// One trigger. Those of partitions that come from the whole table, and ours, are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Schema, table, trigger.
    pub head: Head,
    /// The whole statement that makes it.
    pub definition: String,
    /// When it fires.
    pub enabled: Enabled,
    /// Whether its relation is a view, which has no states.
    pub on_view: bool,
}

impl Trigger {
    fn set(&self, enabled: Enabled) -> String {
        format!("ALTER TABLE {} {} TRIGGER {}", self.head.relation(), enabled.sql(), self.head.own_name())
    }
}

impl Item for Trigger {
    fn kind(&self) -> Kind {
        Kind::Trigger
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.head.name))
    }

    fn gist(&self) -> String {
        self.definition.clone()
    }

    fn phrase(&self) -> String {
        format!("TRIGGER {} ON {}", self.head.own_name(), self.head.relation())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Reactions, self.definition.clone());
        if self.enabled != Enabled::Origin {
            script.at(Stage::Reactions, self.set(self.enabled));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Data, "After the switch, what it does for each write is not done."),
            Alone::Extra => (Severity::Data, "The target does something at each write that the source does not."),
        }
    }
}

impl Compared for Trigger {
    const ASPECTS: &'static [Aspect<Trigger>] = &[
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |t| Some(t.definition.clone()),
            means: |_, _| (Severity::Data, "It fires for other writes, or does something else."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "enabled",
            same: Same::Text,
            value: |t| Some(t.enabled.sql().to_owned()),
            means: |_, t| match t.enabled {
                Enabled::Always | Enabled::Replica => (
                    Severity::Data,
                    "It fires for replicated rows: what it does was done on the source already, and is done twice.",
                ),
                Enabled::Disabled | Enabled::Origin => {
                    (Severity::Data, "After the switch, it fires when it did not, or does not when it did.")
                }
            },
            mend: |s, t, _| Mend::one(t.set(s.enabled)),
        },
    ];
}
