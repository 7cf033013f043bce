//! Jobs of pg_cron, where it keeps them in this database.

use serde::Deserialize;
use switchyard_model::preflight::particulars::{Cron, CronJob, Fact};

use super::super::super::schema::reading::Reading;
use crate::Result;

/// `cron.database_name` is a setting only where pg_cron was loaded.
const WHERE: &str = "SELECT to_regclass('cron.job') IS NOT NULL AS here, \
     coalesce(row_security_active(to_regclass('cron.job')::oid), false) AS policed, \
     (SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.database_name' AND s.setting <> current_database()) AS elsewhere, \
     pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS sees_settings";

const JOBS: &str = "SELECT j.jobid AS id, to_jsonb(j) ->> 'jobname' AS name, j.command FROM cron.job j \
     WHERE j.database = current_database() AND coalesce((to_jsonb(j) ->> 'active')::bool, true) ORDER BY j.jobid";

#[derive(Deserialize)]
struct Place {
    here: bool,
    policed: bool,
    elsewhere: Option<String>,
    sees_settings: bool,
}

pub(super) async fn read(reading: &mut Reading<'_>) -> Result<Fact<Cron>> {
    let what = "jobs of pg_cron";
    let place: Place = match super::one(reading, what, WHERE).await? {
        Some(Ok(place)) => place,
        Some(Err(why)) => return Ok(Some(Err(why))),
        None => return Ok(None),
    };
    Ok(match place {
        Place { here: true, policed: true, .. } => {
            Some(Err("A policy of cron.job shows our role its own jobs only; ask as a superuser.".to_owned()))
        }
        Place { here: true, .. } => {
            let jobs: Fact<Vec<CronJob>> = super::list(reading, what, JOBS).await?;
            jobs.map(|read| read.map(|jobs| Cron { elsewhere: None, jobs }))
        }
        Place { elsewhere: None, sees_settings: false, .. } => Some(Err(
            "Only a member of pg_read_all_settings sees whether pg_cron keeps them in another database.".to_owned(),
        )),
        Place { elsewhere, .. } => Some(Ok(Cron { elsewhere, jobs: Vec::new() })),
    })
}
