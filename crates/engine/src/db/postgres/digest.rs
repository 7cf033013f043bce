//! Counting and hashing rows where they are.
//!
//! Each row becomes one 64-bit hash of all its columns (`hash_record_extended`), and the hashes are summed: equal
//! multisets of rows have equal sums, whatever their order. What a type's own hash hides, or renders from numbers that
//! differ between servers, goes through text:
//!
//! | type | why |
//! |---|---|
//! | `json`, `xml`, `point` and other shapes, `bit`, `money`, `tsvector` | they have no hash |
//! | enums, composites, `regclass` and its kin, domains and arrays over them | their hash is of object ids |
//! | `interval` | 1 month and 30 days are equal to it |
//! | types of extensions, for example `citext` | their equality is theirs to define |
//!
//! Text is hashed under the collation "C", so that two strings which some collation calls equal still differ. A numeric
//! keeps its own equality: 1.0 and 1.00 are one value. Generated columns are left out: they follow from the others, and
//! each side computes them itself.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row};
use switchyard_model::{
    ident::quote,
    inventory::{Column, Table},
};

use super::{PgDatabase, lent::Lent};
use crate::{
    Result,
    db::{Digest, TableDigest},
};

/// Types of the system whose hash is of the value alone, equal on every version and platform.
const HASHED: [&str; 29] = [
    "bool",
    "bytea",
    "char",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "uuid",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "pg_lsn",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "oid",
    "name",
];

/// Types that carry a collation.
const COLLATED: [&str; 3] = ["text", "varchar", "bpchar"];

#[async_trait]
impl Digest for PgDatabase {
    async fn digest(&self, table: &Table) -> Result<TableDigest> {
        let doing = format!("digesting {}", table.name.plain());
        let sql = statement(table);
        let failed = || self.failed(&doing);
        let mut session = Lent::from(&self.heavy).await.map_err(failed())?;
        let connection = session.connection();
        // A digest takes as long as the table is large; everything else of ours is done in seconds.
        sqlx::raw_sql("SET statement_timeout = 0").execute(&mut *connection).await.map_err(failed())?;
        let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await.map_err(failed())?;
        session.give_back();
        Ok(TableDigest { rows: row.try_get("rows").map_err(failed())?, sum: row.try_get("sum").map_err(failed())? })
    }
}

fn statement(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().filter(|c| !c.generated).map(expression).collect();
    // ONLY: the rows of one table, not of those that inherit from it.
    let hash = if columns.is_empty() {
        "0".to_owned()
    } else {
        format!("hash_record_extended(ROW({}), 0)", columns.join(", "))
    };
    format!("SELECT count(*) AS rows, coalesce(sum({hash}), 0)::text AS sum FROM ONLY {} AS t", table.name)
}

pub(super) fn expression(column: &Column) -> String {
    let name = format!("t.{}", quote(&column.name));
    let element = column.base_type.strip_prefix('_');
    let kind = element.unwrap_or(&column.base_type);
    if HASHED.contains(&kind) {
        name
    } else if COLLATED.contains(&kind) {
        format!("{name} COLLATE \"C\"")
    } else {
        // Also what was not foreseen: text is slower, and never wrong.
        format!("{name}::text COLLATE \"C\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str) -> String {
        expression(&Column {
            name: "a \"b".into(),
            sql_type: base.into(),
            base_type: base.into(),
            not_null: false,
            generated: false,
        })
    }

    #[test]
    fn only_what_hashes_alike_everywhere_is_hashed_as_it_is() {
        assert_eq!(of("int8"), r#"t."a ""b""#);
        assert_eq!(of("_int8"), r#"t."a ""b""#, "an array of it hashes its elements");
        for base in
            ["json", "_json", "interval", "public.mood", "public._mood", "public.int8", "public.citext", "new_type"]
        {
            assert!(of(base).contains("::text"), "{base} must go through text");
        }
        assert_eq!(of("text"), r#"t."a ""b" COLLATE "C""#, "a collation must not make two strings equal");
    }
}
