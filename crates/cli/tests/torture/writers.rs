//! The application: half of its clients behind either pooler, and two that go around them to the side that has the
//! authority before the run.

use std::time::{Duration, Instant};

use switchyard_rig::{Server, Workload, WorkloadConfig, ledger::Acknowledged};

use crate::arena::Arena;

pub struct Writers {
    pooled: Workload,
    around: Workload,
}

/// What they have to say at the end.
pub struct Ledger {
    pub acknowledged: Acknowledged,
    /// The longest wait of a client of a pooler. Who goes around gets no answer from the side that lost the authority.
    pub longest: Duration,
}

impl Writers {
    pub async fn start(arena: &Arena, loser: &Server) -> Writers {
        let rig = &arena.ctl.rig;
        let (direct, disturbed) = (format!(":{}/", rig.poolers[0].port), format!(":{}/", arena.links.clients.port));
        let through = |urls: Vec<String>| urls.into_iter().map(|url| url.replace(&direct, &disturbed)).collect();
        let think = Duration::from_millis(40);
        let pooled = WorkloadConfig {
            rw_urls: through(rig.rw_urls()),
            ro_urls: through(rig.ro_urls()),
            writers: 6,
            readers: 2,
            think,
            ledger_file: None,
        };
        let around = WorkloadConfig {
            rw_urls: vec![loser.app_url()],
            ro_urls: Vec::new(),
            writers: 2,
            readers: 0,
            think,
            ledger_file: None,
        };
        Writers { pooled: Workload::start(pooled).await.unwrap(), around: Workload::start(around).await.unwrap() }
    }

    /// Every client of a pooler gets answers again.
    pub async fn go_on(&self, within: Duration) -> Result<(), String> {
        let (before, began) = (self.pooled.acknowledged(), Instant::now());
        let waits = || self.pooled.longest_pause_since(self.pooled.mark());
        while self.pooled.acknowledged() < before + 20 || waits() > Duration::from_millis(1_000) {
            if began.elapsed() > within {
                let errors = self.pooled.report().first_errors;
                return Err(format!("a client has waited {:?}; clients were told: {errors:?}", waits()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub async fn stop(self) -> Ledger {
        let (pooled, around) = (self.pooled.stop().await, self.around.stop().await);
        let mut acknowledged = pooled.acknowledged;
        acknowledged.merge(around.acknowledged);
        Ledger { acknowledged, longest: pooled.longest_write }
    }
}
