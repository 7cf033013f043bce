//! Foreign-data wrappers, foreign servers, user mappings. Values of a user mapping's options may be secrets and are never
//! read.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    grant::On,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    options::{listed, server_options, server_options_between},
    script::{Script, Stage},
};
use crate::ident::{literal, quote};

/// One wrapper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignDataWrapper {
    /// Its name and the rest.
    pub head: Head,
    /// Handler, as SQL.
    pub handler: Option<String>,
    /// Validator, as SQL.
    pub validator: Option<String>,
    /// Its options.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
}

impl ForeignDataWrapper {
    fn functions(&self) -> String {
        let part = |word: &str, f: &Option<String>| match f {
            Some(function) => format!("{word} {function}"),
            None => format!("NO {word}"),
        };
        format!("{} {}", part("HANDLER", &self.handler), part("VALIDATOR", &self.validator))
    }
}

impl Item for ForeignDataWrapper {
    fn kind(&self) -> Kind {
        Kind::ForeignDataWrapper
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        self.functions()
    }

    fn phrase(&self) -> String {
        format!("FOREIGN DATA WRAPPER {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let options = if self.options.is_empty() {
            String::new()
        } else {
            format!(" OPTIONS ({})", server_options(&self.options))
        };
        script.at(Stage::Before, format!("CREATE {} {}{options}", self.phrase(), self.functions()));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "Foreign servers cannot be made without it."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source uses it."),
        }
    }
}

impl Compared for ForeignDataWrapper {
    const ASPECTS: &'static [Aspect<ForeignDataWrapper>] = &[
        Aspect {
            what: "functions",
            same: Same::Text,
            value: |w| Some(w.functions()),
            means: |_, _| (Severity::Data, "Foreign rows are fetched by another program."),
            mend: |s, t, _| Mend::one(format!("ALTER {} {}", t.phrase(), s.functions())),
        },
        Aspect {
            what: "options",
            same: Same::Text,
            value: |w| listed(&w.options),
            means: |_, _| (Severity::Data, "Foreign rows are fetched another way."),
            mend: |s, t, _| {
                Mend::one(format!("ALTER {} OPTIONS ({})", t.phrase(), server_options_between(&s.options, &t.options)))
            },
        },
    ];
}

/// One server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignServer {
    /// Its name and the rest.
    pub head: Head,
    /// Its wrapper.
    pub wrapper: String,
    /// TYPE.
    #[serde(rename = "type")]
    pub server_type: Option<String>,
    /// VERSION.
    pub version: Option<String>,
    /// Its options; those that may be secrets without their value.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
}

impl Item for ForeignServer {
    fn kind(&self) -> Kind {
        Kind::ForeignServer
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        Some(Key::of(Kind::ForeignDataWrapper, std::slice::from_ref(&self.wrapper)))
    }

    fn gist(&self) -> String {
        format!("{} ({})", self.wrapper, self.options.join(", "))
    }

    fn phrase(&self) -> String {
        format!("SERVER {}", name::sql(&self.head.name))
    }

    fn granted_on(&self) -> On {
        let owner = self.head.owner.clone().unwrap_or_default();
        On { columns: String::new(), object: format!("FOREIGN SERVER {}", name::sql(&self.head.name)), owner }
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let part =
            |word: &str, v: &Option<String>| v.as_ref().map_or(String::new(), |v| format!(" {word} {}", literal(v)));
        let options = if self.options.is_empty() {
            String::new()
        } else {
            format!(" OPTIONS ({})", server_options(&self.options))
        };
        let (of, version) = (part("TYPE", &self.server_type), part("VERSION", &self.version));
        let wrapper = quote(&self.wrapper);
        script.at(
            Stage::Before,
            format!("CREATE {}{of}{version} FOREIGN DATA WRAPPER {wrapper}{options}", self.phrase()),
        );
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "Foreign tables on it cannot be made or read."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source uses it."),
        }
    }
}

impl Compared for ForeignServer {
    const ASPECTS: &'static [Aspect<ForeignServer>] = &[
        Aspect {
            what: "wrapper",
            same: Same::Text,
            value: |s| Some(format!("{} {}", s.wrapper, s.server_type.as_deref().unwrap_or("")).trim_end().to_owned()),
            means: |_, _| (Severity::Blocks, "Foreign rows are fetched by another program."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "version",
            same: Same::Text,
            value: |s| s.version.clone(),
            means: |_, _| (Severity::Cosmetic, "Some wrappers speak to their server by its version."),
            mend: |s, t, _| {
                let version = s.version.as_ref().map_or("NULL".to_owned(), |v| literal(v));
                Mend::one(format!("ALTER {} VERSION {version}", t.phrase()))
            },
        },
        Aspect {
            what: "options",
            same: Same::Text,
            value: |s| listed(&s.options),
            means: |_, _| (Severity::Data, "Foreign rows come from, and go to, another place."),
            mend: |s, t, _| {
                Mend::one(format!("ALTER {} OPTIONS ({})", t.phrase(), server_options_between(&s.options, &t.options)))
            },
        },
    ];
}

/// Whose name a role bears on a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserMapping {
    /// Server, role; an empty role is PUBLIC.
    pub head: Head,
    /// Names of its options, without their values.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
}

impl Item for UserMapping {
    fn kind(&self) -> Kind {
        Kind::UserMapping
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        self.head.name.first().map(|server| Key::of(Kind::ForeignServer, std::slice::from_ref(server)))
    }

    fn shown(&self) -> String {
        match self.head.name.as_slice() {
            [server, role] if role.is_empty() => format!("{}.PUBLIC", name::part_of_name(server)),
            other => name::printable(other),
        }
    }

    fn gist(&self) -> String {
        format!("options {}", self.options.join(", "))
    }

    fn phrase(&self) -> String {
        let part = |n: usize| self.head.name.get(n).map_or("", String::as_str);
        let role = if part(1).is_empty() { "PUBLIC".to_owned() } else { quote(part(1)) };
        format!("USER MAPPING FOR {role} SERVER {}", quote(part(0)))
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Reactions, format!("CREATE {}", self.phrase()));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (
                Severity::Blocks,
                "The role cannot read foreign tables of the server. Its options may be secrets: add them to the statement.",
            ),
            Alone::Extra => (Severity::Data, "The role can read foreign tables that it cannot on the source."),
        }
    }
}

impl Compared for UserMapping {
    const ASPECTS: &'static [Aspect<UserMapping>] = &[];
}
