//! The watchdog of a hold, and of a synchronous dual write: a second process that takes the migration over when the first one dies or
//! freezes.
//!
//! PgBouncer does not end a PAUSE when the console that sent it goes away, so somebody has to be there. The watchdog is
//! launched before the first PAUSE and gets its order, secrets included, through a pipe: nothing of it is on disk, in the
//! arguments or in the environment. "done" ends it. When the pipe closes without that, or nothing comes in time, it seizes
//! the lease, which fences the old holder at its next append, and drives from the journal alone: what is before the point
//! of no return is taken back, what is after it is finished.

use std::{
    path::PathBuf,
    process::{ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchyard_model::state::State;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SystemClock,
    conductor::{self, Parts, routers_of},
    error::{Error, Kind, Result},
    keychain::Keychain,
    saga::{Book, Cx, failpoint},
    secret::Secret,
    store::Store,
};

/// The word that ends a watchdog in peace.
const DONE: &str = "done";

/// The word after which it waits anew.
const HERE: &str = "here";

/// How long whoever attends a synchronous dual write may say nothing, ms. Frozen, it would not see the target go away.
const SILENCE_MS: u64 = 8_000;

/// Between attempts to take the lease; each waits for the store's lock by itself.
const AGAIN: Duration = Duration::from_millis(250);

/// How long it stays after it has acted: a PAUSE that the other process had just sent may still arrive. A dead one sends
/// nothing any more; a frozen one may wake.
const LINGER_AFTER_DEATH: Duration = Duration::from_secs(1);
const LINGER_AFTER_FREEZE: Duration = Duration::from_secs(15);

/// How the watchdog of this program is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program, usually this one.
    pub program: PathBuf,
    /// The argument that makes it the watchdog.
    pub argument: &'static str,
    /// The store.
    pub store: PathBuf,
}

/// What the watchdog has to know. Travels through the pipe alone.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The store.
    pub store: PathBuf,
    /// Number of the migration.
    pub migration: i64,
    /// The holder of the lease whose death it watches.
    pub holder: String,
    /// How long to wait for the good word, ms.
    pub patience_ms: u64,
    /// Secrets by name.
    pub secrets: Vec<(String, String)>,
}

/// A running watchdog.
pub struct Watchdog {
    child: Child,
    pipe: ChildStdin,
}

impl Launcher {
    /// Starts one for a run that holds clients, or may have left them held.
    ///
    /// # Errors
    /// As [`Launcher::launch`].
    pub async fn launch_for(&self, cx: &Cx) -> Result<Watchdog> {
        let limits = cx.state.limits();
        let order = Order {
            store: self.store.clone(),
            migration: cx.book.migration(),
            holder: cx.book.by().to_owned(),
            patience_ms: u64::from(limits.hold_deadline_ms) + u64::from(limits.canary_max_age_ms),
            secrets: cx.pair.secrets.iter().map(|(name, s)| (name.clone(), s.expose().to_owned())).collect(),
        };
        self.launch(&order).await
    }

    /// Starts one that attends a synchronous dual write beside us: it takes over when this process dies, or says nothing for
    /// longer than a busy machine explains.
    ///
    /// # Errors
    /// As [`Launcher::launch`].
    pub async fn launch_to_attend(
        &self,
        migration: i64,
        holder: &str,
        secrets: &[(String, Secret)],
    ) -> Result<Watchdog> {
        let order = Order {
            store: self.store.clone(),
            migration,
            holder: holder.to_owned(),
            patience_ms: SILENCE_MS,
            secrets: secrets.iter().map(|(name, s)| (name.clone(), s.expose().to_owned())).collect(),
        };
        self.launch(&order).await
    }

    /// Starts it and hands the order over; returns once it has said that it stands.
    ///
    /// # Errors
    /// `Tool` when it cannot be started; then nothing must be held.
    pub async fn launch(&self, order: &Order) -> Result<Watchdog> {
        let doing = "starting the watchdog of the hold";
        let failed = |why: String| Error::new(Kind::Tool, doing, why);
        let mut command = Command::new(&self.program);
        command.arg(self.argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A crash that a test asked of us is not asked of the one who has to survive it.
        for variable in failpoint::VARIABLES {
            command.env_remove(variable);
        }
        // An interrupt at the terminal ends us and not the one who watches us.
        #[cfg(unix)]
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|e| failed(format!("{} does not start ({e})", self.program.display())))?;
        let (Some(mut pipe), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let mut line = serde_json::to_string(order).map_err(|e| failed(e.to_string()))?;
        line.push('\n');
        pipe.write_all(line.as_bytes()).await.map_err(|e| failed(e.to_string()))?;
        let mut answer = String::new();
        let mut out = BufReader::new(out);
        match tokio::time::timeout(Duration::from_secs(5), out.read_line(&mut answer)).await {
            Ok(Ok(n)) if n > 0 => Ok(Watchdog { child, pipe }),
            Ok(_) | Err(_) => Err(failed("it did not say that it stands".to_owned())),
        }
    }
}

impl Watchdog {
    /// Says that this process is there; the watchdog waits anew.
    ///
    /// # Errors
    /// `Tool` when it is gone.
    pub async fn still_here(&mut self) -> Result<()> {
        let gone = |why: String| Error::new(Kind::Tool, "speaking to the watchdog", why);
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(gone(format!("it ended ({status})")));
        }
        self.pipe.write_all(format!("{HERE}\n").as_bytes()).await.map_err(|e| gone(e.to_string()))?;
        self.pipe.flush().await.map_err(|e| gone(e.to_string()))
    }

    /// The switch is over: the watchdog may go.
    pub async fn stand_down(mut self) {
        // A watchdog that is gone needs no word.
        let _ = self.pipe.write_all(format!("{DONE}\n").as_bytes()).await;
        let _ = self.pipe.flush().await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
    }
}

/// The watchdog's own life: what the program runs when it was started as one.
pub async fn stand_guard(operator: String) -> ExitCode {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let Ok(Some(text)) = lines.next_line().await else { return ExitCode::from(2) };
    let Ok(order) = serde_json::from_str::<Order>(&text) else { return ExitCode::from(2) };
    println!("standing");
    let word = loop {
        let word = tokio::time::timeout(Duration::from_millis(order.patience_ms), lines.next_line()).await;
        match &word {
            Ok(Ok(Some(line))) if line == HERE => {}
            Ok(Ok(Some(line))) if line == DONE => return ExitCode::SUCCESS,
            Ok(_) | Err(_) => break word,
        }
    };
    let linger = if word.is_err() { LINGER_AFTER_FREEZE } else { LINGER_AFTER_DEATH };
    match take_over(order, operator, linger).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tracing::error!(error = %e, "the watchdog could not take over");
            ExitCode::from(2)
        }
    }
}

/// Whether the dead process left something that a client may be waiting for.
fn is_left(state: &State) -> bool {
    state.open_run.is_some() || state.open_dual_write().is_some_and(|d| d.began.is_some())
}

/// Takes the lease; false when somebody else has it by now. A holder that froze may have the store's one lock for writing, and keeps
/// it for as long as it sleeps. Until then nothing can be journaled, so nothing is taken back or finished; but nobody need wait.
async fn seize_lease(parts: &Parts, migration: i64, holder: &str) -> Result<bool> {
    loop {
        match parts.store.seize_lease(migration, holder, &parts.operator, parts.clock.now()).await {
            Err(e) if e.kind == Kind::Store => {
                tracing::error!(error = %e, "the lease cannot be taken; clients are let go without it");
                if let Err(e) = let_go(parts, migration).await {
                    tracing::error!(error = %e, "clients may still be held");
                }
            }
            answer => return answer,
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Lets clients go whom the open run may hold, without a word in the journal. That is safe at any point of a switch: where writes
/// may go is decided by fences, and a hold only spares clients errors.
async fn let_go(parts: &Parts, migration: i64) -> Result<()> {
    let book = Book::open(parts.store.clone(), migration, parts.clock.clone(), parts.operator.clone(), None).await?;
    let state = book.state().await;
    if !state.open_run.as_ref().is_some_and(|run| run.command.holds_clients()) {
        return Ok(());
    }
    let routers = routers_of(&state.spec, &parts.keychain).await.map_err(|e| e.error)?;
    routers.release_all().await
}

async fn take_over(order: Order, operator: String, linger: Duration) -> Result<()> {
    let clock: crate::clock::SharedClock = Arc::new(SystemClock);
    let store = Store::open(&order.store).await?;
    let keychain = Keychain::in_memory("the watchdog keeps nothing");
    for (name, secret) in order.secrets {
        keychain.put(&name, Secret::new(secret)).await;
    }
    let (events, _) = tokio::sync::broadcast::channel(16);
    let parts = Parts {
        store: store.clone(),
        keychain: Arc::new(keychain),
        clock: clock.clone(),
        operator: operator.clone(),
        events,
        watchdog: None,
    };
    // Somebody else may have been faster; then there is nothing to do.
    if !seize_lease(&parts, order.migration, &order.holder).await? {
        return Ok(());
    }
    let cancel = CancellationToken::new();
    let driving = tokio::spawn(conductor::drive(parts, order.migration, cancel.clone()));
    let book = Book::open(store, order.migration, clock, operator, None).await?;
    while is_left(&book.catch_up().await?) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(linger).await;
    cancel.cancel();
    let _ = driving.await;
    Ok(())
}
