//! Endpoints from libpq's own files: `pg_service.conf` for the fields, `.pgpass` for the passwords.
//!
//! The files are read where libpq reads them and never written.

use std::path::{Path, PathBuf};

use switchyard_model::endpoint::{Endpoint, TlsMode};

use crate::secret::Secret;

/// What the files offer.
#[derive(Debug, Default)]
pub struct Found {
    /// One per service, in the order of the file.
    pub services: Vec<Service>,
    /// What could not be read, one sentence each.
    pub problems: Vec<String>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its fields, named after the service.
    pub endpoint: Endpoint,
    /// The password that `.pgpass` or the service itself gives.
    pub password: Option<Secret>,
}

/// The password that the password file gives for this login; None where it has none or is ignored.
pub async fn password(host: &str, port: u16, database: &str, user: &str) -> Option<Secret> {
    let (lines, _) = read_pgpass().await;
    find(&lines, [host, &port.to_string(), database, user])
}

fn file(variable: &str, in_home: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(in_home);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}

/// The lines of the password file, and why it was ignored.
async fn read_pgpass() -> (Vec<[String; 5]>, Option<String>) {
    let path = file("PGPASSFILE", ".pgpass");
    match tokio::fs::read_to_string(&path).await {
        Ok(_) if too_open(&path) => {
            let name = path.display();
            (
                Vec::new(),
                Some(format!("{name} can be read by others, so it is ignored, as libpq does: run chmod 0600 on it.")),
            )
        }
        Ok(text) => (parse_pgpass(&text), None),
        Err(_) => (Vec::new(), None),
    }
}

/// Reads both files.
pub async fn read() -> Found {
    let service_file = file("PGSERVICEFILE", ".pg_service.conf");
    let mut found = Found::default();
    let (passwords, ignored) = read_pgpass().await;
    found.problems.extend(ignored);
    match tokio::fs::read_to_string(&service_file).await {
        Ok(text) => {
            let (services, problems) = parse_services(&text);
            found.services = services.into_iter().map(|s| with_password(s, &passwords)).collect();
            found.problems.extend(problems.into_iter().map(|p| format!("{}: {p}", service_file.display())));
        }
        // Most people have none, and none is no problem.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => found.problems.push(format!("{} cannot be read ({e}).", service_file.display())),
    }
    found
}

#[cfg(unix)]
fn too_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn too_open(_: &Path) -> bool {
    false
}

fn with_password(mut service: Service, passwords: &[[String; 5]]) -> Service {
    if service.password.is_none() {
        let e = &service.endpoint;
        service.password = find(passwords, [&e.host, &e.port.to_string(), &e.database, &e.user]);
    }
    service
}

/// The first line that fits.
fn find(passwords: &[[String; 5]], fields: [&str; 4]) -> Option<Secret> {
    let fits = |line: &&[String; 5]| line.iter().zip(fields).all(|(pattern, value)| pattern == "*" || pattern == value);
    passwords.iter().find(fits).map(|line| Secret::new(&line[4]))
}

/// Lines of `host:port:database:user:password` with `\:` and `\\` as escapes.
fn parse_pgpass(text: &str) -> Vec<[String; 5]> {
    text.lines().filter(|l| !l.starts_with('#')).filter_map(parse_pgpass_line).collect()
}

fn parse_pgpass_line(line: &str) -> Option<[String; 5]> {
    let mut fields: Vec<String> = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => fields.last_mut()?.push(chars.next()?),
            ':' if fields.len() < 5 => fields.push(String::new()),
            other => fields.last_mut()?.push(other),
        }
    }
    fields.try_into().ok()
}

fn parse_services(text: &str) -> (Vec<Service>, Vec<String>) {
    let (mut services, mut problems) = (Vec::<Service>::new(), Vec::new());
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            services.push(Service { endpoint: blank(name), password: None });
            continue;
        }
        let (Some(service), Some((key, value))) = (services.last_mut(), line.split_once('=')) else {
            problems.push(format!("line {} is neither [service] nor key=value.", number + 1));
            continue;
        };
        if let Err(why) = set(service, key.trim(), value.trim()) {
            problems.push(format!("line {}: {why}", number + 1));
        }
    }
    for service in &mut services {
        if service.endpoint.database.is_empty() {
            service.endpoint.database = service.endpoint.user.clone();
        }
    }
    (services, problems)
}

fn blank(name: &str) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        host: "localhost".to_owned(),
        port: 5432,
        database: String::new(),
        user: std::env::var("USER").unwrap_or_default(),
        tls: TlsMode::default(),
        ca_file: None,
        peer_address: None,
    }
}

fn set(service: &mut Service, key: &str, value: &str) -> Result<(), String> {
    let e = &mut service.endpoint;
    match key {
        "host" | "hostaddr" => e.host = value.to_owned(),
        "port" => e.port = value.parse().map_err(|_| format!("“{value}” is not a port."))?,
        "dbname" => e.database = value.to_owned(),
        "user" => e.user = value.to_owned(),
        "password" => service.password = Some(Secret::new(value)),
        "sslmode" => e.tls = TlsMode::from_word(value).ok_or(format!("sslmode “{value}” is unknown."))?,
        "sslrootcert" => e.ca_file = Some(value.to_owned()),
        // Other parameters of libpq do not change where we connect.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_their_passwords_are_read() {
        let (services, problems) = parse_services(
            "# ours\n[orders]\nhost=db1\nport=6000\ndbname=shop\nuser=ann\nsslmode=require\n\n[bare]\nuser=bo\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        let passwords = parse_pgpass("db1:6000:*:ann:p\\:w\\\\x\n*:*:*:*:any\n");
        let orders = with_password(services[0].clone(), &passwords);
        assert_eq!(orders.password, Some(Secret::new("p:w\\x")), "escapes of .pgpass are undone");
        assert_eq!((orders.endpoint.port, orders.endpoint.tls), (6000, TlsMode::Require));
        let bare = with_password(services[1].clone(), &passwords);
        assert_eq!(bare.password, Some(Secret::new("any")), "the first line that fits counts");
        assert_eq!(bare.endpoint.database, "bo", "libpq's default database is the user's name");
    }

    #[test]
    fn a_wrong_line_is_named_and_the_rest_is_read() {
        let (services, problems) = parse_services("[a]\nport=x\nhost=h\nnonsense\n");
        assert_eq!(services[0].endpoint.host, "h");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("line 2"), "{problems:?}");
    }
}
