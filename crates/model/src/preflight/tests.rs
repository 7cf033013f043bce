use super::{accepted::AcceptedCheck, particulars::*, *};
use crate::{
    ident::TableName,
    inventory::{Column, Extension, ReplicaIdentity, Sequence, Table, TableKind},
    phase::Phase,
    schema::Severity,
};

fn table(name: &str) -> Table {
    Table {
        name: TableName::new("public", name),
        kind: TableKind::Ordinary,
        partition_of: None,
        unlogged: false,
        columns: vec![column("id", "bigint")],
        primary_key: vec!["id".into()],
        replica_identity: ReplicaIdentity::Default,
        estimated_rows: 0,
        bytes: 0,
    }
}

fn column(name: &str, sql_type: &str) -> Column {
    Column {
        name: name.into(),
        sql_type: sql_type.into(),
        base_type: sql_type.into(),
        not_null: true,
        generated: false,
    }
}

fn inventory(identifier: &str) -> Inventory {
    Inventory {
        server: ServerFacts {
            version_num: 150_020,
            version: "15.20".into(),
            system_identifier: identifier.into(),
            database: "shop".into(),
            wal_level: "logical".into(),
            in_recovery: false,
            max_slots: 10,
            used_slots: 0,
            max_senders: 10,
            used_senders: 0,
            max_logical_workers: 4,
            used_logical_workers: 0,
            max_workers: 8,
            max_slot_wal_keep_bytes: -1,
            max_connections: 100,
            connections: 1,
            encoding: "UTF8".into(),
            collation: "en_US.UTF-8".into(),
            role: "mover".into(),
            is_superuser: true,
            has_replication: true,
            can_create_in_database: true,
            can_subscribe: true,
            tables_not_owned: Vec::new(),
        },
        tables: vec![table("a"), table("b")],
        sequences: vec![Sequence { name: TableName::new("public", "s"), increment: 1, last_value: None }],
        extensions: vec![Extension { name: "plpgsql".into(), version: "1.0".into() }],
        available_extensions: vec!["plpgsql".into(), "hstore".into()],
        large_objects: 0,
        particulars: nothing_wrong(),
        at: 1000,
    }
}

/// Everything was read, and nothing of it is in the way.
fn nothing_wrong() -> Particulars {
    Particulars {
        always_triggers: Some(Ok(Vec::new())),
        collations: Some(Ok(Vec::new())),
        cron: Some(Ok(Cron::default())),
        config_tables: Some(Ok(Vec::new())),
        generated_identities: Some(Ok(Vec::new())),
        settings: Some(Ok(Vec::new())),
        sessions: Some(Ok(Sessions { sees_all: true, long: Vec::new() })),
        not_valid: Some(Ok(Vec::new())),
        origins: Some(Ok(Origins { max: 10, used: 0, setting: "max_replication_slots".into() })),
        pending_detaches: Some(Ok(Vec::new())),
        two_phase: Some(Ok(TwoPhase::default())),
        access: Some(Ok(Access::default())),
        standbys: Some(Ok(Standbys::default())),
        slot_timeout: Some(Ok(SlotTimeout::default())),
        unanalysed: Some(Ok(Vec::new())),
        subscriptions: Some(Ok(Vec::new())),
        time_zone: Some(Ok(ServerZone { zone: "UTC".into(), statement_timeout: None })),
        foreign_keys: Some(Ok(Vec::new())),
    }
}

fn pair() -> (Inventory, Inventory) {
    let target = Inventory { tables: Vec::new(), at: 900, ..inventory("222") };
    (inventory("111"), target)
}

/// The verdict of one check after a change to a pair that passes everything.
fn after(id: &str, change: impl FnOnce(&mut Inventory, &mut Inventory)) -> Verdict {
    let (mut source, mut target) = pair();
    change(&mut source, &mut target);
    let found: Vec<Check> = judge(&source, &target).into_iter().filter(|c| c.id == id).collect();
    assert_eq!(found.len(), 1, "{id} must exist exactly once");
    found.into_iter().next().unwrap().verdict
}

fn assert_fails(id: &str, words: &[&str], change: impl FnOnce(&mut Inventory, &mut Inventory)) {
    match after(id, change) {
        Verdict::Fail { why, remedy } => {
            for word in words {
                assert!(format!("{why} | {remedy}").contains(word), "{id} should say “{word}”: {why} | {remedy}");
            }
        }
        other => panic!("{id} should fail: {other:?}"),
    }
}

#[test]
fn a_good_pair_passes_and_every_check_is_listed() {
    let (source, target) = pair();
    let checks = judge(&source, &target);
    for check in &checks {
        assert!(check.verdict.opens(), "{}: {:?}", check.id, check.verdict);
        assert_eq!(check.phase, Phase::SchemaAnalysis);
    }
    let mut ids: Vec<&str> = checks.iter().map(|c| c.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), checks.len(), "ids are unique");
    assert!(
        TAKEN_BY_REPLICATION.iter().chain([&TARGET_EMPTY]).all(|id| ids.contains(id)),
        "exported ids exist: {ids:?}"
    );
    for check in &checks {
        let item = severity::of(&check.id).unwrap_or_else(|| panic!("{} is weighed nowhere", check.id));
        assert_eq!(check.severity, Some(item.severity), "{}", check.id);
        assert!(item.why.ends_with('.'), "{} says what comes of it in a sentence", check.id);
    }
    for item in severity::ITEMS {
        let is = |c: &Check| c.id.split_once('.').is_some_and(|(_, name)| name == item.name);
        assert!(checks.iter().any(is), "{} weighs nothing", item.name);
    }
    let both = checks.iter().find(|c| c.id == "pair.encoding").unwrap();
    assert_eq!(both.at, Some(900), "a check on both is as old as the older reading");
}

#[test]
fn nothing_passes_on_missing_data() {
    let nothing = Inventory {
        server: ServerFacts::default(),
        tables: Vec::new(),
        sequences: Vec::new(),
        extensions: Vec::new(),
        available_extensions: Vec::new(),
        large_objects: -1,
        particulars: Particulars::default(),
        at: 0,
    };
    for check in judge(&nothing, &nothing) {
        assert!(!check.verdict.opens(), "{} passed on nothing: {:?}", check.id, check.verdict);
    }
}

#[test]
fn server_limits_hold_at_their_boundaries() {
    assert!(after("source.version", |s, _| s.server.version_num = 140_000).opens());
    assert_fails("source.version", &["digest"], |s, _| s.server.version_num = 139_999);
    assert_fails("source.version", &["cannot publish"], |s, _| s.server.version_num = 90_624);
    assert!(after("source.slots", |s, _| s.server.used_slots = 8).opens(), "two free are enough for stream and copy");
    assert_fails("source.slots", &["1 of 10", "max_replication_slots = 11"], |s, _| s.server.used_slots = 9);
    assert!(after("target.slots", |_, t| t.server.used_slots = 9).opens(), "the way back copies nothing");
    assert_fails("target.slots", &["max_replication_slots"], |_, t| t.server.used_slots = 10);
    assert_fails("source.senders", &["max_wal_senders"], |s, _| s.server.max_senders = 1);
    assert!(after("target.workers", |_, t| t.server.max_logical_workers = 2).opens());
    assert_fails("target.workers", &["max_logical_replication_workers"], |_, t| t.server.max_logical_workers = 1);
    assert_fails("target.workers", &["1 of 4", "max_logical_replication_workers = 5"], |_, t| {
        t.server.used_logical_workers = 3;
    });
    assert!(
        after("source.workers", |s, _| s.server.used_logical_workers = 3).opens(),
        "the way back applies, and copies nothing"
    );
    assert_fails("source.workers", &["max_worker_processes"], |s, _| s.server.max_workers = 1);
    for side in ["source.wal_level", "target.wal_level"] {
        assert_fails(side, &["replica", "wal_level = 'logical'", "restart"], |s, t| {
            s.server.wal_level = "replica".into();
            t.server.wal_level = "replica".into();
        });
    }
    assert_fails("target.primary", &["standby"], |_, t| t.server.in_recovery = true);
    assert_fails("source.wal_limit", &["max_slot_wal_keep_size"], |s, _| s.server.max_slot_wal_keep_bytes = 0);
    assert!(
        after("source.wal_limit", |s, _| s.server.max_slot_wal_keep_bytes = 2 << 30).sentence().contains("2048 MB")
    );
}

#[test]
fn a_server_that_is_too_old_is_told_so_and_nothing_else_is_guessed() {
    let (mut source, target) = pair();
    let server = ServerFacts { version_num: 90_624, version: "9.6.24".into(), ..ServerFacts::default() };
    source = Inventory { server, tables: vec![], sequences: vec![], extensions: vec![], large_objects: -1, ..source };
    let checks = judge(&source, &target);
    let failed: Vec<&Check> = checks.iter().filter(|c| matches!(c.verdict, Verdict::Fail { .. })).collect();
    assert_eq!(failed.len(), 1, "one sentence, not a dozen that follow from it: {failed:?}");
    assert_eq!(failed[0].id, "source.version");
    assert_eq!(failed[0].verdict.sentence(), "PostgreSQL 9.6.24 cannot publish");
    assert!(checks.iter().all(|c| !c.id.starts_with("source.") || !c.verdict.opens()), "and nothing of it passes");
}

#[test]
fn long_lists_end() {
    let many = |i: &mut Inventory| i.server.tables_not_owned = (0..40).map(|n| format!("public.t{n}")).collect();
    let Verdict::Fail { why, .. } = after("source.role_owner", |s, _| many(s)) else { panic!("it fails") };
    assert!(why.contains("40 objects") && why.ends_with("public.t7 and 32 more"), "{why}");
}

#[test]
fn a_role_that_lacks_something_gets_the_statement() {
    let mortal = |i: &mut Inventory| {
        i.server.role = "Mo\"ver".into();
        i.server.is_superuser = false;
    };
    for (id, statement, lack) in [
        (
            "source.role_replication",
            "ALTER ROLE \"Mo\"\"ver\" REPLICATION",
            (|f| f.has_replication = false) as fn(&mut ServerFacts),
        ),
        ("source.role_create", "GRANT CREATE ON DATABASE \"shop\"", |f| f.can_create_in_database = false),
        ("source.role_subscribe", "SUPERUSER", |f| f.can_subscribe = false),
        ("source.role_owner", "public.x, sequence public.y", |f| {
            f.tables_not_owned = vec!["public.x".into(), "sequence public.y".into()];
        }),
    ] {
        assert!(after(id, |s, _| mortal(s)).opens(), "{id} holds without being a superuser");
        assert_fails(id, &[statement], |s, _| {
            mortal(s);
            lack(&mut s.server);
        });
    }
    assert_fails("target.role_subscribe", &["GRANT pg_create_subscription"], |_, t| {
        mortal(t);
        t.server.version_num = 160_000;
        t.server.can_subscribe = false;
    });
}

#[test]
fn tables_that_cannot_be_carried_are_all_named() {
    assert_fails(
        "source.replica_identity",
        &["public.a, public.b", "ALTER TABLE \"public\".\"a\" REPLICA IDENTITY FULL;"],
        |s, _| {
            s.tables.iter_mut().for_each(|t| t.primary_key.clear());
        },
    );
    let full = |s: &mut Inventory| {
        s.tables[0].replica_identity = ReplicaIdentity::Full;
        s.tables[0].primary_key.clear();
    };
    assert!(after("source.replica_identity", |s, _| full(s)).sentence().contains("1 table by all values"));
    assert_fails("source.identity_full", &["public.a", "jsonb"], |s, _| {
        full(s);
        s.tables[0].columns.push(column("doc", "json"));
    });
    assert!(
        after("source.replica_identity", |s, _| {
            s.tables[0].kind = TableKind::Partitioned;
            s.tables[0].primary_key.clear();
        })
        .opens(),
        "a partitioned root holds no rows, its partitions count"
    );
    assert_fails("source.unlogged", &["public.b", "SET LOGGED"], |s, _| s.tables[1].unlogged = true);
    assert_fails("source.large_objects", &["3 large objects", "bytea"], |s, _| s.large_objects = 3);
    let foreign = after("source.foreign_tables", |s, _| s.tables[1].kind = TableKind::Foreign);
    assert!(matches!(&foreign, Verdict::Unknown { missing } if missing.contains("public.b")), "{foreign:?}");
    let generated = after("source.generated_columns", |s, _| s.tables[0].columns[0].generated = true);
    assert!(generated.opens() && generated.sentence().contains("1 generated column"), "a note, not an obstacle");
}

#[test]
fn the_pair_has_to_fit() {
    assert_fails("pair.two_databases", &["database shop of server 111"], |_, t| {
        t.server.system_identifier = "111".into()
    });
    assert!(
        after("pair.two_databases", |_, t| {
            t.server.system_identifier = "111".into();
            t.server.database = "other".into();
        })
        .opens()
    );
    assert_fails("pair.version_order", &["target 14.3"], |_, t| {
        t.server.version_num = 140_003;
        t.server.version = "14.3".into();
    });
    assert!(after("pair.version_order", |_, t| t.server.version_num = 150_001).opens(), "minor versions do not count");
    assert_fails("pair.encoding", &["LATIN1", "ENCODING 'UTF8'"], |_, t| t.server.encoding = "LATIN1".into());
    assert_fails("pair.collation", &["de_DE.UTF-8"], |_, t| t.server.collation = "de_DE.UTF-8".into());
    assert!(
        after("pair.collation", |_, t| t.server.collation = "en_US.utf8".into()).opens(),
        "one locale, two spellings"
    );
    let postgis = Extension { name: "postgis".into(), version: "3".into() };
    assert_fails("target.extensions", &["postgis"], |s, _| s.extensions.push(postgis.clone()));
    assert!(
        after("target.extensions", |s, t| {
            s.extensions.push(postgis.clone());
            t.extensions.push(postgis.clone());
        })
        .opens()
    );
}

#[test]
fn the_target_is_empty_or_equal() {
    assert!(
        after(TARGET_EMPTY, |_, t| t.tables.push(table("unrelated"))).opens(),
        "tables of others are not in the way"
    );
    assert!(after(TARGET_EMPTY, |s, t| t.tables = s.tables.clone()).opens());
    assert_fails(TARGET_EMPTY, &["public.b is missing"], |s, t| t.tables = vec![s.tables[0].clone()]);
    assert_fails(TARGET_EMPTY, &["public.a is not empty", "TRUNCATE"], |s, t| {
        t.tables = s.tables.clone();
        t.tables[0].estimated_rows = 7;
    });
    assert_fails(TARGET_EMPTY, &["public.a is not empty"], |s, t| {
        t.tables = s.tables.clone();
        t.tables[0].estimated_rows = -1;
    });
    assert_fails(
        TARGET_EMPTY,
        &["public.a.id is integer NOT NULL instead of bigint NOT NULL", "column extra of its own"],
        |s, t| {
            t.tables = s.tables.clone();
            t.tables[0].columns = vec![column("id", "integer"), column("extra", "text")];
        },
    );
    assert_fails(TARGET_EMPTY, &["public.a lacks column id"], |s, t| {
        t.tables = s.tables.clone();
        t.tables[0].columns.clear();
    });
}

#[test]
fn a_reading_of_an_earlier_version_is_unknown_and_not_wrong() {
    let (source, _) = pair();
    let mut old = serde_json::to_value(&source).unwrap();
    old.as_object_mut().unwrap().remove("particulars");
    let old: Inventory = serde_json::from_value(old).unwrap();
    assert_eq!(old.particulars, Particulars::default(), "an old document is still read");
    let fresh: Inventory = serde_json::from_value(serde_json::to_value(&source).unwrap()).unwrap();
    assert_eq!(fresh, source, "and a new one is as it was");
    let verdict = after("source.not_valid", |s, _| s.particulars = Particulars::default());
    assert!(matches!(&verdict, Verdict::Unknown { missing } if missing.contains("analyze again")), "{verdict:?}");
    let refused = after("source.not_valid", |s, _| s.particulars.not_valid = Some(Err("No right to look.".into())));
    assert!(matches!(&refused, Verdict::Unknown { missing } if missing.contains("No right to look.")), "{refused:?}");
}

#[test]
fn what_the_two_sides_make_of_each_other() {
    let generated = |full: bool| Some(Ok(vec![GeneratedIdentity { table: TableName::new("public", "a"), full }]));
    assert_fails("source.generated_identity", &["public.a (its key)", "USING INDEX"], |s, _| {
        s.particulars.generated_identities = generated(false);
    });
    let full = |target: i32| {
        after("source.generated_identity", |s, t| {
            s.particulars.generated_identities = generated(true);
            t.server.version_num = target;
        })
    };
    assert!(full(170_000).opens(), "before 18 a generated column is left out of the comparison of rows");
    assert!(!full(180_000).opens(), "a target of 18 refuses updates once the way back publishes");

    let key = |table: &str, references: &str| ForeignKey {
        table: TableName::new("public", table),
        name: "fk".into(),
        references: TableName::new("public", references),
    };
    let keys = |found: Vec<ForeignKey>| {
        after("target.truncate_foreign_keys", |_, t| t.particulars.foreign_keys = Some(Ok(found)))
    };
    assert!(keys(vec![key("b", "a"), key("other", "other2")]).opens(), "both ends replicated, or none");
    assert!(keys(vec![key("other", "a")]).sentence().contains("public.other.fk (refers to public.a)"));

    let zone = |database: Option<&str>, zone: &str| {
        after("pair.time_zone", |_, t| {
            t.particulars.time_zone = Some(Ok(ServerZone { zone: zone.into(), statement_timeout: None }));
            let set = database.map(|value| Setting {
                database: Some("shop".into()),
                role: None,
                name: "timezone".into(),
                value: value.into(),
            });
            t.particulars.settings = Some(Ok(set.into_iter().collect()));
        })
    };
    assert!(zone(Some("UTC"), "Europe/Berlin").opens(), "what is set on the database outranks the server");
    assert!(!zone(None, "Europe/Berlin").opens());
    assert!(zone(None, "utc").opens(), "names of zones are not told apart by case");

    let timeout = |set: &[(Option<&str>, Option<&str>, &str)], file: Option<&str>| {
        after("source.copy_timeout", |s, _| {
            s.particulars.time_zone =
                Some(Ok(ServerZone { zone: "UTC".into(), statement_timeout: file.map(str::to_owned) }));
            let set = set.iter().map(|(role, database, value)| Setting {
                database: database.map(str::to_owned),
                role: role.map(str::to_owned),
                name: "statement_timeout".into(),
                value: (*value).into(),
            });
            s.particulars.settings = Some(Ok(set.collect()));
        })
    };
    assert!(timeout(&[], None).opens() && timeout(&[], Some("0")).opens() && timeout(&[], Some("0ms")).opens());
    assert!(timeout(&[], Some("30s")).sentence().contains("30s"));
    assert!(timeout(&[(Some("other"), None, "1s")], None).opens(), "another role's limit is not ours");
    assert!(
        timeout(&[(Some("mover"), None, "0"), (None, Some("shop"), "30s")], Some("1s")).opens(),
        "a role's outranks"
    );
    assert!(!timeout(&[(Some("mover"), None, "0"), (Some("mover"), Some("shop"), "9s")], None).opens());

    let config = |table: &str| ConfigTable { extension: "e".into(), table: TableName::new("x", table) };
    assert_fails("source.extension_config", &["x.b (of extension e)", "COPY \"x\".\"b\" FROM STDIN"], |s, t| {
        s.particulars.config_tables = Some(Ok(vec![config("a"), config("b")]));
        t.particulars.config_tables = Some(Ok(vec![config("a")]));
    });
    let two_phase = |max: i32| Some(Ok(TwoPhase { max, open: Vec::new() }));
    assert_fails("target.two_phase", &["source 5, target 0", "= 5"], |s, _| s.particulars.two_phase = two_phase(5));
    assert!(after("target.two_phase", |_, t| t.particulars.two_phase = two_phase(5)).opens());
    let elsewhere = after("target.cron_jobs", |_, t| {
        t.particulars.cron = Some(Ok(Cron { elsewhere: Some("postgres".into()), jobs: Vec::new() }));
    });
    assert!(matches!(&elsewhere, Verdict::Unknown { missing } if missing.contains("database postgres")));
}

#[test]
fn an_entry_covers_the_object_it_names_and_no_other() {
    let entry = |check: &str, object: Option<&str>| AcceptedCheck {
        check: check.into(),
        object: object.map(str::to_owned),
        reason: "r".into(),
        by: None,
    };
    let (mut source, target) = pair();
    source.tables.iter_mut().for_each(|t| t.unlogged = true);
    source.server.wal_level = "replica".into();
    let checks = judge(&source, &target);
    let covered = |id: &str, entries: &[AcceptedCheck]| {
        let check = checks.iter().find(|c| c.id == id).unwrap();
        let cover = accepted::cover(check, entries);
        (cover.whole, cover.left)
    };
    let unlogged = |object| entry("source.unlogged", object);
    assert_eq!(covered("source.unlogged", &[unlogged(Some("public.a"))]), (false, vec!["public.b".into()]));
    assert_eq!(covered("source.unlogged", &[unlogged(Some("public.a")), unlogged(Some("public.b"))]), (true, vec![]));
    assert!(!covered("source.unlogged", &[unlogged(None)]).0, "several objects are not accepted wholesale");
    assert!(covered("source.wal_level", &[entry("source.wal_level", None)]).0, "no object, no name");
    assert!(!covered("source.wal_level", &[entry("source.slots", None)]).0);
    assert!(!covered("source.primary", &[entry("source.primary", None)]).0, "what passes needs no entry");
    let milder: Vec<&str> = checks.iter().filter(|c| !c.blocks()).map(|c| c.id.as_str()).collect();
    assert!(milder.contains(&"target.statistics") && !milder.contains(&"source.unlogged"), "{milder:?}");
    assert_eq!(severity::of("source.unlogged").map(|i| i.severity), Some(Severity::Blocks));
    assert_eq!(severity::of("cleanup.backup"), None);
}
