//! What a statement does, from its first word.

use serde::Serialize;

/// As far as the first word tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Returns rows. A function that it calls may write all the same.
    Read,
    /// Changes rows.
    Write,
    /// Either: `WITH` may hold a write, COPY goes both ways, CALL and DO run anything.
    Unclear,
    /// Neither rows read nor rows changed: transactions, settings, definitions.
    Other,
    /// Our role may not see the text.
    Hidden,
}

/// The class of a statement's text.
pub fn class(text: &str) -> Class {
    let word = first_word(text).to_ascii_uppercase();
    match word.as_str() {
        "SELECT" | "TABLE" | "VALUES" => Class::Read,
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" => Class::Write,
        "WITH" | "COPY" | "CALL" | "DO" | "EXECUTE" | "EXPLAIN" | "DECLARE" | "FETCH" | "CREATE" | "REFRESH" | "" => {
            Class::Unclear
        }
        _ => Class::Other,
    }
}

/// The first word after blanks, opening parentheses and comments, which may be nested; empty where there is none, as in a
/// comment that is cut off.
fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
        if let Some(line) = rest.strip_prefix("--") {
            rest = line.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = after_comment(rest);
        } else {
            break;
        }
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    &rest[..end]
}

/// What follows a comment that the text begins with.
fn after_comment(text: &str) -> &str {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return &text[at..];
            }
        } else {
            at += 1;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides_and_comments_do_not() {
        for (text, expected) in [
            ("SELECT 1", Class::Read),
            ("  (( select 1) UNION (SELECT 2))", Class::Read),
            ("/* route=/cart */ UPDATE t SET a = 1", Class::Write),
            ("/* a /* nested: SELECT */ b */ -- SELECT\n delete from t", Class::Write),
            ("/* ä */MERGE INTO t", Class::Write),
            ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", Class::Unclear),
            ("COPY t FROM STDIN", Class::Unclear),
            ("SET x = 1", Class::Other),
            ("BEGIN", Class::Other),
            ("SELECTED", Class::Other),
            ("/* cut off", Class::Unclear),
            ("-- only a comment", Class::Unclear),
            ("", Class::Unclear),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
