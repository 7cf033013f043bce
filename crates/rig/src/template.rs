//! A prepared data directory per PostgreSQL version: `initdb` takes a second, copying its result a tenth.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::account::{Account, set_mode};
use crate::cache;
use crate::error::{Result, RigError};
use crate::login;
use crate::major::Major;

/// Which of the two clusters that are prepared per version: copies of one share its system identifier, and two servers of
/// one identifier pass for the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identity {
    /// The first one.
    #[default]
    First,
    /// The other one.
    Second,
}

/// Fills `data` with a fresh cluster and returns the password its superuser `postgres` has for now.
pub(crate) fn unpack(major: Major, identity: Identity, data: &Path, account: Account) -> Result<String> {
    let template = prepared(major, identity, account)?;
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto"]).arg(template.join("data")).arg(data);
    account.apply(&mut copy);
    run(copy, "copying the prepared data directory")?;
    let password = template.join("password");
    std::fs::read_to_string(&password).map_err(RigError::io(format!("reading {}", password.display())))
}

/// The prepared directory, made when it is not there yet.
fn prepared(major: Major, identity: Identity, account: Account) -> Result<PathBuf> {
    let cache = cache::folder();
    let suffix = match identity {
        Identity::First => "",
        Identity::Second => "-second",
    };
    let made = cache.join(format!("initdb-{}{suffix}", major.version()?));
    if made.exists() {
        return Ok(made);
    }
    std::fs::create_dir_all(&cache).map_err(RigError::io(format!("making {}", cache.display())))?;
    let draft = tempfile::Builder::new()
        .prefix("initdb-draft-")
        .tempdir_in(&cache)
        .map_err(RigError::io("making a folder for a prepared data directory"))?;
    set_mode(draft.path(), 0o700)?;
    account.own(draft.path())?;
    initialise(major, draft.path(), account)?;
    let draft = draft.keep();
    // Two processes may get here at once: the first rename wins, the other's draft goes away.
    if std::fs::rename(&draft, &made).is_err() {
        let _ = std::fs::remove_dir_all(&draft);
    }
    Ok(made)
}

fn initialise(major: Major, draft: &Path, account: Account) -> Result<()> {
    let password = draft.join("password");
    account.write_private(&password, &login::password())?;
    let mut initdb = Command::new(major.program("initdb")?);
    initdb.arg("--pgdata").arg(draft.join("data")).arg("--pwfile").arg(&password);
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    initdb.env_remove("LC_ALL").env("LANG", "C.UTF-8");
    account.apply(&mut initdb);
    run(initdb, "initdb").map(drop)
}

/// Runs a program to its end; what it printed goes into the error.
pub(crate) fn run(mut command: Command, program: &str) -> Result<Output> {
    command.current_dir("/");
    let output = command.output().map_err(RigError::io(format!("running {program}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(RigError::Program { program: program.into(), output: text })
}
