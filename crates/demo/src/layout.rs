//! From a rig to a migration: endpoints, routers, limits.

use std::path::Path;

use switchyard_api::{Options, Switchyard, dto::*};
use switchyard_model::{
    endpoint::{Endpoint, TlsMode},
    router::RouterConfig,
};
use switchyard_rig::{Rig, Server};

use crate::{Failure, driver::Driver};

/// Name of the demo's migration.
pub const MIGRATION: &str = "shop to the target";

/// The endpoint of one of the rig's servers.
pub fn endpoint(name: &str, server: &Server) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        host: server.host.clone(),
        port: server.port,
        database: switchyard_rig::DATABASE.to_owned(),
        user: server.logins.switchyard.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    }
}

/// The routers in front of the rig's pair, and their passwords.
pub fn routers(rig: &Rig) -> (Vec<RouterConfig>, Vec<RouterPassword>) {
    let (mut routers, mut passwords) = (Vec::new(), Vec::new());
    for pooler in &rig.poolers {
        let router = RouterConfig::PgBouncer {
            host: pooler.host.clone(),
            port: pooler.port,
            user: pooler.admin_user.clone(),
            rw_database: "app_rw".to_owned(),
            ro_database: "app_ro".to_owned(),
        };
        if let Some(secret) = router.secret_name() {
            passwords.push(RouterPassword { secret, password: pooler.admin_password.clone() });
        }
        routers.push(router);
    }
    if let Some(haproxy) = &rig.haproxy {
        routers.push(RouterConfig::HaProxy {
            address: format!("{}:{}", haproxy.admin_host, haproxy.admin_port),
            rw_backend: "rw".to_owned(),
            ro_backend: "ro".to_owned(),
            source_server: "source".to_owned(),
            target_server: "target".to_owned(),
        });
    }
    (routers, passwords)
}

/// Opens the API on a store in this folder and creates the migration. `drive` says whether this process drives it.
pub async fn open(rig: &Rig, folder: &Path, drive: bool) -> Result<Driver, Failure> {
    let store = folder.join("switchyard.db");
    let api = Switchyard::open(Options { store: Some(store), guarded: true, drive, ..Options::default() })
        .await
        .map_err(|e| format!("{} {}", e.message, e.remedy))?;
    let driver = Driver { api, migration: MIGRATION.to_owned() };
    for (name, server) in [("shop-source", &rig.source), ("shop-target", &rig.target)] {
        let args = SaveEndpoint {
            endpoint: endpoint(name, server),
            password: Some(server.logins.switchyard.password.clone()),
            rename_from: None,
        };
        let _: EndpointRow = driver.call("endpoint_save", args).await?;
    }
    let (routers, router_passwords) = routers(rig);
    let args = CreateMigration {
        name: MIGRATION.to_owned(),
        source: "shop-source".to_owned(),
        target: "shop-target".to_owned(),
        routers,
        router_passwords,
        strategy: None,
        limits: "demo".to_owned(),
    };
    let _: MigrationRow = driver.call("migration_create", args).await?;
    // Drills come in as the application does.
    let app = &rig.source.logins.app;
    let password = Some(app.password.clone());
    let args = SetCanary { migration: MIGRATION.to_owned(), role: app.user.clone(), password };
    let _: Nothing = driver.call("set_canary", args).await?;
    Ok(driver)
}
