//! `shadow`: reads of the traffic on both sides.

use std::time::Duration;

use switchyard_api::dto::*;
use switchyard_api::shadow::{Class, Finding};

use super::{Ctl, consumers::table::harmless, queries::names};
use crate::{
    args::{ShadowArgs, ShadowCmd},
    output::{self, Answer},
};

/// How long it runs where nothing else ends it, s.
const USUAL: u32 = 60;
/// Statements that were never compared, as they are printed.
const NEVER: usize = 20;

pub async fn run(ctl: &Ctl, cmd: ShadowCmd) -> Result<Answer, ApiError> {
    let ShadowCmd::Run(args) = cmd;
    let request = request(args)?;
    let _: ShadowView = ctl.call("shadow_start", &request).await?;
    let name = ByName { name: request.migration };
    tokio::select! {
        ended = ctl.api.shadow_ended(&name.name) => ended?,
        never = look_on(ctl, &name) => match never? {},
    }
    let view: ShadowView = ctl.call("shadow", &name).await?;
    if ctl.json {
        output::json(&view);
    } else {
        print(&view);
    }
    Ok(answer(&view))
}

fn request(args: ShadowArgs) -> Result<ShadowRequest, ApiError> {
    let has_end = args.capture.is_some() || !args.log.is_empty();
    let seconds = if has_end { args.span } else { args.span.or(Some(USUAL)) };
    let traffic = match names(args.capture.into_iter().collect())?.pop() {
        Some(file) => ShadowTraffic::Capture { file },
        None if !args.log.is_empty() => ShadowTraffic::Files { files: names(args.log)?, prefix: args.prefix },
        None if args.activity => ShadowTraffic::Activity,
        None => ShadowTraffic::Server,
    };
    Ok(ShadowRequest { migration: args.migration, traffic, seconds, share: args.share, rate: args.rate })
}

/// Tells on stderr how it goes; an interrupt ends it in order.
async fn look_on(ctl: &Ctl, name: &ByName) -> Result<std::convert::Infallible, ApiError> {
    let mut told = String::new();
    let mut each = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = each.tick() => {}
            interrupted = tokio::signal::ctrl_c() => {
                if interrupted.is_ok() {
                    let _: Nothing = ctl.call("shadow_stop", name).await?;
                }
            }
        }
        let view: ShadowView = ctl.call("shadow", name).await?;
        let Some(run) = view.run else { continue };
        let r = run.report;
        let line = format!(
            "{} seen, {} compared, {} differ, {} looked at again",
            r.seen,
            r.compared,
            r.findings.iter().filter(|f| f.is_finding).count(),
            r.pending
        );
        if line != told {
            tell!("{line}");
            told = line;
        }
    }
}

fn answer(view: &ShadowView) -> Answer {
    let Some(run) = &view.run else { return Answer::Unable };
    let r = &run.report;
    if r.found() > 0 {
        Answer::No
    } else if r.compared == 0 || r.unproven > 0 || r.pending > 0 {
        Answer::Unable
    } else {
        Answer::Yes
    }
}

fn print(view: &ShadowView) {
    let Some(run) = &view.run else { return };
    let r = &run.report;
    say!("{} statements seen, {} compared on {} and {}", r.seen, r.compared, view.source, view.target);
    say!(
        "equal {}, equal after the stream had passed {}, changing all the time {}, asks for the time {}, left open {}",
        r.equal,
        r.in_flight,
        r.moving,
        r.of_the_time,
        r.told
    );
    say!("left out by the share {}, by the rate {}", r.beyond_share, r.beyond_rate);
    if r.unproven + r.not_again > 0 {
        say!("could not be looked at again {}, not looked at again {}", r.unproven, r.not_again);
    }
    for skipped in &r.skipped {
        say!("not run {}: {}", skipped.times, skipped.sentence);
    }
    for finding in &r.findings {
        print_finding(finding, view);
    }
    say!("{} of {} statements that read were compared", r.covered, r.statements);
    for never in r.never.iter().take(NEVER) {
        say!("never compared, seen {}: {}  {}", never.seen, harmless(&never.text), never.why);
    }
    if r.never.len() > NEVER {
        say!("and {} more", r.never.len() - NEVER);
    }
    for note in &run.notes {
        say!("Note: {}", harmless(note));
    }
}

fn print_finding(finding: &Finding, view: &ShadowView) {
    say!("");
    say!("{} × {} {}: {}", finding.times, word(finding.class), finding.statement, harmless(&finding.text));
    say!("  {}", harmless(&finding.why));
    let rows = |name: &str, rows: &[Vec<Option<String>>]| {
        for row in rows {
            let values: Vec<String> =
                row.iter().map(|v| v.as_deref().map_or_else(|| "NULL".to_owned(), harmless)).collect();
            say!("  {name}: {}", values.join(" | "));
        }
    };
    rows(&view.source, &finding.source);
    rows(&view.target, &finding.target);
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Value => "value",
        Class::Missing => "missing rows",
        Class::Extra => "more rows",
        Class::Columns => "other columns",
        Class::TargetFails => "fails on the target",
        Class::SourceFails => "fails on the source",
        Class::Collation => "collation",
        Class::Order => "(order)",
        Class::Float => "(float)",
    }
}
