//! Which tables and columns of two inventories are compared, and what is left out and why. Pure.
//!
//! A partition tree with a key is compared leaf by leaf where both sides have the same leaves, and as a whole where they
//! differ or one side has a plain table. Without a key too: a row that the two sides keep in different leaves could not be found again.
//! Columns are matched by name; their order does not matter.

use std::collections::{HashMap, HashSet};

use switchyard_model::{
    Side,
    ident::TableName,
    inventory::{Column, Inventory, Table, TableKind},
    reconcile::NotCompared,
};

use crate::db::rows::{Field, Relation, Rendering, Way, estimated_rows};

/// One table as both sides show it.
#[derive(Debug, Clone)]
pub struct Matched {
    /// On the source.
    pub source: Relation,
    /// On the target.
    pub target: Relation,
    /// Columns that were left out.
    pub not_compared: Vec<NotCompared>,
    /// The planner's estimate on the source.
    pub rows: i64,
    /// Bytes on the source, indexes included.
    pub bytes: i64,
    /// Whether both sides have an index on the key, in its order.
    pub indexed: bool,
}

/// What two inventories come to.
#[derive(Debug, Clone, Default)]
pub struct Pairing {
    /// Tables to compare.
    pub tables: Vec<Matched>,
    /// Tables of which nothing can be compared.
    pub left_out: Vec<(TableName, NotCompared)>,
}

/// Matches the tables that `wanted` names; `rendering` is the rendering of a base type for itself.
pub fn pair(
    source: &Inventory,
    target: &Inventory,
    wanted: impl Fn(&TableName) -> bool,
    rendering: impl Fn(&str) -> Rendering,
) -> Pairing {
    let there: HashMap<&TableName, &Table> = target.tables.iter().map(|t| (&t.name, t)).collect();
    let mut pairing = Pairing::default();
    for root in source.tables.iter().filter(|t| t.partition_of.is_none()) {
        let (here, leaves_there) = (leaves(source, root), there.get(&root.name).map(|t| leaves(target, t)));
        let same_leaves = leaves_there.as_ref().is_some_and(|l| names(l) == names(&here));
        let (rows, bytes) = size(&here);
        let by_leaf =
            root.kind == TableKind::Partitioned && same_leaves && !here.is_empty() && !root.primary_key.is_empty();
        let members = if by_leaf { here } else { vec![root] };
        for table in members.into_iter().filter(|t| wanted(&t.name) || wanted(&root.name)) {
            match one(table, there.get(&table.name).copied(), &rendering) {
                // A root holds no rows itself and says nothing of its size.
                Ok(matched) if !by_leaf => pairing.tables.push(Matched { rows, bytes, ..matched }),
                Ok(mut matched) => {
                    matched.source.root = Some(root.name.clone());
                    matched.target.root = Some(root.name.clone());
                    pairing.tables.push(matched);
                }
                Err(reason) => pairing.left_out.push((table.name.clone(), NotCompared::table(reason))),
            }
        }
    }
    let here: HashSet<&TableName> = source.tables.iter().map(|t| &t.name).collect();
    for extra in target.tables.iter().filter(|t| t.partition_of.is_none() && !here.contains(&t.name) && wanted(&t.name))
    {
        pairing.left_out.push((extra.name.clone(), NotCompared::table("the source has no table of this name")));
    }
    pairing
}

fn names(leaves: &[&Table]) -> Vec<TableName> {
    let mut names: Vec<TableName> = leaves.iter().map(|t| t.name.clone()).collect();
    names.sort();
    names
}

/// Estimated rows and bytes of several tables.
fn size(tables: &[&Table]) -> (i64, i64) {
    (tables.iter().map(|t| estimated_rows(t)).sum(), tables.iter().map(|t| t.bytes).sum())
}

/// The tables that hold this one's rows.
fn leaves<'a>(inventory: &'a Inventory, table: &'a Table) -> Vec<&'a Table> {
    if table.kind != TableKind::Partitioned {
        return vec![table];
    }
    let children = inventory.tables.iter().filter(|t| t.partition_of.as_ref() == Some(&table.name));
    children.flat_map(|t| leaves(inventory, t)).collect()
}

fn one(source: &Table, target: Option<&Table>, rendering: &impl Fn(&str) -> Rendering) -> Result<Matched, String> {
    let target = target.ok_or("the target has no table of this name")?;
    if source.kind == TableKind::Foreign || target.kind == TableKind::Foreign {
        return Err("it is a foreign table: its rows are elsewhere".to_owned());
    }
    let mut not_compared = Vec::new();
    let mut fields = (Vec::new(), Vec::new());
    for column in &source.columns {
        match target.columns.iter().find(|c| c.name == column.name) {
            Some(other) => {
                let rendering = both(column, other, rendering);
                fields.0.push(field(column, rendering));
                fields.1.push(field(other, rendering));
            }
            None => not_compared.push(left_out(column, Side::Target)),
        }
    }
    for column in target.columns.iter().filter(|c| source.columns.iter().all(|s| s.name != c.name)) {
        not_compared.push(left_out(column, Side::Source));
    }
    if fields.0.is_empty() && !not_compared.is_empty() {
        return Err("the two sides have no column in common".to_owned());
    }
    let key = key(source, &fields.0);
    let indexed = !key.is_empty() && source.primary_key == target.primary_key;
    let relation = |table: &Table, fields| Relation {
        name: table.name.clone(),
        with_partitions: table.kind == TableKind::Partitioned,
        root: None,
        fields,
        key: key.clone(),
    };
    Ok(Matched {
        source: relation(source, fields.0),
        target: relation(target, fields.1),
        not_compared,
        rows: estimated_rows(source),
        bytes: source.bytes,
        indexed,
    })
}

/// One rendering for both: the type's own where both have the same type, text otherwise.
fn both(source: &Column, target: &Column, rendering: &impl Fn(&str) -> Rendering) -> Rendering {
    const INTEGERS: [&str; 3] = ["int2", "int4", "int8"];
    let integers = INTEGERS.contains(&source.base_type.as_str()) && INTEGERS.contains(&target.base_type.as_str());
    let (a, b) = (rendering(&source.base_type), rendering(&target.base_type));
    // Integers of all widths hash alike, by their value; so do texts under one collation.
    if a == b && (source.base_type == target.base_type || integers || a.way == Way::Bytes) {
        a
    } else {
        Rendering { way: Way::Text, exact: a.exact }
    }
}

fn field(column: &Column, rendering: Rendering) -> Field {
    Field {
        name: column.name.clone(),
        sql_type: column.sql_type.clone(),
        base_type: column.base_type.clone(),
        rendering,
    }
}

fn left_out(column: &Column, lacking: Side) -> NotCompared {
    let reason = format!("the {lacking} has no such column");
    NotCompared { column: Some(column.name.clone()), reason, lacking: Some(lacking) }
}

/// Positions of the source's primary key; empty without one, or when the target lacks one of its columns.
fn key(source: &Table, fields: &[Field]) -> Vec<usize> {
    let positions: Option<Vec<usize>> =
        source.primary_key.iter().map(|k| fields.iter().position(|f| &f.name == k)).collect();
    positions.unwrap_or_default()
}
