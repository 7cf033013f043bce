//! Routers in shapes that the rig does not make: session pooling, odd names, static balancing, limited sockets.

#![allow(dead_code)] // Each test binary uses its half.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A process that ends with the test, and its folder.
pub struct Running {
    child: Child,
    pub dir: TempDir,
    pub port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn listening(port: u16) {
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing listens on {port} after 5 s");
}

fn readable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A PgBouncer without a database behind it. Users: `boss` is an admin, `looker` may look, `nobody` may nothing; the
/// password of all is `right`.
pub async fn pgbouncer(databases: &str, pool_mode: &str) -> Running {
    pgbouncer_with(databases, pool_mode, "", tempfile::tempdir().unwrap()).await
}

/// The same, which takes encrypted connections only.
pub async fn pgbouncer_over_tls(databases: &str) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success(), "openssl makes a certificate");
    for file in [&key, &certificate] {
        readable(file);
    }
    let settings = format!(
        "client_tls_sslmode = require\nclient_tls_key_file = {}\nclient_tls_cert_file = {}",
        key.display(),
        certificate.display()
    );
    pgbouncer_with(databases, "transaction", &settings, dir).await
}

async fn pgbouncer_with(databases: &str, pool_mode: &str, settings: &str, dir: TempDir) -> Running {
    readable(dir.path());
    let port = free_port();
    let users = dir.path().join("users.txt");
    std::fs::write(&users, "\"boss\" \"right\"\n\"looker\" \"right\"\n\"nobody\" \"right\"\n").unwrap();
    // PgBouncer refuses to run as root, and gives the rights up itself when told as whom.
    let as_whom = if dir.path().metadata().unwrap().uid() == 0 { "user = postgres" } else { "" };
    let config = dir.path().join("pgbouncer.ini");
    let text = format!(
        "[databases]\n{databases}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\nadmin_users = boss\nstats_users = looker\npool_mode = {pool_mode}\n\
         {as_whom}\n{settings}\n",
        users.display()
    );
    std::fs::write(&config, text).unwrap();
    for file in [&users, &config] {
        readable(file);
    }
    start(Command::new("/usr/sbin/pgbouncer").arg("-q").arg(&config), dir, port).await
}

/// An HAProxy with this configuration below its `global` and `defaults`; `{dir}` and `{port}` (of an admin socket) are
/// filled in.
pub async fn haproxy(global: &str, backends: &str) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let fill =
        |text: &str| text.replace("{dir}", &dir.path().display().to_string()).replace("{port}", &port.to_string());
    let text = format!(
        "global\n{}\ndefaults\n mode tcp\n timeout connect 1s\n timeout client 1m\n timeout server 1m\n{}\n",
        fill(global),
        fill(backends)
    );
    let config = dir.path().join("haproxy.cfg");
    std::fs::write(&config, text).unwrap();
    start(Command::new("/usr/sbin/haproxy").arg("-db").arg("-f").arg(&config), dir, port).await
}

async fn start(command: &mut Command, dir: TempDir, port: u16) -> Running {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let running = Running { child, dir, port };
    listening(port).await;
    running
}

/// Something that takes a line and answers always the same, as no real router can be brought to do.
pub async fn answering(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut line = [0; 4096];
            if stream.read(&mut line).await.is_ok() {
                // The other side may have hung up; that is its test's business.
                let _ = stream.write_all(text.as_bytes()).await;
            }
        }
    });
    address
}

/// Waits until the condition holds, at most 10 s.
pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), wait).await.is_ok(), "{what} did not happen within 10 s");
}
