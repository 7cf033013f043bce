//! "Start replication" killed half way: what it had begun is taken back, and nothing that was there before it is touched.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{os::unix::process::ExitStatusExt, time::Duration};

use ctl::{Ctl, MIGRATION};
use sqlx::Connection;
use switchyard_rig::{RigOptions, Server};

const PATIENCE: Duration = Duration::from_secs(60);

async fn count(server: &Server, table: &str) -> i64 {
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(switchyard_rig::DATABASE)).await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn prepared() -> Ctl {
    let ctl = Ctl::start(RigOptions::default()).await;
    for step in ["analyze", "prepare"] {
        ctl.done(&["run", MIGRATION, step, "--wait", "60"]);
    }
    ctl
}

fn crash(ctl: &Ctl, point: &str) {
    ctl.nobody_drives(PATIENCE);
    let out = ctl.crash(&["run", MIGRATION, "replicate", "--wait", "60"], point);
    assert!(
        out.status.signal().is_some(),
        "the process was to crash {point}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_on_the_target_before_survive_a_crash_and_its_recovery() {
    let ctl = prepared().await;
    ctl.rig
        .target
        .execute("SET session_replication_role = replica; INSERT INTO public.category (name) VALUES ('theirs')")
        .await
        .unwrap();
    for point in ["before:fix_scope", "after:fix_scope", "before:empty_target"] {
        crash(&ctl, point);
        ctl.recovered(PATIENCE);
        assert_eq!(
            count(&ctl.rig.target, "public.category").await,
            1,
            "crashed {point}: recovery emptied a table that it had not filled"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_killed_is_taken_back_and_can_be_begun_again() {
    let ctl = prepared().await;
    for point in ["after:subscribe_to_source", "before:copy", "after:copy", "after:publish_from_target"] {
        crash(&ctl, point);
        ctl.recovered(PATIENCE);
        assert_eq!(
            count(&ctl.rig.target, "public.category").await,
            0,
            "crashed {point}: what this copy had filled is empty again"
        );
        for server in [&ctl.rig.source, &ctl.rig.target] {
            assert_eq!(
                count(server, "pg_catalog.pg_replication_slots").await,
                0,
                "crashed {point}: a slot left behind keeps WAL for ever"
            );
            assert_eq!(count(server, "pg_catalog.pg_publication").await, 0, "crashed {point}: publications are gone");
        }
    }
    ctl.done(&["run", MIGRATION, "replicate", "--wait", "60"]);
    let rows = count(&ctl.rig.source, "public.category").await;
    assert_eq!(count(&ctl.rig.target, "public.category").await, rows, "begun again, it copies everything");
    let again = ctl.output(&["run", MIGRATION, "replicate"]);
    assert_eq!(again.status.code(), Some(1), "a migration that replicates is not copied into a second time");
}
