//! Latency over time: percentiles as they were measured, of both sides, and how far apart they are.

use switchyard_charts::{LatencyChartInput, Theme, latency_chart};
use switchyard_engine::store::{Bucket, MigrationId, Series};
use switchyard_model::{
    Side, UnixMs,
    lag::LagSample,
    limits::Limits,
    reads::{Percentile, Timed, allowed_ms},
};

use crate::{Switchyard, charts::marks, dto::*};

/// Percentiles are taken down each five seconds; after three misses nobody measures any more.
const COUNTS_MS: i64 = 20_000;

/// What was kept of one side, by percentile.
struct Kept {
    side: Side,
    by: Vec<(Percentile, Vec<Bucket>)>,
}

impl Switchyard {
    /// Percentiles of both sides over time, with a picture of one of them.
    pub(crate) async fn latency_chart(&self, args: LatencyChartRequest) -> Result<LatencyChart, ApiError> {
        let in_range = (1..=44_640).contains(&args.minutes)
            && (200..=4000).contains(&args.width)
            && (100..=2000).contains(&args.height);
        if !in_range {
            let message = "The chart's range or size is out of bounds: 1–44 640 minutes, 200–4000 × 100–2000 pixels.";
            return Err(ApiError::new("invalid", message, "Ask for less."));
        }
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let to = self.parts.clock.now();
        let from = to - i64::from(args.minutes) * 60_000;
        let source = self.kept_latency(id, args.what, Side::Source, (from, to)).await?;
        let target = self.kept_latency(id, args.what, Side::Target, (from, to)).await?;
        let marks: Vec<(i64, String)> = marks(&state.route_changes).into_iter().filter(|(at, _)| *at >= from).collect();
        let what = match args.what {
            Timed::Reads => format!("{} of reads", args.percentile.word()),
            Timed::Writes => format!("{} of writes", args.percentile.word()),
        };
        let svg = latency_chart(&LatencyChartInput {
            what: &what,
            source: &source.line(args.percentile),
            target: &target.line(args.percentile),
            from,
            to,
            marks: &marks,
            width: args.width,
            height: args.height,
            theme: if args.dark { Theme::Dark } else { Theme::Light },
            utc_offset_minutes: args.utc_offset_minutes,
        })
        .map_err(|e| ApiError::new("failed", format!("The chart could not be drawn: {e}."), "Try another size."))?;
        let sides = vec![source.told(args.what, state.authority), target.told(args.what, state.authority)];
        Ok(LatencyChart {
            svg,
            within: ratio(&sides).and_then(|_| within(&sides, state.limits())),
            ratio: ratio(&sides),
            worst: worst(source.of(args.percentile), target.of(args.percentile)),
            sides,
            notes: notes(args.what),
            counts_ms: COUNTS_MS,
            from,
            to,
        })
    }

    async fn kept_latency(
        &self,
        id: MigrationId,
        what: Timed,
        side: Side,
        (from, to): (UnixMs, UnixMs),
    ) -> Result<Kept, ApiError> {
        let mut by = Vec::new();
        for percentile in Percentile::ALL {
            let series = Series::latency(what, side, percentile);
            by.push((percentile, self.parts.store.samples(id, series, from, to, to).await?));
        }
        Ok(Kept { side, by })
    }
}

impl Kept {
    fn of(&self, percentile: Percentile) -> &[Bucket] {
        self.by.iter().find(|(p, _)| *p == percentile).map_or(&[], |(_, buckets)| buckets)
    }

    /// A rolled-up bucket keeps its spike: its highest is drawn, and never a mean.
    fn line(&self, percentile: Percentile) -> Vec<LagSample> {
        self.of(percentile).iter().map(|b| LagSample { at: b.at, ms: b.high }).collect()
    }

    fn spread(&self, pick: impl Fn(&[Bucket]) -> Option<f64>) -> Option<ReadSpread> {
        let one = |p| pick(self.of(p));
        Some(ReadSpread { p50_ms: one(Percentile::P50)?, p95_ms: one(Percentile::P95)?, p99_ms: one(Percentile::P99)? })
    }

    fn told(&self, what: Timed, authority: Side) -> SideLatency {
        let newest = self.spread(|b| b.last().map(|b| b.high));
        let missing = match what {
            Timed::Writes if self.side != authority => {
                format!("Writes are not measured on the {}: nobody but the stream writes there.", self.side)
            }
            Timed::Writes => {
                "No beat was committed in this time: beats begin with Prepare, while somebody drives.".to_owned()
            }
            Timed::Reads => {
                "No read was probed in this time: probes run while rows stream and somebody drives.".to_owned()
            }
        };
        SideLatency {
            side: self.side,
            at: self.of(Percentile::P99).last().map(|b| b.at),
            highest: self.spread(|b| b.iter().map(|b| b.high).max_by(f64::total_cmp)),
            missing: newest.is_none().then_some(missing),
            newest,
        }
    }
}

/// Only of figures of the same time: the one of a side that is no longer measured is compared with nothing.
fn ratio(sides: &[SideLatency]) -> Option<ReadSpread> {
    let [source, target] = sides else { return None };
    let apart = (source.at? - target.at?).abs();
    let (s, t) = (source.newest?, target.newest?);
    let of = |s: f64, t: f64| (s > 0.0).then(|| t / s);
    let all = ReadSpread {
        p50_ms: of(s.p50_ms, t.p50_ms)?,
        p95_ms: of(s.p95_ms, t.p95_ms)?,
        p99_ms: of(s.p99_ms, t.p99_ms)?,
    };
    (apart <= COUNTS_MS).then_some(all)
}

/// The same comparison as the gate's.
fn within(sides: &[SideLatency], limits: &Limits) -> Option<bool> {
    let [source, target] = sides else { return None };
    let (s, t) = (source.newest?, target.newest?);
    let fits = |s, t| t <= allowed_ms(limits, s);
    Some(fits(s.p95_ms, t.p95_ms) && fits(s.p99_ms, t.p99_ms))
}

fn worst(source: &[Bucket], target: &[Bucket]) -> Option<RatioAt> {
    let both = target.iter().filter_map(|t| {
        let at = source.binary_search_by_key(&t.at, |s| s.at).ok()?;
        let s = source.get(at).filter(|s| s.high > 0.0)?;
        Some(RatioAt { at: t.at, ratio: t.high / s.high })
    });
    both.max_by(|a, b| a.ratio.total_cmp(&b.ratio))
}

fn notes(what: Timed) -> Vec<String> {
    let all: &[&str] = match what {
        Timed::Reads => &[
            "Percentiles of the last minute's probes: the same rows, read by key on both sides at once. They show the server and \
             the way to it, and not what the application's own statements cost.",
            "They are taken down each five seconds. Of times longer ago than a day the highest of each minute is shown, and none is averaged.",
        ],
        Timed::Writes => &[
            "Percentiles of the newest 300 commits of beats, one a second, on the side with the authority: one small row and its \
             flush to disk. They show no wait for locks, and not what the application's own writes cost.",
            "The other side takes no writes but the stream's, so both sides are never measured at the same time.",
        ],
    };
    all.iter().map(|n| (*n).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(at: UnixMs, high: f64) -> Bucket {
        Bucket { at, n: 1, low: high, high, total: high }
    }

    fn kept(side: Side, at: UnixMs, ms: f64) -> Kept {
        Kept { side, by: Percentile::ALL.map(|p| (p, vec![bucket(at, ms)])).to_vec() }
    }

    #[test]
    fn ratios_are_of_the_same_time_alone() {
        let told = |source, target| {
            let one = |side, at, ms| kept(side, at, ms).told(Timed::Reads, Side::Source);
            ratio(&[one(Side::Source, source, 2.0), one(Side::Target, target, 5.0)]).map(|r| r.p99_ms)
        };
        assert_eq!(told(1_000, 2_000), Some(2.5));
        assert_eq!(told(1_000, 60_000), None, "a side that fell silent is not compared with what came later");
        let (source, target) = ([bucket(1, 2.0), bucket(3, 1.0)], [bucket(1, 2.0), bucket(2, 90.0), bucket(3, 4.0)]);
        assert_eq!(worst(&source, &target), Some(RatioAt { at: 3, ratio: 4.0 }), "what stands alone has no ratio");
    }

    #[test]
    fn what_is_not_measured_says_why() {
        let none = Kept { side: Side::Target, by: vec![] };
        let why = |what| none.told(what, Side::Source).missing.unwrap();
        assert!(why(Timed::Writes).contains("nobody but the stream"), "{}", why(Timed::Writes));
        assert!(why(Timed::Reads).contains("while rows stream"), "{}", why(Timed::Reads));
        assert_eq!(kept(Side::Source, 1, 1.0).told(Timed::Reads, Side::Source).missing, None);
    }
}
