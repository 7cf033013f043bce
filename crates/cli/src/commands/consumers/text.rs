//! A sampling as text for people.

use std::fmt::Write as _;

use switchyard_api::schema::consumers::ConsumersReport;
use switchyard_model::consumers::{Consumer, Figures, Mix, Report};

use super::table::{harmless, lines, name};

/// Rows of a list that are printed; `--json` has them all.
const SHOWN: usize = 50;

/// The whole answer.
pub(super) fn render(found: &ConsumersReport) -> String {
    let mut out = String::new();
    let r = &found.report;
    let _ = writeln!(
        out,
        "{}, PostgreSQL {}, database {}: {} samples in {:.0} s{}",
        name(&found.endpoint),
        found.version,
        name(&found.database),
        r.samples,
        r.seconds,
        if found.early { ", ended early" } else { "" }
    );
    clients(&mut out, r);
    apart(&mut out, "workers of the server in this database", &r.workers);
    apart(&mut out, "sent WAL (standbys, subscribers, backups)", &r.senders);
    tables(&mut out, r);
    users(&mut out, r);
    server(&mut out, r);
    for note in &r.notes {
        let _ = writeln!(out, "{}", harmless(note));
    }
    if !r.unseen.is_empty() {
        let _ = writeln!(out, "what this cannot tell:");
    }
    for unseen in &r.unseen {
        let _ = writeln!(out, "  {}", harmless(unseen));
    }
    out
}

fn clients(out: &mut String, r: &Report) {
    if r.consumers.is_empty() {
        let _ = writeln!(out, "No client was connected to this database in any sample.");
        return;
    }
    let head = [
        "application",
        "user",
        "address",
        "now",
        "peak",
        "mean",
        "active",
        "idle in tx",
        "idle s",
        "tx s",
        "lock waits",
        "sessions",
        "seen",
        "from s",
        "to s",
    ];
    let rows: Vec<Vec<String>> = r.consumers.iter().take(SHOWN).map(client).collect();
    list(out, "consumers", &head, &rows, r.consumers.len());
}

fn client(c: &Consumer) -> Vec<String> {
    vec![
        name(&c.application),
        name(&c.user),
        address(c),
        c.connections.now.to_string(),
        c.connections.peak.to_string(),
        format!("{:.1}", c.connections.mean),
        c.active_peak.to_string(),
        c.idle_in_transaction_peak.to_string(),
        format!("{:.1}", c.idle_in_transaction_s),
        format!("{:.1}", c.transaction_s),
        c.waiting_peak.to_string(),
        c.sessions.to_string(),
        format!("{}/{}", c.seen, c.of),
        format!("{:.1}", c.first_s),
        format!("{:.1}", c.last_s),
    ]
}

fn address(c: &Consumer) -> String {
    c.address.as_deref().map_or("hidden".to_owned(), name)
}

fn apart(out: &mut String, what: &str, consumers: &[Consumer]) {
    if consumers.is_empty() {
        return;
    }
    let row = |c: &Consumer| {
        let connections = c.connections.peak.to_string();
        vec![name(&c.application), name(&c.user), address(c), connections, format!("{}/{}", c.seen, c.of)]
    };
    let rows: Vec<Vec<String>> = consumers.iter().take(SHOWN).map(row).collect();
    list(out, what, &["application", "user", "address", "peak", "seen"], &rows, consumers.len());
}

fn tables(out: &mut String, r: &Report) {
    if r.tables.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = r
        .tables
        .iter()
        .take(SHOWN)
        .map(|t| {
            let mix = match t.mix {
                Mix::Reads => "reads",
                Mix::Writes => "writes",
                Mix::Both => "both",
            };
            let numbers = [t.scans, t.inserted, t.updated, t.deleted].map(|n| n.to_string());
            [vec![name(&t.table), mix.to_owned()], numbers.to_vec()].concat()
        })
        .collect();
    list(out, "tables in use", &["table", "use", "scans", "inserted", "updated", "deleted"], &rows, r.tables.len());
    if r.idle_tables > 0 {
        let _ = writeln!(out, "  not used, other tables: {}", r.idle_tables);
    }
}

fn users(out: &mut String, r: &Report) {
    let Some(users) = &r.users else { return };
    let rows: Vec<Vec<String>> = users
        .iter()
        .take(SHOWN)
        .map(|u| {
            let counts = [u.calls, u.reads, u.writes, u.unclear, u.other, u.hidden, u.rows].map(|n| n.to_string());
            [vec![name(&u.user)], counts.to_vec(), vec![format!("{:.1}", u.time_ms)]].concat()
        })
        .collect();
    let head = ["user", "statements", "reads", "writes", "unclear", "other", "hidden", "rows", "ms"];
    list(out, "statements by user", &head, &rows, users.len());
}

fn server(out: &mut String, r: &Report) {
    let s = &r.server;
    let _ = writeln!(
        out,
        "server: {} connections now, {} at most, of max_connections {} ({} reserved)",
        s.connections.now, s.connections.peak, s.max_connections, s.reserved
    );
    let rate = |out: &mut String, what: &str, of: Option<Figures>, unit: f64| {
        if let Some(f) = of {
            let _ = writeln!(out, "  {what}: {:.1} at most, {:.1} on average", f.peak / unit, f.mean / unit);
        }
    };
    rate(out, "transactions per second", s.transactions_per_s, 1.0);
    rate(out, "statements per second", s.statements_per_s, 1.0);
    rate(out, "WAL, MB per second", s.wal_bytes_per_s, 1_048_576.0);
}

fn list(out: &mut String, what: &str, head: &[&str], rows: &[Vec<String>], of: usize) {
    let _ = writeln!(out, "{what}:");
    for line in lines(head, rows) {
        let _ = writeln!(out, "{line}");
    }
    if of > rows.len() {
        let _ = writeln!(out, "  … and {} more; --json lists them all", of - rows.len());
    }
}
