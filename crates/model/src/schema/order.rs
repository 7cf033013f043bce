//! In which order objects that a side lacks can be made.

use std::collections::{HashMap, HashSet};

use super::{
    inventory::Inventory,
    item::{Item, Key},
    kind::Kind,
};

/// What needs what, by key.
pub(super) struct Needs<'a>(HashMap<&'a Key, Vec<&'a Key>>);

impl<'a> Needs<'a> {
    /// From catalog numbers to keys.
    pub(super) fn of(inventory: &Inventory, keys: &'a [(Key, &dyn Item)]) -> Needs<'a> {
        let by_oid: HashMap<(Kind, u32), &Key> =
            keys.iter().map(|(key, item)| ((item.kind().space(), item.head().oid), key)).collect();
        let mut needs: HashMap<&Key, Vec<&Key>> = HashMap::new();
        for need in &inventory.needs {
            let of = by_oid.get(&(need.of.space(), need.of_oid));
            if let (Some(of), Some(on)) = (of, by_oid.get(&(need.on.space(), need.on_oid))) {
                needs.entry(of).or_default().push(on);
            }
        }
        Needs(needs)
    }

    /// Puts keys, which come in the order of kinds, behind those that they need.
    pub(super) fn sort(&self, keys: Vec<Key>) -> Vec<Key> {
        let wanted: HashSet<&Key> = keys.iter().collect();
        let mut done = HashSet::new();
        let mut out = Vec::with_capacity(keys.len());
        for key in &keys {
            self.visit(key, &wanted, &mut done, &mut out);
        }
        out
    }

    /// The same of groups: `group` says of an object in which one it is made, and groups come by their numbers.
    pub(super) fn sort_groups(&self, count: usize, group: &HashMap<Key, usize>) -> Vec<usize> {
        let mut between: Vec<HashSet<usize>> = vec![HashSet::new(); count];
        for (of, on) in self.0.iter().flat_map(|(of, all)| all.iter().map(move |on| (*of, *on))) {
            if let (Some(of), Some(on)) = (group.get(of), group.get(on))
                && let Some(needed) = between.get_mut(*of).filter(|_| of != on)
            {
                needed.insert(*on);
            }
        }
        let (mut done, mut out) = (vec![false; count], Vec::with_capacity(count));
        for n in 0..count {
            visit_group(n, &between, &mut done, &mut out);
        }
        out
    }

    /// Depth is bounded by the chain of views over views; a circle ends at whom it began with.
    fn visit<'k>(&'k self, key: &'k Key, wanted: &HashSet<&'k Key>, done: &mut HashSet<&'k Key>, out: &mut Vec<Key>) {
        if !done.insert(key) {
            return;
        }
        for on in self.0.get(key).into_iter().flatten() {
            if wanted.contains(on) {
                self.visit(on, wanted, done, out);
            }
        }
        out.push(key.clone());
    }
}

/// What a group needs comes first; a circle ends at whom it began with.
fn visit_group(n: usize, between: &[HashSet<usize>], done: &mut [bool], out: &mut Vec<usize>) {
    if std::mem::replace(&mut done[n], true) {
        return;
    }
    let mut needed: Vec<usize> = between[n].iter().copied().collect();
    needed.sort_unstable();
    for on in needed {
        visit_group(on, between, done, out);
    }
    out.push(n);
}
