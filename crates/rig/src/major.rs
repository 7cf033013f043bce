//! Which PostgreSQL a server is, and where its programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::cache;
use crate::error::{Result, RigError};

/// A PostgreSQL generation that a rig can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Major {
    /// The distribution's server: 15 on Debian 12; where 15 is not packaged, the oldest one from 16 on.
    V15,
    /// PostgreSQL 18: the distribution's, or the one `scripts/setup.sh` fetched.
    V18,
}

impl Major {
    /// Whether this machine has it.
    pub fn available(self) -> bool {
        self.bin().is_some()
    }

    /// 18 where it can be had, else the distribution's.
    pub fn best() -> Self {
        if Self::V18.available() { Self::V18 } else { Self::V15 }
    }

    /// The folder of its programs.
    pub fn bin(self) -> Option<PathBuf> {
        let packaged = |number: u32| PathBuf::from(format!("/usr/lib/postgresql/{number}/bin"));
        let candidates = match self {
            Self::V15 => vec![packaged(15), packaged(16), packaged(17)],
            Self::V18 => vec![packaged(18), cache::folder().join("pg18").join("bin")],
        };
        candidates.into_iter().find(|bin| bin.join("postgres").exists() && bin.join("initdb").exists())
    }

    /// The folder of its `pg_dump` and `pg_restore`, which do not come with every server.
    pub fn client_bin(self) -> Option<PathBuf> {
        let candidates = match self {
            Self::V15 => self.bin().into_iter().collect(),
            Self::V18 => {
                vec![PathBuf::from("/usr/lib/postgresql/18/bin"), cache::folder().join("pg18-client").join("bin")]
            }
        };
        candidates.into_iter().find(|bin| bin.join("pg_dump").exists() && bin.join("pg_restore").exists())
    }

    /// The path of one of its programs.
    pub(crate) fn program(self, name: &str) -> Result<PathBuf> {
        let bin = self.bin().ok_or_else(|| RigError::Missing {
            what: match self {
                Self::V15 => "PostgreSQL 15 or the distribution's own".into(),
                Self::V18 => "PostgreSQL 18".into(),
            },
            remedy: "run scripts/setup.sh demo".into(),
        })?;
        Ok(bin.join(name))
    }

    /// The exact version, for example `15.20`.
    pub fn version(self) -> Result<String> {
        let postgres = self.program("postgres")?;
        version_of(&postgres)
    }
}

/// Reads `postgres (PostgreSQL) 15.20 (Debian …)`.
fn version_of(postgres: &Path) -> Result<String> {
    let doing = || format!("asking {} for its version", postgres.display());
    let output = Command::new(postgres).arg("--version").output().map_err(RigError::io(doing()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().nth(2).map(str::to_owned).ok_or_else(|| RigError::Program {
        program: "postgres --version".into(),
        output: text.into_owned() + &String::from_utf8_lossy(&output.stderr),
    })
}
