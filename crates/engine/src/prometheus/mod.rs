//! The application's own metrics, asked for at a Prometheus (or whatever speaks its query API).
//!
//! Every answer that is not one fresh number is a sentence with what to do, and never a number. Nothing here goes to another
//! server than the one that was named, and no secret into a sentence.

mod answer;
mod http;

use std::time::Duration;

use switchyard_model::application::{FRESH_MS, Metric, MetricLogin, Reading, SecretAt, Unread, age_query};
use switchyard_model::gate::duration;

use tokio::io::AsyncReadExt;

use crate::{keychain::Keychain, secret::Secret};

pub use http::Prometheus;

/// Longest that one look may take, with everything in it; shorter than the time between two.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// Largest file of a secret, bytes.
const MOST_SECRET: usize = 64 * 1024;

/// From clauses.
fn unread(why: impl Into<String>, remedy: impl Into<String>) -> Unread {
    Unread { why: why.into(), remedy: remedy.into() }
}

impl Prometheus {
    /// Looks at a metric once, with the secret from where it is.
    ///
    /// # Errors
    /// Why it gives no number that counts.
    pub async fn look(&self, metric: &Metric, keychain: &Keychain) -> Result<Reading, Unread> {
        let looking = async {
            let secret = secret_of(&metric.login, keychain).await?;
            self.read(metric, secret.as_ref()).await
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| Err(silent()))
    }

    /// The same with a secret that was just typed.
    ///
    /// # Errors
    /// Why it gives no number that counts.
    pub async fn look_with(&self, metric: &Metric, secret: Option<&Secret>) -> Result<Reading, Unread> {
        tokio::time::timeout(PATIENCE, self.read(metric, secret)).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn read(&self, metric: &Metric, secret: Option<&Secret>) -> Result<Reading, Unread> {
        let value = async { answer::one(&self.query(metric, &metric.query, secret).await?) };
        let age = async {
            match age_query(&metric.query) {
                None => Ok(None),
                Some(query) => Ok(Some(answer::oldest(&self.query(metric, &query, secret).await?)?)),
            }
        };
        let (value, age) = tokio::join!(value, age);
        // What is wrong with the query itself says more than what is wrong with its age.
        let value = value?;
        let age_ms =
            age.map_err(|e: Unread| unread(format!("how old its samples are is not known: {}", e.why), e.remedy))?;
        if let Some(age) = age_ms.filter(|age| *age > FRESH_MS) {
            return Err(unread(
                format!("the newest sample behind it is {} old", duration(age / 1000)),
                "See whether the metrics server still scrapes what the query reads.",
            ));
        }
        Ok(Reading { value, age_ms })
    }
}

fn silent() -> Unread {
    unread(
        format!("there was no answer within {} s", PATIENCE.as_secs()),
        "See whether the metrics server is reachable and how long the query takes there; a recording rule makes it cheap.",
    )
}

/// A plain file that is no larger than it may be; else what is the matter with it.
async fn small_file(path: &str, most: usize) -> Result<Vec<u8>, String> {
    let cannot = |e: std::io::Error| format!("cannot be read: {}", crate::error::words(&e));
    // Of a pipe or a device nobody knows when it ends.
    if !tokio::fs::metadata(path).await.map_err(cannot)?.is_file() {
        return Err("is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await.map_err(cannot)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).await.map_err(cannot)?;
    if bytes.len() > most { Err(format!("is larger than {} KiB", most / 1024)) } else { Ok(bytes) }
}

async fn secret_of(login: &MetricLogin, keychain: &Keychain) -> Result<Option<Secret>, Unread> {
    let again = "Set the metric up again with its secret, or keep it in a file of yours (--token-file).";
    match login.secret() {
        None => Ok(None),
        Some(SecretAt::Keyring { name }) => match keychain.get(name).await {
            Ok(Some(secret)) => Ok(Some(secret)),
            Ok(None) => Err(unread("its token or password is not in the keyring of this machine", again)),
            Err(e) => Err(unread(e.why, "Unlock the keyring.")),
        },
        Some(SecretAt::File { path }) => match small_file(path, MOST_SECRET).await {
            Err(why) => Err(unread(
                format!("the file of its secret, {path}, {why}"),
                "Give the path of a file that this program may read.",
            )),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
                Ok(_) | Err(_) => Err(unread(
                    format!("the file of its secret, {path}, holds no token"),
                    "It holds the token or the password, and nothing else.",
                )),
            },
        },
    }
}
