//! The JSON texts at chosen places of an object, found in one pass and without a copy.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Places in an object, by the names on the way to them.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Columns that take the value itself.
    columns: Vec<usize>,
    /// What is wanted of the value's own members.
    inner: Vec<(String, Paths)>,
}

impl Paths {
    /// Wants what is at these names for a column.
    pub(super) fn add(&mut self, names: &[String], column: usize) {
        let Some((first, rest)) = names.split_first() else {
            self.columns.push(column);
            return;
        };
        let at = self.inner.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.inner.push((first.clone(), Self::default()));
            self.inner.len() - 1
        });
        if let Some((_, inner)) = self.inner.get_mut(at) {
            inner.add(rest, column);
        }
    }

    /// Puts what is at the places into their columns; what is not there is left as it was.
    pub(super) fn pick<'de>(&self, json: &'de str, texts: &mut [Option<&'de str>]) -> Result<(), serde_json::Error> {
        Within { paths: self, texts }.deserialize(&mut serde_json::Deserializer::from_str(json))
    }
}

/// The way into one value.
struct Within<'p, 't, 'de> {
    paths: &'p Paths,
    texts: &'t mut [Option<&'de str>],
}

impl<'de> DeserializeSeed<'de> for Within<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.paths.columns.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        for column in &self.paths.columns {
            if let Some(text) = self.texts.get_mut(*column) {
                *text = Some(raw);
            }
        }
        if self.paths.inner.is_empty() {
            return Ok(());
        }
        (&mut serde_json::Deserializer::from_str(raw)).deserialize_any(self).map_err(serde::de::Error::custom)
    }
}

impl<'de> Visitor<'de> for Within<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            match self.paths.inner.iter().find(|(known, _)| *known == name) {
                Some((_, paths)) => map.next_value_seed(Within { paths, texts: self.texts })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: [Option<&str>; 4]) {
        let mut paths = Paths::default();
        for (column, path) in ["email", "address.city", "address", "na\"me"].iter().enumerate() {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            paths.add(&names, column);
        }
        let mut texts = [None; 4];
        paths.pick(json, &mut texts).unwrap();
        assert_eq!(texts, expect, "{json}");
    }

    #[test]
    fn texts_are_found_as_they_are_written() {
        check(
            r#"{"x":[1,{"email":2}],"email":"a\u00e9","address":{"zip":1,"city":450.0},"na\"me":null}"#,
            [Some(r#""a\u00e9""#), Some("450.0"), Some(r#"{"zip":1,"city":450.0}"#), Some("null")],
        );
        check(r#"{"address":"Oslo"}"#, [None, None, Some("\"Oslo\""), None]);
        check(r#"{"address":[{"city":1}]}"#, [None, None, Some(r#"[{"city":1}]"#), None]);
        for nothing in ["{}", "[]", "true", "-1.5", "\"email\"", "null"] {
            check(nothing, [None; 4]);
        }
        assert!(Paths::default().pick("{\"a\":", &mut []).is_err());
    }
}
