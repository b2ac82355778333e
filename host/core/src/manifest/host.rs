//! What a plugin asks to reach.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Condition;

/// A host that a plugin asks for: always, or where a setting has some value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HostAsk {
    /// `"api.example.com"`.
    Always(String),
    /// `{ host = "api.eu.example.com", when = "region=eu" }`.
    When {
        /// As in [`HostAsk::Always`].
        host: String,
        /// `setting=value`.
        when: String,
    },
}

impl HostAsk {
    /// The host as manifests write it.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Always(host) | Self::When { host, .. } => host,
        }
    }

    /// The condition, where there is one.
    #[must_use]
    pub fn when(&self) -> Option<&str> {
        match self {
            Self::Always(_) => None,
            Self::When { when, .. } => Some(when),
        }
    }

    /// Whether it is asked for under these settings.
    #[must_use]
    pub fn applies(&self, settings: &Map<String, Value>) -> bool {
        Condition(self.when()).holds(settings)
    }
}
