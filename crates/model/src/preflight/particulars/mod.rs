//! What only the preflight looks at, beside the inventory: one file per item, with its fact and its judgement.
//!
//! Each fact was read, was refused with a sentence, or is absent in readings of earlier versions; only what was read can
//! pass or fail. Never judges by severity: what each item weighs stands in one table.

mod access;
mod always_triggers;
mod collation_versions;
mod copy_timeout;
mod cron_jobs;
mod extension_config;
mod generated_identity;
mod long_transactions;
mod not_valid;
mod origins;
mod partitions;
mod prepared;

mod slot_failover;
mod slot_timeout;
mod statistics;
mod subscriptions;
mod time_zone;
mod truncate;
mod unusual_settings;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use access::Access;
pub use always_triggers::AlwaysTrigger;
pub use collation_versions::StaleCollation;
pub use cron_jobs::{Cron, CronJob};
pub use extension_config::ConfigTable;
pub use generated_identity::GeneratedIdentity;
pub use long_transactions::{LONG_S, Sessions, Transaction};
pub use not_valid::NotValid;
pub use origins::Origins;
pub use partitions::PendingDetach;
pub use prepared::{Prepared, TwoPhase};
pub use slot_failover::Standbys;
pub use slot_timeout::SlotTimeout;
pub use statistics::Unanalysed;
pub use time_zone::ServerZone;
pub use truncate::ForeignKey;
pub use unusual_settings::Setting;

use super::{answer::Answer, if_read};
use crate::{
    Side,
    check::Check,
    inventory::{Inventory, ServerFacts},
    verdict::Verdict,
};

/// A fact: absent when it was not asked for, a sentence when the server refused it.
pub type Fact<T> = Option<Result<T, String>>;

/// All of them, of one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Particulars {
    /// Triggers that fire on rows which replication applies.
    pub always_triggers: Fact<Vec<AlwaysTrigger>>,
    /// Collations whose version is no longer the one that indexes were built with.
    pub collations: Fact<Vec<StaleCollation>>,
    /// Jobs of pg_cron.
    pub cron: Fact<Cron>,
    /// Tables of extensions that hold rows of their users.
    pub config_tables: Fact<Vec<ConfigTable>>,
    /// Tables whose replica identity holds generated columns.
    pub generated_identities: Fact<Vec<GeneratedIdentity>>,
    /// Settings of the server, the database and roles that change what replication or the fence does.
    pub settings: Fact<Vec<Setting>>,
    /// Transactions that have been open for long.
    pub sessions: Fact<Sessions>,
    /// Constraints that were never validated.
    pub not_valid: Fact<Vec<NotValid>>,
    /// Replication origins.
    pub origins: Fact<Origins>,
    /// Partitions that are half detached.
    pub pending_detaches: Fact<Vec<PendingDetach>>,
    /// Prepared transactions.
    pub two_phase: Fact<TwoPhase>,
    /// What our role may with tables, schemas and their owners.
    pub access: Fact<Access>,
    /// Standbys of this server.
    pub standbys: Fact<Standbys>,
    /// When an idle slot ends.
    pub slot_timeout: Fact<SlotTimeout>,
    /// Tables that hold rows and were never analysed.
    pub unanalysed: Fact<Vec<Unanalysed>>,
    /// Names of enabled subscriptions that are not ours.
    pub subscriptions: Fact<Vec<String>>,
    /// The server's own configuration, where a login of ours outranks it.
    pub time_zone: Fact<ServerZone>,
    /// Foreign keys.
    pub foreign_keys: Fact<Vec<ForeignKey>>,
}

/// The checks on one side.
pub(super) fn of_side(side: Side, inventory: &Inventory) -> Vec<Check> {
    let check = |name: &str, title: String, answer: Answer| answer.on(side, name, title, inventory);
    let i = inventory;
    vec![
        check("always_triggers", format!("No trigger on the {side} fires on applied rows"), always_triggers::judge(i)),
        check(
            "collation_versions",
            format!("Indexes on the {side} were built with its collations"),
            collation_versions::judge(i),
        ),
        check(
            "session_replication_role",
            format!("Sessions on the {side} fire triggers"),
            unusual_settings::replication_role(i),
        ),
        check(
            "read_only_default",
            format!("Transactions on the {side} may write"),
            unusual_settings::read_only_default(i),
        ),
        check("prepared_transactions", format!("No transaction is prepared on the {side}"), prepared::none_open(i)),
        check("long_transactions", format!("No writing transaction is old on the {side}"), long_transactions::judge(i)),
        check("origins", format!("Replication origins are free on the {side}"), origins::judge(side, i)),
        check("slot_timeout", format!("The {side} keeps an idle slot"), slot_timeout::judge(i)),
        check("slot_failover", format!("A failover of the {side} keeps the stream"), slot_failover::judge(i)),
        check("role_set", format!("Our role may apply rows as their owner on the {side}"), access::set_role(i)),
        check("role_schemas", format!("Our role may use the schemas on the {side}"), access::schemas(i)),
        check("row_security", format!("Our role sees and writes every row on the {side}"), access::rows(i)),
        check("role_sessions", format!("Our role sees all sessions on the {side}"), long_transactions::sees_all(i)),
    ]
}

/// The checks on the source alone, and on both.
pub(super) fn of_pair(source: &Inventory, target: &Inventory) -> Vec<Check> {
    let on_source = |name: &str, title: &str, answer: Answer| answer.on(Side::Source, name, title.to_owned(), source);
    let on_both = |id: &str, title: &str, answer: Answer| answer.between(id, title.to_owned(), source, target);
    vec![
        on_source("copy_timeout", "The copy of a table may take its time", copy_timeout::judge(source)),
        on_source("not_valid", "Every constraint was validated", not_valid::judge(source)),
        on_source("partitions", "No partition is half detached", partitions::judge(source)),
        on_both(
            "source.generated_identity",
            "No row is named by a generated column",
            generated_identity::judge(source, target),
        ),
        on_source("subscriptions", "Nobody else replicates into the source", subscriptions::judge(source)),
        on_both(
            "source.extension_config",
            "The target has the rows of extensions' own tables",
            extension_config::judge(source, target),
        ),
        on_both("pair.time_zone", "Both sides have the same time zone", time_zone::judge(source, target)),
        on_both("target.two_phase", "The target takes prepared transactions", prepared::room(source, target)),
        on_both(
            "target.truncate_foreign_keys",
            "Only replicated tables refer to replicated tables on the target",
            truncate::judge(source, target),
        ),
        on_both("target.cron_jobs", "No job of pg_cron runs on the target yet", cron_jobs::judge(source, target)),
        on_both("target.statistics", "The target's tables are analysed once they hold rows", statistics::judge(target)),
    ]
}

/// The answer on a fact that was read, of a server that was read.
fn on_fact<T>(server: &ServerFacts, fact: &Fact<T>, what: &str, judge: impl FnOnce(&T) -> Answer) -> Answer {
    let unread = if_read(server, || match fact {
        Some(Ok(_)) => Verdict::pass(String::new()),
        Some(Err(why)) => Verdict::unknown(format!("{what} could not be read. {why}")),
        None => Verdict::unknown(format!("{what} were not read: analyze again")),
    });
    match fact {
        Some(Ok(seen)) if unread.opens() => judge(seen),
        Some(_) | None => unread.into(),
    }
}
