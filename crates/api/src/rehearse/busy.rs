//! Which databases jobs of this process are at: two on one copy would each spoil what the other measures.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchyard_model::endpoint::Endpoint;

use crate::{
    dto::ApiError,
    load::{addresses, same},
};

struct Place {
    of: Arc<()>,
    endpoint: Endpoint,
    at: Vec<SocketAddr>,
    what: &'static str,
}

/// Databases that are taken.
#[derive(Clone, Default)]
pub(super) struct Busy(Arc<Mutex<Vec<Place>>>);

/// Some of them, until it is dropped.
pub(super) struct Claim {
    busy: Busy,
    of: Arc<()>,
}

impl Busy {
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes databases for a job, all or none.
    ///
    /// # Errors
    /// `refused` where another job is at one of them, under whatever name or address.
    pub(super) async fn claim(&self, endpoints: Vec<Endpoint>, what: &'static str) -> Result<Claim, ApiError> {
        let of = Arc::new(());
        let mut wanted = Vec::new();
        for endpoint in endpoints {
            let at = addresses(&endpoint).await;
            wanted.push(Place { of: of.clone(), endpoint, at, what });
        }
        let mut places = self.places();
        for place in &wanted {
            let taken = places.iter().find(|p| same(&p.endpoint, &p.at, &place.endpoint, &place.at));
            if let Some(taken) = taken {
                let why = format!("A {} is at “{}” just now.", taken.what, place.endpoint.name);
                return Err(ApiError::new("refused", why, "Wait for its end, or stop it first."));
            }
        }
        places.extend(wanted);
        drop(places);
        Ok(Claim { busy: self.clone(), of })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let of = self.of.clone();
        self.busy.places().retain(|p| !Arc::ptr_eq(&p.of, &of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, host: &str, database: &str) -> Endpoint {
        let tls = Default::default();
        let (ca_file, peer_address) = (None, None);
        let (name, host, user) = (name.to_owned(), host.to_owned(), "me".to_owned());
        Endpoint { name, host, port: 5432, database: database.to_owned(), user, tls, ca_file, peer_address }
    }

    #[tokio::test]
    async fn a_copy_has_one_job_at_a_time_whatever_it_is_called() {
        let busy = Busy::default();
        let first = busy.claim(vec![endpoint("a", "127.0.0.1", "x"), endpoint("b", "127.0.0.1", "y")], "replay").await;
        let first = first.unwrap();
        let again = busy.claim(vec![endpoint("c", "localhost", "y")], "load").await;
        let why = again.err().unwrap().message;
        assert_eq!(why, "A replay is at “c” just now.", "one database under another name and address");
        let other = busy.claim(vec![endpoint("d", "127.0.0.1", "z")], "load").await.unwrap();
        drop(first);
        assert!(busy.claim(vec![endpoint("c", "localhost", "y")], "load").await.is_ok(), "it ended");
        drop(other);
        assert!(busy.places().is_empty(), "nothing is left behind");
    }
}
