//! Any number of rows as two hashes and a count: the one place that says what makes rows equal.
//!
//! Hashes stand in files, so they are of a named function with a key of their own, and the same on every machine.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

/// The key of hashes. A file has its own in its head, so that nobody looks values up by their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed([u8; 16]);

impl Seed {
    /// A new one.
    pub fn drawn() -> Seed {
        Seed(rand::random())
    }
}

/// What rows come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// How many.
    pub rows: u64,
    /// In the order in which they came.
    in_order: u64,
    /// In any order: a sum, for alike rows would cancel in an exclusive or.
    in_any_order: [u64; 2],
}

impl Sums {
    /// Takes the values of a row. NULL differs from '', ('a','bc') from ('ab','c').
    pub fn row<'a>(&mut self, seed: Seed, values: impl Iterator<Item = Option<&'a [u8]>>) {
        let (low, high) = hash(seed, values);
        self.rows += 1;
        self.in_any_order = [self.in_any_order[0].wrapping_add(low), self.in_any_order[1].wrapping_add(high)];
        let mut hasher = SipHasher24::new_with_key(&seed.0);
        for part in [self.in_order, low, high] {
            std::hash::Hasher::write(&mut hasher, &part.to_le_bytes());
        }
        self.in_order = hasher.finish128().h1;
    }

    /// Whether the same rows came, in whatever order.
    pub fn has_same_rows(&self, other: &Sums) -> bool {
        (self.rows, self.in_any_order) == (other.rows, other.in_any_order)
    }
}

fn hash<'a>(seed: Seed, values: impl Iterator<Item = Option<&'a [u8]>>) -> (u64, u64) {
    let mut hasher = SipHasher24::new_with_key(&seed.0);
    // Bytes alone: what the library does with other types is its own matter.
    let mut put = |bytes: &[u8]| std::hash::Hasher::write(&mut hasher, bytes);
    for value in values {
        match value {
            None => put(&[0]),
            Some(bytes) => {
                put(&[1]);
                put(&(bytes.len() as u64).to_le_bytes());
                put(bytes);
            }
        }
    }
    let whole = hasher.finish128();
    (whole.h1, whole.h2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(seed: Seed, rows: &[&[Option<&str>]]) -> Sums {
        let mut sums = Sums::default();
        rows.iter().for_each(|row| sums.row(seed, row.iter().map(|v| v.map(str::as_bytes))));
        sums
    }

    #[test]
    fn hashes_are_the_same_for_ever() {
        // What stands in files of earlier versions has to be found again.
        let sums = sums(Seed([7; 16]), &[&[Some("1"), None], &[Some("two"), Some("")]]);
        let kept = serde_json::to_string(&sums).unwrap();
        assert_eq!(
            kept,
            r#"{"rows":2,"in_order":10739079706057068161,"in_any_order":[10088224963290043944,2467917757492697244]}"#
        );
        assert_eq!(serde_json::from_str::<Sums>(&kept).unwrap(), sums);
    }

    #[test]
    fn order_and_values_and_keys_count() {
        let seed = Seed::drawn();
        let one = sums(seed, &[&[Some("1"), None], &[Some("2"), Some("")]]);
        let turned = sums(seed, &[&[Some("2"), Some("")], &[Some("1"), None]]);
        assert!(one != turned && one.has_same_rows(&turned));
        assert!(!one.has_same_rows(&sums(seed, &[&[Some("1"), Some("")], &[Some("2"), Some("")]])), "NULL is no text");
        assert_ne!(sums(seed, &[&[Some("12"), Some("3")]]), sums(seed, &[&[Some("1"), Some("23")]]));
        let twice = sums(seed, &[&[Some("1")], &[Some("1")]]);
        assert!(!twice.has_same_rows(&sums(seed, &[&[Some("2")], &[Some("2")]])), "alike rows do not cancel");
        assert_ne!(sums(seed, &[&[Some("1")]]), sums(Seed::default(), &[&[Some("1")]]), "each file has its own");
    }
}
