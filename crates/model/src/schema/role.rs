//! Roles that something in the database belongs, or is granted, to. Passwords are never read.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::{literal, quote};

/// One role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub head: Head,
    /// Whether something in this database belongs, or is granted, to it.
    pub used: bool,
    /// `LOGIN`, `NOSUPERUSER` …
    pub attributes: Vec<String>,
    /// CONNECTION LIMIT, -1 for none.
    pub connections: i32,
    /// VALID UNTIL.
    pub valid_until: Option<String>,
    /// Roles it is a member of.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub member_of: Vec<String>,
}

impl Role {
    fn own_name(&self) -> String {
        quote(self.head.name.first().map_or("", String::as_str))
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER ROLE {} {what}", self.own_name())
    }
}

impl Item for Role {
    fn kind(&self) -> Kind {
        Kind::Role
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        self.attributes.join(" ")
    }

    fn phrase(&self) -> String {
        format!("ROLE {}", self.own_name())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let mut sql = format!("CREATE ROLE {} {}", self.own_name(), self.attributes.join(" "));
        if self.connections >= 0 {
            sql.push_str(&format!(" CONNECTION LIMIT {}", self.connections));
        }
        if let Some(until) = &self.valid_until {
            sql.push_str(&format!(" VALID UNTIL {}", literal(until)));
        }
        script.at(Stage::Before, sql);
        for of in &self.member_of {
            script.at(Stage::Finish, format!("GRANT {} TO {}", quote(of), self.own_name()));
        }
    }

    fn concerns(&self) -> bool {
        self.used
    }

    fn told_by_another(&self) -> bool {
        // Others live in the cluster, and are none of this database's business.
        !self.used
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (
                Severity::Blocks,
                "What belongs or is granted to it cannot be made. It needs a password of its own on the target.",
            ),
            Alone::Extra => (
                Severity::Cosmetic,
                "Something on the target belongs, or is granted, to a role that the source does not have.",
            ),
        }
    }
}

impl Compared for Role {
    const ASPECTS: &'static [Aspect<Role>] = &[
        Aspect {
            what: "attributes",
            same: Same::Text,
            value: |r| Some(r.attributes.join(" ")),
            means: |_, _| (Severity::Blocks, "It may do other things on the target, down to logging in."),
            mend: |s, t, _| Mend::one(t.alter(&s.attributes.join(" "))),
        },
        Aspect {
            what: "connection limit",
            same: Same::Text,
            value: |r| (r.connections >= 0).then(|| r.connections.to_string()),
            means: |_, _| (Severity::Blocks, "Its connections are refused at another number."),
            mend: |s, t, _| Mend::one(t.alter(&format!("CONNECTION LIMIT {}", s.connections))),
        },
        Aspect {
            what: "valid until",
            same: Same::Text,
            value: |r| r.valid_until.clone(),
            means: |_, _| (Severity::Blocks, "Its password expires at another time."),
            mend: |s, t, _| {
                let until = s.valid_until.as_deref().unwrap_or("infinity");
                Mend::one(t.alter(&format!("VALID UNTIL {}", literal(until))))
            },
        },
        Aspect {
            what: "member of",
            same: Same::Text,
            value: |r| (!r.member_of.is_empty()).then(|| name::list(&r.member_of)),
            means: |_, _| (Severity::Blocks, "What it may do by other roles' rights is different."),
            mend: |s, t, _| {
                let gone = t.member_of.iter().filter(|r| !s.member_of.contains(r));
                let new = s.member_of.iter().filter(|r| !t.member_of.contains(r));
                Mend::Sql(
                    gone.map(|r| format!("REVOKE {} FROM {}", quote(r), t.own_name()))
                        .chain(new.map(|r| format!("GRANT {} TO {}", quote(r), t.own_name())))
                        .collect(),
                )
            },
        },
    ];
}
