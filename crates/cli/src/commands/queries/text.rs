//! What `queries` prints for people.

use switchyard_api::dto::*;
use switchyard_model::{figure, time::utc};

use super::super::consumers::table::{harmless, lines, name};

/// Characters of a statement that are printed in a table.
const STATEMENT: usize = 110;

pub fn top(view: &QueriesView) {
    for why in &view.refused {
        say!("{why}");
    }
    let of = match view.from {
        Some(from) => format!("from {} to {}", utc(from), utc(view.at)),
        None => "since each server began to count".to_owned(),
    };
    say!("{} statements, {} on {} and {} {of}", view.total, slower(view.slower), view.source, view.target);
    let rows: Vec<Vec<String>> = view.statements.iter().map(row).collect();
    for line in lines(&["id", "calls", "source ms", "target ms", "ratio", "damage ms", "", "statement"], &rows) {
        say!("{line}");
    }
    for row in &view.statements {
        if let Some(why) = &row.why {
            say!("{}: {}", row.compared.shape.id, harmless(why));
        }
    }
    for row in &view.statements {
        let of = |p: switchyard_api::queries::Percentiles| {
            format!("{} {} {}", figure::read_ms(p.p50_ms), figure::read_ms(p.p95_ms), figure::read_ms(p.p99_ms))
        };
        if let StatementPercentiles { source: Some(s), target: Some(t) } = row.percentiles {
            say!("{}: P50 P95 P99 {} on {}, {} on {}", row.compared.shape.id, of(s), view.source, of(t), view.target);
        }
    }
    for note in &view.notes {
        say!("Note: {}", harmless(note));
    }
}

fn slower(count: usize) -> String {
    if count == 1 { "1 slower,".to_owned() } else { format!("{count} slower,") }
}

fn row(row: &StatementRow) -> Vec<String> {
    use switchyard_api::queries::Called;
    let c = &row.compared;
    let mean = |side: &Option<switchyard_api::queries::StatementSide>| {
        side.map_or_else(|| "–".to_owned(), |s| format!("{:.3}", s.mean_ms))
    };
    let calls: f64 = c.source.iter().chain(&c.target).map(|s| s.calls).sum();
    let word = match c.called {
        Called::Fine => "",
        Called::Slower => "slower",
        Called::Tail => "slow tail",
        Called::Few => "few calls",
        Called::OnlySource => "only source",
        Called::OnlyTarget => "only target",
    };
    vec![
        c.shape.id.clone(),
        format!("{calls:.0}"),
        mean(&c.source),
        mean(&c.target),
        c.ratio.map_or_else(|| "–".to_owned(), |r| format!("{r:.1}")),
        format!("{:.0}", c.damage_ms),
        word.to_owned(),
        short(&c.shape.text),
    ]
}

pub fn short(text: &str) -> String {
    let text = harmless(text);
    if text.chars().count() <= STATEMENT {
        return text;
    }
    text.chars().take(STATEMENT - 1).chain(['…']).collect()
}

pub fn errors(view: &QueryErrorsView) {
    let since = view.since.filter(|s| *s > i64::MIN).map_or_else(String::new, |s| format!(" since {}", utc(s)));
    say!("{} errors on {}{since}", figure::count(i64::try_from(view.total).unwrap_or(i64::MAX)), view.target);
    for row in &view.kinds {
        let k = &row.kind;
        let rate = match (k.always, k.rate) {
            (true, _) => "FAILS ALWAYS".to_owned(),
            (false, Some(rate)) => {
                format!("{:.2} % of its runs{}", rate * 100.0, if k.is_over { ", too many" } else { "" })
            }
            (false, None) => "rate not known".to_owned(),
        };
        let source = match row.on_source {
            Some(0) => ", never on the source".to_owned(),
            Some(n) => format!(", {n} times on the source"),
            None => String::new(),
        };
        let states: Vec<&str> = k.states.keys().map(String::as_str).collect();
        say!("{:>7} ×  {rate}{source}  {} ({})  {}", k.count, states.join(" "), k.class_name, name(&k.application));
        if let Some(shape) = &k.statement {
            say!("           {}  {}", shape.id, short(&shape.text));
        }
        say!("           {}", short(&k.example));
    }
    if view.others > 0 {
        say!("{} more are of other kinds.", view.others);
    }
    for log in &view.logs {
        say!("Read: {}", harmless(log));
    }
    for note in &view.notes {
        say!("Note: {}", harmless(note));
    }
}

pub fn plans(view: &PlansView) {
    say!("{}", harmless(&view.statement.text));
    for side in [&view.source, &view.target] {
        let took = side.execution_ms.map_or_else(String::new, |ms| format!(" It took {}.", figure::read_ms(ms)));
        say!("{}: {}{took}", side.name, harmless(&side.made));
    }
    let rows: Vec<Vec<String>> = view
        .lines
        .iter()
        .map(|line| {
            let mark = if line.differences.is_empty() { " " } else { "≠" };
            vec![mark.to_owned(), node(line.source.as_ref()), node(line.target.as_ref())]
        })
        .collect();
    for line in lines(&["", &view.source.name, &view.target.name], &rows) {
        say!("{line}");
    }
    for sentence in &view.sentences {
        say!("{}", harmless(sentence));
    }
    for index in &view.missing {
        say!("  {}", harmless(&index.run));
    }
}

fn node(node: Option<&switchyard_api::queries::Node>) -> String {
    let Some(n) = node else { return "–".to_owned() };
    let on = if n.table.is_empty() { String::new() } else { format!(" on {}", harmless(&n.table)) };
    let by = if n.index.is_empty() { String::new() } else { format!(" by {}", harmless(&n.index)) };
    let blocks = n.blocks.map_or_else(String::new, |b| format!(", {b:.0} blocks"));
    let rows = match n.actual_rows {
        Some(actual) => format!("{actual:.0} rows of {:.0} expected", n.rows),
        None => format!("{:.0} rows expected", n.rows),
    };
    format!("{}{}{on}{by}: {rows}{blocks}", "  ".repeat(n.depth.min(20) as usize), n.kind)
}

pub fn index(view: &IndexView) {
    say!("{}", harmless(&view.statement.text));
    for index in &view.made {
        say!("Made on {}: {}", view.target, harmless(&index.run));
    }
    for index in &view.missing {
        say!("Would run on {}: {}", view.target, harmless(&index.run));
    }
    for sentence in &view.sentences {
        say!("{}", harmless(sentence));
    }
}
