//! `sentry`: lets held clients go where whoever held them is gone. Needs no store.

use std::time::{Duration, Instant};

use serde_json::json;
use switchyard_api::{
    dto::ApiError,
    sentry::{Look, Sentry},
};

use super::migration::console_of;
use crate::{
    args::SentryArgs,
    output::{self, Answer},
    password,
};

/// Between two looks; a look costs PgBouncer less than a client's query.
const EVERY: Duration = Duration::from_millis(250);
/// What a PAUSE may be allowed to last, s. Below it switches that go well would be disturbed.
const SENSIBLE: std::ops::RangeInclusive<f64> = 1.0..=3600.0;

pub async fn run(args: SentryArgs, as_json: bool) -> Result<Answer, ApiError> {
    let mut sentry = sentry_of(&args).await?;
    // What cannot work at all is told at once.
    sentry.look().await?;
    let at = format!("{} of {}", args.database, sentry.label());
    tell!("A sentry stands at {at}: a PAUSE ends after {} s.", args.longest);
    let mut seen = Watch { at, held: false, silent_since: None, let_go: 0, longest: Duration::ZERO };
    let ended = tokio::signal::ctrl_c();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _ = &mut ended => break,
            () = tokio::time::sleep(EVERY) => seen.tell(sentry.look().await.map_err(ApiError::from)),
        }
    }
    if as_json {
        let longest_ms = seen.longest.as_millis() as u64;
        output::json(&json!({ "at": seen.at, "let_go": seen.let_go, "longest_ms": longest_ms }));
    } else {
        say!("{}: {} times let go.", seen.at, seen.let_go);
    }
    Ok(if seen.let_go == 0 { Answer::Yes } else { Answer::No })
}

async fn sentry_of(args: &SentryArgs) -> Result<Sentry, ApiError> {
    let (user, host, port) = console_of(&args.pgbouncer)?;
    if !SENSIBLE.contains(&args.longest) {
        let why = format!("--longest {} is no time for a PAUSE.", args.longest);
        return Err(ApiError::new("invalid", why, "Give seconds from 1 to 3600; 20 if you do not know."));
    }
    let variable = "SWITCHYARD_PGBOUNCER_PASSWORD";
    let known = match std::env::var(variable) {
        Ok(text) => Some(text),
        Err(_) => switchyard_api::sentry::known_password(&host, port, &user).await,
    };
    let password = match known {
        Some(text) => Some(text),
        None => password::ask(&format!("PgBouncer {}", args.pgbouncer), variable)?,
    };
    let longest = Duration::from_secs_f64(args.longest);
    switchyard_api::sentry::at(&host, port, &user, password, &args.database, longest)
}

/// What has been told, so that nothing is told twice.
struct Watch {
    at: String,
    held: bool,
    silent_since: Option<Instant>,
    let_go: u64,
    /// The longest PAUSE that was ended.
    longest: Duration,
}

impl Watch {
    fn tell(&mut self, look: Result<Look, ApiError>) {
        let look = match look {
            Ok(look) => look,
            Err(e) => {
                if self.silent_since.is_none() {
                    tell!("{}: {} {} Looking goes on.", self.at, e.message, e.remedy);
                }
                self.silent_since.get_or_insert_with(Instant::now);
                return;
            }
        };
        if let Some(since) = self.silent_since.take() {
            tell!("{}: it answers again, after {:.1} s.", self.at, since.elapsed().as_secs_f64());
        }
        match look {
            Look::Open => {
                if self.held {
                    tell!("{}: clients go on.", self.at);
                }
                self.held = false;
            }
            Look::Held(_) => {
                if !self.held {
                    tell!("{}: clients are held.", self.at);
                }
                self.held = true;
            }
            Look::LetGo(held) => {
                tell!("{}: clients had been held for {:.1} s and were let go.", self.at, held.as_secs_f64());
                self.held = false;
                self.let_go += 1;
                self.longest = self.longest.max(held);
            }
        }
    }
}
