//! Row-level policies.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::quote;

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Schema, table, policy.
    pub head: Head,
    /// AS PERMISSIVE, not RESTRICTIVE.
    pub permissive: bool,
    /// `ALL`, `SELECT` …
    pub command: String,
    /// To whom; an empty name is PUBLIC.
    pub roles: Vec<String>,
    /// USING.
    pub using: Option<String>,
    /// WITH CHECK.
    pub check: Option<String>,
}

impl Policy {
    fn to(&self) -> String {
        let roles: Vec<String> =
            self.roles.iter().map(|r| if r.is_empty() { "PUBLIC".to_owned() } else { quote(r) }).collect();
        roles.join(", ")
    }

    fn conditions(&self) -> String {
        let part =
            |word: &str, text: &Option<String>| text.as_ref().map_or(String::new(), |t| format!(" {word} ({t})"));
        format!("{}{}", part("USING", &self.using), part("WITH CHECK", &self.check))
    }
}

impl Item for Policy {
    fn kind(&self) -> Kind {
        Kind::Policy
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.head.name))
    }

    fn gist(&self) -> String {
        format!("FOR {} TO {}{}", self.command, self.to(), self.conditions())
    }

    fn phrase(&self) -> String {
        let end = self.head.name.len().min(2);
        let own = quote(self.head.name.last().map_or("", String::as_str));
        format!("POLICY {own} ON {}", name::sql(&self.head.name[..end]))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let how = if self.permissive { "PERMISSIVE" } else { "RESTRICTIVE" };
        script.at(Stage::Reactions, format!("CREATE {} AS {how} {}", self.phrase(), self.gist()));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match (side, self.permissive) {
            (Alone::Missing, true) => (Severity::Blocks, "Rows that it shows on the source are hidden on the target."),
            (Alone::Missing, false) => (Severity::Data, "Rows that it hides on the source are shown on the target."),
            (Alone::Extra, true) => (Severity::Data, "It shows rows on the target that are hidden on the source."),
            (Alone::Extra, false) => (Severity::Blocks, "It hides rows on the target that are shown on the source."),
        }
    }
}

const OTHER_ROWS: (Severity, &str) = (Severity::Data, "Roles see, or write, other rows than on the source.");

impl Compared for Policy {
    const ASPECTS: &'static [Aspect<Policy>] = &[
        Aspect {
            what: "command",
            same: Same::Text,
            value: |p| Some(format!("{} FOR {}", if p.permissive { "PERMISSIVE" } else { "RESTRICTIVE" }, p.command)),
            means: |_, _| OTHER_ROWS,
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "roles",
            same: Same::Text,
            value: |p| Some(p.to()),
            means: |_, _| OTHER_ROWS,
            mend: |s, t, _| Mend::one(format!("ALTER {} TO {}", t.phrase(), s.to())),
        },
        Aspect {
            what: "conditions",
            same: Same::Definition,
            value: |p| Some(p.conditions().trim_start().to_owned()),
            means: |_, _| OTHER_ROWS,
            // ALTER can set a condition, never take one away.
            mend: |s, t, _| {
                if (s.using.is_none() && t.using.is_some()) || (s.check.is_none() && t.check.is_some()) {
                    Mend::Again
                } else {
                    Mend::one(format!("ALTER {}{}", t.phrase(), s.conditions()))
                }
            },
        },
    ];
}
