//! What was done to tables, and by whom to statements, between looks.

use std::collections::{BTreeMap, HashMap};

use super::{
    Class, Mix, StatementCount, TableCount, TableUse, UserUse,
    counter::{grown, grown_sum},
    report::round,
};

/// Tables since the first look.
#[derive(Debug, Default)]
pub(super) struct Tables {
    before: Option<HashMap<i64, TableCount>>,
    used: HashMap<i64, TableUse>,
}

impl Tables {
    /// The server was started anew: counting begins with the next look.
    pub(super) fn restart(&mut self) {
        self.before = None;
    }

    /// Takes a look at all tables.
    pub(super) fn take(&mut self, tables: Vec<TableCount>) {
        if let Some(before) = &self.before {
            for now in &tables {
                // One that was not there is new, and all of its counters are of this sampling.
                let zero = TableCount { scans: 0.0, inserted: 0.0, updated: 0.0, deleted: 0.0, ..now.clone() };
                let then = before.get(&now.oid).unwrap_or(&zero);
                let changes = [
                    grown(then.scans, now.scans),
                    grown(then.inserted, now.inserted),
                    grown(then.updated, now.updated),
                    grown(then.deleted, now.deleted),
                ];
                if changes.iter().sum::<f64>() > 0.0 {
                    let used = self.used.entry(now.oid).or_insert_with(|| TableUse::of(&now.name));
                    used.add(changes);
                }
            }
        }
        self.before = Some(tables.into_iter().map(|t| (t.oid, t)).collect());
    }

    /// Those that were used, the busiest first, and how many others there are.
    pub(super) fn report(self) -> (Vec<TableUse>, usize) {
        let known = self.before.map_or(0, |b| b.keys().filter(|oid| !self.used.contains_key(oid)).count());
        let mut out: Vec<TableUse> = self.used.into_values().map(TableUse::judged).collect();
        out.sort_by(|a, b| {
            (b.total(), &a.table).partial_cmp(&(a.total(), &b.table)).unwrap_or(std::cmp::Ordering::Equal)
        });
        (out, known)
    }
}

impl TableUse {
    fn of(name: &crate::ident::TableName) -> TableUse {
        let table = crate::schema::name::printable(&[name.schema.clone(), name.name.clone()]);
        TableUse { table, scans: 0, inserted: 0, updated: 0, deleted: 0, mix: Mix::Reads }
    }

    fn add(&mut self, [scans, inserted, updated, deleted]: [f64; 4]) {
        self.scans += scans as i64;
        self.inserted += inserted as i64;
        self.updated += updated as i64;
        self.deleted += deleted as i64;
    }

    fn total(&self) -> i64 {
        self.scans + self.written()
    }

    fn judged(self) -> TableUse {
        let mix = match (self.scans, self.written()) {
            (_, 0) => Mix::Reads,
            (0, _) => Mix::Writes,
            (_, _) => Mix::Both,
        };
        TableUse { mix, ..self }
    }
}

/// What identifies a statement: role, number, whether a client sent it.
type Key = (String, Option<i64>, bool);

/// Statements since the first look.
#[derive(Debug, Default)]
pub(super) struct Users {
    before: Option<HashMap<Key, StatementCount>>,
    used: BTreeMap<String, UserUse>,
}

impl Users {
    /// As [`Tables::restart`].
    pub(super) fn restart(&mut self) {
        self.before = None;
    }

    /// Takes a look at all remembered statements.
    pub(super) fn take(&mut self, statements: Vec<StatementCount>) {
        if let Some(before) = &self.before {
            for now in &statements {
                let then = before.get(&key(now)).map_or((0.0, 0.0, 0.0), |s| (s.calls, s.rows, s.ms));
                // A sum over hidden statements shrinks when one of them is forgotten.
                let grow = |a, b| if now.id.is_some() { grown(a, b) } else { grown_sum(a, b).unwrap_or(0.0) };
                let (calls, rows, ms) = (grow(then.0, now.calls), grow(then.1, now.rows), grow(then.2, now.ms));
                if calls > 0.0 {
                    let used = self.used.entry(now.user.clone()).or_insert_with(|| UserUse::of(&now.user));
                    used.add(now.class, now.top, [calls, rows, ms]);
                }
            }
        }
        self.before = Some(statements.into_iter().map(|s| (key(&s), s)).collect());
    }

    /// Who ran most first.
    pub(super) fn report(self) -> Vec<UserUse> {
        let mut out: Vec<UserUse> =
            self.used.into_values().map(|u| UserUse { time_ms: round(u.time_ms), ..u }).collect();
        out.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.user.cmp(&b.user)));
        out
    }
}

fn key(s: &StatementCount) -> Key {
    (s.user.clone(), s.id, s.top)
}

impl UserUse {
    fn of(user: &str) -> UserUse {
        UserUse { user: user.to_owned(), ..UserUse::default() }
    }

    fn add(&mut self, class: Class, top: bool, [calls, rows, ms]: [f64; 3]) {
        let calls = calls as i64;
        let by_class = match class {
            Class::Read => &mut self.reads,
            Class::Write => &mut self.writes,
            Class::Unclear => &mut self.unclear,
            Class::Other => &mut self.other,
            Class::Hidden => &mut self.hidden,
        };
        *by_class += calls;
        self.calls += calls;
        self.rows += rows as i64;
        // The time of a statement within a function is part of the statement that called it.
        if top {
            self.time_ms += ms;
        }
    }
}
