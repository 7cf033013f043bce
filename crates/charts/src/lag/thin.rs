//! From samples to what can be seen: runs without a gap, and of each pixel column its lowest and highest sample.

use switchyard_model::{
    UnixMs,
    lag::{GAP_MS, LagSample},
};

/// Samples that belong to one unbroken line.
pub(crate) type Run = Vec<LagSample>;

/// The samples inside the range as unbroken runs, each thinned to `columns` over the whole range.
pub(crate) fn runs(samples: &[LagSample], from: UnixMs, to: UnixMs, columns: usize) -> Vec<Run> {
    let column_ms = (to - from) as f64 / columns.max(1) as f64;
    // What is not a number was not measured.
    let inside: Vec<LagSample> =
        samples.iter().copied().filter(|s| s.at >= from && s.at <= to && s.ms.is_finite()).collect();
    let gap = gap_ms(&inside, column_ms);
    inside
        .chunk_by(|a, b| b.at - a.at <= gap)
        .map(|run| {
            let mut thinned = Vec::new();
            for column in run.chunk_by(|a, b| column(a.at, from, column_ms) == column(b.at, from, column_ms)) {
                extremes(column, &mut thinned);
            }
            thinned
        })
        .collect()
}

/// How long nobody may have measured before the line breaks: [`GAP_MS`] for beats each second; in proportion where the
/// samples are rolled up or a pixel stands for minutes, so that thinning alone never looks like a gap.
pub(super) fn gap_ms(samples: &[LagSample], column_ms: f64) -> i64 {
    let mut steps: Vec<i64> = samples.windows(2).map(|w| w[1].at - w[0].at).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let beat_ms = 1_000;
    GAP_MS.max(usual * GAP_MS / beat_ms).max((column_ms * 1.5) as i64)
}

fn column(at: UnixMs, from: UnixMs, column_ms: f64) -> i64 {
    ((at - from) as f64 / column_ms) as i64
}

/// The lowest and the highest, in order of time; one sample where they are the same.
fn extremes(column: &[LagSample], out: &mut Run) {
    let Some(first) = column.first() else { return };
    let (mut low, mut high) = (first, first);
    for s in column {
        if s.ms < low.ms {
            low = s;
        }
        if s.ms > high.ms {
            high = s;
        }
    }
    let (a, b) = if low.at <= high.at { (low, high) } else { (high, low) };
    out.push(*a);
    if a.at != b.at {
        out.push(*b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_second(n: i64, ms: impl Fn(i64) -> f64) -> Vec<LagSample> {
        (0..n).map(|i| LagSample { at: i * 1_000, ms: ms(i) }).collect()
    }

    #[test]
    fn a_spike_of_one_second_survives_a_day() {
        let samples = each_second(86_400, |i| if i == 40_000 { 5_000.0 } else { 200.0 + (i % 7) as f64 });
        let runs = runs(&samples, 0, 86_400_000, 500);
        assert_eq!(runs.len(), 1, "nothing was missing, so the line is whole");
        assert!(runs[0].len() <= 1_001, "two samples per pixel column: {}", runs[0].len());
        assert!(runs[0].iter().any(|s| s.at == 40_000_000 && s.ms == 5_000.0), "the spike is what one looks for");
        assert!(runs[0].windows(2).all(|w| w[0].at < w[1].at), "in order of time");
    }

    #[test]
    fn four_missing_seconds_break_the_line_and_three_do_not() {
        let without = |lost: i64| {
            let mut s = each_second(60, |_| 100.0);
            s.retain(|s| !(20_000..20_000 + lost * 1_000).contains(&s.at));
            runs(&s, 0, 60_000, 500).len()
        };
        assert_eq!(without(2), 1, "3 s between two samples is a slow beat");
        assert_eq!(without(3), 2, "4 s between two samples is a gap");
    }

    #[test]
    fn rolled_up_samples_are_no_gaps() {
        let mut s: Vec<LagSample> = (0..360).map(|i| LagSample { at: i * 60_000, ms: 100.0 }).collect();
        assert_eq!(runs(&s, 0, 360 * 60_000, 500).len(), 1, "one sample a minute is what the store keeps of old days");
        s.retain(|s| !(100 * 60_000..105 * 60_000).contains(&s.at));
        assert_eq!(runs(&s, 0, 360 * 60_000, 500).len(), 2, "five of them missing is a gap");
    }

    #[test]
    fn what_is_not_a_number_was_not_measured() {
        let s = each_second(20, |i| if (5..10).contains(&i) { f64::INFINITY } else { 100.0 });
        assert_eq!(runs(&s, 0, 20_000, 500).len(), 2, "unknown is a gap, neither zero nor high");
    }

    #[test]
    fn outside_of_the_range_is_left_out() {
        let s = each_second(100, |_| 1.0);
        let seen: Vec<i64> = runs(&s, 10_000, 20_000, 500).concat().iter().map(|s| s.at).collect();
        assert_eq!((seen[0], *seen.last().unwrap()), (10_000, 20_000));
    }
}
