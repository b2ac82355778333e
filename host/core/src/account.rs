//! What a destination's account has of its own, beside what the plugin's manifest names: custom fields, lists, objects.

use serde::{Deserialize, Serialize};

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A field that rows can name.
    Field,
    /// A place that people can be put.
    List,
    /// A table or object that records belong to.
    Object,
}

impl Kind {
    /// The word of manifests and documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::List => "list",
            Self::Object => "object",
        }
    }
}

/// What a field takes: the words of a closed set, which matching and `check` compare with what traits are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Anything, or what is not known.
    #[default]
    Any,
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A day with its time.
    Moment,
    /// A list of values.
    List,
    /// Nested values.
    Object,
}

impl ValueType {
    /// The word of documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Moment => "moment",
            Self::List => "list",
            Self::Object => "object",
        }
    }
}

/// Most things that are kept of an account: a project of Iterable has about 1,000 fields, an object of Salesforce 900.
pub const ITEMS_MAX: usize = 5_000;

/// One thing that the account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// As rows and settings name it.
    pub name: String,
    /// What people at the destination call it; empty where it has no other name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What a field takes.
    #[serde(default)]
    pub takes: ValueType,
    /// Whether a record cannot be without it.
    #[serde(default)]
    pub required: bool,
    /// What it may be, where nothing else is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}
