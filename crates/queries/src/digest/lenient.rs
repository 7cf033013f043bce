//! What both tools write as they like: numbers as texts, and objects of any length that are taken entry by entry.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A number, or a text that is one; anything else is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number(pub(super) Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
        from.deserialize_any(AsNumber)
    }
}

struct AsNumber;

impl<'de> Visitor<'de> for AsNumber {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Number, E> {
        Ok(Number(Some(n as f64)))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Number, E> {
        Ok(Number(Some(n as f64)))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Number, E> {
        Ok(Number(Some(n)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number(text.trim().parse().ok().filter(|n: &f64| n.is_finite())))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number(None))
    }
}

/// An object, entry by entry. An empty list stands for an empty object, as Perl has it.
pub(super) struct Entries<T, F>(pub(super) F, pub(super) PhantomData<T>);

/// Takes each entry of an object.
pub(super) fn entries<T, F: FnMut(String, T)>(take: F) -> Entries<T, F> {
    Entries(take, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(String, T)> DeserializeSeed<'de> for Entries<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(String, T)> Visitor<'de> for Entries<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            (self.0)(key, value);
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A list, item by item.
pub(super) struct Items<T, F>(F, PhantomData<T>);

/// Takes each item of a list.
pub(super) fn items<T, F: FnMut(T)>(take: F) -> Items<T, F> {
    Items(take, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Items<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Items<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The first text among others of a list.
#[derive(Debug, Default)]
pub(super) struct FirstText(pub(super) Option<String>);

impl<'de> Deserialize<'de> for FirstText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<FirstText, D::Error> {
        let mut first = None;
        items(|text: Option<String>| {
            if first.is_none() {
                first = text.filter(|t| !t.is_empty());
            }
        })
        .deserialize(from)?;
        Ok(FirstText(first))
    }
}

/// Passes over a value.
pub(super) fn pass<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}
