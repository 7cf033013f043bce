//! `pgbadger -x json`: by database since 12, without one before.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, MapAccess, Visitor},
};

use super::{
    gathered::{Entry, Gathered, with_values},
    lenient::{FirstText, Number, entries, items, pass},
};

/// `normalyzed_info`, as pgBadger spells it.
pub(super) struct Statements<'a>(pub(super) &'a mut Gathered);

/// `error_info`.
pub(super) struct Errors<'a>(pub(super) &'a mut Gathered);

/// `overall_stat`, of which only times are of use.
pub(super) struct Range<'a>(pub(super) &'a mut Gathered);

/// `log_files`.
pub(super) fn logs(to: &mut Gathered) -> impl for<'de> DeserializeSeed<'de, Value = ()> {
    items(|file: Option<String>| to.logs.extend(file))
}

/// A statement.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stat {
    count: Number,
    duration: Number,
    min: Number,
    max: Number,
    samples: Sample,
}

/// One of its runs, whichever comes first.
#[derive(Debug, Default)]
struct Sample(Option<String>);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Sample, D::Error> {
        #[derive(Deserialize)]
        struct Run {
            #[serde(default)]
            query: Option<String>,
        }
        let mut first = None;
        entries(|_, run: Run| {
            if first.is_none() {
                first = run.query.filter(|q| !q.trim().is_empty());
            }
        })
        .deserialize(from)?;
        Ok(Sample(first))
    }
}

/// An error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Error {
    count: Number,
    sqlstate: FirstText,
    statement: FirstText,
}

/// Names that stand in an entry itself: they tell an object of one entry from one of a database's.
trait Told<'de>: Deserialize<'de> + Default {
    /// Takes a field of the entry; false where it is none.
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
    fn is_there(&self) -> bool;
    fn put(self, text: &str, to: &mut Gathered);
}

impl<'de> Told<'de> for Stat {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "count" => self.count = map.next_value()?,
            "duration" => self.duration = map.next_value()?,
            "min" => self.min = map.next_value()?,
            "max" => self.max = map.next_value()?,
            "samples" => self.samples = map.next_value()?,
            "chronos" | "apps" | "users" | "locks" | "tempfiles" | "cancelled" => pass(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn is_there(&self) -> bool {
        self.count.0.is_some()
    }

    fn put(self, text: &str, to: &mut Gathered) {
        // Without a count something else is told of it: locks, or a file that it wrote.
        let Some(calls) = self.count.0.filter(|n| *n > 0.0) else { return };
        // Without a shortest run no duration was logged, and the sum says nothing.
        let total = self.duration.0.filter(|ms| *ms > 0.0 || self.max.0.is_some());
        let entry = Entry { calls, total, min: self.min.0, max: self.max.0, ..Entry::default() };
        to.statement(&self.samples.0.unwrap_or_else(|| with_values(text)), entry);
    }
}

impl<'de> Told<'de> for Error {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "count" => self.count = map.next_value()?,
            "sqlstate" => self.sqlstate = map.next_value()?,
            "statement" => self.statement = map.next_value()?,
            "date" | "detail" | "context" | "hint" | "error" | "db" | "user" | "app" | "remote" | "queryid"
            | "logfile" | "chronos" => pass(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn is_there(&self) -> bool {
        self.count.0.is_some()
    }

    fn put(self, text: &str, to: &mut Gathered) {
        let Some(count) = self.count.0.filter(|n| *n > 0.0) else { return };
        to.error(text, count as u64, self.sqlstate.0, self.statement.0.as_deref());
    }
}

/// What stands below one key: entries of a database, or one entry.
struct Below<'a, T> {
    key: String,
    own: T,
    to: &'a mut Gathered,
}

impl<'de, T: Told<'de>> DeserializeSeed<'de> for Below<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, T: Told<'de>> Visitor<'de> for Below<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of statements or of errors")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if !self.own.field(&name, &mut map)? {
                map.next_value::<T>()?.put(&name, self.to);
            }
        }
        if self.own.is_there() {
            self.own.put(&self.key, self.to);
        }
        Ok(())
    }
}

/// Both of them are read alike.
macro_rules! by_database {
    ($what:ident, $entry:ty) => {
        impl<'de> DeserializeSeed<'de> for $what<'_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
                from.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $what<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                while let Some(key) = map.next_key::<String>()? {
                    map.next_value_seed(Below { key, own: <$entry>::default(), to: &mut *self.0 })?;
                }
                Ok(())
            }
        }
    };
}

by_database!(Statements, Stat);
by_database!(Errors, Error);

impl<'de> DeserializeSeed<'de> for Range<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

const TIMES: [&str; 4] = ["first_log_ts", "last_log_ts", "first_query_ts", "last_query_ts"];

impl<'de> Visitor<'de> for Range<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of figures")
    }

    /// Before 12 the times stand here; since then below each database, beside figures of every second.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let found: Times = map.next_value()?;
            if TIMES.contains(&key.as_str()) {
                self.0.time(found.own);
            }
            found.below.into_iter().for_each(|t| self.0.time(Some(t)));
        }
        Ok(())
    }
}

/// A time, or an object in which there are times; of anything else nothing.
#[derive(Debug, Default)]
struct Times {
    own: Option<String>,
    below: Vec<String>,
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Times, D::Error> {
        from.deserialize_any(AsTimes)
    }
}

struct AsTimes;

impl<'de> Visitor<'de> for AsTimes {
    type Value = Times;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("figures")
    }

    fn visit_str<E>(self, text: &str) -> Result<Times, E> {
        Ok(Times { own: Some(text.to_owned()), ..Times::default() })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Times, E> {
        Ok(Times::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Times, E> {
        Ok(Times::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Times, E> {
        Ok(Times::default())
    }

    fn visit_unit<E>(self) -> Result<Times, E> {
        Ok(Times::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Times, A::Error> {
        let mut out = Times::default();
        while let Some(key) = map.next_key::<String>()? {
            if TIMES.contains(&key.as_str()) {
                out.below.extend(map.next_value::<Option<String>>()?);
            } else {
                pass(&mut map)?;
            }
        }
        Ok(out)
    }
}
