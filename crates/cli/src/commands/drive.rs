//! `drive`: hold the lease until interrupted.

use switchyard_api::dto::*;

use super::Ctl;
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, migration: String) -> Result<Answer, ApiError> {
    let mut events = ctl.api.events();
    ctl.api.drive_named(&migration).await?;
    tell!("driving “{migration}” whenever its lease is free; Ctrl-C ends this in order");
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                if let Err(e) = interrupted {
                    tell!("switchyardctl: signals cannot be received: {e}");
                }
                break;
            }
            event = events.recv() => {
                if let Ok(Event::Notice { title, body, .. }) = event {
                    tell!("{title}: {body}");
                }
            }
        }
    }
    if ctl.json {
        output::json(&serde_json::json!({ "done": "the lease is given back" }));
    }
    Ok(Answer::Yes)
}
