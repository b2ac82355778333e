//! What can be wrong with a line, in words that never hold what the line says.

use std::fmt;

/// Longest identifier `user_id`, in bytes. Destinations take 255 to 512.
pub const ID_BYTES_MAX: usize = 512;

/// Deepest nesting of objects and lists in a line; the line itself is the first.
pub const JSON_DEPTH_MAX: usize = 64;

/// Longest key that a reason repeats, in characters.
const KEY_CHARS_SHOWN: usize = 40;

/// The kind of fault, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// Longer than [`super::LINE_BYTES_MAX`].
    TooLong,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON.
    InvalidJson,
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// JSON, but not an object.
    NotAnObject,
    /// A key stands twice in the line or in one of its parts.
    DuplicateKey,
    /// A key that profiles do not have.
    UnknownKey,
    /// No identifier.
    IdMissing,
    /// An empty identifier.
    IdEmpty,
    /// An identifier longer than [`ID_BYTES_MAX`].
    IdTooLong,
    /// An identifier that is neither a text nor an integer.
    IdType,
    /// Traits, identifiers, context or consent that are not an object.
    PartType,
    /// A call without type, or with one that nobody knows.
    CallType,
    /// A track call that does not say what happened.
    EventMissing,
    /// A call without a moment, or with one that is none.
    Time,
    /// A score that is no number.
    Score,
    /// A trait that belongs to another source.
    TraitTaken,
    /// A row of membership that does not say whether somebody is a member.
    Undecided,
    /// More or fewer cells than the header has.
    CsvColumns,
    /// A quoted cell that goes on after its closing quote.
    CsvQuote,
    /// A cell that is not what its column is.
    CsvType,
}

impl Code {
    /// The code as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::UnknownKey => "unknown_key",
            Self::IdMissing => "id_missing",
            Self::IdEmpty => "id_empty",
            Self::IdTooLong => "id_too_long",
            Self::IdType => "id_type",
            Self::PartType => "part_type",
            Self::CallType => "call_type",
            Self::EventMissing => "event_missing",
            Self::Time => "time",
            Self::Score => "score",
            Self::TraitTaken => "trait_taken",
            Self::Undecided => "undecided",
            Self::CsvColumns => "csv_columns",
            Self::CsvQuote => "csv_quote",
            Self::CsvType => "csv_type",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A line that is not a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) code: Code,
    pub(super) reason: String,
    /// Whether more bytes could make it good: it ends too early.
    pub(super) is_cut: bool,
}

impl Bad {
    pub(super) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), is_cut: false }
    }

    pub(super) fn cut(code: Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), is_cut: true }
    }
}

/// A key as a message may show it: on one line, and not without end.
pub(super) fn shown(key: &str) -> String {
    let mut text: String = key.chars().take(KEY_CHARS_SHOWN).flat_map(char::escape_debug).collect();
    if key.chars().nth(KEY_CHARS_SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Checks an identifier that is a text.
pub(super) fn check_id(id: &str, id_key: &str) -> Result<(), Bad> {
    if id.is_empty() {
        return Err(Bad::new(Code::IdEmpty, format!("`{}` is empty", shown(id_key))));
    }
    if id.len() > ID_BYTES_MAX {
        let reason = format!("`{}` has {} bytes, and {ID_BYTES_MAX} is the most", shown(id_key), id.len());
        return Err(Bad::new(Code::IdTooLong, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_message_is_short_and_on_one_line() {
        assert_eq!(shown("a\n\u{1b}[31m\u{202e}b"), "a\\n\\u{1b}[31m\\u{202e}b");
        assert_eq!(shown(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn an_identifier_has_a_longest_length_in_bytes() {
        assert!(check_id(&"é".repeat(256), "id").is_ok());
        assert_eq!(check_id(&"é".repeat(257), "id").unwrap_err().reason, "`id` has 514 bytes, and 512 is the most");
        assert_eq!(check_id("", "user").unwrap_err().reason, "`user` is empty");
    }
}
