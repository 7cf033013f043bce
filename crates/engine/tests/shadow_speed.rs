//! What shadow reads cost this process: processor time at 500 comparisons a second, and memory over a result of 100 000 rows.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use switchyard_engine::{
    db::connect::{Login, UnderShadow},
    secret::Secret,
};
use switchyard_model::endpoint::{Endpoint, TlsMode};
use switchyard_rig::{DATABASE, Major, Server, ServerOptions};
use switchyard_shadow::{Passing, Report, Sample, Shadow, Tally, run};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const FILL: &str = "CREATE TABLE bench (id integer PRIMARY KEY, amount integer, note text); \
    INSERT INTO bench SELECT n, n % 977, repeat('note ', 20) || n FROM generate_series(1, 100000) n; ANALYZE bench";

struct AtRest;

#[async_trait]
impl Passing for AtRest {
    async fn pass(&self) -> Result<(), String> {
        Ok(())
    }
}

fn side(server: &Server) -> Arc<UnderShadow> {
    let secret = Secret::new(server.logins.superuser.password.clone());
    let endpoint = Endpoint {
        name: "bench".into(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: server.logins.superuser.user.clone(),
        tls: TlsMode::Disable,
        ca_file: None,
        peer_address: None,
    };
    Arc::new(UnderShadow::at(Login { endpoint: &endpoint, password: Some(&secret) }).unwrap())
}

async fn compared(servers: [&Server; 2], per_second: u32, samples: Vec<Sample>) -> Report {
    let tally = Arc::new(Tally::default());
    let shadow = Shadow {
        source: side(servers[0]),
        target: side(servers[1]),
        stream: Arc::new(AtRest),
        per_second,
        lanes: 4,
        tally: tally.clone(),
        stop: CancellationToken::new(),
    };
    let (to, from) = mpsc::channel(64);
    let feeding = tally.clone();
    tokio::spawn(async move {
        for sample in samples {
            if let Some(chosen) = feeding.choose(sample, 100) {
                let _ = to.send(chosen).await;
            }
        }
    });
    run(Arc::new(shadow), from).await;
    tally.report()
}

fn sample(text: &str, values: &[String]) -> Sample {
    let parameters = Some(values.iter().cloned().map(Some).collect());
    Sample { text: text.to_owned(), parameters, user: "app".to_owned(), cut: false }
}

/// Processor time so far, s.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// The highest that this process's memory was since it was last asked, MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    kb / 1024.0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; make bench-shadow"]
async fn figures() {
    let (source, target) = tokio::join!(
        Server::start(Major::V15, ServerOptions::default()),
        Server::start(Major::best(), ServerOptions::default())
    );
    let (source, target) = (source.unwrap(), target.unwrap());
    for server in [&source, &target] {
        server.execute(FILL).await.unwrap();
    }
    let servers = [&source, &target];

    let by_key = |n: u32| sample("SELECT amount, note FROM bench WHERE id = $1", &[(n * 37 % 100_000 + 1).to_string()]);
    let texts = |n: u32| sample(&format!("SELECT amount, note FROM bench WHERE id = {}", n * 37 % 100_000 + 1), &[]);
    for (name, samples) in [
        ("with parameters", (0..5_000).map(by_key).collect::<Vec<_>>()),
        ("values in the text", (0..5_000).map(texts).collect::<Vec<_>>()),
    ] {
        let all = samples.len();
        let (before, began) = (processor(), Instant::now());
        let report = compared(servers, 500, samples).await;
        let seconds = began.elapsed().as_secs_f64();
        let cores = (processor() - before) / seconds;
        println!("| {name} | {:.0} comparisons/s | {:.0} % of one core |", all as f64 / seconds, cores * 100.0);
        assert_eq!(report.equal, all as u64, "all are alike: {report:?}");
        assert!(cores < 1.0, "under one core: {cores}");
    }

    let whole = |_| sample("SELECT * FROM bench ORDER BY id", &[]);
    let some = |_| sample("SELECT * FROM bench WHERE id <= 100 ORDER BY id", &[]);
    compared(servers, 500, (0..8).map(some).collect()).await;
    peak_mb();
    compared(servers, 500, (0..8).map(some).collect()).await;
    let few = peak_mb();
    let began = Instant::now();
    let report = compared(servers, 500, (0..8).map(whole).collect()).await;
    let each = began.elapsed() / 8;
    let many = peak_mb();
    println!(
        "| 100 rows | peak {few:.1} MB |\n| 100 000 rows, four at once | peak {many:.1} MB, {:.2} s each |",
        each.as_secs_f64()
    );
    assert_eq!(report.equal, 8, "{report:?}");
    assert!(many - few < 24.0, "what is held does not grow with the rows: {few:.1} MB, {many:.1} MB");
    assert!(began.elapsed() < Duration::from_secs(120), "and it ends");
}
