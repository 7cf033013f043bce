//! Pieces of SQL that all statements are put together from.

use super::grants;

/// A condition on `pg_namespace n`: neither system schemas nor ours.
pub(super) use crate::db::postgres::catalog::SCHEMAS_IN_SCOPE;

/// A condition: no extension made it, and no other object brought it along.
pub(super) fn own(class: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend ext WHERE ext.classid = '{class}'::regclass AND ext.objid = {oid} \
         AND ext.objsubid = 0 AND ext.deptype = 'e')"
    )
}

/// An expression for a name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("'\"' || replace({name}::text, '\"', '\"\"') || '\"'")
}

/// The head of an object: number, path, comment, owner and rights.
pub(super) struct Head<'a> {
    /// Its number; 0 where it has none.
    pub(super) oid: &'a str,
    /// Its path, as elements of an array.
    pub(super) path: &'a str,
    /// An expression for its comment.
    pub(super) comment: &'a str,
    /// An expression for the number of its owner, where it has one.
    pub(super) owner: Option<&'a str>,
    /// Its ACL and the letter by which the server knows its defaults.
    pub(super) acl: Option<(&'a str, &'a str)>,
}

impl Head<'_> {
    /// As the column `head`.
    pub(super) fn sql(&self) -> String {
        let Head { oid, path, comment, owner, acl } = self;
        let owned_by = owner.map_or("NULL".to_owned(), |o| format!("pg_get_userbyid({o})"));
        let grants = acl.map_or("NULL".to_owned(), |(acl, letter)| grants::sql(acl, letter, owner.unwrap_or("0::oid")));
        format!(
            "json_build_object('oid', ({oid})::int8, 'name', ARRAY[{path}]::text[], 'comment', {comment}, \
             'owner', {owned_by}, 'grants', {grants}) AS head"
        )
    }
}

/// The comment of an object that has no parts.
pub(super) fn comment(class: &str, oid: &str) -> String {
    format!("obj_description({oid}, '{class}')")
}

/// `LEFT JOIN` that gives a relation `c` the paths of what it inherits from, as `i.parents`.
pub(super) const PARENTS: &str = "LEFT JOIN (SELECT h.inhrelid, json_agg(json_build_array(hn.nspname, hc.relname) ORDER BY h.inhseqno) AS parents \
       FROM pg_inherits h JOIN pg_class hc ON hc.oid = h.inhparent AND hc.relkind IN ('r', 'p', 'f') \
       JOIN pg_namespace hn ON hn.oid = hc.relnamespace GROUP BY h.inhrelid) i ON i.inhrelid = c.oid";

/// A collation as SQL.
pub(super) fn collation(oid: &str) -> String {
    let (schema, name) = (quoted("ln.nspname"), quoted("l.collname"));
    format!(
        "(SELECT {schema} || '.' || {name} FROM pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace \
         WHERE l.oid = {oid})"
    )
}
