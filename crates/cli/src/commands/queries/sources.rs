//! `queries sources`: where the facts come from, and what each source cannot see.

use switchyard_api::dto::*;
use switchyard_model::{
    figure,
    sources::{Figure, Unit},
    time::utc,
};

use super::super::{Ctl, consumers::table::harmless};
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, migration: String, seconds: u32) -> Result<Answer, ApiError> {
    let view: SourcesView = ctl.call("queries_sources", &SourcesRequest { migration, seconds }).await?;
    if ctl.json {
        output::json(&view);
    } else {
        text(&view);
    }
    let any = |of: fn(SourceState) -> bool| view.sources.iter().any(|s| of(s.state));
    Ok(if any(|s| s == SourceState::Unknown) {
        Answer::Unable
    } else if any(|s| s != SourceState::Usable) {
        Answer::No
    } else {
        Answer::Yes
    })
}

fn text(view: &SourcesView) {
    say!("Two readings, {} s apart, the second at {}", view.seconds, utc(view.at));
    for source in &view.sources {
        let side = source.side.map(|s| format!(", {s}")).unwrap_or_default();
        let state = match source.state {
            SourceState::Usable => "usable",
            SourceState::Partly => "PARTLY USABLE",
            SourceState::Unusable => "NOT USABLE",
            SourceState::Unknown => "NOT KNOWN",
        };
        say!("\n{} of {}{side}: {state}", source.title, harmless(&source.name));
        for sentence in source.why.iter().chain(&source.remedy) {
            say!("  {}", harmless(sentence));
        }
        if let Some(since) = source.since {
            say!("  counts since {}", utc(since));
        }
        if source.was_reset {
            say!("  Its counters began anew between the two readings: what grew is not known.");
        }
        for (of, line) in lines(&source.figures) {
            let of = if of.is_empty() { String::new() } else { format!("{}: ", harmless(of)) };
            say!("  {of}{line}");
        }
        for note in &source.notes {
            say!("  {}", harmless(note));
        }
        say!("  Cannot see: {}", source.cannot_see);
    }
}

/// Figures of one part in one line.
fn lines(figures: &[Figure]) -> Vec<(&str, String)> {
    let mut out: Vec<(&str, String)> = Vec::new();
    for f in figures {
        let text = format!("{} {}", f.name, amount(f));
        match out.iter_mut().find(|(of, _)| *of == f.of) {
            Some((_, line)) => {
                line.push_str(", ");
                line.push_str(&text);
            }
            None => out.push((&f.of, text)),
        }
    }
    out
}

fn amount(f: &Figure) -> String {
    let whole = |value: f64| figure::count(value.round() as i64);
    match f.unit {
        Unit::Count => whole(f.value),
        Unit::PerS if f.value == 0.0 || f.value >= 100.0 => format!("{} /s", whole(f.value)),
        Unit::PerS => format!("{:.1} /s", f.value),
        Unit::Bytes => figure::bytes(f.value.round() as i64),
        Unit::BytesPerS => format!("{} /s", figure::bytes(f.value.round() as i64)),
        Unit::Ms => figure::read_ms(f.value),
        Unit::S => format!("{} s", whole(f.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_one_part_are_one_line() {
        let f = |of: &str, name: &str, value, unit| Figure { of: of.to_owned(), name: name.to_owned(), value, unit };
        let all = [
            f("rw", "queries", 12.34, Unit::PerS),
            f("ro", "queries", 0.0, Unit::PerS),
            f("rw", "sent", 2048.0, Unit::BytesPerS),
        ];
        assert_eq!(
            lines(&all),
            [("rw", "queries 12.3 /s, sent 2.0 KiB /s".to_owned()), ("ro", "queries 0 /s".to_owned())]
        );
    }
}
