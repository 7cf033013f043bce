//! Rights on an object, as far as they depart from what such an object has by itself.
//!
//! Defaults differ between versions (an owner has MAINTAIN since PostgreSQL 17), departures don't.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{difference::Severity, name};
use crate::ident::quote;

/// On what a statement grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct On {
    /// Columns in brackets, or nothing.
    pub columns: String,
    /// `TABLE "public"."t"`.
    pub object: String,
    /// Who it belongs to; no row is ever about an owner of something that has none.
    pub owner: String,
}

/// Who is granted to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// The object's owner, whoever that is.
    Owner,
    /// Everybody.
    Public,
    /// A role.
    Role(String),
}

/// One right that was given, or one of the usual ones that was taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// To or from whom.
    pub to: Grantee,
    /// Which.
    pub privilege: String,
    /// Whether it may be handed on.
    pub grantable: bool,
    /// Given; otherwise taken from those it usually has.
    pub given: bool,
}

impl Grant {
    fn shown(&self) -> String {
        let no = if self.given { "" } else { "no " };
        let option = if self.grantable { " with grant option" } else { "" };
        format!("{no}{}{option}", self.privilege)
    }

    fn make(&self, on: &On) -> String {
        let option = if self.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {}{} ON {} TO {}{option}", self.privilege, on.columns, on.object, self.to.sql(on))
    }

    fn take(&self, on: &On) -> String {
        format!("REVOKE {}{} ON {} FROM {}", self.privilege, on.columns, on.object, self.to.sql(on))
    }
}

impl Grantee {
    fn sql(&self, on: &On) -> String {
        match self {
            Grantee::Owner => quote(&on.owner),
            Grantee::Public => "PUBLIC".into(),
            Grantee::Role(role) => quote(role),
        }
    }

    /// The word of a difference in its rights.
    pub(super) fn what(&self) -> String {
        match self {
            Grantee::Owner => "rights of the owner".into(),
            Grantee::Public => "rights of PUBLIC".into(),
            Grantee::Role(role) => format!("rights of {}", name::part_of_name(role)),
        }
    }
}

/// MAINTAIN exists since PostgreSQL 17; older servers grant what it allows to nobody.
const NEW_PRIVILEGE: &str = "MAINTAIN";

/// Rights of one grantee on both sides.
pub(super) struct Departure {
    pub(super) to: Grantee,
    pub(super) source: Option<String>,
    pub(super) target: Option<String>,
    pub(super) severity: Severity,
    pub(super) why: &'static str,
    wanted: Vec<Grant>,
    found: Vec<Grant>,
}

impl Departure {
    pub(super) fn sql(&self, on: &On) -> Vec<String> {
        between(&self.wanted, &self.found, on)
    }

    /// Gives back on a column what taking it on the table takes there as well.
    pub(super) fn again_on(&self, column: &[Grant], on: &On) -> Vec<String> {
        let taken = |g: &Grant| {
            let same = |other: &&Grant| other.privilege == g.privilege && other.given && !self.wanted.contains(*other);
            g.to == self.to && self.found.iter().any(|other| same(&other))
        };
        column.iter().filter(|g| g.given && taken(g)).map(|g| g.make(on)).collect()
    }
}

/// Differences by grantee.
pub(super) fn departures(source: &[Grant], target: &[Grant], older: bool) -> Vec<Departure> {
    let counts = |g: &&Grant| !(older && g.privilege == NEW_PRIVILEGE);
    let mut by: BTreeMap<&Grantee, (BTreeSet<&Grant>, BTreeSet<&Grant>)> = BTreeMap::new();
    for grant in source.iter().filter(counts) {
        by.entry(&grant.to).or_default().0.insert(grant);
    }
    for grant in target.iter().filter(counts) {
        by.entry(&grant.to).or_default().1.insert(grant);
    }
    let differing = by.into_iter().filter(|(_, (here, there))| here != there);
    differing.map(|(to, (here, there))| departure(to, &here, &there)).collect()
}

fn departure(to: &Grantee, here: &BTreeSet<&Grant>, there: &BTreeSet<&Grant>) -> Departure {
    let shown = |set: &BTreeSet<&Grant>| match set.len() {
        0 => None,
        _ => Some(set.iter().map(|g| g.shown()).collect::<Vec<_>>().join(", ")),
    };
    let lacks = here.difference(there).any(|g| g.given) || there.difference(here).any(|g| !g.given);
    let (severity, why) = if lacks {
        (Severity::Blocks, "The target refuses what the source allows: the application gets “permission denied”.")
    } else {
        (Severity::Data, "The target allows what the source refuses.")
    };
    let owned = |set: &BTreeSet<&Grant>| set.iter().map(|g| (*g).clone()).collect();
    Departure {
        to: to.clone(),
        source: shown(here),
        target: shown(there),
        severity,
        why,
        wanted: owned(here),
        found: owned(there),
    }
}

/// Statements that lead from the rights found to those wanted.
pub(super) fn between(wanted: &[Grant], found: &[Grant], on: &On) -> Vec<String> {
    let mut taking = Vec::new();
    let mut giving = Vec::new();
    for g in found.iter().filter(|g| !wanted.contains(g)) {
        if g.given { taking.push(g.take(on)) } else { giving.push(g.make(on)) }
    }
    for g in wanted.iter().filter(|g| !found.contains(g)) {
        if g.given { giving.push(g.make(on)) } else { taking.push(g.take(on)) }
    }
    taking.extend(giving);
    taking
}
