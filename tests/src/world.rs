//! Real servers, an application at work, and a store with a migration on its way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use switchyard_api::dto::{ApiError, Cockpit, CommandResult};
use switchyard_api::{Options, Switchyard};
use switchyard_rig::{DATABASE, Rig, RigOptions, Server, Workload, WorkloadConfig};
use tempfile::TempDir;

use crate::{App, Stage, Theme, until};

/// How long one command may take on small data, its gates included.
const COMMAND: Duration = Duration::from_secs(120);

/// Everything a test needs around the window.
pub struct World {
    /// The servers.
    pub rig: Rig,
    /// The application; None while nothing works.
    pub workload: Option<Workload>,
    home: TempDir,
}

impl World {
    /// The name of its migration.
    pub const MIGRATION: &'static str = "shop";
    /// The name of the source's endpoint.
    pub const SOURCE: &'static str = "shop-source";
    /// The name of the target's endpoint.
    pub const TARGET: &'static str = "shop-target";

    /// Starts servers with a small shop; no application, an empty store.
    pub async fn start() -> Self {
        Self::with(RigOptions::default()).await
    }

    /// The same with other servers.
    pub async fn with(options: RigOptions) -> Self {
        let rig = Rig::start(options).await.unwrap_or_else(|e| panic!("the rig does not start: {e}"));
        let home = tempfile::Builder::new().prefix("switchyard-window-").tempdir().unwrap();
        Self { rig, workload: None, home }
    }

    /// Starts servers and an application, and walks a migration with demo limits to `stage`.
    pub async fn at(stage: Stage) -> Self {
        Self::wide(stage, 0).await
    }

    /// The same with so many tables more than the shop has, of ten rows each: for what has to bear a large schema.
    pub async fn wide(stage: Stage, more_tables: usize) -> Self {
        let mut world = Self::start().await;
        world.widen(more_tables).await;
        world.begin_work().await;
        let api = world.api(true).await;
        world.create(&api).await;
        world.walk(&api, stage).await;
        api.shut_down().await;
        world
    }

    async fn widen(&self, more_tables: usize) {
        let sql = format!(
            "DO $$ BEGIN FOR i IN 1..{more_tables} LOOP
               EXECUTE format('CREATE TABLE public.more_%s (id bigint PRIMARY KEY, v text)', i);
               EXECUTE format('INSERT INTO public.more_%s SELECT n, md5(n::text) FROM generate_series(1, 10) n', i);
               EXECUTE format('ALTER TABLE public.more_%s OWNER TO app', i);
             END LOOP; END $$"
        );
        self.rig.source.execute(&sql).await.unwrap_or_else(|e| panic!("the source takes no more tables: {e}"));
    }

    /// Starts the application.
    pub async fn begin_work(&mut self) {
        let workload = Workload::start(WorkloadConfig::of(&self.rig)).await;
        self.workload = Some(workload.unwrap_or_else(|e| panic!("the application does not start: {e}")));
    }

    /// The folder below which the store, the app's settings and the webview's files lie.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder that the app is given with `--data`.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("store")
    }

    /// Opens the window on this world's store.
    pub async fn open(&self, arguments: &[&str]) -> App {
        self.open_on(Theme::Light, arguments).await
    }

    /// The same on a desktop of this theme.
    pub async fn open_on(&self, theme: Theme, arguments: &[&str]) -> App {
        let data = self.data();
        let mut all = vec!["--data", data.to_str().unwrap_or_default()];
        all.extend(arguments);
        App::on_desktop(self.home(), &all, theme).await
    }

    /// A second host on the same store. One that drives takes the lease when nobody has it.
    pub async fn api(&self, drive: bool) -> Arc<Switchyard> {
        std::fs::create_dir_all(self.data()).unwrap();
        let options = Options { store: Some(self.data().join("switchyard.db")), drive, ..Options::default() };
        Switchyard::open(options).await.unwrap_or_else(|e| panic!("the store does not open: {e}"))
    }

    /// Saves both endpoints and creates the migration between them.
    pub async fn create(&self, api: &Switchyard) {
        self.create_by(api, "live").await;
    }

    /// The same by another strategy.
    pub async fn create_by(&self, api: &Switchyard, strategy: &str) {
        for (name, server) in [(Self::SOURCE, &self.rig.source), (Self::TARGET, &self.rig.target)] {
            let password = &server.logins.switchyard.password;
            let args = json!({ "endpoint": endpoint(name, server), "password": password, "rename_from": null });
            ask(api, "endpoint_save", args).await;
        }
        let (routers, passwords) = self.routers();
        let args = json!({
            "name": Self::MIGRATION, "source": Self::SOURCE, "target": Self::TARGET,
            "routers": routers, "router_passwords": passwords, "limits": "demo", "strategy": strategy,
        });
        ask(api, "migration_create", args).await;
    }

    /// Runs one command after the other, as the cockpit proposes them, until `stage` is reached.
    pub async fn walk(&self, api: &Switchyard, stage: Stage) {
        loop {
            let what = format!("the next command towards {stage:?} is open, or it is reached");
            let mut last = String::new();
            let cockpit = until(&what, COMMAND, async || {
                let cockpit = cockpit(api).await;
                let now = format!("{} — {:?}", cockpit.headline, cockpit.next.as_ref().map(|n| (&n.label, &n.why_not)));
                if now != last {
                    eprintln!("  {now}");
                    last = now;
                }
                let open = cockpit.running.is_none() && cockpit.next.as_ref().is_some_and(|n| n.open);
                (stage.reached(&cockpit) || open).then_some(cockpit)
            })
            .await;
            if stage.reached(&cockpit) {
                return;
            }
            if let Some(next) = cockpit.next {
                self.run(api, serde_json::to_value(next.command).unwrap()).await;
            }
        }
    }

    /// Runs a command to its end; it has to be done.
    pub async fn run(&self, api: &Switchyard, command: Value) {
        let args = json!({ "migration": Self::MIGRATION, "command": command, "reason": "" });
        let accepted = ask(api, "run", args).await;
        let ticket = json!({ "ticket": accepted["ticket"] });
        let result = until(&format!("{command} has ended"), COMMAND, async || {
            let result: CommandResult =
                serde_json::from_value(ask(api, "command_result", ticket.clone()).await).unwrap();
            match result {
                CommandResult::Waiting | CommandResult::Running => None,
                CommandResult::Done { .. }
                | CommandResult::Refused { .. }
                | CommandResult::Undone { .. }
                | CommandResult::Failed { .. } => Some(result),
            }
        })
        .await;
        assert!(matches!(result, CommandResult::Done { .. }), "{command} did not do its work: {result:?}");
    }

    /// A copy of the source as it is, on its own server, with an endpoint of this name. Nobody may be connected to the source.
    pub async fn copy(&self, api: &Switchyard, name: &str) {
        let source = &self.rig.source;
        let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{DATABASE}\"");
        let mut connection = source.connect("postgres").await.unwrap_or_else(|e| panic!("the source answers: {e}"));
        let made = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
        made.unwrap_or_else(|e| panic!("the source is copied: {e}"));
        let login = &source.logins.app;
        let mut fields = endpoint(name, source);
        (fields["database"], fields["user"]) = (json!(name), json!(login.user));
        let args = json!({ "endpoint": fields, "password": login.password, "rename_from": null });
        ask(api, "endpoint_save", args).await;
    }

    /// Runs a statement on a copy.
    pub async fn at_copy(&self, name: &str, sql: &'static str) {
        let mut connection =
            self.rig.source.connect(name).await.unwrap_or_else(|e| panic!("the copy {name} answers: {e}"));
        let done = sqlx::raw_sql(sql).execute(&mut connection).await;
        done.unwrap_or_else(|e| panic!("the copy {name} takes {sql:?}: {e}"));
    }

    fn routers(&self) -> (Vec<Value>, Vec<Value>) {
        let mut routers = Vec::new();
        let mut passwords = Vec::new();
        for p in &self.rig.poolers {
            routers.push(json!({
                "kind": "pg_bouncer", "host": p.host, "port": p.port, "user": p.admin_user,
                "rw_database": "app_rw", "ro_database": "app_ro",
            }));
            let secret = format!("pgbouncer {}@{}:{}", p.admin_user, p.host, p.port);
            passwords.push(json!({ "secret": secret, "password": p.admin_password }));
        }
        if let Some(h) = &self.rig.haproxy {
            routers.push(json!({
                "kind": "haproxy", "address": format!("{}:{}", h.admin_host, h.admin_port),
                "rw_backend": "rw", "ro_backend": "ro", "source_server": "source", "target_server": "target",
            }));
        }
        (routers, passwords)
    }
}

/// Asks the API; it has to answer.
pub async fn ask(api: &Switchyard, name: &str, args: Value) -> Value {
    match api.call(name, args).await {
        Ok(answer) => answer,
        Err(ApiError { code, message, remedy }) => panic!("{name} failed ({code}): {message} {remedy}"),
    }
}

/// The cockpit of the world's migration.
pub async fn cockpit(api: &Switchyard) -> Cockpit {
    serde_json::from_value(ask(api, "cockpit", json!({ "name": World::MIGRATION })).await).unwrap()
}

fn endpoint(name: &str, server: &Server) -> Value {
    json!({
        "name": name, "host": server.host, "port": server.port, "database": DATABASE,
        "user": server.logins.switchyard.user, "tls": "prefer", "ca_file": null, "peer_address": null,
    })
}
