//! The one-page report of a migration's drills, as Markdown: what was rehearsed, how long each part took, what was lost.

use switchyard_model::{
    drill::{Act, DrillRecord},
    figure,
    time::utc,
};

use crate::dto::DrillsView;

/// One page.
pub fn markdown(migration: &str, view: &DrillsView) -> String {
    let mut out = format!("# Rollback drills of {}\n\n", cell(migration));
    out.push_str(&match (view.past.first(), view.passed_at) {
        (None, _) => "Never tested: the way back is a hope.\n".to_owned(),
        (Some(_), None) => "No drill has passed yet.\n".to_owned(),
        (Some(_), Some(at)) => format!("A drill last passed at {}.\n", utc(at)),
    });
    out.push_str("\n## By failure\n\n| failure | last drill | whole | lost writes | result |\n|---|---|---|---|---|\n");
    for kind in &view.kinds {
        let row = match kind.last.as_ref().and_then(|d| d.ended.as_ref().map(|(at, r)| (d, at, r))) {
            None => "never | – | – | never tested".to_owned(),
            Some((_, at, r)) => {
                let whole = r.total_ms.map_or("–".to_owned(), figure::lag);
                let result = if r.passed { "passed" } else { "failed" };
                format!("{} | {whole} | {} of {} | {result}", utc(*at), r.ledger.lost.len(), r.ledger.acknowledged)
            }
        };
        out.push_str(&format!("| {} | {row} |\n", kind.title));
    }
    if let Some(newest) = view.past.first() {
        out.push_str(&one(newest));
    }
    out
}

/// The newest drill in full.
fn one(drill: &DrillRecord) -> String {
    let Some((at, r)) = &drill.ended else { return String::new() };
    let act = match drill.order.act {
        Act::Reads { percent } => format!("{percent} % of reads on the target"),
        Act::Writes => "writes on the target".to_owned(),
    };
    let time = |ms: Option<f64>| ms.map_or("–".to_owned(), figure::lag);
    let mut out =
        format!("\n## The newest: {}, with {act}\n\n{}\n\n", drill.order.failure.title(), drill.order.failure.what());
    out.push_str(&format!("Asked for by {} at {}, ended at {}.\n\n", cell(&drill.by), utc(drill.asked), utc(*at)));
    out.push_str("| since the failure | time |\n|---|---|\n");
    for (what, ms) in [
        ("noticed", r.noticed_ms),
        ("decided", r.decided_ms),
        ("routed back", r.routed_back_ms),
        ("last request on the target", r.last_request_on_target_ms),
        ("whole", r.total_ms),
    ] {
        out.push_str(&format!("| {what} | {} |\n", time(ms)));
    }
    if let Some(by) = &r.noticed_by {
        out.push_str(&format!("\nNoticed by {}.\n", cell(by)));
    }
    out.push_str(&format!(
        "\n{} of {} requests failed. {} writes were acknowledged, {} lost, {} there twice; {} had no answer. The longest wait \
         for a write was {:.0} ms. Goal: {}.\n\n",
        r.failed_requests,
        r.requests,
        r.ledger.acknowledged,
        r.ledger.lost.len(),
        r.ledger.duplicated.len(),
        r.ledger.uncertain,
        r.longest_write_ms,
        figure::limit(f64::from(drill.order.goal_ms)),
    ));
    if r.passed {
        out.push_str("**Passed.**\n");
    } else {
        out.push_str("**Failed.**\n\n");
        for why in &r.why_not {
            out.push_str(&format!("- {}\n", cell(why)));
        }
    }
    out
}

/// A text from outside in a table or a line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
