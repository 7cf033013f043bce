//! `endpoint`: add, list, test, remove, import.

use std::io::Read;

use switchyard_api::dto::*;

use super::Ctl;
use crate::{
    args::EndpointCmd,
    output::{self, Answer},
    password,
};

pub async fn run(ctl: &Ctl, cmd: EndpointCmd) -> Result<Answer, ApiError> {
    match cmd {
        EndpointCmd::Add { name, url, peer_address } => add(ctl, name, url, peer_address).await,
        EndpointCmd::List => list(ctl).await,
        EndpointCmd::Test { name } => test(ctl, name).await,
        EndpointCmd::Remove { name } => {
            let _: Nothing = ctl.call("endpoint_delete", &ByName { name: name.clone() }).await?;
            done(ctl, &format!("“{name}” is gone, and its password with it."))
        }
        EndpointCmd::Import { service: None } => importable(ctl).await,
        EndpointCmd::Import { service: Some(name) } => {
            let row: EndpointRow = ctl.call("endpoint_import", &ByName { name }).await?;
            shown(ctl, &row)
        }
    }
}

async fn add(ctl: &Ctl, name: String, url: String, peer_address: Option<String>) -> Result<Answer, ApiError> {
    let from_stdin = url == "-";
    let url = if from_stdin { read_stdin()? } else { url };
    let read: ReadUrl = ctl.call("endpoint_read_url", &PastedUrl { url }).await?;
    if read.password.is_some() && !from_stdin {
        return Err(ApiError::new(
            "invalid",
            "The URL on the command line holds a password, which other users of this machine can see.",
            "Leave it out, or give the URL on stdin with --url -.",
        ));
    }
    let mut endpoint = read.endpoint;
    endpoint.name = name;
    endpoint.peer_address = peer_address;
    let password = match read.password {
        Some(password) => Some(password),
        None => password::ask(&endpoint.name, "SWITCHYARD_PASSWORD")?,
    };
    let row: EndpointRow = ctl.call("endpoint_save", &SaveEndpoint { endpoint, password, rename_from: None }).await?;
    if row.password == PasswordPlace::Memory {
        tell!("There is no keyring here: the password is not kept. Put it into ~/.pgpass, or start a keyring.");
    }
    shown(ctl, &row)
}

fn read_stdin() -> Result<String, ApiError> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| format!("The URL cannot be read from stdin: {}.", switchyard_api::io_words(&e)))
        .map_err(|why| ApiError::new("failed", why, "Pipe it in."))?;
    Ok(text.trim().to_owned())
}

async fn list(ctl: &Ctl) -> Result<Answer, ApiError> {
    let list: EndpointList = ctl.call("endpoint_list", &Nothing {}).await?;
    if ctl.json {
        output::json(&list);
        return Ok(Answer::Yes);
    }
    for row in &list.endpoints {
        print_row(row);
    }
    if list.endpoints.is_empty() {
        say!("There is no endpoint yet. Add one: switchyardctl endpoint add NAME --url postgres://user@host/database");
    }
    Ok(Answer::Yes)
}

fn print_row(row: &EndpointRow) {
    let e = &row.endpoint;
    let place = match row.password {
        PasswordPlace::Keyring => "password in the keyring",
        PasswordPlace::Memory => "password in memory only",
        PasswordPlace::PasswordFile => "password in .pgpass",
        PasswordPlace::Missing => "no password known",
    };
    say!("{:<24} {}@{}:{}/{}  tls {}  {place}", e.name, e.user, e.host, e.port, e.database, e.tls.word());
}

async fn test(ctl: &Ctl, name: String) -> Result<Answer, ApiError> {
    let list: EndpointList = ctl.call("endpoint_list", &Nothing {}).await?;
    let Some(row) = list.endpoints.into_iter().find(|r| r.endpoint.name == name) else {
        return Err(ApiError::new(
            "not_found",
            format!("There is no endpoint “{name}”."),
            "See switchyardctl endpoint list.",
        ));
    };
    let password = match row.password {
        PasswordPlace::Missing => password::ask(&name, "SWITCHYARD_PASSWORD")?,
        PasswordPlace::Keyring | PasswordPlace::Memory | PasswordPlace::PasswordFile => None,
    };
    let args = SaveEndpoint { endpoint: row.endpoint, password, rename_from: None };
    let result: EndpointTest = ctl.call("endpoint_test", &args).await?;
    if ctl.json {
        output::json(&result);
    } else {
        say!("{}", result.sentence);
        if let Some(remedy) = &result.remedy {
            say!("  {remedy}");
        }
    }
    Ok(if result.ok { Answer::Yes } else { Answer::Unable })
}

async fn importable(ctl: &Ctl) -> Result<Answer, ApiError> {
    let found: Importable = ctl.call("endpoint_importable", &Nothing {}).await?;
    if ctl.json {
        output::json(&found);
        return Ok(Answer::Yes);
    }
    for s in &found.services {
        let e = &s.endpoint;
        let password = if s.has_password { "password found" } else { "no password" };
        say!("{:<24} {}@{}:{}/{}  {password}", e.name, e.user, e.host, e.port, e.database);
    }
    for problem in &found.problems {
        tell!("{problem}");
    }
    Ok(Answer::Yes)
}

fn shown(ctl: &Ctl, row: &EndpointRow) -> Result<Answer, ApiError> {
    if ctl.json {
        output::json(row);
    } else {
        print_row(row);
    }
    Ok(Answer::Yes)
}

fn done(ctl: &Ctl, sentence: &str) -> Result<Answer, ApiError> {
    if ctl.json {
        output::json(&serde_json::json!({ "done": sentence }));
    } else {
        say!("{sentence}");
    }
    Ok(Answer::Yes)
}
