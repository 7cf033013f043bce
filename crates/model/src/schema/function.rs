//! Functions and procedures.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Mend, Same, Sides},
    kind::Kind,
    name,
    script::{Script, Stage},
};

/// One function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Schema, name, types of its arguments.
    pub head: Head,
    /// Whether it is a procedure.
    pub procedure: bool,
    /// `plpgsql`.
    pub language: String,
    /// Arguments with names and defaults.
    pub arguments: String,
    /// What it returns; none for a procedure.
    pub result: Option<String>,
    /// The whole statement that makes it.
    pub definition: String,
    /// Whether its body was parsed (`BEGIN ATOMIC`), and so is spelled by the server.
    pub parsed: bool,
}

impl Function {
    fn sql(&self) -> String {
        let end = self.head.name.len().min(2);
        format!("{}({})", name::sql(&self.head.name[..end]), self.head.name.get(2).map_or("", String::as_str))
    }
}

impl Item for Function {
    fn kind(&self) -> Kind {
        Kind::Function
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn shown(&self) -> String {
        let end = self.head.name.len().min(2);
        format!("{}({})", name::printable(&self.head.name[..end]), self.head.name.get(2).map_or("", String::as_str))
    }

    fn gist(&self) -> String {
        match &self.result {
            Some(result) => format!("{} function returning {result}", self.language),
            None => format!("{} procedure", self.language),
        }
    }

    fn phrase(&self) -> String {
        format!("{} {}", if self.procedure { "PROCEDURE" } else { "FUNCTION" }, self.sql())
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Body, self.definition.clone());
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "Whoever calls it on the target gets an error."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source calls it."),
        }
    }
}

impl Compared for Function {
    const ASPECTS: &'static [Aspect<Function>] = &[
        Aspect {
            what: "signature",
            same: Same::Definition,
            value: |f| Some(format!("({}) {}", f.arguments, f.result.as_deref().unwrap_or("procedure"))),
            means: |_, _| {
                (
                    Severity::Blocks,
                    "Calls that name arguments, leave some out or use the result fail, or get something else.",
                )
            },
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "definition",
            same: Same::Text,
            // What the signature says already is not told again.
            value: |f| (!f.parsed).then(|| body(f)),
            means: |_, _| (Severity::Data, "It does something else than on the source."),
            mend: |s, _, _| Mend::one(s.definition.clone()),
        },
        Aspect {
            what: "body",
            same: Same::Definition,
            value: |f| f.parsed.then(|| body(f)),
            means: |_, _| (Severity::Data, "It does something else than on the source."),
            mend: |s, _, _| Mend::one(s.definition.clone()),
        },
    ];
}

/// The statement from its language on.
fn body(f: &Function) -> String {
    match f.definition.find("\n LANGUAGE ") {
        Some(at) => f.definition[at..].trim_start().to_owned(),
        None => f.definition.clone(),
    }
}
