//! How to reach one database, and how to read that from a `postgres://` URL.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// TLS towards a server, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Never encrypt.
    Disable,
    /// Encrypt if the server can; verify nothing.
    #[default]
    Prefer,
    /// Encrypt or fail; verify nothing.
    Require,
    /// Encrypt and verify the server's certificate against the CA.
    VerifyCa,
    /// Encrypt, verify the certificate and that it names the host.
    VerifyFull,
}

impl TlsMode {
    /// libpq's `sslmode` word.
    pub fn word(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }

    /// From libpq's word; `allow` is read as `prefer`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "disable" => Some(TlsMode::Disable),
            "allow" | "prefer" => Some(TlsMode::Prefer),
            "require" => Some(TlsMode::Require),
            "verify-ca" => Some(TlsMode::VerifyCa),
            "verify-full" => Some(TlsMode::VerifyFull),
            _ => None,
        }
    }
}

/// How to reach one database. Holds no secret: the password lives in the keyring under [`Endpoint::name`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Endpoint {
    /// The operator's name for it, unique in the store.
    pub name: String,
    /// Host name, address, or the folder of a Unix socket (starts with `/`).
    pub host: String,
    /// TCP port, 1–65535.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role to connect as.
    pub user: String,
    /// TLS mode.
    pub tls: TlsMode,
    /// PEM file with the CA's certificate, for the verifying modes.
    pub ca_file: Option<String>,
    /// `host:port` under which the *other server* reaches this one, where that differs from what this machine uses.
    pub peer_address: Option<String>,
}

impl Endpoint {
    /// Host and port for the subscription of the other server.
    pub fn peer_host_port(&self) -> (String, u16) {
        match self.peer_address.as_deref().and_then(split_host_port) {
            Some(pair) => pair,
            None => (self.host.clone(), self.port),
        }
    }

    /// Every problem in the fields, each a sentence that names the field; empty when it can be saved.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        let required = [("name", &self.name), ("host", &self.host), ("database", &self.database), ("user", &self.user)];
        for (field, value) in required {
            if value.trim().is_empty() {
                out.push(format!("The {field} is empty: fill it in."));
            }
            if value.contains('\0') {
                out.push(format!("The {field} holds a NUL character: remove it."));
            }
        }
        if self.port == 0 {
            out.push("The port is 0: PostgreSQL usually listens on 5432.".to_owned());
        }
        if let Some(peer) = &self.peer_address
            && split_host_port(peer).is_none()
        {
            out.push(format!("The peer address “{peer}” is not host:port, for example db1.internal:5432."));
        }
        out
    }
}

fn split_host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    if host.is_empty() {
        return None;
    }
    Some((host.to_owned(), port.parse().ok()?))
}

/// What a `postgres://` URL says: an endpoint and perhaps a password. The password is the caller's to protect.
#[derive(Clone, PartialEq, Eq)]
pub struct ParsedUrl {
    /// The endpoint, named after host and database.
    pub endpoint: Endpoint,
    /// The password, percent-decoded.
    pub password: Option<String>,
}

/// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
///
/// # Errors
/// One sentence that names what is wrong; it never repeats the password.
pub fn parse_url(url: &str) -> Result<ParsedUrl, String> {
    let rest = url
        .trim()
        .strip_prefix("postgres://")
        .or_else(|| url.trim().strip_prefix("postgresql://"))
        .ok_or("The URL does not start with postgres:// or postgresql://.")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (userinfo, hostport) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (decode(user)?, Some(decode(password)?)),
        None => (decode(userinfo)?, None),
    };
    let (host, port) = host_and_port(hostport)?;
    let database = decode(database)?;
    let mut endpoint = Endpoint {
        name: String::new(),
        host: if host.is_empty() { "localhost".to_owned() } else { host },
        port,
        database: if database.is_empty() { user.clone() } else { database },
        user,
        tls: TlsMode::default(),
        ca_file: None,
        peer_address: None,
    };
    let mut password = password;
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        apply_parameter(&mut endpoint, &mut password, key, decode(value)?)?;
    }
    if endpoint.user.is_empty() {
        return Err("The URL names no user: write postgres://user@host/database.".to_owned());
    }
    endpoint.name = format!("{}@{}", endpoint.database, endpoint.host);
    Ok(ParsedUrl { endpoint, password })
}

fn apply_parameter(e: &mut Endpoint, password: &mut Option<String>, key: &str, value: String) -> Result<(), String> {
    match key {
        "sslmode" => {
            e.tls = TlsMode::from_word(&value).ok_or(format!(
                "sslmode “{value}” is unknown: use disable, prefer, require, verify-ca or verify-full."
            ))?;
        }
        "sslrootcert" => e.ca_file = Some(value),
        "host" => e.host = value,
        "port" => e.port = parse_port(&value)?,
        "dbname" => e.database = value,
        "user" => e.user = value,
        "password" => *password = Some(value),
        // Other libpq parameters do not change where we connect; ignoring them keeps pasted URLs working.
        _ => {}
    }
    Ok(())
}

fn host_and_port(hostport: &str) -> Result<(String, u16), String> {
    if let Some(v6) = hostport.strip_prefix('[') {
        let (host, rest) = v6.split_once(']').ok_or("The IPv6 address in the URL lacks its closing bracket.")?;
        let port = rest.strip_prefix(':').map_or(Ok(5432), parse_port)?;
        return Ok((host.to_owned(), port));
    }
    match hostport.rsplit_once(':') {
        Some((host, port)) => Ok((decode(host)?, parse_port(port)?)),
        None => Ok((decode(hostport)?, 5432)),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("The port “{text}” is not a number from 1 to 65535.")),
    }
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        if b == b'%' {
            let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
            let byte = hex.and_then(|h| u8::from_str_radix(h, 16).ok());
            bytes.push(byte.ok_or("The URL has a % that is not followed by two hexadecimal digits: write %25.")?);
            rest = &tail[2..];
        } else {
            bytes.push(b);
            rest = tail;
        }
    }
    String::from_utf8(bytes).map_err(|_| "The URL holds bytes that are not UTF-8.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_url_is_read() {
        let p =
            parse_url("postgres://ann:p%40ss%3A@db.example:6000/orders%20eu?sslmode=verify-full&sslrootcert=/ca.pem")
                .unwrap();
        assert_eq!(p.password.as_deref(), Some("p@ss:"), "percent escapes are decoded");
        assert_eq!(p.endpoint.database, "orders eu");
        assert_eq!((p.endpoint.host.as_str(), p.endpoint.port), ("db.example", 6000));
        assert_eq!(p.endpoint.tls, TlsMode::VerifyFull);
        assert_eq!(p.endpoint.ca_file.as_deref(), Some("/ca.pem"));
    }

    #[test]
    fn defaults_are_libpqs() {
        let p = parse_url("postgresql://ann@[::1]/").unwrap().endpoint;
        assert_eq!((p.host.as_str(), p.port, p.database.as_str()), ("::1", 5432, "ann"));
    }

    #[test]
    fn wrong_urls_get_a_sentence_without_the_password() {
        for (url, word) in [
            ("mysql://a:sekret@b/c", "postgres://"),
            ("postgres://a:sekret@b:99999/c", "99999"),
            ("postgres://a:sekret@b/c?sslmode=maybe", "maybe"),
            ("postgres://:sekret@b/c", "no user"),
            ("postgres://a:sekret%zz@b/c", "%25"),
        ] {
            let Err(sentence) = parse_url(url) else { panic!("{url} was accepted") };
            assert!(sentence.contains(word), "“{sentence}” should name {word}");
            assert!(!sentence.contains("sekret"), "an error must not repeat the password: {sentence}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(url in "\\PC{0,60}") { let _ = parse_url(&format!("postgres://{url}")); }
    }
}
