//! What a statement reads, writes and calls, by a parser; by its tokens where it does not parse.

use std::{collections::BTreeSet, ops::ControlFlow};

use sqlparser::{
    ast::{Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement, TableFactor, Visit, Visitor},
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::{
    lex::{Kind, Token, tokens},
    shape::Does,
};

/// A longer one is not parsed: the tree of a long chain is as deep as it is long.
const MOST_TOKENS: usize = 1_500;

/// What is known of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What it does.
    pub does: Does,
    /// Tables, as they are named, in order, each once.
    pub tables: Vec<String>,
    /// Functions that it calls, in lower case without their schemas; of a statement that did not parse none are known.
    pub functions: Vec<String>,
    /// Whether the parser proved it to be one plain SELECT: it locks nothing, makes no table, and writes nowhere.
    pub is_plain_read: bool,
    /// Whether it parsed.
    pub parsed: bool,
}

/// Of a normalised text.
pub(crate) fn of(text: &str) -> Facts {
    let all = tokens(text);
    let parsed = (all.len() <= MOST_TOKENS).then(|| Parser::parse_sql(&PostgreSqlDialect {}, text).ok()).flatten();
    match parsed.as_deref() {
        Some([statement]) => by_parser(statement),
        Some(_) | None => by_tokens(&all),
    }
}

#[derive(Default)]
struct Seen {
    tables: Vec<String>,
    ctes: BTreeSet<String>,
    functions: BTreeSet<String>,
    writes: bool,
    unplain: bool,
}

impl Seen {
    fn calls(&mut self, name: &ObjectName) {
        if let Some(ObjectNamePart::Identifier(last)) = name.0.last() {
            self.functions.insert(plain(last));
        }
    }
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts = relation.0.iter().filter_map(|p| p.as_ident()).map(plain);
        self.tables.push(parts.collect::<Vec<_>>().join("."));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            self.ctes.insert(plain(&cte.alias.name));
        }
        self.unplain |= !query.locks.is_empty();
        match query.body.as_ref() {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => self.writes = true,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.unplain |= select.into.is_some();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            // A function in FROM: the visitor tells of it as of a table.
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.calls(name);
                if let Some(ObjectNamePart::Identifier(last)) = name.0.last() {
                    self.ctes.insert(plain(last));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(f) = expr {
            self.calls(&f.name);
        }
        ControlFlow::Continue(())
    }
}

/// A name as the server stores it.
fn plain(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn by_parser(statement: &Statement) -> Facts {
    let mut seen = Seen::default();
    let _ = statement.visit(&mut seen);
    let does = match statement {
        Statement::Query(_) if seen.writes || seen.unplain => Does::Write,
        Statement::Query(_) => Does::Read,
        Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Truncate(_) => Does::Write,
        _ => Does::Other,
    };
    let is_plain_read = matches!(statement, Statement::Query(_)) && !seen.writes && !seen.unplain;
    let ctes = seen.ctes;
    let mut tables: Vec<String> = Vec::new();
    for table in seen.tables {
        if !ctes.contains(&table) && !tables.contains(&table) {
            tables.push(table);
        }
    }
    Facts { does, tables, functions: seen.functions.into_iter().collect(), is_plain_read, parsed: true }
}

/// By words alone: where names of tables stand, and what the first word says.
fn by_tokens(all: &[Token<'_>]) -> Facts {
    let has = |word: &str| all.iter().any(|t| t.is(word));
    let writes = ["insert", "update", "delete", "merge"].iter().any(|w| has(w));
    let does = match all.first() {
        Some(t) if ["insert", "update", "delete", "merge", "truncate"].iter().any(|w| t.is(w)) => Does::Write,
        Some(t) if (t.is("select") || t.is("with") || t.is_mark("(")) && writes => Does::Write,
        Some(t) if ["select", "with", "table", "values"].iter().any(|w| t.is(w)) || t.is_mark("(") => Does::Read,
        Some(_) | None => Does::Other,
    };
    let mut tables = Vec::new();
    if does != Does::Other {
        for (i, token) in all.iter().enumerate() {
            if ["from", "join", "into", "update"].iter().any(|w| token.is(w)) {
                let skip = usize::from(all.get(i + 1).is_some_and(|t| t.is("only")));
                if let Some(name) = name_at(all, i + 1 + skip).filter(|n| !tables.contains(n)) {
                    tables.push(name);
                }
            }
        }
    }
    Facts { does, tables, functions: Vec::new(), is_plain_read: false, parsed: false }
}

/// A name with its schema that begins here.
fn name_at(all: &[Token<'_>], at: usize) -> Option<String> {
    let one = |i: usize| match all.get(i) {
        Some(t) if t.kind == Kind::Word => Some(t.text.to_lowercase()),
        Some(t) if t.kind == Kind::Quoted => Some(t.text.trim_matches('"').replace("\"\"", "\"")),
        Some(_) | None => None,
    };
    let first = one(at)?;
    if matches!(first.as_str(), "select" | "set" | "lateral" | "of" | "skip" | "nowait") {
        return None;
    }
    match all.get(at + 1).filter(|t| t.is_mark(".")).and_then(|_| one(at + 2)) {
        Some(second) => Some(format!("{first}.{second}")),
        None => Some(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Facts {
        of(&crate::shape::normalised(text))
    }

    #[test]
    fn what_is_read_and_written_is_the_parsers_word() {
        let f = facts("WITH x AS (SELECT * FROM a) SELECT lower(n) FROM x JOIN s.\"B\" b ON b.id = x.id");
        assert_eq!((f.does, f.parsed, f.is_plain_read), (Does::Read, true, true), "{f:?}");
        assert_eq!(f.tables, ["a", "s.B"], "a name of WITH is no table");
        assert_eq!(f.functions, ["lower"]);
        for (text, does) in [
            ("SELECT * FROM a WHERE id = 1 FOR UPDATE", Does::Write),
            ("WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", Does::Write),
            ("INSERT INTO a SELECT * FROM b", Does::Write),
            ("UPDATE a SET x = 1 WHERE id = 2", Does::Write),
            ("SELECT * INTO c FROM a", Does::Write),
            ("BEGIN", Does::Other),
            ("SET x = 1", Does::Other),
            ("VACUUM a", Does::Other),
        ] {
            let f = facts(text);
            assert_eq!((f.does, f.is_plain_read), (does, false), "{text}: {f:?}");
        }
    }

    #[test]
    fn functions_in_from_are_calls() {
        let f = facts("SELECT * FROM generate_series(1, 10) g, t");
        assert_eq!((f.tables, f.functions), (vec!["t".to_owned()], vec!["generate_series".to_owned()]));
    }

    #[test]
    fn what_does_not_parse_is_read_by_its_words() {
        let f = facts("SELECT * FROM ONLY s.orders o WHERE day = date '2026-01-01' AND @@@ (");
        assert_eq!((f.does, f.parsed, f.is_plain_read), (Does::Read, false, false));
        assert_eq!(f.tables, ["s.orders"]);
    }

    #[test]
    fn a_chain_that_never_ends_is_not_parsed() {
        let text = format!("SELECT 1 FROM t WHERE {} a = 1", "a = b OR ".repeat(200_000));
        assert_eq!(facts(&text).tables, ["t"], "it takes time and no stack");
    }
}
