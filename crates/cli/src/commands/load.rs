//! `load`: scripts at a rate, on a database that is no authority.

use std::time::Duration;

use switchyard_api::{
    capture::as_load,
    dto::ApiError,
    load::{How, LoadRequest, Loaded, SESSIONS, bounds},
    verify::End,
};
use switchyard_load::{
    Figures, Mix, Ramp, Script, Second, Stopped,
    script::{Expression, Number, Variables},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::{LoadArgs, LoadCmd},
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, cmd: LoadCmd) -> Result<Answer, ApiError> {
    let LoadCmd::Run(args) = cmd;
    warn_of_password(&args.at);
    let request = request(args).await?;
    let (tell, told) = unbounded_channel();
    let stopped = Stopped { seconds: Some(tell), ..Stopped::default() };
    let stop = Stopped { stop: stopped.stop.clone(), seconds: None };
    let load = ctl.api.load(request, stopped);
    let loaded = tokio::select! {
        loaded = load => loaded?,
        never = look_on(told, stop) => match never {},
    };
    if ctl.json {
        output::json(&loaded);
    } else {
        print(&loaded);
    }
    Ok(if loaded.is_served() { Answer::Yes } else { Answer::No })
}

/// Tells each second on stderr; an interrupt ends the load in order.
async fn look_on(mut told: UnboundedReceiver<Second>, load: Stopped) -> std::convert::Infallible {
    loop {
        tokio::select! {
            Some(second) = told.recv() => {
                let p99 = second.p99_ms.map_or(String::new(), |ms| format!(", P99 {ms:.1} ms"));
                tell!("{} ended, {} failed, {} wait{p99}", second.ended, second.failed, second.waiting);
            }
            interrupted = tokio::signal::ctrl_c(), if !load.stop.is_cancelled() => match interrupted {
                Ok(()) => load.stop.cancel(),
                Err(_) => std::future::pending().await,
            },
            else => std::future::pending().await,
        }
    }
}

async fn request(args: LoadArgs) -> Result<LoadRequest, ApiError> {
    let invalid = |why: String| ApiError::new("invalid", why, "See switchyardctl load run --help.");
    let time = Duration::try_from_secs_f64(args.seconds)
        .map_err(|_| invalid(format!("--seconds {} is not a time that can be waited for.", args.seconds)))?;
    let (mix, capture) = match args.capture.clone() {
        Some(file) => {
            let mixed = as_load(file, args.seed).await?;
            (mixed.mix, Some(mixed.about))
        }
        None => {
            let scripts: Result<Vec<(Script, u32)>, String> =
                args.scripts.iter().map(|given| script_of(given)).collect();
            (scripts.and_then(Mix::of).map_err(invalid)?, None)
        }
    };
    let captured = capture.as_ref().map(|about| about.per_second * args.times.unwrap_or(1.0));
    let how = match (args.rate, args.ramp.as_deref()) {
        (_, Some(ramp)) => How::Climb(ramp_of(ramp, args.steps, time).map_err(invalid)?),
        (per_second, None) => How::Hold { per_second: per_second.or(captured).unwrap_or(0.0), time },
    };
    let sessions = args.sessions.or(capture.as_ref().map(|about| about.most_at_once)).unwrap_or(SESSIONS);
    Ok(LoadRequest {
        at: End { reference: args.at, password: std::env::var("SWITCHYARD_LOAD_PASSWORD").ok() },
        mix,
        capture,
        how,
        sessions,
        variables: variables_of(&args.defines).map_err(invalid)?,
        seed: args.seed,
        bounds: bounds(args.max_p99, args.max_failed).map_err(invalid)?,
    })
}

/// `100..2000`
fn ramp_of(given: &str, steps: u32, each: Duration) -> Result<Ramp, String> {
    let ends = given.split_once("..").and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    let (from, to) = ends.ok_or_else(|| format!("--ramp “{given}” has to be two rates: 100..2000."))?;
    Ok(Ramp { from, to, steps, each })
}

/// `file.sql`, or `file.sql@9`. A file whose name ends like that is found as well.
fn script_of(given: &str) -> Result<(Script, u32), String> {
    let weighted = given.rsplit_once('@').and_then(|(file, weight)| Some((file, weight.parse().ok()?)));
    let (file, weight) = match weighted {
        Some((file, weight)) if !std::path::Path::new(given).exists() => (file, weight),
        Some(_) | None => (given, 1),
    };
    let text = std::fs::read_to_string(file)
        .map_err(|e| format!("The script “{file}” cannot be read ({}).", switchyard_api::io_words(&e)))?;
    Ok((Script::read(file, &text)?, weight))
}

/// `scale=10`
fn variables_of(defines: &[String]) -> Result<Variables, String> {
    let one = |given: &String| -> Option<(String, Number)> {
        let (name, value) = given.split_once('=')?;
        let value = match Expression::read(value).ok()? {
            Expression::Number(n) => n,
            Expression::Minus(of) => match *of {
                Expression::Number(Number::Whole(n)) => Number::Whole(n.checked_neg()?),
                Expression::Number(Number::Float(x)) => Number::Float(-x),
                Expression::Variable(_) | Expression::Minus(_) | Expression::Of(..) | Expression::Call(..) => {
                    return None;
                }
            },
            Expression::Variable(_) | Expression::Of(..) | Expression::Call(..) => return None,
        };
        let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        named.then(|| (name.to_owned(), value))
    };
    let all = defines.iter().map(|given| one(given).ok_or_else(|| format!("--define “{given}” is no name=number.")));
    all.collect()
}

fn print(loaded: &Loaded) {
    if let Some(about) = &loaded.capture {
        say!(
            "Drawn from {} captured transactions, {:.1} a second, at most {} at once.",
            about.transactions,
            about.per_second,
            about.most_at_once
        );
        for (why, times) in &about.left_out {
            say!("{times} are left out: {why}");
        }
    }
    if loaded.read_only {
        say!("{} is a side of a migration: every write was refused.", loaded.at);
    }
    say!(
        "{:>10}  {:>10}  {:>10}  {:>8}  {:>30}  {:>12}",
        "asked/s",
        "reached/s",
        "ended",
        "failed",
        "latency P50/P95/P99 ms",
        "start P99 ms"
    );
    for f in &loaded.rates {
        print_rate(f);
    }
    for (class, counted) in loaded.rates.iter().flat_map(|f| &f.errors) {
        say!("{} × {class}: {}", counted.times, counted.newest);
    }
    if let Some(knee) = loaded.knee_per_second {
        say!("Served up to {knee:.0} a second.");
    }
    if let Some(why) = &loaded.why {
        say!("{why}");
    }
}

fn print_rate(f: &Figures) {
    let latency =
        f.latency.map_or("–".to_owned(), |l| format!("{:.2} / {:.2} / {:.2}", l.p50_ms, l.p95_ms, l.p99_ms));
    let timing = f.timing.map_or("–".to_owned(), |t| format!("{:.3}", t.p99_ms));
    say!(
        "{:>10.0}  {:>10.0}  {:>10}  {:>8}  {latency:>30}  {timing:>12}",
        f.asked_per_second,
        f.reached_per_second,
        f.transactions,
        f.failed
    );
}
