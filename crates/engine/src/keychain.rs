//! Where passwords are: the OS keyring, or this process's memory where there is none. Never the store.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};

/// The service name of our entries.
const SERVICE: &str = "switchyard";

/// A locked keyring opens a dialog and blocks until somebody answers; nobody may be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the OS keyring.
    Keyring,
    /// In this process's memory.
    Memory,
    /// Nowhere.
    Missing,
}

/// A password in memory, and whether the keyring has it too.
#[derive(Clone)]
struct Remembered {
    secret: Secret,
    in_keyring: bool,
}

/// The passwords this process can get at.
pub struct Keychain {
    memory: Mutex<HashMap<String, Remembered>>,
    /// Why the keyring cannot be used; None when it can.
    unavailable: Option<String>,
}

impl Keychain {
    /// Looks for the OS keyring.
    pub async fn open() -> Keychain {
        let status = tokio::time::timeout(
            PATIENCE,
            tokio::task::spawn_blocking(|| match keyring::Entry::store_status() {
                Ok(()) => probe(),
                Err(e) => Err(sentence(e)),
            }),
        );
        let unavailable = match status.await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(why))) => Some(why),
            Ok(Err(_)) | Err(_) => Some("the keyring did not answer; it may wait for somebody to unlock it".to_owned()),
        };
        Keychain { memory: Mutex::default(), unavailable }
    }

    /// Memory alone; for machines where the operator wants nothing kept.
    pub fn in_memory(why: &str) -> Keychain {
        Keychain { memory: Mutex::default(), unavailable: Some(why.to_owned()) }
    }

    /// Why the keyring cannot be used; None when it can.
    pub fn unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// The password of this name; None when it has to be typed.
    ///
    /// # Errors
    /// `Keyring` when the keyring does not answer.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>> {
        if let Some(found) = self.remembered(name) {
            return Ok(Some(found.secret));
        }
        if self.unavailable.is_some() {
            return Ok(None);
        }
        let owned = name.to_owned();
        let found = blocking(move || match entry(&owned)?.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(e) => Err(sentence(&e)),
        });
        let found =
            found.await.map_err(|why| Error::new(Kind::Keyring, format!("reading the password of “{name}”"), why))?;
        if let Some(secret) = &found {
            self.remember(name, secret.clone(), true);
        }
        Ok(found)
    }

    /// Where the password of this name is. One that the keyring did not take is in memory, whatever the keyring can do
    /// for others: it is gone with this process.
    pub async fn place(&self, name: &str) -> Place {
        // Looks into the keyring where nothing is remembered, and remembers what it finds.
        let known = self.get(name).await;
        match (known, self.remembered(name)) {
            (Ok(Some(_)), Some(Remembered { in_keyring: true, .. })) => Place::Keyring,
            (Ok(Some(_)), Some(Remembered { in_keyring: false, .. })) => Place::Memory,
            (Ok(Some(_) | None) | Err(_), _) => Place::Missing,
        }
    }

    /// Keeps a password, in the keyring where that works, and says where.
    pub async fn put(&self, name: &str, secret: Secret) -> Place {
        self.remember(name, secret.clone(), false);
        if self.unavailable.is_some() {
            return Place::Memory;
        }
        let owned = name.to_owned();
        let kept = secret.clone();
        match blocking(move || entry(&owned)?.set_password(kept.expose()).map_err(|e| sentence(&e))).await {
            Ok(()) => {
                self.remember(name, secret, true);
                Place::Keyring
            }
            Err(why) => {
                tracing::warn!(name, why, "a password is held in memory: the keyring did not take it");
                Place::Memory
            }
        }
    }

    /// Forgets a password everywhere.
    pub async fn forget(&self, name: &str) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if self.unavailable.is_some() {
            return;
        }
        let owned = name.to_owned();
        let gone = blocking(move || match entry(&owned)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(e) => Err(sentence(&e)),
        });
        if let Err(why) = gone.await {
            tracing::warn!(name, why, "a password stays in the keyring");
        }
    }

    fn remembered(&self, name: &str) -> Option<Remembered> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remember(&self, name: &str, secret: Secret, in_keyring: bool) {
        let remembered = Remembered { secret, in_keyring };
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), remembered);
    }
}

fn entry(name: &str) -> std::result::Result<keyring::Entry, String> {
    keyring::Entry::new(SERVICE, name).map_err(|e| sentence(&e))
}

/// A keyring that is there but locked shows itself only when it is asked for something.
fn probe() -> std::result::Result<(), String> {
    match entry("probe")?.get_password() {
        Ok(_) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(e) => Err(sentence(&e)),
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> std::result::Result<T, String> + Send + 'static,
) -> std::result::Result<T, String> {
    match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(act)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err("the keyring's answer was lost".to_owned()),
        Err(_) => Err("the keyring did not answer; it may wait for somebody to unlock it".to_owned()),
    }
}

fn sentence(e: &keyring::Error) -> String {
    match e {
        keyring::Error::PlatformFailure(_) => "no keyring service runs in this session".to_owned(),
        keyring::Error::NoStorageAccess(_) => "the keyring is locked".to_owned(),
        other => format!("the keyring answered: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_keyring_passwords_live_in_memory_and_are_said_to() {
        let keychain = Keychain::in_memory("no bus");
        assert_eq!(keychain.place("db").await, Place::Missing);
        assert_eq!(keychain.put("db", Secret::new("x")).await, Place::Memory, "the operator must know it is not kept");
        assert!(keychain.get("db").await.unwrap().is_some());
        keychain.forget("db").await;
        assert_eq!(keychain.place("db").await, Place::Missing);
    }

    #[tokio::test]
    async fn what_a_working_keyring_did_not_take_is_in_memory_and_is_said_to() {
        // One that answers, and refused this entry; nothing here reaches the keyring of whoever runs the test.
        let keychain = Keychain { memory: Mutex::default(), unavailable: None };
        keychain.remember("refused", Secret::new("x"), false);
        keychain.remember("kept", Secret::new("x"), true);
        assert_eq!(keychain.place("refused").await, Place::Memory, "an operator who reads “keyring” closes the window");
        assert_eq!(keychain.place("kept").await, Place::Keyring);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert!(!format!("{:?}", Secret::new("canary")).contains("canary"), "debug output ends up in logs");
    }
}
