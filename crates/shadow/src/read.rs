//! What may be run again, and what of a statement decides how its results are compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use serde::{Deserialize, Serialize};
use sqlparser::{
    ast::{
        Expr, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, Statement, Value, ValueWithSpan, Visit,
        Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use switchyard_queries::{
    facts::Facts,
    shape::{Does, Shape},
};
use ts_rs::TS;

use crate::{Sample, compare::Key};

/// A text that is longer is not run again.
const LONGEST: usize = 100_000;

/// Why a statement is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ShadowSkip")]
pub enum Skip {
    /// It writes, locks, or is no query at all.
    NotARead,
    /// The parser does not understand it.
    NotProven,
    /// It, or a view that it reads, calls a volatile function.
    Volatile,
    /// It reads something else than tables and views, by itself or through a view or a partition.
    NotATable,
    /// It reads a materialized view.
    Materialized,
    /// It reads a table whose policies run.
    RowSecurity,
    /// It asks the server about itself.
    Catalog,
    /// Its table is still being copied to the target.
    Copying,
    /// Its values are not known.
    ValuesUnknown,
    /// Its text or a value was cut.
    Cut,
    /// Our role may not read it, it took too long, or a lock was in the way.
    NotReadable,
    /// It fails on both sides.
    FailsOnBoth,
}

impl Skip {
    /// In a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Skip::NotARead => "It writes, locks, or is no query.",
            Skip::NotProven => "It is not proven to be a plain SELECT.",
            Skip::Volatile => "It, or a view that it reads, calls a volatile function.",
            Skip::NotATable => {
                "It reads something that is no table and no view, like a foreign table, by itself or through a view or a partition."
            }
            Skip::Materialized => "It reads a materialized view, which has the rows of each side's own last REFRESH.",
            Skip::RowSecurity => {
                "Row security is active on a table that it reads. It is not for a role with BYPASSRLS on both sides, except in a view whose \
                 owner it binds."
            }
            Skip::Catalog => "It asks the server about itself.",
            Skip::Copying => "Its table is still being copied to the target.",
            Skip::ValuesUnknown => "Its values are not known: this source of statements has the text alone.",
            Skip::Cut => "Its text or one of its values was cut.",
            Skip::NotReadable => {
                "Switchyard's role may not read it, it took too long, or a lock or a lost session was in the way."
            }
            Skip::FailsOnBoth => "It fails on both sides.",
        }
    }
}

/// What is known of a statement by its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plain {
    /// Without its values.
    pub(crate) text: String,
    pub(crate) tables: Vec<String>,
    pub(crate) functions: Vec<String>,
    /// Whether the whole result is sorted.
    pub(crate) ordered: bool,
    /// Whether it is cut off after some rows.
    pub(crate) limited: bool,
}

/// Whether statements of this shape may be run, by their text alone.
pub(crate) fn plain(shape: &Shape, facts: &Facts) -> Result<Plain, Skip> {
    match shape.does {
        Does::Write | Does::Other => return Err(Skip::NotARead),
        Does::Read if !facts.is_plain_read => return Err(Skip::NotProven),
        Does::Read => {}
    }
    let of_the_server = |t: &String| t.starts_with("pg_") || t.starts_with("information_schema.");
    if facts.tables.iter().any(of_the_server) {
        return Err(Skip::Catalog);
    }
    let query = parsed(&shape.text).ok_or(Skip::NotProven)?;
    let limited = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => limit.is_some() || offset.is_some(),
        Some(LimitClause::OffsetCommaLimit { .. }) => true,
        None => query.fetch.is_some(),
    };
    let distinct_on = matches!(query.body.as_ref(), SetExpr::Select(s) if s.distinct.is_some());
    let limited = limited || distinct_on && query.order_by.is_some();
    let (tables, functions) = (facts.tables.clone(), facts.functions.clone());
    Ok(Plain { text: shape.text.clone(), tables, functions, ordered: query.order_by.is_some(), limited })
}

/// Whether this very sample can be run.
pub(crate) fn whole(sample: &Sample) -> Result<(), Skip> {
    if sample.cut || sample.text.len() > LONGEST {
        return Err(Skip::Cut);
    }
    let needed = switchyard_queries::shape::parameters(&sample.text) as usize;
    match &sample.parameters {
        None => Err(Skip::ValuesUnknown),
        Some(values) if values.len() < needed => Err(Skip::ValuesUnknown),
        Some(values) if switchyard_queries::parameters::may_be_cut(values) => Err(Skip::Cut),
        Some(_) => Ok(()),
    }
}

/// See [`is_function_of_the_time`].
const OF_THE_TIME: &[&str] = &[
    "now",
    "age",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "current_user",
    "session_user",
    "current_role",
    "user",
    "current_setting",
    "pg_backend_pid",
    "inet_client_addr",
    "inet_client_port",
    "inet_server_addr",
    "inet_server_port",
    "pg_postmaster_start_time",
    "pg_conf_load_time",
    "pg_current_xact_id",
    "pg_current_xact_id_if_assigned",
    "pg_current_snapshot",
    "txid_current",
    "txid_current_if_assigned",
    "txid_current_snapshot",
    "version",
];

/// Whether a function's value is another one at another time or for another session.
pub fn is_function_of_the_time(name: &str) -> bool {
    OF_THE_TIME.contains(&name)
}

/// Words that a date or a time may be written with.
const WORDS_OF_THE_TIME: &[&str] = &["now", "today", "tomorrow", "yesterday"];

/// Columns that every table has and that say where a row lies.
const OF_THE_PLACE: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Whether the result depends on the time, on the session, or on where rows lie.
pub(crate) fn is_of_the_time(sample: &Sample, functions: &[String]) -> bool {
    let is_word = |v: &str| WORDS_OF_THE_TIME.iter().any(|w| v.trim().eq_ignore_ascii_case(w));
    if functions.iter().any(|f| is_function_of_the_time(f))
        || sample.parameters.iter().flatten().flatten().any(|v| is_word(v))
    {
        return true;
    }
    let Some(query) = parsed(&sample.text) else { return false };
    let mut words = Words::default();
    let _ = query.visit(&mut words);
    words.named.keys().any(|n| OF_THE_PLACE.contains(&n.as_str()) || is_function_of_the_time(n))
        || words.texts.iter().any(|v| is_word(v))
}

/// What the whole result is sorted by, by its place in the result; None where a key does not stand there for sure.
pub(crate) fn keys(text: &str) -> Option<Vec<Key>> {
    let query = parsed(text)?;
    let order = query.order_by.as_ref()?;
    let OrderByKind::Expressions(by) = &order.kind else { return None };
    let projection = match query.body.as_ref() {
        SetExpr::Select(select) => select.projection.as_slice(),
        _ => &[],
    };
    by.iter().map(|by| key(&by.expr, projection)).collect()
}

fn key(by: &Expr, projection: &[SelectItem]) -> Option<Key> {
    if let Expr::Value(value) = by {
        return match &value.value {
            Value::Number(n, _) => n.parse::<usize>().ok()?.checked_sub(1).map(Key::At),
            _ => None,
        };
    }
    let stars = projection.iter().any(|p| matches!(p, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let is_it = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(e) => e == by || last(e).is_some() && last(e) == last(by),
        SelectItem::ExprWithAlias { expr, alias } => expr == by || Some(stored(alias)) == last(by),
        _ => false,
    };
    match projection.iter().position(is_it) {
        Some(at) if !stars => Some(Key::At(at)),
        Some(_) | None => last(by).filter(|_| stars).map(Key::Named),
    }
}

/// Columns by which the statement finds, groups or sorts, in contrast to those that it only shows.
pub(crate) fn compared_columns(text: &str) -> BTreeSet<String> {
    let Some(query) = parsed(text) else { return BTreeSet::new() };
    let mut words = Words::default();
    let _ = query.visit(&mut words);
    let only_shown = |name: &String, times: &usize| words.shown.get(name).is_some_and(|shown| shown >= times);
    words.named.iter().filter(|(n, times)| !only_shown(n, times)).map(|(n, _)| n.clone()).collect()
}

/// Whether it asks which of two values is the larger.
pub(crate) fn compares_by_size(text: &str) -> bool {
    let text = text.to_lowercase();
    ["<", ">", "between", "min(", "max(", "greatest(", "least("].iter().any(|mark| text.contains(mark))
}

fn parsed(text: &str) -> Option<Box<Query>> {
    match Parser::parse_sql(&PostgreSqlDialect {}, text).ok()?.pop()? {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}

/// Names and texts in a statement.
#[derive(Default)]
struct Words {
    named: BTreeMap<String, usize>,
    /// Those that a list of what is selected names and nothing else.
    shown: BTreeMap<String, usize>,
    texts: Vec<String>,
}

impl Visitor for Words {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.distinct.is_none() {
            let bare = select.projection.iter().filter_map(|item| match item {
                SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => last(e),
                _ => None,
            });
            bare.for_each(|name| *self.shown.entry(name).or_default() += 1);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Some(name) = last(expr) {
            *self.named.entry(name).or_default() += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &value.value {
            self.texts.push(text.clone());
        }
        ControlFlow::Continue(())
    }
}

/// A column's own name.
fn last(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(stored(name)),
        Expr::CompoundIdentifier(names) => names.last().map(stored),
        _ => None,
    }
}

fn stored(name: &sqlparser::ast::Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Plain, Skip> {
        let (shape, facts) = Shape::with_facts(text);
        plain(&shape, &facts)
    }

    fn sample(text: &str, values: Option<&[&str]>) -> Sample {
        let parameters = values.map(|v| v.iter().map(|v| Some((*v).to_owned())).collect());
        Sample { text: text.to_owned(), parameters, user: String::new(), cut: false }
    }

    #[test]
    fn only_plain_reads_of_tables_pass() {
        for (text, why) in [
            ("UPDATE t SET a = 1", Skip::NotARead),
            ("SELECT * FROM t FOR UPDATE", Skip::NotARead),
            ("BEGIN", Skip::NotARead),
            ("SELECT * FROM pg_class", Skip::Catalog),
            ("SELECT ] FROM t", Skip::NotProven),
        ] {
            assert_eq!(of(text), Err(why), "{text}");
        }
        let plain = of("SELECT a FROM t WHERE b = 5 ORDER BY 1 LIMIT 3").unwrap();
        assert_eq!((plain.ordered, plain.limited), (true, true));
        let plain = of("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3) x").unwrap();
        assert_eq!((plain.ordered, plain.limited), (false, false), "the order of an inner query is not the result's");
    }

    #[test]
    fn what_is_not_whole_is_not_run() {
        assert_eq!(whole(&sample("SELECT $1", Some(&["5"]))), Ok(()));
        assert_eq!(whole(&sample("SELECT $1", Some(&[]))), Err(Skip::ValuesUnknown), "half of its values are missing");
        assert_eq!(whole(&sample("SELECT $1", None)), Err(Skip::ValuesUnknown));
        assert_eq!(whole(&sample("SELECT $1", Some(&["long..."]))), Err(Skip::Cut));
    }

    #[test]
    fn what_depends_on_the_time_is_known() {
        let of = |text: &str, values: &[&str]| {
            let (_, facts) = Shape::with_facts(text);
            is_of_the_time(&sample(text, Some(values)), &facts.functions)
        };
        for text in [
            "SELECT now()",
            "SELECT CURRENT_DATE - day FROM t",
            "SELECT * FROM t WHERE at > 'today'::date",
            "SELECT xmin FROM t",
            "SELECT current_timestamp",
            "SELECT current_user",
        ] {
            assert!(of(text, &[]), "{text}");
        }
        assert!(of("SELECT * FROM t WHERE at > $1", &["now"]), "a value may be a time as well");
        assert!(!of("SELECT name FROM t WHERE note = 'not now'", &[]));
    }

    #[test]
    fn sort_keys_are_found_in_the_result() {
        assert_eq!(keys("SELECT a, b FROM t ORDER BY b DESC, 1"), Some(vec![Key::At(1), Key::At(0)]));
        assert_eq!(keys("SELECT * FROM t ORDER BY t.name"), Some(vec![Key::Named("name".to_owned())]));
        assert_eq!(keys("SELECT a AS x FROM t ORDER BY x"), Some(vec![Key::At(0)]));
        assert_eq!(keys("SELECT lower(a) FROM t ORDER BY lower(a)"), Some(vec![Key::At(0)]));
        assert_eq!(keys("SELECT a FROM t ORDER BY b"), None, "it is not in the result");
    }

    #[test]
    fn what_is_only_shown_is_not_compared_by() {
        let all = compared_columns("SELECT name, id FROM t WHERE t.id = 5");
        assert!(all.contains("id") && !all.contains("name"), "{all:?}");
        assert!(compared_columns("SELECT name FROM t GROUP BY name").contains("name"));
        assert!(compared_columns("SELECT DISTINCT name FROM t").contains("name"));
        assert!(compared_columns("SELECT max(name) FROM t").contains("name"));
    }
}
