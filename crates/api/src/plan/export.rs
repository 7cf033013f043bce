//! A timeline for others: a page, a text, and a calendar.

use std::fmt::Write as _;

use switchyard_charts::{GanttInput, Theme, gantt_chart};
use switchyard_model::{
    UnixMs,
    plan::{
        strategy::name,
        timeline::{Task, Timeline},
    },
    time::{date, utc},
};

use super::Planned;
use crate::schema::html::escape;

/// Width of the picture on the page, CSS pixels.
const WIDTH: u32 = 1000;

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1000px;padding:0 1rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;\
border-bottom:1px solid #d0d7de}td{overflow-wrap:anywhere}svg{max-width:100%;height:auto}";

/// One HTML page that needs nothing else, with the picture in it.
pub fn html(plan: &Planned<Timeline>, now: UnixMs) -> String {
    let input = GanttInput { timeline: &plan.plan, now, width: WIDTH, theme: Theme::Light };
    // A plan without a picture is still a plan.
    let picture = gantt_chart(&input).unwrap_or_default();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Timeline</title><style>{STYLE}</style></head><body>\n\
         <h1>{} to {}</h1>\n<p>{}</p>\n{picture}\n<table><thead><tr><th>Task</th><th>Days</th><th>From</th><th>To</th><th>State</th>\
         <th>Why</th></tr></thead><tbody>\n",
        escape(&plan.source),
        escape(&plan.target),
        escape(&summary(&plan.plan))
    );
    for t in &plan.plan.tasks {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&t.title),
            t.days,
            date(t.begins),
            date(t.last()),
            escape(&state(t)),
            escape(&t.why)
        );
    }
    out.push_str("</tbody></table>\n");
    for note in plan.notes.iter().chain(&plan.plan.unknown) {
        let _ = writeln!(out, "<p>{}</p>", escape(note));
    }
    out.push_str("</body></html>\n");
    out
}

/// A Markdown table.
pub fn markdown(plan: &Planned<Timeline>) -> String {
    let cell = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    let mut out = format!(
        "# {} to {}\n\n{}\n\n| Task | Days | From | To | State | Why |\n|---|---|---|---|---|---|\n",
        cell(&plan.source),
        cell(&plan.target),
        summary(&plan.plan)
    );
    for t in &plan.plan.tasks {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&t.title),
            t.days,
            date(t.begins),
            date(t.last()),
            cell(&state(t)),
            cell(&t.why)
        );
    }
    for note in plan.notes.iter().chain(&plan.plan.unknown) {
        let _ = write!(out, "\n{}\n", cell(note));
    }
    out
}

/// An iCalendar file, RFC 5545: each task is an event of whole days.
pub fn icalendar(plan: &Planned<Timeline>, now: UnixMs) -> String {
    let stamp: String = utc(now).chars().filter(|c| !matches!(c, '-' | ':')).collect::<String>().replace(' ', "T");
    let day = |ms: UnixMs| date(ms).replace('-', "");
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Switchyard//Timeline//EN".to_owned(),
        "CALSCALE:GREGORIAN".to_owned(),
    ];
    for t in &plan.plan.tasks {
        // DTEND is exclusive, and a task of less than a day still has one.
        let last = t.last();
        let end = last - last.rem_euclid(switchyard_model::time::DAY_MS) + switchyard_model::time::DAY_MS;
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}-{}@switchyard", t.id, ical(&format!("{}-{}", plan.source, plan.target)).replace(' ', "_")),
            format!("DTSTAMP:{stamp}"),
            format!("DTSTART;VALUE=DATE:{}", day(t.begins)),
            format!("DTEND;VALUE=DATE:{}", day(end)),
            format!("SUMMARY:{}", ical(&format!("{} ({} to {})", t.title, plan.source, plan.target))),
            format!("DESCRIPTION:{}", ical(&format!("{} {}", state(t), t.why))),
            "TRANSP:TRANSPARENT".to_owned(),
            "END:VEVENT".to_owned(),
        ]);
    }
    lines.push("END:VCALENDAR".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

/// The whole in a sentence.
pub fn summary(t: &Timeline) -> String {
    let start = t.tasks.first().map_or(0, |task| task.start);
    let planned = t.tasks.last().map_or(start, Task::last_planned);
    let now = t.tasks.last().map_or(start, Task::last);
    let over = t.tasks.iter().all(|task| task.done.is_some());
    let moved = match (over, date(now) == date(planned)) {
        (true, _) => format!(" It ended on {}.", date(now)),
        (false, true) => String::new(),
        (false, false) => format!(" As it looks now it ends on {}.", date(now)),
    };
    format!("{}: from {} to {}.{moved}", name(t.strategy), date(start), date(planned))
}

/// Where a task stands, in words.
pub fn state(t: &Task) -> String {
    match (t.done, t.slips_days > 0.0, t.days_early()) {
        (Some(at), true, _) => format!("Done {}, {} late.", date(at), days(t.slips_days)),
        (Some(at), false, 0) => format!("Done {}.", date(at)),
        (Some(at), false, early) => format!("Done {}, {} early.", date(at), days(early as f64)),
        (None, true, _) => format!("{} late.", days(t.slips_days)),
        (None, false, 0) => "As planned.".to_owned(),
        (None, false, early) => format!("{} early.", days(early as f64)),
    }
}

fn days(n: f64) -> String {
    if n == 1.0 { "1 day".to_owned() } else { format!("{n} days") }
}

/// A text as a property's value.
fn ical(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    clean.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// A line in pieces of at most 75 bytes, cut between characters.
fn folded(line: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 74 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
    out
}

#[cfg(test)]
mod tests {
    use switchyard_model::{
        limits::Limits,
        migration::Strategy,
        plan::{
            Measured,
            timeline::{Changes, Given, timeline},
        },
        time::parse_date,
    };

    use super::*;

    /// Names as nobody should choose them.
    fn plan() -> Planned<Timeline> {
        let (measured, limits, changes) = (Measured::default(), Limits::normal(), Changes::default());
        let start = parse_date("2026-12-01").unwrap();
        let given = Given {
            measured: &measured,
            strategy: Strategy::Live,
            limits: &limits,
            team: 2,
            start,
            changes: &changes,
            reached: &std::collections::BTreeMap::new(),
            now: start,
        };
        Planned {
            source: "<script>alert(1)</script> | a; b, c\nEND:VEVENT".into(),
            target: "größe 🐘".repeat(12),
            measured: measured.clone(),
            notes: vec!["a <b> & | note".into()],
            plan: timeline(given),
        }
    }

    #[test]
    fn no_name_breaks_the_page_or_the_table() {
        let page = html(&plan(), parse_date("2026-12-02").unwrap());
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "names are text");
        assert!(page.contains("<svg") && page.contains("Cleanup"), "the picture and the table");
        let text = markdown(&plan());
        let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("| ")).collect();
        assert_eq!(rows.len(), 1 + plan().plan.tasks.len());
        assert!(rows.iter().all(|r| r.replace("\\|", "").matches('|').count() == 7), "each row has its six cells");
    }

    #[test]
    fn the_calendar_is_read_by_any_other() {
        let text = icalendar(&plan(), parse_date("2026-12-02").unwrap());
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "lines are folded");
        assert!(!text.replace("\r\n", "").contains('\n'), "and end as the standard says");
        let unfolded = text.replace("\r\n ", "");
        let lines: Vec<&str> = unfolded.lines().collect();
        let begun = lines.iter().filter(|l| **l == "BEGIN:VEVENT").count();
        assert_eq!(begun, plan().plan.tasks.len());
        assert_eq!(lines.iter().filter(|l| **l == "END:VEVENT").count(), begun, "a name cannot end an event");
        assert!(unfolded.contains("DTSTART;VALUE=DATE:20261201"), "the first day");
        assert!(unfolded.contains("a\\; b\\, c\\nEND:VEVENT"), "special characters are escaped");
    }
}
