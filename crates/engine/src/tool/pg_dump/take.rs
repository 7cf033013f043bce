//! Taking the dump and reading its list.

use std::{path::Path, time::Duration};

use super::{
    SchemaDump, facts,
    list::{self, Entry},
    sections,
    tools::{Binaries, Tools},
};
use crate::{
    error::{Error, Kind, Result},
    tool::{
        login::Login,
        private_dir::PrivateDir,
        process::{self, Invocation},
    },
};

/// The dump's name in its folder.
pub(super) const FILE: &str = "schema.dump";

/// How long the dump may take; it reads catalogs only.
const DUMP: Duration = Duration::from_secs(300);

/// How long reading the list of a dump may take.
pub(super) const LIST: Duration = Duration::from_secs(60);

impl SchemaDump {
    /// Dumps the source's schema into a private folder below `workdir`. Changes nothing on the source; it locks tables
    /// against being altered for as long as it runs.
    ///
    /// # Errors
    /// `Tool` when no `pg_dump` of the source's version is there or it fails; `Privilege` when our role may not read.
    pub async fn take(tools: &Tools, source: &Login, workdir: &Path) -> Result<SchemaDump> {
        let doing = format!("dumping the schema of {}", source.label);
        let binaries = tools.find(facts::major(source).await?).await?;
        let dir = PrivateDir::make(workdir).map_err(|e| {
            let why = format!("no folder can be made in {}: {e}", workdir.display());
            Error::new(Kind::Store, &doing, why).caused_by(e)
        })?;
        let args = arguments(source, &dir.file(FILE));
        let taken_by = process::line(&binaries.dump, &args);
        let program = binaries.dump.clone();
        process::run(Invocation { doing, program, args, login: Some(source), deadline: DUMP }).await?;
        let before = entries(&binaries, &dir, "pre-data").await?;
        let after = entries(&binaries, &dir, "post-data").await?;
        let all: Vec<Entry> = before.iter().chain(&after).cloned().collect();
        let facts = facts::read(source, &all).await?;
        let filled_views = all
            .iter()
            .zip(&facts.identities)
            .filter(|(e, _)| e.kind == "MATERIALIZED VIEW" && facts.filled.contains(&e.oid))
            .filter_map(|(_, identity)| Some(identity.as_ref()?.name.clone()))
            .collect();
        let items = sections::sort(before, after, &facts);
        let (source_label, roles) = (source.label.clone(), facts.roles);
        Ok(SchemaDump { tools: binaries, dir, taken_by, source_label, items, roles, filled_views })
    }
}

fn arguments(source: &Login, file: &Path) -> Vec<String> {
    [
        "--format=custom",
        "--schema-only",
        // Ours is made by the fence's installation, on both sides.
        "--exclude-schema=switchyard",
        "--exclude-schema=switchyard_drill",
        "--no-publications",
        "--no-subscriptions",
        "--no-password",
        // A table that is being altered must not hold us, and those behind us, for long.
        "--lock-wait-timeout=10000",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("--file={}", file.display()), format!("--dbname={}", source.conninfo())])
    .collect()
}

async fn entries(binaries: &Binaries, dir: &PrivateDir, section: &str) -> Result<Vec<Entry>> {
    let invocation = Invocation {
        doing: "reading the list of the dump".to_owned(),
        program: binaries.restore.clone(),
        args: vec!["--list".to_owned(), format!("--section={section}"), dir.file(FILE).display().to_string()],
        login: None,
        deadline: LIST,
    };
    Ok(list::parse(&process::run(invocation).await?))
}
