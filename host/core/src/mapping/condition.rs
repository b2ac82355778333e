//! The operators of a trigger.
//!
//! | Operator | true where the value |
//! |---|---|
//! | `=` | is this text; a number or a boolean never is |
//! | `!=` | is anything else, or missing |
//! | `<` `<=` `>` `>=` | is a number, or a text that reads as one, and so ordered |
//! | `number_equals` | is a number, or a text that reads as one, of this size |
//! | `number_not_equals` | is anything else, or missing |
//! | `contains` `starts_with` `ends_with` | is a text, and has this in it, at its beginning or at its end |
//! | `not_contains` `not_starts_with` `not_ends_with` | is a text, and has not |
//! | `exists` | is there and not null |
//! | `not_exists` | is missing or null |
//! | `is_true` `is_false` | is the boolean |

use std::cmp::Ordering;

use serde_json::Value;

use crate::json::{Json, compare_numbers};
use crate::mapping::error::Mistake;
use crate::suggest::nearest;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    NumberEquals,
    NumberNotEquals,
    Contains,
    NotContains,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Exists,
    NotExists,
    IsTrue,
    IsFalse,
}

/// Every operator as it is written; of those that begin alike the longer one first.
pub(super) const OPERATORS: [(&str, Operator); 18] = [
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
    ("number_equals", Operator::NumberEquals),
    ("number_not_equals", Operator::NumberNotEquals),
    ("contains", Operator::Contains),
    ("not_contains", Operator::NotContains),
    ("starts_with", Operator::StartsWith),
    ("not_starts_with", Operator::NotStartsWith),
    ("ends_with", Operator::EndsWith),
    ("not_ends_with", Operator::NotEndsWith),
    ("exists", Operator::Exists),
    ("not_exists", Operator::NotExists),
    ("is_true", Operator::IsTrue),
    ("is_false", Operator::IsFalse),
];

/// What operators are called elsewhere.
const OTHER_NAMES: [(&str, &str); 14] = [
    ("==", "="),
    ("is", "="),
    ("eq", "="),
    ("equals", "="),
    ("<>", "!="),
    ("is_not", "!="),
    ("ne", "!="),
    ("not_equals", "!="),
    ("does_not_equal", "!="),
    ("is_null", "not_exists"),
    ("is_not_null", "exists"),
    ("does_not_contain", "not_contains"),
    ("does_not_exist", "not_exists"),
    ("like", "contains"),
];

impl Operator {
    /// Finds the operator of this name.
    pub(super) fn parse(name: &str) -> Result<Self, Mistake> {
        OPERATORS.iter().find(|(word, _)| *word == name).map(|(_, operator)| *operator).ok_or_else(|| {
            let folded = name.to_lowercase().replace([' ', '-'], "_");
            let other = OTHER_NAMES.iter().find(|(other, _)| *other == folded).map(|(_, word)| *word);
            let nearest = other.or_else(|| nearest(&folded, OPERATORS.map(|(word, _)| word))).map(str::to_owned);
            Mistake::Unknown { what: "operator", name: name.to_owned(), nearest }
        })
    }

    /// The operator as it is written.
    pub(super) fn as_str(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(word, _)| word)
    }

    /// Whether the operator needs nothing to compare with.
    pub(super) fn stands_alone(self) -> bool {
        matches!(self, Self::Exists | Self::NotExists | Self::IsTrue | Self::IsFalse)
    }

    /// Checks what it is to compare with, and gives its text.
    pub(super) fn operand(self, value: Option<&Value>) -> Result<String, Mistake> {
        if self.stands_alone() {
            return match value {
                None => Ok(String::new()),
                Some(_) => Err(Mistake::Expected("left out: the operator takes no value")),
            };
        }
        let value = value.ok_or(Mistake::MissingOption("value"))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(Mistake::Expected("a text, a number, true or false")),
        };
        let wants_number = matches!(
            self,
            Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::NumberEquals
                | Self::NumberNotEquals
        );
        match (self, value) {
            (Self::Equal | Self::NotEqual, Value::Number(_) | Value::Bool(_)) => {
                let instead = match (value, self) {
                    (Value::Number(_), Self::Equal) => "number_equals",
                    (Value::Number(_), _) => "number_not_equals",
                    (Value::Bool(true), Self::Equal) | (Value::Bool(false), Self::NotEqual) => "is_true",
                    _ => "is_false",
                };
                Err(Mistake::NeverEqual { operator: self.as_str(), value: text, instead })
            }
            _ if wants_number && compare_numbers(&text, "0").is_none() => Err(Mistake::Expected("a number")),
            _ => Ok(text),
        }
    }

    /// Whether a value, or a missing one, meets the operator.
    pub(super) fn holds(self, actual: Option<&Json>, expected: &str) -> bool {
        let text = actual.and_then(Json::as_text);
        let has = |test: fn(&str, &str) -> bool, wanted: bool| text.is_some_and(|text| test(text, expected) == wanted);
        let order = || match actual {
            Some(Json::Number(text) | Json::Text(text)) => compare_numbers(text, expected),
            _ => None,
        };
        match self {
            Self::Equal => text == Some(expected),
            Self::NotEqual => text != Some(expected),
            Self::Less => order() == Some(Ordering::Less),
            Self::LessOrEqual => order().is_some_and(Ordering::is_le),
            Self::Greater => order() == Some(Ordering::Greater),
            Self::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
            Self::NumberEquals => order() == Some(Ordering::Equal),
            Self::NumberNotEquals => order() != Some(Ordering::Equal),
            Self::Contains => has(|text, part| text.contains(part), true),
            Self::NotContains => has(|text, part| text.contains(part), false),
            Self::StartsWith => has(|text, part| text.starts_with(part), true),
            Self::NotStartsWith => has(|text, part| text.starts_with(part), false),
            Self::EndsWith => has(|text, part| text.ends_with(part), true),
            Self::NotEndsWith => has(|text, part| text.ends_with(part), false),
            Self::Exists => actual.is_some_and(|value| *value != Json::Null),
            Self::NotExists => actual.is_none_or(|value| *value == Json::Null),
            Self::IsTrue => actual == Some(&Json::Bool(true)),
            Self::IsFalse => actual == Some(&Json::Bool(false)),
        }
    }
}
