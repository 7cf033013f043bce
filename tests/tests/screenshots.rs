//! Every screen as a picture, in both themes and two sizes, into `screenshots/` for a person to look at. Run by
//! `scripts/window-tests.sh screenshots`. With `SWITCHYARD_DOCS=1` the cockpit also becomes `docs/screenshot.png`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use serde_json::json;
use switchyard_rig::RigOptions;
use switchyard_tests::{App, Stage, Theme, World};

/// How long a migration has run when its picture for the docs is taken.
const DOCS_MINUTES: u64 = 1;
/// The default size of the window, and the smallest.
const SIZES: [(u32, u32); 2] = [(1440, 900), (1100, 700)];
/// How long a comparison of the small shop may take, the window's first seconds included.
const COMPARED: Duration = Duration::from_secs(90);
/// Changes on the target alone, in tables that nobody writes to: values of several types, a missing row, one too many.
const BEHIND_THE_STREAM: [&str; 5] = [
    r#"UPDATE public."Gift Card" SET "Balance €" = "Balance €" + 0.01, "Message To" = "Message To" || ' ' WHERE "Card No" <= 3"#,
    r#"DELETE FROM public."Gift Card" WHERE "Card No" = 4"#,
    r#"INSERT INTO public."Gift Card" ("Card No", "Message To") VALUES (900000, '')"#,
    "UPDATE public.product_image SET content = set_byte(content, length(content) / 2, 255 - get_byte(content, length(content) / 2))
     WHERE image_id IN (SELECT image_id FROM public.product_image ORDER BY image_id LIMIT 3)",
    "UPDATE public.warehouse SET network = NULL, name = upper(name)",
];
/// Copies of the source, on its own server.
const COPIES: [&str; 2] = ["copy-a", "copy-b"];
/// Pages of a migration, with something on each that says it was drawn.
const PAGES: [(&str, &str); 11] = [
    ("overview", "lag-chart"),
    ("schema", "schema-filter"),
    ("replication", "slots"),
    ("consistency", "tables"),
    ("queries", "statements"),
    ("traffic", "route-history"),
    ("drills", "drill-start"),
    ("timeline", "gantt"),
    ("pools", "pools-need"),
    ("report", "headline"),
    ("journal", "journal-line"),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn an_empty_store() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    app.see("first-steps").await;
    keep(&app, "empty-migrations").await;
    app.click("nav-endpoints").await;
    app.see("endpoint-name").await;
    keep(&app, "empty-endpoints").await;
    app.click("keys-open").await;
    app.see("keys-dialog").await;
    keep(&app, "dialog-keys").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn a_new_migration() {
    let mut world = World::start().await;
    world.begin_work().await;
    let api = world.api(false).await;
    world.create(&api).await;
    api.shut_down().await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("next-command").await;
    keep(&app, "new-overview").await;
    app.click("nav-replication").await;
    keep(&app, "new-replication").await;
    app.click("nav-schema").await;
    app.see("schema-filter").await;
    app.click("difference-0").await;
    keep(&app, "new-schema").await;
    app.click("nav-consistency").await;
    keep(&app, "new-consistency").await;
    app.click("nav-timeline").await;
    app.see("not-measured").await;
    keep(&app, "new-timeline").await;
    app.click("nav-pools").await;
    app.see("pools-need").await;
    keep(&app, "new-pools").await;
    app.click("nav-migrations").await;
    app.see("migration-new").await;
    keep(&app, "migrations").await;
    app.click("migration-new").await;
    app.see("migration-create").await;
    keep(&app, "migration-form").await;
    app.click("nav-endpoints").await;
    app.click(&format!("endpoint-row-{}", World::SOURCE)).await;
    app.click("endpoint-test").await;
    app.see("endpoint-test-result").await;
    keep(&app, "endpoints").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn drills_never_run_running_passed_and_failed() {
    let world = World::at(Stage::Validated).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-drills").await;
    app.see("drill-start").await;
    keep(&app, "new-drills").await;
    let login = &world.rig.source.logins.app;
    app.fill("drill-role", &login.user).await;
    app.fill("drill-password", &login.password).await;
    for (failure, goal, picture) in [
        ("replication-stopped", "30", "passed"),
        ("target-errors", "30", "passed-again"),
        ("slow-target", "0.1", "failed"),
    ] {
        app.click(&format!("drill-failure-{failure}")).await;
        app.fill("drill-goal", goal).await;
        app.wait_for("a drill may begin", COMPARED, async || {
            app.text("drill-why").await.contains("is real").then_some(())
        })
        .await;
        app.click("drill-run").await;
        app.see_within("drill-open", COMPARED).await;
        if picture == "passed" {
            keep(&app, "running-drills").await;
        }
        app.wait_for("the drill ends", COMPARED, async || (!app.shows("drill-open").await).then_some(())).await;
        keep(&app, &format!("{picture}-drills")).await;
    }
    app.click("nav-overview").await;
    app.see("lag-chart").await;
    keep(&app, "drilled-overview").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn a_busy_migration_then_stale_then_failed() {
    let world = World::at(Stage::Reads(10)).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.attribute_until("lag-chart", "data-samples", "the chart has something to show", Duration::from_secs(60), |n| {
        n.parse::<u32>().is_ok_and(|n| n >= 20)
    })
    .await;
    // Once it was measured the timeline has something to show.
    app.click("nav-timeline").await;
    app.click("measure").await;
    app.see_within("gantt", COMPARED).await;
    for (page, mark) in PAGES {
        app.click(&format!("nav-{page}")).await;
        app.see(mark).await;
        keep(&app, &format!("busy-{page}")).await;
    }
    app.click("nav-overview").await;
    app.see("lag-chart").await;
    dialogs(&app).await;

    // The engine goes on and writes down what it knows each second; only the source is silent.
    world.rig.source.freeze().unwrap();
    app.see_within("old-banner", Duration::from_secs(30)).await;
    keep(&app, "stale-overview").await;
    app.see_within("side-problem-source", Duration::from_secs(60)).await;
    keep(&app, "silent-overview").await;
    app.click("nav-replication").await;
    app.see("slots").await;
    keep(&app, "silent-replication").await;
    world.rig.source.thaw().unwrap();
    app.click("nav-overview").await;
    app.wait_for("the source is measured again", Duration::from_secs(60), async || {
        (!app.shows("old-banner").await && !app.shows("side-problem-source").await).then_some(())
    })
    .await;

    world.rig.target.kill().await.unwrap();
    app.see_within("side-problem-target", Duration::from_secs(60)).await;
    keep(&app, "failed-overview").await;
    app.click("nav-replication").await;
    app.see("slots").await;
    keep(&app, "failed-replication").await;
    app.click("nav-schema").await;
    app.see_within("schema-fault", Duration::from_secs(30)).await;
    keep(&app, "failed-schema").await;
    app.click("nav-pools").await;
    app.see_within("pools-fault", Duration::from_secs(30)).await;
    keep(&app, "failed-pools").await;
    app.close().await;
}

/// The page is longer than the window: each panel is brought into sight.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn the_queries_page_panel_by_panel() {
    let world = World::at(Stage::Reads(10)).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-queries").await;
    app.see("statements").await;
    app.click("shadow-run").await;
    app.click("sources-read").await;
    app.see_within("source", COMPARED).await;
    app.see_within("latency-ratio", COMPARED).await;
    for panel in ["latency", "metrics", "query-errors", "shadow", "sources", "digest"] {
        app.script(&format!("document.querySelector('[data-testid={panel}]').scrollIntoView()"), Vec::new()).await;
        keep(&app, &format!("queries-{panel}")).await;
    }
    app.click("metrics-add").await;
    app.see("metric-name").await;
    keep(&app, "dialog-metric").await;
    app.close().await;
}

/// The other half of the page: a capture of the application at work, played on two copies of which one has another row, and load.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn the_queries_page_rehearsed_on_copies() {
    let settings = [("logging_collector", "on"), ("log_destination", "csvlog"), ("log_min_duration_statement", "0")];
    let source_settings = settings.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
    let mut world = World::with(RigOptions { source_settings, ..RigOptions::default() }).await;
    let api = world.api(false).await;
    world.create(&api).await;
    for copy in COPIES {
        world.copy(&api, copy).await;
    }
    api.shut_down().await;
    world.begin_work().await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-queries").await;
    app.click("tab-rehearse").await;
    app.see("captures-none").await;
    keep(&app, "rehearse-empty").await;
    let file = captured(&app, &world).await;
    replayed(&app, &world, &file).await;
    loaded(&app, &file).await;
    app.close().await;
}

/// The file of the one that was taken.
async fn captured(app: &App, world: &World) -> String {
    app.click("capture-take").await;
    app.text_until("capture-taking", "statements come", COMPARED, |t| t.contains("statements")).await;
    app.wait_for("enough of them", COMPARED, async || {
        let text = app.text("capture-taking").await;
        let digits: String = text.split(" statement").next()?.chars().filter(char::is_ascii_digit).collect();
        (digits.parse::<u64>().ok()? > 400).then_some(())
    })
    .await;
    panels(app, "taking", &["captures"]).await;
    app.click("capture-stop").await;
    app.see_within("capture-made", COMPARED).await;
    // As somebody leaves it who was killed, and one that was removed.
    let folder = world.data().join("captures");
    let made = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::copy(&made, folder.join("night.capture.part")).unwrap();
    std::fs::copy(&made, folder.join("old.capture")).unwrap();
    for name in ["night.capture", "old.capture"] {
        app.fill("capture-path", folder.join(name).to_str().unwrap()).await;
        app.click("capture-add").await;
        app.wait_for("it is listed", COMPARED, async || {
            app.texts("capture").await.iter().any(|t| t.contains(name)).then_some(())
        })
        .await;
    }
    std::fs::remove_file(folder.join("old.capture")).unwrap();
    app.text_until("captures", "what is gone is said", COMPARED, |t| t.contains("is gone")).await;
    panels(app, "listed", &["captures"]).await;
    made.to_str().unwrap().to_owned()
}

async fn replayed(app: &App, world: &World, file: &str) {
    to_the_top(app, "replay").await;
    app.choose("replay-file", file).await;
    app.choose("replay-at", World::SOURCE).await;
    app.click("replay-start").await;
    app.see_within("replay-fault", COMPARED).await;
    panels(app, "refused", &["replay"]).await;
    to_the_top(app, "replay").await;
    app.choose("replay-at", COPIES[0]).await;
    app.choose("replay-against", COPIES[1]).await;
    // A difference that the replay finds by the statements that read it.
    app.click("replay-first-look").await;
    let other = "UPDATE public.product SET title = title || '!' WHERE title LIKE '%7'";
    world.at_copy(COPIES[1], other).await;
    app.click("replay-start").await;
    app.see_within("replay-progress", COMPARED).await;
    panels(app, "playing", &["replay"]).await;
    app.see_within("replay-outcome", COMPARED).await;
    app.script("document.querySelector('[data-testid=replay-finding]')?.setAttribute('open', '')", Vec::new()).await;
    panels(app, "replayed", &["replay", "replay-shapes"]).await;
}

async fn loaded(app: &App, file: &str) {
    to_the_top(app, "load").await;
    app.choose("load-file", file).await;
    app.choose("load-at", COPIES[0]).await;
    app.choose("load-how", "ramp").await;
    for (field, value) in [
        ("load-from", "50"),
        ("load-to", "3000"),
        ("load-steps", "6"),
        ("load-seconds", "9 s"),
        ("load-p99", "60"),
        ("load-failed", "100"),
    ] {
        app.fill(field, value).await;
    }
    panels(app, "asked", &["load"]).await;
    to_the_top(app, "load").await;
    app.click("load-start").await;
    app.see_within("load-now", COMPARED).await;
    panels(app, "running", &["load"]).await;
    app.see_within("load-outcome", COMPARED).await;
    panels(app, "loaded", &["load"]).await;
}

/// Each panel brought into sight.
async fn panels(app: &App, state: &str, panels: &[&str]) {
    for panel in panels {
        to_the_top(app, panel).await;
        keep(app, &format!("rehearse-{state}-{panel}")).await;
    }
}

async fn to_the_top(app: &App, panel: &str) {
    app.script(&format!("document.querySelector('[data-testid={panel}]').scrollIntoView()"), Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn writes_on_the_target() {
    let world = World::at(Stage::Switched).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("lag-chart").await;
    keep(&app, "switched-overview").await;
    app.click("nav-traffic").await;
    app.see("route-history").await;
    keep(&app, "switched-traffic").await;
    app.click("rollback-open").await;
    app.see("preview-steps").await;
    keep(&app, "dialog-rollback-writes").await;
    app.click("dialog-close").await;
    app.close().await;
}

/// The offline strategy holds writes, on a pair that has something to warn of and nothing that blocks.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn writes_held_beside_a_warning() {
    let target_settings = vec![("timezone".to_owned(), "Asia/Tokyo".to_owned())];
    let mut world = World::with(RigOptions { target_settings, ..RigOptions::default() }).await;
    world.begin_work().await;
    let api = world.api(true).await;
    world.create_by(&api, "offline").await;
    for command in ["analyze", "prepare", "hold"] {
        world.run(&api, json!({ "command": command })).await;
    }
    api.shut_down().await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("held-release").await;
    keep(&app, "held-overview").await;
    app.click("nav-schema").await;
    app.see("schema-filter").await;
    keep(&app, "held-schema").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn rows_that_differ() {
    let world = World::at(Stage::Validated).await;
    for sql in BEHIND_THE_STREAM {
        world.rig.target.execute(sql).await.unwrap_or_else(|e| panic!("the target takes {sql:?}: {e}"));
    }
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-consistency").await;
    app.click_within("compare-all", COMPARED).await;
    for table in ["Gift Card", "product_image", "warehouse"] {
        let row = format!("table-public.{table}");
        app.attribute_until(&row, "data-verdict", "what was changed is found", COMPARED, |v| v == "different").await;
    }
    // Opened anew, the page shows the first table that differs.
    app.click("nav-overview").await;
    app.see("lag-chart").await;
    app.click("nav-consistency").await;
    app.see("finding").await;
    keep(&app, "differs-consistency").await;
    app.click("table-open-public.product_image").await;
    app.see("value-source").await;
    keep(&app, "differs-bytes").await;
    app.click("choose-shown").await;
    app.click("repair-chosen").await;
    app.see("preview-steps").await;
    keep(&app, "dialog-repair").await;
    app.click("dialog-close").await;
    app.click("detail-close").await;
    app.click("pause").await;
    app.attribute_until("background", "data-activity", "it stands still", COMPARED, |a| a == "paused").await;
    keep(&app, "paused-consistency").await;
    app.click("pause").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh screenshots"]
async fn a_damaged_store() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("switchyard.db"), "no database, though longer than a header is. ".repeat(200)).unwrap();
    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    app.see("fault").await;
    keep(&app, "failed-store").await;
    app.close().await;
}

async fn dialogs(app: &App) {
    app.click("preview-command").await;
    app.see("preview-steps").await;
    keep(app, "dialog-command").await;
    app.click("dialog-close").await;
    app.click("rollback-open").await;
    app.see("preview-steps").await;
    keep(app, "dialog-rollback").await;
    app.click("dialog-close").await;
    app.gone("rollback-dialog").await;
    app.click("nav-traffic").await;
    app.click("limits-open").await;
    app.see("limit-rungs").await;
    keep(app, "dialog-limits").await;
    app.click("dialog-close").await;
    app.click("nav-overview").await;
    app.see("lag-chart").await;
}

/// One picture per theme and size.
async fn keep(app: &App, name: &str) {
    for (width, height) in SIZES {
        app.resize(width, height).await;
        for theme in Theme::ALL {
            app.paint(theme).await;
            app.settle().await;
            app.keep_picture(&format!("{name}-{}-{width}", theme.word())).await;
        }
    }
}

/// The cockpit for the guide, once there is a quarter of an hour to show: an app of its own, on a dark desktop, since the
/// menu has the desktop's colours.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen, and SWITCHYARD_DOCS=1: scripts/window-tests.sh screenshots"]
async fn the_picture_for_the_docs() {
    if std::env::var_os("SWITCHYARD_DOCS").is_none() {
        return;
    }
    let world = World::at(Stage::Reads(5)).await;
    let app = world.open_on(Theme::Dark, &["--open", World::MIGRATION]).await;
    app.see("lag-chart").await;
    let enough = DOCS_MINUTES * 60;
    let patience = Duration::from_secs(enough + 120);
    app.attribute_until("lag-chart", "data-samples", "the chart is full", patience, |n| {
        n.parse::<u64>().is_ok_and(|n| n >= enough / 2)
    })
    .await;
    // Something to see on the chart: the target falls behind for a moment.
    world.rig.target.freeze().unwrap();
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    world.rig.target.thaw().unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let api = world.api(false).await;
    world.walk(&api, Stage::Reads(10)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    api.shut_down().await;
    app.click("tab-checklist").await;
    app.resize(1440, 900).await;
    // Notices say what happened while the picture was prepared.
    let dismiss = "document.querySelectorAll('[data-testid=notice] .btn').forEach(b => b.click())";
    app.wait_for("no notice is left", Duration::from_secs(10), async || {
        app.script(dismiss, Vec::new()).await;
        (!app.shows("notice").await).then_some(())
    })
    .await;
    app.settle().await;
    let kept = app.keep_picture("docs").await;
    std::fs::copy(kept, concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/screenshot.png")).unwrap();
    app.close().await;
}
