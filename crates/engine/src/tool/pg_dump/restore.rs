//! Restoring a section.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor};

use super::{
    Holding, Item, Say, SchemaDump, Section, facts, present,
    ties::{self, Tie},
};
use crate::{
    error::{Error, Kind, Result},
    tool::{
        login::Login,
        process::{self, Invocation},
    },
};

/// How many indexes are built at once. The target also applies the stream meanwhile.
const JOBS: u32 = 4;

/// How often the rest of the schema is begun again after a deadlock, and the pause before that.
const ATTEMPTS: u32 = 5;
const BETWEEN: Duration = Duration::from_secs(1);

/// How many names a message lists.
const NAMED: usize = 5;

/// The runs of `pg_restore` for one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Everything that stands by itself.
    First,
    /// What is said about objects, once all of them are there.
    Remarks,
}

impl SchemaDump {
    /// Makes what the target lacks of a section, within `deadline`; returns how many entries were restored. Structure
    /// and Keys appear as a whole or not at all. Of the Rest, what is there when it fails stays, and the next call goes
    /// on behind it. `say` hears what it waits for.
    ///
    /// # Errors
    /// `Unsuitable` when the target lacks a role, or holds a part of the structure; `Tool` and its kin when `pg_restore`
    /// fails; `LockTimeout` when tables were in use for too long.
    pub async fn restore(&self, section: Section, target: &Login, deadline: Duration, say: Say<'_>) -> Result<usize> {
        let doing = format!("restoring the {} of {} on {}", section.word(), self.source_label, target.label);
        match (section, self.observe(section, target).await?) {
            (_, Holding::Everything) => return Ok(0),
            (Section::Structure, Holding::Part { present, .. }) => return Err(not_empty(doing, &present)),
            (Section::Structure | Section::Keys | Section::Rest, Holding::Nothing)
            | (Section::Keys | Section::Rest, Holding::Part { .. }) => {}
        }
        self.demand_roles(&doing, target).await?;
        match section {
            Section::Structure | Section::Keys => {
                let wanted = self.wanted(section, target).await?;
                self.run(section, Pass::First, &wanted, target, deadline, &doing).await?;
                Ok(wanted.len())
            }
            Section::Rest => self.restore_rest(target, deadline, say, &doing).await,
        }
    }

    /// What the target lacks of a section.
    async fn wanted(&self, section: Section, target: &Login) -> Result<Vec<&Item>> {
        let held = self.held(target).await?;
        Ok(self.of(section).filter(|i| !present::counts(i) || !present::is_in(i, &held)).collect())
    }

    /// The stream is applied meanwhile. What can be made by locking one table at a time is left to `pg_restore`, and the
    /// server may still break a rare deadlock in it (a TRUNCATE that arrives locks all its tables): then it goes on
    /// behind what is there.
    async fn restore_rest(&self, target: &Login, deadline: Duration, say: Say<'_>, doing: &str) -> Result<usize> {
        let mut made = 0;
        for attempt in 1u32.. {
            let wanted = self.wanted(Section::Rest, target).await?;
            made = made.max(wanted.len());
            let done = async {
                self.run(Section::Rest, Pass::First, &wanted, target, deadline, doing).await?;
                let ties: Vec<&Tie> = wanted.iter().filter_map(|i| i.tie.as_ref()).collect();
                ties::make(&ties, target, deadline, say).await?;
                self.run(Section::Rest, Pass::Remarks, &wanted, target, deadline, doing).await?;
                self.fill_views(doing, target, deadline).await
            };
            match done.await {
                Ok(()) => break,
                Err(e) if e.kind == Kind::LockTimeout && attempt < ATTEMPTS => {
                    say(format!("tries again: {}", e.why));
                    tokio::time::sleep(BETWEEN).await;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(made)
    }

    /// One run of `pg_restore`, for those of the entries that belong to the pass.
    async fn run(
        &self,
        section: Section,
        pass: Pass,
        wanted: &[&Item],
        target: &Login,
        deadline: Duration,
        doing: &str,
    ) -> Result<()> {
        let items: Vec<&Item> = wanted.iter().copied().filter(|i| Pass::of(section, i) == Some(pass)).collect();
        if items.is_empty() {
            return Ok(());
        }
        self.write_list(pass.list_file(section), items.into_iter(), doing)?;
        let (program, args) = (self.tools.restore.clone(), self.restore_arguments(section, pass, target));
        process::run(Invocation { doing: doing.to_owned(), program, args, login: Some(target), deadline }).await?;
        Ok(())
    }

    pub(super) fn restore_arguments(&self, section: Section, pass: Pass, target: &Login) -> Vec<String> {
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
            format!("--use-list={}", self.dir.file(pass.list_file(section)).display()),
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

impl Pass {
    /// When an entry's turn is; None for foreign keys, which are made between the passes.
    pub(super) fn of(section: Section, item: &Item) -> Option<Pass> {
        match (section, item.entry.kind.as_str()) {
            _ if item.tie.is_some() => None,
            // Remarks on a foreign key need it.
            (Section::Rest, "COMMENT" | "SECURITY LABEL") => Some(Pass::Remarks),
            _ => Some(Pass::First),
        }
    }

    /// Where its entries are listed for `pg_restore`.
    fn list_file(self, section: Section) -> &'static str {
        match (section, self) {
            (Section::Structure, _) => "structure.list",
            (Section::Keys, _) => "keys.list",
            (Section::Rest, Pass::First) => "rest.list",
            (Section::Rest, Pass::Remarks) => "remarks.list",
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
