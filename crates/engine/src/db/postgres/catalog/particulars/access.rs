//! What our role may with schemas, policies and the owners of tables.

use super::{
    super::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE},
    name,
};

/// From 16 on, belonging to a role and being allowed to become it are two things.
const SET_IS_A_RIGHT: i32 = 160_000;

pub(super) fn sql(version_num: i32) -> String {
    let may_not_become = if version_num >= SET_IS_A_RIGHT {
        "pg_has_role(current_user, c.relowner, 'USAGE') AND NOT pg_has_role(current_user, c.relowner, 'SET')"
    } else {
        "false"
    };
    let table = name("n.nspname", "c.relname");
    let relations = |kinds: &str| {
        format!(
            "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
              WHERE c.relkind IN ({kinds}) AND {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION}"
        )
    };
    format!(
        "SELECT (SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(c.relowner)::text), '[]') FROM {} AND {may_not_become}) AS no_set, \
                (SELECT coalesce(json_agg(DISTINCT n.nspname::text), '[]') FROM {} \
                    AND NOT has_schema_privilege(n.oid, 'USAGE')) AS no_usage, \
                (SELECT coalesce(json_agg({table} ORDER BY n.nspname, c.relname), '[]') FROM {} \
                    AND c.relrowsecurity AND row_security_active(c.oid)) AS policed",
        relations("'r', 'p'"),
        relations("'r', 'p', 'S'"),
        relations("'r', 'p'"),
    )
}
