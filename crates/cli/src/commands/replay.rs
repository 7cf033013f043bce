//! `replay`: a capture on scratch copies.

use std::{
    convert::Infallible,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use switchyard_api::{
    dto::ApiError,
    replay::{ReplayRequest, ReplayVerdict, ReplayView},
    verify::End,
};
use switchyard_capture::{
    asked::AnswersCompared,
    compare::Difference,
    play::{Finding, Pace, Watched},
};
use switchyard_load::Spread;

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::{ReplayArgs, ReplayCmd},
    output::{self, Answer},
};

/// Findings and shapes that are printed for people; `--json` has them all.
const SHOWN: usize = 20;

pub async fn run(ctl: &Ctl, cmd: ReplayCmd) -> Result<Answer, ApiError> {
    let ReplayCmd::Run(args) = cmd;
    for url in [Some(&args.at), args.against.as_ref()].into_iter().flatten() {
        warn_of_password(url);
    }
    let request = request(args)?;
    let watched = Watched::default();
    let view = tokio::select! {
        view = ctl.api.replay(request, watched.clone()) => view?,
        never = look_on(watched) => match never {},
    };
    if ctl.json {
        output::json(&view);
    } else {
        print(&view);
    }
    Ok(match view.verdict() {
        ReplayVerdict::Equal => Answer::Yes,
        ReplayVerdict::Different => Answer::No,
        ReplayVerdict::Unknown => Answer::Unable,
    })
}

fn request(args: ReplayArgs) -> Result<ReplayRequest, ApiError> {
    let pace = match args.speed.as_deref() {
        None => None,
        Some("max") => Some(Pace::Flat),
        Some(times) => Some(Pace::Timed(times.trim_end_matches(['x', '×']).parse().map_err(|_| {
            let why = format!("--speed {times} is no number and not max.");
            ApiError::new("invalid", why, "Give for example --speed 1, 2, 10 or max.")
        })?)),
    };
    Ok(ReplayRequest {
        at: End { reference: args.at, password: std::env::var("SWITCHYARD_REPLAY_PASSWORD").ok() },
        against: args
            .against
            .map(|reference| End { reference, password: std::env::var("SWITCHYARD_AGAINST_PASSWORD").ok() }),
        capture: args.capture,
        pace,
        sessions: args.sessions,
        tables: (!args.no_tables).then_some(args.tables),
        first_look: !args.no_first_look,
    })
}

/// Tells how far it is on stderr; an interrupt ends the replay in order.
async fn look_on(watched: Watched) -> Infallible {
    let (began, mut told) = (Instant::now(), 0);
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    tick.tick().await;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let ended = watched.ended.load(Ordering::Relaxed);
                if ended != told {
                    tell!("{ended} statements after {:.0} s", began.elapsed().as_secs_f64());
                    told = ended;
                }
            }
            interrupted = tokio::signal::ctrl_c(), if !watched.stop.is_cancelled() => match interrupted {
                Ok(()) => watched.stop.cancel(),
                Err(_) => std::future::pending().await,
            },
        }
    }
}

fn print(view: &ReplayView) {
    let played = &view.replayed;
    let against = view.against.as_deref().map_or(String::new(), |a| format!(" and {a}"));
    say!("{} on {}{against}", view.capture, view.at);
    say!(
        "{} statements of {} sessions in {:.1} s, {} left out, {} unlike when they were captured",
        played.played,
        played.sessions,
        played.seconds,
        played.left_out,
        played.unlike_captured
    );
    if played.compared > 0 {
        say!(
            "{} answers compared, {} differ in times of the clock alone, {} differ",
            played.compared,
            played.clock,
            played.found
        );
    }
    if let Some(answers) = &played.answers {
        print_answers(answers);
    }
    if let Some(late) = played.late {
        say!(
            "late P50/P95/P99/max {:.1} / {:.1} / {:.1} / {:.1} ms",
            late.p50_ms,
            late.p95_ms,
            late.p99_ms,
            late.max_ms
        );
    }
    say!(
        "{:>8} {:>7} {:>7}  {:>24}  {:>24}  statement",
        "calls",
        "failed",
        "differ",
        "captured P50/95/99 ms",
        "here P50/95/99 ms"
    );
    for f in played.shapes.iter().take(SHOWN) {
        let text: String = f.text.chars().take(80).collect();
        let (captured, here) = (spread(f.captured), spread(f.here));
        say!("{:>8} {:>7} {:>7}  {captured:>24}  {here:>24}  {text}", f.calls, f.failed, f.differed);
    }
    for finding in played.findings.iter().take(SHOWN) {
        print_finding(finding);
    }
    if let Some(tables) = &view.tables {
        say!(
            "{} tables, {} rows: {} rows differ, {} in times of the clock alone, {} tables not proven",
            tables.tables,
            tables.rows,
            tables.findings,
            tables.clock,
            tables.unproven
        );
        for t in &tables.different {
            say!("  {}: {} rows", t.table, t.findings);
        }
    }
    if let Some(why) = &view.tables_unknown {
        say!("The tables were not compared. {why}");
    }
    for (why, times) in &view.left_out_why {
        say!("{times} were left out: {why}");
    }
    for note in &view.notes {
        say!("{note}");
    }
}

fn spread(of: Option<Spread>) -> String {
    of.map_or("–".to_owned(), |s| format!("{:.2} / {:.2} / {:.2}", s.p50_ms, s.p95_ms, s.p99_ms))
}

fn print_answers(a: &AnswersCompared) {
    let doubt: u64 = a.in_doubt.values().sum();
    say!(
        "{} answers of the source compared: {} equal, {} but for times of the clock, {} but for floats, {} left open by their statements, \
         {doubt} in doubt, {} differ",
        a.asked,
        a.equal,
        a.clock,
        a.float,
        a.open,
        a.different
    );
    for (why, times) in &a.in_doubt {
        say!("  {times} in doubt: {why}");
    }
    for f in a.findings.iter().take(SHOWN) {
        let text: String = f.text.chars().take(100).collect();
        say!("  {} × {text}: {}", f.times, f.apart.why);
        for (whose, rows) in [("source", &f.apart.source), ("here", &f.apart.here)] {
            for row in rows {
                say!("    {whose:>6}  {}", values(row));
            }
        }
    }
}

fn values(row: &[Option<String>]) -> String {
    row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | ")
}

fn print_finding(finding: &Finding) {
    let text: String = finding.text.chars().take(100).collect();
    let row = |row: &Option<Vec<Option<String>>>| match row {
        Some(row) => values(row),
        None => "nothing".to_owned(),
    };
    let state = |s: &Option<String>| s.clone().unwrap_or_else(|| "no error".to_owned());
    let what = match &finding.difference {
        Difference::FailsHere { sqlstate, why } => format!("fails here ({sqlstate}): {why}"),
        Difference::FailedThere { sqlstate } => format!("had failed with {sqlstate}, and does not here"),
        Difference::Failures { here, there, why } => format!("{} here, {} there: {why}", state(here), state(there)),
        Difference::Counts { here, there } => format!("{here:?} rows here, {there:?} there"),
        Difference::Rows { here, there } => format!("{} here, {} there", row(here), row(there)),
        Difference::Order => "the same rows in another order".to_owned(),
    };
    say!("  {} {text}: {what}", finding.session);
}
