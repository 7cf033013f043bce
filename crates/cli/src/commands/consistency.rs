//! `consistency`: the comparison in the background.

use switchyard_api::dto::*;
use switchyard_model::{
    ident::TableName,
    reconcile::{Activity, TableVerdict},
    time::utc,
};

use super::Ctl;
use crate::{
    args::ConsistencyArgs,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, args: ConsistencyArgs) -> Result<Answer, ApiError> {
    let by_name = ByName { name: args.migration.clone() };
    let before: Consistency = ctl.call("consistency", &by_name).await?;
    steer(ctl, &args, &before).await?;
    let now: Consistency = ctl.call("consistency", &by_name).await?;
    if ctl.json {
        output::json(&now);
    } else {
        print(&now);
    }
    let any = |verdict| now.tables.iter().any(|t| t.standing.verdict == verdict);
    Ok(if any(TableVerdict::Different) {
        Answer::No
    } else if now.tables.is_empty() || any(TableVerdict::Unproven) || any(TableVerdict::NotCompared) {
        Answer::Unable
    } else {
        Answer::Yes
    })
}

async fn steer(ctl: &Ctl, args: &ConsistencyArgs, before: &Consistency) -> Result<(), ApiError> {
    let mut pacing = before.pacing.clone();
    pacing.paused = (pacing.paused || args.pause) && !args.resume;
    pacing.duty = args.throttle.unwrap_or(pacing.duty);
    if pacing != before.pacing {
        let _: Nothing = ctl.call("set_pacing", &SetPacing { migration: args.migration.clone(), pacing }).await?;
    }
    if !args.compare.is_empty() {
        let tables = if args.compare.iter().any(|t| t == "all") {
            Vec::new()
        } else {
            args.compare.iter().map(|t| named(before, t)).collect::<Result<_, _>>()?
        };
        let _: Nothing = ctl.call("compare_now", &CompareNow { migration: args.migration.clone(), tables }).await?;
    }
    Ok(())
}

/// A table by `schema.table`; either part may hold a point.
fn named(known: &Consistency, text: &str) -> Result<TableName, ApiError> {
    let found = known.tables.iter().map(|t| &t.standing.table).find(|t| t.plain() == text);
    let parts = || text.split_once('.').map(|(schema, name)| TableName::new(schema, name));
    found.cloned().or_else(parts).ok_or_else(|| {
        ApiError::new("invalid", format!("“{text}” is no table's name."), "Write it as schema.table, or all.")
    })
}

fn print(c: &Consistency) {
    let f = &c.following;
    let what = match f.activity {
        Activity::Off => "nothing is compared in the background now",
        Activity::Paused => "paused",
        Activity::Waiting => "waiting",
        Activity::FullPass => "a full pass runs",
        Activity::Following => "every change is verified as it comes",
    };
    match f.verified {
        Some(at) => say!("{what}; verified as of {}, {} changed rows since it began", utc(at), f.changed),
        None => say!("{what}"),
    }
    if let Some(p) = &f.pass {
        let left = p.seconds_left.map_or_else(String::new, |s| format!(", about {s:.0} s left"));
        say!(
            "  {} of {} tables, {} of about {} rows, {:.0} rows/s{left}",
            p.tables,
            p.tables_total,
            p.rows,
            p.rows_total,
            p.rows_per_s
        );
    }
    if let Some(trouble) = &f.trouble {
        say!("  {trouble}");
    }
    for t in &c.tables {
        let s = &t.standing;
        let verdict = match s.verdict {
            TableVerdict::Equal => "✓ equal".to_owned(),
            TableVerdict::Different => format!("✕ {} rows differ", s.findings),
            TableVerdict::Unproven if s.hot > 0 => format!("◐ {} rows kept changing", s.hot),
            TableVerdict::Unproven => "◐ unproven".to_owned(),
            TableVerdict::NotCompared => "○ not compared".to_owned(),
        };
        say!(
            "  {:<40} {:>12} {:>12}  {verdict}, as of {}",
            s.table.plain(),
            s.rows_source,
            s.rows_target,
            utc(t.holds_at)
        );
        for n in &s.not_compared {
            say!("      {}: {}", n.column.as_deref().unwrap_or("the whole table"), n.reason);
        }
    }
}
