//! Statements by their shape: one text for all that differ in values alone, with an id that is the same on every server.
//!
//! A server's own `queryid` differs between versions and even between databases, so it names nothing here. The shape is built
//! from tokens by the server's lexical rules, so that the text with `$1` in `pg_stat_statements` and the text with values in a log
//! come out alike, also where neither parses; what a statement reads, writes and calls is the parser's word ([`facts`]).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;

use crate::{
    facts::{self, Facts},
    lex::{Kind, Token, tokens},
};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "StatementDoes")]
pub enum Does {
    /// Reads rows.
    Read,
    /// Writes rows, or locks them.
    Write,
    /// Everything else: transactions, settings, definitions.
    Other,
}

/// A statement without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "StatementShape")]
pub struct Shape {
    /// Sixteen hexadecimal digits of a hash of the text.
    pub id: String,
    /// In one line; values are `$1`, `$2` …, a list of values is one.
    pub text: String,
    /// What it does.
    pub does: Does,
    /// Tables that it names, as it names them; `schema.table` where it says the schema.
    pub tables: Vec<String>,
}

impl Shape {
    /// Of any text. Never fails: what does not parse is read by its tokens.
    pub fn of(text: &str) -> Shape {
        Shape::with_facts(text).0
    }

    /// The id of a text's shape alone; far cheaper than the whole.
    pub fn id_of(text: &str) -> String {
        id(&normalised(text))
    }

    /// The shape, with what the parser knows.
    pub fn with_facts(text: &str) -> (Shape, Facts) {
        Shape::of_normalised(normalised(text))
    }

    /// Of a text that is normalised already: parsing takes far longer than that, and is not worth it for a shape that is known.
    pub(crate) fn of_normalised(text: String) -> (Shape, Facts) {
        let facts = facts::of(&text);
        let shape = Shape { id: id(&text), text, does: facts.does, tables: facts.tables.clone() };
        (shape, facts)
    }
}

/// The id of a shape's text.
pub(crate) fn id(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// The text without values. Normalising it again changes nothing.
pub fn normalised(text: &str) -> String {
    let mut all: Vec<Token<'_>> = tokens(text);
    while all.last().is_some_and(|t| t.is_mark(";")) {
        all.pop();
    }
    render(&folded(&valued(&all), DEPTH))
}

/// The highest parameter that a text names: `$3` makes three.
pub fn parameters(text: &str) -> u32 {
    let number = |t: &Token<'_>| t.text.strip_prefix('$').and_then(|n| n.parse::<u32>().ok());
    tokens(text).iter().filter_map(number).max().unwrap_or_default().min(65_535)
}

/// How deep rows of VALUES within rows of VALUES are folded.
const DEPTH: u32 = 4;

/// A token, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Value,
    Token(Token<'a>),
}

impl Piece<'_> {
    fn is_mark(&self, mark: &str) -> bool {
        matches!(self, Piece::Token(t) if t.is_mark(mark))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self, Piece::Token(t) if t.is(word))
    }
}

/// Constants become values, with their signs; so do TRUE, FALSE and NULL where they are values.
fn valued<'a>(all: &[Token<'a>]) -> Vec<Piece<'a>> {
    let mut out: Vec<Piece<'a>> = Vec::with_capacity(all.len());
    for token in all {
        let word = token.is("true") || token.is("false") || token.is("null");
        let after_is = out.last().is_some_and(|p| p.is_word("is"))
            || out.last().is_some_and(|p| p.is_word("not")) && token.is("null")
            || out.last().is_some_and(|p| p.is_word("not")) && out.iter().rev().nth(1).is_some_and(|p| p.is_word("is"));
        if token.kind == Kind::Constant || word && !after_is && !out.last().is_some_and(|p| p.is_mark(".")) {
            while out.last().is_some_and(is_sign) && !is_operand(out.len().checked_sub(2).and_then(|i| out.get(i))) {
                out.pop();
            }
            // Strings that follow one another over lines are one.
            if out.last() != Some(&Piece::Value) {
                out.push(Piece::Value);
            }
        } else {
            out.push(Piece::Token(*token));
        }
    }
    out
}

fn is_sign(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Token(t) if t.kind == Kind::Operator && (t.text == "-" || t.text == "+"))
}

/// Whether a sign after this one stands between two operands.
fn is_operand(before: Option<&Piece<'_>>) -> bool {
    const NOT_NAMES: [&str; 26] = [
        "select",
        "where",
        "and",
        "or",
        "not",
        "in",
        "between",
        "like",
        "ilike",
        "then",
        "else",
        "when",
        "case",
        "limit",
        "offset",
        "values",
        "by",
        "having",
        "on",
        "return",
        "returning",
        "set",
        "all",
        "any",
        "distinct",
        "is",
    ];
    match before {
        None => false,
        Some(Piece::Value) => true,
        Some(Piece::Token(t)) => match t.kind {
            Kind::Quoted | Kind::Constant => true,
            Kind::Word => !NOT_NAMES.iter().any(|w| t.is(w)),
            Kind::Mark => t.text == ")" || t.text == "]",
            Kind::Operator => false,
        },
    }
}

/// A list of values after IN, VALUES or ARRAY is one value, and rows of VALUES that look alike are one row.
fn folded<'a>(pieces: &[Piece<'a>], depth: u32) -> Vec<Piece<'a>> {
    let mut out: Vec<Piece<'a>> = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        out.push(*piece);
        at += 1;
        if piece.is_word("in") && pieces.get(at).is_some_and(|p| p.is_mark("(")) {
            at = fold_list(pieces, at, ")", &mut out);
        } else if piece.is_word("array") && pieces.get(at).is_some_and(|p| p.is_mark("[")) {
            at = fold_list(pieces, at, "]", &mut out);
        } else if depth > 0 && piece.is_word("values") && pieces.get(at).is_some_and(|p| p.is_mark("(")) {
            let end = closing(pieces, at);
            let row = folded(&pieces[at..end], depth - 1);
            at = end;
            while pieces.get(at).is_some_and(|p| p.is_mark(",")) && pieces.get(at + 1).is_some_and(|p| p.is_mark("(")) {
                let end = closing(pieces, at + 1);
                if folded(&pieces[at + 1..end], depth - 1) != row {
                    break;
                }
                at = end;
            }
            out.extend(row);
        }
    }
    out
}

/// Folds a list of nothing but values that opens here; where it goes on.
fn fold_list<'a>(pieces: &[Piece<'a>], open: usize, close: &str, out: &mut Vec<Piece<'a>>) -> usize {
    let mut at = open + 1;
    while pieces.get(at) == Some(&Piece::Value) {
        at += 1;
        match pieces.get(at) {
            Some(p) if p.is_mark(",") => at += 1,
            Some(p) if p.is_mark(close) => {
                out.extend([pieces[open], Piece::Value, *p]);
                return at + 1;
            }
            Some(_) | None => break,
        }
    }
    open
}

/// Behind the bracket that closes the one at this place.
fn closing(pieces: &[Piece<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, piece) in pieces.iter().enumerate().skip(open) {
        if piece.is_mark("(") {
            depth += 1;
        } else if piece.is_mark(")") {
            depth -= 1;
            if depth == 0 {
                return i + 1;
            }
        }
    }
    pieces.len()
}

fn render(pieces: &[Piece<'_>]) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let mut value = 0_u32;
    let mut before: Option<&Piece<'_>> = None;
    for piece in pieces {
        if before.is_some_and(|b| has_space(b, piece)) {
            out.push(' ');
        }
        match piece {
            Piece::Value => {
                value += 1;
                // Writing into a text cannot fail.
                let _ = write!(out, "${value}");
            }
            Piece::Token(t) if t.kind == Kind::Word => out.push_str(&t.text.to_lowercase()),
            Piece::Token(t) => out.push_str(t.text),
        }
        before = Some(piece);
    }
    out
}

/// Whether two pieces stand apart: as people write them, and always where they would become one.
fn has_space(before: &Piece<'_>, after: &Piece<'_>) -> bool {
    const APART: [&str; 22] = [
        "in", "values", "and", "or", "not", "exists", "from", "where", "select", "on", "using", "as", "with", "over",
        "filter", "then", "else", "when", "join", "union", "all", "by",
    ];
    let mark =
        |p: &Piece<'_>, of: &[&str]| matches!(p, Piece::Token(t) if t.kind == Kind::Mark && of.contains(&t.text));
    if mark(before, &["(", "["]) || mark(after, &[")", "]", ",", ";"]) {
        return false;
    }
    // A dot before a digit, or two of them, would be read as something else.
    if mark(before, &["."]) || mark(after, &["."]) {
        let plain = |p: &Piece<'_>| matches!(p, Piece::Token(t) if matches!(t.kind, Kind::Word | Kind::Quoted));
        let star = matches!(after, Piece::Token(t) if t.text == "*");
        return !(mark(before, &["."]) && (plain(after) || star) || mark(after, &["."]) && plain(before));
    }
    if mark(before, &["::"]) || mark(after, &["::"]) {
        return mark(before, &[":", "::", ":="]) && mark(after, &[":", "::", ":="]);
    }
    if mark(after, &["("]) {
        return match before {
            Piece::Token(t) if t.kind == Kind::Word => APART.iter().any(|w| t.is(w)),
            Piece::Token(t) => t.kind != Kind::Quoted,
            Piece::Value => true,
        };
    }
    if mark(after, &["["]) {
        return matches!(before, Piece::Token(t) if t.kind == Kind::Operator || t.kind == Kind::Mark && t.text == ",");
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_the_rest_stays() {
        let same = |a: &str, b: &str| assert_eq!(normalised(a), b, "from {a}");
        same("SELECT  *\n FROM orders WHERE id=42 -- mine", "select * from orders where id = $1");
        same("select * from Orders o where o.id = $7;", "select * from orders o where o.id = $1");
        same(
            "SELECT count(*) FROM t WHERE a IN (1, 2,3) AND b='x'",
            "select count(*) from t where a in ($1) and b = $2",
        );
        same("SELECT a FROM t WHERE a IN ($1 /*, ... */)", "select a from t where a in ($1)");
        same("INSERT INTO t (a,b) VALUES (1,'x'),(2,'y')", "insert into t(a, b) values ($1, $2)");
        same("SELECT x - 1, -1, a FROM t WHERE a = -5", "select x - $1, $2, a from t where a = $3");
        same("SELECT now() - interval '1 day'", "select now() - interval $1");
        same(
            "select * from t where a is not null and b = null and c is true",
            "select * from t where a is not null and b = $1 and c is true",
        );
        same(
            "SELECT \"My Table\".\"Id\"::text FROM \"My Table\"",
            "select \"My Table\".\"Id\"::text from \"My Table\"",
        );
        same("select '{1,2}'::int[], array[1,2]", "select $1::int[], array[$2]");
    }

    #[test]
    fn a_log_and_both_servers_name_one_statement_alike() {
        // As PostgreSQL 15 and 18 store it, and as a log has it.
        let texts = [
            "SELECT id, total FROM orders WHERE customer_id = $1 AND state IN ($2, $3, $4) ORDER BY id LIMIT $5",
            "SELECT id, total FROM orders WHERE customer_id = $1 AND state IN ($2 /*, ... */) ORDER BY id LIMIT $3",
            "SELECT id, total FROM orders WHERE customer_id = 17 AND state IN ('new','paid') ORDER BY id LIMIT 20",
        ];
        let ids: std::collections::BTreeSet<String> = texts.iter().map(|t| Shape::of(t).id).collect();
        assert_eq!(ids.len(), 1, "one shape: {ids:?}");
        assert_ne!(Shape::of("select 1 from a").id, Shape::of("select 1 from b").id);
    }
}
