//! A store with one migration in it, for the tests of its parts.

use switchyard_model::{
    limits::Limits,
    migration::{MigrationSpec, Strategy},
};

use super::{MigrationId, Store};

/// The folder lives as long as its guard.
pub(super) async fn with_migration() -> (tempfile::TempDir, Store, MigrationId) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db")).await.unwrap();
    let spec = MigrationSpec {
        name: "shop".to_owned(),
        strategy: Strategy::Live,
        source: "a".to_owned(),
        target: "b".to_owned(),
        routers: Vec::new(),
        limits: Limits::demo(),
    };
    let id = store.create_migration(&spec, "test", 1).await.unwrap();
    (folder, store, id)
}
