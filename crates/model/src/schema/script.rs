//! Statements that make an object and everything that belongs to it, in an order that works.

use std::collections::HashSet;

use super::{
    grant,
    item::{Item, Key, Sides},
    kind::Kind,
};
use crate::ident::{literal, quote};

/// When within one script a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What tables need.
    Before,
    /// Tables and views, parents before children.
    Body,
    /// Columns' own settings, sequences' owners.
    Finish,
    /// Keys and indexes.
    Keys,
    /// What refers to keys.
    References,
    /// Triggers, rules, policies.
    Reactions,
    /// Owners.
    Owners,
    /// Comments and rights.
    Notes,
}

/// A growing script.
#[derive(Debug, Default)]
pub struct Script {
    statements: Vec<(Stage, String)>,
    /// Definitions of the columns of the table that is being made.
    columns: Vec<String>,
    /// Columns that are made with their table.
    with_table: HashSet<Key>,
}

impl Script {
    /// Adds a statement, without its semicolon.
    pub fn at(&mut self, stage: Stage, sql: String) {
        self.statements.push((stage, sql));
    }

    /// Definitions of the columns of the table that is being made.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether a column is made with its table.
    pub(super) fn is_with_table(&self, column: &Key) -> bool {
        self.with_table.contains(column)
    }

    /// What makes an object, with owner, comment and rights; `parts` are what goes directly below it.
    pub(super) fn create(&mut self, item: &dyn Item, parts: &[&dyn Item], sides: &Sides) {
        if !item.is_made() {
            return;
        }
        self.columns = parts.iter().filter_map(|part| part.inline()).collect();
        self.with_table.extend(parts.iter().filter(|part| part.kind() == Kind::Column).map(|part| part.key()));
        item.create(sides, self);
        let head = item.head();
        if let (Some(owner), false) = (&head.owner, item.told_by_another()) {
            self.at(Stage::Owners, own(item, owner));
        }
        if let Some(comment) = &head.comment {
            self.at(Stage::Notes, note(item, Some(comment)));
        }
        for sql in grant::between(&head.grants, &[], &item.granted_on()) {
            self.at(Stage::Notes, item.wrap_grant(sql));
        }
    }

    /// The statements in order.
    pub(super) fn into_statements(mut self) -> Vec<String> {
        // Stable: within a stage, parents come first as they were added.
        self.statements.sort_by_key(|(stage, _)| *stage);
        self.statements.into_iter().map(|(_, sql)| sql).collect()
    }
}

/// Gives it to an owner.
pub(super) fn own(item: &dyn Item, owner: &str) -> String {
    format!("ALTER {} OWNER TO {}", item.phrase(), quote(owner))
}

/// Sets its comment.
pub(super) fn note(item: &dyn Item, comment: Option<&str>) -> String {
    let text = comment.map_or("NULL".to_owned(), literal);
    format!("COMMENT ON {} IS {text}", item.phrase())
}

/// Statements as one text, each with its semicolon.
pub(super) fn text(statements: &[String]) -> String {
    let ended = statements.iter().map(|s| {
        let s = s.trim_end();
        if s.ends_with(';') { s.to_owned() } else { format!("{s};") }
    });
    ended.collect::<Vec<_>>().join("\n")
}
