//! The whole: a source, a target, and what stands in front of them.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::front::Links;
use crate::haproxy::HaProxy;
use crate::home::Home;
use crate::login::Logins;
use crate::major::Major;
use crate::pooler::Pooler;
use crate::schema::Schema;
use crate::server::{Server, ServerOptions};
use crate::template::Identity;
use crate::{endpoints, front, schema};

/// What a rig shall hold. The default is 15 to the best there is, two poolers, and a small shop.
#[derive(Debug, Clone)]
pub struct RigOptions {
    /// Where its files go; a temporary folder when absent.
    pub dir: Option<PathBuf>,
    /// The source's generation.
    pub source: Major,
    /// The target's generation.
    pub target: Major,
    /// How many PgBouncers (1 or 2); counts only with `routers`.
    pub poolers: usize,
    /// Whether PgBouncer and HAProxy stand in front.
    pub routers: bool,
    /// Whether the networks behind the poolers and behind HAProxy can be disturbed; counts only with `routers`.
    pub links: bool,
    /// Server connections per pooler and database.
    pub pool_size: usize,
    /// What the source holds; the target is always empty.
    pub schema: Option<Schema>,
    /// Settings that override the rig's own on the source.
    pub source_settings: Vec<(String, String)>,
    /// Settings that override the rig's own on the target.
    pub target_settings: Vec<(String, String)>,
    /// Whether both servers offer TLS.
    pub tls: bool,
}

impl Default for RigOptions {
    fn default() -> Self {
        Self {
            dir: None,
            source: Major::V15,
            target: Major::best(),
            poolers: 2,
            routers: true,
            links: false,
            pool_size: 20,
            schema: Some(Schema::Shop { scale: 0.02 }),
            source_settings: Vec::new(),
            target_settings: Vec::new(),
            tls: false,
        }
    }
}

/// Running servers. Dropping it ends them all; [`Rig::stop`] does so in order.
#[derive(Debug)]
pub struct Rig {
    // Fields are dropped in this order: the front before the databases, the folder last.
    /// The PgBouncers, none without routers.
    pub poolers: Vec<Pooler>,
    /// HAProxy, none without routers.
    pub haproxy: Option<HaProxy>,
    /// The networks behind the first pooler and behind HAProxy, where they were asked for.
    pub links: Option<Links>,
    /// The source database's server.
    pub source: Server,
    /// The target database's server.
    pub target: Server,
    home: Home,
}

impl Rig {
    /// Starts everything; both sides at once.
    pub async fn start(options: RigOptions) -> Result<Self> {
        let home = Home::open(options.dir.as_deref())?;
        let logins = Logins::generate();
        let side = |name: &str, settings: &[(String, String)], identity| ServerOptions {
            dir: Some(home.path().join(name)),
            settings: settings.to_vec(),
            logins: Some(logins.clone()),
            tls: options.tls,
            identity,
        };
        let source_options = side("source", &options.source_settings, Identity::First);
        let target_options = side("target", &options.target_settings, Identity::Second);
        let source = async {
            let server = Server::start(options.source, source_options).await?;
            if let Some(schema) = &options.schema {
                schema::load(&server.app_url(), schema).await?;
            }
            Ok(server)
        };
        let (source, target) = tokio::try_join!(source, Server::start(options.target, target_options))?;
        let (haproxy, poolers, links) = if options.routers {
            let RigOptions { links, poolers, pool_size, .. } = options;
            let (haproxy, poolers, links) = front::start(&home, &source, &target, links, poolers, pool_size).await?;
            (Some(haproxy), poolers, links)
        } else {
            (None, Vec::new(), None)
        };
        let rig = Self { poolers, haproxy, links, source, target, home };
        endpoints::write(&rig)?;
        Ok(rig)
    }

    /// Ends everything in order: clients' way in first, the databases last.
    pub async fn stop(self) -> Result<()> {
        for pooler in &self.poolers {
            pooler.stop().await?;
        }
        if let Some(haproxy) = &self.haproxy {
            haproxy.stop().await?;
        }
        tokio::try_join!(self.source.stop(), self.target.stop())?;
        Ok(())
    }

    /// The folder that holds the servers' files and logs.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Where the application writes: one URL per pooler, or the source itself without routers.
    pub fn rw_urls(&self) -> Vec<String> {
        self.app_urls(Pooler::rw_url)
    }

    /// Where the application reads: one URL per pooler, or the source itself without routers.
    pub fn ro_urls(&self) -> Vec<String> {
        self.app_urls(Pooler::ro_url)
    }

    fn app_urls(&self, of_pooler: fn(&Pooler) -> String) -> Vec<String> {
        if self.poolers.is_empty() {
            return vec![self.source.app_url()];
        }
        self.poolers.iter().map(of_pooler).collect()
    }
}
