//! Options of tables, columns, views and foreign objects: lists of `name=value`.

use crate::ident::{literal, quote};

/// `SET (…)` and `RESET (…)` that lead from one list of `name=value` to another.
pub(super) fn options_between(wanted: &[String], found: &[String], prefix: &str) -> Vec<String> {
    let named = |o: &String| o.split_once('=').map_or(o.clone(), |(n, _)| n.to_owned());
    let gone: Vec<String> = found
        .iter()
        .map(named)
        .filter(|n| !wanted.iter().any(|w| named(w) == *n))
        .map(|n| format!("{prefix}{}", option_name(&n)))
        .collect();
    let new: Vec<String> =
        wanted.iter().filter(|w| !found.contains(w)).map(|w| format!("{prefix}{}", option(w))).collect();
    let mut out = Vec::new();
    if !gone.is_empty() {
        out.push(format!("RESET ({})", gone.join(", ")));
    }
    if !new.is_empty() {
        out.push(format!("SET ({})", new.join(", ")));
    }
    out
}

/// `"fillfactor"='70'`.
pub(super) fn option(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("{}={}", option_name(name), literal(value)),
        None => option_name(text),
    }
}

/// Names of options may hold a dot between two words.
fn option_name(name: &str) -> String {
    name.split('.').map(quote).collect::<Vec<_>>().join(".")
}

/// A list as a value; nothing where it is empty.
pub(super) fn listed(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| {
        let mut sorted = list.to_vec();
        sorted.sort();
        sorted.join(", ")
    })
}

/// `name 'value', …` for OPTIONS.
pub(super) fn server_options(list: &[String]) -> String {
    let one = |o: &String| match o.split_once('=') {
        Some((name, value)) => format!("{} {}", quote(name), literal(value)),
        None => quote(o),
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is in the brackets of ALTER … OPTIONS.
pub(super) fn server_options_between(wanted: &[String], found: &[String]) -> String {
    let named = |o: &str| o.split_once('=').map_or(o.to_owned(), |(n, _)| n.to_owned());
    let has = |list: &[String], name: &str| list.iter().any(|o| named(o) == name);
    let gone = found.iter().map(|o| named(o)).filter(|n| !has(wanted, n)).map(|n| format!("DROP {}", quote(&n)));
    let new = wanted.iter().filter(|o| !found.contains(o)).map(|o| {
        let word = if has(found, &named(o)) { "SET" } else { "ADD" };
        format!("{word} {}", server_options(std::slice::from_ref(o)))
    });
    gone.chain(new).collect::<Vec<_>>().join(", ")
}
