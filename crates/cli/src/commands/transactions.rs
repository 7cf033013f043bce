//! `transactions`: what would delay the fence, and the end of one by an explicit choice.

use switchyard_api::dto::*;
use switchyard_model::{gate::duration, transactions::OpenTransaction};

use super::Ctl;
use crate::{
    args::TransactionsArgs,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, args: TransactionsArgs) -> Result<Answer, ApiError> {
    let TransactionsArgs { migration, end, name, reason } = args;
    match (end, reason) {
        (Some(id), Some(reason)) => ended(ctl, EndTransaction { migration, id, name, reason }).await,
        _ => list(ctl, migration).await,
    }
}

async fn ended(ctl: &Ctl, args: EndTransaction) -> Result<Answer, ApiError> {
    let ended: EndedTransaction = ctl.call("end_transaction", &args).await?;
    if ctl.json {
        output::json(&ended);
    } else {
        say!("{}", ended.said);
    }
    Ok(Answer::Yes)
}

async fn list(ctl: &Ctl, migration: String) -> Result<Answer, ApiError> {
    let view: TransactionsView = ctl.call("transactions", &ByName { name: migration }).await?;
    if ctl.json {
        output::json(&view);
    } else {
        print(&view);
    }
    let limit_ms = i64::from(view.limit_s) * 1000;
    let old = view.more > 0 || view.open.iter().any(|t| t.age_ms.is_none_or(|age| age > limit_ms));
    Ok(if old { Answer::No } else { Answer::Yes })
}

fn print(view: &TransactionsView) {
    let TransactionsView { side, endpoint, limit_s, open, more, .. } = view;
    if open.is_empty() {
        say!("No transaction on {endpoint} ({side}) holds a lock on a table in scope for longer than a second.");
        return;
    }
    say!("{:<20} {:>9}  {:<28} {:<22} {:<28} TABLE", "ID", "AGE", "APPLICATION", "ADDRESS", "DOES");
    for t in open {
        let age = t.age_ms.map_or_else(|| "?".to_owned(), |ms| duration(ms / 1000));
        let id = t.id.clone().unwrap_or_else(|| format!("({})", t.pid));
        let and = if t.tables > 1 { format!(" and {} more", t.tables - 1) } else { String::new() };
        let who = if t.user.is_empty() { t.application.clone() } else { format!("{} ({})", t.application, t.user) };
        say!("{id:<20} {age:>9}  {who:<28} {:<22} {:<28} {}{and}", t.address, does(t), t.table);
    }
    if *more > 0 {
        say!("… and {more} more");
    }
    say!("Writes move while none is older than {limit_s} s. Wait, or end one: --end ID --reason WHY");
}

/// `idle in transaction after UPDATE`, `waits for its lock`.
fn does(t: &OpenTransaction) -> String {
    let after = if t.statement.is_empty() { String::new() } else { format!(" ({})", t.statement) };
    match (&t.waits_for, t.queued) {
        (_, true) => format!("waits for its lock{after}"),
        (Some(what), false) => format!("{}{after}, waits for {what}", t.state),
        (None, false) if t.state.is_empty() => "not to be seen".to_owned(),
        (None, false) => format!("{}{after}", t.state),
    }
}
