//! How values enter the hash of a row. Pure.
//!
//! A row's hash has to notice what a sum over many rows would swallow: values exchanged between two columns or two rows. So
//! each column's value is hashed with a seed of its own, the hashes are combined, and the combination is hashed once
//! more before it is added up. PostgreSQL's own hash of a record is a weighted sum over its columns, so that the sum over
//! two rows may stay the same when they exchange a value. Calling the types' hash functions one by one also costs less than
//! making a record.
//!
//! A type's hash function only promises that equal values have equal hashes. What it lets fall together is kept apart here:
//! -1 and 4294967295 as `int8`, 5 and -5 or NaN and Infinity as `numeric`; and other types go through text (see
//! [`rendering`](super::rendering)).

use crate::db::rows::{Field, Rendering, Way};

/// How closely rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Many, fast: a value written in another way may count as different.
    Wide,
    /// A few, or those whose key is their hash: what the type calls equal is equal, unless the comparison is exact.
    Close,
}

/// What one seed stands for.
#[derive(Debug, Clone, Copy)]
enum Seed {
    Value = 0,
    Null = 1,
    Negative = 2,
    Infinite = 3,
}

/// A number that is the same in every session, and unlike those of other columns: the finaliser of SplitMix64.
fn seed(position: usize, what: Seed) -> String {
    let mut z = (position as u64 * 4 + what as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("'{}'::int8", (z ^ (z >> 31)) as i64)
}

/// One value with what decides how it is hashed.
pub(super) struct Value<'a> {
    /// An expression.
    pub(super) sql: String,
    /// Its base type.
    pub(super) base: &'a str,
    /// Its type, with its modifiers.
    pub(super) sql_type: &'a str,
    /// How it is hashed.
    pub(super) rendering: Rendering,
}

impl<'a> Value<'a> {
    /// A column of `t`.
    pub(super) fn of(field: &'a Field) -> Self {
        Value { sql: column(field), base: &field.base_type, sql_type: &field.sql_type, rendering: field.rendering }
    }
}

fn column(field: &Field) -> String {
    format!("t.{}", switchyard_model::ident::quote(&field.name))
}

/// Hash of several values as one row.
pub(super) fn row<'a>(values: impl Iterator<Item = Value<'a>>, look: Look) -> String {
    let values: Vec<Value<'_>> = values.collect();
    if values.is_empty() {
        return "0::int8".to_owned();
    }
    let parts: Vec<String> = values.iter().enumerate().map(|(i, v)| cell(v, i, look)).collect();
    let all = parts.join(" # ");
    if values.iter().all(|v| v.rendering.way == Way::Md5) {
        // Where hash functions differ, this one is not trusted either.
        return md5(&format!("({all})::text"));
    }
    // The whole of the seed is mixed, unlike the whole of an int8.
    format!("hashint4extended(0, {all})")
}

/// Hash of one value that may be NULL, at its place in the row.
pub(super) fn cell(value: &Value<'_>, position: usize, look: Look) -> String {
    format!("coalesce({}, {})", present(value, position, look), seed(position, Seed::Null))
}

/// Hash of one value; NULL is NULL.
fn present(value: &Value<'_>, position: usize, look: Look) -> String {
    let (v, c) = (&value.sql, seed(position, Seed::Value));
    let writing = || writing(v, value.base, value.rendering.exact, look);
    match value.rendering.way {
        Way::Native => native(value, position, &c),
        Way::Bytes if value.base == "bpchar" => format!("hashbpcharextended({v} COLLATE \"C\", {c})"),
        Way::Bytes => format!("hashtextextended({v} COLLATE \"C\", {c})"),
        Way::Text => format!("hashtextextended({} COLLATE \"C\", {c})", writing()),
        Way::Utf8 => format!("hash_record_extended(ROW(convert_to({}, 'UTF8')), {c})", writing()),
        Way::Md5 => md5(&format!("convert_to('{position}:' || {}, 'UTF8')", writing())),
    }
}

fn md5(of: &str) -> String {
    format!("('x' || left(md5({of}), 16))::bit(64)::int8")
}

/// By the type's own hash function.
fn native(value: &Value<'_>, position: usize, c: &str) -> String {
    let v = &value.sql;
    match value.base {
        // As the seed, it counts with all its bits; and all widths hash alike.
        "int2" | "int4" | "int8" => format!("hashint4extended({position}, {v}::int8)"),
        "bool" => format!("hashint4extended({v}::int4, {c})"),
        "float4" | "float8" => format!("hashfloat8extended({v}::float8, {c})"),
        // Hashed once more: of NaN it gives the seed itself and of 0 the seed less one, so that two of them would cancel out.
        "numeric" => {
            format!("hashint4extended({position}, hash_numeric_extended({v}, {}))", numeric_seed(value, position, c))
        }
        "oid" => format!("hashoidextended({v}, {c})"),
        "uuid" => format!("uuid_hash_extended({v}, {c})"),
        "time" => format!("time_hash_extended({v}, {c})"),
        "timetz" => format!("timetz_hash_extended({v}, {c})"),
        // The session's time zone is UTC.
        "timestamp" | "timestamptz" => format!("timestamp_hash_extended({v}::timestamp, {c})"),
        "inet" | "cidr" => format!("hashinetextended({v}, {c})"),
        "macaddr" => format!("hashmacaddrextended({v}, {c})"),
        "macaddr8" => format!("hashmacaddr8extended({v}, {c})"),
        // Types whose hash function has no name that every version knows.
        _ => format!("hash_record_extended(ROW({v}), {c})"),
    }
}

/// The sign and what is no number are in the seed, since the hash is of the digits alone.
fn numeric_seed(value: &Value<'_>, position: usize, c: &str) -> String {
    let v = &value.sql;
    let negative = format!("WHEN {v} < 0 THEN {}", seed(position, Seed::Negative));
    // One with a precision holds no infinity.
    let infinite = if value.sql_type.starts_with("numeric(") {
        String::new()
    } else {
        format!(" WHEN {v} = 'Infinity' THEN {}", seed(position, Seed::Infinite))
    };
    format!("CASE {negative}{infinite} ELSE {c} END")
}

/// A number's trailing zeros behind the point.
const ZEROS: &str = r"(\.[0-9]*[1-9])0+(?![0-9])|\.0+(?![0-9])";

/// A value as text. Unless `exact`, values that their type calls equal have one text when they are looked at closely.
pub(super) fn writing(value: &str, base: &str, exact: bool, look: Look) -> String {
    if exact {
        return format!("{value}::text");
    }
    match (base, look) {
        ("numeric", _) => format!("trim_scale({value})::text"),
        // Which makes 0 of -0.
        ("float4" | "float8", _) => format!("({value} + '0'::{base})::text"),
        ("_numeric" | "numrange" | "_numrange" | "nummultirange", Look::Close) => {
            format!("regexp_replace({value}::text, '{ZEROS}', '\\1', 'g')")
        }
        ("_float4" | "_float8", Look::Close) => {
            format!("regexp_replace({value}::text, '([{{,])-0(?![0-9.e])', '\\10', 'g')")
        }
        // What is in quotes is left as it is.
        ("jsonb", Look::Close) => {
            format!(r#"regexp_replace({value}::text, '("(?:[^"\\]|\\.)*")|{ZEROS}', '\1\2', 'g')"#)
        }
        (_, Look::Wide | Look::Close) => format!("{value}::text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_columns_share_a_seed() {
        let mut all: Vec<String> = (0..1600)
            .flat_map(|i| [Seed::Value, Seed::Null, Seed::Negative, Seed::Infinite].map(|what| seed(i, what)))
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6400, "else two exchanged values could cancel each other");
    }
}
