//! Whether the server logs every statement, with its values.

use super::super::PgDatabase;
use crate::Result;

/// What counts for a role here: its own setting in this database, its own, the database's, or what our session has.
const SETTINGS: &str = "SELECT s.name::text, coalesce(\
      (SELECT substr(c, length(s.name) + 2) FROM pg_db_role_setting r, unnest(r.setconfig) c \
        WHERE c LIKE s.name || '=%' AND r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
          AND r.setrole IN (0, coalesce((SELECT oid FROM pg_roles WHERE rolname = $1), 0)) \
        ORDER BY r.setrole <> 0 DESC, r.setdatabase <> 0 DESC LIMIT 1), current_setting(s.name)) \
    FROM unnest(ARRAY['log_min_duration_statement', 'log_statement', 'log_parameter_max_length']) s(name)";

pub(super) async fn lacking(db: &PgDatabase, role: Option<&str>) -> Result<Vec<String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(SETTINGS)
        .bind(role.unwrap_or_default())
        .fetch_all(db.pool())
        .await
        .map_err(db.failed("asking what the server logs"))?;
    let is = |name: &str| rows.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
    Ok(judged(db.label(), is("log_min_duration_statement"), is("log_statement"), is("log_parameter_max_length")))
}

fn judged(label: &str, min_duration: &str, statement: &str, parameters: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !matches!(min_duration, "0" | "0ms") && statement != "all" {
        out.push(format!(
            "{label} does not log every statement: log_min_duration_statement is {min_duration} and has to be 0 (or log_statement all, \
             which is {statement})."
        ));
    }
    if !matches!(parameters, "-1") {
        out.push(format!("{label} cuts values in its log: log_parameter_max_length is {parameters} and has to be -1."));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::judged;

    #[test]
    fn what_is_not_logged_is_named() {
        assert!(judged("a", "0", "none", "-1").is_empty() && judged("a", "-1", "all", "-1").is_empty());
        let all = judged("a", "-1", "ddl", "100B").join(" ");
        assert!(all.contains("log_min_duration_statement is -1") && all.contains("is 100B"), "{all}");
    }
}
