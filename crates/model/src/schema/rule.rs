//! Rewrite rules, but those that make a view.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    script::{Script, Stage},
    trigger::Enabled,
};

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Schema, relation, rule.
    pub head: Head,
    /// The whole statement that makes it.
    pub definition: String,
    /// When it acts.
    pub enabled: Enabled,
}

impl Rule {
    fn set(&self, enabled: Enabled) -> String {
        format!("ALTER TABLE {} {} RULE {}", self.head.relation(), enabled.sql(), self.head.own_name())
    }
}

impl Item for Rule {
    fn kind(&self) -> Kind {
        Kind::Rule
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.head.name))
    }

    fn gist(&self) -> String {
        self.definition.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn phrase(&self) -> String {
        format!("RULE {} ON {}", self.head.own_name(), self.head.relation())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Reactions, self.definition.clone());
        if self.enabled != Enabled::Origin {
            script.at(Stage::Reactions, self.set(self.enabled));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Data, "After the switch, statements do only what they say."),
            Alone::Extra => (Severity::Data, "The target turns statements into others."),
        }
    }
}

impl Compared for Rule {
    const ASPECTS: &'static [Aspect<Rule>] = &[
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |r| Some(r.definition.clone()),
            means: |_, _| (Severity::Data, "The two sides turn statements into different ones."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "enabled",
            same: Same::Text,
            value: |r| Some(r.enabled.sql().to_owned()),
            means: |_, _| (Severity::Data, "It acts when it did not, or does not when it did."),
            mend: |s, t, _| Mend::one(t.set(s.enabled)),
        },
    ];
}
