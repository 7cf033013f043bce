//! `queries import`: a digest of another tool.

use std::path::PathBuf;

use switchyard_api::dto::*;
use switchyard_model::figure;

use super::{
    super::{
        Ctl,
        consumers::table::{harmless, lines},
    },
    names,
    text::short,
};
use crate::output::{self, Answer};

pub async fn run(
    ctl: &Ctl,
    file: PathBuf,
    kind: Option<&str>,
    limit: u32,
    migration: Option<String>,
) -> Result<Answer, ApiError> {
    let file = names(vec![file])?.concat();
    let request = serde_json::json!({ "file": file, "kind": kind, "limit": limit, "migration": migration });
    let view: DigestView = ctl.call("queries_import", &request).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text(&view);
    }
    Ok(if view.digest.failed > 0 { Answer::No } else { Answer::Yes })
}

fn text(view: &DigestView) {
    let d = &view.digest;
    let range = match (&d.from, &d.to) {
        (Some(from), Some(to)) => format!(", from {} to {} by its own clock", harmless(from), harmless(to)),
        (_, _) => ", of an unknown time".to_owned(),
    };
    let runs = figure::count(d.calls.round() as i64);
    say!("{} of {}: {} statements, {runs} runs{range}", d.kind.name(), harmless(&view.file), d.total);
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.3}"));
    let rows: Vec<Vec<String>> = d
        .statements
        .iter()
        .map(|s| {
            let known = view.known.iter().find(|k| k.id == s.shape.id);
            let on = |of: fn(&DigestKnown) -> Option<f64>| ms(known.and_then(of));
            let mut row =
                vec![s.shape.id.clone(), format!("{:.0}", s.calls), ms(s.total_ms), ms(s.mean_ms), ms(s.max_ms)];
            row.extend([ms(s.p50_ms), ms(s.p95_ms), on(|k| k.source_ms), on(|k| k.target_ms), short(&s.shape.text)]);
            row
        })
        .collect();
    let head =
        ["id", "calls", "total ms", "mean ms", "max ms", "P50 ms", "P95 ms", "source ms", "target ms", "statement"];
    for line in lines(&head, &rows) {
        say!("{line}");
    }
    if d.failed > 0 {
        say!("{} errors", figure::count(i64::try_from(d.failed).unwrap_or(i64::MAX)));
    }
    for e in &d.errors {
        let class = e.class.as_deref().unwrap_or("class not known");
        let of = e.statement.as_ref().map(|s| format!(": {}", short(&s.text))).unwrap_or_default();
        say!("  {} × {} ({class}{}){of}", e.count, harmless(&e.message), state(e.state.as_deref()));
    }
    for note in &d.notes {
        say!("Note: {}", harmless(note));
    }
    say!("Cannot see: {}", d.cannot_see);
}

fn state(state: Option<&str>) -> String {
    state.map(|s| format!(", {}", harmless(s))).unwrap_or_default()
}
