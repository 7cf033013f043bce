//! The lag chart: samples from the store, drawn by the charts crate.

use switchyard_charts::{LagChartInput, Theme, lag_chart};
use switchyard_engine::store::{Bucket, Series};
use switchyard_model::{Side, lag::LagSample};

use crate::{Switchyard, cockpit, dto::*};

impl Switchyard {
    pub(crate) async fn lag_chart(&self, args: LagChartRequest) -> Result<LagChart, ApiError> {
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
        let series = match args.from {
            Side::Source => Series::LagForward,
            Side::Target => Series::LagReverse,
        };
        let buckets = self.parts.store.samples(id, series, from, to, to).await?;
        let samples: Vec<LagSample> = buckets.iter().flat_map(points).collect();
        let marks: Vec<(i64, String)> = marks(&state.route_changes).into_iter().filter(|(at, _)| *at >= from).collect();
        let limit_ms = f64::from(cockpit::lag_limit_ms(&state, args.from));
        let drawn = lag_chart(&LagChartInput {
            samples: &samples,
            from,
            to,
            limit_ms,
            marks: &marks,
            width: args.width,
            height: args.height,
            theme: if args.dark { Theme::Dark } else { Theme::Light },
            utc_offset_minutes: args.utc_offset_minutes,
        })
        .map_err(|e| ApiError::new("failed", format!("The chart could not be drawn: {e}."), "Try another size."))?;
        Ok(LagChart {
            svg: drawn.svg,
            samples: drawn.samples,
            limit_ms,
            count: buckets.iter().map(|b| b.n).sum::<i64>().clamp(0, i64::from(u32::MAX)) as u32,
            worst_ms: buckets.iter().map(|b| b.high).max_by(f64::total_cmp),
            plot_left: drawn.plot_left,
            plot_right: drawn.plot_right,
            from,
            to,
        })
    }
}

/// A rolled-up bucket keeps its spike: lowest and highest both become points.
fn points(bucket: &Bucket) -> Vec<LagSample> {
    if bucket.n == 1 {
        return vec![LagSample { at: bucket.at, ms: bucket.high }];
    }
    vec![LagSample { at: bucket.at, ms: bucket.low }, LagSample { at: bucket.at, ms: bucket.high }]
}

/// A mark for each change of the route: `5 % → 10 %`, `writes → target`.
pub(crate) fn marks(changes: &[(i64, switchyard_model::router::Route)]) -> Vec<(i64, String)> {
    let mut before = switchyard_model::router::Route::SOURCE;
    let mut out = Vec::new();
    for (at, route) in changes {
        let label = if route.writes == before.writes {
            format!("{} % → {} %", before.reads_on_target, route.reads_on_target)
        } else {
            format!("writes → {}", route.writes)
        };
        out.push((*at, label));
        before = *route;
    }
    out
}
