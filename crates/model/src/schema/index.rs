//! Indexes that belong to no constraint.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, columns_of, none_is_empty},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::quote;

/// One index. Those of partitions that come from the whole table's are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Schema, index.
    pub head: Head,
    /// Its table or materialised view.
    pub table: Vec<String>,
    /// `btree`.
    pub method: String,
    /// UNIQUE.
    pub unique: bool,
    /// As the server writes it, without the name of table and index: `USING btree (a) WHERE (b > 0)`.
    pub definition: String,
    /// Whether queries may use it.
    pub valid: bool,
    /// Where that is not the database's own.
    pub tablespace: Option<String>,
    /// Whether `CLUSTER` goes by it.
    pub clustered: bool,
    /// Columns of its table that it is made of, in expressions and its condition too.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub columns: Vec<String>,
}

impl Index {
    fn make(&self) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let own = quote(self.head.name.last().map_or("", String::as_str));
        format!("CREATE {unique}INDEX {own} ON {} {}", name::sql(&self.table), self.definition)
    }

    fn whole(&self) -> String {
        format!("{}{}", if self.unique { "UNIQUE " } else { "" }, self.definition)
    }
}

impl Item for Index {
    fn kind(&self) -> Kind {
        Kind::Index
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.table))
    }

    fn uses(&self) -> Vec<Key> {
        columns_of(&self.table, &self.columns)
    }

    fn twin(&self) -> Option<Key> {
        let path: Vec<String> = self.table.iter().chain(self.head.name.last()).cloned().collect();
        Some(Key::of(Kind::Constraint, &path))
    }

    fn shape(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn gist(&self) -> String {
        format!("{} on {}", self.whole(), name::printable(&self.table))
    }

    fn phrase(&self) -> String {
        format!("INDEX {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Keys, self.make());
        if let Some(space) = &self.tablespace {
            script.at(Stage::Keys, format!("ALTER {} SET TABLESPACE {}", self.phrase(), quote(space)));
        }
        if self.clustered {
            let own = quote(self.head.name.last().map_or("", String::as_str));
            script.at(Stage::References, format!("ALTER TABLE {} CLUSTER ON {own}", name::sql(&self.table)));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match (side, self.unique) {
            (Alone::Missing, true) => (
                Severity::Data,
                "After the switch, duplicates that the source would refuse are taken, and ON CONFLICT fails.",
            ),
            (Alone::Missing, false) => {
                (Severity::Speed, "Queries that use it on the source read the whole table on the target.")
            }
            (Alone::Extra, true) => (
                Severity::Blocks,
                "The target refuses rows that the source takes: replication stops at the first of them.",
            ),
            (Alone::Extra, false) => (Severity::Speed, "Every write on the target pays for it."),
        }
    }
}

impl Compared for Index {
    const ASPECTS: &'static [Aspect<Index>] = &[
        Aspect {
            what: "table",
            same: Same::Text,
            value: |i| Some(name::printable(&i.table)),
            means: |_, _| (Severity::Speed, "An index of this name is on another table."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |i| Some(i.whole()),
            means: |s, t| match (s.unique, t.unique) {
                (true, false) => {
                    (Severity::Data, "After the switch, duplicates that the source would refuse are taken.")
                }
                (false, true) => {
                    (Severity::Blocks, "The target refuses duplicates that the source takes: replication stops.")
                }
                (true, true) => (Severity::Data, "The two sides refuse different rows."),
                (false, false) => {
                    (Severity::Speed, "Queries that use it on the source may not be able to on the target.")
                }
            },
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "validity",
            same: Same::Text,
            value: |i| Some(if i.valid { "valid" } else { "invalid" }.to_owned()),
            means: |s, _| {
                if s.valid {
                    (
                        Severity::Speed,
                        "No query uses an invalid index, and every write pays for it: a CREATE INDEX CONCURRENTLY failed.",
                    )
                } else {
                    (
                        Severity::Cosmetic,
                        "The source's index is invalid and the target's is not; rebuild or drop the source's.",
                    )
                }
            },
            mend: |s, t, _| if s.valid { Mend::one(format!("REINDEX {}", t.phrase())) } else { Mend::Nothing },
        },
        Aspect {
            what: "tablespace",
            same: Same::Text,
            value: |i| i.tablespace.clone(),
            means: |_, _| (Severity::Speed, "It lies on another disk than planned."),
            mend: |s, t, _| {
                let space = quote(s.tablespace.as_deref().unwrap_or("pg_default"));
                Mend::one(format!("ALTER {} SET TABLESPACE {space}", t.phrase()))
            },
        },
        Aspect {
            what: "cluster",
            same: Same::Text,
            value: |i| Some(if i.clustered { "CLUSTER goes by it" } else { "no" }.to_owned()),
            means: |_, _| (Severity::Speed, "CLUSTER orders the table by another index, or by none."),
            mend: |s, t, _| {
                let own = quote(t.head.name.last().map_or("", String::as_str));
                let table = name::sql(&t.table);
                Mend::one(if s.clustered {
                    format!("ALTER TABLE {table} CLUSTER ON {own}")
                } else {
                    format!("ALTER TABLE {table} SET WITHOUT CLUSTER")
                })
            },
        },
    ];
}
