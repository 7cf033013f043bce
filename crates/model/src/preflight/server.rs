//! What each server must be and have free: both publish and both subscribe, for the way back starts on the target.

use super::{if_read, on};
use crate::{
    Side,
    check::Check,
    inventory::{Inventory, ServerFacts},
    verdict::Verdict,
};

/// The oldest version on which everything works: rows are digested with `hash_record_extended`, which came with it. Of
/// older servers nothing but the version is read.
pub const OLDEST: i32 = 140_000;

pub(super) fn checks(side: Side, inventory: &Inventory) -> Vec<Check> {
    let facts = &inventory.server;
    let check = |name, title: String, verdict| on(side, name, title, inventory, verdict);
    vec![
        check("version", format!("The {side} is PostgreSQL 14 or newer"), version(facts)),
        check("primary", format!("The {side} is a primary"), if_read(facts, || primary(facts))),
        check("wal_level", format!("wal_level is logical on the {side}"), if_read(facts, || wal_level(facts))),
        check("slots", format!("Replication slots are free on the {side}"), if_read(facts, || slots(side, facts))),
        check("senders", format!("WAL senders are free on the {side}"), if_read(facts, || senders(side, facts))),
        check("workers", format!("The {side} can run a subscription"), if_read(facts, || workers(side, facts))),
        check("wal_limit", format!("The {side} keeps WAL for a slot"), if_read(facts, || wal_limit(facts))),
    ]
}

/// Slots and senders a side needs: one for its stream; the source another one while tables are copied.
fn needed(side: Side) -> i32 {
    match side {
        Side::Source => 2,
        Side::Target => 1,
    }
}

fn version(facts: &ServerFacts) -> Verdict {
    if facts.version_num == 0 {
        return Verdict::unknown("the server's version was not read");
    }
    if facts.version_num >= OLDEST {
        return Verdict::pass(format!("PostgreSQL {}", facts.version));
    }
    let what = if facts.version_num < 100_000 { "cannot publish" } else { "cannot digest rows where they are" };
    Verdict::fail(
        format!("PostgreSQL {} {what}", facts.version),
        "Upgrade this server to PostgreSQL 14 or newer first, for example with pg_upgrade.",
    )
}

fn primary(facts: &ServerFacts) -> Verdict {
    if facts.in_recovery {
        Verdict::fail(
            "this server is a standby: it takes no writes and no subscriptions",
            "Use the primary's address for this endpoint, or promote the standby with SELECT pg_promote().",
        )
    } else {
        Verdict::pass("not in recovery")
    }
}

fn wal_level(facts: &ServerFacts) -> Verdict {
    match facts.wal_level.as_str() {
        "" => Verdict::unknown("wal_level was not read"),
        "logical" => Verdict::pass("wal_level = logical"),
        other => Verdict::fail(
            format!("wal_level = {other}"),
            "ALTER SYSTEM SET wal_level = 'logical', then restart the server.",
        ),
    }
}

/// What there is a limited number of.
struct Stock {
    what: &'static str,
    setting: &'static str,
    /// How some can be had without a restart.
    sooner: &'static str,
}

const SLOTS: Stock = Stock {
    what: "replication slots",
    setting: "max_replication_slots",
    sooner: "Drop slots that nobody needs any more (SELECT slot_name FROM pg_replication_slots WHERE NOT active)",
};

const SENDERS: Stock = Stock {
    what: "WAL senders",
    setting: "max_wal_senders",
    sooner: "End replication that nobody needs any more (SELECT * FROM pg_stat_replication)",
};

const WORKERS: Stock = Stock {
    what: "logical replication workers",
    setting: "max_logical_replication_workers",
    sooner: "Drop or disable subscriptions that nobody needs any more (SELECT * FROM pg_stat_subscription)",
};

fn free(stock: &Stock, max: i32, used: i32, needed: i32) -> Verdict {
    let Stock { what, setting, sooner } = stock;
    // Settings may be lowered below what is in use.
    let free = (max - used).max(0);
    let seen = format!("{free} of {max} {what} free, {needed} needed");
    if free >= needed {
        return Verdict::pass(seen);
    }
    let raise = format!("ALTER SYSTEM SET {setting} = {} or more, then restart the server.", used + needed);
    Verdict::fail(seen, if used > 0 { format!("{sooner}, or {raise}") } else { raise })
}

fn slots(side: Side, facts: &ServerFacts) -> Verdict {
    free(&SLOTS, facts.max_slots, facts.used_slots, needed(side))
}

fn senders(side: Side, facts: &ServerFacts) -> Verdict {
    free(&SENDERS, facts.max_senders, facts.used_senders, needed(side))
}

/// A subscription takes an apply worker, and on the target a copying one; with the launcher they are processes.
fn workers(side: Side, facts: &ServerFacts) -> Verdict {
    let needed = match side {
        Side::Source => 1,
        Side::Target => 2,
    };
    let (max, used) = (facts.max_logical_workers, facts.used_logical_workers);
    let free = free(&WORKERS, max, used, needed);
    if !free.opens() {
        return free;
    }
    // Other kinds of workers count too, but come and go.
    let (processes, wanted) = (facts.max_workers, used + needed + 1);
    if processes < wanted {
        return Verdict::fail(
            format!("max_worker_processes = {processes}, at least {wanted} needed"),
            format!("ALTER SYSTEM SET max_worker_processes = {} or more, then restart the server.", wanted.max(8)),
        );
    }
    Verdict::pass(format!("{}, max_worker_processes = {processes}", free.sentence()))
}

/// Both answers can be right; what matters is that somebody knows which.
fn wal_limit(facts: &ServerFacts) -> Verdict {
    match facts.max_slot_wal_keep_bytes {
        -1 => Verdict::pass("max_slot_wal_keep_size = -1: no limit but the disk; watch its free space"),
        0 => Verdict::fail(
            "max_slot_wal_keep_size = 0: WAL that a slot needs is dropped at the next checkpoint",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB' (or -1), then SELECT pg_reload_conf().",
        ),
        bytes if bytes < 0 => Verdict::unknown("max_slot_wal_keep_size was not read"),
        bytes => Verdict::pass(format!(
            "max_slot_wal_keep_size = {} MB: a stream that falls further behind is lost and has to be copied again",
            bytes / 1_048_576
        )),
    }
}
