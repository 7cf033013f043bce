//! The time zone that sessions begin with: it decides what a time without a zone means.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{on_fact, unusual_settings::of_database};
use crate::{
    ident::{literal, quote},
    inventory::Inventory,
    preflight::answer::Answer,
    verdict::Verdict,
};

/// What the server's configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ServerZone {
    /// `TimeZone`.
    pub zone: String,
    /// `statement_timeout`; none where the files say nothing.
    #[serde(default)]
    pub statement_timeout: Option<String>,
}

pub(super) fn judge(source: &Inventory, target: &Inventory) -> Answer {
    zone_of(source, |here| {
        zone_of(target, |there| {
            if here.eq_ignore_ascii_case(there) {
                return Verdict::pass(here.to_owned()).into();
            }
            let database = quote(&target.server.database);
            Verdict::fail(
                format!("source {here}, target {there}: a time without a zone means another instant"),
                format!("On the target: ALTER DATABASE {database} SET timezone = {};", literal(here)),
            )
            .into()
        })
    })
}

/// The database's own, else the server's.
fn zone_of(inventory: &Inventory, judge: impl FnOnce(&str) -> Answer) -> Answer {
    let p = &inventory.particulars;
    on_fact(&inventory.server, &p.settings, "settings of the database", |settings| {
        match of_database(settings, "timezone") {
            Some(zone) => judge(zone),
            None => on_fact(&inventory.server, &p.time_zone, "the server's time zone", |server| judge(&server.zone)),
        }
    })
}
