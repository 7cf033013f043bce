//! Proof that both servers hash alike, before any hash is compared.
//!
//! Hash functions may change between versions and platforms. At the start of a pass both sides hash the same constant of
//! each type in use; a type on which they disagree gets the next rendering that agrees, and the report says so.

use std::collections::BTreeSet;

use super::pairing::Matched;
use crate::{
    db::rows::{Field, Relation, Rendering, RowReader, Way},
    error::{Error, Kind, Result},
};

/// From the cheapest to the one that trusts nothing but MD5.
const FALLBACKS: [Way; 4] = [Way::Bytes, Way::Text, Way::Utf8, Way::Md5];

/// Sets renderings on which both agree; returns a sentence per type that needed another one.
///
/// # Errors
/// `Unsuitable` when a type has no rendering on which both agree.
pub(super) async fn agree(
    source: &mut dyn RowReader,
    target: &mut dyn RowReader,
    tables: &mut [Matched],
) -> Result<Vec<String>> {
    let used: BTreeSet<(String, Rendering)> =
        tables.iter().flat_map(|m| &m.source.fields).map(|f| (f.base_type.clone(), f.rendering)).collect();
    let mut said = Vec::new();
    for (base, rendering) in used {
        let agreed = agreed(source, target, &base, rendering).await?;
        if agreed != rendering {
            said.push(format!("{base}: the servers hash it differently, so it was compared by {}", word(agreed.way)));
            for m in tables.iter_mut() {
                // By position: the other side's type may have another name.
                let positions: Vec<usize> = positions(&m.source, &base, rendering);
                for i in positions {
                    for relation in [&mut m.source, &mut m.target] {
                        if let Some(field) = relation.fields.get_mut(i) {
                            field.rendering = agreed;
                        }
                    }
                }
            }
        }
    }
    Ok(said)
}

/// A rendering, for people.
fn word(way: Way) -> &'static str {
    match way {
        Way::Native => "its own hash",
        Way::Bytes | Way::Text => "the hash of its text",
        Way::Utf8 => "the hash of its text in UTF-8",
        Way::Md5 => "the MD5 of its text in UTF-8",
    }
}

fn positions(relation: &Relation, base: &str, rendering: Rendering) -> Vec<usize> {
    let matching = |f: &Field| f.base_type == base && f.rendering == rendering;
    relation.fields.iter().enumerate().filter(|(_, f)| matching(f)).map(|(i, _)| i).collect()
}

async fn agreed(
    source: &mut dyn RowReader,
    target: &mut dyn RowReader,
    base: &str,
    rendering: Rendering,
) -> Result<Rendering> {
    for way in std::iter::once(rendering.way).chain(FALLBACKS) {
        let candidate = Rendering { way, ..rendering };
        // An integer or a range has no collation; the next rendering has one.
        let (a, b) = tokio::try_join!(source.constant(base, candidate), target.constant(base, candidate))?;
        if a.is_some() && a == b {
            return Ok(candidate);
        }
    }
    let why = format!("no way of hashing {base} gives the same on {} and {}", source.label(), target.label());
    Err(Error::new(Kind::Unsuitable, "comparing hash functions", why))
}
