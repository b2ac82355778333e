//! JSON values that keep every digit of a number and the order of keys.
//!
//! Numbers stay the text that they arrived as: `450.0`, 2^64 and thirty digits are what they were. Parsing is total:
//! a text that is no JSON, too deep or too long is an error and never a panic. Invariant: what is written reads back
//! as the same value (property test `what_is_written_reads_back_the_same`).

mod number;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use number::compare as compare_numbers;

/// Deepest nesting of a value that is read.
///
/// Traits have three levels, not sixty; the bound keeps recursion far from the end of the stack.
pub const DEPTH_MAX: usize = 64;

/// Longest text that is read as one value, in bytes: a profile's trait is far below it.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as the text that it was written as.
    Number(String),
    /// A text, unescaped.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object, its keys in the order in which they were written.
    Object(Vec<(String, Json)>),
}

/// A text that is not read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("the text is no JSON")]
    NotJson,
    /// It is nested deeper than [`DEPTH_MAX`].
    #[error("the value is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// It is longer than [`TEXT_BYTES_MAX`].
    #[error("the value is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl Json {
    /// Reads a JSON text.
    ///
    /// ```
    /// use enroute_core::json::{Json, JsonError};
    /// assert_eq!(Json::parse("450.0")?.to_string(), "450.0");
    /// assert_eq!(Json::parse(r#"{"b":1,"a":[18446744073709551616]}"#)?.to_string(),
    ///            r#"{"b":1,"a":[18446744073709551616]}"#);
    /// assert_eq!(Json::parse("{"), Err(JsonError::NotJson));
    /// # Ok::<(), JsonError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no JSON, or beyond one of the bounds.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(JsonError::TooLong);
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| JsonError::NotJson)?;
        read(raw.get(), DEPTH_MAX)
    }

    /// The value at this key, if this is an object that has it. Of two equal keys the last one counts.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How a value reads within a text: a text without quotes, null as nothing, everything else as JSON.
    #[must_use]
    pub fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text),
            Self::Null => Cow::Borrowed(""),
            other => Cow::Owned(other.to_string()),
        }
    }

    /// The length of the value as it would be written, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Bool(true) => 4,
            Self::Bool(false) => 5,
            Self::Number(text) => text.len(),
            Self::Text(text) => text_bytes(text),
            Self::List(items) => 1 + items.iter().map(|item| item.bytes() + 1).sum::<usize>().max(1),
            Self::Object(entries) => {
                1 + entries.iter().map(|(key, value)| text_bytes(key) + value.bytes() + 2).sum::<usize>().max(1)
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<serde_json::Value> for Json {
    /// Takes over a literal of the configuration.
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::Object(entries.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl fmt::Display for Json {
    /// Writes JSON text without spaces.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Number(text) => out.write_str(text),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    out.write_str(if at == 0 { "[" } else { "," })?;
                    item.fmt(out)?;
                }
                out.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object(entries) => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.write_str(if at == 0 { "{" } else { "," })?;
                    write_text(key, out)?;
                    out.write_str(":")?;
                    value.fmt(out)?;
                }
                out.write_str(if entries.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn write_text(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// The length of a text within quotes, with what has to be escaped.
fn text_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=31 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

/// Reads a text that is known to be JSON; `levels` is how deep it may still be nested.
fn read(text: &str, levels: usize) -> Result<Json, JsonError> {
    let wrong = |_| JsonError::NotJson;
    match text.as_bytes().first() {
        Some(b'n') => Ok(Json::Null),
        Some(b't') => Ok(Json::Bool(true)),
        Some(b'f') => Ok(Json::Bool(false)),
        Some(b'"') => serde_json::from_str(text).map(Json::Text).map_err(wrong),
        Some(b'-' | b'0'..=b'9') => Ok(Json::Number(text.to_owned())),
        Some(b'[' | b'{') => {
            let levels = levels.checked_sub(1).ok_or(JsonError::TooDeep)?;
            let parts = serde_json::Deserializer::from_str(text).deserialize_any(PartsVisitor).map_err(wrong)?;
            match parts {
                Parts::List(items) => {
                    items.into_iter().map(|item| read(item.get(), levels)).collect::<Result<_, _>>().map(Json::List)
                }
                Parts::Object(entries) => {
                    let entry = |(key, value): (String, &RawValue)| Ok((key, read(value.get(), levels)?));
                    entries.into_iter().map(entry).collect::<Result<_, _>>().map(Json::Object)
                }
            }
        }
        _ => Err(JsonError::NotJson),
    }
}

/// One level of a list or an object, its values unread.
enum Parts<'a> {
    List(Vec<&'a RawValue>),
    Object(Vec<(String, &'a RawValue)>),
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Parts::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = object.next_entry()? {
            entries.push(entry);
        }
        Ok(Parts::Object(entries))
    }
}
