//! Types that somebody made: enums, domains, composites, ranges.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    grant::On,
    item::{Alone, Aspect, Compared, Head, Item, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    script::{Script, Stage},
};
use crate::ident::{literal, quote};

/// What a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// CREATE TYPE … AS ENUM.
    Enum,
    /// CREATE DOMAIN.
    Domain,
    /// CREATE TYPE … AS (…).
    Composite,
    /// CREATE TYPE … AS RANGE.
    Range,
}

/// A column of a composite type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type, with its collation where that is not the type's own, as SQL.
    #[serde(rename = "type")]
    pub sql_type: String,
}

/// A check of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// `CHECK ((VALUE > 0))`, with NOT VALID where it is.
    pub definition: String,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Type {
    /// Its name and the rest.
    pub head: Head,
    /// What it is.
    pub sort: Sort,
    /// Labels of an enum in order.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub labels: Vec<String>,
    /// Type under a domain, with its collation, as SQL.
    pub base: Option<String>,
    /// DEFAULT of a domain.
    pub default: Option<String>,
    /// NOT NULL of a domain.
    pub not_null: bool,
    /// Checks of a domain.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub checks: Vec<Check>,
    /// Columns of a composite type.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub attributes: Vec<Attribute>,
    /// What is in the brackets after AS RANGE.
    pub range: Option<String>,
}

impl Type {
    fn sql(&self) -> String {
        name::sql(&self.head.name)
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER {} {what}", self.phrase())
    }

    fn checks_shown(&self) -> Option<String> {
        let mut all: Vec<String> =
            self.checks.iter().map(|c| format!("{} {}", name::part_of_name(&c.name), c.definition)).collect();
        all.sort();
        (!all.is_empty()).then(|| all.join(", "))
    }

    fn attributes_shown(&self) -> Option<String> {
        let all = self.attributes.iter().map(|a| format!("{} {}", name::part_of_name(&a.name), a.sql_type));
        (!self.attributes.is_empty()).then(|| all.collect::<Vec<_>>().join(", "))
    }
}

impl Item for Type {
    fn kind(&self) -> Kind {
        Kind::Type
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn gist(&self) -> String {
        match self.sort {
            Sort::Enum => format!("enum ({})", self.labels.iter().map(|l| literal(l)).collect::<Vec<_>>().join(", ")),
            Sort::Domain => format!("domain over {}", self.base.as_deref().unwrap_or("?")),
            Sort::Composite => format!("composite ({})", self.attributes_shown().unwrap_or_default()),
            Sort::Range => format!("range ({})", self.range.as_deref().unwrap_or("")),
        }
    }

    fn phrase(&self) -> String {
        match self.sort {
            Sort::Domain => format!("DOMAIN {}", self.sql()),
            Sort::Enum | Sort::Composite | Sort::Range => format!("TYPE {}", self.sql()),
        }
    }

    fn granted_on(&self) -> On {
        let owner = self.head.owner.clone().unwrap_or_default();
        On { columns: String::new(), object: format!("TYPE {}", self.sql()), owner }
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let sql = match self.sort {
            Sort::Enum => {
                let labels: Vec<String> = self.labels.iter().map(|l| literal(l)).collect();
                format!("CREATE TYPE {} AS ENUM ({})", self.sql(), labels.join(", "))
            }
            Sort::Domain => {
                let default = self.default.as_ref().map_or(String::new(), |d| format!(" DEFAULT {d}"));
                let not_null = if self.not_null { " NOT NULL" } else { "" };
                format!("CREATE DOMAIN {} AS {}{default}{not_null}", self.sql(), self.base.as_deref().unwrap_or(""))
            }
            Sort::Composite => {
                let columns: Vec<String> =
                    self.attributes.iter().map(|a| format!("{} {}", quote(&a.name), a.sql_type)).collect();
                format!("CREATE TYPE {} AS ({})", self.sql(), columns.join(", "))
            }
            Sort::Range => format!("CREATE TYPE {} AS RANGE ({})", self.sql(), self.range.as_deref().unwrap_or("")),
        };
        script.at(Stage::Body, sql);
        for check in &self.checks {
            script.at(Stage::Keys, self.alter(&format!("ADD CONSTRAINT {} {}", quote(&check.name), check.definition)));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "What is made of it cannot be made, and casts to it fail."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source is made of it."),
        }
    }
}

impl Compared for Type {
    const DECISIVE: &'static [&'static str] = &["sort"];
    const ASPECTS: &'static [Aspect<Type>] = &[
        Aspect {
            what: "sort",
            same: Same::Text,
            value: |t| Some(format!("{:?}", t.sort).to_lowercase()),
            means: |_, _| (Severity::Blocks, "Its values are something else altogether."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "labels",
            same: Same::Text,
            value: |t| {
                (t.sort == Sort::Enum).then(|| t.labels.iter().map(|l| literal(l)).collect::<Vec<_>>().join(", "))
            },
            means: |s, t| {
                if s.labels.iter().all(|l| t.labels.contains(l)) {
                    (
                        Severity::Data,
                        "The target takes labels that the source refuses, or sorts them another way: the way back stops at them.",
                    )
                } else {
                    (Severity::Blocks, "Replication stops at the first row with a label that the target does not know.")
                }
            },
            mend: mend_labels,
        },
        Aspect {
            what: "base type",
            same: Same::Text,
            value: |t| t.base.clone(),
            means: |_, _| {
                (Severity::Data, "A value that fits on the source can be refused, cut or rounded on the target.")
            },
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "default",
            same: Same::Constant,
            value: |t| t.default.clone(),
            means: |_, _| (Severity::Data, "After the switch, rows that leave such a column out get another value."),
            mend: |s, t, _| match &s.default {
                Some(default) => Mend::one(t.alter(&format!("SET DEFAULT {default}"))),
                None => Mend::one(t.alter("DROP DEFAULT")),
            },
        },
        Aspect {
            what: "not null",
            same: Same::Text,
            value: |t| (t.sort == Sort::Domain).then(|| if t.not_null { "NOT NULL" } else { "nullable" }.to_owned()),
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
            what: "checks",
            same: Same::Definition,
            value: Type::checks_shown,
            means: |_, _| (Severity::Data, "The two sides refuse different values."),
            mend: |s, t, _| {
                let gone = t.checks.iter().filter(|c| !s.checks.contains(c));
                let new = s.checks.iter().filter(|c| !t.checks.contains(c));
                Mend::Sql(
                    gone.map(|c| t.alter(&format!("DROP CONSTRAINT {}", quote(&c.name))))
                        .chain(new.map(|c| t.alter(&format!("ADD CONSTRAINT {} {}", quote(&c.name), c.definition))))
                        .collect(),
                )
            },
        },
        Aspect {
            what: "attributes",
            same: Same::Text,
            value: Type::attributes_shown,
            means: |_, _| (Severity::Blocks, "Values of it do not fit: replication stops at the first of them."),
            mend: mend_attributes,
        },
        Aspect {
            what: "range",
            same: Same::Text,
            value: |t| t.range.clone(),
            means: |_, _| (Severity::Data, "Ranges hold, sort or show other values."),
            mend: |_, _, _| Mend::Again,
        },
    ];
}

/// Labels can be added anywhere and renamed, never removed or moved.
fn mend_labels(s: &Type, t: &Type, _: &Sides) -> Mend {
    let gone: Vec<&String> = t.labels.iter().filter(|l| !s.labels.contains(l)).collect();
    let new: Vec<&String> = s.labels.iter().filter(|l| !t.labels.contains(l)).collect();
    let place = |labels: &[String], of: &str| labels.iter().position(|l| l == of);
    if gone.len() == new.len() && gone.iter().zip(&new).all(|(g, n)| place(&t.labels, g) == place(&s.labels, n)) {
        let renames = gone.iter().zip(&new);
        let sql = renames.map(|(g, n)| t.alter(&format!("RENAME VALUE {} TO {}", literal(g), literal(n))));
        return if gone.is_empty() { Mend::Again } else { Mend::Sql(sql.collect()) };
    }
    let kept: Vec<&String> = s.labels.iter().filter(|l| t.labels.contains(l)).collect();
    if !gone.is_empty() || kept != t.labels.iter().collect::<Vec<_>>() {
        return Mend::Again;
    }
    let mut out = Vec::new();
    for (n, label) in s.labels.iter().enumerate().filter(|(_, l)| !t.labels.contains(l)) {
        // Those before it are there by now, added or not.
        let at = match n.checked_sub(1).and_then(|before| s.labels.get(before)) {
            Some(before) => format!("AFTER {}", literal(before)),
            None => t.labels.first().map_or(String::new(), |first| format!("BEFORE {}", literal(first))),
        };
        out.push(t.alter(&format!("ADD VALUE {} {at}", literal(label))).trim_end().to_owned());
    }
    Mend::Sql(out)
}

fn mend_attributes(s: &Type, t: &Type, _: &Sides) -> Mend {
    let of = |list: &[Attribute], name: &str| list.iter().find(|a| a.name == name).cloned();
    // A new one comes last, so the order can be had only where the target's begins like the source's.
    let mut becomes: Vec<&str> =
        t.attributes.iter().map(|a| a.name.as_str()).filter(|n| of(&s.attributes, n).is_some()).collect();
    becomes.extend(s.attributes.iter().map(|a| a.name.as_str()).filter(|n| of(&t.attributes, n).is_none()));
    if !becomes.iter().copied().eq(s.attributes.iter().map(|a| a.name.as_str())) {
        return Mend::Again;
    }
    let mut out = Vec::new();
    for gone in t.attributes.iter().filter(|a| of(&s.attributes, &a.name).is_none()) {
        out.push(t.alter(&format!("DROP ATTRIBUTE {}", quote(&gone.name))));
    }
    for wanted in &s.attributes {
        match of(&t.attributes, &wanted.name) {
            Some(found) if found == *wanted => {}
            Some(_) => out.push(t.alter(&format!("ALTER ATTRIBUTE {} TYPE {}", quote(&wanted.name), wanted.sql_type))),
            None => out.push(t.alter(&format!("ADD ATTRIBUTE {} {}", quote(&wanted.name), wanted.sql_type))),
        }
    }
    Mend::Sql(out)
}
