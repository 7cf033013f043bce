//! Opening the store's file: made if absent, migrated if older, refused if newer, damaged or somebody else's.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, failed};
use crate::error::{Error, Kind, Result, words};

/// How long another process may keep the file locked.
const PATIENCE: Duration = Duration::from_secs(5);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

impl Store {
    /// Opens the file, making it and its folder when they are absent.
    ///
    /// # Errors
    /// `StoreNewer`, `StoreDamaged`, and `Invalid` for what is no store, leave the file as it is.
    pub async fn open(path: &Path) -> Result<Store> {
        refuse_url(path)?;
        let doing = format!("opening the store {}", path.display());
        if path.is_dir() {
            return Err(Error::new(Kind::Invalid, doing, "it is a folder: name a file in it"));
        }
        look(path, &doing).await?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| {
                Error::new(Kind::Store, &doing, format!("its folder cannot be made ({})", words(&e))).caused_by(e)
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(PATIENCE)
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

/// A URL taken for a path would make folders of its parts, the password among them; it is not repeated either.
fn refuse_url(path: &Path) -> Result<()> {
    if !path.to_string_lossy().contains("://") {
        return Ok(());
    }
    let why = "a URL was given, and this version keeps its store in a file: give the path of one, in --store or in \
               SWITCHYARD_STORE";
    Err(Error::new(Kind::Invalid, "opening the store", why))
}

/// Looks at a file that is there before anything is written to it.
async fn look(path: &Path, doing: &str) -> Result<()> {
    if !std::fs::metadata(path).is_ok_and(|m| m.len() > 0) {
        return Ok(());
    }
    let options =
        SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE).disable_statement_logging();
    let question = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut connection)
            .await?;
        let newest = match tables.iter().any(|t| t == "_sqlx_migrations") {
            true => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await?,
            false => None,
        };
        connection.close().await?;
        Ok::<_, sqlx::Error>((tables, newest))
    };
    let (tables, version): (Vec<String>, Option<i64>) = match question.await {
        Ok(found) => found,
        // What else went wrong is told by the attempt to open it for good.
        Err(e) => {
            let error = failed(doing, e);
            return if error.kind == Kind::StoreDamaged { Err(error) } else { Ok(()) };
        }
    };
    if tables.iter().any(|t| t != "_sqlx_migrations") && !tables.iter().any(|t| t == "journal") {
        return Err(Error::new(Kind::Invalid, doing, "it is another program's database: name another file"));
    }
    match version {
        Some(found) if found > newest() => Err(newer(doing, found)),
        Some(_) | None => Ok(()),
    }
}

fn newer(doing: &str, version: i64) -> Error {
    let why = format!("it was written by a newer Switchyard (schema {version}, this one knows up to {})", newest());
    Error::new(Kind::StoreNewer, doing, why)
}

async fn pool(options: SqliteConnectOptions, size: u32, doing: &str) -> Result<SqlitePool> {
    // SQLite ends a transaction itself when the disk is full. The driver does not notice, and would refuse every further
    // transaction on such a connection: it is replaced, or this process could write no more once there is room again.
    let usable = |connection: &mut SqliteConnection| !connection.is_in_transaction();
    SqlitePoolOptions::new()
        .max_connections(size)
        .before_acquire(move |connection, _| {
            let usable = usable(connection);
            Box::pin(async move { Ok(usable) })
        })
        .connect_with(options)
        .await
        .map_err(|e| failed(doing, e))
}

async fn migrate(pool: &SqlitePool, doing: &str) -> Result<()> {
    match MIGRATOR.run(pool).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(v)) => Err(newer(doing, v)),
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

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[tokio::test]
    async fn a_store_can_be_written_again_after_sqlite_ended_transactions_by_itself() {
        let (_folder, store, id) = fixture::with_migration().await;
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON migration BEGIN SELECT RAISE (ROLLBACK, 'as a full disk does'); END";
        sqlx::raw_sql(refuse).execute(&store.full).await.unwrap();
        let mut spec = crate::saga::Book::open(
            store.clone(),
            id,
            std::sync::Arc::new(crate::clock::SystemClock),
            "x".into(),
            None,
        )
        .await
        .unwrap()
        .state()
        .await
        .spec;
        spec.name = "another".to_owned();
        for _ in 0..5 {
            assert!(store.create_migration(&spec, "test", 1).await.is_err(), "the trigger refuses it");
        }
        sqlx::raw_sql("DROP TRIGGER refuse").execute(&store.full).await.unwrap();
        for n in 0..3 {
            spec.name = format!("another {n}");
            store.create_migration(&spec, "test", 1).await.unwrap();
        }
    }
}
