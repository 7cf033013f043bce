//! Closing while clients are held asks first, and neither Enter nor Escape interrupts the switch.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgConnection;
use switchyard_api::Switchyard;
use switchyard_model::Side;
use switchyard_tests::desk::{Desk, Key};
use switchyard_tests::{Stage, World, ask, cockpit, keep, until};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn closing_during_a_hold_asks() {
    let world = World::at(Stage::Reads(100)).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("headline").await;
    let desk = Desk::open();
    let window = desk.window("Switchyard").await;
    let api = world.api(false).await;
    // The fence may wait for its locks for long enough to be looked at.
    let mut limits = cockpit(&api).await.limits;
    limits.lock_timeout_ms = 12_000;
    limits.hold_deadline_ms = 15_000;
    ask(&api, "set_limits", json!({ "migration": World::MIGRATION, "limits": limits })).await;

    let blocker = hold_clients(&world, &api).await;
    desk.press(window, &[Key::CTRL, Key::of('q')]).await;
    let question = desk.window("Close Switchyard?").await;
    keep(desk.look_at_all().as_ref(), "dialog-closing");
    desk.press(question, &[Key::ESCAPE]).await;
    desk.gone("Close Switchyard?").await;
    assert!(app.runs(), "Escape means stay");

    desk.press(window, &[Key::CTRL, Key::of('q')]).await;
    let question = desk.window("Close Switchyard?").await;
    desk.press(question, &[Key::ENTER]).await;
    app.ends_within(Duration::from_secs(40), "Enter means to close once the hold has ended").await;
    let after = cockpit(&api).await;
    assert_eq!(after.authority, Side::Source, "the blocked switch was taken back in order: {}", after.headline);
    assert!(after.last_run.is_some_and(|r| r.ended.is_some()), "and its end stands in the journal");
    drop(blocker);
    api.shut_down().await;
}

/// Asks for the write switch and waits until it holds clients. It goes on to do so, at most until the lock's deadline,
/// while the connection that is returned stays open: a writer in the way of the fence.
async fn hold_clients(world: &World, api: &Switchyard) -> PgConnection {
    for _ in 0..5 {
        until("the switch's gates are open", Duration::from_secs(60), async || {
            let now = cockpit(api).await;
            (now.running.is_none() && now.next.is_some_and(|n| n.open)).then_some(())
        })
        .await;
        // The guard refuses when it sees a transaction that is half a second old; this one has to be younger.
        let mut blocker = world.rig.source.connect("shop").await.unwrap();
        sqlx::raw_sql("BEGIN; LOCK TABLE customer IN ROW EXCLUSIVE MODE").execute(&mut blocker).await.unwrap();
        let args = json!({ "migration": World::MIGRATION, "command": { "command": "switch_writes" }, "reason": "" });
        let accepted = ask(api, "run", args).await;
        if is_held(api, &json!({ "ticket": accepted["ticket"] })).await {
            return blocker;
        }
    }
    panic!("the guard found the writer five times before the fence met it");
}

/// Whether clients are held, once they are or the command has ended.
async fn is_held(api: &Switchyard, ticket: &Value) -> bool {
    until("clients are held, or the switch has ended", Duration::from_secs(20), async || {
        if cockpit(api).await.running.is_some_and(|r| r.holding) {
            return Some(true);
        }
        let result = ask(api, "command_result", ticket.clone()).await;
        match result["state"].as_str() {
            Some("waiting" | "running") => None,
            _ => Some(false),
        }
    })
    .await
}
