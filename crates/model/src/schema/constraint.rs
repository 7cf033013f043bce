//! Constraints of tables.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, columns_of, none_is_empty},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::quote;

/// What a constraint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
    /// CHECK.
    Check,
    /// FOREIGN KEY.
    Foreign,
    /// EXCLUDE.
    Exclusion,
}

/// One constraint. Those of partitions that come from the whole table are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Schema, table, constraint.
    pub head: Head,
    /// What it is.
    pub sort: Sort,
    /// As the server writes it, without NOT VALID.
    pub definition: String,
    /// Not NOT VALID.
    pub valid: bool,
    /// The table that a foreign key refers to.
    pub references: Option<Vec<String>>,
    /// Where its index lies, if not in the database's own.
    pub tablespace: Option<String>,
    /// Whether its table is foreign.
    pub foreign_table: bool,
    /// Columns of its table that it is about.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub columns: Vec<String>,
}

impl Constraint {
    fn alter(&self, what: &str) -> String {
        let word = if self.foreign_table { "FOREIGN TABLE" } else { "TABLE" };
        format!("ALTER {word} {} {what}", self.head.relation())
    }

    fn add(&self) -> String {
        let not_valid = if self.valid { "" } else { " NOT VALID" };
        self.alter(&format!("ADD CONSTRAINT {} {}{not_valid}", self.head.own_name(), self.definition))
    }

    fn drop(&self) -> String {
        self.alter(&format!("DROP CONSTRAINT {}", self.head.own_name()))
    }
}

impl Item for Constraint {
    fn kind(&self) -> Kind {
        Kind::Constraint
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::relation(&self.head.name))
    }

    fn uses(&self) -> Vec<Key> {
        columns_of(&self.head.name, &self.columns)
    }

    fn needs(&self) -> Option<Key> {
        self.references.as_ref().map(|table| Key::relation(table))
    }

    fn twin(&self) -> Option<Key> {
        match (self.sort, self.head.name.as_slice()) {
            (Sort::Primary | Sort::Unique | Sort::Exclusion, [schema, _, own]) => {
                Some(Key::of(Kind::Index, &[schema.clone(), own.clone()]))
            }
            (Sort::Primary | Sort::Unique | Sort::Exclusion | Sort::Check | Sort::Foreign, _) => None,
        }
    }

    fn shape(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn gist(&self) -> String {
        self.definition.clone()
    }

    fn phrase(&self) -> String {
        format!("CONSTRAINT {} ON {}", self.head.own_name(), self.head.relation())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let stage = match self.sort {
            Sort::Primary | Sort::Unique | Sort::Check | Sort::Exclusion => Stage::Keys,
            Sort::Foreign => Stage::References,
        };
        script.at(stage, self.add());
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        Some(self.drop())
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match (side, self.sort) {
            (Alone::Missing, Sort::Primary) => {
                (Severity::Blocks, "UPDATE and DELETE find their row by it, in replication and on the way back.")
            }
            (Alone::Missing, Sort::Unique | Sort::Exclusion) => (
                Severity::Data,
                "After the switch, rows that the source would refuse are taken, and ON CONFLICT fails.",
            ),
            (Alone::Missing, Sort::Check | Sort::Foreign) => {
                (Severity::Data, "After the switch, rows that the source would refuse are taken.")
            }
            (Alone::Extra, Sort::Primary | Sort::Unique | Sort::Exclusion | Sort::Check) => (
                Severity::Blocks,
                "The target refuses rows that the source takes: replication stops at the first of them.",
            ),
            (Alone::Extra, Sort::Foreign) => {
                (Severity::Blocks, "After the switch, the target refuses rows that the source takes.")
            }
        }
    }
}

impl Compared for Constraint {
    const ASPECTS: &'static [Aspect<Constraint>] = &[
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |c| Some(c.definition.clone()),
            means: |_, _| (Severity::Data, "The two sides refuse different rows."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "validity",
            same: Same::Text,
            value: |c| Some(if c.valid { "valid" } else { "NOT VALID" }.to_owned()),
            means: |s, _| {
                if s.valid {
                    (Severity::Data, "The target has not checked the rows that were there before the constraint.")
                } else {
                    (
                        Severity::Cosmetic,
                        "The target has checked all its rows; some of the source's may break the constraint.",
                    )
                }
            },
            mend: |s, t, _| {
                if s.valid {
                    Mend::one(t.alter(&format!("VALIDATE CONSTRAINT {}", t.head.own_name())))
                } else {
                    Mend::Again
                }
            },
        },
        Aspect {
            what: "tablespace",
            same: Same::Text,
            value: |c| c.tablespace.clone(),
            means: |_, _| (Severity::Speed, "Its index lies on another disk than planned."),
            mend: |s, t, _| {
                let index: Vec<String> =
                    [t.head.name.first(), t.head.name.last()].into_iter().flatten().cloned().collect();
                let space = quote(s.tablespace.as_deref().unwrap_or("pg_default"));
                Mend::one(format!("ALTER INDEX {} SET TABLESPACE {space}", name::sql(&index)))
            },
        },
    ];
}
