//! Settings of the database and of its roles (`ALTER DATABASE … SET`, `ALTER ROLE … SET`).

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::{literal, quote};

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Role (empty for all), `here` for this database alone or `everywhere`, parameter.
    pub head: Head,
    /// Its value.
    pub value: String,
}

impl Setting {
    fn part(&self, n: usize) -> &str {
        self.head.name.get(n).map_or("", String::as_str)
    }

    fn alter(&self, sides: &Sides, what: &str) -> String {
        let database = quote(&sides.database);
        match (self.part(0), self.part(1)) {
            ("", _) => format!("ALTER DATABASE {database} {what}"),
            (role, "here") => format!("ALTER ROLE {} IN DATABASE {database} {what}", quote(role)),
            (role, _) => format!("ALTER ROLE {} {what}", quote(role)),
        }
    }

    /// Custom parameters have a dot in their name.
    fn parameter(&self) -> String {
        self.part(2).split('.').map(quote).collect::<Vec<_>>().join(".")
    }

    fn set(&self, sides: &Sides) -> String {
        // Lists of names are kept as they were quoted.
        let list = matches!(
            self.part(2),
            "search_path"
                | "temp_tablespaces"
                | "local_preload_libraries"
                | "session_preload_libraries"
                | "shared_preload_libraries"
        );
        let value = match (list, self.value.is_empty()) {
            (true, true) | (false, _) => literal(&self.value),
            (true, false) => self.value.clone(),
        };
        self.alter(sides, &format!("SET {} TO {value}", self.parameter()))
    }
}

impl Item for Setting {
    fn kind(&self) -> Kind {
        Kind::Setting
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        match self.part(0) {
            "" => None,
            role => Some(Key::of(Kind::Role, &[role.to_owned()])),
        }
    }

    fn shown(&self) -> String {
        let parameter = self.part(2);
        match (self.part(0), self.part(1)) {
            ("", _) => format!("database {parameter}"),
            (role, "here") => format!("role {} in database {parameter}", name::part_of_name(role)),
            (role, _) => format!("role {} {parameter}", name::part_of_name(role)),
        }
    }

    fn gist(&self) -> String {
        self.value.clone()
    }

    fn phrase(&self) -> String {
        self.shown()
    }

    fn create(&self, sides: &Sides, script: &mut Script) {
        script.at(Stage::Notes, self.set(sides));
    }

    fn remove(&self, sides: &Sides) -> Option<String> {
        Some(self.alter(sides, &format!("RESET {}", self.parameter())))
    }

    fn alone(&self, _side: Alone) -> (Severity, &'static str) {
        (weight(self.part(2)), "Sessions begin with another value on the target.")
    }
}

/// Some parameters change what a statement means.
fn weight(parameter: &str) -> Severity {
    match parameter {
        "search_path" | "role" | "default_transaction_read_only" => Severity::Blocks,
        "TimeZone"
        | "timezone"
        | "DateStyle"
        | "datestyle"
        | "IntervalStyle"
        | "intervalstyle"
        | "default_transaction_isolation"
        | "synchronous_commit"
        | "session_replication_role"
        | "bytea_output"
        | "standard_conforming_strings"
        | "statement_timeout"
        | "lock_timeout"
        | "transaction_timeout"
        | "idle_in_transaction_session_timeout" => Severity::Data,
        _ => Severity::Speed,
    }
}

impl Compared for Setting {
    const ASPECTS: &'static [Aspect<Setting>] = &[Aspect {
        what: "value",
        same: Same::Text,
        value: |s| Some(s.value.clone()),
        means: |s, _| (weight(s.part(2)), "Sessions begin with another value on the target."),
        mend: |s, _, sides| Mend::one(s.set(sides)),
    }];
}
