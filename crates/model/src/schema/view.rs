//! Views and materialised views.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    grant::On,
    item::{Alone, Aspect, Compared, Head, Item, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    options::{listed, option, options_between},
    script::{Script, Stage},
};
use crate::ident::quote;

/// One view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name and the rest.
    pub head: Head,
    /// Whether it keeps its rows.
    pub materialized: bool,
    /// Its query, as the server writes it.
    pub definition: String,
    /// Names and types of its columns.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub columns: Vec<[String; 2]>,
    /// `security_barrier=true`.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
    /// Where that is not the database's own.
    pub tablespace: Option<String>,
    /// Whether it holds rows. Not compared: that is data.
    pub populated: bool,
}

impl View {
    fn word(&self) -> &'static str {
        if self.materialized { "MATERIALIZED VIEW" } else { "VIEW" }
    }

    fn query(&self) -> &str {
        self.definition.trim_end().trim_end_matches(';')
    }

    fn make(&self, replace: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|[name, _]| quote(name)).collect();
        let with = match self.options.len() {
            0 => String::new(),
            _ => format!(" WITH ({})", self.options.iter().map(|o| option(o)).collect::<Vec<_>>().join(", ")),
        };
        let space = self.tablespace.as_ref().map_or(String::new(), |s| format!(" TABLESPACE {}", quote(s)));
        let no_data = if self.materialized && !self.populated { "\nWITH NO DATA" } else { "" };
        format!("CREATE {replace}{} ({}){with}{space} AS\n{}{no_data}", self.phrase(), columns.join(", "), self.query())
    }
}

impl Item for View {
    fn kind(&self) -> Kind {
        if self.materialized { Kind::MaterializedView } else { Kind::View }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn gist(&self) -> String {
        self.query().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn phrase(&self) -> String {
        format!("{} {}", self.word(), name::sql(&self.head.name))
    }

    fn granted_on(&self) -> On {
        let owner = self.head.owner.clone().unwrap_or_default();
        On { columns: String::new(), object: format!("TABLE {}", name::sql(&self.head.name)), owner }
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        script.at(Stage::Body, self.make(""));
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (Severity::Blocks, "Queries of it fail on the target."),
            Alone::Extra => (Severity::Cosmetic, "Nothing on the source reads it."),
        }
    }
}

impl Compared for View {
    const DECISIVE: &'static [&'static str] = &["kind"];
    const ASPECTS: &'static [Aspect<View>] = &[
        Aspect {
            what: "kind",
            same: Same::Text,
            value: |v| Some(v.word().to_lowercase()),
            means: |_, _| {
                (Severity::Data, "One side computes its rows when asked, the other shows those of its last refresh.")
            },
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "definition",
            same: Same::Definition,
            value: |v| Some(v.query().to_owned()),
            means: |_, _| (Severity::Data, "It shows other rows, or other columns, than on the source."),
            mend: |s, t, _| {
                // A view can be replaced in place as long as no column goes or changes.
                if !s.materialized && !t.materialized && s.columns.starts_with(&t.columns) {
                    Mend::one(s.make("OR REPLACE "))
                } else {
                    Mend::Again
                }
            },
        },
        Aspect {
            what: "options",
            same: Same::Text,
            value: |v| listed(&v.options),
            means: |_, _| {
                (
                    Severity::Data,
                    "Whose rights count, which rows can be written through it, or what a condition may see, is different.",
                )
            },
            mend: |s, t, _| {
                let steps = options_between(&s.options, &t.options, "");
                Mend::Sql(steps.iter().map(|o| format!("ALTER {} {o}", t.phrase())).collect())
            },
        },
        Aspect {
            what: "tablespace",
            same: Same::Text,
            value: |v| v.tablespace.clone(),
            means: |_, _| (Severity::Speed, "It lies on another disk than planned."),
            mend: |s, t, _| {
                let space = quote(s.tablespace.as_deref().unwrap_or("pg_default"));
                Mend::one(format!("ALTER {} SET TABLESPACE {space}", t.phrase()))
            },
        },
    ];
}
