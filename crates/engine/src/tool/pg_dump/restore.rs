//! Restoring a section.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor};

use super::{Holding, Item, SchemaDump, Section, facts, present};
use crate::{
    error::{Error, Kind, Result},
    tool::{
        login::Login,
        process::{self, Invocation},
    },
};

/// How many indexes are built at once. The target also applies the stream meanwhile.
const JOBS: u32 = 4;

/// How many names a message lists.
const NAMED: usize = 5;

impl SchemaDump {
    /// Makes what the target lacks of a section, within `deadline`; returns how many entries were restored. Structure
    /// and Keys appear as a whole or not at all. Of the Rest, what is there when it fails stays, and the next call goes
    /// on behind it.
    ///
    /// # Errors
    /// `Unsuitable` when the target lacks a role, or holds a part of the structure; `Tool` and its kin when `pg_restore`
    /// fails.
    pub async fn restore(&self, section: Section, target: &Login, deadline: Duration) -> Result<usize> {
        let doing = format!("restoring the {} of {} on {}", section.word(), self.source_label, target.label);
        match (section, self.observe(section, target).await?) {
            (_, Holding::Everything) => return Ok(0),
            (Section::Structure, Holding::Part { present, .. }) => return Err(not_empty(doing, &present)),
            (Section::Structure | Section::Keys | Section::Rest, Holding::Nothing)
            | (Section::Keys | Section::Rest, Holding::Part { .. }) => {}
        }
        self.demand_roles(&doing, target).await?;
        let held = self.held(target).await?;
        let wanted: Vec<&Item> =
            self.of(section).filter(|i| !present::counts(i) || !present::is_in(i, &held)).collect();
        self.write_list(section.list_file(), wanted.iter().copied(), &doing)?;
        if !wanted.is_empty() {
            let (program, args) = (self.tools.restore.clone(), self.restore_arguments(section, target));
            process::run(Invocation { doing: doing.clone(), program, args, login: Some(target), deadline }).await?;
        }
        if section == Section::Rest {
            self.fill_views(&doing, target, deadline).await?;
        }
        Ok(wanted.len())
    }

    pub(super) fn restore_arguments(&self, section: Section, target: &Login) -> Vec<String> {
        let how = match section {
            Section::Structure | Section::Keys => "--single-transaction".to_owned(),
            Section::Rest => format!("--jobs={JOBS}"),
        };
        vec![
            "--exit-on-error".to_owned(),
            how,
            "--no-password".to_owned(),
            // Where files lie is the target's own business.
            "--no-tablespaces".to_owned(),
            format!("--use-list={}", self.dir.file(section.list_file()).display()),
            format!("--dbname={}", target.conninfo()),
            self.file().display().to_string(),
        ]
    }

    /// Writes the entries that `pg_restore` shall take, in the dump's order.
    pub(super) fn write_list<'a>(
        &self,
        name: &str,
        items: impl Iterator<Item = &'a Item>,
        doing: &str,
    ) -> Result<std::path::PathBuf> {
        let text: String = items.map(|i| format!("{}\n", i.entry.line)).collect();
        self.dir.write(name, &text).map_err(|e| Error::new(Kind::Store, doing, e.to_string()).caused_by(e))
    }

    async fn demand_roles(&self, doing: &str, target: &Login) -> Result<()> {
        let missing = self.missing_roles(target).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!(
            "{} lacks the roles {}, which own objects of {} or have rights on them: create them first, for example from \
             pg_dumpall --roles-only",
            target.label,
            missing.iter().map(|r| format!("“{r}”")).collect::<Vec<_>>().join(", "),
            self.source_label
        );
        Err(Error::new(Kind::Unsuitable, doing, why))
    }

    async fn fill_views(&self, doing: &str, target: &Login, deadline: Duration) -> Result<()> {
        for view in self.unfilled_views(target).await? {
            let work = async {
                let mut tx = target.pool.begin().await?;
                let patience = format!("SET LOCAL statement_timeout = {}", deadline.as_millis().min(i32::MAX as u128));
                tx.execute(sqlx::raw_sql(AssertSqlSafe(patience))).await?;
                tx.execute(sqlx::raw_sql(AssertSqlSafe(fill_statement(&view)))).await?;
                tx.commit().await
            };
            let doing = format!("{doing}, filling {view}");
            match tokio::time::timeout(deadline, work).await {
                Ok(result) => result.map_err(|e| facts::failed(&doing, e))?,
                Err(_) => return Err(Error::new(Kind::Deadline, doing, "it took too long")),
            }
        }
        Ok(())
    }
}

impl Section {
    /// Where its entries are listed for `pg_restore`.
    pub(super) fn list_file(self) -> &'static str {
        match self {
            Section::Structure => "structure.list",
            Section::Keys => "keys.list",
            Section::Rest => "rest.list",
        }
    }
}

/// The name is quoted already, by the server that gave it.
pub(super) fn fill_statement(view: &str) -> String {
    format!("REFRESH MATERIALIZED VIEW {view}")
}

fn not_empty(doing: String, present: &[String]) -> Error {
    let named = present.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = present.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let why = format!(
        "the target holds {} of the objects already ({named}{more}): empty it, or restore the whole structure yourself",
        present.len()
    );
    Error::new(Kind::Unsuitable, doing, why)
}
