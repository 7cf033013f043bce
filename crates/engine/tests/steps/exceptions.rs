//! Which steps need not keep all of the contract, and why.

/// What is not asked of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// Its undo leaves what it made; another step's undo takes it away.
    Keeps,
    /// It waits for what another step has set going, so there is nothing of its own to see outside.
    Waits,
}

/// Name, what is not asked, why.
const EXCEPTIONS: &[(&str, Exception, &str)] = &[
    ("restore_keys", Exception::Keeps, "keys go with their tables, which the undo of the structure drops"),
    ("restore_rest", Exception::Keeps, "the next attempt goes on behind what is there; it goes with the tables"),
    ("resume", Exception::Keeps, "clients that go on are not made to wait again; the undo of the pause lets them go"),
    ("let_writes_in", Exception::Keeps, "writers that were let in are not refused again"),
    ("copy", Exception::Waits, "the subscription copies; its undo empties the tables"),
];

/// The exception of a step; None for those that keep the whole contract.
pub fn of(step: &str) -> Option<Exception> {
    EXCEPTIONS.iter().find(|(name, ..)| *name == step).map(|(_, exception, _)| *exception)
}
