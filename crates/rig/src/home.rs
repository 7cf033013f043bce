//! The folder in which a rig or a single server keeps its files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::account::{Account, set_mode};
use crate::error::{Result, RigError};

/// A folder, removed at the end when it was a temporary one.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    pub(crate) account: Account,
    _temporary: Option<TempDir>,
}

impl Home {
    /// Opens `dir`, or a temporary folder.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self> {
        let account = Account::find()?;
        let (path, temporary) = match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(RigError::io(format!("making {}", dir.display())))?;
                // Servers are started in other folders than ours, so every path they get is absolute.
                let path = dir.canonicalize().map_err(RigError::io(format!("resolving {}", dir.display())))?;
                (path, None)
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("switchyard-rig-")
                    .tempdir()
                    .map_err(RigError::io("making a temporary folder"))?;
                // What lies in it is private; the folder itself has to be walked through by the servers' user.
                set_mode(temporary.path(), 0o711)?;
                (temporary.path().to_path_buf(), Some(temporary))
            }
        };
        account.check_reach(&path)?;
        Ok(Self { path, account, _temporary: temporary })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A fresh folder in it, private to the servers' user; an existing one is never overwritten.
    pub(crate) fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        if path.exists() {
            let why = "it is left from an earlier rig; remove it (switchyard-rig down) or choose another folder";
            return Err(RigError::Folder { path, why: why.into() });
        }
        self.account.make_dir(&path)?;
        Ok(path)
    }
}
