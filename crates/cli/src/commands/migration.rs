//! `migration`: create and list.

use switchyard_api::dto::*;
use switchyard_model::{router::RouterConfig, time::utc};

use super::{Ctl, plan::parse_strategy};
use crate::{
    args::MigrationCmd,
    output::{self, Answer},
    password,
};

pub async fn run(ctl: &Ctl, cmd: MigrationCmd) -> Result<Answer, ApiError> {
    match cmd {
        MigrationCmd::List => list(ctl).await,
        MigrationCmd::Create {
            name,
            source,
            target,
            pgbouncer,
            pools,
            haproxy,
            backends,
            servers,
            limits,
            strategy,
        } => {
            let strategy = Some(parse_strategy(&strategy)?);
            let (rw_pool, ro_pool) = pair("--pools", &pools)?;
            let (rw_backend, ro_backend) = pair("--backends", &backends)?;
            let (source_server, target_server) = pair("--servers", &servers)?;
            let mut routers = Vec::new();
            let mut router_passwords = Vec::new();
            for console in &pgbouncer {
                let router = pgbouncer_of(console, &rw_pool, &ro_pool)?;
                if let Some(secret) = router.secret_name()
                    && let Some(password) = password::ask(&router.label(), "SWITCHYARD_PGBOUNCER_PASSWORD")?
                {
                    router_passwords.push(RouterPassword { secret, password });
                }
                routers.push(router);
            }
            for address in haproxy {
                routers.push(RouterConfig::HaProxy {
                    address,
                    rw_backend: rw_backend.clone(),
                    ro_backend: ro_backend.clone(),
                    source_server: source_server.clone(),
                    target_server: target_server.clone(),
                });
            }
            let args = CreateMigration { name, source, target, routers, router_passwords, limits, strategy };
            let row: MigrationRow = ctl.call("migration_create", &args).await?;
            if ctl.json {
                output::json(&row);
            } else {
                say!(
                    "“{}” is there: {} → {}. Next: switchyardctl run {:?} analyze",
                    row.name,
                    row.source,
                    row.target,
                    row.name
                );
            }
            Ok(Answer::Yes)
        }
    }
}

async fn list(ctl: &Ctl) -> Result<Answer, ApiError> {
    let list: MigrationList = ctl.call("migration_list", &Nothing {}).await?;
    if ctl.json {
        output::json(&list);
        return Ok(Answer::Yes);
    }
    for m in &list.migrations {
        say!("{:<24} {} → {}  {}  since {}", m.name, m.source, m.target, m.headline, utc(m.created));
    }
    if list.migrations.is_empty() {
        say!("There is no migration yet. Create one: switchyardctl migration create NAME --source A --target B");
    }
    Ok(Answer::Yes)
}

fn pair(what: &str, text: &str) -> Result<(String, String), ApiError> {
    match text.split_once(',') {
        Some((a, b)) if !a.is_empty() && !b.is_empty() => Ok((a.to_owned(), b.to_owned())),
        _ => Err(ApiError::new(
            "invalid",
            format!("{what} takes two names with a comma, not “{text}”."),
            "See the help.",
        )),
    }
}

fn pgbouncer_of(console: &str, rw: &str, ro: &str) -> Result<RouterConfig, ApiError> {
    let (user, host, port) = console_of(console)?;
    Ok(RouterConfig::PgBouncer { host, port, user, rw_database: rw.to_owned(), ro_database: ro.to_owned() })
}

/// `admin@pgb-1:6432`
pub(super) fn console_of(console: &str) -> Result<(String, String, u16), ApiError> {
    let wrong = || {
        ApiError::new("invalid", format!("“{console}” is not USER@HOST:PORT."), "Write for example admin@pgb-1:6432.")
    };
    let (user, rest) = console.rsplit_once('@').ok_or_else(wrong)?;
    let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
    Ok((user.to_owned(), host.to_owned(), port.parse().map_err(|_| wrong())?))
}
