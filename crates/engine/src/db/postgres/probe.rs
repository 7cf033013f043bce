//! One login and what it found: the form's Test button.

use std::time::Instant;

use sqlx::{Connection, Row};
use switchyard_model::endpoint::TlsMode;

use super::{classify::classify, options};
use crate::{Result, db::connect::Login};

/// What a login found.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// `15.20`.
    pub version: String,
    /// What TLS was really negotiated and what of it was verified, one sentence.
    pub tls_sentence: String,
    /// Whether what goes over the line can be read on the way.
    pub encrypted: bool,
    /// From the first packet to the end of the login, ms.
    pub ms: f64,
}

/// Logs in, asks, logs out.
pub(crate) async fn probe(login: Login<'_>) -> Result<Probe> {
    let options = options::options(login.endpoint, login.password)?;
    let begun = Instant::now();
    let mut connection = options::open(login.endpoint, login.password.is_some(), &options).await?;
    let ms = begun.elapsed().as_secs_f64() * 1000.0;
    let row = sqlx::query(
        "SELECT current_setting('server_version') AS version, coalesce(s.ssl, false) AS ssl, \
                coalesce(s.version, '') AS protocol, coalesce(s.cipher, '') AS cipher \
           FROM (SELECT pg_backend_pid() AS pid) me LEFT JOIN pg_stat_ssl s USING (pid)",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(|e| classify(format!("asking {} what it is", login.endpoint.name), e))?;
    // The answer is in hand; a failed good-bye changes nothing.
    let _ = connection.close().await;
    let version: String = row.get("version");
    let tls = row.get::<bool, _>("ssl").then(|| (row.get::<String, _>("protocol"), row.get::<String, _>("cipher")));
    Ok(Probe {
        version: version.split_whitespace().next().unwrap_or_default().to_owned(),
        encrypted: tls.is_some(),
        tls_sentence: tls_sentence(login.endpoint.tls, tls),
        ms,
    })
}

fn tls_sentence(mode: TlsMode, negotiated: Option<(String, String)>) -> String {
    let Some((protocol, cipher)) = negotiated else {
        return "Not encrypted: everything, passwords of the subscription included, can be read on the way.".to_owned();
    };
    let verified = match mode {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => "the certificate was not verified",
        TlsMode::VerifyCa => "the certificate was verified, the host name was not",
        TlsMode::VerifyFull => "certificate and host name were verified",
    };
    format!("Encrypted with {protocol} ({cipher}); {verified}.")
}
