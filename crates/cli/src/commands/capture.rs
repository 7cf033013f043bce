//! `capture`: statements of a log, kept in a file.

use std::time::Duration;

use switchyard_api::{
    capture::{CaptureMade, CaptureRequest, CaptureView, ImportRequest, import, look, stop},
    dto::ApiError,
    verify::End,
};
use switchyard_capture::take::Wanted;

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
            let made = import(ImportRequest { files, to, prefix: Some(prefix), wanted }).await?;
            show_made(ctl, &made);
        }
        CaptureCmd::Start(args) => {
            warn_of_password(&args.at);
            let made = start(ctl, args).await?;
            show_made(ctl, &made);
            // Nothing that was taken proves that there was nothing.
            return Ok(if made.statements == 0 { Answer::Unable } else { Answer::Yes });
        }
        CaptureCmd::Stop { file } => show_made(ctl, &stop(file).await?),
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
    let capture = ctl.api.capture(request, interrupt.clone(), told);
    tokio::pin!(capture);
    tokio::select! {
        made = &mut capture => return made,
        interrupted = tokio::signal::ctrl_c() => if interrupted.is_ok() { interrupt.cancel() },
    }
    capture.await
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
