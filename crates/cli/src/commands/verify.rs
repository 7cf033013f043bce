//! `verify`: two databases, row by row.

mod continuous;

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use switchyard_api::{
    Pace,
    dto::ApiError,
    repair::{Repairing, VerifiedRepair},
    verify::{End, Verified, VerifiedTable, VerifyRequest},
};
use switchyard_model::{reconcile::TableVerdict, repair::RepairOutcome};

use super::Ctl;
use crate::{
    args::VerifyArgs,
    output::{self, Answer},
};

/// Findings of one table that are printed for people; `--json` has them all.
const SHOWN: usize = 20;

pub async fn run(ctl: &Ctl, args: VerifyArgs) -> Result<Answer, ApiError> {
    for url in [&args.source, &args.target] {
        warn_of_password(url);
    }
    let pace = Arc::new(Pace::default());
    pace.throttle(args.throttle);
    let request = VerifyRequest {
        source: end(args.source, "SWITCHYARD_SOURCE_PASSWORD"),
        target: end(args.target, "SWITCHYARD_TARGET_PASSWORD"),
        tables: args.table,
        exact: args.exact,
        lanes: args.lanes.into(),
        settle: settle(args.settle)?,
        resume: args.resume,
        repair: match (args.preview, args.apply) {
            (_, true) => Some(Repairing::Apply),
            (true, false) => Some(Repairing::Preview),
            (false, false) => None,
        },
    };
    if args.continuous {
        return continuous::run(ctl, request, Duration::from_secs(args.every), &pace).await;
    }
    let verified = tokio::select! {
        verified = ctl.api.verify(request, pace.clone()) => verified?,
        never = tell(&pace) => match never {},
    };
    if ctl.json {
        output::json(&verified);
    } else {
        print(&verified);
    }
    if let Some(trouble) = &verified.trouble {
        tell!("{trouble}");
        return Ok(Answer::Unable);
    }
    Ok(match (left(&verified), verified.unproven) {
        (0, 0) => Answer::Yes,
        (0, _) => Answer::Unable,
        (_, _) => Answer::No,
    })
}

/// Rows that differ now: those that were mended do not.
fn left(v: &Verified) -> usize {
    let equal = |r: &&VerifiedRepair| r.outcome.as_ref().is_some_and(RepairOutcome::is_equal);
    v.findings - v.repairs.iter().flatten().filter(equal).count()
}

/// Says so when a password is among the arguments, where other users can see it. One in the environment is fine.
pub(super) fn warn_of_password(url: &str) {
    let among_arguments = std::env::args().any(|a| a.ends_with(url));
    let user_part = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
    if among_arguments && user_part.is_some_and(|user| user.contains(':')) {
        tell!(
            "The URL on the command line holds a password, which other users of this machine can see. \
             Put it into SWITCHYARD_SOURCE_PASSWORD or SWITCHYARD_TARGET_PASSWORD instead."
        );
    }
}

fn settle(seconds: f64) -> Result<Duration, ApiError> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let why = format!("--settle {seconds} is not a time that can be waited for.");
        ApiError::new("invalid", why, "Give seconds, for example --settle 2.5.")
    })
}

fn end(reference: String, variable: &str) -> End {
    End { reference, password: std::env::var(variable).ok() }
}

/// Progress on stderr: one line that is rewritten on a terminal, one every ten seconds elsewhere.
async fn tell(pace: &Pace) -> std::convert::Infallible {
    let terminal = std::io::stderr().is_terminal();
    let mut last = 0;
    loop {
        let step = if terminal { 1 } else { 10 };
        tokio::time::sleep(Duration::from_secs(step)).await;
        let rows = pace.rows();
        let rate = (rows - last) / 2 / i64::try_from(step).unwrap_or(1);
        last = rows;
        let line = format!("{} tables compared, {} rows per side read, {rate} rows/s", pace.tables(), rows / 2);
        if terminal {
            rewrite(&line);
        } else {
            tell!("{line}");
        }
    }
}

/// Writes over the terminal's present line.
fn rewrite(line: &str) {
    let mut to = std::io::stderr();
    // Nobody is left to be told when it does not arrive.
    let _ = write!(to, "\r{line}\x1b[K").and_then(|()| to.flush());
}

fn print(v: &Verified) {
    if std::io::stderr().is_terminal() {
        rewrite("");
    }
    for note in &v.notes {
        say!("{note}");
    }
    for t in v.tables.iter().filter(|t| t.verdict != TableVerdict::Equal || !t.not_compared.is_empty()) {
        print_table(t);
    }
    let equal = v.tables.iter().filter(|t| t.verdict == TableVerdict::Equal).count();
    say!(
        "{equal} of {} tables are equal. {} rows in {:.1} s ({:.0} rows/s); {} findings, {} tables not proven.",
        v.tables.len(),
        v.rows,
        v.seconds,
        v.rows_per_second,
        v.findings,
        v.unproven
    );
    if let Some(repairs) = &v.repairs {
        print_repairs(repairs);
    }
}

/// A comment of SQL ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The statements as a script that can be run, or what became of each row.
fn print_repairs(repairs: &[VerifiedRepair]) {
    for r in repairs {
        let key: Vec<String> = r.key.iter().map(|(c, v)| format!("{c} = {}", v.as_str().unwrap_or(""))).collect();
        match (&r.statement, &r.outcome) {
            (Some(statement), _) => say!("{statement};"),
            (None, Some(outcome)) => {
                say!("-- {}", one_line(&format!("{}  {}  {}", r.table, key.join(", "), outcome.words())))
            }
            (None, None) => {}
        }
    }
}

fn print_table(t: &VerifiedTable) {
    say!("{}: {} rows on the source, {} on the target", t.table, t.rows_source, t.rows_target);
    for f in t.findings.first(SHOWN) {
        let key: Vec<String> = f.key.iter().map(|(c, v)| format!("{c} = {}", v.as_str().unwrap_or(""))).collect();
        say!("  {}  {}", word(f.kind), key.join(", "));
        for c in &f.columns {
            let text = |v: &Option<String>| v.clone().unwrap_or_else(|| "NULL".to_owned());
            say!("      {}: source {} | target {}", c.column, text(&c.source), text(&c.target));
        }
    }
    if t.found > SHOWN {
        say!("  … and {} more; --json lists them all", t.found - SHOWN);
    }
    if !t.hot.is_empty() {
        say!("  {} rows kept changing: unproven", t.hot.len());
    }
    for n in &t.not_compared {
        match &n.column {
            Some(column) => say!("  column {column} was not compared: {}", n.reason),
            None => say!("  not compared: {}", n.reason),
        }
    }
}

fn word(kind: switchyard_model::reconcile::FindingKind) -> &'static str {
    use switchyard_model::reconcile::FindingKind;
    match kind {
        FindingKind::MissingOnTarget => "missing on the target",
        FindingKind::OnlyOnTarget => "only on the target   ",
        FindingKind::Different => "different            ",
    }
}
