//! `verify`: compares two databases without a migration.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;
use switchyard_engine::{
    clock::{SharedClock, SystemClock},
    conductor::password_of,
    db::{
        Database,
        connect::{Login, connect},
    },
    reconcile::{Pace, Pass, Settle, pair, repair::Repair},
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, parse_url},
    ident::TableName,
    reconcile::{ColumnDifference, Finding, FindingKind, NotCompared, Standing, TableReport, TableVerdict},
};

use crate::{
    Switchyard,
    dto::ApiError,
    repair::{self, Repairing, VerifiedRepair},
    resume::{Remembered, Subject},
    spill::{Found, Listed, Spill},
};

/// What to compare.
#[derive(Debug)]
pub struct VerifyRequest {
    /// The source.
    pub source: End,
    /// The target.
    pub target: End,
    /// `schema.table` with `*` for any text; none is every table.
    pub tables: Vec<String>,
    /// Tells apart what a type's own equality calls equal: 1.0 and 1.00.
    pub exact: bool,
    /// Sessions per side.
    pub lanes: usize,
    /// How long a change may take on its way where no subscription is found.
    pub settle: Duration,
    /// What to do about findings, beside listing them.
    pub repair: Option<Repairing>,
    /// A file that keeps how far it has come, and from which it goes on where an earlier process was killed.
    pub resume: Option<PathBuf>,
}

/// One side of a comparison.
pub struct End {
    /// A `postgres://` URL, or the name of an endpoint in the store.
    pub reference: String,
    /// A password that goes before the URL's own, the keyring's and the password file's.
    pub password: Option<String>,
}

impl End {
    /// The same once more. No `Clone`: it may hold a password.
    pub(crate) fn again(&self) -> End {
        End { reference: self.reference.clone(), password: self.password.clone() }
    }
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL may hold a password.
        f.write_str("End")
    }
}

/// A table, as scripts read it.
#[derive(Debug, Serialize)]
pub struct VerifiedTable {
    /// `schema.table`.
    pub table: String,
    /// What is proven.
    pub verdict: TableVerdict,
    /// Rows on the source.
    pub rows_source: i64,
    /// Rows on the target.
    pub rows_target: i64,
    /// Rows that stayed different.
    pub findings: Listed,
    /// How many they are.
    #[serde(skip)]
    pub found: usize,
    /// Keys of rows that never rested.
    pub hot: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Rows that differed at first and were equal when looked at again.
    pub in_flight: i64,
    /// What was left out.
    pub not_compared: Vec<NotCompared>,
    /// Wall time.
    pub seconds: f64,
}

/// A finding, as scripts read it.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedFinding {
    /// Column and text.
    pub key: serde_json::Map<String, serde_json::Value>,
    /// Missing, extra or different.
    pub kind: FindingKind,
    /// Columns that differ, with both values.
    pub columns: Vec<ColumnDifference>,
    /// Such rows on the source.
    pub rows_source: i64,
    /// Such rows on the target.
    pub rows_target: i64,
}

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// By name.
    pub tables: Vec<VerifiedTable>,
    /// Rows on the source.
    pub rows: i64,
    /// Rows that stayed different, over all tables.
    pub findings: usize,
    /// Tables with rows that never rested, or that could not be compared.
    pub unproven: usize,
    /// Wall time of the pass, without connecting.
    pub seconds: f64,
    /// Rows of the source per second.
    pub rows_per_second: f64,
    /// What to know about the way it was compared.
    pub notes: Vec<String>,
    /// What would be run about each finding, or what became of it; none where no repair was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Vec<VerifiedRepair>>,
    /// Why the repair did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Switchyard {
    /// Compares; `pace` shows progress to whoever holds it too.
    ///
    /// # Errors
    /// When a side cannot be reached or read at all.
    pub async fn verify(&self, request: VerifyRequest, pace: Arc<Pace>) -> Result<Verified, ApiError> {
        let clock: SharedClock = Arc::new(SystemClock);
        let (source, target) = tokio::try_join!(
            self.end(Side::Source, &request.source, request.lanes),
            self.end(Side::Target, &request.target, request.lanes)
        )?;
        let now = clock.now();
        let (here, there) = tokio::try_join!(source.catalog.inventory(now), target.catalog.inventory(now))?;
        let wanted =
            |name: &TableName| request.tables.is_empty() || request.tables.iter().any(|p| matches(p, &name.plain()));
        let pairing = pair(&here, &there, wanted, |base| source.rows.rendering(base, request.exact));
        if pairing.tables.is_empty() && pairing.left_out.is_empty() {
            return Err(nothing_to_compare(&source.label, &request.tables));
        }
        let stream = Settle::between(&source, &target, request.settle, clock.clone()).await?;
        let (authority, exact) = (Side::Source, request.exact);
        let with = Repair { source: &source, target: &target, authority, stream: &stream, exact };
        if let Some(repairing) = request.repair {
            let names: Vec<TableName> = pairing.tables.iter().map(|m| m.source.name.clone()).collect();
            repair::prepare(with, &names, repairing).await?;
        }
        let began = clock.instant();
        let pass = Pass {
            source: &source,
            target: &target,
            authority: Side::Source,
            stream: &stream,
            lanes: request.lanes,
            pace: &pace,
            clock: clock.clone(),
        };
        let spill = Spill::new()?;
        let mut notes = vec![stream.says()];
        let mut remembered = None;
        match &request.resume {
            Some(path) => {
                let (tables, exact) = (request.tables.as_slice(), request.exact);
                let subject = Subject { source: &here, target: &there, tables, exact };
                let file = Remembered::open(path, &subject, &self.parts.operator, &clock).await?;
                notes.extend(file.run(&pass, pairing, &spill).await?);
                notes.extend(file.says(&pace));
                remembered = Some(file);
            }
            None => notes.extend(pass.run_into(pairing, &spill).await?),
        }
        let tables = spill.end();
        let seconds = clock.instant().duration_since(began).as_secs_f64();
        let mut repairs = None;
        if let Some(repairing) = request.repair {
            let mut all = Vec::new();
            for (report, found) in &tables {
                let mut findings = Vec::new();
                found
                    .each(|finding| {
                        findings.push(finding);
                        Ok(true)
                    })
                    .map_err(crate::spill::failed)?;
                all.push((report.table.clone(), findings));
            }
            repairs = Some(repair::repair(with, &all, repairing).await);
        }
        let mut verified = answer(tables, seconds, notes);
        if let Some(repairs) = repairs {
            (verified.repairs, verified.trouble) = (Some(repairs.rows), repairs.trouble);
        }
        if let Some(file) = remembered {
            file.end().await;
        }
        Ok(verified)
    }

    pub(crate) async fn end(&self, side: Side, end: &End, lanes: usize) -> Result<Database, ApiError> {
        let (endpoint, secret) = self.resolve(&format!("The {side}"), end).await?;
        let login = Login { endpoint: &endpoint, password: secret.as_ref() };
        Ok(connect(side, login, u32::try_from(lanes).unwrap_or(4).max(2)).await?)
    }

    /// Where a URL or an endpoint's name leads to, and the password for it; `what` names it in errors.
    pub(crate) async fn resolve(&self, what: &str, end: &End) -> Result<(Endpoint, Option<Secret>), ApiError> {
        let (endpoint, password) = if end.reference.contains("://") {
            let parsed = parse_url(&end.reference).map_err(|why| ApiError::problems(&[format!("{what}: {why}")]))?;
            (parsed.endpoint, parsed.password)
        } else {
            (self.stored_endpoint(what, &end.reference).await?, None)
        };
        let secret = match end.password.clone().or(password) {
            Some(password) => Some(Secret::new(password)),
            None => password_of(&endpoint, &self.parts.keychain).await?,
        };
        Ok((endpoint, secret))
    }

    pub(crate) async fn stored_endpoint(&self, what: &str, name: &str) -> Result<Endpoint, ApiError> {
        let found = self.parts.store.endpoints().await?.into_iter().find(|e| e.name == name);
        found.ok_or_else(|| {
            // A mistyped URL may hold a password, so it is not repeated.
            let given = if name.contains('@') { "what was given".to_owned() } else { format!("“{name}”") };
            let why = format!("{what}: {given} is neither a postgres:// URL nor an endpoint in the store.");
            ApiError::new("not_found", why, "See switchyardctl endpoint list.")
        })
    }
}

pub(crate) fn nothing_to_compare(source: &str, patterns: &[String]) -> ApiError {
    let why = if patterns.is_empty() {
        format!("{source} has no tables to compare.")
    } else {
        format!("No table of {source} is named {}.", patterns.join(" or "))
    };
    ApiError::new(
        "not_found",
        why,
        "Write patterns as schema.table, with * for any text; letters count as they are stored.",
    )
}

fn answer(tables: Vec<(TableReport, Found)>, seconds: f64, notes: Vec<String>) -> Verified {
    let rows: i64 = tables.iter().map(|(t, _)| t.rows_source).sum();
    let unproven = |(t, _): &&(TableReport, Found)| match t.verdict(Side::Source) {
        TableVerdict::Unproven | TableVerdict::NotCompared => true,
        TableVerdict::Different => !t.hot.is_empty() || t.lost(Side::Source).is_some(),
        TableVerdict::Equal => false,
    };
    Verified {
        rows,
        findings: tables.iter().map(|(t, _)| t.found as usize).sum(),
        unproven: tables.iter().filter(unproven).count(),
        seconds,
        rows_per_second: rows as f64 / seconds.max(0.001),
        notes,
        repairs: None,
        trouble: None,
        tables: tables.into_iter().map(table).collect(),
    }
}

fn table((t, found): (TableReport, Found)) -> VerifiedTable {
    VerifiedTable {
        verdict: t.verdict(Side::Source),
        table: t.table.plain(),
        rows_source: t.rows_source,
        rows_target: t.rows_target,
        findings: Listed::Spilled(found),
        found: t.found as usize,
        hot: t.hot.into_iter().map(object).collect(),
        in_flight: t.in_flight,
        not_compared: t.not_compared,
        seconds: t.seconds,
    }
}

/// The same of a table as it stands after rounds.
pub(crate) fn standing_table(s: &Standing, findings: Vec<Finding>) -> VerifiedTable {
    VerifiedTable {
        verdict: s.verdict,
        table: s.table.plain(),
        rows_source: s.rows_source,
        rows_target: s.rows_target,
        found: s.findings as usize,
        findings: Listed::Few(findings.into_iter().map(VerifiedFinding::from).collect()),
        hot: s.hot_rows.iter().cloned().map(object).collect(),
        in_flight: s.in_flight,
        not_compared: s.not_compared.clone(),
        seconds: s.seconds,
    }
}

impl From<Finding> for VerifiedFinding {
    fn from(f: Finding) -> Self {
        VerifiedFinding {
            key: object(f.key),
            kind: f.kind,
            columns: f.columns,
            rows_source: f.rows_source,
            rows_target: f.rows_target,
        }
    }
}

pub(crate) fn object(pairs: Vec<(String, String)>) -> serde_json::Map<String, serde_json::Value> {
    pairs.into_iter().map(|(column, value)| (column, serde_json::Value::String(value))).collect()
}

/// Whether a name fits a pattern in which `*` is any text.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        assert!(matches("public.orders", "public.orders"));
        assert!(!matches("public.orders", "public.orders_2026"), "without a star the whole name counts");
        assert!(matches("public.*", "public.orders"));
        assert!(matches("*.order*_2026", "public.orders_2026"));
        assert!(!matches("public.*x", "public.orders"));
        assert!(!matches("public.ab*ba", "public.aba"), "what one part took is gone for the next");
    }
}
