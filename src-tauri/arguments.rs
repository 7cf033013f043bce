//! What the command line asked for.

use std::path::{Path, PathBuf};

/// Moves a live database from a source to a target without downtime, with a way back at every moment.
#[derive(Debug, Clone, PartialEq, Eq, clap::Parser)]
#[command(name = "switchyard", version)]
pub struct Arguments {
    /// Opens the window on this migration.
    #[arg(long, value_name = "MIGRATION")]
    pub open: Option<String>,
    /// Folder of the store; without it the file named by SWITCHYARD_STORE, or one in the application's data folder.
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
}

impl Arguments {
    /// The store's file, where one was asked for.
    pub fn store(&self) -> Option<PathBuf> {
        self.data.as_deref().map(|folder| absolute(folder).join("switchyard.db"))
    }
}

/// The watchdog of a hold may run in another folder, so the path it is told must not depend on ours.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn both_may_be_left_out() {
        let none = Arguments::try_parse_from(["switchyard"]).unwrap();
        assert_eq!((none.open.clone(), none.store()), (None, None), "the API chooses the store then");
    }

    #[test]
    fn the_store_lies_in_the_folder() {
        let given = Arguments::try_parse_from(["switchyard", "--data", "/x/y", "--open", "shop 1"]).unwrap();
        assert_eq!(given.store(), Some(PathBuf::from("/x/y/switchyard.db")), "--data names a folder, not a file");
        assert_eq!(given.open.as_deref(), Some("shop 1"), "a name may hold spaces");
    }

    #[test]
    fn a_mistake_is_said() {
        assert!(Arguments::try_parse_from(["switchyard", "--opne", "x"]).is_err(), "a typo must not open a window");
    }
}
