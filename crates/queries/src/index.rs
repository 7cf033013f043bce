//! An index's definition, as a server writes it, and the statement that makes the same on another one.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What `pg_get_indexdef` says, taken apart as far as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "IndexDefinition")]
pub struct Definition {
    /// Whether it is unique.
    pub unique: bool,
    /// Its name, as the catalog has it.
    pub name: String,
    /// From the table's name on; the server has quoted what has to be.
    pub on: String,
}

impl Definition {
    /// Reads it; None when it is no definition of an index.
    pub fn read(text: &str) -> Option<Definition> {
        let (unique, rest) = match text.strip_prefix("CREATE UNIQUE INDEX ") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("CREATE INDEX ")?),
        };
        let (name, on) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut end = quoted.find('"')?;
                while quoted[end + 1..].starts_with('"') {
                    end += 2 + quoted[end + 2..].find('"')?;
                }
                (quoted[..end].replace("\"\"", "\""), &quoted[end + 1..])
            }
            None => {
                let (name, _) = rest.split_once(' ')?;
                (name.to_owned(), &rest[name.len()..])
            }
        };
        Some(Definition { unique, name, on: on.strip_prefix(" ON ")?.to_owned() })
    }

    /// Makes it without keeping writers out, unless one of its name is there.
    pub fn statement(&self) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {} ON {}", quoted(&self.name), self.on)
    }

    /// Takes it away without keeping writers out; it is in the schema of its table.
    pub fn drop_statement(&self, schema: &str) -> String {
        format!("DROP INDEX CONCURRENTLY IF EXISTS {}.{}", quoted(schema), quoted(&self.name))
    }

    /// Whether the other one is the same but for its name.
    pub fn is_like(&self, other: &Definition) -> bool {
        self.unique == other.unique && self.on == other.on
    }

    /// Whether it is one of a partitioned table, which cannot be made without keeping writers out.
    pub fn is_partitioned(&self) -> bool {
        self.on.starts_with("ONLY ")
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        let plain = Definition::read("CREATE INDEX orders_idx ON public.orders USING btree (customer_id)").unwrap();
        assert_eq!(
            plain.statement(),
            r#"CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_idx" ON public.orders USING btree (customer_id)"#
        );
        let odd =
            Definition::read(r#"CREATE UNIQUE INDEX "My ""x"" ON y" ON "S p"."T" USING btree (lower("A"))"#).unwrap();
        assert_eq!((odd.name.as_str(), odd.unique), (r#"My "x" ON y"#, true));
        assert_eq!(
            odd.statement(),
            r#"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "My ""x"" ON y" ON "S p"."T" USING btree (lower("A"))"#
        );
        assert_eq!(odd.drop_statement("S p"), r#"DROP INDEX CONCURRENTLY IF EXISTS "S p"."My ""x"" ON y""#);
        assert!(!plain.is_like(&odd) && plain.is_like(&Definition { name: "other".into(), ..plain.clone() }));
        assert_eq!(Definition::read("DROP TABLE x"), None);
        assert!(Definition::read("CREATE INDEX i ON ONLY public.p USING btree (a)").unwrap().is_partitioned());
    }
}
