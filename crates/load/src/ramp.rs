//! Climbs from rate to rate until one is not served any more: the knee.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{Bounds, Figures, Hold, Mix, Sessions, Stopped, hold};

/// A rate counts as served when so much of it ended.
const SERVED: f64 = 0.97;

/// Rates to climb through.
#[derive(Debug, Clone, Copy)]
pub struct Ramp {
    /// The first, transactions per second, above 0.
    pub from: f64,
    /// The last, at least the first.
    pub to: f64,
    /// How many, with both ends; each is the same factor above the one before.
    pub steps: u32,
    /// How long each is held.
    pub each: Duration,
}

impl Ramp {
    /// The rates.
    pub fn rates(&self) -> Vec<f64> {
        let gaps = f64::from(self.steps.max(2) - 1);
        let factor = (self.to / self.from).powf(1.0 / gaps);
        let rates = (0..self.steps).map(|n| self.from * factor.powi(n.cast_signed()));
        rates.collect()
    }
}

/// What came of a climb.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Knee {
    /// The highest rate that was served, transactions per second; None when not even the first was.
    pub knee_per_second: Option<f64>,
    /// Why it went no further, in a sentence.
    pub why: String,
    /// One row per rate.
    pub rates: Vec<Figures>,
}

/// Holds one rate after the other until one is not served.
///
/// # Errors
/// As [`hold`].
pub async fn climb(
    sessions: Arc<dyn Sessions>,
    mix: Arc<Mix>,
    template: Hold,
    ramp: Ramp,
    bounds: Bounds,
    stopped: Stopped,
) -> Result<Knee, String> {
    let (mut rates, mut knee) = (Vec::new(), None);
    for per_second in ramp.rates() {
        let step = Hold { per_second, time: ramp.each, ..template.clone() };
        let figures = hold(sessions.clone(), mix.clone(), step, bounds, stopped.clone()).await?;
        let why_not = not_served(&figures, &bounds);
        rates.push(figures);
        if let Some(why) = why_not {
            return Ok(Knee { knee_per_second: knee, why: format!("{per_second:.0} a second: {why}"), rates });
        }
        knee = Some(per_second);
    }
    Ok(Knee { knee_per_second: knee, why: "Every rate that was asked for was served.".to_owned(), rates })
}

/// Why a rate is not served; None when it is.
fn not_served(f: &Figures, bounds: &Bounds) -> Option<String> {
    if let Some(why) = &f.stopped {
        return Some(why.clone());
    }
    if let Some((p99, limit)) = f.latency.map(|l| l.p99_ms).zip(bounds.p99_ms).filter(|(p99, limit)| p99 > limit) {
        return Some(format!("P99 was {p99:.1} ms, limit {limit} ms."));
    }
    let ended = (f.transactions + f.failed) as f64;
    let share = f.failed as f64 / ended.max(1.0);
    if let Some(limit) = bounds.failed.filter(|limit| share > *limit) {
        return Some(format!("{:.1} % failed, limit {:.1} %.", share * 100.0, limit * 100.0));
    }
    (f.reached_per_second < f.asked_per_second * SERVED)
        .then(|| format!("{:.0} of {:.0} a second ended.", f.reached_per_second, f.asked_per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_a_factor_apart_and_end_where_asked() {
        let ramp = Ramp { from: 100.0, to: 1_600.0, steps: 5, each: Duration::from_secs(1) };
        let rates: Vec<i64> = ramp.rates().iter().map(|r| r.round() as i64).collect();
        assert_eq!(rates, [100, 200, 400, 800, 1_600]);
        assert_eq!(Ramp { steps: 1, ..ramp }.rates(), [100.0], "one step is the first rate");
    }
}
