//! Rights that new objects will have (`ALTER DEFAULT PRIVILEGES`).

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    grant::{self, On},
    item::{Alone, Aspect, Compared, Head, Item, Key, Sides},
    kind::Kind,
    name,
    script::Script,
};
use crate::ident::quote;

/// Default rights of one role's new objects of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultPrivileges {
    /// Role, schema (empty for all), `TABLES` …; the rights are its grants.
    pub head: Head,
}

impl DefaultPrivileges {
    fn part(&self, n: usize) -> &str {
        self.head.name.get(n).map_or("", String::as_str)
    }

    /// GRANT and REVOKE stand behind who and where.
    fn prefix(&self) -> String {
        let place = if self.part(1).is_empty() { String::new() } else { format!(" IN SCHEMA {}", quote(self.part(1))) };
        format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{place}", quote(self.part(0)))
    }

    fn on(&self) -> On {
        On { columns: String::new(), object: self.part(2).to_owned(), owner: self.part(0).to_owned() }
    }
}

impl Item for DefaultPrivileges {
    fn kind(&self) -> Kind {
        Kind::DefaultPrivileges
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        match self.part(1) {
            "" => Some(Key::of(Kind::Role, &self.head.name[..1.min(self.head.name.len())])),
            schema => Some(Key::of(Kind::Schema, &[schema.to_owned()])),
        }
    }

    fn shown(&self) -> String {
        let place =
            if self.part(1).is_empty() { String::new() } else { format!(" in {}", name::part_of_name(self.part(1))) };
        format!("{} of {}{place}", self.part(2).to_lowercase(), name::part_of_name(self.part(0)))
    }

    fn gist(&self) -> String {
        grant::between(&self.head.grants, &[], &self.on()).join("; ")
    }

    fn phrase(&self) -> String {
        self.shown()
    }

    fn granted_on(&self) -> On {
        self.on()
    }

    fn wrap_grant(&self, sql: String) -> String {
        format!("{} {sql}", self.prefix())
    }

    fn create(&self, _sides: &Sides, _script: &mut Script) {
        // Its grants are all there is to it.
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        let taking = grant::between(&[], &self.head.grants, &self.on());
        let all: Vec<String> = taking.into_iter().map(|sql| self.wrap_grant(sql)).collect();
        (!all.is_empty()).then(|| all.join(";\n"))
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => {
                (Severity::Data, "Objects made after the switch have other rights than they would have on the source.")
            }
            Alone::Extra => {
                (Severity::Data, "Objects made on the target get rights that they would not have on the source.")
            }
        }
    }
}

impl Compared for DefaultPrivileges {
    const ASPECTS: &'static [Aspect<DefaultPrivileges>] = &[];
}
