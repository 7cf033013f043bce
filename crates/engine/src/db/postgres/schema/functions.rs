//! Functions, and what calls them: triggers, rules, event triggers.

use super::fragment::{Head, SCHEMAS_IN_SCOPE, comment, own};

/// Functions and procedures. Those that a range type brings along belong to it.
pub(super) fn sql() -> String {
    let head = Head {
        oid: "p.oid",
        path: "n.nspname, p.proname, oidvectortypes(p.proargtypes)",
        comment: &comment("pg_proc", "p.oid"),
        owner: Some("p.proowner"),
        acl: Some(("p.proacl", "f")),
    };
    format!(
        "SELECT {head}, p.prokind = 'p' AS procedure, l.lanname AS language, pg_get_function_arguments(p.oid) AS arguments, \
                pg_get_function_result(p.oid) AS result, pg_get_functiondef(p.oid) AS definition, \
                p.prosqlbody IS NOT NULL AS parsed \
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
          WHERE p.prokind IN ('f', 'p', 'w') AND {SCHEMAS_IN_SCOPE} \
            AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid \
                               AND e.deptype IN ('e', 'i')) \
          ORDER BY n.nspname, p.proname, oidvectortypes(p.proargtypes)",
        head = head.sql(),
    )
}

/// Triggers, but those of the system, of partitions' whole tables, and ours.
pub(super) fn triggers() -> String {
    let head = Head {
        oid: "t.oid",
        path: "n.nspname, c.relname, t.tgname",
        comment: &comment("pg_trigger", "t.oid"),
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled, c.relkind = 'v' AS on_view \
           FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
           JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace \
          WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND pn.nspname <> 'switchyard' AND {SCHEMAS_IN_SCOPE} \
            AND {own} AND {of_extension} ORDER BY n.nspname, c.relname, t.tgname",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
        of_extension = own("pg_trigger", "t.oid"),
    )
}

/// Rules, but those that make a view.
pub(super) fn rules() -> String {
    let head = Head {
        oid: "r.oid",
        path: "n.nspname, c.relname, r.rulename",
        comment: &comment("pg_rewrite", "r.oid"),
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, pg_get_ruledef(r.oid) AS definition, r.ev_enabled AS enabled \
           FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE r.rulename <> '_RETURN' AND r.oid >= 16384 AND {SCHEMAS_IN_SCOPE} AND {own} \
          ORDER BY n.nspname, c.relname, r.rulename",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
    )
}

/// Event triggers.
pub(super) fn event_triggers() -> String {
    let head = Head {
        oid: "t.oid",
        path: "t.evtname",
        comment: &comment("pg_event_trigger", "t.oid"),
        owner: Some("t.evtowner"),
        acl: None,
    };
    format!(
        "SELECT {head}, t.evtevent AS event, t.evttags AS tags, ARRAY[pn.nspname, p.proname]::text[] AS function, \
                t.evtenabled AS enabled \
           FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace \
          WHERE pn.nspname <> 'switchyard' AND {own} ORDER BY t.evtname",
        head = head.sql(),
        own = own("pg_event_trigger", "t.oid"),
    )
}
