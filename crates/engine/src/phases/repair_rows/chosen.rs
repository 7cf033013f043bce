//! Which findings are to be mended, read from the store page by page.

use std::collections::BTreeSet;

use switchyard_model::ident::TableName;

use crate::{
    error::{Error, Kind, Result},
    saga::Cx,
    store::KeptFinding,
};

/// What is to be mended of one table.
pub(super) struct Chosen {
    pub(super) table: TableName,
    /// None for all of its findings.
    pub(super) findings: Option<Vec<KeptFinding>>,
    pub(super) count: i64,
}

/// The tables with their findings. A finding that is gone is of a row that is equal by now.
pub(super) async fn chosen(cx: &Cx, table: Option<&TableName>, findings: &[i64]) -> Result<Vec<Chosen>> {
    if findings.is_empty() { all(cx, table).await } else { by_number(cx, table, findings).await }
}

async fn all(cx: &Cx, wanted: Option<&TableName>) -> Result<Vec<Chosen>> {
    let (store, migration) = (cx.book.store(), cx.book.migration());
    let mut tables = cx.scope().await?.fence;
    if let Some(table) = wanted {
        if !tables.contains(table) {
            let why = format!("{} is none of this migration's tables", table.plain());
            return Err(Error::new(Kind::NotFound, "choosing rows to repair", why));
        }
        tables = vec![table.clone()];
    }
    let mut all = Vec::new();
    for table in tables {
        let count = store.count_findings(migration, &table).await?;
        if count > 0 {
            all.push(Chosen { table, findings: None, count });
        }
    }
    Ok(all)
}

async fn by_number(cx: &Cx, wanted: Option<&TableName>, numbers: &[i64]) -> Result<Vec<Chosen>> {
    let mut all: Vec<Chosen> = Vec::new();
    for number in numbers.iter().copied().collect::<BTreeSet<i64>>() {
        let Some(kept) = cx.book.store().finding(cx.book.migration(), number).await? else { continue };
        if wanted.is_some_and(|t| *t != kept.table) {
            let why = format!("finding {number} is of {}", kept.table.plain());
            return Err(Error::new(Kind::Invalid, "choosing rows to repair", why));
        }
        match all.iter_mut().find(|c| c.table == kept.table) {
            Some(chosen) => {
                chosen.count += 1;
                chosen.findings.get_or_insert_default().push(kept);
            }
            None => all.push(Chosen { table: kept.table.clone(), findings: Some(vec![kept]), count: 1 }),
        }
    }
    Ok(all)
}

/// A table's findings page by page: those that were chosen, or all as the store has them now.
pub(super) struct Pages<'a> {
    chosen: &'a Chosen,
    after: i64,
}

impl<'a> Pages<'a> {
    pub(super) fn of(chosen: &'a Chosen) -> Self {
        Pages { chosen, after: 0 }
    }

    pub(super) async fn next(&mut self, cx: &Cx, most: i64) -> Result<Option<Vec<KeptFinding>>> {
        let page = match &self.chosen.findings {
            Some(all) => {
                let rest = all.iter().filter(|k| k.id > self.after);
                rest.take(usize::try_from(most).unwrap_or(1)).cloned().collect()
            }
            None => cx.book.store().findings(cx.book.migration(), &self.chosen.table, self.after, most).await?,
        };
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.id;
        Ok(Some(page))
    }
}
