//! The system user that servers run as. PostgreSQL and PgBouncer refuse to run as root, so a rig started by root
//! hands them to the user `postgres`; otherwise they run as whoever started the rig.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Result, RigError};

/// The user that servers run as: `None` is the current one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(Option<(u32, u32)>);

/// Whether the rig itself runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// The account for this process's servers.
    pub(crate) fn find() -> Result<Self> {
        if !is_root() {
            return Ok(Self(None));
        }
        let passwd = std::fs::read_to_string("/etc/passwd").map_err(RigError::io("reading /etc/passwd"))?;
        let ids = passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&"postgres"))
                .then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        });
        ids.map(|ids| Self(Some(ids))).ok_or_else(|| RigError::Missing {
            what: "the system user postgres, which servers run as when root starts them".into(),
            remedy: "run scripts/setup.sh demo".into(),
        })
    }

    /// Makes a command run as this user. The standard library drops the supplementary groups with it.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
    }

    /// Hands a file or folder (not what is in it) to this user.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(uid), Some(gid))
            .map_err(RigError::io(format!("handing {} to the servers' user", path.display())))
    }

    /// Makes a folder, private to this user.
    pub(crate) fn make_dir(self, path: &Path) -> Result<()> {
        std::fs::create_dir_all(path).map_err(RigError::io(format!("making {}", path.display())))?;
        set_mode(path, 0o700)?;
        self.own(path)
    }

    /// Writes a file only this user can read.
    pub(crate) fn write_private(self, path: &Path, text: &str) -> Result<()> {
        write_private(path, text)?;
        self.own(path)
    }

    /// Checks that this user can walk into `path`; a folder below `/root` can't hold a server's data.
    pub(crate) fn check_reach(self, path: &Path) -> Result<()> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        for folder in path.ancestors() {
            let Ok(meta) = std::fs::metadata(folder) else { continue };
            let mode = meta.permissions().mode();
            let open = mode & 0o001 != 0
                || (meta.uid() == uid && mode & 0o100 != 0)
                || (meta.gid() == gid && mode & 0o010 != 0);
            if !open {
                let why = format!("the user postgres can't enter {}; choose a folder below /var/tmp", folder.display());
                return Err(RigError::Folder { path: path.to_path_buf(), why });
            }
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read, from its first byte on.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let doing = || RigError::io(format!("writing {}", path.display()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(doing())?;
    file.write_all(text.as_bytes()).map_err(doing())
}

/// Sets a path's permission bits.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(RigError::io(format!("setting the mode of {}", path.display())))
}
