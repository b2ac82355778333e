//! `types`: what the cells of a column of text are, by name.
//!
//! Invariant: a type is written as it is read (`a_type_is_shown_as_it_is_written`).

use std::collections::BTreeMap;
use std::fmt;

use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::walker::{Section, Walker};

/// How people write numbers: a sample, what stands between thousands, and what before the decimals.
///
/// The order is that in which a format is chosen where several read a column alike.
pub const DIGITS: [Digits; 6] = [
    Digits { sample: "1234.5", group: None, decimal: '.' },
    Digits { sample: "1234,5", group: None, decimal: ',' },
    Digits { sample: "1.234,5", group: Some('.'), decimal: ',' },
    Digits { sample: "1,234.5", group: Some(','), decimal: '.' },
    Digits { sample: "1 234,5", group: Some(' '), decimal: ',' },
    Digits { sample: "1'234.5", group: Some('\''), decimal: '.' },
];

/// A way to write numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// How 1234.5 is written.
    pub sample: &'static str,
    /// What stands between thousands.
    pub group: Option<char>,
    /// What stands before the decimals.
    pub decimal: char,
}

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text, as it is.
    Text,
    /// A number.
    Number(Digits),
    /// True or false, by the usual words, or by two of its own.
    Boolean(Option<(String, String)>),
    /// Texts with something between them.
    List(char),
    /// JSON.
    Json,
    /// A day, or a day and a time, by a format of `strftime`; it becomes ISO 8601.
    Date(String),
}

/// The types of a source's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Types {
    /// Those that are named; all others are texts.
    Named(BTreeMap<String, Kind>),
    /// Found from all the cells of a column.
    Auto,
}

impl Default for Types {
    fn default() -> Self {
        Self::Named(BTreeMap::new())
    }
}

impl Types {
    /// Whether every column is a text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Named(named) if named.is_empty())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Number(digits) if digits.sample == DIGITS[0].sample => f.write_str("number"),
            Self::Number(digits) => write!(f, "number:{}", digits.sample),
            Self::Boolean(None) => f.write_str("boolean"),
            Self::Boolean(Some((yes, no))) => write!(f, "boolean:{yes},{no}"),
            Self::List(between) => write!(f, "list:{between}"),
            Self::Json => f.write_str("json"),
            Self::Date(format) => write!(f, "date:{format}"),
        }
    }
}

/// What a type can be, for a hint.
const CHOICES: &str =
    "choose one of: text, number, number:1.234,5, boolean, boolean:yes,no, list:;, json, date:%d.%m.%Y";

impl Kind {
    /// Reads a type.
    ///
    /// # Errors
    /// What to do, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, more) = text.split_once(':').map_or((text, None), |(word, more)| (word, Some(more)));
        match (word.trim(), more) {
            ("text", None) => Ok(Self::Text),
            ("json", None) => Ok(Self::Json),
            ("number", None) => Ok(Self::Number(DIGITS[0])),
            ("number", Some(sample)) => {
                let found = DIGITS.iter().find(|digits| digits.sample == sample.trim());
                let samples = || DIGITS.map(|digits| format!("number:{}", digits.sample)).join(", ");
                found.map(|digits| Self::Number(*digits)).ok_or_else(|| format!("choose one of: {}", samples()))
            }
            ("boolean", None) => Ok(Self::Boolean(None)),
            ("boolean", Some(words)) => match words.split_once(',').map(|(yes, no)| (yes.trim(), no.trim())) {
                Some((yes, no)) if !yes.is_empty() && !no.is_empty() && yes != no => {
                    Ok(Self::Boolean(Some((yes.to_owned(), no.to_owned()))))
                }
                _ => Err("write two words, like \"boolean:ja,nein\"".to_owned()),
            },
            ("list", None) => Ok(Self::List(',')),
            ("list", Some(between)) => {
                let mut chars = between.chars();
                match (chars.next(), chars.next()) {
                    (Some(one), None) => Ok(Self::List(one)),
                    _ => Err("write the one character that stands between the parts, like \"list:;\"".to_owned()),
                }
            }
            ("date", Some(format)) if format.contains('%') => Ok(Self::Date(format.to_owned())),
            ("date", _) => Err("write how the date is written, like \"date:%d.%m.%Y\" or \"date:%m/%d/%Y\"".to_owned()),
            _ => Err(CHOICES.to_owned()),
        }
    }
}

/// Reads `types`: a table, or "auto".
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Types> {
    let Some(value) = section.table.get("types") else { return Some(Types::default()) };
    let table = match value.get_ref() {
        DeValue::Table(table) => table,
        DeValue::String(text) if text == "auto" => return Some(Types::Auto),
        _ => {
            let hint = "write `types = { ltv = \"number\" }`, or `types = \"auto\"`".to_owned();
            walker.wrong_type(value, "`types`", "a table, or \"auto\"", Some(hint));
            return None;
        }
    };
    let (mut named, mut fits) = (BTreeMap::new(), true);
    for (name, value) in table {
        let Some(text) = walker.as_text(value, &format!("`{}` of `types`", name.get_ref())) else {
            fits = false;
            continue;
        };
        match Kind::parse(&text.value) {
            Ok(kind) => {
                named.insert(name.get_ref().to_string(), kind);
            }
            Err(hint) => {
                let message = format!("`{}` of `types` in {} is no type", name.get_ref(), section.title);
                walker.found.push(Diagnostic::error(Code::BadType, message).at(&text.place).hint(hint));
                fits = false;
            }
        }
    }
    fits.then_some(Types::Named(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_shown_as_it_is_written() {
        for text in
            ["text", "number", "number:1.234,5", "boolean", "boolean:ja,nein", "list:;", "json", "date:%d.%m.%Y"]
        {
            assert_eq!(Kind::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Kind::parse("list").unwrap(), Kind::List(','));
    }

    #[test]
    fn what_is_no_type_is_told_with_what_could_be_meant() {
        assert!(Kind::parse("float").unwrap_err().contains("number"));
        assert!(Kind::parse("number:1.234").unwrap_err().contains("number:1.234,5"));
        assert!(Kind::parse("date").unwrap_err().contains("date:%d.%m.%Y"));
        assert!(Kind::parse("boolean:x").unwrap_err().contains("two words"));
        assert!(Kind::parse("list:").unwrap_err().contains("one character"));
    }
}
