//! The database users of a rig and their passwords.

use rand::Rng;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

/// A user and its password.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The role's name.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Login {
    /// A user with a fresh password.
    pub fn generate(user: &str) -> Self {
        Self { user: user.to_owned(), password: password() }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Test output ends up in logs; the password must not.
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The users every server of a rig has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Logins {
    /// `postgres`, who made the cluster.
    pub superuser: Login,
    /// `switchyard`, the role the product uses: superuser with REPLICATION.
    pub switchyard: Login,
    /// `switchyard_limited`, who may log in and nothing else.
    pub limited: Login,
    /// `app`, who owns the database and the schema: the application's user.
    pub app: Login,
}

impl Logins {
    /// The four users with fresh passwords.
    pub fn generate() -> Self {
        Self {
            superuser: Login::generate("postgres"),
            switchyard: Login::generate("switchyard"),
            limited: Login::generate("switchyard_limited"),
            app: Login::generate("app"),
        }
    }
}

/// 24 letters and digits: over 140 bits, and nothing that needs quoting anywhere.
pub(crate) fn password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect()
}
