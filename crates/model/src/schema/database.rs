//! The database itself.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::Script,
};
use crate::ident::quote;

/// One database. Its name may differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Its name and the rest.
    pub head: Head,
    /// `UTF8`.
    pub encoding: String,
    /// Provider, LC_COLLATE, LC_CTYPE and locale.
    pub locale: String,
    /// Version of its collation as the operating system has it now.
    pub collation_version: Option<String>,
    /// TimeZone of the server's configuration; none where it may not be seen.
    pub time_zone: Option<String>,
    /// Where its tables lie.
    pub tablespace: String,
    /// CONNECTION LIMIT, -1 for none.
    pub connections: i32,
    /// Whole size, bytes; none where it may not be seen. Not compared.
    pub bytes: Option<i64>,
}

impl Item for Database {
    fn kind(&self) -> Kind {
        Kind::Database
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn key(&self) -> Key {
        Key::of(Kind::Database, &[])
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        format!("{} {}", self.encoding, self.locale)
    }

    fn phrase(&self) -> String {
        format!("DATABASE {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, _script: &mut Script) {}

    fn is_made(&self) -> bool {
        false
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        None
    }

    fn alone(&self, _side: Alone) -> (Severity, &'static str) {
        (Severity::Blocks, "There is no database to compare with.")
    }
}

impl Compared for Database {
    const ASPECTS: &'static [Aspect<Database>] = &[
        Aspect {
            what: "encoding",
            same: Same::Text,
            value: |d| Some(d.encoding.clone()),
            means: |_, _| {
                (
                    Severity::Blocks,
                    "Characters that one side knows and the other does not stop replication. Make the database again with the source's encoding.",
                )
            },
            mend: |_, _, _| Mend::Nothing,
        },
        Aspect {
            what: "locale",
            same: Same::Text,
            value: |d| Some(d.locale.clone()),
            means: |_, _| {
                (
                    Severity::Data,
                    "Text sorts, compares and changes case another way. Only a new database gets another locale.",
                )
            },
            mend: |_, _, _| Mend::Nothing,
        },
        Aspect {
            what: "collation version",
            same: Same::Text,
            value: |d| d.collation_version.clone(),
            means: |_, _| {
                (
                    Severity::Data,
                    "The operating systems sort text by different rules: order of results and ranges of text may differ. Indexes that were built on the target are sound.",
                )
            },
            mend: |_, _, _| Mend::Nothing,
        },
        Aspect {
            what: "time zone",
            same: Same::Text,
            value: |d| d.time_zone.clone(),
            means: |_, _| {
                (
                    Severity::Data,
                    "Times without a zone, now()::date and defaults mean another moment for sessions that set no zone.",
                )
            },
            mend: |s, t, _| match (&s.time_zone, &t.time_zone) {
                (Some(zone), Some(_)) => Mend::Sql(vec![
                    format!("ALTER SYSTEM SET \"TimeZone\" TO {}", crate::ident::literal(zone)),
                    "SELECT pg_reload_conf()".into(),
                ]),
                // One side may not be seen.
                (Some(_), None) | (None, _) => Mend::Nothing,
            },
        },
        Aspect {
            what: "tablespace",
            same: Same::Text,
            value: |d| Some(d.tablespace.clone()),
            means: |_, _| {
                (Severity::Speed, "Its tables lie on another disk than planned. Moving it needs every session out.")
            },
            mend: |_, _, _| Mend::Nothing,
        },
        Aspect {
            what: "connection limit",
            same: Same::Text,
            value: |d| (d.connections >= 0).then(|| d.connections.to_string()),
            means: |_, _| (Severity::Blocks, "Connections are refused at another number."),
            mend: |s, t, _| {
                let own = quote(t.head.name.first().map_or("", String::as_str));
                Mend::one(format!("ALTER DATABASE {own} CONNECTION LIMIT {}", s.connections))
            },
        },
    ];
}
