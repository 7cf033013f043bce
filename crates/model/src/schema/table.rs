//! Tables, partitioned tables, partitions and foreign tables.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides, none_is_empty},
    kind::Kind,
    name,
    options::{listed, option, options_between, server_options, server_options_between},
    script::{Script, Stage},
};
use crate::ident::quote;

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Holds rows.
    Ordinary,
    /// Has partitions.
    Partitioned,
    /// Its rows are elsewhere.
    Foreign,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name and the rest.
    pub head: Head,
    /// What it is.
    pub form: Form,
    /// UNLOGGED.
    pub unlogged: bool,
    /// `RANGE (day)`.
    pub partition_key: Option<String>,
    /// The table it is a partition of.
    pub partition_of: Option<Vec<String>>,
    /// `FOR VALUES …`.
    pub bound: Option<String>,
    /// Tables it inherits from.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub inherits: Vec<Vec<String>>,
    /// `fillfactor=70`.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub options: Vec<String>,
    /// The same of its TOAST table.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub toast_options: Vec<String>,
    /// Where that is not the database's own.
    pub tablespace: Option<String>,
    /// `heap`; partitioned and foreign tables may have none.
    pub access_method: Option<String>,
    /// `DEFAULT`, `FULL`, `NOTHING`, or `USING INDEX "i"`.
    pub replica_identity: String,
    /// ENABLE ROW LEVEL SECURITY.
    pub row_security: bool,
    /// FORCE ROW LEVEL SECURITY: it holds for the owner too.
    pub forced_row_security: bool,
    /// The composite type it is made of.
    pub of_type: Option<String>,
    /// Its foreign server.
    pub server: Option<String>,
    /// Its options there.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub server_options: Vec<String>,
}

impl Table {
    fn sql(&self) -> String {
        name::sql(&self.head.name)
    }

    fn word(&self) -> &'static str {
        match self.form {
            Form::Ordinary | Form::Partitioned => "TABLE",
            Form::Foreign => "FOREIGN TABLE",
        }
    }

    fn of_parent(&self) -> Option<String> {
        let parent = self.partition_of.as_ref()?;
        Some(format!("{} {}", name::printable(parent), self.bound.as_deref().unwrap_or("")))
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER {} {} {what}", self.word(), self.sql())
    }
}

impl Item for Table {
    fn kind(&self) -> Kind {
        match self.form {
            Form::Ordinary | Form::Partitioned => Kind::Table,
            Form::Foreign => Kind::ForeignTable,
        }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        match &self.partition_of {
            Some(root) => Some(Key::relation(root)),
            None => Key::schema(&self.head.name),
        }
    }

    fn uses(&self) -> Vec<Key> {
        self.server.iter().map(|server| Key::of(Kind::ForeignServer, std::slice::from_ref(server))).collect()
    }

    fn ancestors(&self) -> Vec<Key> {
        self.inherits.iter().chain(&self.partition_of).map(|table| Key::relation(table)).collect()
    }

    fn gist(&self) -> String {
        let what = match self.form {
            Form::Ordinary => "table",
            Form::Partitioned => "partitioned table",
            Form::Foreign => "foreign table",
        };
        match self.of_parent() {
            Some(of) => format!("partition of {of}"),
            None => what.to_owned(),
        }
    }

    fn phrase(&self) -> String {
        format!("{} {}", self.word(), self.sql())
    }

    fn granted_on(&self) -> super::grant::On {
        super::grant::On {
            columns: String::new(),
            object: format!("TABLE {}", self.sql()),
            owner: self.head.owner.clone().unwrap_or_default(),
        }
    }

    fn create(&self, _sides: &Sides, script: &mut Script) {
        let unlogged = if self.unlogged { "UNLOGGED " } else { "" };
        let mut sql = format!("CREATE {unlogged}{} {}", self.word(), self.sql());
        match (&self.partition_of, &self.of_type) {
            (Some(root), _) => {
                let bound = self.bound.as_deref().unwrap_or("DEFAULT");
                sql.push_str(&format!(" PARTITION OF {} {bound}", name::sql(root)));
            }
            (None, Some(of)) => sql.push_str(&format!(" OF {of}")),
            (None, None) => sql.push_str(&format!(" ({})", script.columns().join(", "))),
        }
        if !self.inherits.is_empty() {
            let parents: Vec<String> = self.inherits.iter().map(|p| name::sql(p)).collect();
            sql.push_str(&format!(" INHERITS ({})", parents.join(", ")));
        }
        if let Some(key) = &self.partition_key {
            sql.push_str(&format!(" PARTITION BY {key}"));
        }
        if let (Some(method), Form::Ordinary) = (&self.access_method, self.form) {
            sql.push_str(&format!(" USING {}", quote(method)));
        }
        if let Some(server) = &self.server {
            sql.push_str(&format!(" SERVER {}", quote(server)));
            if !self.server_options.is_empty() {
                sql.push_str(&format!(" OPTIONS ({})", server_options(&self.server_options)));
            }
        }
        let mut with: Vec<String> = self.options.iter().map(|o| option(o)).collect();
        with.extend(self.toast_options.iter().map(|o| format!("toast.{}", option(o))));
        if !with.is_empty() {
            sql.push_str(&format!(" WITH ({})", with.join(", ")));
        }
        if let Some(space) = &self.tablespace {
            sql.push_str(&format!(" TABLESPACE {}", quote(space)));
        }
        script.at(Stage::Body, sql);
        if self.row_security {
            script.at(Stage::Reactions, self.alter(security(true)));
        }
        if self.forced_row_security {
            script.at(Stage::Reactions, self.alter(forced(true)));
        }
        if self.replica_identity != "DEFAULT" && self.form == Form::Ordinary {
            script.at(Stage::References, self.alter(&format!("REPLICA IDENTITY {}", self.replica_identity)));
        }
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => {
                (Severity::Blocks, "Its rows have nowhere to go: replication stops at the first of them.")
            }
            Alone::Extra => {
                (Severity::Cosmetic, "Nothing comes into it from the source; look whose it is before you drop it.")
            }
        }
    }
}

fn security(enabled: bool) -> &'static str {
    if enabled { "ENABLE ROW LEVEL SECURITY" } else { "DISABLE ROW LEVEL SECURITY" }
}

fn forced(forced: bool) -> &'static str {
    if forced { "FORCE ROW LEVEL SECURITY" } else { "NO FORCE ROW LEVEL SECURITY" }
}

fn on_or_off(on: bool) -> Option<String> {
    Some(if on { "on" } else { "off" }.to_owned())
}

impl Compared for Table {
    const DECISIVE: &'static [&'static str] = &["form"];
    const ASPECTS: &'static [Aspect<Table>] = &[
        Aspect {
            what: "form",
            same: Same::Text,
            value: |t| {
                Some(match t.form {
                    Form::Ordinary => "ordinary".to_owned(),
                    Form::Partitioned => format!("partitioned by {}", t.partition_key.as_deref().unwrap_or("?")),
                    Form::Foreign => "foreign".to_owned(),
                })
            },
            means: |s, t| {
                if s.form == Form::Foreign || t.form == Form::Foreign {
                    (Severity::Blocks, "A foreign table holds no rows of its own, and none can be replicated into it.")
                } else {
                    (
                        Severity::Blocks,
                        "Rows are cut into partitions another way; no statement changes that in place: make the table again.",
                    )
                }
            },
            mend: |_, _, _| Mend::Nothing,
        },
        Aspect {
            what: "persistence",
            same: Same::Text,
            value: |t| Some(if t.unlogged { "unlogged" } else { "logged" }.to_owned()),
            means: |s, _| {
                if s.unlogged {
                    (Severity::Speed, "The target writes WAL for rows that the source keeps out of it.")
                } else {
                    (Severity::Data, "An unlogged table is empty after a crash.")
                }
            },
            mend: |s, t, _| Mend::one(t.alter(if s.unlogged { "SET UNLOGGED" } else { "SET LOGGED" })),
        },
        Aspect {
            what: "partition",
            same: Same::Definition,
            value: Table::of_parent,
            means: |_, _| (Severity::Blocks, "Rows of this partition are refused, or land in another one."),
            mend: |s, t, _| {
                let mut out = Vec::new();
                if let Some(root) = &t.partition_of {
                    out.push(format!("ALTER TABLE {} DETACH PARTITION {}", name::sql(root), t.sql()));
                }
                if let (Some(root), Some(bound)) = (&s.partition_of, &s.bound) {
                    out.push(format!("ALTER TABLE {} ATTACH PARTITION {} {bound}", name::sql(root), t.sql()));
                }
                Mend::Sql(out)
            },
        },
        Aspect {
            what: "inherits",
            same: Same::Text,
            value: |t| listed(&t.inherits.iter().map(|p| name::printable(p)).collect::<Vec<_>>()),
            means: |_, _| (Severity::Data, "A query of the parent sees rows of other children than on the source."),
            mend: |s, t, _| {
                let gone = t
                    .inherits
                    .iter()
                    .filter(|p| !s.inherits.contains(p))
                    .map(|p| format!("NO INHERIT {}", name::sql(p)));
                let new =
                    s.inherits.iter().filter(|p| !t.inherits.contains(p)).map(|p| format!("INHERIT {}", name::sql(p)));
                Mend::Sql(gone.chain(new).map(|what| t.alter(&what)).collect())
            },
        },
        Aspect {
            what: "storage options",
            same: Same::Text,
            value: |t| listed(&t.options),
            means: |_, _| (Severity::Speed, "Pages are filled, or vacuumed, by other rules."),
            mend: |s, t, _| Mend::Sql(options_between(&s.options, &t.options, "").iter().map(|o| t.alter(o)).collect()),
        },
        Aspect {
            what: "TOAST options",
            same: Same::Text,
            value: |t| listed(&t.toast_options),
            means: |_, _| (Severity::Speed, "Long values are vacuumed by other rules."),
            mend: |s, t, _| {
                Mend::Sql(
                    options_between(&s.toast_options, &t.toast_options, "toast.").iter().map(|o| t.alter(o)).collect(),
                )
            },
        },
        Aspect {
            what: "tablespace",
            same: Same::Text,
            value: |t| t.tablespace.clone(),
            means: |_, _| (Severity::Speed, "Its rows lie on another disk than planned."),
            mend: |s, t, _| {
                Mend::one(
                    t.alter(&format!("SET TABLESPACE {}", quote(s.tablespace.as_deref().unwrap_or("pg_default")))),
                )
            },
        },
        Aspect {
            what: "access method",
            same: Same::Text,
            value: |t| t.access_method.clone(),
            means: |_, _| (Severity::Speed, "Rows are stored another way."),
            mend: |s, t, _| match &s.access_method {
                Some(method) => Mend::one(t.alter(&format!("SET ACCESS METHOD {}", quote(method)))),
                None => Mend::Nothing,
            },
        },
        Aspect {
            what: "replica identity",
            same: Same::Text,
            value: |t| Some(t.replica_identity.clone()),
            means: |_, _| {
                (
                    Severity::Blocks,
                    "The way back names rows by it: UPDATE and DELETE may be refused on the target, or find no row.",
                )
            },
            mend: |s, t, _| Mend::one(t.alter(&format!("REPLICA IDENTITY {}", s.replica_identity))),
        },
        Aspect {
            what: "row security",
            same: Same::Text,
            value: |t| on_or_off(t.row_security),
            means: |s, _| {
                if s.row_security {
                    (Severity::Data, "Rows that policies hide on the source are seen by everybody on the target.")
                } else {
                    (Severity::Blocks, "Policies hide rows on the target that the application sees on the source.")
                }
            },
            mend: |s, t, _| Mend::one(t.alter(security(s.row_security))),
        },
        Aspect {
            what: "forced row security",
            same: Same::Text,
            value: |t| on_or_off(t.forced_row_security),
            means: |_, _| (Severity::Data, "The owner of the table sees, and writes, other rows than on the source."),
            mend: |s, t, _| Mend::one(t.alter(forced(s.forced_row_security))),
        },
        Aspect {
            what: "row type",
            same: Same::Text,
            value: |t| t.of_type.clone(),
            means: |_, _| (Severity::Cosmetic, "Its columns follow another composite type, or none."),
            mend: |s, t, _| match &s.of_type {
                Some(of) => Mend::one(t.alter(&format!("OF {of}"))),
                None => Mend::one(t.alter("NOT OF")),
            },
        },
        Aspect {
            what: "server",
            same: Same::Text,
            value: |t| t.server.clone(),
            means: |_, _| (Severity::Data, "Its rows are read from another server."),
            mend: |_, _, _| Mend::Again,
        },
        Aspect {
            what: "server options",
            same: Same::Text,
            value: |t| listed(&t.server_options),
            means: |_, _| (Severity::Data, "Its rows are read from another table, or another way."),
            mend: |s, t, _| {
                Mend::one(
                    t.alter(&format!("OPTIONS ({})", server_options_between(&s.server_options, &t.server_options))),
                )
            },
        },
    ];
}
