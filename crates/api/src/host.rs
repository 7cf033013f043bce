//! The host's handle: the open store, the keychain, and the conductors of this process.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use switchyard_engine::{
    clock::{SharedClock, SystemClock},
    conductor::{self, Parts},
    facts::{ANALYSIS, Analysis},
    keychain::Keychain,
    route::group::Routers,
    saga::{Book, Pair},
    store::{Cached, MigrationId, Store},
    watchdog::Launcher,
};
use switchyard_model::UnixMs;
use tokio::{sync::broadcast, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::dto::{ApiError, Event, Tone};

/// How a host opens the API.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The store's file; None for `SWITCHYARD_STORE`, or the application's data folder.
    pub store: Option<PathBuf>,
    /// Whether this very program becomes the watchdog of a hold when it is started with [`crate::guard::ARGUMENT`]; its
    /// `main` must then ask [`crate::guard::is_guard`] first.
    pub guarded: bool,
    /// Whether this process asks for the lease of every migration and drives those that it gets.
    pub drive: bool,
    /// Whether passwords stay in memory though there may be a keyring, as with `SWITCHYARD_NO_KEYRING`.
    pub no_keyring: bool,
}

/// The API of one process.
pub struct Switchyard {
    pub(crate) parts: Parts,
    drive: bool,
    events: broadcast::Sender<Event>,
    drivers: Mutex<HashMap<MigrationId, (CancellationToken, JoinHandle<()>)>>,
    books: tokio::sync::Mutex<HashMap<MigrationId, Arc<Book>>>,
    /// The newest analyses; large, and read each second by a window.
    analyses: Mutex<HashMap<MigrationId, Arc<Cached<Analysis>>>>,
    /// Pairs connected for previews, by migration; reads only.
    pub(crate) pairs: tokio::sync::Mutex<HashMap<MigrationId, Pair>>,
    /// Consoles of poolers for looking at their pools, by migration.
    pub(crate) consoles: tokio::sync::Mutex<HashMap<MigrationId, Routers>>,
    /// Shadow reads of this process, by migration.
    pub(crate) shadows: Mutex<HashMap<MigrationId, Arc<crate::shadow::Run>>>,
    /// Captures, replays and load of this process.
    pub(crate) rehearsals: crate::rehearse::Rehearsals,
    /// This very handle, for what outlives a call.
    pub(crate) me: Weak<Switchyard>,
    relay: JoinHandle<()>,
    stops: Stops,
}

/// Why this process stopped driving, by migration, until somebody asks.
type Stops = Arc<Mutex<HashMap<String, ApiError>>>;

impl Switchyard {
    /// Opens the store, looks for the keyring, and begins to drive where asked to.
    ///
    /// # Errors
    /// When the store cannot be opened; its file is left as it is.
    pub async fn open(options: Options) -> Result<Arc<Switchyard>, ApiError> {
        let path = options.store.unwrap_or_else(default_store);
        let store = Store::open(&path).await?;
        let keychain = match (options.no_keyring, std::env::var_os("SWITCHYARD_NO_KEYRING")) {
            (true, _) => Keychain::in_memory("this program was told to do without"),
            (false, Some(_)) => Keychain::in_memory("SWITCHYARD_NO_KEYRING is set"),
            (false, None) => Keychain::open().await,
        };
        let clock: SharedClock = Arc::new(SystemClock);
        let (engine_events, engine_receiver) = broadcast::channel(256);
        let (events, _) = broadcast::channel(256);
        let stops = Stops::default();
        let relay = tokio::spawn(relay(engine_receiver, events.clone(), stops.clone()));
        let watchdog = match (options.guarded, std::env::current_exe()) {
            (true, Ok(program)) => Some(Arc::new(Launcher { program, argument: crate::guard::ARGUMENT, store: path })),
            (true, Err(_)) | (false, _) => None,
        };
        let keychain = Arc::new(keychain);
        let parts = Parts { store, keychain, clock, operator: operator(), events: engine_events, watchdog };
        let switchyard = Arc::new_cyclic(|me| Switchyard {
            parts,
            drive: options.drive,
            events,
            drivers: Mutex::default(),
            books: tokio::sync::Mutex::default(),
            analyses: Mutex::default(),
            pairs: tokio::sync::Mutex::default(),
            consoles: tokio::sync::Mutex::default(),
            shadows: Mutex::default(),
            rehearsals: crate::rehearse::Rehearsals::default(),
            me: me.clone(),
            relay,
            stops,
        });
        if options.drive {
            for (id, _, _) in switchyard.parts.store.migrations().await? {
                if switchyard.book(id).await?.state().await.milestones.cleaned.is_none() {
                    switchyard.drive(id);
                }
            }
        }
        Ok(switchyard)
    }

    /// What hosts are told without asking.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The store's file.
    pub fn store_path(&self) -> PathBuf {
        self.parts.store.path().to_owned()
    }

    /// Asks for the lease of a migration and drives it whenever this process gets it. Asking again is fine.
    pub fn drive(&self, migration: MigrationId) {
        let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        drivers.entry(migration).or_insert_with(|| {
            let cancel = CancellationToken::new();
            let task = tokio::spawn(conductor::drive(self.parts.clone(), migration, cancel.clone()));
            (cancel, task)
        });
    }

    /// Drives a migration by name, for hosts that do not drive everything.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn drive_named(&self, name: &str) -> Result<(), ApiError> {
        self.drive(self.parts.store.migration_id(name).await?);
        Ok(())
    }

    pub(crate) fn drive_if_wanted(&self, migration: MigrationId) {
        if self.drive {
            self.drive(migration);
        }
    }

    /// The journal of a migration for reading, caught up.
    pub(crate) async fn book(&self, migration: MigrationId) -> Result<Arc<Book>, ApiError> {
        let mut books = self.books.lock().await;
        let book = match books.get(&migration) {
            Some(book) => book.clone(),
            None => {
                let p = &self.parts;
                let book = Book::open(p.store.clone(), migration, p.clock.clone(), p.operator.clone(), None).await?;
                let book = Arc::new(book);
                books.insert(migration, book.clone());
                book
            }
        };
        book.catch_up().await?;
        Ok(book)
    }

    /// The newest analysis of a migration, read from the store when there is another one.
    pub(crate) fn analysis(&self, migration: MigrationId) -> Arc<Cached<Analysis>> {
        let mut all = self.analyses.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(migration).or_insert_with(|| Arc::new(Cached::new(ANALYSIS))).clone()
    }

    pub(crate) async fn named(&self, name: &str) -> Result<(MigrationId, Arc<Book>), ApiError> {
        let id = self.parts.store.migration_id(name).await?;
        Ok((id, self.book(id).await?))
    }

    /// Tells this process's hosts that a migration changed.
    pub(crate) fn changed(&self, migration: &str) {
        // Nobody listening is fine.
        let _ = self.events.send(Event::Changed { migration: migration.to_owned() });
    }

    /// Why this process stopped driving a migration since this was last asked; it goes on trying.
    pub fn take_stop(&self, migration: &str) -> Option<ApiError> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(migration)
    }

    /// Whether a router held clients when it was last asked after an instant; None while none was asked since then, or
    /// while one does not answer.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_held_after(&self, name: &str, after: UnixMs) -> Result<Option<bool>, ApiError> {
        use switchyard_engine::facts::{SNAPSHOT, Snapshot};
        let id = self.parts.store.migration_id(name).await?;
        let seen: Option<(i64, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        let route = seen.and_then(|(_, s)| s.facts.route).filter(|r| r.at > after);
        Ok(route.and_then(|r| if r.holding { Some(true) } else { r.route.is_ok().then_some(false) }))
    }

    /// Stops driving: ends captures, replays and load in order, gives leases back, closes connections and the store.
    pub async fn shut_down(&self) {
        tokio::join!(self.rehearsals.end(), self.stop_driving());
        self.relay.abort();
        self.pairs.lock().await.clear();
        self.consoles.lock().await.clear();
        self.parts.store.close().await;
    }

    async fn stop_driving(&self) {
        let drivers: Vec<_> = self.drivers.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        for (_, (cancel, _)) in &drivers {
            cancel.cancel();
        }
        for (_, (_, task)) in drivers {
            if tokio::time::timeout(std::time::Duration::from_secs(8), task).await.is_err() {
                tracing::warn!("a conductor did not stop in time; its lease lapses by itself");
            }
        }
    }

    /// Name of a migration whose clients are being held by this process right now.
    ///
    /// # Errors
    /// When the journal cannot be read; then clients may be held.
    pub async fn holding(&self) -> Result<Option<String>, ApiError> {
        let driven: Vec<MigrationId> =
            self.drivers.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        for id in driven {
            let state = self.book(id).await?.state().await;
            if crate::cockpit::is_holding(&state) {
                return Ok(Some(state.spec.name));
            }
        }
        Ok(None)
    }
}

async fn relay(mut from: broadcast::Receiver<conductor::Event>, to: broadcast::Sender<Event>, stops: Stops) {
    loop {
        let event = match from.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let _ = to.send(match event {
            conductor::Event::Changed { migration } => Event::Changed { migration },
            conductor::Event::Stopped { migration, error } => {
                let why = ApiError::from(&*error);
                let body = format!("{} {}", why.message, why.remedy);
                stops.lock().unwrap_or_else(PoisonError::into_inner).insert(migration.clone(), why);
                Event::Notice { migration, title: "No longer driven from here".to_owned(), body, tone: Tone::Bad }
            }
            conductor::Event::Notice { migration, title, body, tone } => {
                let tone = match tone {
                    conductor::Tone::Good => Tone::Good,
                    conductor::Tone::Warn => Tone::Warn,
                    conductor::Tone::Bad => Tone::Bad,
                };
                Event::Notice { migration, title, body, tone }
            }
        });
    }
}

/// `SWITCHYARD_STORE`, or the application's data folder by the desktop's convention.
fn default_store() -> PathBuf {
    if let Some(path) = std::env::var_os("SWITCHYARD_STORE") {
        return PathBuf::from(path);
    }
    let data = std::env::var_os("XDG_DATA_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("switchyard").join("switchyard.db")
}

/// `user@host (pid)`.
pub(crate) fn operator() -> String {
    let told = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    let user = told.or_else(account).unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{user}@{} ({})", if host.is_empty() { "this machine" } else { host }, std::process::id())
}

/// The account that this process belongs to, for desktops and services that set no `USER`: the journal names who it was.
#[cfg(unix)]
fn account() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id == own).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn account() -> Option<String> {
    None
}
