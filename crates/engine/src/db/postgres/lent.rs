//! A pooled connection that goes back only when it is handed back.
//!
//! Dropped before that, because its task was aborted or failed, it hangs up: the server then ends what still runs within
//! a second, and no open transaction waits in the pool for whoever comes next.

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

/// See the module.
pub(super) struct Lent {
    connection: PoolConnection<Postgres>,
    whole: bool,
}

impl Lent {
    /// Takes one.
    pub(super) async fn from(pool: &PgPool) -> sqlx::Result<Self> {
        Ok(Lent { connection: pool.acquire().await?, whole: false })
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives it back: nothing is open on it.
    pub(super) fn give_back(mut self) {
        self.whole = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.whole {
            self.connection.close_on_drop();
        }
    }
}
