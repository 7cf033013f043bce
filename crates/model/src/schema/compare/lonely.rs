//! What one side lacks, unless another row tells of it: its table or schema, the column it is made of, the table it is
//! inherited from, or a thing of another kind under its name.

use super::{Objects, Work};
use crate::schema::{
    item::{Alone, Item, Key},
    kind::Kind,
    script::Script,
};

impl<'a> Work<'a> {
    pub(super) fn missing(&mut self, item: &'a dyn Item) {
        self.counts.entry(item.kind()).or_default().missing += 1;
        let (key, other) = (item.key(), &self.there);
        if let Some(found) = other.get(&key).copied() {
            // A relation of another kind bears its name.
            let statements = self.again(item, found);
            self.other_kind(item, found, statements);
            return;
        }
        let inherited = self.is_passed_on(item, &self.there);
        if item.told_by_another() || inherited || self.goes_with_parent(item, &self.here, &self.there) {
            return;
        }
        let twin =
            item.twin().filter(|twin| !self.here.contains_key(twin)).and_then(|twin| self.there.get(&twin).copied());
        if let Some(twin) = twin {
            let statements = self.again(item, twin);
            self.told.insert(twin.key());
            self.other_kind(item, twin, statements);
            return;
        }
        self.missing.push(item);
    }

    fn other_kind(&mut self, item: &dyn Item, found: &dyn Item, statements: Vec<String>) {
        let means = (item.alone(Alone::Missing).0, "The target has something else under this name.");
        let values =
            (Some(format!("{}: {}", item.kind(), item.gist())), Some(format!("{}: {}", found.kind(), found.gist())));
        // Rows are never dropped by a proposal.
        let statements = if matches!(found.kind(), Kind::Table) { Vec::new() } else { statements };
        self.differs(item, "kind".into(), values, means, statements);
    }

    pub(super) fn extra(&mut self, item: &'a dyn Item) {
        self.counts.entry(item.kind()).or_default().extra += 1;
        let named = self.here.contains_key(&item.key());
        let inherited = self.is_passed_on(item, &self.here);
        if !named && !inherited && !item.told_by_another() && !self.goes_with_parent(item, &self.there, &self.here) {
            self.extra.push(item);
        }
    }

    /// Whether the other side has the same part by inheritance, where it is listed for the ancestor alone.
    fn is_passed_on(&self, item: &dyn Item, other: &Objects) -> bool {
        let Some(shape) = item.shape() else { return false };
        let table = item.parent().and_then(|table| other.get(&table));
        let mut open: Vec<Key> = table.map_or(Vec::new(), |table| table.ancestors());
        while let Some(ancestor) = open.pop() {
            // The ancestor's parts as the source knows them; what it does not know is told of the ancestor itself.
            if self
                .parts
                .get(&ancestor)
                .into_iter()
                .flatten()
                .any(|part| part.kind() == item.kind() && part.shape() == Some(shape))
            {
                return true;
            }
            open.extend(other.get(&ancestor).map_or(Vec::new(), |table| table.ancestors()));
        }
        false
    }

    /// Whether what it belongs to is itself on one side only, and so is what is told.
    fn goes_with_parent(&self, item: &dyn Item, own: &Objects, other: &Objects) -> bool {
        let goes = |with: &Key| match (own.get(with), other.get(with)) {
            (Some(_), None) => !self.unread.contains(&with.0),
            // A view in place of a table, or of one that keeps its rows: the other thing has other parts.
            (Some(a), Some(b)) => a.kind() != b.kind() && (is_view(a.kind()) || is_view(b.kind())),
            (None, _) => false,
        };
        item.parent().is_some_and(|parent| goes(&parent)) || item.uses().iter().any(goes)
    }

    /// Drops what is on the target and makes it as on the source, with its parts.
    pub(super) fn again(&self, s: &dyn Item, t: &dyn Item) -> Vec<String> {
        let Some(remove) = t.remove(&self.sides) else { return Vec::new() };
        let mut script = Script::default();
        let mut parts = Vec::new();
        self.collect(s, &mut parts, &|_| true);
        for item in std::iter::once(s).chain(parts.into_iter().map(|part| part as &dyn Item)) {
            script.create(item, self.parts_of(item), &self.sides);
        }
        let mut statements = vec![remove];
        statements.extend(script.into_statements());
        statements
    }

    pub(super) fn parts_of(&self, item: &dyn Item) -> &[&'a dyn Item] {
        self.parts.get(&item.key()).map_or(&[], Vec::as_slice)
    }

    /// Everything below an object, parents first.
    pub(super) fn collect(&self, item: &dyn Item, into: &mut Vec<&'a dyn Item>, wanted: &dyn Fn(&dyn Item) -> bool) {
        for part in self.parts_of(item).iter().copied().filter(|p| wanted(*p)) {
            into.push(part);
            self.collect(part, into, wanted);
        }
    }
}

fn is_view(kind: Kind) -> bool {
    kind == Kind::View || kind == Kind::MaterializedView
}
