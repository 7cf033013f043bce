//! Which types hash alike on every server, and what goes through text instead.
//!
//! | type | why through text |
//! |---|---|
//! | `json`, `xml`, `point` and other shapes, `bit`, `money`, `tsvector` | they have no hash |
//! | enums, composites, `regclass` and its kin, domains and arrays over them | their hash is of object ids |
//! | `interval` | 1 month and 30 days are equal to it |
//! | types of extensions, for example `citext` | their equality is theirs to define |
//!
//! Text is hashed under the collation "C", so that two strings which some collation calls equal still differ. A numeric
//! keeps its own equality: 1.0 and 1.00 are one value, unless the comparison is to be exact.

use crate::db::rows::Rendering;

/// Types of the system whose hash is of the value alone, with a constant of each for comparing two servers' hash
/// functions.
const HASHED: [(&str, &str); 29] = [
    ("bool", "true"),
    ("bytea", "'\\x00ff10'::bytea"),
    ("char", "'x'::\"char\""),
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
    ("jsonb", "'{\"b\": [1.0, null, \"x\"], \"a\": {}}'::jsonb"),
    ("inet", "'2001:db8::1/64'::inet"),
    ("cidr", "'10.1.0.0/16'::cidr"),
    ("macaddr", "'08:00:2b:01:02:03'::macaddr"),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'::macaddr8"),
    ("pg_lsn", "'16/B374D848'::pg_lsn"),
    ("int4range", "'[1,7)'::int4range"),
    ("int8range", "'(,7000000000)'::int8range"),
    ("numrange", "'[1.50,)'::numrange"),
    ("daterange", "'[2026-01-01,2026-02-01)'::daterange"),
    ("tsrange", "'[2026-01-01 00:00:01,)'::tsrange"),
    ("tstzrange", "'(,2026-01-01 00:00:01+00]'::tstzrange"),
    ("oid", "'4000000000'::oid"),
    ("name", "'Größe'::name"),
];

/// Types that carry a collation.
const COLLATED: [&str; 3] = ["text", "varchar", "bpchar"];

/// Types whose equality is wider than their writing: 1.0 = 1.00, -0.0 = 0.0, and jsonb holds numbers.
const WIDE: [&str; 6] = ["numeric", "float4", "float8", "jsonb", "numrange", "bpchar"];

/// The rendering of a base type (`_` before it makes it an array).
pub(super) fn of(base_type: &str, exact: bool) -> Rendering {
    let element = base_type.strip_prefix('_').unwrap_or(base_type);
    if exact && WIDE.contains(&element) {
        Rendering::Text
    } else if HASHED.iter().any(|(name, _)| *name == element) {
        Rendering::Native
    } else if COLLATED.contains(&element) {
        Rendering::Bytes
    } else {
        // Also what was not foreseen: text is slower, and never wrong.
        Rendering::Text
    }
}

/// A constant of a base type; for all that goes through text, a text beyond ASCII, which shows other encodings as well.
pub(super) fn constant(base_type: &str) -> String {
    let (element, array) = match base_type.strip_prefix('_') {
        Some(element) => (element, true),
        None => (base_type, false),
    };
    let one = match HASHED.iter().find(|(name, _)| *name == element) {
        Some((_, constant)) => (*constant).to_owned(),
        None => "'Größe 1 ≠ Größe 2'::text".to_owned(),
    };
    if array { format!("ARRAY[{one}, NULL, {one}]") } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hashes_alike_everywhere_is_hashed_as_it_is() {
        assert_eq!(of("int8", false), Rendering::Native);
        assert_eq!(of("_int8", false), Rendering::Native, "an array of it hashes its elements");
        for base in
            ["json", "_json", "interval", "public.mood", "public._mood", "public.int8", "public.citext", "new_type"]
        {
            assert_eq!(of(base, false), Rendering::Text, "{base} must go through text");
        }
    }

    #[test]
    fn text_is_compared_byte_for_byte_whatever_its_collation() {
        for base in ["text", "varchar", "bpchar", "_text", "_bpchar"] {
            assert_eq!(of(base, false), Rendering::Bytes, "{base}");
        }
    }

    #[test]
    fn exact_tells_writings_apart() {
        assert_eq!(of("numeric", true), Rendering::Text, "1.0 and 1.00 are one number and two writings");
        assert_eq!(of("int8", true), Rendering::Native, "an integer has one writing");
    }
}
