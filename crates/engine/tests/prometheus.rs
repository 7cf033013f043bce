//! Metrics from a real Prometheus, and from servers that answer what they should not: one fresh number, or a sentence.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use switchyard_engine::{keychain::Keychain, prometheus::Prometheus as Client, secret::Secret};
use switchyard_model::application::{Bound, Metric, MetricLogin, Reading, SecretAt, Unread};
use switchyard_rig::{Asked, Prometheus, Web};

const TOKEN: &str = "canary-t0ken";

/// Longest wait for what is scraped each second.
const PATIENCE: Duration = Duration::from_secs(30);

fn metric(url: &str, query: &str) -> Metric {
    Metric {
        name: "m".into(),
        url: url.into(),
        query: query.into(),
        bound: Bound::Above,
        limit: 1.0,
        for_s: 0,
        unit: String::new(),
        login: MetricLogin::Token { at: SecretAt::Keyring { name: "k".into() } },
        ca_file: None,
    }
}

fn keychain() -> Keychain {
    Keychain::in_memory("a test")
}

const GOOD: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[100,"99.5"]}]}}"#;

fn answer(asked: &Asked) -> Option<(u16, String, Vec<u8>)> {
    let plain = |status, body: &str| Some((status, String::new(), body.as_bytes().to_vec()));
    let is_age = asked.body.contains("timestamp");
    match asked.path.trim_end_matches("/api/v1/query") {
        "/good" => plain(200, GOOD),
        "/old" if is_age => plain(200, &GOOD.replace("99.5", "-100")),
        "/gone" if is_age => plain(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
        "/old" | "/gone" => plain(200, GOOD),
        "/401" => plain(401, "no"),
        "/403" => plain(403, TOKEN),
        "/404" => plain(404, "no"),
        "/500" => plain(500, "<html>"),
        "/503" => plain(503, r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#),
        "/echo" => plain(400, &format!(r#"{{"status":"error","error":"bad: {}"}}"#, TOKEN)),
        "/garbage" => plain(200, "<html>log in</html>"),
        "/empty" => plain(200, ""),
        "/cut" => Some((200, "Content-Length: 99999\r\n".to_owned(), GOOD.as_bytes().to_vec())),
        "/nan" => plain(200, &GOOD.replace("99.5", "NaN")),
        "/inf" => plain(200, &GOOD.replace("99.5", "+Inf")),
        "/huge" => Some((200, String::new(), vec![b' '; 3 << 20])),
        "/several" => plain(200, &GOOD.replace("]}]", r#"]},{"metric":{"a":"b"},"value":[100,"1"]}]"#)),
        "/slow" => None,
        other => panic!("nobody asks for {other}"),
    }
}

/// What a path gives, with how long it took.
async fn look(client: &Client, base: &str, path: &str) -> (Result<Reading, Unread>, Duration) {
    let began = Instant::now();
    let read = client.look_with(&metric(&format!("{base}{path}"), "up"), Some(&Secret::new(TOKEN))).await;
    (read, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_answer_is_a_sentence_and_never_a_number() {
    let web = Web::start(answer).await.unwrap();
    let client = Client::default();
    let cases = [
        ("/old", "sample behind it is 3:20 old"),
        ("/gone", "nothing that it reads has a sample"),
        ("/401", "refuses the login (401)"),
        ("/403", "does not let this login ask (403)"),
        ("/404", "no query API under this address (404)"),
        ("/500", "answers with 500"),
        ("/503", "answers with 503: query timed out"),
        ("/echo", "refuses the query: bad: …"),
        ("/garbage", "is no Prometheus"),
        ("/empty", "is no Prometheus"),
        ("/nan", "NaN"),
        ("/inf", "infinite"),
        ("/huge", "larger than 1 MiB"),
        ("/several", "gives 2 series"),
        ("/slow", "no answer within 4 s"),
    ];
    let looks = cases.map(|(path, _)| look(&client, &web.url, path));
    for ((path, said), (read, took)) in cases.into_iter().zip(futures_util::future::join_all(looks).await) {
        let Err(Unread { why, remedy }) = read else { panic!("{path} gave a number: {read:?}") };
        assert!(why.contains(said), "{path}: {why}");
        assert!(!remedy.is_empty() && !format!("{why}{remedy}").contains(TOKEN), "{path}: {why} {remedy}");
        let late = path != "/slow" && took > Duration::from_secs(3);
        assert!(took < Duration::from_secs(6) && !late, "{path} took {took:?}: the slow one delays nobody");
    }
    let good = look(&client, &web.url, "/good").await.0.unwrap();
    assert_eq!(good, Reading { value: 99.5, age_ms: Some(500) }, "and what is good is read");
    let constant = client.look_with(&metric(&format!("{}/good", web.url), "vector(1)"), None).await.unwrap();
    assert_eq!(constant.age_ms, None, "what reads no series has no samples that could be old");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_on_and_nothing_goes_where_nobody_is() {
    let elsewhere = Web::start(answer).await.unwrap();
    let to = format!("Location: {}/good/api/v1/query\r\n", elsewhere.url);
    let web = Web::start(move |_| Some((307, to.clone(), Vec::new()))).await.unwrap();
    let client = Client::default();
    let why = look(&client, &web.url, "").await.0.unwrap_err().why;
    assert!(why.contains("redirect to 127.0.0.1 (307)"), "{why}");
    assert_eq!(elsewhere.asked(), 0, "a token is for the server that was named");

    let port = web.port;
    let tls = look(&client, &format!("https://127.0.0.1:{port}"), "").await.0.unwrap_err().why;
    assert!(tls.contains("does not speak TLS"), "{tls}");
    drop(web);
    let began = Instant::now();
    loop {
        // Its socket is closed by a task of its own, and takes a connection until then.
        let dead = look(&client, &format!("http://127.0.0.1:{port}"), "").await.0.unwrap_err().why;
        if dead.contains("nothing listens there") {
            break;
        }
        assert!(dead.contains("broke off") && began.elapsed() < Duration::from_secs(5), "{dead}");
    }
    let nowhere = look(&client, "http://nowhere.invalid", "").await.0.unwrap_err();
    assert!(nowhere.why.contains("nowhere.invalid"), "{nowhere:?}");

    let missing = client.look(&metric("http://127.0.0.1:1", "up"), &keychain()).await.unwrap_err();
    assert!(missing.why.contains("not in the keyring"), "{missing:?}");
    for (path, said) in [("/nowhere/token", "No such file"), ("/dev/zero", "is no file")] {
        let login = MetricLogin::Token { at: SecretAt::File { path: path.into() } };
        let of = Metric { login, ..metric("http://127.0.0.1:1", "up") };
        let why = client.look(&of, &keychain()).await.unwrap_err().why;
        assert!(why.contains(said), "{why}");
        let of = Metric { ca_file: Some(path.into()), ..metric("https://127.0.0.1:1", "up") };
        let why = client.look_with(&of, None).await.unwrap_err().why;
        assert!(why.contains("CA file") && why.contains(said), "{why}");
    }
}

/// Looks again and again until it gives what is waited for.
async fn until<T>(
    client: &Client,
    of: &Metric,
    what: &str,
    found: impl Fn(&Result<Reading, Unread>) -> Option<T>,
) -> T {
    let (began, secret) = (Instant::now(), Secret::new(Prometheus::PASSWORD));
    loop {
        let read = client.look_with(of, Some(&secret)).await;
        if let Some(found) = found(&read) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}: {read:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_is_read() {
    if !Prometheus::is_installed() {
        println!("SKIPPED: there is no Prometheus on this machine; scripts/setup.sh test brings it");
        return;
    }
    let mut prometheus = Prometheus::start().await.unwrap();
    prometheus.set("shop_latency_ms", 42.5);
    prometheus.set("shop_requests_total{path=\"/a\"}", 10.0);
    prometheus.set("shop_requests_total{path=\"/b\"}", 20.0);
    let client = Client::default();
    let login = MetricLogin::Basic { user: Prometheus::USER.into(), at: SecretAt::Keyring { name: "k".into() } };
    let ca_file = Some(prometheus.ca.display().to_string());
    let of = |query: &str| Metric { login: login.clone(), ca_file: ca_file.clone(), ..metric(&prometheus.url, query) };

    let reading = until(&client, &of("shop_latency_ms"), "a value", |r| r.as_ref().ok().copied()).await;
    assert_eq!(reading.value, 42.5);
    assert!(reading.age_ms.is_some_and(|age| (0..10_000).contains(&age)), "its sample's age: {reading:?}");
    let joined = of("sum by () (shop_requests_total{path=~\".*\"}) / scalar(shop_latency_ms * 2)");
    let two = until(&client, &joined, "two selectors", |r| r.as_ref().ok().copied()).await;
    assert!(two.age_ms.is_some() && (two.value - 30.0 / 85.0).abs() < 1e-9, "{two:?}");

    let (right, wrong) = (Secret::new(Prometheus::PASSWORD), Secret::new("canary-wrong"));
    for (query, secret, said) in [
        ("shop_requests_total", &right, "gives 2 series"),
        ("shop_nothing", &right, "gives no series"),
        ("shop_latency_ms[1m]", &right, "gives a range"),
        ("\"text\"", &right, "gives a text"),
        ("sum(", &right, "refuses the query"),
        ("(shop_latency_ms - 42.5) / 0", &right, "NaN"),
        ("shop_latency_ms", &wrong, "refuses the login"),
    ] {
        let why = client.look_with(&of(query), Some(secret)).await.unwrap_err().why;
        assert!(why.contains(said) && !why.contains("canary"), "{query}: {why}");
    }
    let untrusted = Metric { ca_file: None, ..of("up") };
    let why = client.look_with(&untrusted, Some(&right)).await.unwrap_err().why;
    assert!(why.contains("signed by nobody whom this machine trusts"), "{why}");

    // Nothing is scraped any more. A rate over a minute would still have a value for most of it.
    let rate = of("sum(rate(shop_requests_total[1m]))");
    until(&client, &rate, "a rate", |r| r.as_ref().ok().map(|r| r.value)).await;
    prometheus.end_application();
    let why = until(&client, &rate, "the end of it", |r| r.as_ref().err().map(|e| e.why.clone())).await;
    assert!(why.contains("nothing that it reads has a sample any more"), "a rate of the past is none of now: {why}");
}
