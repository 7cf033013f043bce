//! Where fetched servers and prepared data directories are kept between runs. `scripts/setup.sh` uses the same place.

use std::path::PathBuf;

use crate::account;

/// The cache folder: `SWITCHYARD_CACHE`, else one that the servers' user can read.
pub fn folder() -> PathBuf {
    if let Some(path) = std::env::var_os("SWITCHYARD_CACHE") {
        return PathBuf::from(path);
    }
    // Root's home is closed to the user that runs the servers.
    if account::is_root() {
        return PathBuf::from("/var/cache/switchyard");
    }
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    home.join(".cache").join("switchyard")
}
