//! The fields of a destination.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Condition;

/// How personal a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Names a person by itself: e-mail, phone, account id.
    Identifying,
    /// Says something of a person.
    #[default]
    Personal,
    /// Says nothing of a person.
    None,
}

/// A field of the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name that rows use.
    pub name: String,
    /// What it holds, for people: `text`, `E.164 phone number`, `date YYYY-MM-DD`.
    pub format: String,
    /// Whether a customized setup must map it.
    #[serde(default)]
    pub required: bool,
    /// Whether its value says who the member is: remembered, sealed, so that a removal can name it.
    #[serde(default)]
    pub identifier: bool,
    /// Whether it leaves the plugin only as a hash.
    #[serde(default)]
    pub hashed: bool,
    /// How personal it is.
    #[serde(default)]
    pub privacy: Privacy,
    /// The traits that it is for, where it is not for any; matching by name gives it to no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<String>,
    /// Other spellings, for matching by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// `setting=value`: only where the setting has this value is the field found by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// One sentence for the operator.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Field {
    /// Whether it may be found by name under these settings. Naming it in a row is always possible.
    #[must_use]
    pub fn applies(&self, settings: &Map<String, Value>) -> bool {
        Condition(self.when.as_deref()).holds(settings)
    }
}
