//! Counters of a server that only grow, except when they are set back.

/// By how much it grew. A counter that went backwards was set back to zero in between, and has grown since by what it shows.
pub(super) fn grown(before: f64, after: f64) -> f64 {
    if after >= before { after - before } else { after }
}

/// The same of a sum over entries that come and go: one that went backwards says nothing, since what it shows was there before.
pub(super) fn grown_sum(before: f64, after: f64) -> Option<f64> {
    (after >= before).then_some(after - before)
}
