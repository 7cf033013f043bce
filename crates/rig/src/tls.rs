//! A certificate authority of the rig's own, and a server certificate signed by it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::Result;
use crate::template::run;

/// The files TLS needs.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    /// What clients trust.
    pub(crate) ca: PathBuf,
    /// What the server shows.
    pub(crate) certificate: PathBuf,
    /// The server's key.
    pub(crate) key: PathBuf,
}

/// Makes a fresh authority and a certificate for `127.0.0.1` and `localhost` in `dir`.
pub(crate) fn issue(dir: &Path, account: Account) -> Result<Certificates> {
    let ca = dir.join("ca.crt");
    let ca_key = dir.join("ca.key");
    let certificate = dir.join("server.crt");
    let key = dir.join("server.key");

    let mut authority = openssl_req("/CN=Switchyard rig authority", &ca_key, &ca, account);
    authority.args(["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]);
    run(authority, "openssl req (authority)")?;

    let mut server = openssl_req("/CN=localhost", &key, &certificate, account);
    server.arg("-CA").arg(&ca).arg("-CAkey").arg(&ca_key);
    server.args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
    server.args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"]);
    run(server, "openssl req (server)")?;
    // Tests run as another user than the server and have to read what they shall trust; the folder may be closed to
    // them, but they are either that user or root.
    Ok(Certificates { ca, certificate, key })
}

fn openssl_req(subject: &str, key: &Path, out: &Path, account: Account) -> Command {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
    ]);
    command.args(["-subj", subject]).arg("-keyout").arg(key).arg("-out").arg(out);
    account.apply(&mut command);
    command
}
