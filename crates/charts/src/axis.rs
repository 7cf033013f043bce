//! Ticks: round values on the lag axis, round local times on the time axis.

use switchyard_model::UnixMs;

/// The unit in which a lag axis is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

impl Unit {
    fn for_top(top_ms: f64) -> Unit {
        if top_ms < 1_000.0 {
            Unit::Milliseconds
        } else if top_ms < 180_000.0 {
            Unit::Seconds
        } else if top_ms < 3.0 * 3_600_000.0 {
            Unit::Minutes
        } else {
            Unit::Hours
        }
    }

    fn ms(self) -> f64 {
        match self {
            Unit::Milliseconds => 1.0,
            Unit::Seconds => 1_000.0,
            Unit::Minutes => 60_000.0,
            Unit::Hours => 3_600_000.0,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Minutes => "min",
            Unit::Hours => "h",
        }
    }
}

/// The lag axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LagAxis {
    /// Value at the top edge, ms.
    pub(crate) top_ms: f64,
    /// Value in ms and label of each tick, from 0 up; only the topmost names the unit.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// An axis from 0 on which `highest_ms` fits, with about `wanted` steps.
pub(crate) fn lag_axis(highest_ms: f64, wanted: usize) -> LagAxis {
    let axis = axis_in(Unit::for_top(highest_ms), highest_ms, wanted);
    // Four digits and their unit are wider than the margin.
    if highest_ms < 1_000.0 && axis.top_ms >= 1_000.0 { axis_in(Unit::Seconds, highest_ms, wanted) } else { axis }
}

fn axis_in(unit: Unit, highest_ms: f64, wanted: usize) -> LagAxis {
    let highest = (highest_ms / unit.ms()).max(f64::MIN_POSITIVE);
    let step = nice_step(highest / wanted.max(1) as f64);
    let steps = (highest / step - 1e-9).ceil().max(1.0) as usize;
    let decimals = if step >= 1.0 { 0 } else { (-step.log10()).ceil().max(0.0) as usize };
    // 0.25 has two digits although its magnitude has one.
    let decimals = if (step * 10f64.powi(decimals as i32)).fract().abs() > 1e-6 { decimals + 1 } else { decimals };
    let ticks = (0..=steps).map(|n| {
        let value = n as f64 * step;
        let label = match n {
            0 => "0".to_owned(),
            _ if n == steps => format!("{value:.decimals$} {}", unit.word()),
            _ => format!("{value:.decimals$}"),
        };
        (value * unit.ms(), label)
    });
    LagAxis { top_ms: steps as f64 * step * unit.ms(), ticks: ticks.collect() }
}

/// The next of 1, 2, 2.5, 5, 10 × a power of ten.
fn nice_step(least: f64) -> f64 {
    let magnitude = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * magnitude).find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(least)
}

/// A length of time with its unit: `500 ms`, `1.0 s`, `2.5 min`.
pub(crate) fn span(ms: f64) -> String {
    if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else if ms < 60_000.0 {
        format!("{:.1} s", ms / 1_000.0)
    } else if ms < 3_600_000.0 {
        format!("{:.1} min", ms / 60_000.0)
    } else {
        format!("{:.1} h", ms / 3_600_000.0)
    }
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const TIME_STEPS: [i64; 20] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    7 * 24 * HOUR,
];

/// Times and labels between `from` and `to`, at most `most` of them, on round local times.
pub(crate) fn time_ticks(from: UnixMs, to: UnixMs, most: usize, utc_offset_minutes: i32) -> Vec<(UnixMs, String)> {
    let least = (to - from) / most.max(1) as i64;
    let step = TIME_STEPS.into_iter().find(|s| *s >= least).unwrap_or(30 * 24 * HOUR);
    let offset = i64::from(utc_offset_minutes) * MINUTE;
    let first = (from + offset).div_euclid(step) * step - offset;
    (0..)
        .map(|n| first + n * step)
        .skip_while(|t| *t < from)
        .take_while(|t| *t <= to)
        .map(|t| (t, clock(t, utc_offset_minutes, step < MINUTE)))
        .collect()
}

/// `11:35`, local; with seconds where they matter.
pub(crate) fn clock(at: UnixMs, utc_offset_minutes: i32, seconds: bool) -> String {
    let local = at.div_euclid(SECOND) + i64::from(utc_offset_minutes) * 60;
    let of_day = local.rem_euclid(86_400);
    let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    if seconds { format!("{h:02}:{m:02}:{s:02}") } else { format!("{h:02}:{m:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(highest_ms: f64) -> Vec<String> {
        lag_axis(highest_ms, 4).ticks.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn lag_ticks_are_round_and_the_top_names_the_unit() {
        assert_eq!(labels(1_600.0), ["0", "0.5", "1.0", "1.5", "2.0 s"]);
        assert_eq!(labels(1_000.0), ["0", "0.25", "0.50", "0.75", "1.00 s"], "digits stay aligned");
        assert_eq!(labels(700.0), ["0", "200", "400", "600", "800 ms"]);
        assert_eq!(labels(850.0), ["0", "0.25", "0.50", "0.75", "1.00 s"], "what would reach a second is in seconds");
        assert_eq!(labels(600_000.0), ["0", "2.5", "5.0", "7.5", "10.0 min"]);
        assert_eq!(labels(0.4), ["0", "0.1", "0.2", "0.3", "0.4 ms"]);
        assert_eq!(labels(86_400_000.0).last().unwrap(), "30 h");
    }

    #[test]
    fn everything_fits_below_the_top() {
        for n in 1..4_000 {
            let highest = 1.7f64.powi(n % 40) * f64::from(n) / 40.0;
            let axis = lag_axis(highest, 4);
            assert!(axis.top_ms >= highest * (1.0 - 1e-9), "{highest} does not fit below {}", axis.top_ms);
            assert!(axis.ticks.len() <= 7, "{highest}: {} ticks crowd the axis", axis.ticks.len());
        }
    }

    #[test]
    fn times_are_local_and_round() {
        // 2026-11-24 10:33:20 UTC, an hour ahead: 11:33:20.
        let from = 1_795_516_400_000;
        let ticks = time_ticks(from, from + 30 * MINUTE, 7, 60);
        let labels: Vec<&str> = ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(labels, ["11:35", "11:40", "11:45", "11:50", "11:55", "12:00"]);
        let half = time_ticks(from, from + 6 * HOUR, 7, 330);
        assert!(
            half.iter().all(|t| t.1.ends_with(":00")),
            "zones that are off by half an hour get full hours: {half:?}"
        );
        assert_eq!(clock(-1_000, 0, true), "23:59:59", "before 1970 there were times, too");
    }
}
