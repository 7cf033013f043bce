//! Finding the programs of one PostgreSQL version.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Error, Kind, Result},
    tool::process::{self, Invocation},
};

/// Where programs may be. The default looks where packages put them, then along `PATH`.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// A folder that is looked into first.
    pub folder: Option<PathBuf>,
}

/// `pg_dump` and `pg_restore` of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub(super) dump: PathBuf,
    pub(super) restore: PathBuf,
}

impl Tools {
    /// The programs of exactly this major version: an older one refuses the server, and a newer one writes what other
    /// servers than its own do not read.
    pub(super) async fn find(&self, major: i32) -> Result<Binaries> {
        let doing = format!("looking for pg_dump {major}");
        let mut seen = Vec::new();
        for folder in self.candidates(major) {
            let binaries = Binaries { dump: folder.join("pg_dump"), restore: folder.join("pg_restore") };
            if !binaries.dump.is_file() || !binaries.restore.is_file() {
                continue;
            }
            match version(&binaries.dump).await {
                Some(found) if found == major => return Ok(binaries),
                Some(found) => seen.push(format!("{} is {found}", binaries.dump.display())),
                None => seen.push(format!("{} does not tell its version", binaries.dump.display())),
            }
        }
        let seen = if seen.is_empty() { "none was found".to_owned() } else { seen.join(", ") };
        let why = format!(
            "the schema has to be read with the source's own version ({seen}): install postgresql-client-{major}, or name \
             the folder that holds it"
        );
        Err(Error::new(Kind::Tool, doing, why))
    }

    fn candidates(&self, major: i32) -> Vec<PathBuf> {
        let packaged = [
            format!("/usr/lib/postgresql/{major}/bin"),
            format!("/usr/pgsql-{major}/bin"),
            format!("/opt/homebrew/opt/postgresql@{major}/bin"),
            format!("/usr/local/opt/postgresql@{major}/bin"),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.folder.iter().cloned().chain(packaged.map(PathBuf::from)).chain(std::env::split_paths(&path)).collect()
    }
}

async fn version(program: &Path) -> Option<i32> {
    let invocation = Invocation {
        doing: format!("asking {} for its version", program.display()),
        program: program.to_owned(),
        args: vec!["--version".to_owned()],
        login: None,
        deadline: Duration::from_secs(5),
    };
    major(&process::run(invocation).await.ok()?)
}

/// From `pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`; of a beta, `18beta1`.
fn major(text: &str) -> Option<i32> {
    let word = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), Some(15));
        assert_eq!(major("pg_dump (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }

    #[tokio::test]
    async fn a_version_that_is_nowhere_gets_a_sentence() {
        let error = Tools::default().find(9).await.unwrap_err();
        assert!(error.why.contains("postgresql-client-9"), "{error}");
    }
}
