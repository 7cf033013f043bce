//! Rights on an object as far as they depart from what the server gives such an object by itself.

/// An expression for them as JSON; NULL where nothing departs.
///
/// `letter` is what `acldefault` calls the kind of object. `owner` is `0` where the kind has no owner of its own.
pub(super) fn sql(acl: &str, letter: &str, owner: &str) -> String {
    departures(acl, &format!("acldefault('{letter}', {owner})"), owner)
}

/// The same against another list.
pub(super) fn departures(acl: &str, usual: &str, owner: &str) -> String {
    let rights = |list: &str, given: bool| {
        format!("SELECT grantee, privilege_type, is_grantable, {given} AS given FROM aclexplode({list})")
    };
    format!(
        "CASE WHEN {acl} IS NULL THEN NULL ELSE (SELECT json_agg(json_build_object( \
           'to', CASE WHEN g.grantee = 0 THEN '\"public\"'::json WHEN g.grantee = {owner} THEN '\"owner\"'::json \
                      ELSE json_build_object('role', pg_get_userbyid(g.grantee)) END, \
           'privilege', g.privilege_type, 'grantable', g.is_grantable, 'given', g.given) \
           ORDER BY g.grantee = 0 DESC, pg_get_userbyid(g.grantee), g.privilege_type, g.is_grantable, g.given) \
         FROM (({given} EXCEPT {usual_given}) UNION ALL ({taken} EXCEPT {still})) g) END",
        given = rights(acl, true),
        usual_given = rights(usual, true),
        taken = rights(usual, false),
        still = rights(acl, false),
    )
}
