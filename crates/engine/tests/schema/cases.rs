//! The cases, from their file.

/// One change on the target.
pub struct Case {
    pub kind: String,
    pub object: String,
    pub what: String,
    /// Statements on the target.
    pub change: String,
    /// For what no statement mends: what takes the change back.
    pub undo: Option<String>,
}

/// Every kind and every fact of it.
pub fn cases() -> Vec<Case> {
    include_str!("cases.sql").split("\n--= ").skip(1).map(case).collect()
}

fn case(text: &str) -> Case {
    let (title, rest) = text.split_once('\n').unwrap();
    let [kind, object, what] = title.split(" | ").collect::<Vec<_>>().try_into().unwrap();
    // What stands between two groups is their title.
    let statements: String = rest.lines().filter(|l| !l.starts_with("-- ")).map(|l| format!("{l}\n")).collect();
    let (change, undo) = match statements.split_once("--undo\n") {
        Some((change, undo)) => (change.to_owned(), Some(undo.to_owned())),
        None => (statements, None),
    };
    Case { kind: kind.into(), object: object.replace("\\n", "\n"), what: what.into(), change, undo }
}
