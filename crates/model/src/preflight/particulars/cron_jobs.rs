//! Jobs of pg_cron that would write on the target while the source has the authority.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    inventory::Inventory,
    preflight::{
        answer::{Answer, Bad, shown},
        count,
    },
    verdict::Verdict,
};

/// What pg_cron does for this database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Cron {
    /// The other database that keeps its jobs, where there is one.
    pub elsewhere: Option<String>,
    /// Active jobs that run in this database.
    pub jobs: Vec<CronJob>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CronJob {
    /// Its number.
    pub id: i64,
    /// Its name; None where it has none.
    pub name: Option<String>,
    /// What it runs.
    pub command: String,
}

impl CronJob {
    fn object(&self) -> String {
        match &self.name {
            Some(name) => format!("job {} {}", self.id, shown(&[name])),
            None => format!("job {}", self.id),
        }
    }
}

pub(super) fn judge(source: &Inventory, target: &Inventory) -> Answer {
    on_fact(&target.server, &target.particulars.cron, "jobs of pg_cron", |cron| {
        if let Some(database) = &cron.elsewhere {
            return Verdict::unknown(format!(
                "whether pg_cron runs jobs in this database: it keeps them in database {}; look there into cron.job",
                shown(&[database])
            ))
            .into();
        }
        let here = match &source.particulars.cron {
            Some(Ok(cron)) => cron.jobs.as_slice(),
            Some(Err(_)) | None => &[],
        };
        let twice = |job: &CronJob| here.iter().any(|other| other.command == job.command);
        let bad = cron.jobs.iter().map(|job| Bad {
            object: job.object(),
            says: Some(if twice(job) { "runs on both sides" } else { "runs on the target" }.to_owned()),
            statement: format!("SELECT cron.alter_job({}, active := false)", job.id),
        });
        let good = match here.len() {
            0 => "none runs on the target".to_owned(),
            n => format!(
                "none runs on the target; the source has {}, to be begun there after the switch",
                count(n, "job")
            ),
        };
        Answer::none_of(&good, "active on the target already", "job", bad, "On the target, until the switch: ")
    })
}
