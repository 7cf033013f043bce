//! What a window asks load to be, and what came of it.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use switchyard_load::{Figures, Mix, Ramp, Script, script::Variables};
use switchyard_model::figure;

use super::{LONGEST, full_path, listed::left_out};
use crate::{
    capture::as_load,
    dto::*,
    load::{How, LoadRequest, Loaded, SESSIONS, bounds},
    verify::End,
};

/// Draws the same each time.
const SEED: u64 = 1;

/// Load that was asked for and can be; a capture is read when it begins.
pub(super) struct Asked {
    at: String,
    of: Of,
    how: LoadHow,
    time: Duration,
    sessions: Option<usize>,
    bounds: switchyard_load::Bounds,
}

enum Of {
    Capture { file: PathBuf, times: f64 },
    Script(Mix),
}

impl Asked {
    /// # Errors
    /// `invalid`, with every problem in a sentence.
    pub(super) fn of(args: &LoadStart) -> Result<Asked, ApiError> {
        let invalid = |why: String| ApiError::problems(&[why]);
        if !(1..=LONGEST).contains(&args.seconds) {
            return Err(invalid("The time has to be above 0 and at most 7 days.".to_owned()));
        }
        let of = match &args.of {
            LoadOf::Capture { file, times } => {
                if !(times.is_finite() && *times > 0.0) {
                    return Err(invalid(format!("{times} times the capture's rate is none: give more than 0.")));
                }
                Of::Capture { file: full_path(file)?, times: *times }
            }
            LoadOf::Script { text } => {
                let script = Script::read("The script", text).map_err(invalid)?;
                Of::Script(Mix::of(vec![(script, 1)]).map_err(invalid)?)
            }
        };
        if matches!((&of, args.how), (Of::Script(_), LoadHow::Hold { per_second: None })) {
            return Err(invalid("A script has no rate of its own: give one.".to_owned()));
        }
        Ok(Asked {
            at: args.at.clone(),
            of,
            how: args.how,
            time: Duration::from_secs(u64::from(args.seconds)),
            sessions: args.sessions.map(|n| n as usize),
            bounds: bounds(args.max_p99_ms, args.max_failed).map_err(invalid)?,
        })
    }

    /// The same, with its capture read.
    pub(super) async fn request(self) -> Result<LoadRequest, ApiError> {
        let (mix, capture, times) = match self.of {
            Of::Capture { file, times } => {
                let mixed = as_load(file, SEED).await?;
                (mixed.mix, Some(mixed.about), times)
            }
            Of::Script(mix) => (mix, None, 1.0),
        };
        let captured = capture.as_ref().map_or(0.0, |about| about.per_second * times);
        let how = match self.how {
            LoadHow::Hold { per_second } => How::Hold { per_second: per_second.unwrap_or(captured), time: self.time },
            LoadHow::Ramp { from, to, steps } => How::Climb(Ramp { from, to, steps, each: self.time }),
        };
        Ok(LoadRequest {
            at: End { reference: self.at, password: None },
            mix,
            sessions: self.sessions.or(capture.as_ref().map(|about| about.most_at_once)).unwrap_or(SESSIONS),
            capture,
            how,
            variables: Variables::new(),
            seed: SEED,
            bounds: self.bounds,
        })
    }
}

pub(super) fn result(loaded: Loaded) -> LoadResult {
    let says = says(&loaded);
    let served = loaded.is_served();
    let mut errors: BTreeMap<String, LoadError> = BTreeMap::new();
    for (class, counted) in loaded.rates.iter().flat_map(|f| &f.errors) {
        let error =
            errors.entry(class.clone()).or_insert(LoadError { class: class.clone(), times: 0, newest: String::new() });
        error.times += counted.times;
        error.newest.clone_from(&counted.newest);
    }
    let mut errors: Vec<LoadError> = errors.into_values().collect();
    errors.sort_by_key(|e| std::cmp::Reverse(e.times));
    // Rates that were climbed through before the one that was not served.
    let knee_at =
        loaded.knee_per_second.map(|_| if served { loaded.rates.len() } else { loaded.rates.len().saturating_sub(1) });
    let rates = loaded.rates.iter().enumerate();
    LoadResult {
        served,
        says,
        at: loaded.at,
        read_only: loaded.read_only,
        rates: rates.map(|(n, f)| rate(f, knee_at == Some(n + 1))).collect(),
        knee_per_second: loaded.knee_per_second,
        errors,
        drawn: loaded.capture.as_ref().map(|about| {
            format!(
                "Drawn from {} captured transactions, {:.1} a second, at most {} at once.",
                figure::count(i64::try_from(about.transactions).unwrap_or(i64::MAX)),
                about.per_second,
                about.most_at_once
            )
        }),
        left_out: loaded.capture.map_or_else(Vec::new, |about| left_out(about.left_out)),
    }
}

fn says(loaded: &Loaded) -> String {
    let per_second = |rate: f64| figure::count(rate.round() as i64);
    match (loaded.knee_per_second, &loaded.why) {
        (Some(knee), Some(why)) => format!("Served up to {} a second. {why}", per_second(knee)),
        (Some(knee), None) => format!("Every rate was served, up to {} a second.", per_second(knee)),
        (None, Some(why)) => format!("Not served. {why}"),
        (None, None) => match loaded.rates.as_slice() {
            [f] => {
                format!("Served: {} of {} a second.", per_second(f.reached_per_second), per_second(f.asked_per_second))
            }
            _ => "Served.".to_owned(),
        },
    }
}

fn rate(f: &Figures, is_knee: bool) -> LoadRate {
    LoadRate {
        asked: f.asked_per_second,
        reached: f.reached_per_second,
        transactions: f.transactions,
        failed: f.failed,
        latency: f.latency.map(ReadSpread::from),
        late: f.late.map(ReadSpread::from),
        timing: f.timing.map(ReadSpread::from),
        left_waiting: f.left_waiting,
        is_knee,
    }
}
