//! Which types are hashed by their own hash function, and which go through text.
//!
//! | type | why through text |
//! |---|---|
//! | `json`, `xml`, `point` and other shapes, `bit`, `money`, `tsvector` | they have no hash |
//! | enums, composites, `regclass` and its kin, domains and arrays over them | their hash is of object ids |
//! | `jsonb` | its hash knows neither the sign of a number nor which value is nested in which |
//! | arrays | their hash knows no dimensions |
//! | ranges, `pg_lsn` | their hash lets distant values fall together |
//! | `interval` | 1 month and 30 days are equal to it |
//! | types of extensions, for example `citext` | their equality is theirs to define |
//!
//! Text is hashed under the collation "C", so that two strings which some collation calls equal still differ. A numeric
//! keeps its own equality: 1.0 and 1.00 are one value, unless the comparison is to be exact.

use super::hash::{Look, Value, row};
use crate::db::rows::{Rendering, Way};

/// Types of the system whose hash is of the value alone, with a constant of each for comparing two servers' hash
/// functions.
const HASHED: [(&str, &str); 19] = [
    ("bool", "true"),
    ("bytea", "'\\x00ff10'::bytea"),
    ("int2", "'-7'::int2"),
    ("int4", "'-70000'::int4"),
    ("int8", "'-7000000000'::int8"),
    ("float4", "'1.5e-7'::float4"),
    ("float8", "'-1.1e-200'::float8"),
    ("numeric", "'-12345678901234567890.0123400'::numeric"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid"),
    ("date", "'2026-02-28'::date"),
    ("time", "'23:59:59.999999'::time"),
    ("timetz", "'23:59:59.999999-03:30'::timetz"),
    ("timestamp", "'2026-02-28 23:59:59.000001'::timestamp"),
    ("timestamptz", "'2026-02-28 23:59:59.000001+02'::timestamptz"),
    ("inet", "'2001:db8::1/64'::inet"),
    ("cidr", "'10.1.0.0/16'::cidr"),
    ("macaddr", "'08:00:2b:01:02:03'::macaddr"),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'::macaddr8"),
    ("oid", "'4000000000'::oid"),
];

/// Types that carry a collation.
const COLLATED: [&str; 3] = ["text", "varchar", "bpchar"];

/// Types of [`HASHED`] whose equality is wider than their writing: 1.0 = 1.00, -0.0 = 0.0.
const LENIENT: [&str; 3] = ["numeric", "float4", "float8"];

/// The rendering of a base type (`_` before it makes it an array).
pub(super) fn of(base_type: &str, exact: bool) -> Rendering {
    let way = if exact && LENIENT.contains(&base_type) {
        Way::Text
    } else if HASHED.iter().any(|(name, _)| *name == base_type) {
        Way::Native
    } else if COLLATED.contains(&base_type) {
        Way::Bytes
    } else {
        // Also what was not foreseen: text is slower, and never wrong.
        Way::Text
    };
    Rendering { way, exact }
}

/// A statement that gives the hash of a constant of a base type. For all that goes through text it is a text which tells
/// the server's encoding, where the text's bytes as they are stored would be hashed.
pub(super) fn constant(base_type: &str, rendering: Rendering) -> String {
    let hashed = HASHED.iter().find(|(name, _)| *name == base_type);
    let (base, sql) = match (hashed, rendering.way) {
        (Some((name, constant)), _) => (*name, format!("({constant})")),
        (None, Way::Native | Way::Bytes | Way::Text) => {
            ("text", "('1 <> 2 '::text || getdatabaseencoding()::text)".to_owned())
        }
        (None, Way::Utf8 | Way::Md5) => ("text", "('1 <> 2'::text)".to_owned()),
    };
    let value = Value { sql, base, sql_type: base, rendering };
    format!("SELECT {}", row(std::iter::once(value), Look::Wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hashes_alike_everywhere_is_hashed_as_it_is() {
        assert_eq!(of("int8", false).way, Way::Native);
        for base in [
            "json",
            "_json",
            "interval",
            "public.mood",
            "public._mood",
            "public.int8",
            "public.citext",
            "new_type",
            "_int8",
            "jsonb",
        ] {
            assert_eq!(of(base, false).way, Way::Text, "{base} must go through text");
        }
    }

    #[test]
    fn text_is_compared_byte_for_byte_whatever_its_collation() {
        for base in ["text", "varchar", "bpchar"] {
            assert_eq!(of(base, false).way, Way::Bytes, "{base}");
        }
    }

    #[test]
    fn exact_tells_writings_apart() {
        assert_eq!(of("numeric", true).way, Way::Text, "1.0 and 1.00 are one number and two writings");
        assert_eq!(of("int8", true).way, Way::Native, "an integer has one writing");
    }
}
