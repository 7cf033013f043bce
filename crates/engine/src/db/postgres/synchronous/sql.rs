//! The statements of a synchronous dual write. Pure: the dialog shows what these return, and the line sends exactly that.

use switchyard_model::{
    dual_write::Scope,
    ident::{literal, quote},
};

/// Makes the postmaster, and with it every session, read its settings again.
pub(super) const RELOAD: &str = "SELECT pg_catalog.pg_reload_conf()";

/// What `synchronous_standby_names` has to read: the one name, in quotes.
pub(super) fn names(standby: &str) -> String {
    quote(standby)
}

/// `ALTER SYSTEM` for one setting: to a value, or back to what the configuration file says.
pub(super) fn system(setting: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("ALTER SYSTEM SET {setting} = {}", literal(value)),
        None => format!("ALTER SYSTEM RESET {setting}"),
    }
}

/// `synchronous_commit` of whoever is chosen. A role's counts in this database alone: its commits elsewhere have nothing to wait for.
pub(super) fn chosen(scope: &Scope, database: &str, value: Option<&str>) -> String {
    let database = quote(database);
    let whose = match scope {
        Scope::Role { role } => format!("ROLE {} IN DATABASE {database}", quote(role)),
        Scope::Database => format!("DATABASE {database}"),
    };
    match value {
        Some(value) => format!("ALTER {whose} SET synchronous_commit = {}", literal(value)),
        None => format!("ALTER {whose} RESET synchronous_commit"),
    }
}

/// Everything that turning it on runs, in order. The first two are left out where the server waits for nobody by itself.
pub(super) fn turn_on(scope: &Scope, database: &str, standby: &str) -> Vec<String> {
    vec![
        system("synchronous_commit", Some("local")),
        RELOAD.to_owned(),
        system("synchronous_standby_names", Some(&names(standby))),
        RELOAD.to_owned(),
        chosen(scope, database, Some("remote_apply")),
    ]
}

/// What is wrong, told by the source in one row. `$1` a role or NULL, `$2` the standby.
pub(super) const LOOK: &str = "SELECT \
    pg_catalog.current_setting('synchronous_standby_names') AS names, \
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS super, \
    pg_catalog.current_setting('server_version_num')::int AS version, \
    (SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = $1) AS can_login, \
    (SELECT state FROM pg_catalog.pg_stat_replication WHERE application_name = $2 ORDER BY state = 'streaming' DESC LIMIT 1) AS stream, \
    EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass('switchyard.beat_forward') \
        AND contype = 'c' AND pg_catalog.pg_get_constraintdef(oid) NOT LIKE '%2%') AS narrow";

/// Rights that a role without superuser's needs, PostgreSQL 15 and later; each with the statement that grants it.
pub(super) const RIGHTS: &str = "SELECT g.statement FROM (VALUES \
    (pg_catalog.has_parameter_privilege('synchronous_standby_names', 'ALTER SYSTEM'), 'GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO %I'), \
    (pg_catalog.has_parameter_privilege('synchronous_commit', 'ALTER SYSTEM'), 'GRANT ALTER SYSTEM ON PARAMETER synchronous_commit TO %I'), \
    (pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE'), 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO %I'), \
    (pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE'), 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO %I'), \
    (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'), 'GRANT pg_read_all_stats TO %I') \
    ) r (has, template), pg_catalog.format(r.template, current_user) AS g (statement) WHERE NOT r.has";

/// What the files say: the two settings of `ALTER SYSTEM`, and the server's own `synchronous_commit`.
pub(super) const FILES: &str = "SELECT \
    (SELECT setting FROM f WHERE name = 'synchronous_standby_names' AND auto ORDER BY seqno DESC LIMIT 1) AS names, \
    (SELECT setting FROM f WHERE name = 'synchronous_commit' AND auto ORDER BY seqno DESC LIMIT 1) AS auto_commit, \
    (SELECT setting FROM f WHERE name = 'synchronous_commit' AND applied ORDER BY seqno DESC LIMIT 1) AS commit \
    FROM (SELECT) one";

/// `synchronous_commit` by `ALTER ROLE` and `ALTER DATABASE`, wherever it would make somebody wait or is ours to change.
pub(super) const OWN: &str = "SELECT coalesce(r.rolname, '') AS role, coalesce(d.datname, '') AS database, \
    pg_catalog.split_part(c, '=', 2) AS value, \
    coalesce(d.datname = pg_catalog.current_database(), false) \
      AND (r.rolname IS NOT DISTINCT FROM $1) AS chosen \
    FROM pg_catalog.pg_db_role_setting s \
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, \
    pg_catalog.unnest(s.setconfig) c WHERE c LIKE 'synchronous_commit=%'";

/// One look while it stands; `$1` the standby, `$2` the role or NULL, `$3` the source's time of the switch or NULL. `{ACTIVE}`
/// depends on the version.
pub(super) const WATCH: &str = "SELECT pg_catalog.current_setting('synchronous_standby_names') AS names, \
    EXISTS (SELECT FROM pg_catalog.pg_stat_replication WHERE application_name = $1 AND state = 'streaming') AS streaming, \
    count(*) FILTER (WHERE a.wait_event = 'SyncRep' AND NOT ours) AS waiting, \
    count(*) FILTER (WHERE a.wait_event = 'SyncRep' AND NOT chosen AND NOT ours) AS others, \
    count(*) FILTER (WHERE chosen AND NOT ours AND a.backend_start < $3::text::timestamptz) AS not_yet, \
    {ACTIVE} \
    FROM (SELECT *, coalesce(datname = pg_catalog.current_database() AND ($2::text IS NULL OR usename = $2::text), false) AS chosen, \
          application_name = 'switchyard' AS ours \
          FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') a";

/// See [`WATCH`]; counted since PostgreSQL 14.
pub(super) fn watch(version: i32) -> String {
    let active = if version >= 140_000 {
        "(SELECT active_time FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()) AS active, \
         (SELECT xact_commit + xact_rollback FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()) AS transactions"
    } else {
        "NULL::float8 AS active, NULL::int8 AS transactions"
    };
    WATCH.replace("{ACTIVE}", active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_wherever_they_come_from() {
        let scope = Scope::Role { role: "o\"brien".into() };
        let on = turn_on(&scope, "sh op", "switchyard_shop_from_source");
        assert_eq!(on[2], "ALTER SYSTEM SET synchronous_standby_names = '\"switchyard_shop_from_source\"'");
        assert_eq!(on[4], "ALTER ROLE \"o\"\"brien\" IN DATABASE \"sh op\" SET synchronous_commit = 'remote_apply'");
        assert_eq!(chosen(&Scope::Database, "shop", None), "ALTER DATABASE \"shop\" RESET synchronous_commit");
    }
}
