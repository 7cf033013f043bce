//! A database as one side of shadow reads: sessions that see what the application sees, and what the catalog says of a
//! statement. Reads alone.

mod catalog;
mod effects;
mod lane;
mod question;
mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use switchyard_capture::doubt::Effects;
use switchyard_model::endpoint::Endpoint;
use switchyard_shadow::{Allowed, Failure, Lane, Rules, Side, Skip};
use tokio::sync::{Mutex, MutexGuard};

use super::{classify::classify, options};
use crate::{Result, db::connect::Login};
use lane::One;
pub use question::{Asker, Depends, Proof};

/// The `application_name` of its sessions.
pub const SHADOW: &str = "switchyard shadow";

/// A statement that a session runs now, or ran last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its session, and when it began: the same statement is not counted twice.
    pub run: (i32, String),
    /// Its text.
    pub text: String,
    /// Whose it is.
    pub user: String,
    /// Whether the server cut it.
    pub cut: bool,
}

/// Opens sessions at one database.
///
/// No `Debug`: the options hold the password.
pub struct UnderShadow {
    endpoint: Endpoint,
    has_password: bool,
    options: sqlx::postgres::PgConnectOptions,
    /// For the catalog.
    light: Mutex<Option<One>>,
}

impl UnderShadow {
    /// Where a login leads to; nothing is opened yet.
    ///
    /// # Errors
    /// `Invalid` when the CA file cannot be used.
    pub fn at(login: Login<'_>) -> Result<UnderShadow> {
        let options = options::bare(login.endpoint, login.password)?
            .application_name(SHADOW)
            .options([("default_transaction_read_only", "on")]);
        let has_password = login.password.is_some();
        Ok(UnderShadow { endpoint: login.endpoint.clone(), has_password, options, light: Mutex::default() })
    }

    /// What sessions of others run, and how many of them our role may not see.
    ///
    /// # Errors
    /// When it cannot be reached, or does not answer.
    pub async fn running(&self) -> std::result::Result<(Vec<Running>, u64), Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = catalog::running(one.connection()).await;
        self.after(&mut light, found)
    }

    /// Settings of the server's configuration that cannot be seen, in a sentence.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn unseen(&self) -> std::result::Result<Option<String>, Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let seen = settings::sees_files(one.connection()).await;
        let label = &self.endpoint.name;
        Ok((!seen).then(|| {
            format!(
                "DateStyle, TimeZone and extra_float_digits of the configuration file of {label} cannot be seen (pg_file_settings is for \
                 superusers), so sessions have ISO, UTC and 2 there unless the role or the database sets them."
            )
        }))
    }

    /// What the server's log leaves out, in sentences.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn not_logged(&self) -> std::result::Result<Vec<String>, Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = catalog::not_logged(one.connection()).await;
        self.after(&mut light, found)
    }

    /// A session that asks questions of ours.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn asker(&self) -> std::result::Result<Asker, Failure> {
        Ok(Asker::over(self.connect().await?))
    }

    /// What statements do here, as the catalog has it.
    ///
    /// # Errors
    /// When it cannot be reached, or does not answer.
    pub async fn effects(&self) -> std::result::Result<Effects, Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = effects::effects(one.connection()).await;
        self.after(&mut light, found)
    }

    /// The server's version, as 15 or 18, and whether it only follows another server.
    ///
    /// # Errors
    /// When it cannot be reached, or does not answer.
    pub async fn server(&self) -> std::result::Result<(u32, bool), Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = catalog::server(one.connection()).await;
        self.after(&mut light, found)
    }

    async fn connect(&self) -> std::result::Result<One, Failure> {
        let opened = options::open_bare(&self.endpoint, self.has_password, &self.options).await;
        let connection = opened.map_err(|e| Failure { state: None, sentence: e.sentence(), broken: true })?;
        One::new(connection).await
    }

    async fn light(&self) -> std::result::Result<MutexGuard<'_, Option<One>>, Failure> {
        let mut light = self.light.lock().await;
        if light.is_none() {
            *light = Some(self.connect().await?);
        }
        Ok(light)
    }

    /// A session that is of no use any more goes.
    fn after<T>(&self, light: &mut Option<One>, found: sqlx::Result<T>) -> std::result::Result<T, Failure> {
        found.map_err(|e| {
            let failure = failure(e);
            if failure.broken {
                *light = None;
            }
            failure
        })
    }
}

fn open(light: &mut Option<One>) -> std::result::Result<&mut One, Failure> {
    let sentence = "The session is gone.".to_owned();
    light.as_mut().ok_or(Failure { state: None, sentence, broken: true })
}

#[async_trait]
impl Side for UnderShadow {
    async fn open(&self) -> std::result::Result<Box<dyn Lane>, Failure> {
        Ok(Box::new(self.connect().await?))
    }

    async fn allows(
        &self,
        user: &str,
        text: &str,
        functions: &[String],
        tables: &[String],
    ) -> std::result::Result<std::result::Result<Allowed, Skip>, Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = match one.become_like(user).await {
            Ok(()) => catalog::allows(one.connection(), text, functions, tables).await,
            Err(e) => Err(e),
        };
        self.after(&mut light, found)
    }

    async fn collations(&self, user: &str, tables: &[String]) -> std::result::Result<BTreeMap<String, Rules>, Failure> {
        let mut light = self.light().await?;
        let one = open(&mut light)?;
        let found = match one.become_like(user).await {
            Ok(()) => catalog::collations(one.connection(), tables).await,
            Err(e) => Err(e),
        };
        self.after(&mut light, found)
    }
}

/// What went wrong; the server's own words where it has some.
fn failure(error: sqlx::Error) -> Failure {
    let told = error.as_database_error().map(|e| (e.code().map(|c| c.into_owned()), e.message().to_owned()));
    match told {
        Some((state, sentence)) => {
            // The server ended the session.
            let broken = matches!(state.as_deref(), None | Some("57P01" | "57P02" | "57P03" | "25P03"));
            Failure { state, sentence, broken }
        }
        None => {
            let sentence = classify("running a statement of the traffic", error).sentence();
            Failure { state: None, sentence, broken: true }
        }
    }
}
