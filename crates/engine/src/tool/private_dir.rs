//! A folder that only we can enter, removed with everything in it when dropped.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Tells apart the folders of one process; the process id tells apart the processes.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// See the module.
pub(super) struct PrivateDir {
    path: PathBuf,
}

impl PrivateDir {
    /// Makes it below `parent`. A folder that exists already is never taken over: somebody else may hold it open.
    pub(super) fn make(parent: &Path) -> std::io::Result<Self> {
        loop {
            let name = format!("switchyard-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = parent.join(name);
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(PrivateDir { path }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file of mode 0600 in it.
    pub(super) fn write(&self, name: &str, text: &str) -> std::io::Result<PathBuf> {
        use std::io::Write;
        let path = self.file(name);
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // Best effort: what is left is readable for us alone.
        let _ = fs::remove_dir_all(&self.path);
    }
}
