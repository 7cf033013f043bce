//! Source against target, object by object.
//!
//! Here: what both have. `lonely`: what one side lacks, and what is told of something else already. `telling`: the rows in
//! an order in which their statements can be run.

mod lonely;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    definition,
    difference::{Comparison, Count, Difference, Severity, Status},
    grant,
    inventory::Inventory,
    item::{Compared, Item, Key, Mend, Same, Sides},
    kind::Kind,
    script,
};

type Objects<'a> = HashMap<Key, &'a dyn Item>;

/// Everything in which the target is not what the source is.
pub fn difference(source: &Inventory, target: &Inventory) -> Comparison {
    let mut work = Work::new(source, target);
    work.database();
    work.kind(&source.roles, &target.roles);
    work.kind(&source.settings, &target.settings);
    work.kind(&source.schemas, &target.schemas);
    work.kind(&source.extensions, &target.extensions);
    work.kind(&source.types, &target.types);
    work.kind(&source.sequences, &target.sequences);
    work.kind(&source.functions, &target.functions);
    work.kind(&source.foreign_data_wrappers, &target.foreign_data_wrappers);
    work.kind(&source.foreign_servers, &target.foreign_servers);
    work.kind(&source.user_mappings, &target.user_mappings);
    work.kind(&source.tables, &target.tables);
    work.kind(&source.columns, &target.columns);
    work.kind(&source.constraints, &target.constraints);
    work.kind(&source.indexes, &target.indexes);
    work.kind(&source.views, &target.views);
    work.kind(&source.statistics, &target.statistics);
    work.kind(&source.rules, &target.rules);
    work.kind(&source.triggers, &target.triggers);
    work.kind(&source.policies, &target.policies);
    work.kind(&source.event_triggers, &target.event_triggers);
    work.kind(&source.publications, &target.publications);
    work.kind(&source.subscriptions, &target.subscriptions);
    work.kind(&source.default_privileges, &target.default_privileges);
    work.kind(&source.large_objects, &target.large_objects);
    work.finish()
}

struct Row {
    key: Key,
    difference: Difference,
}

struct Work<'a> {
    source: &'a Inventory,
    target: &'a Inventory,
    sides: Sides,
    here: Objects<'a>,
    there: Objects<'a>,
    /// The source's objects by what they go with.
    parts: HashMap<Key, Vec<&'a dyn Item>>,
    unread: HashSet<Kind>,
    rows: Vec<Row>,
    missing: Vec<&'a dyn Item>,
    extra: Vec<&'a dyn Item>,
    /// Objects of the target that another row tells of.
    told: HashSet<Key>,
    counts: BTreeMap<Kind, Count>,
}

fn by_key(inventory: &Inventory) -> Objects<'_> {
    inventory.items().into_iter().map(|item| (item.key(), item)).collect()
}

impl<'a> Work<'a> {
    fn new(source: &'a Inventory, target: &'a Inventory) -> Self {
        let (here, there) = (by_key(source), by_key(target));
        let mut parts: HashMap<Key, Vec<&dyn Item>> = HashMap::new();
        for item in source.items() {
            let missing =
                item.uses().into_iter().find(|column| here.contains_key(column) && !there.contains_key(column));
            // A table that is missing too brings its columns and all that is made of them.
            let column = missing.filter(|_| item.parent().is_some_and(|parent| there.contains_key(&parent)));
            if let Some(parent) = column.or_else(|| item.parent()) {
                parts.entry(parent).or_default().push(item);
            }
        }
        let database = target.database.first().and_then(|d| d.head.name.first()).cloned().unwrap_or_default();
        Work {
            source,
            target,
            sides: Sides { source_version: source.version_num, target_version: target.version_num, database },
            here,
            there,
            parts,
            unread: source.unseen.iter().chain(&target.unseen).filter_map(|u| u.kind).map(Kind::space).collect(),
            rows: Vec::new(),
            missing: Vec::new(),
            extra: Vec::new(),
            told: HashSet::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The one object that may bear another name on the other side.
    fn database(&mut self) {
        if let (Some(s), Some(t)) = (self.source.database.first(), self.target.database.first()) {
            self.pair(s, t);
        }
    }

    fn kind<T: Compared>(&mut self, source: &'a [T], target: &'a [T]) {
        let here: HashSet<Key> = source.iter().map(Item::key).collect();
        let there: HashMap<Key, &T> = target.iter().map(|t| (t.key(), t)).collect();
        let unread = self.unread.clone();
        for s in source.iter().filter(|s| !unread.contains(&s.kind().space())) {
            match there.get(&s.key()) {
                Some(t) => self.pair(s, *t),
                None => self.missing(s),
            }
        }
        for t in target.iter().filter(|t| !unread.contains(&t.kind().space())) {
            if !here.contains(&t.key()) {
                self.extra(t);
            }
        }
    }

    fn pair<T: Compared>(&mut self, s: &'a T, t: &'a T) {
        let before = self.rows.len();
        if !s.concerns() {
            return;
        }
        if s != t && !self.aspects(s, t) {
            self.head(s, t);
        }
        let count = self.counts.entry(s.kind()).or_default();
        if self.rows.len() == before { count.equal += 1 } else { count.differs += 1 }
    }

    /// Whether they turned out to be different things.
    fn aspects<T: Compared>(&mut self, s: &'a T, t: &'a T) -> bool {
        let lenient = self.sides.differ_in_major();
        for aspect in T::ASPECTS {
            let (source, target) = ((aspect.value)(s), (aspect.value)(t));
            let same = match (&source, &target) {
                (Some(a), Some(b)) => match aspect.same {
                    Same::Text => a == b,
                    Same::Definition => definition::same(a, b, lenient),
                    Same::Constant => definition::same_constant(a, b, lenient),
                },
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if same {
                continue;
            }
            let (severity, why) = (aspect.means)(s, t);
            let statements = match (aspect.mend)(s, t, &self.sides) {
                Mend::Sql(statements) => statements,
                Mend::Again => self.again(s, t),
                Mend::Nothing => Vec::new(),
            };
            self.differs(s, aspect.what.to_owned(), (source, target), (severity, why), statements);
            if T::DECISIVE.contains(&aspect.what) {
                return true;
            }
        }
        false
    }

    /// Owner, comment and rights, which every kind has alike.
    fn head(&mut self, s: &'a dyn Item, t: &'a dyn Item) {
        let (a, b) = (s.head(), t.head());
        if a.owner != b.owner && (s.owns_itself() || t.owns_itself()) {
            let means = (
                Severity::Blocks,
                "What only an owner may do fails for the role that owns it on the source; views and SECURITY DEFINER run with other rights.",
            );
            let sql = a.owner.as_deref().map(|owner| script::own(t, owner));
            self.differs(s, "owner".into(), (a.owner.clone(), b.owner.clone()), means, sql.into_iter().collect());
        }
        if a.comment != b.comment {
            let means = (Severity::Cosmetic, "Only readers of the catalog see comments.");
            let sql = vec![script::note(t, a.comment.as_deref())];
            self.differs(s, "comment".into(), (a.comment.clone(), b.comment.clone()), means, sql);
        }
        let older = self.sides.source_version.min(self.sides.target_version) < 170_000;
        // The owner is mended by the row before.
        let on = grant::On { owner: s.granted_on().owner, ..t.granted_on() };
        for departure in grant::departures(&a.grants, &b.grants, older) {
            let mut sql: Vec<String> = departure.sql(&on).into_iter().map(|sql| t.wrap_grant(sql)).collect();
            // A right that is taken on a table is taken on its columns too.
            for column in self.parts_of(s).iter().filter(|part| part.kind() == Kind::Column) {
                sql.extend(departure.again_on(&column.head().grants, &column.granted_on()));
            }
            let means = (departure.severity, departure.why);
            self.differs(s, departure.to.what(), (departure.source, departure.target), means, sql);
        }
    }

    fn differs(
        &mut self,
        item: &dyn Item,
        what: String,
        (source, target): (Option<String>, Option<String>),
        (severity, why): (Severity, &str),
        statements: Vec<String>,
    ) {
        let sql = (!statements.is_empty()).then(|| script::text(&statements));
        let difference = Difference {
            object: item.shown(),
            kind: item.kind(),
            status: Status::Differs,
            what,
            source,
            target,
            severity,
            why: why.to_owned(),
            sql,
        };
        self.rows.push(Row { key: item.key(), difference });
    }
}
