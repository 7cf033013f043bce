//! The connection string with which one server subscribes to the other. The only place where the password is written
//! into a string, and its masked twin for previews.

use switchyard_model::endpoint::TlsMode;

use super::Party;

/// What a preview shows in the password's place.
const MASK: &str = "…";

/// The string that the server gets.
pub(super) fn real(publisher: &Party) -> String {
    build(publisher, publisher.password.as_ref().map(|p| quoted(p.expose())))
}

/// The same without the password.
pub(super) fn masked(publisher: &Party) -> String {
    build(publisher, publisher.password.as_ref().map(|_| MASK.to_owned()))
}

fn build(publisher: &Party, password: Option<String>) -> String {
    let endpoint = &publisher.endpoint;
    let (host, port) = endpoint.peer_host_port();
    let mut out = format!(
        "host={} port={port} dbname={} user={}",
        quoted(host.trim_start_matches('[').trim_end_matches(']')),
        quoted(&endpoint.database),
        quoted(&endpoint.user)
    );
    if let Some(password) = password {
        out.push_str(&format!(" password={password}"));
    }
    out.push_str(&format!(" sslmode={}", endpoint.tls.word()));
    // The subscriber's server opens this file on its own disk; where it is not there, its refusal says so.
    match (endpoint.tls, endpoint.ca_file.as_deref().filter(|f| !f.is_empty())) {
        (TlsMode::VerifyCa | TlsMode::VerifyFull, Some(file)) => {
            out.push_str(&format!(" sslrootcert={}", quoted(file)))
        }
        (TlsMode::VerifyCa | TlsMode::VerifyFull, None)
        | (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require, _) => {}
    }
    // No application_name: the apply worker then bears the subscription's name and each copying worker its slot's, which
    // is what synchronous_standby_names and our own status go by. The rest notices a dead publisher within half a minute.
    out.push_str(" connect_timeout=10 keepalives=1 keepalives_idle=10 keepalives_interval=5 keepalives_count=3");
    out
}

/// A value as libpq reads it: in single quotes, quotes and backslashes escaped by a backslash.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use switchyard_model::endpoint::Endpoint;

    fn party(tls: TlsMode) -> Party {
        Party {
            label: "orders".into(),
            pool: sqlx::PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap(),
            endpoint: Endpoint {
                name: "orders".into(),
                host: "10.0.0.1".into(),
                port: 5432,
                database: "o'clock \\db".into(),
                user: "ann".into(),
                tls,
                ca_file: Some("/etc/ca.pem".into()),
                peer_address: Some("[fd00::1]:6000".into()),
            },
            password: Some(Secret::new("p'w\\ d")),
        }
    }

    #[tokio::test]
    async fn values_are_quoted_as_libpq_wants() {
        let text = real(&party(TlsMode::VerifyCa));
        assert!(text.starts_with("host='fd00::1' port=6000 dbname='o\\'clock \\\\db' user='ann'"), "{text}");
        assert!(text.contains("password='p\\'w\\\\ d'"), "{text}");
        assert!(text.contains("sslmode=verify-ca sslrootcert='/etc/ca.pem'"), "{text}");
    }

    #[tokio::test]
    async fn the_masked_twin_holds_no_password() {
        let text = masked(&party(TlsMode::Require));
        assert!(text.contains("password=… sslmode=require connect"), "an unused CA file is left out: {text}");
        assert!(!text.contains("p'w") && !text.contains("p\\'w"), "{text}");
    }
}
