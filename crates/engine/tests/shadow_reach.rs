//! What shadow reads may run, by the catalogs of the oldest and the newest server: views are followed to their end, and row security is
//! judged for the role that it binds.
#![allow(clippy::unwrap_used, clippy::panic)]

use switchyard_engine::{
    db::connect::{Login, UnderShadow},
    secret::Secret,
};
use switchyard_model::endpoint::{Endpoint, TlsMode};
use switchyard_rig::{DATABASE, Login as Role, Major, Server, ServerOptions};
use switchyard_shadow::{Allowed, Side as _, Skip};

const CALLS: &str = "CREATE TABLE t (id integer); \
    CREATE VIEW over_t AS SELECT id, lower('A') AS a, count(*) OVER (ORDER BY id) FROM t WHERE id IN (1, 2); \
    CREATE VIEW over_over AS WITH x AS (SELECT * FROM over_t) SELECT a, sum(id) FROM x GROUP BY a; \
    CREATE VIEW dice AS SELECT id FROM t WHERE random() > 0.5; CREATE VIEW over_dice AS SELECT 1 AS n WHERE EXISTS (SELECT FROM dice); \
    CREATE FUNCTION one(integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT $1'; \
    CREATE FUNCTION two(integer, integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT $1'; \
    CREATE FUNCTION said(integer) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1::text'; \
    CREATE FUNCTION row_of(t) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1'; \
    CREATE FUNCTION steady(integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1'; \
    CREATE OPERATOR ## (PROCEDURE = two, LEFTARG = integer, RIGHTARG = integer); \
    CREATE AGGREGATE twos(integer) (SFUNC = two, STYPE = integer); \
    CREATE TYPE pair AS (a integer); \
    CREATE FUNCTION paired(integer) RETURNS pair LANGUAGE sql VOLATILE AS 'SELECT ROW($1)::pair'; \
    CREATE CAST (integer AS pair) WITH FUNCTION paired(integer); \
    CREATE VIEW calls AS SELECT one(id) FROM t; CREATE VIEW by_row AS SELECT t.row_of FROM t; \
    CREATE VIEW by_operator AS SELECT id ## 1 FROM t; CREATE VIEW by_aggregate AS SELECT twos(id) FROM t; \
    CREATE VIEW by_window AS SELECT twos(id) OVER () FROM t; CREATE VIEW by_cast AS SELECT id::pair FROM t; \
    CREATE VIEW by_from AS SELECT * FROM one(3); CREATE VIEW steadily AS SELECT steady(id) FROM t; \
    CREATE SEQUENCE numbers; CREATE VIEW draws AS SELECT nextval('numbers'); CREATE VIEW peeks AS SELECT last_value FROM numbers; \
    CREATE VIEW dated AS SELECT id FROM t WHERE now() > '2020-01-01'; CREATE VIEW asks_who AS SELECT current_user AS u; \
    CREATE VIEW places AS SELECT ctid AS at FROM t;";

const RELATIONS: &str = "CREATE MATERIALIZED VIEW kept AS SELECT * FROM t; CREATE VIEW over_kept AS SELECT * FROM kept; \
    CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; \
    CREATE FOREIGN TABLE far (id integer) SERVER nowhere; CREATE VIEW over_far AS SELECT id FROM t UNION ALL SELECT id FROM far; \
    CREATE TABLE parted (id integer) PARTITION BY LIST (id); CREATE TABLE near PARTITION OF parted FOR VALUES IN (1); \
    CREATE VIEW over_parted AS SELECT * FROM parted; \
    CREATE TABLE part_far (id integer) PARTITION BY LIST (id); \
    CREATE FOREIGN TABLE part_of_far PARTITION OF part_far FOR VALUES IN (1) SERVER nowhere; \
    CREATE VIEW over_part_far AS SELECT * FROM part_far; \
    CREATE VIEW of_the_server AS SELECT relname FROM pg_class; CREATE VIEW of_the_schema AS SELECT 1 AS n FROM information_schema.tables;";

/// Tables of `keeper`, and views of it, of somebody else, of one that no policy binds, and of whoever asks.
const POLICED: &str = "CREATE ROLE keeper; CREATE ROLE other; CREATE ROLE free BYPASSRLS; \
    CREATE TABLE policed (id integer); CREATE TABLE forced (id integer); CREATE TABLE closed (id integer) PARTITION BY LIST (id); \
    CREATE TABLE closed_1 PARTITION OF closed FOR VALUES IN (1); \
    ALTER TABLE policed ENABLE ROW LEVEL SECURITY; ALTER TABLE closed_1 ENABLE ROW LEVEL SECURITY; \
    ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY; \
    ALTER TABLE policed OWNER TO keeper; ALTER TABLE forced OWNER TO keeper; \
    GRANT SELECT ON policed, forced TO other, free; \
    CREATE VIEW own AS SELECT * FROM policed; ALTER VIEW own OWNER TO keeper; \
    CREATE VIEW own_forced AS SELECT * FROM forced; ALTER VIEW own_forced OWNER TO keeper; \
    CREATE VIEW others AS SELECT * FROM policed; ALTER VIEW others OWNER TO other; \
    CREATE VIEW over_others AS SELECT * FROM others; \
    CREATE VIEW freely AS SELECT * FROM forced; ALTER VIEW freely OWNER TO free; \
    CREATE VIEW asking WITH (security_invoker) AS SELECT * FROM policed; \
    CREATE VIEW over_asking AS SELECT * FROM asking;";

const FINE: Result<Allowed, Skip> = Ok(Allowed { of_the_time: false });
const TIMED: Result<Allowed, Skip> = Ok(Allowed { of_the_time: true });

/// What is read, and what is said of it to anybody.
const SAID: &[(&str, Result<Allowed, Skip>)] = &[
    ("t", FINE),
    ("over_t", FINE),
    ("over_over", FINE),
    ("steadily", FINE),
    ("over_parted", FINE),
    ("closed", FINE),
    ("no_such_table", FINE),
    ("own", FINE),
    ("freely", FINE),
    ("dated", TIMED),
    ("asks_who", TIMED),
    ("places", TIMED),
    ("dice", Err(Skip::Volatile)),
    ("over_dice", Err(Skip::Volatile)),
    ("calls", Err(Skip::Volatile)),
    ("by_row", Err(Skip::Volatile)),
    ("by_operator", Err(Skip::Volatile)),
    ("by_aggregate", Err(Skip::Volatile)),
    ("by_window", Err(Skip::Volatile)),
    ("by_cast", Err(Skip::Volatile)),
    ("by_from", Err(Skip::Volatile)),
    ("draws", Err(Skip::Volatile)),
    ("peeks", Err(Skip::NotATable)),
    ("numbers", Err(Skip::NotATable)),
    ("far", Err(Skip::NotATable)),
    ("over_far", Err(Skip::NotATable)),
    ("part_far", Err(Skip::NotATable)),
    ("over_part_far", Err(Skip::NotATable)),
    ("kept", Err(Skip::Materialized)),
    ("over_kept", Err(Skip::Materialized)),
    ("of_the_server", Err(Skip::Catalog)),
    ("of_the_schema", Err(Skip::Catalog)),
    ("own_forced", Err(Skip::RowSecurity)),
    ("others", Err(Skip::RowSecurity)),
    ("over_others", Err(Skip::RowSecurity)),
];

/// What depends on who asks: it is said to a role that policies bind, and not to a superuser.
const OF_THE_ROLE: &[&str] = &["policed", "forced", "asking", "over_asking"];

fn side(server: &Server, role: &Role) -> UnderShadow {
    let secret = Secret::new(role.password.clone());
    let endpoint = Endpoint {
        name: "reach".into(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: role.user.clone(),
        tls: TlsMode::Disable,
        ca_file: None,
        peer_address: None,
    };
    UnderShadow::at(Login { endpoint: &endpoint, password: Some(&secret) }).unwrap()
}

async fn says(side: &UnderShadow, of: &str) -> Result<Allowed, Skip> {
    let text = format!("SELECT * FROM {of}");
    side.allows("app", &text, &[], &[of.to_owned()]).await.unwrap_or_else(|f| panic!("{of}: {}", f.sentence))
}

/// Texts over `t` that call without a call.
const HIDDEN: &[&str] = &[
    "SELECT t.row_of FROM t",
    "SELECT (t).\"row_of\" FROM t",
    "SELECT id ## ? FROM t",
    "SELECT id::pair FROM t",
    "SELECT CAST(id AS PAIR) FROM t",
];

async fn over(major: Major) {
    let server = Server::start(major, ServerOptions::default()).await.unwrap();
    for sql in [CALLS, RELATIONS, POLICED] {
        server.execute(sql).await.unwrap();
    }
    let (bound, free) = (side(&server, &server.logins.limited), side(&server, &server.logins.superuser));
    for (of, said) in SAID {
        assert_eq!(says(&bound, of).await, *said, "{of} on {major:?}");
        assert_eq!(says(&free, of).await, *said, "{of} on {major:?}, to a superuser");
    }
    for of in OF_THE_ROLE {
        assert_eq!(says(&bound, of).await, Err(Skip::RowSecurity), "policies of {of} bind this role on {major:?}");
        assert_eq!(says(&free, of).await, FINE, "and no superuser: {of} on {major:?}");
    }
    for text in HIDDEN {
        let said = free.allows("app", text, &[], &["t".to_owned()]).await.unwrap();
        assert_eq!(said, Err(Skip::Volatile), "{text} on {major:?}");
    }
    // A value can be cast to it without its name.
    server.execute("CREATE DOMAIN odd AS integer CHECK (one(VALUE) > 0)").await.unwrap();
    assert_eq!(says(&free, "over_t").await, Err(Skip::Volatile), "the check of a domain may run on {major:?}");
    assert_eq!(says(&free, "t").await, FINE, "which is no matter of a table on {major:?}");
    let cast = free.allows("app", "SELECT id::odd FROM t", &[], &["t".to_owned()]).await.unwrap();
    assert_eq!(cast, Err(Skip::Volatile), "but of a text that names it");
    server.execute("CREATE CAST (integer AS text) WITH FUNCTION said(integer) AS IMPLICIT").await.unwrap();
    assert_eq!(says(&free, "t").await, Err(Skip::Volatile), "what is cast by itself needs no name on {major:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_followed_and_policies_bind_whom_they_bind() {
    tokio::join!(over(Major::V15), over(Major::best()));
}
