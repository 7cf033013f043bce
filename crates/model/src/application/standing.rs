//! Where one metric stands now.

use super::{Bound, COUNTS_MS, Metric, MetricFact, SetUp, Unread};
use crate::{UnixMs, figure, gate::duration};

/// Where it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Within its limit, for long enough.
    Within {
        /// For how long, seconds.
        held_s: i64,
    },
    /// Within its limit, and not for long enough.
    Waits {
        /// For how long, seconds.
        held_s: i64,
        /// When it will be.
        opens_at: UnixMs,
    },
    /// Beyond its limit.
    Wrong {
        /// How far, as a share of the limit: tells the worst.
        beyond: f64,
    },
    /// Nobody knows.
    Unknown(Unread),
}

/// Judges what is known of a metric.
pub fn standing(of: &SetUp, fact: Option<&MetricFact>, now: UnixMs) -> Standing {
    let metric = &of.metric;
    let unknown = |why: String, remedy: &str| Standing::Unknown(Unread { why, remedy: remedy.to_owned() });
    let Some(fact) = fact else {
        return unknown("it was not read yet".to_owned(), "Wait some seconds; it is read while somebody drives.");
    };
    let age = now - fact.at;
    if age > COUNTS_MS {
        let why = format!("it was last read {} ago", duration(age / 1000));
        return unknown(why, "It is read while somebody drives the migration.");
    }
    if age < -crate::lag::GAP_MS {
        let why = "it was last read at a time that is yet to come: this machine's clock was set back".to_owned();
        return unknown(why, "Set the clock right.");
    }
    match &fact.read {
        Err(unread) => Standing::Unknown(unread.clone()),
        Ok(reading) if !metric.allows(reading.value) => Standing::Wrong { beyond: beyond(metric, reading.value) },
        Ok(_) => {
            let since = fact.within.map_or(now, |(since, _)| since);
            let (held_s, needed) = ((now - since) / 1000, i64::from(metric.for_s));
            if held_s >= needed {
                return Standing::Within { held_s };
            }
            Standing::Waits { held_s, opens_at: since + needed * 1000 }
        }
    }
}

/// How far a value is beyond the limit, as a share of it.
fn beyond(metric: &Metric, value: f64) -> f64 {
    let apart = match metric.bound {
        Bound::Above => value - metric.limit,
        Bound::Below => metric.limit - value,
    };
    if metric.limit == 0.0 { f64::INFINITY } else { apart / metric.limit.abs() }
}

/// `checkout p95 312 ms, limit 250 ms`; `below` is said, since above is what one expects.
pub fn written(metric: &Metric, value: f64) -> String {
    let least = match metric.bound {
        Bound::Above => "limit",
        Bound::Below => "at least",
    };
    let (mut shown, limit) = (number(value, 4), number(metric.limit, 4));
    if shown == limit && value != metric.limit {
        shown = number(value, 12);
    }
    let unit = unit(&metric.unit);
    format!("{} {shown}{unit}, {least} {limit}{unit}", metric.name)
}

/// A unit that is a word stands apart, a percent sign too; a slash is close: `3 ms`, `0.4 %`, `12/s`.
fn unit(unit: &str) -> String {
    if unit.is_empty() || unit.starts_with('/') { unit.to_owned() } else { format!(" {unit}") }
}

/// So many digits that count, and none that say nothing.
fn number(value: f64, digits: i32) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-6..1e15).contains(&size) {
        return format!("{value:e}");
    }
    let after = (digits - 1 - size.log10().floor() as i32).clamp(0, 15) as usize;
    let text = format!("{value:.after$}");
    if !text.contains('.') {
        return match text.parse::<i64>() {
            Ok(whole) if size >= 10_000.0 => figure::count(whole),
            _ => text,
        };
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_count() {
        let shown = [0.0, 0.1 + 0.2, 312.04, 250.0, 0.000_123_4, 1_234_567.0, -4.5].map(|n| number(n, 4));
        assert_eq!(shown, ["0", "0.3", "312", "250", "0.0001234", "1\u{202f}234\u{202f}567", "-4.5"]);
        assert_eq!([number(1e300, 4), number(1e-9, 4)], ["1e300", "1e-9"]);
    }
}
