//! `journal`: the entries.

use switchyard_api::dto::*;
use switchyard_model::time::utc;

use super::Ctl;
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, migration: String, after: i64, limit: u32) -> Result<Answer, ApiError> {
    let page: JournalPage = ctl.call("journal", &JournalRequest { migration, after, limit }).await?;
    if ctl.json {
        output::json(&page);
        return Ok(Answer::Yes);
    }
    for line in &page.lines {
        say!("{:>5}  {}  {}", line.recorded.seq, utc(line.at), line.sentence);
    }
    Ok(Answer::Yes)
}
