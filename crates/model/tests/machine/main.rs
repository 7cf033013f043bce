//! The cutover machine, explored: every order of every move up to a bound, and every law in every state.
//!
//! Which rules are needed is shown by machines in which one of them is broken: each is found out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod explored;
mod walked;
mod wrong;

use std::time::Instant;

use explored::{Bounds, Explored};
use switchyard_model::machine::{LAWS, Rules};

/// Far enough for a switch and its way back by two operators with three faults on the way, and for a third command with two.
const BOUNDS: [Bounds; 2] =
    [Bounds { faults: 3, commands: 2, writes: 2 }, Bounds { faults: 2, commands: 3, writes: 2 }];

/// Every wrong machine is found out within one of these.
const WRONG_BOUNDS: [Bounds; 2] =
    [Bounds { faults: 2, commands: 3, writes: 2 }, Bounds { faults: 1, commands: 4, writes: 2 }];

#[test]
fn every_law_holds_in_every_state() {
    let mut total = 0;
    for offline in [false, true] {
        for bounds in BOUNDS {
            let began = Instant::now();
            let found = Explored::by(Rules::engine(offline), bounds).explore(None);
            if let Some(broken) = found.broken {
                panic!("{} after {} states\n{broken}", if offline { "offline" } else { "live" }, found.states);
            }
            total += found.states;
            println!(
                "{}: at most {} faults, {} commands and {} writes: {} states, {:.1} s",
                if offline { "offline" } else { "live" },
                bounds.faults,
                bounds.commands,
                bounds.writes,
                found.states,
                began.elapsed().as_secs_f64()
            );
            assert!(found.states > 100_000, "a machine that hardly moves proves nothing");
        }
    }
    println!("{total} states explored, {} laws hold in each", LAWS.len());
}

#[test]
fn every_wrong_machine_is_found_out_by_its_law() {
    let mut missed = Vec::new();
    for wrong in wrong::WRONG {
        assert!(LAWS.iter().any(|law| law.name == wrong.law), "{} names no law", wrong.what);
        let mut rules = Rules::engine(wrong.offline);
        (wrong.spoil)(&mut rules);
        assert_ne!(rules, Rules::engine(wrong.offline), "{}: nothing was spoiled", wrong.what);
        let broken =
            WRONG_BOUNDS.into_iter().find_map(|b| Explored::by(rules.clone(), b).explore(Some(wrong.law)).broken);
        match broken {
            Some(broken) => {
                println!("{}: “{}” is broken after {} moves", wrong.what, broken.law, broken.path.len());
                if std::env::var_os("SWITCHYARD_PATHS").is_some() {
                    println!("{broken}");
                }
            }
            None => missed.push(format!("{}: “{}” holds", wrong.what, wrong.law)),
        }
    }
    assert!(missed.is_empty(), "not found out:\n{}", missed.join("\n"));
    println!("{} wrong machines, all found out", wrong::WRONG.len());
}

#[test]
fn every_law_finds_a_wrong_machine_out() {
    for law in &LAWS {
        assert!(
            wrong::WRONG.iter().any(|wrong| wrong.law == law.name),
            "nothing shows that this is looked at: {}",
            law.name
        );
    }
}
