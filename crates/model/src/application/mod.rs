//! The application's own metrics: one PromQL each, its limit, and what was read of it.
//!
//! How they are asked for is the engine's matter; here is what may be set up, and what a reading means.

mod promql;
mod standing;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::UnixMs;

pub use promql::{age_query, selectors};
pub use standing::{Standing, standing, written};

/// How often each is read, ms.
pub const PERIOD_MS: i64 = 5_000;

/// Age of our reading beyond which it counts no more, ms: two looks may fail, or be late.
pub const COUNTS_MS: i64 = 15_000;

/// Age of the newest sample behind a query, by the metrics server's own clock, beyond which it is stale, ms.
pub const FRESH_MS: i64 = 120_000;

/// Most metrics of one migration.
pub const MOST: usize = 20;

const MOST_NAME: usize = 80;
const MOST_URL: usize = 2_000;
const MOST_QUERY: usize = 8_000;
const MOST_UNIT: usize = 20;
const LONGEST_S: u32 = 24 * 3600;

/// On which side of its limit a metric is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

/// Where the secret of a login is. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum SecretAt {
    /// In the keyring, under this name. Another secret gets another name, so that nobody goes on with the one before.
    Keyring {
        /// The name.
        name: String,
    },
    /// In a file of the operator's, which is read each time.
    File {
        /// Its path.
        path: String,
    },
}

/// How the metrics server is logged in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "login", rename_all = "snake_case")]
pub enum MetricLogin {
    /// Not at all.
    None,
    /// With a bearer token.
    Token {
        /// Where it is.
        at: SecretAt,
    },
    /// With a user and a password.
    Basic {
        /// The user.
        user: String,
        /// Where the password is.
        at: SecretAt,
    },
}

impl MetricLogin {
    /// Where its secret is.
    pub fn secret(&self) -> Option<&SecretAt> {
        match self {
            MetricLogin::None => None,
            MetricLogin::Token { at } | MetricLogin::Basic { at, .. } => Some(at),
        }
    }
}

/// One metric of the application, and its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Metric {
    /// Its name within the migration.
    pub name: String,
    /// Where the metrics server answers, without `/api/v1/query`.
    pub url: String,
    /// What is asked, in PromQL. It has to give one number.
    pub query: String,
    /// On which side of the limit it is wrong.
    pub bound: Bound,
    /// The limit; the limit itself is within.
    pub limit: f64,
    /// How long it has to be within its limit before a step opens, seconds.
    pub for_s: u32,
    /// What is written behind the figure.
    pub unit: String,
    /// How the server is logged in to.
    pub login: MetricLogin,
    /// The CA that signed the server's certificate, where that is not one of the system's: the path of a PEM file.
    pub ca_file: Option<String>,
}

/// A metric as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SetUp {
    /// The entry that set it up: readings of what stood under this name before are not its own.
    pub seq: i64,
    /// When.
    pub at: UnixMs,
    /// By whom.
    pub by: String,
    /// What.
    pub metric: Metric,
}

/// What one look gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The number.
    pub value: f64,
    /// Age of the newest sample behind it, ms; None where the query reads no series.
    pub age_ms: Option<i64>,
}

/// Why a look gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What went wrong, one clause. Never a secret.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// What is known of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricFact {
    /// The entry that set it up.
    pub seq: i64,
    /// When it was looked at.
    pub at: UnixMs,
    /// What that gave.
    pub read: Result<Reading, Unread>,
    /// Since when it has been within its limit, and when it was last seen so.
    pub within: Option<(UnixMs, UnixMs)>,
}

impl MetricFact {
    /// After a look: how long it has held goes on where it was seen within its limit lately.
    pub fn after(of: &SetUp, before: Option<&MetricFact>, at: UnixMs, read: Result<Reading, Unread>) -> MetricFact {
        let lately = |(_, last): &(UnixMs, UnixMs)| (0..=COUNTS_MS).contains(&(at - last));
        let before = before.filter(|b| b.seq == of.seq).and_then(|b| b.within).filter(lately);
        let within = match &read {
            Ok(reading) if of.metric.allows(reading.value) => Some((before.map_or(at, |(since, _)| since), at)),
            Ok(_) => None,
            // One look that failed is no break, and opens nothing: what is not known now is unknown.
            Err(_) => before,
        };
        MetricFact { seq: of.seq, at, read, within }
    }
}

/// What is known of all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApplicationFacts {
    /// One each, as far as they were looked at.
    pub metrics: Vec<MetricFact>,
}

impl ApplicationFacts {
    /// Of the metric that this entry set up.
    pub fn of(&self, seq: i64) -> Option<&MetricFact> {
        self.metrics.iter().find(|m| m.seq == seq)
    }
}

impl Metric {
    /// Whether a value is within the limit. What is no number never is.
    pub fn allows(&self, value: f64) -> bool {
        match self.bound {
            Bound::Above => value <= self.limit,
            Bound::Below => value >= self.limit,
        }
    }

    /// Every problem with what was filled in, a sentence each; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut wrong = |is: bool, what: &str| {
            if is {
                out.push(what.to_owned());
            }
        };
        let plain = |text: &str| !text.chars().any(char::is_control);
        wrong(self.name.trim().is_empty(), "The metric needs a name.");
        wrong(
            self.name.len() > MOST_NAME || !plain(&self.name) || self.name.trim() != self.name,
            "A metric's name has at most 80 bytes, no line breaks, and no spaces around it.",
        );
        wrong(self.query.trim().is_empty(), "The metric needs a query, in PromQL.");
        wrong(self.query.len() > MOST_QUERY, "The query is longer than 8 000 bytes: make it a recording rule.");
        wrong(self.query.contains('\0'), "The query holds a null character.");
        wrong(!self.limit.is_finite(), "The limit has to be a number.");
        wrong(self.for_s > LONGEST_S, "A metric may have to hold for 24 hours at most (86 400 s).");
        wrong(self.unit.len() > MOST_UNIT || !plain(&self.unit), "The unit has at most 20 bytes and no line breaks.");
        wrong(
            self.ca_file.as_ref().is_some_and(|p| !p.starts_with('/') || p.contains('\0')),
            "The CA file needs its whole path, from / on: whoever drives may start somewhere else.",
        );
        out.extend(self.problems_of_url());
        out.extend(self.problems_of_login());
        out
    }

    fn problems_of_url(&self) -> Option<String> {
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        let Some(rest) = rest else {
            return Some("The address begins with https:// or http://, as in https://prometheus:9090.".to_owned());
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Some(
                "The address holds a user or a password, which would be kept and shown: give the user apart, and the \
                 password where it is asked for."
                    .to_owned(),
            );
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Some("The address names no host.".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Some("The address ends before ? and #: /api/v1/query and what is asked come behind it.".to_owned());
        }
        if self.url.len() > MOST_URL || !self.url.chars().all(|c| c.is_ascii_graphic()) {
            return Some("The address has at most 2 000 plain characters, and no spaces.".to_owned());
        }
        None
    }

    fn problems_of_login(&self) -> Option<String> {
        let secret = self.login.secret()?;
        if let SecretAt::File { path } = secret
            && (!path.starts_with('/') || path.contains('\0'))
        {
            return Some("The file of the secret needs its whole path, from / on.".to_owned());
        }
        if let MetricLogin::Basic { user, .. } = &self.login
            && (user.is_empty() || user.len() > MOST_NAME || user.contains(':') || user.chars().any(char::is_control))
        {
            return Some("The user has 1 to 80 bytes, no colon and no line breaks.".to_owned());
        }
        if self.url.starts_with("http://") && !self.is_on_this_machine() {
            return Some(
                "A secret would go over the network in plain text: use https:// for every host but this machine."
                    .to_owned(),
            );
        }
        None
    }

    fn is_on_this_machine(&self) -> bool {
        let rest = self.url.strip_prefix("http://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests;
