//! A Prometheus that scrapes one small application each second, over TLS and behind a password.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Result;
use crate::home::Home;
use crate::process::{Process, Recipe};
use crate::web::Web;
use crate::{HOST, port, ready, tls};

const PROGRAM: &str = "/usr/bin/prometheus";
const START_DEADLINE: Duration = Duration::from_secs(20);

/// The hash of [`Prometheus::PASSWORD`], as its file wants it.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuI.JO//PAoPLQpns.97bTMOWT3Z2MKb.";

/// A running Prometheus, and the application that it scrapes.
#[derive(Debug)]
pub struct Prometheus {
    /// `https://127.0.0.1:port`.
    pub url: String,
    /// The CA that signed its certificate.
    pub ca: PathBuf,
    values: Values,
    application: Option<Web>,
    process: Process,
    _home: Home,
}

type Values = Arc<Mutex<BTreeMap<String, f64>>>;

impl Prometheus {
    /// Its one user.
    pub const USER: &str = "watch";
    /// The user's password.
    pub const PASSWORD: &str = "canary-m3tric-pw";

    /// Whether it is on this machine.
    pub fn is_installed() -> bool {
        Path::new(PROGRAM).exists()
    }

    /// Starts both, with nothing measured yet.
    pub async fn start() -> Result<Self> {
        let home = Home::open(None)?;
        let dir = home.fresh("prometheus")?;
        let values = Values::default();
        let application = application(values.clone()).await?;
        let certificates = tls::issue(&dir, home.account)?;
        let (config, web) = (dir.join("prometheus.yml"), dir.join("web.yml"));
        home.account.write_private(&config, &scraping(application.port))?;
        let (certificate, key) = (certificates.certificate.display(), certificates.key.display());
        let text = format!(
            "tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\nbasic_auth_users:\n  {}: {HASH}\n",
            Self::USER
        );
        home.account.write_private(&web, &text)?;
        let port = port::free()?;
        let process = Process::start(Recipe {
            name: "Prometheus".into(),
            program: PROGRAM.into(),
            args: vec![
                format!("--config.file={}", config.display()),
                format!("--web.config.file={}", web.display()),
                format!("--storage.tsdb.path={}", dir.join("data").display()),
                format!("--web.listen-address={HOST}:{port}"),
            ],
            account: home.account,
            log: home.path().join("prometheus.log"),
            stop: Signal::TERM,
            abort: Signal::TERM,
        })?;
        ready::listening("Prometheus", port, START_DEADLINE, process.log(), || process.is_running()).await?;
        let url = format!("https://{HOST}:{port}");
        Ok(Self { url, ca: certificates.ca, values, application: Some(application), process, _home: home })
    }

    /// What the application measures from the next scrape on, as `name{label="x"}`.
    pub fn set(&self, series: &str, value: f64) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).insert(series.to_owned(), value);
    }

    /// Ends the application: nothing new is scraped.
    pub fn end_application(&mut self) {
        self.application = None;
    }

    /// Freezes Prometheus (SIGSTOP).
    pub fn freeze(&self) -> Result<()> {
        self.process.freeze()
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.process.thaw()
    }
}

async fn application(values: Values) -> Result<Web> {
    Web::start(move |_| {
        let values = values.lock().unwrap_or_else(PoisonError::into_inner);
        let text: String = values.iter().map(|(series, value)| format!("{series} {value}\n")).collect();
        Some((200, "Content-Type: text/plain; version=0.0.4\r\n".to_owned(), text.into_bytes()))
    })
    .await
}

fn scraping(port: u16) -> String {
    format!(
        "global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ['{HOST}:{port}']
"
    )
}
