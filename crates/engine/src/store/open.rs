//! Opening the store's file: made if absent, migrated if older, refused if newer or damaged.

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, failed};
use crate::error::{Error, Kind, Result};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

impl Store {
    /// Opens the file, making it and its folder when they are absent.
    ///
    /// # Errors
    /// `StoreNewer` and `StoreDamaged` leave the file as it is.
    pub async fn open(path: &Path) -> Result<Store> {
        let doing = format!("opening the store {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| Error::new(Kind::Store, &doing, format!("its folder cannot be made ({e})")))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true);
        let full = pool(options.clone().synchronous(SqliteSynchronous::Full), 3, &doing).await?;
        restrict(path);
        migrate(&full, &doing).await?;
        let quick = pool(options.synchronous(SqliteSynchronous::Normal), 1, &doing).await?;
        Ok(Store { full, quick, path: path.to_owned() })
    }

    /// Closes it, so that the file can be copied.
    pub async fn close(&self) {
        self.quick.close().await;
        self.full.close().await;
    }
}

async fn pool(options: SqliteConnectOptions, size: u32, doing: &str) -> Result<SqlitePool> {
    SqlitePoolOptions::new().max_connections(size).connect_with(options).await.map_err(|e| failed(doing, e))
}

async fn migrate(pool: &SqlitePool, doing: &str) -> Result<()> {
    match MIGRATOR.run(pool).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(v)) => Err(Error::new(
            Kind::StoreNewer,
            doing,
            format!("it was written by a newer Switchyard (schema {v}, this one knows up to {})", newest()),
        )),
        Err(sqlx::migrate::MigrateError::VersionMismatch(v)) => {
            Err(Error::new(Kind::StoreDamaged, doing, format!("its schema {v} is not the one this version made")))
        }
        Err(sqlx::migrate::MigrateError::Execute(e)) => Err(failed(doing, e)),
        Err(other) => Err(Error::new(Kind::Store, doing, other.to_string())),
    }
}

fn newest() -> i64 {
    MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0)
}

/// The file names endpoints and users: readable for its owner alone, where the system knows that.
fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A file system without modes is no reason not to open the store.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}
