//! Sequences: where they stand, and moving them on at the switch.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row, postgres::types::Oid};
use switchyard_model::{
    ident::{TableName, literal},
    inventory::Sequence,
    journal::Action,
};

use super::PgDatabase;
use crate::{
    Error, Kind, Result,
    db::{
        Sequences,
        postgres::catalog::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE},
    },
};

/// A sequence with its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bounded {
    oid: Oid,
    sequence: Sequence,
    /// Without it the catalog shows a used sequence like one that was never used.
    readable: bool,
    start: i64,
    min: i64,
    max: i64,
}

impl Bounded {
    /// Takes in `last_value` and `is_called` of a sequence that was not used since it was made, set or restarted.
    fn put_back(&mut self, value: i64) {
        // The next value is `value` itself, so the last one given out would be a step before it. At the start it was
        // simply never used.
        self.sequence.last_value =
            if value == self.start { None } else { Some(value.saturating_sub(self.sequence.increment)) };
    }

    /// Where to set it so that it stands `margin` steps beyond `last`; None when it is there already.
    fn goal(&self, last: i64, margin: u32) -> Option<i64> {
        let step = self.sequence.increment;
        // Both ends in 128 bits: a step may be as large as the type.
        let goal = i128::from(last) + i128::from(step) * i128::from(margin);
        let goal = i64::try_from(goal.clamp(i128::from(self.min), i128::from(self.max))).unwrap_or(self.max);
        match self.sequence.last_value {
            Some(here) if (step > 0 && here >= goal) || (step < 0 && here <= goal) => None,
            Some(_) | None => Some(goal),
        }
    }
}

#[async_trait]
impl Sequences for PgDatabase {
    async fn read(&self) -> Result<Vec<Sequence>> {
        Ok(self.read_bounded().await?.into_iter().map(|b| b.sequence).collect())
    }

    fn advance_actions(&self, from: &[Sequence], margin: u32) -> Vec<Action> {
        from.iter()
            .filter_map(|s| s.last_value.map(|last| (s, last)))
            .map(|(s, last)| {
                let goal = i128::from(last) + i128::from(s.increment) * i128::from(margin);
                let name = literal(&s.name.to_string());
                let run = format!("SELECT setval({name}, {goal}) -- within its bounds here, and never backwards");
                Action::new(self.label(), run)
            })
            .collect()
    }

    async fn advance(&self, from: &[Sequence], margin: u32) -> Result<u64> {
        let here: HashMap<TableName, Bounded> =
            self.read_bounded().await?.into_iter().map(|b| (b.sequence.name.clone(), b)).collect();
        let used = || from.iter().filter_map(|s| s.last_value.map(|last| (s, last)));
        let missing: Vec<String> =
            used().filter(|(s, _)| !here.contains_key(&s.name)).map(|(s, _)| s.name.plain()).collect();
        if !missing.is_empty() {
            let why = format!("not there: {}; make them as they are on the other side", missing.join(", "));
            return Err(Error::new(Kind::Unsuitable, format!("advancing sequences on {}", self.label()), why));
        }
        let (oids, goals): (Vec<Oid>, Vec<i64>) =
            used().filter_map(|(s, last)| here.get(&s.name).and_then(|b| Some((b.oid, b.goal(last, margin)?)))).unzip();
        if oids.is_empty() {
            return Ok(0);
        }
        let set: i64 = sqlx::query_scalar(
            "SELECT count(setval(w.oid::regclass, w.goal, true)) FROM unnest($1::oid[], $2::int8[]) AS w(oid, goal)",
        )
        .bind(&oids)
        .bind(&goals)
        .fetch_one(self.pool())
        .await
        .map_err(self.failed("advancing sequences"))?;
        Ok(u64::try_from(set).unwrap_or(0))
    }
}

impl PgDatabase {
    /// Every sequence in scope, for the inventory: one that our role may not read is listed without its value.
    pub(super) async fn list_sequences(&self) -> Result<Vec<Sequence>> {
        Ok(self.every_sequence().await?.into_iter().map(|b| b.sequence).collect())
    }

    /// Every sequence in scope with its true value.
    async fn read_bounded(&self) -> Result<Vec<Bounded>> {
        let all = self.every_sequence().await?;
        let hidden: Vec<String> = all.iter().filter(|b| !b.readable).map(|b| b.sequence.name.plain()).collect();
        if hidden.is_empty() {
            return Ok(all);
        }
        let why = format!("no SELECT on {}; grant it to our role", hidden.join(", "));
        Err(Error::new(Kind::Privilege, format!("reading the sequences on {}", self.label()), why))
    }

    async fn every_sequence(&self) -> Result<Vec<Bounded>> {
        let sql = format!(
            "SELECT c.oid, n.nspname, c.relname, s.seqincrement, s.seqstart, s.seqmin, s.seqmax, \
                    has_sequence_privilege(c.oid, 'SELECT') AS readable, \
                    CASE WHEN has_sequence_privilege(c.oid, 'SELECT') THEN pg_sequence_last_value(c.oid) END AS last_value \
               FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
              WHERE {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION} \
              ORDER BY n.nspname, c.relname"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(self.pool())
            .await
            .map_err(self.failed("reading the sequences"))?;
        let mut all: Vec<Bounded> = rows
            .iter()
            .map(|r| Bounded {
                oid: r.get("oid"),
                sequence: Sequence {
                    name: TableName::new(r.get::<String, _>("nspname"), r.get::<String, _>("relname")),
                    increment: r.get("seqincrement"),
                    last_value: r.get("last_value"),
                },
                readable: r.get("readable"),
                start: r.get("seqstart"),
                min: r.get("seqmin"),
                max: r.get("seqmax"),
            })
            .collect();
        self.read_uncalled(&mut all).await?;
        Ok(all)
    }

    /// The catalog shows a sequence that was set or restarted, but not used since, like one that was never used; only
    /// the sequence itself knows.
    async fn read_uncalled(&self, all: &mut [Bounded]) -> Result<()> {
        let each: Vec<String> = all
            .iter()
            .enumerate()
            .filter(|(_, b)| b.readable && b.sequence.last_value.is_none())
            .map(|(i, b)| format!("SELECT {i}, last_value, is_called FROM {}", b.sequence.name))
            .collect();
        if each.is_empty() {
            return Ok(());
        }
        // One string of small statements: one round trip, and an eighth of what the planner takes for their union.
        let rows = sqlx::raw_sql(AssertSqlSafe(each.join("; ")))
            .fetch_all(self.pool())
            .await
            .map_err(self.failed("reading the sequences"))?;
        for row in rows {
            let (i, value, is_called): (i32, i64, bool) = (row.get(0), row.get(1), row.get(2));
            let Some(b) = usize::try_from(i).ok().and_then(|i| all.get_mut(i)) else { continue };
            if is_called {
                // Used between the two questions.
                b.sequence.last_value = Some(value);
            } else {
                b.put_back(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(increment: i64, min: i64, max: i64, last_value: Option<i64>) -> Bounded {
        let sequence = Sequence { name: TableName::new("public", "s"), increment, last_value };
        Bounded { oid: Oid(1), sequence, readable: true, start: if increment > 0 { min } else { max }, min, max }
    }

    #[test]
    fn it_goes_margin_steps_beyond_in_its_own_direction() {
        assert_eq!(bounded(1, 1, i64::MAX, None).goal(41, 1000), Some(1041));
        assert_eq!(bounded(10, 1, i64::MAX, None).goal(40, 3), Some(70), "a step is the increment");
        assert_eq!(bounded(-5, i64::MIN, -1, None).goal(-10, 4), Some(-30), "descending goes down");
    }

    #[test]
    fn it_never_leaves_its_bounds() {
        assert_eq!(bounded(1, 1, 32767, None).goal(32700, 1000), Some(32767));
        assert_eq!(bounded(-1, -128, -1, None).goal(-100, 1000), Some(-128));
        assert_eq!(bounded(i64::MAX, 1, i64::MAX, None).goal(i64::MAX, u32::MAX), Some(i64::MAX), "no overflow");
        assert_eq!(bounded(i64::MIN, i64::MIN, -1, None).goal(i64::MIN, u32::MAX), Some(i64::MIN));
        assert_eq!(bounded(1, 100, 200, None).goal(5, 1), Some(100), "bounds here may be narrower than there");
    }

    #[test]
    fn it_never_goes_backwards() {
        assert_eq!(bounded(1, 1, 100, Some(60)).goal(40, 10), None, "here it is further already");
        assert_eq!(bounded(1, 1, 100, Some(50)).goal(40, 10), None, "exactly there is far enough");
        assert_eq!(bounded(1, 1, 100, Some(49)).goal(40, 10), Some(50));
        assert_eq!(bounded(-1, -100, -1, Some(-60)).goal(-40, 10), None);
    }

    #[test]
    fn restarted_but_unused_is_not_the_same_as_never_used() {
        let mut b = bounded(1, 1, 1000, None);
        b.put_back(500);
        assert_eq!(b.sequence.last_value, Some(499), "the next value is 500, so 499 counts as given out");
        b.put_back(1);
        assert_eq!(b.sequence.last_value, None, "at its start it was never used");
    }
}
