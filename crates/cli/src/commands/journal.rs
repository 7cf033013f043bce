//! `journal`: the entries, and whether they are those that were written.

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

pub async fn verify(ctl: &Ctl, migration: &str, head: Option<&str>) -> Result<Answer, ApiError> {
    let found = ctl.api.verify_journal(migration, head).await?;
    if ctl.json {
        output::json(&found);
    } else {
        print(&found);
    }
    Ok(if found.whole { Answer::Yes } else { Answer::No })
}

fn print(found: &JournalVerified) {
    match &found.broken {
        None => say!("{} entries, none changed.", found.entries),
        Some(broken) => say!("{broken}"),
    }
    if found.unhashed > 0 {
        say!("The first {} were written without a hash by an earlier version.", found.unhashed);
    }
    if let (None, Some(head)) = (&found.broken, &found.head) {
        say!("head {head}");
    }
}
