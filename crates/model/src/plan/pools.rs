//! Whether both servers have connections enough in every phase, and what a pooler in front of them is given.
//!
//! While reads and writes are on both sides a pool of twenty becomes ten and ten: two full pools would double what the
//! application holds, on the day on which nothing may fail.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Above this share of the limit a phase is warned of.
const HIGH: f64 = 0.8;

/// Sessions of ours on one side, at most: [`HELD`] in all.
pub const OURS: i64 = HELD[0].1 + HELD[1].1 + HELD[2].1 + HELD[3].1;

/// What they are for, and how many each takes at most.
pub const HELD: [(&str, i64); 4] = [
    ("Beats, gates, the catalog and the streams' states", 4),
    ("The fence, during a switch", 1),
    ("The comparison's two", 2),
    ("The one that follows changes", 1),
];

/// How long a client waits for a connection before it is told that there is none, s.
pub const CHECKOUT_S: u32 = 5;

/// What one server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Room {
    /// `max_connections`.
    pub max: i64,
    /// Kept back for superusers and for reserved roles.
    pub reserved: i64,
    /// In use now by others than us.
    pub used: i64,
    /// `max_sync_workers_per_subscription`: each holds a connection to the other side while it copies.
    pub sync_workers: i64,
}

/// One phase on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Need {
    /// The application's, through the pooler.
    pub application: i64,
    /// Those that connect beside it now; they stay where they are until somebody moves them.
    pub others: i64,
    /// Replication's: walsenders are counted by the server apart since version 12, copies are not.
    pub replication: i64,
    /// Ours.
    pub ours: i64,
    /// All of it.
    pub total: i64,
    /// What the server has for it.
    pub room: i64,
    /// What to know; None when there is room enough.
    pub warning: Option<String>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PhaseNeed {
    /// What happens in it.
    pub phase: String,
    /// On the source.
    pub source: Need,
    /// On the target.
    pub target: Need,
}

/// The whole page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Pools {
    /// The application's pool as it is now.
    pub pool: i64,
    /// Its half, per side, while both sides serve.
    pub half: i64,
    /// In their order.
    pub phases: Vec<PhaseNeed>,
    /// For PgBouncer.
    pub ini: String,
    /// What the application's own pool should have, in sentences.
    pub application: Vec<String>,
    /// What we hold on each side, at most.
    pub held: Vec<OurSessions>,
}

/// Sessions of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OurSessions {
    /// What for.
    pub what: String,
    /// How many, at most.
    pub sessions: i64,
}

/// Where the application's pool is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// All of it on the source.
    Source,
    /// Half of it on each side.
    Both,
    /// All of it on the target.
    Target,
}

/// Connections through the phases, for a pool of `pool` connections in all.
pub fn pools(pool: i64, serving: Serving, source: Room, target: Room) -> Pools {
    let half = (pool + 1) / 2;
    let [on_source, on_target] = match serving {
        Serving::Source => [pool, 0],
        Serving::Both => [half, half],
        Serving::Target => [0, pool],
    };
    // What is in use beyond the pool comes from elsewhere: a report, a cron job, a person.
    let others = [(source.used - on_source).max(0), (target.used - on_target).max(0)];
    let phase = |name: &str, on_source: [i64; 2], on_target: [i64; 2]| PhaseNeed {
        phase: name.to_owned(),
        source: need("source", on_source, others[0], source),
        target: need("target", on_target, others[1], target),
    };
    let phases = vec![
        phase("Before the first step", [pool, 0], [0, 0]),
        // Each worker on the target that copies a table holds a session on the source.
        phase("Copy", [pool, target.sync_workers], [0, 0]),
        phase("Replication and validation", [pool, 0], [0, 0]),
        phase("Reads on both sides", [half.max(1), 0], [half.max(1), 0]),
        phase("The write switch", [half.max(1), 0], [half.max(1), 0]),
        phase("Writes on the target", [0, 0], [pool, 0]),
    ];
    let held =
        HELD.iter().map(|(what, sessions)| OurSessions { what: (*what).to_owned(), sessions: *sessions }).collect();
    Pools { pool, half, phases, ini: ini(half), application: application(half), held }
}

fn need(side: &str, [application, replication]: [i64; 2], others: i64, room: Room) -> Need {
    let total = application + replication + others + OURS;
    let has = (room.max - room.reserved).max(0);
    let warning = if total > has {
        Some(format!(
            "The {side} has {has} connections for clients and needs {total}: {} too few. Raise max_connections (a restart), or let \
             the pooler open fewer.",
            total - has
        ))
    } else {
        high(total, has, side)
    };
    Need { application, others, replication, ours: OURS, total, room: has, warning }
}

/// A sentence when a share of the limit is in use from which on it is warned of.
pub fn high(used: i64, room: i64, side: &str) -> Option<String> {
    let near = used as f64 > room as f64 * HIGH;
    near.then(|| format!("{used} of the {side}'s {room} connections are more than {:.0} %.", HIGH * 100.0))
}

fn ini(half: i64) -> String {
    format!(
        "; transaction mode: a connection belongs to a client for the length of a transaction\n\
         pool_mode = transaction\n\
         ; per side while both serve; the whole pool again once one side has everything\n\
         default_pool_size = {half}\n\
         ; clients that find no connection wait so long, and are then told so\n\
         query_wait_timeout = {CHECKOUT_S}\n\
         ; a login that failed is tried again soon: PAUSE can hit one\n\
         server_login_retry = 1\n\
         ; since 1.21, so that prepared statements go on across servers:\n\
         ; max_prepared_statements = 200\n\
         ignore_startup_parameters = extra_float_digits\n"
    )
}

fn application(half: i64) -> Vec<String> {
    vec![
        format!("Per side a pool of {half} connections while both serve."),
        format!("A checkout that fails after {CHECKOUT_S} s, with an error, instead of a thread that waits for ever."),
        "A circuit breaker per side: open after 5 failures in 10 s, one trial after 5 s. A retry storm on a side that just fell \
         keeps it down."
            .to_owned(),
        "Statements that are tried again once after a connection was lost, where they may be: the switch ends none, a crash does."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Room = Room { max: 200, reserved: 3, used: 20, sync_workers: 2 };

    #[test]
    fn a_pool_is_halved_while_both_sides_serve() {
        let p = pools(20, Serving::Source, WIDE, WIDE);
        let both = p.phases.iter().find(|p| p.phase.starts_with("Reads")).unwrap();
        assert_eq!((both.source.application, both.target.application), (10, 10), "20 become 10 and 10");
        assert_eq!(pools(21, Serving::Source, WIDE, WIDE).half, 11, "an odd one is rounded up");
        assert!(p.ini.contains("default_pool_size = 10"));
        assert!(p.phases.iter().all(|p| p.source.warning.is_none() && p.target.warning.is_none()));
    }

    #[test]
    fn a_limit_that_is_near_is_warned_of_before_it_is_reached() {
        let narrow = Room { max: 103, used: 0, ..WIDE };
        let first = |pool| pools(pool, Serving::Source, narrow, WIDE).phases[0].source.warning.clone();
        assert_eq!(first(72), None, "80 of 100");
        assert!(first(73).unwrap().contains("81 of the source's 100"), "above 80 %");
        let too_few = first(95).unwrap();
        assert!(too_few.contains("3 too few"), "{too_few}");
    }

    #[test]
    fn who_connects_beside_the_pooler_is_counted() {
        let p = pools(5, Serving::Source, Room { used: 30, ..WIDE }, Room { used: 4, ..WIDE });
        assert_eq!((p.phases[0].source.others, p.phases[0].target.others), (25, 4));
        assert_eq!(p.phases[0].source.total, 5 + 25 + OURS);
        let after = pools(5, Serving::Target, Room { used: 3, ..WIDE }, Room { used: 9, ..WIDE });
        let others = (after.phases[0].source.others, after.phases[0].target.others);
        assert_eq!(others, (3, 4), "the pool is on the target by now, and is not counted as somebody else there");
    }

    #[test]
    fn the_copy_holds_sessions_on_the_source() {
        let p = pools(10, Serving::Source, WIDE, Room { sync_workers: 6, ..WIDE });
        assert_eq!(p.phases[1].source.replication, 6, "the target's workers, on the source");
    }

    #[test]
    fn what_we_hold_is_told_in_parts_that_make_up_the_whole() {
        let p = pools(20, Serving::Source, WIDE, WIDE);
        assert_eq!(p.held.iter().map(|h| h.sessions).sum::<i64>(), OURS);
        assert_eq!(p.phases[0].source.ours, OURS);
    }
}
