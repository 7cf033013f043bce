//! Publications, but ours.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    options::listed,
    script::{Script, Stage},
};

/// One publication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// Its name and the rest.
    pub head: Head,
    /// FOR ALL TABLES.
    pub all_tables: bool,
    /// Tables as SQL, with their columns and row filter.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub tables: Vec<String>,
    /// Schemas, as SQL.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub schemas: Vec<String>,
    /// `insert, update, delete, truncate`.
    pub actions: String,
    /// `publish_via_partition_root`.
    pub via_root: bool,
}

impl Publication {
    fn content(&self) -> Option<String> {
        if self.all_tables {
            return Some("ALL TABLES".into());
        }
        let mut parts: Vec<String> = self.tables.iter().map(|t| format!("TABLE {t}")).collect();
        parts.extend(self.schemas.iter().map(|s| format!("TABLES IN SCHEMA {s}")));
        listed(&parts)
    }

    fn options(&self) -> String {
        format!("publish = '{}', publish_via_partition_root = {}", self.actions, self.via_root)
    }
}

impl Item for Publication {
    fn kind(&self) -> Kind {
        Kind::Publication
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        format!("for {}", self.content().unwrap_or_else(|| "nothing".into()))
    }

    fn phrase(&self) -> String {
        format!("PUBLICATION {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let content = self.content().map_or(String::new(), |c| format!(" FOR {c}"));
        script.at(Stage::Reactions, format!("CREATE {}{content} WITH ({})", self.phrase(), self.options()));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => {
                (Severity::Data, "Whoever is fed by it gets no changes once the writes are on the target.")
            }
            Alone::Extra => (Severity::Cosmetic, "Nobody is fed by it on the source."),
        }
    }
}

impl Compared for Publication {
    const ASPECTS: &'static [Aspect<Publication>] = &[
        Aspect {
            what: "tables",
            same: Same::Definition,
            value: Publication::content,
            means: |_, _| {
                (
                    Severity::Data,
                    "Whoever is fed by it gets changes of other tables, columns or rows once the writes are on the target.",
                )
            },
            mend: |s, t, _| match s.content() {
                Some(content) if !s.all_tables && !t.all_tables => {
                    Mend::one(format!("ALTER {} SET {content}", t.phrase()))
                }
                Some(_) => Mend::Again,
                None => match t.content() {
                    Some(content) if !t.all_tables => {
                        // A filter is no part of a DROP.
                        let tables: Vec<String> = t.tables.iter().map(|t| bare(t)).collect();
                        let mut out = Vec::new();
                        if !tables.is_empty() {
                            out.push(format!("ALTER {} DROP TABLE {}", t.phrase(), tables.join(", ")));
                        }
                        if !t.schemas.is_empty() {
                            out.push(format!("ALTER {} DROP TABLES IN SCHEMA {}", t.phrase(), t.schemas.join(", ")));
                        }
                        debug_assert!(!content.is_empty(), "something to drop");
                        Mend::Sql(out)
                    }
                    Some(_) | None => Mend::Again,
                },
            },
        },
        Aspect {
            what: "options",
            same: Same::Text,
            value: |p| Some(p.options()),
            means: |_, _| {
                (Severity::Data, "Whoever is fed by it gets other kinds of changes, or under other tables' names.")
            },
            mend: |s, t, _| Mend::one(format!("ALTER {} SET ({})", t.phrase(), s.options())),
        },
    ];
}

/// The quoted name at the beginning.
fn bare(table: &str) -> String {
    let mut inside = false;
    let end = table.char_indices().find(|(_, c)| {
        if *c == '"' {
            inside = !inside;
        }
        *c == ' ' && !inside
    });
    end.map_or(table, |(at, _)| &table[..at]).to_owned()
}
