//! `capture`: statements of a log, kept in a file.

use switchyard_api::{
    capture::{CaptureMade, CaptureView, ImportRequest, import, look},
    dto::ApiError,
};
use switchyard_capture::take::Wanted;

use super::Ctl;
use crate::{
    args::{CaptureCmd, CaptureImportArgs},
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

fn show_made(ctl: &Ctl, made: &CaptureMade) {
    if ctl.json {
        output::json(made);
        return;
    }
    say!("{}: {} statements over {:.1} s, {} bytes.", made.file, made.statements, made.seconds, made.bytes);
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
    for (why, times) in &view.left_out {
        say!("{times} are not played: {why}");
    }
    for note in &view.notes {
        say!("{note}");
    }
}
