//! Every input of every command, replaced by what does not belong there, against a real pair: each is answered in a sentence or
//! carried out, nothing panics, no password comes back in an error, and the store is whole afterwards.

#![allow(clippy::unwrap_used, clippy::panic)]

mod nasty;
mod samples;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use proptest::{prelude::*, test_runner::TestRunner};
use samples::{Known, fitting};
use serde_json::{Value, json};
use switchyard_api::{Options, Switchyard, dto::ApiError};
use switchyard_model::router::RouterConfig;
use switchyard_rig::{Rig, RigOptions, Server};

/// Nowhere but in the keychain.
const PASSWORD: &str = "c4nary-pa55word";
/// Longer than any answer may take, a connection to a host that is not there included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Panics anywhere in this process, in tasks of their own as well.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn no_input_of_any_command_gets_through_unchecked() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.lock().unwrap().push(info.to_string());
        default(info);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let rig = runtime.block_on(Rig::start(RigOptions::default())).unwrap();
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.db");
    let (switchyard, known) = runtime.block_on(furnished(&rig, &store));

    let commands: Vec<String> =
        switchyard_api::table(&ts_rs::Config::default()).into_iter().map(|(name, ..)| name.to_owned()).collect();
    let samples: Vec<(String, Value)> = commands
        .into_iter()
        .map(|name| {
            let sample = fitting(&name, &known).unwrap_or_else(|| panic!("“{name}” has no sample to start from"));
            (name, sample)
        })
        .collect();
    let values = nasty::values();
    let calls = runtime.block_on(one_at_a_time(&switchyard, &samples, &values));
    println!("{calls} inputs with one value replaced");
    several_at_a_time(&runtime, &switchyard, &samples, &values);

    runtime.block_on(async {
        switchyard.shut_down().await;
        is_whole(&store, &rig).await;
    });
    let panics = PANICS.lock().unwrap();
    assert!(panics.is_empty(), "nothing panics, in the background either: {panics:?}");
}

/// A store with two endpoints that answer, one that nobody uses, and a migration.
async fn furnished(rig: &Rig, store: &Path) -> (Arc<Switchyard>, Known) {
    let options = Options { store: Some(store.to_owned()), no_keyring: true, ..Options::default() };
    let switchyard = Switchyard::open(options).await.unwrap();
    let mut known = Known { endpoint: Value::Null, limits: Value::Null, password: PASSWORD };
    for (name, server) in [("a", &rig.source), ("b", &rig.target), ("spare", &rig.target)] {
        let endpoint = endpoint(&switchyard, name, server).await;
        let password = if name == "spare" { PASSWORD } else { &server.logins.switchyard.password };
        let args = json!({ "endpoint": endpoint, "password": password, "rename_from": null });
        done(&switchyard, "endpoint_save", args).await;
        known.endpoint = endpoint;
    }
    let (routers, passwords) = routers(rig);
    let migration = json!({ "name": "shop", "source": "a", "target": "b", "routers": routers, "router_passwords": passwords,
        "limits": "demo" });
    done(&switchyard, "migration_create", migration).await;
    known.limits = done(&switchyard, "limits_templates", json!({})).await["templates"][0].clone();
    (switchyard, known)
}

fn routers(rig: &Rig) -> (Vec<RouterConfig>, Vec<Value>) {
    let (pooler, haproxy) = (&rig.poolers[0], rig.haproxy.as_ref().unwrap());
    let pooler_config = RouterConfig::PgBouncer {
        host: pooler.host.clone(),
        port: pooler.port,
        user: pooler.admin_user.clone(),
        rw_database: "app_rw".into(),
        ro_database: "app_ro".into(),
    };
    let password = json!({ "secret": pooler_config.secret_name(), "password": pooler.admin_password });
    let haproxy = RouterConfig::HaProxy {
        address: format!("{}:{}", haproxy.admin_host, haproxy.admin_port),
        rw_backend: "rw".into(),
        ro_backend: "ro".into(),
        source_server: "source".into(),
        target_server: "target".into(),
    };
    (vec![pooler_config, haproxy], vec![password])
}

async fn endpoint(switchyard: &Switchyard, name: &str, server: &Server) -> Value {
    let url = format!(
        "postgres://{}@{}:{}/{}",
        server.logins.switchyard.user,
        server.host,
        server.port,
        switchyard_rig::DATABASE
    );
    let mut endpoint = done(switchyard, "endpoint_read_url", json!({ "url": url })).await["endpoint"].clone();
    endpoint["name"] = json!(name);
    endpoint
}

async fn done(switchyard: &Switchyard, command: &str, args: Value) -> Value {
    switchyard.call(command, args).await.unwrap_or_else(|e| panic!("{command}: {e:?}"))
}

/// Every place of every sample with every value, and without what is there.
async fn one_at_a_time(switchyard: &Switchyard, samples: &[(String, Value)], values: &[Value]) -> usize {
    let mut calls = 0;
    for (command, sample) in samples {
        for place in nasty::places(sample) {
            for value in values.iter().cloned().map(Some).chain([None]) {
                let args = nasty::with(sample, &place, value);
                ask(switchyard, command, args)
                    .await
                    .unwrap_or_else(|why| panic!("{command} with {place} replaced: {why}"));
                calls += 1;
            }
        }
    }
    calls
}

/// Two to four places at once, shrunk when they find something.
fn several_at_a_time(
    runtime: &tokio::runtime::Runtime,
    switchyard: &Switchyard,
    samples: &[(String, Value)],
    values: &[Value],
) {
    let which = (0..samples.len(), prop::collection::vec((any::<prop::sample::Index>(), 0..values.len()), 2..=4));
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    let found = TestRunner::new(config).run(&which, |(command, changes)| {
        let (command, sample) = &samples[command];
        let mut args = sample.clone();
        for (place, value) in changes {
            let places = nasty::places(&args);
            args = nasty::with(&args, place.get::<String>(&places), Some(values[value].clone()));
        }
        let shown: String = args.to_string().chars().take(500).collect();
        runtime
            .block_on(ask(switchyard, command, args))
            .map_err(|why| TestCaseError::fail(format!("{command} {shown}: {why}")))
    });
    assert!(found.is_ok(), "{}", found.unwrap_err());
}

/// Asks, and says what is wrong with the answer.
async fn ask(switchyard: &Switchyard, command: &str, args: Value) -> Result<(), String> {
    let began = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, switchyard.call(command, args)).await;
    let Ok(answer) = answer else { return Err(format!("no answer within {PATIENCE:?}")) };
    if began.elapsed() > Duration::from_secs(1) {
        println!("{command} took {:?}", began.elapsed());
    }
    match answer {
        Ok(_) => Ok(()),
        Err(e) => is_a_sentence(&e),
    }
}

/// An error says what is wrong and what to do, at a length that somebody reads, and gives no password away.
fn is_a_sentence(e: &ApiError) -> Result<(), String> {
    let said = format!("{} {}", e.message, e.remedy);
    let wrong = if e.code.is_empty() || e.message.trim().is_empty() || e.remedy.trim().is_empty() {
        "a part of the error is empty"
    } else if said.contains(PASSWORD) {
        "the error shows a password"
    } else if said.contains(['\u{1b}', '\0', '\u{7}', '\u{202e}']) {
        "the error steers the terminal that shows it"
    } else if said.chars().count() > 4_010 {
        "nobody reads an error of this length"
    } else {
        return Ok(());
    };
    Err(format!("{wrong}: {:.300?}", e))
}

/// The store opens, what was there is there, and whoever drives it, with all that was accepted, does not fall over.
async fn is_whole(store: &Path, rig: &Rig) {
    let switchyard = Switchyard::open(Options {
        store: Some(store.to_owned()),
        drive: true,
        no_keyring: true,
        ..Options::default()
    })
    .await
    .unwrap();
    for (command, args) in [
        ("endpoint_list", json!({})),
        ("cockpit", json!({ "name": "shop", "have": null })),
        ("journal", json!({ "migration": "shop", "after": 0, "limit": 100 })),
        ("drills", json!({ "name": "shop" })),
        ("consistency", json!({ "name": "shop" })),
    ] {
        done(&switchyard, command, args).await;
    }
    let all = done(&switchyard, "migration_list", json!({})).await;
    let shop = all["migrations"].as_array().unwrap().iter().find(|m| m["name"] == "shop");
    assert!(shop.is_some(), "the migration is still there: {all}");
    for (name, server) in [("a", &rig.source), ("b", &rig.target)] {
        let password = &server.logins.switchyard.password;
        done(&switchyard, "provide_password", json!({ "secret": name, "password": password })).await;
    }
    for password in routers(rig).1 {
        done(&switchyard, "provide_password", password).await;
    }
    let began = Instant::now();
    while done(&switchyard, "cockpit", json!({ "name": "shop", "have": null })).await["source"]["answered_at"].is_null()
    {
        assert!(began.elapsed() < PATIENCE, "whoever drives it with these limits and orders reaches the source");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    switchyard.shut_down().await;
}
