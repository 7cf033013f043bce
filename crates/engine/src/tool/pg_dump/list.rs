//! Reading `pg_restore --list`. Pure.

/// One entry. Names are not taken apart: what follows the kind is a schema, a tag and an owner with spaces between
/// them, and each of them may hold spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line as it stands, for `--use-list`.
    pub(super) line: String,
    /// Catalog that the object lives in; 0 for what is no object of its own.
    pub(super) catalog: u32,
    /// Its oid on the source; 0 for what has none.
    pub(super) oid: u32,
    /// `TABLE`, `FK CONSTRAINT`, …
    pub(super) kind: String,
    /// `schema tag owner`.
    pub(super) rest: String,
}

/// Kinds of several words that a dump without rows holds. One-word kinds are whatever comes first.
const LONG_KINDS: [&str; 24] = [
    "ACCESS METHOD",
    "CHECK CONSTRAINT",
    "DEFAULT ACL",
    "EVENT TRIGGER",
    "FK CONSTRAINT",
    "FOREIGN DATA WRAPPER",
    "FOREIGN SERVER",
    "FOREIGN TABLE",
    "INDEX ATTACH",
    "MATERIALIZED VIEW",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PROCEDURAL LANGUAGE",
    "PUBLICATION TABLES IN SCHEMA",
    "PUBLICATION TABLE",
    "ROW SECURITY",
    "SECURITY LABEL",
    "SEQUENCE OWNED BY",
    "SHELL TYPE",
    "TABLE ATTACH",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
];

/// Entries in the list's order; comment lines are left out.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    text.lines().filter_map(entry).collect()
}

/// From `3297; 2606 16580 FK CONSTRAINT public pt fk postgres`.
fn entry(line: &str) -> Option<Entry> {
    let (id, rest) = line.split_once("; ")?;
    id.parse::<u32>().ok()?;
    let (catalog, rest) = rest.split_once(' ')?;
    let (oid, rest) = rest.split_once(' ')?;
    let long = LONG_KINDS.iter().find(|k| rest.strip_prefix(**k).is_some_and(|r| r.starts_with(' ')));
    let kind = match long {
        Some(kind) => (*kind).to_owned(),
        None => rest.split(' ').next()?.to_owned(),
    };
    let names = rest.get(kind.len() + 1..).unwrap_or_default().to_owned();
    Some(Entry { line: line.to_owned(), catalog: catalog.parse().ok()?, oid: oid.parse().ok()?, kind, rest: names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = ";\n; Archive created at 2026\n3297; 2606 16580 FK CONSTRAINT public pt fk app\n\
                    219; 1259 16543 TABLE S p T\"x y postgres\n3294; 0 0 INDEX ATTACH public pt1_pkey postgres\n\
                    2; 3079 16591 EXTENSION - pg_trgm \n";
        let entries = parse(text);
        assert_eq!(entries.len(), 4, "comments are no entries");
        assert_eq!((entries[0].kind.as_str(), entries[0].rest.as_str()), ("FK CONSTRAINT", "public pt fk app"));
        assert_eq!((entries[1].kind.as_str(), entries[1].oid), ("TABLE", 16543));
        assert_eq!(entries[2].kind, "INDEX ATTACH");
        assert_eq!(entries[3].kind, "EXTENSION");
    }

    #[test]
    fn a_schema_that_begins_like_a_longer_kind_is_no_longer_kind() {
        let found = entry("1; 1259 2 TABLE ATTACHx t app").unwrap();
        assert_eq!((found.kind.as_str(), found.rest.as_str()), ("TABLE", "ATTACHx t app"));
        assert!(entry("nonsense").is_none() && entry("1; x").is_none(), "a line of another shape is skipped");
    }
}
