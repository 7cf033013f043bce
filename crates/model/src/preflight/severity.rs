//! What each check weighs, and what comes of it when it does not hold: one table.
//!
//! `Blocks` is what closes the preflight gate. Everything else is listed and closes nothing.

use crate::schema::Severity::{self, Blocks, Cosmetic, Data, Speed};

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its id without the side.
    pub name: &'static str,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    /// What comes of it, one sentence.
    pub why: &'static str,
}

/// All of them.
#[rustfmt::skip]
pub const ITEMS: &[Item] = &[
    item("two_databases", Blocks, "A database cannot replicate into itself."),
    item("version_order", Blocks, "Older servers do not read what pg_dump of a newer version writes."),
    item("encoding", Blocks, "Text that one encoding has no sign for cannot be applied."),
    item("collation", Blocks, "ORDER BY and ranges of text give other results on the target."),
    item("time_zone", Data, "What is written or read as a time without a zone means another instant after the switch."),
    item("extensions", Blocks, "Types and functions of the extension cannot be made on the target."),
    item("empty_or_equal", Blocks, "Rows that are there already collide with those that are copied."),
    item("version", Blocks, "Rows are digested with a function that came with PostgreSQL 14."),
    item("primary", Blocks, "A standby takes no writes, no publications and no subscriptions."),
    item("wal_level", Blocks, "Without logical information in the WAL nothing can be decoded."),
    item("slots", Blocks, "The stream cannot be made without a free slot."),
    item("senders", Blocks, "The stream cannot be sent without a free sender."),
    item("workers", Blocks, "Changes cannot be applied without a free worker."),
    item("origins", Blocks, "A subscription cannot keep its position without a free replication origin."),
    item("wal_limit", Blocks, "WAL that the stream still needs is dropped, and everything has to be copied again."),
    item("slot_timeout", Data, "The server ends a slot that nobody reads, and with it the stream or the way back."),
    item("slot_failover", Data, "After a failover the slot is gone: the stream has to be made anew, or there is no way back."),
    item("role_replication", Blocks, "Our role cannot make a slot or read from it."),
    item("role_create", Blocks, "Our role cannot make its schema and its publications."),
    item("role_owner", Blocks, "Only an owner can publish, fence and lock a table."),
    item("role_subscribe", Blocks, "Our role cannot make the subscription."),
    item("role_set", Blocks, "The worker applies rows as the owner of their table and stops when it may not become it."),
    item("role_schemas", Blocks, "Tables of a schema that our role may not use can be neither read nor written."),
    item("row_security", Blocks, "Rows that a policy hides are not copied, and the worker stops at a table with policies."),
    item("role_sessions", Speed, "Who holds up a slot or the fence cannot be named."),
    item("session_replication_role", Blocks, "Such sessions fire no trigger: the fence does not stop their writes, and foreign keys are not checked."),
    item("read_only_default", Data, "The application's writes are refused there, and the setting is no fence, for any session may override it."),
    item("always_triggers", Data, "Such a trigger fires again for each row that replication applies: what it writes is written twice."),
    item("collation_versions", Data, "Searches miss rows, and unique keys let duplicates in, until the index is built again."),
    item("prepared_transactions", Data, "A new slot waits for it, its locks hold up the fence, and it can only be committed where it was prepared."),
    item("long_transactions", Speed, "A new slot waits for its end, and a switch is taken back when the fence has to wait for it too long."),
    item("two_phase", Data, "PREPARE TRANSACTION of the application is refused on the target."),
    item("replica_identity", Blocks, "The server refuses UPDATE and DELETE on a published table without one."),
    item("identity_full", Blocks, "Updates of such rows cannot be applied, for their values cannot be compared."),
    item("generated_identity", Blocks, "UPDATE and DELETE cannot be applied, and from PostgreSQL 18 on the application's own are refused."),
    item("unlogged", Blocks, "Its rows are in no WAL and never reach the target."),
    item("foreign_tables", Blocks, "Their rows are elsewhere and are not replicated."),
    item("large_objects", Blocks, "Logical replication does not carry them."),
    item("sequences", Cosmetic, "Replication does not carry them; the switch moves them on."),
    item("generated_columns", Cosmetic, "Each side computes them itself."),
    item("copy_timeout", Speed, "The copy of a large table never ends: each attempt is broken off and begun anew."),
    item("not_valid", Data, "Rows that break it are refused on the target, or the constraint cannot be validated there either."),
    item("partitions", Data, "Rows of a partition that is half detached are replicated, and no query of the tree shows them."),
    item("subscriptions", Blocks, "Rows that it brings do not reach the target, or go on reaching a source that gave its writes up."),
    item("extension_config", Data, "The extension works on the target without what was set up on the source."),
    item("truncate_foreign_keys", Data, "The stream stops at the first TRUNCATE, and rows that refer to deleted ones stay."),
    item("cron_jobs", Data, "The job writes to a target that has not the authority, and does twice what the source's own job does."),
    item("statistics", Speed, "Without statistics queries are planned badly, which shows with the first reads on the target."),
];

const fn item(name: &'static str, severity: Severity, why: &'static str) -> Item {
    Item { name, severity, why }
}

/// By a check's id, `source.wal_level`; none for what is no check of the preflight.
pub fn of(id: &str) -> Option<&'static Item> {
    let (side, name) = id.split_once('.')?;
    ["source", "target", "pair"].contains(&side).then(|| ITEMS.iter().find(|i| i.name == name))?
}
