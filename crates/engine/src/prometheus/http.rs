//! The way to a metrics server: one POST, verified TLS, no redirect followed, no more read than an answer may have.

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use switchyard_model::application::{Metric, MetricLogin, Unread};

use super::{
    PATIENCE,
    answer::{self, Body},
    small_file, unread,
};
use crate::secret::Secret;

/// Largest answer that is read; one number is some hundred bytes.
const MOST_BODY: usize = 1024 * 1024;

/// How long a connection is kept for the next look.
const KEPT: Duration = Duration::from_secs(30);

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What asks metrics servers.
#[derive(Default)]
pub struct Prometheus {
    /// By the CA that is trusted; None for those of the system.
    clients: Mutex<HashMap<Option<String>, Http>>,
}

impl Prometheus {
    /// One instant query.
    pub(super) async fn query(&self, metric: &Metric, query: &str, secret: Option<&Secret>) -> Result<Body, Unread> {
        let request = request(metric, query, secret)?;
        let client = self.client(metric).await?;
        let answer = client.request(request).await.map_err(|e| unreachable(&metric.url, &e))?;
        read(answer, &sent(&metric.login, secret)).await
    }

    async fn client(&self, metric: &Metric) -> Result<Http, Unread> {
        // Plain HTTP needs no certificates, and a machine may have none.
        let ca = metric.ca_file.clone().filter(|_| metric.url.starts_with("https://"));
        let known = || self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known().get(&ca) {
            return Ok(client.clone());
        }
        let roots = match &ca {
            Some(path) => from_file(path).await?,
            None => of_the_system().await,
        };
        let client = client(roots)?;
        known().insert(ca, client.clone());
        Ok(client)
    }
}

fn client(roots: RootCertStore) -> Result<Http, Unread> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| unread(format!("TLS cannot be set up: {e}"), "Report this."))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(PATIENCE));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT).build(connector))
}

async fn of_the_system() -> RootCertStore {
    // Reads some hundred files. Without any, no certificate is trusted, which is what is said then.
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    if let Ok(found) = found {
        roots.add_parsable_certificates(found.certs);
    }
    roots
}

async fn from_file(path: &str) -> Result<RootCertStore, Unread> {
    let cannot = |why: String| {
        unread(format!("the CA file {path} {why}"), "Give the path of a PEM file with the CA's certificate.")
    };
    let pem = small_file(path, MOST_BODY).await.map_err(cannot)?;
    let mut roots = RootCertStore::empty();
    for one in CertificateDer::pem_slice_iter(&pem) {
        let one = one.map_err(|_| cannot("is torn".to_owned()))?;
        roots.add(one).map_err(|_| cannot("holds what is no CA certificate".to_owned()))?;
    }
    if roots.is_empty() { Err(cannot("holds no certificate".to_owned())) } else { Ok(roots) }
}

fn request(metric: &Metric, query: &str, secret: Option<&Secret>) -> Result<Request<Full<Bytes>>, Unread> {
    let address = format!("{}/api/v1/query", metric.url.trim_end_matches('/'));
    let bad = || {
        unread(format!("{} is no address", metric.url), "Give it as https://host:port, with a path where it has one.")
    };
    let uri: Uri = address.parse().map_err(|_| bad())?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", query)
        .append_pair("timeout", &format!("{}s", PATIENCE.as_secs()))
        .finish();
    let mut request = Request::post(uri).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(header) = authorization(&metric.login, secret)? {
        request = request.header(AUTHORIZATION, header);
    }
    request.body(Full::new(Bytes::from(body))).map_err(|_| bad())
}

fn authorization(login: &MetricLogin, secret: Option<&Secret>) -> Result<Option<HeaderValue>, Unread> {
    let Some(secret) = secret else { return Ok(None) };
    let text = match login {
        MetricLogin::None => return Ok(None),
        MetricLogin::Token { .. } => format!("Bearer {}", secret.expose()),
        MetricLogin::Basic { user, .. } => {
            format!("Basic {}", basic(user, secret.expose()))
        }
    };
    let mut header = HeaderValue::try_from(text).map_err(|_| {
        unread("the token holds characters that none has", "Set the metric up again with the token alone.")
    })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// `secrets` are what was sent: a server may say it back.
async fn read(answer: Response<Incoming>, secrets: &[String]) -> Result<Body, Unread> {
    let status = answer.status();
    if let Some(refused) = refused(&answer) {
        return Err(refused);
    }
    let bytes = Limited::new(answer.into_body(), MOST_BODY).collect().await.map_err(|e| {
        if e.is::<http_body_util::LengthLimitError>() {
            return unread(
                "the answer is larger than 1 MiB, and one number is asked for",
                "Aggregate to one, as in sum(…), max(…) or avg(…).",
            );
        }
        unread("the answer broke off", "See whether the metrics server, or what stands before it, was restarted.")
    })?;
    // Before anything of it is shortened: a part of a secret is not recognised any more.
    let text = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
    let text = secrets.iter().fold(text, |text, secret| text.replace(secret, "…"));
    let body: Option<Body> = serde_json::from_str(&text).ok();
    match (status, body) {
        (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, Some(body)) => {
            Err(unread(format!("the metrics server refuses the query{}", answer::said(&body)), "Correct the query."))
        }
        (status, Some(body)) if !status.is_success() => Err(unread(
            format!("the metrics server answers with {}{}", status.as_u16(), answer::said(&body)),
            "See its log; it is asked again by itself.",
        )),
        (status, None) if !status.is_success() => Err(unread(
            format!("the metrics server answers with {}", status.as_u16()),
            "See its log and what stands before it; it is asked again by itself.",
        )),
        (_, Some(body)) => Ok(body),
        (_, None) => Err(unread(
            "what answers there is no Prometheus: it gave something else than a query's result",
            "Give the address of the query API, without /api/v1/query; /prometheus or the like may belong to it.",
        )),
    }
}

/// Answers whose body says nothing that is worth reading.
fn refused(answer: &Response<Incoming>) -> Option<Unread> {
    match answer.status() {
        StatusCode::UNAUTHORIZED => Some(unread(
            "the metrics server refuses the login (401)",
            "Set the metric up again with a token or a password that is right.",
        )),
        StatusCode::FORBIDDEN => {
            Some(unread("the metrics server does not let this login ask (403)", "Let it query, or take another one."))
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(unread(
            format!("there is no query API under this address ({})", answer.status().as_u16()),
            "Give its address without /api/v1/query; /prometheus or the like may belong to it.",
        )),
        status if status.is_redirection() => {
            let to = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok()?.parse::<Uri>().ok());
            let host = to.and_then(|uri| Some(format!(" to {}", answer::short(uri.host()?)))).unwrap_or_default();
            Some(unread(
                format!("the metrics server answers with a redirect{host} ({})", status.as_u16()),
                "Give the address that it leads to, if it is the right one: nothing is sent on by itself.",
            ))
        }
        _ => None,
    }
}

/// What goes out of a secret, as it is and as it is written.
fn sent(login: &MetricLogin, secret: Option<&Secret>) -> Vec<String> {
    let Some(secret) = secret.map(Secret::expose).filter(|s| !s.is_empty()) else { return Vec::new() };
    let coded = match login {
        MetricLogin::Basic { user, .. } => Some(basic(user, secret)),
        MetricLogin::Token { .. } | MetricLogin::None => None,
    };
    coded.into_iter().chain([secret.to_owned()]).collect()
}

fn basic(user: &str, secret: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{secret}"))
}

/// Why nothing came back.
fn unreachable(url: &str, e: &Error) -> Unread {
    let mut cause = e.source();
    while let Some(one) = cause {
        if let Some(told) = told(url, one) {
            return told;
        }
        cause = one.source();
    }
    let why = if e.is_connect() { "it cannot be reached" } else { "the connection broke off" };
    unread(format!("{url}: {why}"), "See whether the metrics server runs and this machine may reach it.")
}

fn told(url: &str, cause: &(dyn std::error::Error + 'static)) -> Option<Unread> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(not_trusted(url, tls));
    }
    let io = cause.downcast_ref::<std::io::Error>()?;
    // An error that is wrapped is not among its own sources.
    if let Some(inner) = io.get_ref() {
        return told(url, inner);
    }
    let why = match io.kind() {
        std::io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        std::io::ErrorKind::TimedOut => "there is no answer".to_owned(),
        _ => crate::error::words(io),
    };
    Some(unread(format!("{url}: {why}"), "See whether the metrics server runs and this machine may reach it."))
}

fn not_trusted(url: &str, e: &rustls::Error) -> Unread {
    let why = match e {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by nobody whom this machine trusts".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has run out".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name".to_owned(),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        other => format!("TLS fails: {}", answer::short(&other.to_string())),
    };
    unread(
        format!("{url}: {why}"),
        "Give the CA that signed it as a file (--ca-file), or mend the certificate. It is always verified.",
    )
}
