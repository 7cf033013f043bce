//! The sources that a server itself is.

use switchyard_engine::{
    Error, Kind,
    db::{
        Database,
        sources::Look,
        statements::{Refused, ServerLog},
    },
};
use switchyard_model::sources::{
    Growth::{All, MsFor, PerSecond},
    Reading,
    SourceKind::{self, Activity, Log, Statements},
    Unit,
};
use switchyard_queries::damage::Counted;

use super::{failed, row::Outcome};

/// All of them, in the order in which they are listed.
pub(super) const OF_SERVERS: [SourceKind; 4] = [Statements, Log, Activity, SourceKind::Database];

/// Asks each of them. One that fails keeps none of the others back.
pub(super) async fn all(db: &Database) -> Vec<(SourceKind, Outcome)> {
    let (statements, log, activity, counters) =
        tokio::join!(statements(db), log(db), db.sources.activity(), db.sources.counters());
    let looked = |look: Result<Look, Error>| match look {
        Ok(Look::Seen { reading, lacks }) => Outcome::Seen { reading, lacks, notes: Vec::new() },
        Ok(Look::Refused(why, remedy)) => Outcome::Refused(why, remedy),
        Err(e) => failed(&e),
    };
    OF_SERVERS.into_iter().zip([statements, log, looked(activity), looked(counters)]).collect()
}

async fn statements(db: &Database) -> Outcome {
    let seen = match db.statements.reading(false).await {
        Ok(seen) => seen,
        Err(e) => return failed(&e),
    };
    if let Some(Refused { why, remedy }) = seen.refused {
        return Outcome::Refused(why, remedy);
    }
    let grant = "Grant pg_read_all_stats to our role (pg_monitor holds it).".to_owned();
    let hidden = format!("{} statements of other roles on {} cannot be seen.", seen.hidden, db.label);
    if seen.hidden > 0 && seen.statements.is_empty() {
        return Outcome::Refused(hidden, grant);
    }
    let mut reading = Reading { at_s: seen.at as f64 / 1000.0, since: seen.since, ..Reading::default() };
    let sum = |of: fn(&Counted) -> f64| seen.statements.iter().map(of).sum::<f64>();
    reading.figure("", "statements", seen.statements.len() as f64, Unit::Count);
    reading.counter("", "calls", sum(|c| c.calls), Unit::Count, PerSecond);
    reading.counter("", "run time, mean", sum(|c| c.total_ms), Unit::Ms, MsFor("calls"));
    reading.counter("", "rows", sum(|c| c.rows), Unit::Count, PerSecond);
    let notes = seen.notes.into_iter().filter(|n| seen.hidden == 0 || !n.contains("pg_read_all_stats")).collect();
    Outcome::Seen { reading, lacks: (seen.hidden > 0).then_some((hidden, grant)), notes }
}

/// The log is proven to be readable by its last byte.
async fn log(db: &Database) -> Outcome {
    let files = match db.statements.logs(None).await {
        Ok(files) => files,
        Err(e) => return unreadable(&e),
    };
    let Some(newest) = files.last() else {
        let why = format!("The log of {} has no file that our role can see.", db.label);
        return Outcome::Refused(why, "Look whether log_directory and log_filename name what is there.".to_owned());
    };
    if newest.size > 0
        && let Err(e) = db.statements.log_piece(newest, newest.size - 1, 1).await
    {
        return unreadable(&e);
    }
    let reading = match db.sources.counters().await {
        // The server's own clock, for the rate.
        Ok(Look::Seen { reading, .. }) => written(&files, reading.at_s),
        Ok(Look::Refused(..)) | Err(_) => written(&files, 0.0),
    };
    let form = match newest.file.rsplit_once('.') {
        Some((_, "csv")) => "CSV",
        Some((_, "json")) => "JSON",
        Some(_) | None => "plain lines",
    };
    let mut notes = vec![format!("It is written as {form}; the newest file is {}.", newest.file)];
    match db.statements.not_logged(None).await {
        Ok(lacking) => notes.extend(lacking),
        Err(e) => notes.push(e.sentence()),
    }
    Outcome::Seen { reading, lacks: None, notes }
}

fn written(files: &[ServerLog], at_s: f64) -> Reading {
    let mut reading = Reading { at_s, ..Reading::default() };
    reading.figure("", "files", files.len() as f64, Unit::Count);
    let bytes = files.iter().map(|f| f.size).sum::<u64>() as f64;
    // Files that the server deletes meanwhile make it smaller; then it is said to have begun anew.
    reading.counter("", "size", bytes, Unit::Bytes, All);
    reading.counter("", "written", bytes, Unit::Bytes, PerSecond);
    reading
}

/// What keeps a log from being read, with what mends that.
fn unreadable(e: &Error) -> Outcome {
    match e.kind {
        Kind::Privilege => {
            let remedy = "Grant pg_monitor (for pg_ls_logdir and pg_current_logfile) and EXECUTE on \
                          pg_read_binary_file(text, bigint, bigint) to our role, or give the log's files with --log.";
            Outcome::Refused(e.sentence(), remedy.to_owned())
        }
        Kind::Unsuitable => {
            let remedy = "Set logging_collector = on (a restart), or give the log's files with --log.";
            Outcome::Refused(e.sentence(), remedy.to_owned())
        }
        _ => failed(e),
    }
}
