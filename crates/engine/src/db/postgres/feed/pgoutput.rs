//! The messages of the `pgoutput` plugin, protocol version 1, as far as keys need them. Pure.
//!
//! Source of the format: the PostgreSQL manual, "Logical Replication Message Formats". A message may be cut short behind
//! the columns that matter: who reads it says what it could not tell.

use std::collections::HashMap;

use switchyard_model::{ident::TableName, reconcile::Key};

use crate::db::feed::Followed;

/// What one message tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing about rows.
    Nothing,
    /// Rows of a table changed: those with these keys.
    Keys(usize, Vec<Key>),
    /// Tables of which only a full look tells what they hold now.
    Whole(Vec<usize>),
}

/// A relation as the stream last described it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    /// The caller's number; None for a table that nobody follows.
    number: Option<usize>,
    /// How many columns its tuples have.
    columns: usize,
    /// Whether its columns are other ones than when it was compared.
    altered: bool,
    /// Positions of the key's columns; None where the old key of a changed row is not in the log.
    key: Option<Vec<usize>>,
}

/// Reads messages in their order.
pub(super) struct Decoder {
    followed: HashMap<TableName, Followed>,
    shapes: HashMap<u32, Shape>,
}

/// The part of a message that was not read yet; every reading is None behind its end.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn int16(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)))
    }

    fn int32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<String> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = String::from_utf8_lossy(self.take(end)?).into_owned();
        self.take(1)?;
        Some(text)
    }
}

impl Decoder {
    pub(super) fn new(followed: Vec<Followed>) -> Decoder {
        Decoder { followed: followed.into_iter().map(|f| (f.name.clone(), f)).collect(), shapes: HashMap::new() }
    }

    /// Reads one message.
    pub(super) fn read(&mut self, message: &[u8]) -> Told {
        let mut rest = Rest(message);
        match rest.byte() {
            Some(b'R') => self.relation(&mut rest),
            Some(b'I' | b'U' | b'D') => self.row(&mut rest),
            Some(b'T') => self.truncate(&mut rest),
            // Begin, commit, origin, type and messages say nothing about rows.
            Some(_) | None => Told::Nothing,
        }
    }

    /// A relation is described before its first row, and again after it changed.
    fn relation(&mut self, rest: &mut Rest<'_>) -> Told {
        let Some((oid, shape)) = self.shape(rest) else { return self.everything() };
        let told = match shape.number {
            // Columns came, went or changed their names; values may have been rewritten.
            Some(number) if shape.altered => Told::Whole(vec![number]),
            Some(_) | None => Told::Nothing,
        };
        self.shapes.insert(oid, shape);
        told
    }

    fn shape(&self, rest: &mut Rest<'_>) -> Option<(u32, Shape)> {
        let oid = rest.int32()?;
        let name = TableName { schema: rest.string()?, name: rest.string()? };
        rest.byte()?;
        let count = rest.int16()?;
        let mut columns = Vec::with_capacity(count);
        let mut in_identity = Vec::with_capacity(count);
        for _ in 0..count {
            in_identity.push(rest.byte()? & 1 == 1);
            columns.push(rest.string()?);
            // Its type and modifier.
            rest.take(8)?;
        }
        let followed = self.followed.get(&name);
        let position = |column: &String| columns.iter().position(|c| c == column);
        let key: Option<Vec<usize>> = followed.and_then(|f| f.key.iter().map(position).collect());
        let key = key.filter(|key| !key.is_empty() && key.iter().all(|i| in_identity.get(*i) == Some(&true)));
        let altered = followed.is_some_and(|f| f.columns != columns);
        Some((oid, Shape { number: followed.map(|f| f.number), columns: columns.len(), altered, key }))
    }

    fn row(&self, rest: &mut Rest<'_>) -> Told {
        let Some(shape) = rest.int32().and_then(|oid| self.shapes.get(&oid)) else { return self.everything() };
        let Some(number) = shape.number else { return Told::Nothing };
        let Some(key) = &shape.key else { return Told::Whole(vec![number]) };
        let mut keys = Vec::with_capacity(2);
        // The old key where it changed or the row is gone, then the new row.
        while let Some(kind) = rest.byte() {
            let found = match kind {
                b'K' | b'O' | b'N' => read_key(rest, key, shape.columns, kind == b'N'),
                _ => None,
            };
            match found {
                Some(found) => keys.push(found),
                None => return Told::Whole(vec![number]),
            }
        }
        keys.dedup();
        Told::Keys(number, keys)
    }

    fn truncate(&self, rest: &mut Rest<'_>) -> Told {
        let Some(count) = rest.int32() else { return self.everything() };
        if rest.byte().is_none() {
            return self.everything();
        }
        let oids = (0..count).map_while(|_| rest.int32());
        Told::Whole(oids.filter_map(|oid| self.shapes.get(&oid)?.number).collect())
    }

    /// What cannot be read could be about any table.
    fn everything(&self) -> Told {
        Told::Whole(self.followed.values().map(|f| f.number).collect())
    }
}

/// The key of a tuple; reads to the tuple's end unless it is the last one. None where a part of the key is not there.
fn read_key(rest: &mut Rest<'_>, key: &[usize], columns: usize, last: bool) -> Option<Key> {
    let count = rest.int16()?;
    let mut cells: Vec<Option<String>> = vec![None; columns];
    let needed = if last { key.iter().max().map_or(0, |m| m + 1) } else { count };
    for i in 0..count.min(needed) {
        match rest.byte()? {
            b't' => {
                let length = usize::try_from(rest.int32()?).ok()?;
                let bytes = rest.take(length)?;
                if key.contains(&i) {
                    *cells.get_mut(i)? = Some(String::from_utf8_lossy(bytes).into_owned());
                }
            }
            b'n' | b'u' => {}
            _ => return None,
        }
    }
    if last {
        rest.0 = &[];
    }
    key.iter().map(|i| cells.get(*i).cloned().flatten()).collect::<Option<Vec<String>>>().map(Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut Vec<u8>, s: &str) {
        out.extend_from_slice(s.as_bytes());
        out.push(0);
    }

    /// `identity` marks the columns of the replica identity.
    fn relation(oid: u32, name: &str, columns: &[(&str, bool)]) -> Vec<u8> {
        let mut out = vec![b'R'];
        out.extend(oid.to_be_bytes());
        text(&mut out, "public");
        text(&mut out, name);
        out.push(b'd');
        out.extend((columns.len() as u16).to_be_bytes());
        for (column, identity) in columns {
            out.push(u8::from(*identity));
            text(&mut out, column);
            out.extend([0; 8]);
        }
        out
    }

    fn tuple(cells: &[Option<&str>]) -> Vec<u8> {
        let mut out = (cells.len() as u16).to_be_bytes().to_vec();
        for cell in cells {
            match cell {
                Some(s) => {
                    out.push(b't');
                    out.extend((s.len() as u32).to_be_bytes());
                    out.extend_from_slice(s.as_bytes());
                }
                None => out.push(b'n'),
            }
        }
        out
    }

    fn row(kind: u8, oid: u32, tuples: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend(oid.to_be_bytes());
        for (kind, tuple) in tuples {
            out.push(*kind);
            out.extend_from_slice(tuple);
        }
        out
    }

    fn decoder() -> Decoder {
        let followed = Followed {
            name: TableName::new("public", "t"),
            key: vec!["b".into(), "a".into()],
            columns: vec!["a".into(), "v".into(), "b".into()],
            number: 7,
        };
        let mut decoder = Decoder::new(vec![followed]);
        assert_eq!(decoder.read(&relation(1, "t", &[("a", true), ("v", false), ("b", true)])), Told::Nothing);
        assert_eq!(decoder.read(&relation(2, "other", &[("a", true)])), Told::Nothing);
        decoder
    }

    fn key(parts: &[&str]) -> Key {
        Key(parts.iter().map(|p| (*p).to_owned()).collect())
    }

    #[test]
    fn keys_come_in_the_key_s_order_and_not_the_tables() {
        let mut d = decoder();
        let insert = row(b'I', 1, &[(b'N', tuple(&[Some("1"), Some("x"), Some("2")]))]);
        assert_eq!(d.read(&insert), Told::Keys(7, vec![key(&["2", "1"])]));
        assert_eq!(d.read(&row(b'I', 2, &[(b'N', tuple(&[Some("1")]))])), Told::Nothing, "nobody follows that table");
    }

    #[test]
    fn a_changed_key_tells_both_rows() {
        let mut d = decoder();
        let old = (b'K', tuple(&[Some("1"), None, Some("2")]));
        let new = (b'N', tuple(&[Some("1"), Some("x"), Some("3")]));
        let told = d.read(&row(b'U', 1, &[old.clone(), new]));
        assert_eq!(told, Told::Keys(7, vec![key(&["2", "1"]), key(&["3", "1"])]), "the old row may be left over");
        assert_eq!(d.read(&row(b'D', 1, &[old])), Told::Keys(7, vec![key(&["2", "1"])]));
    }

    #[test]
    fn what_cannot_be_told_is_the_whole_table() {
        let mut d = decoder();
        let mut cut = row(b'I', 1, &[(b'N', tuple(&[Some("1"), Some("x"), Some("2")]))]);
        cut.truncate(cut.len() - 1);
        assert_eq!(d.read(&cut), Told::Whole(vec![7]), "the key is behind the cut");
        let behind = row(b'I', 1, &[(b'N', tuple(&[Some("1"), Some("x"), None]))]);
        assert_eq!(d.read(&behind), Told::Whole(vec![7]), "a key is never NULL");
        assert_eq!(d.read(&row(b'I', 99, &[])), Told::Whole(vec![7]), "a relation that was never described");
        let mut truncate = vec![b'T', 0, 0, 0, 2, 0];
        truncate.extend(1_u32.to_be_bytes());
        truncate.extend(2_u32.to_be_bytes());
        assert_eq!(d.read(&truncate), Told::Whole(vec![7]));
    }

    #[test]
    fn an_altered_table_is_compared_again() {
        let mut d = decoder();
        assert_eq!(d.read(&relation(1, "t", &[("a", true), ("v", false), ("b", true)])), Told::Nothing, "as before");
        let more = relation(1, "t", &[("a", true), ("v", false), ("b", true), ("w", false)]);
        assert_eq!(d.read(&more), Told::Whole(vec![7]), "also when it is the first time that it is described");
    }

    #[test]
    fn a_key_that_the_replica_identity_lacks_cannot_be_followed() {
        let mut d = decoder();
        d.read(&relation(1, "t", &[("a", true), ("v", false), ("b", false)]));
        let update = row(b'U', 1, &[(b'N', tuple(&[Some("1"), Some("x"), Some("2")]))]);
        assert_eq!(
            d.read(&update),
            Told::Whole(vec![7]),
            "the old key is not in the log, so the old row would be missed"
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut d = decoder();
        let whole =
            row(b'U', 1, &[(b'K', tuple(&[Some("1"), None, Some("2")])), (b'N', tuple(&[Some("1"), None, None]))]);
        for end in 0..whole.len() {
            d.read(&whole[..end]);
        }
        for b in 0..=255 {
            d.read(&[b]);
            d.read(&[b, 255, 255, 255, 255, 255, 255]);
        }
    }
}
