//! The application's own metrics for hosts: set up, tried, read, taken away.

use futures_util::future::join_all;
use switchyard_engine::{
    facts::{SNAPSHOT, Snapshot},
    keychain::Place,
    prometheus::Prometheus,
    secret::Secret,
    store::MigrationId,
};
use switchyard_model::{
    UnixMs,
    application::{
        ApplicationFacts, COUNTS_MS, MOST, Metric, MetricFact, MetricLogin, SecretAt, SetUp, Standing, standing,
        written,
    },
    figure,
    journal::Entry,
    state::State,
};

use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Where each metric stands: as whoever drives saw it last, or read now.
    pub(crate) async fn metrics(&self, args: MetricsRequest) -> Result<MetricsView, ApiError> {
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let chosen: Vec<&SetUp> = match &args.name {
            None => state.metrics.iter().collect(),
            Some(name) => vec![named(&state, name, &args.migration)?],
        };
        let seen = self.application_facts(id).await?;
        let prometheus = Prometheus::default();
        let rows = chosen.into_iter().map(|of| {
            let before = seen.of(of.seq);
            let prometheus = &prometheus;
            async move {
                let fact = match args.read {
                    false => before.cloned(),
                    true => {
                        let read = prometheus.look(&of.metric, &self.parts.keychain).await;
                        Some(MetricFact::after(of, before, self.parts.clock.now(), read))
                    }
                };
                let places = self.place_of(&of.metric).await;
                row(of, fact.as_ref(), self.parts.clock.now(), places)
            }
        });
        Ok(MetricsView { metrics: join_all(rows).await, counts_ms: COUNTS_MS })
    }

    async fn application_facts(&self, id: MigrationId) -> Result<ApplicationFacts, ApiError> {
        let seen: Option<(i64, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        Ok(seen.and_then(|(_, s)| s.facts.application).unwrap_or_default())
    }

    /// Keeps a metric; from now on the ladder waits for it.
    pub(crate) async fn metric_set(&self, args: MetricForm) -> Result<MetricRow, ApiError> {
        let (_, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let name = args.name.clone();
        let before = state.metrics.iter().find(|m| m.metric.name == name).cloned();
        if before.is_none() && state.metrics.len() >= MOST {
            let message = format!("“{}” has {MOST} metrics already.", args.migration);
            return Err(ApiError::new("refused", message, "Remove one, or join some in one query."));
        }
        let key = format!("metric:{}:{name}:{}", args.migration, self.parts.clock.now());
        let (metric, secret) = filled_in(args, &key)?;
        let migration = state.spec.name;
        if let Some(secret) = secret {
            self.parts.keychain.put(&key, secret).await;
        }
        if let Err(e) = self.record(&migration, Entry::MetricSet { metric }).await {
            self.parts.keychain.forget(&key).await;
            return Err(e);
        }
        self.forget_secret(before.as_ref()).await;
        let kept = book.state().await;
        let of = named(&kept, &name, &migration)?;
        let place = self.place_of(&of.metric).await;
        Ok(row(of, None, self.parts.clock.now(), place))
    }

    /// Reads a metric that is not kept, as it is filled in.
    pub(crate) async fn metric_try(&self, args: MetricForm) -> Result<MetricRow, ApiError> {
        self.named(&args.migration).await?;
        let (metric, secret) = filled_in(args, "typed")?;
        let prometheus = Prometheus::default();
        // Where nothing was typed the secret is in a file, or there is none.
        let read = match &secret {
            Some(_) => prometheus.look_with(&metric, secret.as_ref()).await,
            None => prometheus.look(&metric, &self.parts.keychain).await,
        };
        let now = self.parts.clock.now();
        let of = SetUp { seq: 0, at: now, by: String::new(), metric };
        let fact = MetricFact::after(&of, None, now, read);
        Ok(MetricRow { by: None, set_at: None, ..row(&of, Some(&fact), now, Place::Memory) })
    }

    /// Asks for it no more. What it kept shut may open.
    pub(crate) async fn metric_remove(&self, args: RemoveMetric) -> Result<Nothing, ApiError> {
        let (_, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let of = named(&state, &args.name, &args.migration)?;
        self.record(&args.migration, Entry::MetricRemoved { name: args.name.clone() }).await?;
        self.forget_secret(Some(of)).await;
        Ok(Nothing {})
    }

    async fn forget_secret(&self, of: Option<&SetUp>) {
        if let Some(SecretAt::Keyring { name }) = of.and_then(|m| m.metric.login.secret()) {
            self.parts.keychain.forget(name).await;
        }
    }

    async fn place_of(&self, metric: &Metric) -> Place {
        match metric.login.secret() {
            Some(SecretAt::Keyring { name }) => self.parts.keychain.place(name).await,
            Some(SecretAt::File { .. }) | None => Place::Missing,
        }
    }
}

fn named<'a>(state: &'a State, name: &str, migration: &str) -> Result<&'a SetUp, ApiError> {
    state.metrics.iter().find(|m| m.metric.name == name).ok_or_else(|| {
        ApiError::new(
            "not_found",
            format!("“{migration}” has no metric “{name}”."),
            "See switchyardctl metrics list, or the Queries page.",
        )
    })
}

/// A metric as it would be kept, and the secret that was typed; or every problem with it.
fn filled_in(form: MetricForm, key: &str) -> Result<(Metric, Option<Secret>), ApiError> {
    let MetricForm { name, url, query, bound, limit, for_s, unit, user, secret, secret_file, ca_file, .. } = form;
    let trimmed = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let (user, secret_file) = (trimmed(user), trimmed(secret_file));
    // A line's end that came along with a pasted token is no part of it; spaces may belong to a password.
    let secret = secret.map(|s| s.trim_matches(['\r', '\n']).to_owned()).filter(|s| !s.is_empty());
    let at = match (&secret, secret_file) {
        (Some(_), Some(_)) => {
            let problem = "A secret is typed or in a file, not both.".to_owned();
            return Err(ApiError::problems(&[problem]));
        }
        (Some(_), None) => Some(SecretAt::Keyring { name: key.to_owned() }),
        (None, Some(path)) => Some(SecretAt::File { path }),
        (None, None) => None,
    };
    let login = match (user, at) {
        (None, None) => MetricLogin::None,
        (None, Some(at)) => MetricLogin::Token { at },
        (Some(user), Some(at)) => MetricLogin::Basic { user, at },
        (Some(user), None) => {
            let problem = format!("The user “{user}” needs a password.");
            return Err(ApiError::problems(&[problem]));
        }
    };
    let url = url.trim().to_owned();
    let metric = Metric {
        name: name.trim().to_owned(),
        url,
        query: query.trim().to_owned(),
        bound,
        limit,
        for_s,
        unit: unit.trim().to_owned(),
        login,
        ca_file: trimmed(ca_file),
    };
    let mut problems = metric.problems();
    if secret.as_ref().is_some_and(|s| s.len() > 16 * 1024 || s.chars().any(char::is_control)) {
        problems.push("The secret has at most 16 KiB, in one line.".to_owned());
    }
    if problems.is_empty() { Ok((metric, secret.map(Secret::new))) } else { Err(ApiError::problems(&problems)) }
}

fn row(of: &SetUp, fact: Option<&MetricFact>, now: UnixMs, place: Place) -> MetricRow {
    let Metric { name, url, query, bound, limit, for_s, unit, login, .. } = of.metric.clone();
    let reading = fact.and_then(|f| f.read.as_ref().ok());
    let told = |value: Option<f64>| value.map(|v| written(&of.metric, v)).unwrap_or_default();
    let value = reading.map(|r| r.value);
    let mut opens = None;
    let (stands, said, remedy) = match standing(of, fact, now) {
        Standing::Within { held_s } => {
            (MetricStands::Within, format!("{}, held {}", told(value), figure::held(held_s)), None)
        }
        Standing::Waits { opens_at, held_s } => {
            opens = Some(opens_at);
            let needed = figure::span(i64::from(for_s));
            let said = format!("{}, held {} of {needed}", told(value), switchyard_model::gate::duration(held_s));
            (MetricStands::Waits, said, Some("Wait: it opens by itself.".to_owned()))
        }
        Standing::Wrong { .. } => (MetricStands::Wrong, told(value), None),
        Standing::Unknown(unread) => (MetricStands::Unknown, unread.why, Some(unread.remedy)),
    };
    MetricRow {
        name,
        url,
        query,
        bound,
        limit,
        for_s,
        unit,
        login: login_words(&login, place),
        by: Some(of.by.clone()),
        set_at: Some(of.at),
        stands,
        value,
        said,
        remedy,
        at: fact.map(|f| f.at),
        sample_age_ms: reading.and_then(|r| r.age_ms),
        series: reading.map(|_| 1),
        within_since: fact.and_then(|f| f.within).map(|(since, _)| since),
        opens_at: opens,
    }
}

fn login_words(login: &MetricLogin, place: Place) -> String {
    let (what, at) = match login {
        MetricLogin::None => return "no login".to_owned(),
        MetricLogin::Token { at } => ("token".to_owned(), at),
        MetricLogin::Basic { user, at } => (format!("password of {user}"), at),
    };
    match (at, place) {
        (SecretAt::File { path }, _) => format!("{what} in {path}"),
        (SecretAt::Keyring { .. }, Place::Keyring) => format!("{what} in the keyring"),
        (SecretAt::Keyring { .. }, Place::Memory) => format!("{what} in memory only"),
        (SecretAt::Keyring { .. }, Place::Missing) => format!("{what} not in the keyring of this machine"),
    }
}
