//! The rows in an order in which their statements can be run one after the other.

use std::collections::{HashMap, HashSet};

use super::{Row, Work};
use crate::schema::{
    difference::{Comparison, Difference},
    inventory::{Inventory, Unseen},
    item::{Alone, Item, Key},
    order::Needs,
    script::{self, Script},
};

/// What one row tells of: an object that differs, or a missing one with everything that goes with it.
struct Family<'a> {
    key: Key,
    /// What is to be made, the missing object first; none where it is there.
    items: Vec<&'a dyn Item>,
}

/// In which family an object is.
fn members(families: &[Family<'_>]) -> HashMap<Key, usize> {
    let mut out = HashMap::new();
    for (n, family) in families.iter().enumerate() {
        out.insert(family.key.clone(), n);
        out.extend(family.items.iter().map(|item| (item.key(), n)));
    }
    out
}

/// Moves a foreign key between two missing tables to the later one.
fn postpone(ordered: &mut [Family<'_>]) {
    let at = members(ordered);
    for n in 0..ordered.len() {
        let later = |item: &&dyn Item| item.needs().and_then(|on| at.get(&on).copied()).filter(|place| *place > n);
        let (moved, kept): (Vec<_>, Vec<_>) = ordered[n].items.drain(..).partition(|item| later(item).is_some());
        ordered[n].items = kept;
        for item in moved {
            if let Some(place) = later(&item).filter(|place| !ordered[*place].items.is_empty()) {
                ordered[place].items.push(item);
            } else {
                ordered[n].items.push(item);
            }
        }
    }
}

impl<'a> Work<'a> {
    pub(super) fn finish(mut self) -> Comparison {
        let entries: Vec<(Key, &dyn Item)> = self.source.items().into_iter().map(|i| (i.key(), i)).collect();
        let needs = Needs::of(self.source, &entries);
        let mut families = self.families(&entries);
        let order = needs.sort_groups(families.len(), &members(&families));
        let position: HashMap<Key, usize> =
            order.iter().enumerate().map(|(place, &n)| (families[n].key.clone(), place)).collect();
        families.sort_by_key(|family| position.get(&family.key).copied());
        let mut ordered = families;
        postpone(&mut ordered);
        for family in &ordered {
            self.tell_missing(family, &needs);
        }
        let mut rows = std::mem::take(&mut self.rows);
        self.forget_inherited(&mut rows);
        rows.sort_by_key(|row| position.get(&row.key).copied().unwrap_or(usize::MAX));
        let (mut differences, last) = self.tell_extra();
        differences.extend(rows.into_iter().map(|row| row.difference));
        differences.extend(last);
        Comparison { differences, counts: self.counts, unseen: unseen(self.source, self.target) }
    }

    /// Whatever gets a row, in the order of kinds, a missing object with everything below it.
    fn families(&self, entries: &[(Key, &'a dyn Item)]) -> Vec<Family<'a>> {
        let missing: HashSet<Key> = self.missing.iter().map(|i| i.key()).collect();
        let differing: HashSet<&Key> = self.rows.iter().map(|row| &row.key).collect();
        let family = |(key, item): &(Key, &'a dyn Item)| {
            let mut items = Vec::new();
            if missing.contains(key) {
                items.push(*item);
                self.collect(*item, &mut items, &|part| !self.there.contains_key(&part.key()));
            } else if !differing.contains(key) {
                return None;
            }
            Some(Family { key: key.clone(), items })
        };
        entries.iter().filter_map(family).collect()
    }

    /// One row per missing object, with statements that make everything below it too.
    fn tell_missing(&mut self, family: &Family<'a>, needs: &Needs<'_>) {
        let Some(root) = family.items.first() else { return };
        let items: HashMap<Key, &dyn Item> = family.items.iter().map(|item| (item.key(), *item)).collect();
        let in_kinds = family.items.iter().map(|item| item.key()).collect();
        let mut script = Script::default();
        for item in needs.sort(in_kinds).iter().filter_map(|key| items.get(key)) {
            script.create(*item, self.parts_of(*item), &self.sides);
        }
        let difference = alone(*root, Alone::Missing, script.into_statements());
        self.rows.push(Row { key: family.key.clone(), difference });
    }

    /// What is inherited is told of the table that it is inherited from.
    fn forget_inherited(&self, rows: &mut Vec<Row>) {
        let told = |row: &Row| {
            (row.key.clone(), row.difference.what.clone(), row.difference.source.clone(), row.difference.target.clone())
        };
        let all: HashSet<_> = rows.iter().map(told).collect();
        rows.retain(|row| {
            let Some(item) = self.here.get(&row.key) else { return true };
            let (_, what, source, target) = told(row);
            !item.heir_of().into_iter().any(|from| all.contains(&(from, what.clone(), source.clone(), target.clone())))
        });
    }

    /// What only the target has: parts, which go first, and the rest, which goes last and backwards.
    fn tell_extra(&self) -> (Vec<Difference>, Vec<Difference>) {
        let entries: Vec<(Key, &dyn Item)> = self.target.items().into_iter().map(|i| (i.key(), i)).collect();
        let wanted: HashMap<Key, &dyn Item> =
            self.extra.iter().map(|i| (i.key(), *i)).filter(|(key, _)| !self.told.contains(key)).collect();
        let inherited = |item: &dyn Item| item.heir_of().iter().any(|from| wanted.contains_key(from));
        let in_kinds = entries.iter().map(|(key, _)| key).filter(|key| wanted.contains_key(key)).cloned().collect();
        let mut order = Needs::of(self.target, &entries).sort(in_kinds);
        order.reverse();
        let items = order.iter().filter_map(|key| wanted.get(key).copied()).filter(|item| !inherited(*item));
        let (parts, rest): (Vec<&dyn Item>, Vec<&dyn Item>) = items.partition(|item| item.kind().is_part());
        let tell = |item: &dyn Item| alone(item, Alone::Extra, item.remove(&self.sides).into_iter().collect());
        (parts.into_iter().map(tell).collect(), rest.into_iter().map(tell).collect())
    }
}

fn alone(item: &dyn Item, side: Alone, statements: Vec<String>) -> Difference {
    let (severity, why) = item.alone(side);
    let gist = Some(item.gist());
    let (what, source, target) = match side {
        Alone::Missing => ("missing", gist, None),
        Alone::Extra => ("extra", None, gist),
    };
    Difference {
        object: item.shown(),
        kind: item.kind(),
        status: side.status(),
        what: what.into(),
        source,
        target,
        severity,
        why: why.to_owned(),
        sql: (!statements.is_empty()).then(|| script::text(&statements)),
    }
}

fn unseen(source: &Inventory, target: &Inventory) -> Vec<Unseen> {
    let of = |side: &str, inventory: &Inventory| -> Vec<Unseen> {
        let told = |u: &Unseen| Unseen { why: format!("On the {side}: {}", u.why), ..u.clone() };
        inventory.unseen.iter().map(told).collect()
    };
    let mut out = of("source", source);
    out.extend(of("target", target));
    out
}
