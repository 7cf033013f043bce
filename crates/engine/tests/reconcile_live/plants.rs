//! Sixty corruptions of the target, behind the stream's back.
//!
//! None of them is in the stream's way: no row is added under a key that the source will use.

use super::{bed::Row, native_pair::long};

pub struct Plant {
    pub sql: String,
    /// Rows that differ from then on, since no writer comes near them; empty where one does, or where only a pass over
    /// the whole table can tell.
    pub rests: Vec<Row>,
}

fn rests(sql: impl Into<String>, table: &str, keys: &[&str]) -> Plant {
    Plant { sql: sql.into(), rests: keys.iter().map(|k| (table.to_owned(), (*k).to_owned())).collect() }
}

fn moves(sql: impl Into<String>) -> Plant {
    Plant { sql: sql.into(), rests: Vec::new() }
}

/// One unit, one byte, one letter, in each type; rows 401 and up of this table are nobody's.
const KINDS: [(&str, u32, &str); 21] = [
    ("hits", 401, "hits + 1"),
    ("b", 402, "false"),
    ("s", 403, "s || ' '"),
    ("s", 404, "'Ab'"),
    ("s", 405, "''"),
    ("s", 406, "NULL"),
    ("c", 407, "'C'"),
    ("n", 408, "n + 0.01"),
    ("f", 409, "0.10000000000000002"),
    ("f", 410, "'NaN'"),
    ("j", 411, "'{\"a\":1}'"),
    ("jb", 412, "'{\"a\": 2}'"),
    ("ts", 413, "ts + interval '1 us'"),
    ("d", 414, "d + 1"),
    ("iv", 415, "'30 days'"),
    ("by", 416, "set_byte(by, 0, 1)"),
    ("e", 417, "'sad'"),
    ("arr", 418, "'{1,NULL}'"),
    ("r", 419, "'[1,6)'"),
    ("long", 420, "overlay(long placing '_' from 1999 for 1)"),
    ("ip", 421, "'10.0.0.2'"),
];

/// In the order in which they are planted: at rest and moving by turns.
pub fn all() -> Vec<Plant> {
    let mut quiet = at_rest();
    let mut all = Vec::new();
    for (i, plant) in touched().into_iter().enumerate() {
        let several = quiet.len().min(if i % 2 == 0 { 2 } else { 3 });
        all.extend(quiet.drain(..several));
        all.push(plant);
    }
    all.extend(quiet);
    all
}

fn at_rest() -> Vec<Plant> {
    let name = long();
    let (letters, kinds, entry) = (name.plain(), "public.kinds", "public.entry");
    // Entry number n is of the account whose name is the md5 of n mod 997; this is that of 60.
    let account = "072b030b-a126-b2f4-b237-4f342be9ed44";
    let of = |n: u32| format!("{account}|{n}");
    let mut all: Vec<Plant> = KINDS
        .iter()
        .map(|(column, id, value)| {
            rests(format!("UPDATE kinds SET {column} = {value} WHERE id = {id}"), kinds, &[&id.to_string()])
        })
        .collect();
    all.extend([
        rests("UPDATE kinds SET u = md5((871 - id)::text)::uuid WHERE id IN (435, 436)", kinds, &["435", "436"]),
        rests("UPDATE kinds SET n = 881 - id WHERE id IN (440, 441)", kinds, &["440", "441"]),
        rests("DELETE FROM kinds WHERE id = 450", kinds, &["450"]),
        rests("INSERT INTO kinds (id, s) VALUES (5000, '')", kinds, &["5000"]),
        rests(format!("UPDATE {name} SET v = 'V2000' WHERE id = 2000"), &letters, &["2000"]),
        rests(format!("UPDATE {name} SET v = v || ' ' WHERE id = 30000"), &letters, &["30000"]),
        rests(format!("UPDATE {name} SET v = '' WHERE id = 55000"), &letters, &["55000"]),
        rests(format!("DELETE FROM {name} WHERE id = 40000"), &letters, &["40000"]),
        rests(format!("INSERT INTO {name} VALUES (-5, NULL), (70000, '')"), &letters, &["-5", "70000"]),
        rests(
            format!("UPDATE {name} SET v = 'v' || (90001 - id) WHERE id IN (45000, 45001)"),
            &letters,
            &["45000", "45001"],
        ),
        rests("DELETE FROM part WHERE id = 900", "public.part_0", &["900|0"]),
        rests("INSERT INTO part VALUES (9001, 1)", "public.part_1", &["9001|1"]),
        Plant {
            sql: "UPDATE part SET k = 1 WHERE id = 902".to_owned(),
            rests: vec![
                ("public.part_0".to_owned(), "902|0".to_owned()),
                ("public.part_1".to_owned(), "902|1".to_owned()),
            ],
        },
        rests("UPDATE counter SET n = n + 1 WHERE id = 40", "public.counter", &["40"]),
        rests("DELETE FROM counter WHERE id = 41", "public.counter", &["41"]),
        rests("UPDATE counter SET id = 4200 WHERE id = 42", "public.counter", &["42", "4200"]),
        rests("UPDATE entry SET amount = amount + 0.0001 WHERE no = 10030", entry, &[&of(10030)]),
        rests("UPDATE entry SET at = at + interval '1 us' WHERE no = 11027", entry, &[&of(11027)]),
        rests("UPDATE entry SET note = '' WHERE no = 12024", entry, &[&of(12024)]),
        rests("DELETE FROM entry WHERE no = 13021", entry, &[&of(13021)]),
        rests(
            format!("INSERT INTO entry VALUES ('{account}', -1, NULL, 0, now())"),
            entry,
            &[&format!("{account}|-1")],
        ),
        moves("INSERT INTO keyless VALUES (7)"),
        moves("DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE a = 9)"),
        moves("INSERT INTO keyless VALUES (NULL)"),
    ]);
    all
}

/// On rows that writers come back to: some are mended by the stream, some stay.
fn touched() -> Vec<Plant> {
    let name = long();
    vec![
        moves("UPDATE counter SET n = n - 1 WHERE id = 1"),
        // The stream does not carry a long value that did not change, so nothing mends it.
        moves("UPDATE kinds SET long = overlay(long placing '_' from 1999 for 1) WHERE id = 10"),
        moves("UPDATE kinds SET hits = hits + 1 WHERE id = 10"),
        // A change of a row that is not there is passed over.
        moves("DELETE FROM kinds WHERE id IN (60, 61)"),
        moves("UPDATE kinds SET s = coalesce(s, '') || ' ' WHERE id BETWEEN 100 AND 104"),
        moves("UPDATE kinds SET d = d + 1, iv = '30 days' WHERE id = 150"),
        moves("UPDATE kinds SET ts = ts - interval '1 us' WHERE id = 200"),
        moves(format!("UPDATE {name} SET v = v || 'x' WHERE id BETWEEN 300 AND 310")),
        moves(format!("DELETE FROM {name} WHERE id = 700")),
        moves(format!("UPDATE {name} SET v = 'on ' WHERE id = 1452")),
        moves("DELETE FROM part WHERE id BETWEEN 200 AND 204"),
        moves("DELETE FROM part WHERE id = 550"),
        moves("DELETE FROM counter WHERE id IN (5, 1005)"),
        moves("UPDATE entry SET amount = -1 WHERE no BETWEEN 300 AND 305"),
        moves("INSERT INTO keyless SELECT max(a) FROM keyless"),
    ]
}
