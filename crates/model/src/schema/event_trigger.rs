//! Event triggers.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    script::{Script, Stage},
    trigger::Enabled,
};
use crate::ident::literal;

/// One event trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventTrigger {
    /// Its name and the rest.
    pub head: Head,
    /// `ddl_command_end`.
    pub event: String,
    /// Commands that it is for; none is all.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub tags: Vec<String>,
    /// Schema and name of its function.
    pub function: Vec<String>,
    /// When it fires.
    pub enabled: Enabled,
}

impl EventTrigger {
    fn set(&self, enabled: Enabled) -> String {
        format!("ALTER {} {}", self.phrase(), enabled.sql())
    }
}

impl Item for EventTrigger {
    fn kind(&self) -> Kind {
        Kind::EventTrigger
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        let tags: Vec<String> = self.tags.iter().map(|t| literal(t)).collect();
        let when = if tags.is_empty() { String::new() } else { format!(" WHEN TAG IN ({})", tags.join(", ")) };
        format!("ON {}{when} EXECUTE FUNCTION {}()", self.event, name::sql(&self.function))
    }

    fn phrase(&self) -> String {
        format!("EVENT TRIGGER {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Reactions, format!("CREATE {} {}", self.phrase(), self.gist()));
        if self.enabled != Enabled::Origin {
            script.at(Stage::Reactions, self.set(self.enabled));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => {
                (Severity::Data, "What it does, or forbids, at each DDL command is not done on the target.")
            }
            Alone::Extra => (Severity::Blocks, "It acts on the DDL that prepares the target, and may forbid it."),
        }
    }
}

impl Compared for EventTrigger {
    const ASPECTS: &'static [Aspect<EventTrigger>] = &[
        Aspect {
            what: "definition",
            same: Same::Text,
            value: |t| Some(t.gist()),
            means: |_, _| (Severity::Data, "It acts on other commands, or does something else."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "enabled",
            same: Same::Text,
            value: |t| Some(t.enabled.sql().to_owned()),
            means: |_, _| (Severity::Data, "It acts when it did not, or does not when it did."),
            mend: |s, t, _| Mend::one(t.set(s.enabled)),
        },
    ];
}
