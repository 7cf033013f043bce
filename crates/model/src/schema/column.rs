//! Columns of tables.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    grant::On,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    options::{listed, options_between, server_options, server_options_between},
    script::{Script, Stage},
};
use crate::ident::quote;

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Schema, table, column.
    pub head: Head,
    /// `character varying(255)`.
    #[serde(rename = "type")]
    pub sql_type: String,
    /// Where that is not the type's own, as SQL.
    pub collation: Option<String>,
    /// DEFAULT.
    pub default: Option<String>,
    /// NOT NULL.
    pub not_null: bool,
    /// `ALWAYS` or `BY DEFAULT`.
    pub identity: Option<String>,
    /// Expression of a generated column.
    pub generated: Option<String>,
    /// `STORED` or `VIRTUAL`.
    pub generated_how: Option<String>,
    /// PLAIN, MAIN, EXTERNAL or EXTENDED, where that is not the type's own.
    pub storage: Option<String>,
    /// The type's own, to go back to it.
    pub usual_storage: String,
    /// `pglz` or `lz4`, where one is set.
    pub compression: Option<String>,
    /// Statistics target, where one is set.
    pub statistics: Option<i32>,
    /// `n_distinct=5`.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
    /// Its options on a foreign server.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub server_options: Vec<String>,
    /// Tables that it is inherited from.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub inherited_from: Vec<Vec<String>>,
    /// Whether it is the table's own, inherited or not.
    pub local: bool,
    /// Whether its table is foreign.
    pub foreign: bool,
}

impl Column {
    fn own_name(&self) -> &str {
        self.head.name.last().map_or("", String::as_str)
    }

    fn word(&self) -> &'static str {
        if self.foreign { "FOREIGN TABLE" } else { "TABLE" }
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER {} {} ALTER COLUMN {} {what}", self.word(), self.head.relation(), quote(self.own_name()))
    }

    fn definition(&self) -> String {
        let mut sql = format!("{} {}", quote(self.own_name()), self.sql_type);
        if let Some(collation) = &self.collation {
            sql.push_str(&format!(" COLLATE {collation}"));
        }
        if !self.server_options.is_empty() {
            sql.push_str(&format!(" OPTIONS ({})", server_options(&self.server_options)));
        }
        if let Some(default) = &self.default {
            sql.push_str(&format!(" DEFAULT {default}"));
        }
        if let (Some(expression), Some(how)) = (&self.generated, &self.generated_how) {
            sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {how}"));
        }
        if let Some(identity) = &self.identity {
            sql.push_str(&format!(" GENERATED {identity} AS IDENTITY"));
        }
        if self.not_null {
            sql.push_str(" NOT NULL");
        }
        sql
    }

    fn generation(&self) -> Option<String> {
        Some(format!("({}) {}", self.generated.as_ref()?, self.generated_how.as_deref().unwrap_or("STORED")))
    }

    /// Settings that a definition has no place for.
    fn settings(&self, script: &mut Script) {
        if let Some(storage) = &self.storage {
            script.at(Stage::Finish, self.alter(&format!("SET STORAGE {storage}")));
        }
        if let Some(compression) = &self.compression {
            script.at(Stage::Finish, self.alter(&format!("SET COMPRESSION {compression}")));
        }
        if let Some(statistics) = self.statistics {
            script.at(Stage::Finish, self.alter(&format!("SET STATISTICS {statistics}")));
        }
        for sql in options_between(&self.options, &[], "") {
            script.at(Stage::Finish, self.alter(&sql));
        }
    }
}

impl Item for Column {
    fn kind(&self) -> Kind {
        Kind::Column
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.head.name))
    }

    fn heir_of(&self) -> Vec<Key> {
        let of = |table: &Vec<String>| {
            let path: Vec<String> = table.iter().cloned().chain([self.own_name().to_owned()]).collect();
            Key::of(Kind::Column, &path)
        };
        self.inherited_from.iter().map(of).collect()
    }

    fn gist(&self) -> String {
        let not_null = if self.not_null { " NOT NULL" } else { "" };
        format!("{}{not_null}", self.sql_type)
    }

    fn phrase(&self) -> String {
        format!("COLUMN {}", name::sql(&self.head.name))
    }

    fn granted_on(&self) -> On {
        let columns = format!(" ({})", quote(self.own_name()));
        On { columns, object: format!("TABLE {}", self.head.relation()), owner: String::new() }
    }

    fn inline(&self) -> Option<String> {
        self.local.then(|| self.definition())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        if !script.is_with_table(&self.key()) {
            script.at(
                Stage::Body,
                format!("ALTER {} {} ADD COLUMN {}", self.word(), self.head.relation(), self.definition()),
            );
        } else if let (false, Some(default)) = (self.local, &self.default) {
            script.at(Stage::Finish, self.alter(&format!("SET DEFAULT {default}")));
        }
        self.settings(script);
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        Some(format!("ALTER {} {} DROP COLUMN {}", self.word(), self.head.relation(), quote(self.own_name())))
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (
                Severity::Blocks,
                "Replication stops at the first row: the target has nowhere to put this column's values.",
            ),
            Alone::Extra
                if self.not_null && self.default.is_none() && self.identity.is_none() && self.generated.is_none() =>
            {
                (Severity::Blocks, "Replicated rows bring no value for it, and it takes no NULL.")
            }
            Alone::Extra => {
                (Severity::Data, "Replicated rows get its default, and on the way back its values are lost.")
            }
        }
    }
}

impl Compared for Column {
    const ASPECTS: &'static [Aspect<Column>] = &[
        Aspect {
            what: "type",
            same: Same::Text,
            value: |c| Some(c.sql_type.clone()),
            means: |_, _| {
                (
                    Severity::Data,
                    "A value that fits on the source can be refused, cut or rounded on the target, or on the way back.",
                )
            },
            mend: |s, t, _| {
                let collate = s.collation.as_ref().map_or(String::new(), |c| format!(" COLLATE {c}"));
                let own = quote(s.own_name());
                let using = if s.foreign { String::new() } else { format!(" USING {own}::{}", s.sql_type) };
                let to = t.alter(&format!("TYPE {}{collate}{using}", s.sql_type));
                match (&t.default, t.generated.is_some()) {
                    // A default of the old type may have no cast to the new one.
                    (Some(_), false) => Mend::Sql(
                        [
                            Some(t.alter("DROP DEFAULT")),
                            Some(to),
                            s.default.as_ref().map(|d| t.alter(&format!("SET DEFAULT {d}"))),
                        ]
                        .into_iter()
                        .flatten()
                        .collect(),
                    ),
                    (Some(_), true) | (None, _) => Mend::one(to),
                }
            },
        },
        Aspect {
            what: "collation",
            same: Same::Text,
            value: |c| c.collation.clone(),
            means: |_, _| {
                (Severity::Data, "Text sorts and compares another way: order of results, ranges and uniqueness differ.")
            },
            mend: |s, t, _| {
                let collation = s.collation.as_deref().unwrap_or("pg_catalog.\"default\"");
                Mend::one(t.alter(&format!("TYPE {} COLLATE {collation}", s.sql_type)))
            },
        },
        Aspect {
            what: "default",
            same: Same::Constant,
            value: |c| c.default.clone(),
            means: |s, _| {
                if s.default.is_some() && s.not_null {
                    (
                        Severity::Blocks,
                        "After the switch, rows that leave this column out get another value, or are refused.",
                    )
                } else {
                    (Severity::Data, "After the switch, rows that leave this column out get another value.")
                }
            },
            mend: |s, t, _| match &s.default {
                Some(default) => Mend::one(t.alter(&format!("SET DEFAULT {default}"))),
                None => Mend::one(t.alter("DROP DEFAULT")),
            },
        },
        Aspect {
            what: "identity",
            same: Same::Text,
            value: |c| c.identity.clone(),
            means: |_, _| (Severity::Blocks, "After the switch, inserts get their number another way, or are refused."),
            mend: |s, t, _| match (&s.identity, &t.identity) {
                (Some(how), Some(_)) => Mend::one(t.alter(&format!("SET GENERATED {how}"))),
                (Some(how), None) => {
                    let mut out = Vec::new();
                    if t.default.is_some() {
                        out.push(t.alter("DROP DEFAULT"));
                    }
                    if !t.not_null {
                        out.push(t.alter("SET NOT NULL"));
                    }
                    out.push(t.alter(&format!("ADD GENERATED {how} AS IDENTITY")));
                    Mend::Sql(out)
                }
                (None, _) => Mend::one(t.alter("DROP IDENTITY")),
            },
        },
        Aspect {
            what: "not null",
            same: Same::Text,
            value: |c| Some(if c.not_null { "NOT NULL" } else { "nullable" }.to_owned()),
            means: |s, _| {
                if s.not_null {
                    (Severity::Data, "The target takes NULL where the source does not.")
                } else {
                    (Severity::Blocks, "Replication stops at the first NULL.")
                }
            },
            mend: |s, t, _| Mend::one(t.alter(if s.not_null { "SET NOT NULL" } else { "DROP NOT NULL" })),
        },
        Aspect {
            what: "generated",
            same: Same::Definition,
            value: Column::generation,
            means: |s, t| match (&s.generated, &t.generated) {
                (_, None) => (Severity::Data, "The target does not compute this column: it keeps what it is given."),
                (None, Some(_)) => {
                    (Severity::Blocks, "The target computes this column and refuses values for it: replication stops.")
                }
                (Some(_), Some(_)) => (Severity::Data, "The target computes other values for this column."),
            },
            mend: |s, t, sides| match (&s.generated, &t.generated) {
                (None, Some(_)) if t.generated_how.as_deref() == Some("STORED") => {
                    Mend::one(t.alter("DROP EXPRESSION"))
                }
                (Some(expression), Some(_))
                    if s.generated_how == t.generated_how && sides.target_version >= 170_000 =>
                {
                    Mend::one(t.alter(&format!("SET EXPRESSION AS ({expression})")))
                }
                // Its values follow from the others, so making it again loses nothing.
                (Some(_), _) => Mend::Again,
                (None, _) => Mend::Nothing,
            },
        },
        Aspect {
            what: "storage",
            same: Same::Text,
            value: |c| c.storage.clone(),
            means: |_, _| (Severity::Speed, "Long values are compressed, or moved out of the row, by other rules."),
            mend: |s, t, _| {
                Mend::one(t.alter(&format!("SET STORAGE {}", s.storage.as_ref().unwrap_or(&s.usual_storage))))
            },
        },
        Aspect {
            what: "compression",
            same: Same::Text,
            value: |c| c.compression.clone(),
            means: |_, _| (Severity::Speed, "Long values are compressed by another method."),
            mend: |s, t, _| {
                Mend::one(t.alter(&format!("SET COMPRESSION {}", s.compression.as_deref().unwrap_or("default"))))
            },
        },
        Aspect {
            what: "statistics target",
            same: Same::Text,
            value: |c| c.statistics.map(|n| n.to_string()),
            means: |_, _| (Severity::Speed, "The planner knows more, or less, of this column."),
            mend: |s, t, _| Mend::one(t.alter(&format!("SET STATISTICS {}", s.statistics.unwrap_or(-1)))),
        },
        Aspect {
            what: "options",
            same: Same::Text,
            value: |c| listed(&c.options),
            means: |_, _| (Severity::Speed, "The planner is told another number of distinct values."),
            mend: |s, t, _| Mend::Sql(options_between(&s.options, &t.options, "").iter().map(|o| t.alter(o)).collect()),
        },
        Aspect {
            what: "server options",
            same: Same::Text,
            value: |c| listed(&c.server_options),
            means: |_, _| (Severity::Data, "It is read from another column of the foreign server."),
            mend: |s, t, _| {
                Mend::one(
                    t.alter(&format!("OPTIONS ({})", server_options_between(&s.server_options, &t.server_options))),
                )
            },
        },
    ];
}
