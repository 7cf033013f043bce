//! The world that is tortured: servers, poolers and HAProxy with a network between any two, and a migration at its first
//! validation.

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, raw_sql};
use switchyard_rig::{DATABASE, HOST, Rig, Server};

use crate::{
    ctl::{
        Ctl, Frozen, MIGRATION,
        disk::{SmallDisk, allow_writes, refuse_writes},
    },
    fault::Party,
    links::Links,
    point::Way,
};

/// How long clients may be held.
pub const HOLD: Duration = Duration::from_millis(3_000);
/// On top of it, until the watchdog loses its patience.
const CANARY: Duration = Duration::from_millis(3_000);

pub struct Arena {
    pub ctl: Ctl,
    pub links: Links,
    disk: Option<SmallDisk>,
}

impl Arena {
    pub async fn open() -> Arena {
        let rig = Rig::start(Links::options()).await.unwrap();
        let links = Links::over(&rig).await;
        let disk = SmallDisk::mount(256);
        let mut ctl = Ctl::over(rig);
        if let Some(disk) = &disk {
            ctl = ctl.with_store(disk.path().join("store.db"));
        }
        ctl.set_clock_wrong(0);
        let arena = Arena { ctl, links, disk };
        arena.create_migration();
        arena.ctl.walk_to_validated();
        arena.ctl.set_limits(&[
            ("hold_deadline_ms", json!(HOLD.as_millis() as u64)),
            ("canary_max_age_ms", json!(CANARY.as_millis() as u64)),
            ("lock_timeout_ms", json!(1_000)),
        ]);
        arena.lead_streams_apart().await;
        // From here on one side always refuses, and what is checked is the same in every run.
        arena.stand_before(Way::Back).unwrap();
        arena.go_home().unwrap();
        arena
    }

    /// Endpoints and routers are where the networks begin that can be disturbed.
    fn create_migration(&self) {
        let (ctl, links) = (&self.ctl, &self.links);
        for (name, server, proxy) in [("a", &ctl.rig.source, &links.source), ("b", &ctl.rig.target, &links.target)] {
            let login = &server.logins.switchyard;
            ctl.know_password(HOST, proxy.port, &login.user, &login.password);
            let url = format!("postgres://{}@{HOST}:{}/{DATABASE}", login.user, proxy.port);
            ctl.done(&["endpoint", "add", name, "--url", &url]);
        }
        let mut args: Vec<String> =
            ["migration", "create", MIGRATION, "--source", "a", "--target", "b", "--limits", "demo"]
                .map(str::to_owned)
                .to_vec();
        for (pooler, proxy) in ctl.rig.poolers.iter().zip(&links.poolers) {
            ctl.know_password(HOST, proxy.port, &pooler.admin_user, &pooler.admin_password);
            args.extend(["--pgbouncer".to_owned(), format!("{}@{HOST}:{}", pooler.admin_user, proxy.port)]);
        }
        args.extend(["--haproxy".to_owned(), format!("{HOST}:{}", links.front.port)]);
        ctl.done(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The servers' streams get networks of their own, so that they and we are disturbed one at a time.
    async fn lead_streams_apart(&self) {
        let (rig, links) = (&self.ctl.rig, &self.links);
        for (server, ours, theirs) in
            [(&rig.target, &links.source, &links.from_source), (&rig.source, &links.target, &links.from_target)]
        {
            let mut connection = server.connect(DATABASE).await.unwrap();
            let found: Vec<(String, String)> = sqlx::query_as("SELECT subname, subconninfo FROM pg_subscription")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            assert_eq!(found.len(), 1, "one stream enters each side");
            let (name, before) = &found[0];
            let after = before.replace(&format!("port={}", ours.port), &format!("port={}", theirs.port));
            assert_ne!(*before, after, "the stream goes where the endpoint says");
            let sql = format!("ALTER SUBSCRIPTION \"{name}\" CONNECTION '{}'", after.replace('\'', "''"));
            raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
    }

    /// The side that has the authority, by its word.
    pub fn server(&self, authority: &str) -> &Server {
        if authority == "target" { &self.ctl.rig.target } else { &self.ctl.rig.source }
    }

    pub fn fill_disk(&self, asleep: &Frozen) {
        match &self.disk {
            Some(disk) => disk.fill(),
            None => assert!(refuse_writes(asleep), "prlimit works on a process of ours"),
        }
    }

    pub fn make_room(&self, pid: u32) {
        match &self.disk {
            Some(disk) => disk.make_room(),
            None => allow_writes(pid),
        }
    }

    pub async fn kill(&self, party: Party) {
        let rig = &self.ctl.rig;
        match party {
            Party::Source => rig.source.kill().await,
            Party::Target => rig.target.kill().await,
            Party::Pooler => rig.poolers[0].kill().await,
            Party::Front => rig.haproxy.as_ref().unwrap().kill().await,
        }
        .unwrap();
    }

    pub async fn restart(&self, party: Party) {
        let rig = &self.ctl.rig;
        match party {
            Party::Source => rig.source.restart().await,
            Party::Target => rig.target.restart().await,
            Party::Pooler => rig.poolers[0].restart().await,
            Party::Front => rig.haproxy.as_ref().unwrap().restart().await,
        }
        .unwrap();
    }
}
