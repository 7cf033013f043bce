use super::*;

fn effects() -> Effects {
    let table =
        |wavers, hides, with: &[&str]| Table { wavers, hides, with: with.iter().map(|t| (*t).to_owned()).collect() };
    let tables = [
        ("orders", table(false, false, &["lines"])),
        ("lines", table(false, false, &[])),
        ("notes", table(true, false, &[])),
        ("watched", table(false, true, &[])),
        ("other", table(false, false, &[])),
    ];
    Effects {
        tables: tables.into_iter().map(|(name, t)| (name.to_owned(), t)).collect(),
        volatile: ["nextval", "random", "pay"].map(str::to_owned).into(),
        own: ["pay"].map(str::to_owned).into(),
    }
}

struct Told(Doubts, u64);

impl Told {
    fn new() -> Told {
        Told(Doubts::new(effects()), 0)
    }

    /// One statement of this session, which took 1 ms; each begins 10 ms after the one before it.
    fn say(mut self, session: &str, text: &str, went: Went) -> Told {
        let at_us = self.1 as i64 * 10_000;
        self.1 += 1;
        self.0.after(&one(session, text, at_us, 1_000), &Kind::of(text), went);
        self
    }

    fn doubted(&self, table: &str) -> Option<&'static str> {
        self.0.of(&[table.to_owned()], false)
    }
}

fn one(session: &str, text: &str, at_us: i64, took_us: u64) -> Captured {
    let (session, text) = (session.to_owned(), text.to_owned());
    Captured { at_us, session, text, duration_us: Some(took_us), ..Captured::default() }
}

#[test]
fn what_is_the_same_each_time_is_beyond_doubt() {
    let mut told = Told::new();
    for text in [
        "BEGIN",
        "INSERT INTO orders (id, total) VALUES (1, 2)",
        "UPDATE public.orders SET total = total + 5 WHERE id = 3",
        "DELETE FROM lines WHERE id = 4",
        "UPDATE notes SET body = 'x' WHERE id = 1",
        "SELECT count(*) FROM notes",
        "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
        "COMMIT",
        "SET work_mem = '4MB'",
        "CREATE TEMP TABLE x (a integer)",
    ] {
        told = told.say("a", text, Went::Alike);
    }
    for table in ["orders", "lines", "notes", "other"] {
        assert_eq!(told.doubted(table), None, "{table}");
    }
}

#[test]
fn what_gives_another_value_each_time_is_in_doubt() {
    for (text, table) in [
        ("INSERT INTO notes (id) VALUES (1)", "notes"),
        ("INSERT INTO other (id) VALUES (nextval('s'))", "other"),
        ("UPDATE other SET made = now()", "other"),
        ("UPDATE other SET made = current_timestamp", "other"),
        ("UPDATE other SET made = 'now'", "other"),
        ("UPDATE other SET a = 1 WHERE id = (SELECT id FROM other LIMIT 1 FOR UPDATE SKIP LOCKED)", "other"),
        ("DELETE FROM orders WHERE id = (random() * 10)::int", "lines"),
    ] {
        let told = Told::new().say("a", text, Went::Alike);
        assert_eq!(told.doubted(table), Some(WAVERS), "{text}");
        assert_eq!(told.doubted("watched"), None, "{text}: the others are not");
        assert!(told.0.of(&[], true).is_some(), "{text}: what may read any table is");
    }
    let told = Told::new().say("a", "INSERT INTO notes (id) VALUES (1)", Went::Alike).say(
        "a",
        "INSERT INTO other SELECT id FROM notes",
        Went::Alike,
    );
    assert_eq!(told.doubted("other"), Some(WAVERS), "it spreads to whoever reads it");
    let told = Told::new().say("a", "UPDATE watched SET a = 1", Went::Alike);
    assert_eq!(told.doubted("orders"), Some(WAVERS), "a trigger may write anywhere");
}

#[test]
fn what_nobody_knows_is_in_doubt_everywhere() {
    for text in
        ["SELECT pay(1)", "CALL close_day()", "DO $$ BEGIN END $$", "ALTER TABLE other ADD x integer", "EXECUTE x(1)"]
    {
        assert_eq!(Told::new().say("a", text, Went::Alike).doubted("orders"), Some(UNKNOWN), "{text}");
    }
}

#[test]
fn what_was_not_played_or_went_otherwise_is_in_doubt() {
    let told = Told::new().say("a", "COPY public.other (id) FROM STDIN", Went::LeftOut);
    assert_eq!((told.doubted("other"), told.doubted("notes")), (Some(LEFT_OUT), None));
    let told = Told::new().say("a", "DELETE FROM orders WHERE id = $1", Went::LeftOut);
    assert_eq!(told.doubted("lines"), Some(LEFT_OUT), "with what hangs on it");
    // The first update is undone here with the transaction, and was not there.
    let told = Told::new()
        .say("a", "BEGIN", Went::Alike)
        .say("a", "UPDATE orders SET total = 1 WHERE id = 1", Went::Alike)
        .say("a", "SELECT with_tax(1)", Went::Unlike)
        .say("a", "COMMIT", Went::Alike);
    assert_eq!((told.doubted("orders"), told.doubted("other")), (Some(UNLIKE), None));
    let told = Told::new()
        .say("a", "BEGIN", Went::Alike)
        .say("a", "UPDATE orders SET total = 1 WHERE id = 1", Went::Alike)
        .say("a", "COMMIT", Went::Late);
    assert_eq!(told.doubted("orders"), Some(LATE), "nobody sees it yet");
    let mut failed = one("a", "UPDATE other SET id = 1", 0, 1);
    failed.sqlstate = Some("23505".to_owned());
    let mut doubts = Doubts::new(effects());
    doubts.after(&failed, &Kind::of(&failed.text), Went::Alike);
    assert_eq!(doubts.of(&["other".to_owned()], false), None, "what failed on both wrote nothing");
}

#[test]
fn a_write_that_read_beside_another_session_s_is_in_doubt() {
    let copies = "INSERT INTO other SELECT id FROM orders";
    let after = Told::new().say("a", "UPDATE orders SET total = 1", Went::Alike).say("b", copies, Went::Alike);
    assert_eq!(after.doubted("other"), None, "one after the other");
    let mut doubts = Doubts::new(effects());
    let update = "UPDATE orders SET total = 1";
    doubts.after(&one("a", update, 0, 9_000), &Kind::of(update), Went::Alike);
    doubts.after(&one("b", copies, 5_000, 9_000), &Kind::of(copies), Went::Alike);
    assert_eq!(doubts.of(&["other".to_owned()], false), Some(BESIDE), "it may have seen the rows before or behind");
    // The update is seen when its transaction ends.
    let mut doubts = Doubts::new(effects());
    for (text, at) in [("BEGIN", 0), (update, 1_000), ("COMMIT", 6_000)] {
        doubts.after(&one("a", text, at, 1_000), &Kind::of(text), Went::Alike);
    }
    doubts.after(&one("b", copies, 5_000, 9_000), &Kind::of(copies), Went::Alike);
    assert_eq!(doubts.of(&["other".to_owned()], false), Some(BESIDE));
}

#[test]
fn a_transaction_that_began_before_the_capture_is_in_doubt_when_it_ends() {
    let update = "UPDATE orders SET total = 1";
    let told = Told::new().say("a", update, Went::Alike);
    assert_eq!(told.doubted("orders"), None, "it may have been alone");
    let told = told.say("a", "ROLLBACK", Went::Alike);
    assert_eq!(told.doubted("orders"), Some(BEGAN_BEFORE), "it was not, and stays here");
    let told = Told::new()
        .say("a", update, Went::Alike)
        .say("a", "BEGIN", Went::Alike)
        .say("a", "UPDATE other SET id = 2", Went::Alike)
        .say("a", "ROLLBACK", Went::Alike);
    assert_eq!((told.doubted("orders"), told.doubted("other")), (None, None), "one that begins here is whole");
}
