//! Which entry belongs to which section. Pure.

use super::{Item, Section, facts::Facts, list::Entry};

/// `pg_constraint`, `pg_class`, `pg_trigger`: their oids are the same in every version.
const PG_CONSTRAINT: u32 = 2606;
const PG_CLASS: u32 = 1259;
const PG_TRIGGER: u32 = 2620;

/// Entries before and after the data, as sections. Our own triggers are left out: the fence installs them itself.
pub(super) fn sort(before_data: Vec<Entry>, after_data: Vec<Entry>, facts: &Facts) -> Vec<Item> {
    let first_after = before_data.len();
    let all = before_data.into_iter().chain(after_data).enumerate();
    all.filter(|(_, e)| !(e.catalog == PG_TRIGGER && facts.ours.contains(&e.oid)))
        .map(|(i, entry)| Item {
            section: if i < first_after { Section::Structure } else { after(&entry, facts) },
            identity: facts.identities.get(i).cloned().flatten(),
            tie: facts.ties.get(&entry.oid).filter(|_| entry.catalog == PG_CONSTRAINT).cloned(),
            entry,
        })
        .collect()
}

fn after(entry: &Entry, facts: &Facts) -> Section {
    let can_be_key = entry.catalog == PG_CONSTRAINT || entry.catalog == PG_CLASS;
    if can_be_key && facts.keys.contains(&entry.oid) { Section::Keys } else { Section::Rest }
}

/// Whether it has to be dropped by name, because it does not go with a table: what stands by itself, foreign keys, which
/// tie two tables together, and a view's rule that was made last, which ties the view to a key.
pub(super) fn stands_alone(item: &Item) -> bool {
    match item.entry.kind.as_str() {
        // Extensions may have been there before us, and other things may use them by now.
        "EXTENSION" => false,
        "CONSTRAINT" | "INDEX" | "INDEX ATTACH" | "STATISTICS" | "TRIGGER" | "POLICY" | "ROW SECURITY" | "COMMENT"
        | "ACL" | "SECURITY LABEL" => false,
        // What has no identity is the system's, as the schema `public`.
        _ => item.identity.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::pg_dump::list::parse;

    #[test]
    fn keys_are_told_from_other_constraints_by_oid() {
        let before = parse("1; 1259 100 TABLE public t app\n");
        let after = parse(
            "2; 2606 200 CONSTRAINT public t t_pkey app\n3; 2606 201 CONSTRAINT public t t_u app\n\
             4; 1259 300 INDEX public i app\n5; 2620 400 TRIGGER public t switchyard_fence app\n",
        );
        let facts = Facts { keys: [200].into(), ours: [400].into(), ..Facts::default() };
        let sections: Vec<_> = sort(before, after, &facts).iter().map(|i| i.section).collect();
        assert_eq!(
            sections,
            [Section::Structure, Section::Keys, Section::Rest, Section::Rest],
            "our own trigger is not carried over"
        );
    }
}
