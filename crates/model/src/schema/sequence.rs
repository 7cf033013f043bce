//! Sequences: free, owned by a column, or a column's identity.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};

/// One sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name and the rest.
    pub head: Head,
    /// `bigint`.
    #[serde(rename = "type")]
    pub sql_type: String,
    /// START.
    pub start: i64,
    /// INCREMENT.
    pub increment: i64,
    /// MINVALUE.
    pub min: i64,
    /// MAXVALUE.
    pub max: i64,
    /// CACHE.
    pub cache: i64,
    /// CYCLE.
    pub cycle: bool,
    /// UNLOGGED.
    pub unlogged: bool,
    /// The column that owns it, or whose identity it is.
    pub column: Option<Vec<String>>,
    /// Whether it is that column's identity.
    pub identity: bool,
    /// The last number given out, where one was and we may see it. Not compared: the write switch moves it.
    pub last_value: Option<i64>,
}

impl Sequence {
    fn settings(&self) -> String {
        let cycle = if self.cycle { "CYCLE" } else { "NO CYCLE" };
        let Sequence { sql_type, increment, min, max, start, cache, .. } = self;
        format!(
            "AS {sql_type} INCREMENT BY {increment} MINVALUE {min} MAXVALUE {max} START WITH {start} CACHE {cache} {cycle}"
        )
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER SEQUENCE {} {what}", name::sql(&self.head.name))
    }

    fn owned_by(&self) -> String {
        match &self.column {
            Some(column) => self.alter(&format!("OWNED BY {}", name::sql(column))),
            None => self.alter("OWNED BY NONE"),
        }
    }
}

impl Item for Sequence {
    fn kind(&self) -> Kind {
        Kind::Sequence
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn key(&self) -> Key {
        // An identity is known by its column, whatever its sequence is called.
        match (&self.column, self.identity) {
            (Some(column), true) => Key::of(Kind::Sequence, column),
            (Some(_), false) | (None, _) => Key::of(Kind::Sequence, &self.head.name),
        }
    }

    fn parent(&self) -> Option<Key> {
        match &self.column {
            Some(column) => Some(Key::of(Kind::Column, column)),
            None => Key::schema(&self.head.name),
        }
    }

    fn gist(&self) -> String {
        let of = self.column.as_ref().map_or(String::new(), |c| format!(" of {}", name::printable(c)));
        format!("{}{of}", self.settings())
    }

    fn phrase(&self) -> String {
        format!("SEQUENCE {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        if self.identity {
            let Some(column) = self.column.as_ref().filter(|c| c.len() == 3) else { return };
            let (table, own) = (name::sql(&column[..2]), crate::ident::quote(&column[2]));
            let Sequence { increment, min, max, start, cache, .. } = self;
            let cycle = if self.cycle { "CYCLE" } else { "NO CYCLE" };
            script.at(
                Stage::Finish,
                format!(
                    "ALTER TABLE {table} ALTER COLUMN {own} SET INCREMENT BY {increment} SET MINVALUE {min} \
                     SET MAXVALUE {max} SET START WITH {start} SET CACHE {cache} SET {cycle} RESTART"
                ),
            );
            return;
        }
        let unlogged = if self.unlogged { "UNLOGGED " } else { "" };
        script.at(Stage::Before, format!("CREATE {unlogged}{} {}", self.phrase(), self.settings()));
        if self.column.is_some() {
            // After its column's table has got its owner: both have to have the same.
            script.at(Stage::Notes, self.owned_by());
        }
    }

    fn owns_itself(&self) -> bool {
        // With a column, it has to belong to whom the table belongs.
        self.column.is_none()
    }

    fn told_by_another(&self) -> bool {
        // The column's identity is compared with the column.
        self.identity
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "After the switch, whoever asks it for a number gets an error."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source asks it for numbers."),
        }
    }
}

/// A number of a sequence, and what a wrong one does.
macro_rules! number {
    ($what:literal, $field:ident, $severity:expr, $why:literal, $sql:literal) => {
        Aspect {
            what: $what,
            same: Same::Text,
            value: |s| Some(s.$field.to_string()),
            means: |_, _| ($severity, $why),
            mend: |s, t, _| Mend::one(t.alter(&format!($sql, s.$field))),
        }
    };
}

impl Compared for Sequence {
    const ASPECTS: &'static [Aspect<Sequence>] = &[
        Aspect {
            what: "name",
            same: Same::Text,
            value: |s| Some(name::printable(&s.head.name)),
            means: |_, _| {
                (Severity::Data, "Whoever asks it by its name for a number gets an error, or another sequence's.")
            },
            mend: |s, t, _| match s.head.name.last() {
                Some(own) => Mend::one(t.alter(&format!("RENAME TO {}", crate::ident::quote(own)))),
                None => Mend::Nothing,
            },
        },
        Aspect {
            what: "type",
            same: Same::Text,
            value: |s| Some(s.sql_type.clone()),
            means: |_, _| {
                (Severity::Data, "The target runs out of numbers earlier or later, or gives out some that do not fit.")
            },
            mend: |s, t, _| Mend::one(t.alter(&format!("AS {} MINVALUE {} MAXVALUE {}", s.sql_type, s.min, s.max))),
        },
        number!(
            "increment",
            increment,
            Severity::Data,
            "Numbers that the application counts on being apart are not.",
            "INCREMENT BY {}"
        ),
        number!("minimum", min, Severity::Data, "The target refuses, or gives out, other numbers.", "MINVALUE {}"),
        number!("maximum", max, Severity::Blocks, "The target runs out of numbers at another point.", "MAXVALUE {}"),
        number!("start", start, Severity::Cosmetic, "A RESTART begins at another number.", "START WITH {}"),
        number!("cache", cache, Severity::Speed, "Sessions fetch more, or fewer, numbers at once.", "CACHE {}"),
        Aspect {
            what: "cycle",
            same: Same::Text,
            value: |s| Some(if s.cycle { "CYCLE" } else { "NO CYCLE" }.to_owned()),
            means: |_, _| (Severity::Data, "At its end one side begins again, the other refuses."),
            mend: |s, t, _| Mend::one(t.alter(if s.cycle { "CYCLE" } else { "NO CYCLE" })),
        },
        Aspect {
            what: "persistence",
            same: Same::Text,
            value: |s| Some(if s.unlogged { "unlogged" } else { "logged" }.to_owned()),
            means: |_, _| (Severity::Data, "An unlogged sequence begins again after a crash."),
            mend: |s, t, sides| {
                // One that is owned goes with its table.
                if s.column.is_some() || sides.target_version < 150_000 {
                    return Mend::Nothing;
                }
                Mend::one(t.alter(if s.unlogged { "SET UNLOGGED" } else { "SET LOGGED" }))
            },
        },
        Aspect {
            what: "owned by",
            same: Same::Text,
            value: |s| s.column.as_ref().map(|c| name::printable(c)),
            means: |_, _| (Severity::Cosmetic, "It goes, or stays, when the column is dropped."),
            mend: |s, _, _| Mend::one(s.owned_by()),
        },
    ];
}
