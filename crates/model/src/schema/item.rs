//! What every object has in common, and what is asked of every kind.

use serde::{Deserialize, Serialize};

use super::{
    difference::{Severity, Status},
    grant::{Grant, On},
    kind::Kind,
    name,
    script::Script,
};
use crate::ident::quote;

/// What every object has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Head {
    /// Number in its server's catalog; 0 where it has none. Not compared.
    #[serde(default, skip_serializing)]
    pub oid: u32,
    /// Its path, as stored in the catalog.
    pub name: Vec<String>,
    /// `COMMENT ON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its owner, for kinds that have one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Rights, as far as they depart from what such an object has by itself.
    #[serde(default, deserialize_with = "none_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

impl Head {
    /// The last part of its path, quoted.
    pub(super) fn own_name(&self) -> String {
        quote(self.name.last().map_or("", String::as_str))
    }

    /// The relation that it belongs to, as SQL: the first two parts of its path.
    pub(super) fn relation(&self) -> String {
        name::sql(&self.name[..self.name.len().min(2)])
    }
}

/// A list that the server gives as NULL when it is empty.
pub(super) fn none_is_empty<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        let Head { oid: _, name, comment, owner, grants } = self;
        *name == other.name && *comment == other.comment && *owner == other.owner && *grants == other.grants
    }
}

/// Which object: the space of its name, and its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(super) Kind, pub(super) Vec<String>);

impl Key {
    /// Of an object of this kind.
    pub(super) fn of(kind: Kind, path: &[String]) -> Key {
        Key(kind.space(), path.to_vec())
    }

    /// Of the schema that a path begins with.
    pub(super) fn schema(path: &[String]) -> Option<Key> {
        path.first().map(|schema| Key(Kind::Schema, vec![schema.clone()]))
    }

    /// Of the relation that a path of a part of it begins with.
    pub(super) fn relation(path: &[String]) -> Key {
        Key(Kind::Table, path.iter().take(2).cloned().collect())
    }
}

/// Columns of a table as keys.
pub(super) fn columns_of(table: &[String], columns: &[String]) -> Vec<Key> {
    let end = table.len().min(2);
    let key = |column: &String| Key(Kind::Column, table[..end].iter().chain([column]).cloned().collect());
    columns.iter().map(key).collect()
}

/// What statements have to know of the two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// `server_version_num` of the source.
    pub source_version: i32,
    /// `server_version_num` of the target.
    pub target_version: i32,
    /// The target's database.
    pub database: String,
}

impl Sides {
    /// Whether the two servers may spell one definition differently.
    pub(super) fn differ_in_major(&self) -> bool {
        self.source_version / 10_000 != self.target_version / 10_000
    }
}

/// Any object.
pub trait Item: Send + Sync {
    /// What it is.
    fn kind(&self) -> Kind;
    /// What it has in common with others.
    fn head(&self) -> &Head;
    /// By what it is found on the other side.
    fn key(&self) -> Key {
        Key::of(self.kind(), &self.head().name)
    }
    /// What it goes with: where that is missing, this is not told.
    fn parent(&self) -> Option<Key> {
        Key::schema(&self.head().name)
    }
    /// Columns that it is made of: it goes with the first that is missing.
    fn uses(&self) -> Vec<Key> {
        Vec::new()
    }
    /// Another object that has to exist first, told apart because it may come later than its own table.
    fn needs(&self) -> Option<Key> {
        None
    }
    /// Its name for people.
    fn shown(&self) -> String {
        name::printable(&self.head().name)
    }
    /// Whether it is compared with its like at all.
    fn concerns(&self) -> bool {
        true
    }
    /// Whether statements may make it.
    fn is_made(&self) -> bool {
        true
    }
    /// Whether its owner is a fact of its own, and does not follow another object's.
    fn owns_itself(&self) -> bool {
        true
    }
    /// Tables that it inherits from, or is a partition of.
    fn ancestors(&self) -> Vec<Key> {
        Vec::new()
    }
    /// What it is but for its name, for parts that a table passes on to its heirs.
    fn shape(&self) -> Option<&str> {
        None
    }
    /// The same part of the tables that this one was inherited from: what is told of them is not told again.
    fn heir_of(&self) -> Vec<Key> {
        Vec::new()
    }
    /// What stands in its place when the other side made it another way: an index for a constraint, and the reverse.
    fn twin(&self) -> Option<Key> {
        None
    }
    /// Itself in a line, where the other side has none.
    fn gist(&self) -> String;
    /// How statements name it: `TABLE "public"."t"`.
    fn phrase(&self) -> String;
    /// On what a GRANT is.
    fn granted_on(&self) -> On {
        On { columns: String::new(), object: self.phrase(), owner: self.head().owner.clone().unwrap_or_default() }
    }
    /// A GRANT or REVOKE on it as a whole statement.
    fn wrap_grant(&self, sql: String) -> String {
        sql
    }
    /// Its definition within that of its table, for a column that is no other table's.
    fn inline(&self) -> Option<String> {
        None
    }
    /// What makes it, without owner, comment and grants.
    fn create(&self, sides: &Sides, script: &mut Script);
    /// What removes it; nothing where that takes more than a statement.
    fn remove(&self, _sides: &Sides) -> Option<String> {
        Some(format!("DROP {}", self.phrase()))
    }
    /// Whether it goes by another object's row when one side lacks it.
    fn told_by_another(&self) -> bool {
        false
    }
    /// How bad it is that a side lacks it, and why.
    fn alone(&self, status: Alone) -> (Severity, &'static str);
}

/// Which side has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// Only the source.
    Missing,
    /// Only the target.
    Extra,
}

impl Alone {
    /// As a status of a row.
    pub(super) fn status(self) -> Status {
        match self {
            Alone::Missing => Status::Missing,
            Alone::Extra => Status::Extra,
        }
    }
}

/// What mends a difference on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// These statements.
    Sql(Vec<String>),
    /// Dropping it and making it again, with everything that belongs to it.
    Again,
    /// Nothing that SQL could do.
    Nothing,
}

impl Mend {
    /// One statement.
    pub(super) fn one(sql: String) -> Mend {
        Mend::Sql(vec![sql])
    }
}

/// How two values are held to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// Byte for byte.
    Text,
    /// As definitions that a server wrote from its own parse tree.
    Definition,
    /// As constants: a cast that only names the column's own type does not count.
    Constant,
}

/// One fact of a kind that is compared: the table in which severity and reason live.
pub struct Aspect<T> {
    /// Its word.
    pub what: &'static str,
    /// How values are compared.
    pub same: Same,
    /// The value; none where there is none.
    pub value: fn(&T) -> Option<String>,
    /// How bad a difference is, and why, from source and target.
    pub means: fn(&T, &T) -> (Severity, &'static str),
    /// What mends it, from source and target.
    pub mend: fn(&T, &T, &Sides) -> Mend,
}

/// A kind that is compared.
pub trait Compared: Item + PartialEq + Sized + 'static {
    /// Its facts.
    const ASPECTS: &'static [Aspect<Self>];
    /// Those by which the two are different things, so that nothing else of them is told.
    const DECISIVE: &'static [&'static str] = &[];
}
