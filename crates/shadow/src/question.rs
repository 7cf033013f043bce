//! A read that is asked again elsewhere or later: what of it decides how its answers are compared.

use switchyard_queries::shape::{Does, Shape};

use crate::{Sample, Skip, compare::Key, read};

/// Functions whose value depends on the order in which rows come.
const BY_ORDER: &[&str] = &[
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
    "xmlagg",
    "row_number",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// What is known of a read by its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its shape.
    pub text: String,
    /// Tables that it names, as it names them.
    pub tables: Vec<String>,
    /// Functions that it calls, without their schemas.
    pub functions: Vec<String>,
    /// Whether the whole result is sorted.
    pub ordered: bool,
    /// Whether it is cut off after some rows.
    pub limited: bool,
    /// By what it is sorted, where that stands in the result for sure.
    pub keys: Vec<Key>,
    /// Whether it leaves open what comes: some rows without an order, or a value that depends on their order.
    pub open: bool,
}

impl Question {
    /// Of a statement that may be asked again.
    ///
    /// # Errors
    /// Why it is not: it writes, is not whole, or its answer is another one each time.
    pub fn of(sample: &Sample) -> Result<Question, Skip> {
        let (shape, facts) = Shape::with_facts(&sample.text);
        let plain = read::plain(&shape, &facts)?;
        read::whole(sample)?;
        if read::is_of_the_time(sample, &plain.functions) {
            return Err(Skip::Volatile);
        }
        let keys = if plain.ordered { read::keys(&sample.text).unwrap_or_default() } else { Vec::new() };
        let by_order = plain.functions.iter().any(|f| BY_ORDER.contains(&f.as_str()));
        let open = by_order || plain.limited && !plain.ordered || cuts_within(&shape.text, plain.limited);
        let (tables, functions) = (plain.tables, plain.functions);
        Ok(Question { text: shape.text, tables, functions, ordered: plain.ordered, limited: plain.limited, keys, open })
    }
}

/// Whether a query within it takes some rows: which ones may be left open there.
fn cuts_within(text: &str, limited: bool) -> bool {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let cuts = words.filter(|w| ["limit", "fetch"].contains(w)).count();
    cuts > usize::from(limited) || text.contains("distinct on")
}

/// Functions of the server that write nothing, and that no function of an application hides.
const HARMLESS: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "lower",
    "upper",
    "length",
    "abs",
    "round",
    "now",
    "current_timestamp",
    "current_date",
    "date_trunc",
    "to_char",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "row_number",
    "rank",
    "exists",
    "any",
    "all",
    "substring",
    "trim",
    "concat",
    "extract",
    "unnest",
];

/// Whether it is proven that a running statement writes nothing, by its text alone.
pub fn is_plain(text: &str) -> bool {
    let (shape, facts) = Shape::with_facts(text);
    let harmless = |f: &String| HARMLESS.contains(&f.as_str());
    shape.does == Does::Read && facts.is_plain_read && facts.functions.iter().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Question, Skip> {
        let sample = Sample { text: text.to_owned(), parameters: Some(Vec::new()), user: String::new(), cut: false };
        Question::of(&sample)
    }

    #[test]
    fn what_a_read_leaves_open_is_known() {
        for text in [
            "SELECT a FROM t LIMIT 3",
            "SELECT string_agg(a, ',') FROM t",
            "SELECT count(*) FROM (SELECT a FROM t LIMIT 3) x",
            "SELECT a FROM t WHERE b IN (SELECT b FROM u LIMIT 3) ORDER BY a LIMIT 3",
            "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a",
        ] {
            assert!(of(text).unwrap().open, "{text}");
        }
        for text in ["SELECT a FROM t", "SELECT a FROM t ORDER BY a LIMIT 3", "SELECT a FROM t JOIN u ON t.a = u.a"] {
            assert!(!of(text).unwrap().open, "{text}");
        }
        assert_eq!(of("SELECT a, b FROM t ORDER BY b").unwrap().keys, [Key::At(1)]);
        assert_eq!(of("SELECT now(), a FROM t"), Err(Skip::Volatile), "another answer each time");
        assert_eq!(of("SELECT a FROM t FOR UPDATE"), Err(Skip::NotARead));
    }

    #[test]
    fn what_may_write_is_not_plain() {
        assert!(is_plain("SELECT count(*) FROM t WHERE a = $1") && is_plain("SELECT 1"));
        for text in
            ["COMMIT", "SELECT pay(1)", "UPDATE t SET a = 1", "SELECT a FROM", "", "WITH x AS (DELETE FROM t) SELECT 1"]
        {
            assert!(!is_plain(text), "{text}");
        }
    }
}
