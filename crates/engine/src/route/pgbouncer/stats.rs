//! SHOW STATS: what went through each database, in sums. Its averages are over PgBouncer's own period and are left alone; ours
//! come from the sums of two readings.

use switchyard_model::sources::{
    Growth::{MsFor, PerSecond},
    Reading, SourceKind, Unit,
};

use super::{PgBouncer, console::Row};
use crate::{
    error::{Error, Kind, Result},
    route::Traffic,
};

/// The sum that every release since 1.8 has, by which the others are told to be there.
const PROOF: &str = "total_query_count";

impl PgBouncer {
    /// All databases but the console's own.
    pub(super) async fn stats_now(&self) -> Result<Traffic> {
        let rows = self.show("SHOW STATS").await?;
        // By our own clock: PgBouncer says no time with it, and the answer takes no time beside a second.
        let reading = reading(&rows, super::super::seconds())
            .map_err(|why| Error::new(Kind::Router, format!("reading SHOW STATS of {}", self.console.label()), why))?;
        Ok(Traffic { kind: SourceKind::Pgbouncer, side: None, reading })
    }
}

fn reading(rows: &[Row], at_s: f64) -> std::result::Result<Reading, &'static str> {
    let mut out = Reading { at_s, ..Reading::default() };
    for row in rows.iter().filter(|r| r.get("database") != "pgbouncer") {
        if row.get(PROOF).is_empty() {
            return Err("it has no total_query_count: this PgBouncer is older than 1.8");
        }
        let of = row.get("database");
        let ms = |column: &str| row.number(column) as f64 / 1000.0;
        let count = |column: &str| row.number(column) as f64;
        out.counter(of, "queries", count(PROOF), Unit::Count, PerSecond);
        out.counter(of, "transactions", count("total_xact_count"), Unit::Count, PerSecond);
        out.counter(of, "query time, mean", ms("total_query_time"), Unit::Ms, MsFor("queries"));
        out.counter(of, "transaction time, mean", ms("total_xact_time"), Unit::Ms, MsFor("transactions"));
        out.counter(of, "wait for a server, mean", ms("total_wait_time"), Unit::Ms, MsFor("transactions"));
        out.counter(of, "received from clients", count("total_received"), Unit::Bytes, PerSecond);
        out.counter(of, "sent to clients", count("total_sent"), Unit::Bytes, PerSecond);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, &str)]) -> Row {
        Row::of(cells)
    }

    #[test]
    fn means_are_of_the_sums_and_never_of_averages() {
        let at = |queries: &str, us: &str, at_s: f64| {
            let app = row(&[
                ("database", "app_rw"),
                ("total_query_count", queries),
                ("total_query_time", us),
                ("total_xact_count", "0"),
                ("avg_query_time", "999999"),
            ]);
            reading(&[app, row(&[("database", "pgbouncer")])], at_s).unwrap()
        };
        let figures = at("300", "900000", 12.0).figures(&at("100", "500000", 10.0));
        let of = |name: &str| figures.iter().find(|f| f.name == name).map(|f| (f.of.as_str(), f.value));
        assert_eq!(of("queries"), Some(("app_rw", 100.0)), "200 in 2 s: {figures:?}");
        assert_eq!(of("query time, mean"), Some(("app_rw", 2.0)), "400 ms by 200 queries");
        assert_eq!(of("wait for a server, mean"), None, "no transaction ended, so there is no mean");
    }

    #[test]
    fn an_old_release_is_said_to_be_old() {
        assert!(reading(&[row(&[("database", "app"), ("total_requests", "5")])], 0.0).unwrap_err().contains("1.8"));
    }
}
