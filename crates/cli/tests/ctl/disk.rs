//! A disk that is full under the store: a file system of our own, and a process that may write no more.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::Frozen;

/// A file system of our own, small enough to be filled. Gone when dropped.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where this user may not mount.
    pub fn mount(megabytes: u32) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(dir.path());
        mount.stderr(std::process::Stdio::null()).status().is_ok_and(|s| s.success()).then_some(SmallDisk(dir))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Until not a byte more goes in.
    pub fn fill(&self) {
        let mut file = File::create(self.ballast()).unwrap();
        for size in [1 << 20, 4096, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    /// Takes away what filled it.
    pub fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Lets no process of a switch write beyond the first page of any file: every write to the store fails.
pub fn refuse_writes(asleep: &Frozen) -> bool {
    set_file_size(asleep.pid(), "4096:") && children(asleep.pid()).into_iter().all(|pid| set_file_size(pid, "4096:"))
}

/// Takes that back.
pub fn allow_writes(pid: u32) {
    for pid in children(pid).into_iter().chain([pid]) {
        set_file_size(pid, "unlimited:");
    }
}

/// The soft limit alone, which its owner may raise again.
fn set_file_size(pid: u32, limit: &str) -> bool {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--pid={pid}")).arg(format!("--fsize={limit}"));
    prlimit.status().is_ok_and(|s| s.success())
}

/// The watchdog is a child of the process that drives. One that only waits to be reaped has ended.
pub fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        fields.next().is_some_and(|state| state != "Z") && fields.next() == Some(&parent.to_string())
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(is_child).collect()
}
