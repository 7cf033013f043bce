//! Where a tool connects to, and with what.

use sqlx::PgPool;
use switchyard_model::endpoint::{Endpoint, TlsMode};

use crate::secret::Secret;

/// One database, for a tool and for the questions that go with it. No `Debug`: it leads to the password.
pub struct Login {
    /// The endpoint's name, for messages and previews.
    pub label: String,
    /// For questions about catalogs.
    pub pool: PgPool,
    /// Where the tool connects.
    pub endpoint: Endpoint,
    /// With which password.
    pub password: Option<Secret>,
}

impl Login {
    /// The connection string for the tool's arguments: everything but the password.
    pub(super) fn conninfo(&self) -> String {
        let e = &self.endpoint;
        let mut out = format!(
            "host={} port={} dbname={} user={} sslmode={}",
            quoted(&e.host),
            e.port,
            quoted(&e.database),
            quoted(&e.user),
            e.tls.word()
        );
        match (e.tls, e.ca_file.as_deref().filter(|f| !f.is_empty())) {
            (TlsMode::VerifyCa | TlsMode::VerifyFull, Some(file)) => {
                out.push_str(&format!(" sslrootcert={}", quoted(file)));
            }
            (TlsMode::VerifyCa | TlsMode::VerifyFull, None)
            | (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require, _) => {}
        }
        out.push_str(" connect_timeout=10 application_name=switchyard");
        out
    }
}

/// A value as libpq reads it; bare where nothing in it needs quotes, for a person reads these lines too.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_need_it_are_quoted() {
        assert_eq!(quoted("/run/postgresql"), "/run/postgresql");
        assert_eq!(quoted("o'c d\\"), "'o\\'c d\\\\'");
        assert_eq!(quoted(""), "''", "an empty value would swallow the next keyword");
    }
}
