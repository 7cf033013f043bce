//! Names and words on the admin console: quoting, lists of users, and answers that mean "already so".

use switchyard_model::ident;

use crate::error::{Error, Kind, Result};

/// Longest name that PgBouncer keeps, bytes.
const LONGEST: usize = 63;

/// A name in double quotes, as the console's parser takes it (inner quotes doubled).
pub(super) fn quote(name: &str) -> String {
    ident::quote(name)
}

/// Refuses names that the console would take for something else. An empty one is the worst: `PAUSE ""` pauses all.
pub(super) fn check(name: &str, label: &str) -> Result<()> {
    let wrong = |why: String| Err(Error::new(Kind::Invalid, format!("naming a database of {label}"), why));
    if name.trim().is_empty() {
        return wrong("the database name is empty, and an empty name means every database to PgBouncer".to_owned());
    }
    if name == "pgbouncer" {
        return wrong("“pgbouncer” is the console itself; name the database that the application uses".to_owned());
    }
    if name.chars().any(char::is_control) {
        return wrong("the database name holds a line break or another control character".to_owned());
    }
    if name.len() > LONGEST {
        return wrong(format!("“{name}” is longer than the {LONGEST} bytes that PgBouncer keeps of a name"));
    }
    Ok(())
}

/// Whether a comma-separated setting such as `admin_users` names this user.
pub(super) fn listed(setting: &str, user: &str) -> bool {
    setting.split([',', ' ']).any(|u| u.trim_matches('"') == user)
}

/// PgBouncer 1.18 answers a repeated PAUSE with PAUSE; should a release say so in words, it is no failure either.
pub(super) fn says_already_paused(words: &str) -> bool {
    words.contains("already paused")
}

/// Somebody has paused or suspended all databases. That is not our hold: our RESUME would not end it.
pub(super) fn says_all_paused(words: &str) -> bool {
    words.contains("already suspended/paused")
}

/// The answer to a RESUME of what runs.
pub(super) fn says_not_paused(words: &str) -> bool {
    words.contains("is not paused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_means_everything_is_refused() {
        for bad in ["", "  ", "pgbouncer", "a\nb", &"x".repeat(64)] {
            assert_eq!(check(bad, "PgBouncer x:1").unwrap_err().kind, Kind::Invalid, "{bad:?} must not be sent");
        }
        for good in ["app_rw", "My-DB.x", "with space", "a;b", "quo\"te"] {
            assert!(check(good, "PgBouncer x:1").is_ok(), "{good:?} works when quoted");
        }
        assert_eq!(quote("a\"b"), "\"a\"\"b\"", "the console doubles inner quotes like SQL does");
    }

    #[test]
    fn users_are_found_whole() {
        assert!(listed("postgres, ops", "ops"));
        assert!(!listed("postgres, opsy", "ops"), "a part of a name is another user");
    }
}
