//! `capture`: statements of a log, kept in a file.

use std::{path::Path, time::Duration};

use switchyard_api::{
    capture::{CaptureMade, CaptureRequest, CaptureView, ImportRequest, import, look, stop},
    dto::{ApiError, CaptureFile, CaptureRow, CaptureStands, CapturesRequest, CapturesView, Nothing},
    verify::End,
};
use switchyard_capture::take::Wanted;
use switchyard_model::time;
use tokio_util::sync::CancellationToken;

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::{CaptureCmd, CaptureImportArgs, CaptureStartArgs},
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, cmd: CaptureCmd) -> Result<Answer, ApiError> {
    match cmd {
        CaptureCmd::Import(args) => {
            let CaptureImportArgs { files, to, database, user, prefix } = args;
            let wanted = Wanted { database, user, since_us: None };
            let mut made = import(ImportRequest { files, to, prefix: Some(prefix), wanted }).await?;
            listed(ctl, &mut made).await;
            show_made(ctl, &made);
        }
        CaptureCmd::Start(args) => {
            warn_of_password(&args.at);
            let made = start(ctl, args).await?;
            show_made(ctl, &made);
            // Nothing that was taken proves that there was nothing.
            return Ok(if made.statements == 0 { Answer::Unable } else { Answer::Yes });
        }
        CaptureCmd::Stop { file } => {
            let mut made = stop(file).await?;
            listed(ctl, &mut made).await;
            show_made(ctl, &made);
        }
        CaptureCmd::List => return list(ctl).await,
        CaptureCmd::Add { file } => {
            let row: CaptureRow = ctl.call("capture_add", &named(&file)?).await?;
            if ctl.json {
                output::json(&row);
            } else {
                print_row(&row);
            }
        }
        CaptureCmd::Forget { file } => {
            let named = named(&file)?;
            let _: Nothing = ctl.call("capture_forget", &named).await?;
            if ctl.json {
                output::json(&named);
            } else {
                say!("{} is no longer listed. Its file stays.", named.file);
            }
        }
        CaptureCmd::Show { file } => {
            let view = look(file).await?;
            if ctl.json {
                output::json(&view);
            } else {
                print(&view);
            }
        }
    }
    Ok(Answer::Yes)
}

/// Until its time is over, or it is interrupted.
async fn start(ctl: &Ctl, args: CaptureStartArgs) -> Result<CaptureMade, ApiError> {
    let wait = |s: f64| {
        let why = format!("--for {s} is not a time that can be waited for.");
        Duration::try_from_secs_f64(s).map_err(|_| ApiError::new("invalid", why, "Give seconds above 0."))
    };
    let request = CaptureRequest {
        at: End { reference: args.at, password: std::env::var("SWITCHYARD_CAPTURE_PASSWORD").ok() },
        to: args.to,
        time: args.seconds.map(wait).transpose()?,
        user: args.user,
        answers: args.answers.then_some(args.answers_rate),
    };
    let interrupt = CancellationToken::new();
    let told = |statements| tell!("{statements} statements");
    let capture = ctl.api.capture_listed(request, None, interrupt.clone(), told);
    tokio::pin!(capture);
    tokio::select! {
        made = &mut capture => return made,
        interrupted = tokio::signal::ctrl_c() => if interrupted.is_ok() { interrupt.cancel() },
    }
    capture.await
}

/// A capture is there also where it cannot be listed.
async fn listed(ctl: &Ctl, made: &mut CaptureMade) {
    if let Err(e) = ctl.api.list_capture(Path::new(&made.file), None, None).await {
        made.notes.push(format!("It is not listed. {}", e.message));
    }
}

fn named(file: &Path) -> Result<CaptureFile, ApiError> {
    let full = std::path::absolute(file).ok().and_then(|f| f.to_str().map(str::to_owned));
    let unnamed = || {
        let why = format!("{} is no name of a file that can be listed.", file.display());
        ApiError::new("invalid", why, "Give its path.")
    };
    Ok(CaptureFile { file: full.ok_or_else(unnamed)? })
}

async fn list(ctl: &Ctl) -> Result<Answer, ApiError> {
    let view: CapturesView = ctl.call("captures", &CapturesRequest::default()).await?;
    if ctl.json {
        output::json(&serde_json::json!({ "captures": view.captures }));
    } else if view.captures.is_empty() {
        say!("No capture was made or opened on this machine.");
    } else {
        view.captures.iter().for_each(print_row);
    }
    let is_fine = |row: &CaptureRow| matches!(row.stands, CaptureStands::Whole | CaptureStands::BeingTaken);
    Ok(if view.captures.iter().all(is_fine) { Answer::Yes } else { Answer::No })
}

fn print_row(row: &CaptureRow) {
    let begun = row.begun.map_or(String::new(), |at| format!(", {}", time::utc(at)));
    say!("{}, from {}{begun}", row.file, row.source);
    match row.statements {
        Some(n) => say!("  {n} statements of {} sessions over {:.1} s, {} bytes", row.sessions, row.seconds, row.bytes),
        None if row.stands == CaptureStands::BeingTaken => say!("  it is being taken"),
        None => {}
    }
    for left_out in &row.left_out {
        say!("  {} are not played: {}", left_out.times, left_out.why);
    }
    if let Some(says) = &row.says {
        say!("  {says}");
    }
    if row.stands == CaptureStands::BrokenOff {
        say!("  switchyardctl capture stop {} makes it whole.", row.file);
    }
}

fn show_made(ctl: &Ctl, made: &CaptureMade) {
    if ctl.json {
        output::json(made);
        return;
    }
    let answers = made.answers.map_or(String::new(), |n| format!(" and {n} answers"));
    say!("{}: {} statements{answers} over {:.1} s, {} bytes.", made.file, made.statements, made.seconds, made.bytes);
    for note in &made.notes {
        say!("{note}");
    }
}

fn print(view: &CaptureView) {
    say!("{}, from {}", view.file, view.source);
    say!(
        "{} statements of {} sessions, at most {} at once, over {:.1} s",
        view.statements,
        view.sessions,
        view.most_at_once,
        view.seconds
    );
    if let Some(answers) = view.answers {
        say!("{answers} answers of the source");
    }
    for (why, times) in &view.left_out {
        say!("{times} are not played: {why}");
    }
    for note in &view.notes {
        say!("{note}");
    }
}
