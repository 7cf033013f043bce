//! Names of objects, for people and for SQL.

use crate::ident::quote;

/// A path as people read it: `public.t7.b`, with quotes where a part would be read otherwise. Not for SQL.
pub fn printable(path: &[String]) -> String {
    path.iter().map(|part| part_of_name(part)).collect::<Vec<_>>().join(".")
}

/// A path in SQL, every part quoted.
pub fn sql(path: &[String]) -> String {
    path.iter().map(|part| quote(part)).collect::<Vec<_>>().join(".")
}

/// One name for people.
pub fn part_of_name(part: &str) -> String {
    let mut chars = part.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if plain { part.to_owned() } else { quote(part) }
}

/// Several names in SQL, separated by commas.
pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_quotes_only_where_they_are_needed() {
        let path = |parts: &[&str]| parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        assert_eq!(printable(&path(&["public", "t7", "b"])), "public.t7.b");
        assert_eq!(
            printable(&path(&["My S", "a.b", "q\"x"])),
            "\"My S\".\"a.b\".\"q\"\"x\"",
            "a dot inside a name is no separator"
        );
        assert_eq!(sql(&path(&["public", "t"])), "\"public\".\"t\"", "in SQL there is no list of harmless names");
    }
}
