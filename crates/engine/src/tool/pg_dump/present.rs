//! What of the dump a database holds already, by type and qualified name.

use std::collections::{BTreeSet, HashSet};

use sqlx::AssertSqlSafe;

use super::{Identity, Item, SchemaDump, Section, facts};
use crate::{error::Result, tool::login::Login};

/// How much of a section a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// None of its objects.
    Nothing,
    /// Some; names for people.
    Part {
        /// What is there.
        present: Vec<String>,
        /// What is not.
        missing: Vec<String>,
    },
    /// All of them (also when there are none).
    Everything,
}

impl SchemaDump {
    /// How much of a section the target holds, by name; whether the definitions agree is for the schema's comparison to
    /// say.
    pub async fn observe(&self, section: Section, target: &Login) -> Result<Holding> {
        let held = self.held(target).await?;
        let (here, absent): (Vec<&Item>, Vec<&Item>) =
            self.of(section).filter(|i| counts(i)).partition(|i| is_in(i, &held));
        let mut present: Vec<String> = here.into_iter().map(title).collect();
        let mut missing: Vec<String> = absent.into_iter().map(title).collect();
        if section == Section::Rest {
            let unfilled: HashSet<String> = self.unfilled_views(target).await?.into_iter().collect();
            for view in &self.filled_views {
                let line = format!("rows of materialized view {view}");
                if unfilled.contains(view) { missing.push(line) } else { present.push(line) }
            }
        }
        Ok(match (present.is_empty(), missing.is_empty()) {
            (_, true) => Holding::Everything,
            (true, false) => Holding::Nothing,
            (false, false) => Holding::Part { present, missing },
        })
    }

    /// Everything that the target holds in the catalogs which the dump touches.
    pub(super) async fn held(&self, target: &Login) -> Result<HashSet<Identity>> {
        let catalogs: BTreeSet<u32> =
            self.items.iter().filter(|i| i.identity.is_some()).map(|i| i.entry.catalog).collect();
        if catalogs.is_empty() {
            return Ok(HashSet::new());
        }
        let oids: Vec<i64> = catalogs.into_iter().map(i64::from).collect();
        let doing = format!("reading what {} holds", target.label);
        let work = async {
            let sql = "SELECT c, c::oid::regclass::text FROM unnest($1::int8[]) c";
            let names: Vec<(i64, String)> = sqlx::query_as(sql).bind(&oids).fetch_all(&target.pool).await?;
            let each: Vec<String> = names
                .iter()
                .map(|(c, name)| format!("SELECT {c}::oid AS c, oid AS o FROM {name}{}", condition(name)))
                .collect();
            let sql = format!(
                "SELECT i.type, i.identity FROM ({}) x CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.c, x.o, 0) i \
                 WHERE x.o >= 16384 AND i.identity IS NOT NULL",
                each.join(" UNION ALL ")
            );
            sqlx::query_as::<_, (String, String)>(AssertSqlSafe(sql)).fetch_all(&target.pool).await
        };
        let rows = facts::ask(&doing, work).await?;
        Ok(rows.into_iter().map(|(kind, name)| Identity { kind, name }).collect())
    }

    /// Materialised views that hold rows on the source and none here.
    pub(super) async fn unfilled_views(&self, target: &Login) -> Result<Vec<String>> {
        let sql = "SELECT i.identity FROM pg_catalog.pg_class c \
                   CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0) i \
                   WHERE c.relkind = 'm' AND NOT c.relispopulated AND i.identity = ANY ($1)";
        let query = sqlx::query_scalar::<_, String>(sql).bind(&self.filled_views).fetch_all(&target.pool);
        let found = facts::ask(&format!("looking at the materialised views of {}", target.label), query).await?;
        // In the dump's order, in which one may be made from another.
        Ok(self.filled_views.iter().filter(|v| found.contains(v)).cloned().collect())
    }

    /// Roles that own something in the dump or have a right on something, and that the target lacks.
    pub async fn missing_roles(&self, target: &Login) -> Result<Vec<String>> {
        let sql = "SELECT r FROM unnest($1::text[]) r WHERE r NOT IN (SELECT rolname::text FROM pg_catalog.pg_roles) ORDER BY 1";
        let query = sqlx::query_scalar(sql).bind(&self.roles).fetch_all(&target.pool);
        facts::ask(&format!("looking for roles on {}", target.label), query).await
    }
}

/// A view that needs a key is made as a stand-in first and gets its rule with the rest; the stand-in's rule is not it.
fn condition(catalog: &str) -> &'static str {
    if catalog.ends_with("pg_rewrite") {
        " WHERE rulename <> '_RETURN' OR pg_catalog.pg_get_viewdef(ev_class) !~ '^\\s*SELECT NULL::'"
    } else {
        ""
    }
}

/// Whether its presence tells anything: extensions may be anybody's, and default privileges stay when all else is
/// dropped. Both can be restored again without harm.
pub(super) fn counts(item: &Item) -> bool {
    item.identity.is_some() && !matches!(item.entry.kind.as_str(), "EXTENSION" | "DEFAULT ACL")
}

/// Whether it is among what is held.
pub(super) fn is_in(item: &Item, held: &HashSet<Identity>) -> bool {
    item.identity.as_ref().is_some_and(|i| held.contains(i))
}

fn title(item: &Item) -> String {
    item.identity.as_ref().map_or_else(|| item.entry.rest.clone(), |i| format!("{} {}", i.kind, i.name))
}
