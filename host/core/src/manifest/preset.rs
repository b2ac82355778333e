//! Ready-made mappings that come with a plugin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A mapping that an operator can take over by its name and use unedited.
///
/// Trigger and expressions are kept as they are written; what they mean is decided where mappings are compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What an operator calls it: `Update User Profile`.
    pub name: String,
    /// One sentence for the operator.
    pub help: String,
    /// The condition on an event: `{ path = "type", operator = "=", value = "identify" }`, or several in a list under
    /// `all` or `any`, or the same as a text. Without one it is for every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    /// Fields of the destination, each with the expression that fills it. Plain values stand for themselves.
    pub fields: BTreeMap<String, Value>,
}

impl Preset {
    /// The trigger in a few words.
    ///
    /// ```
    /// use enroute_core::manifest::Preset;
    ///
    /// let preset: Preset = serde_json::from_str(r#"{
    ///     "name": "Upsert",
    ///     "help": "Sets the name.",
    ///     "trigger": { "any": [
    ///         { "path": "type", "operator": "=", "value": "identify" },
    ///         { "path": "event", "operator": "exists" }
    ///     ] },
    ///     "fields": { "first_name": { "@path": "$.traits.firstName" } }
    /// }"#)?;
    /// assert_eq!(preset.trigger_in_words(), "`type = identify` or `event exists`");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn trigger_in_words(&self) -> String {
        self.trigger.as_ref().map_or_else(|| "every event".to_owned(), words)
    }
}

fn words(trigger: &Value) -> String {
    if let Some(text) = trigger.as_str() {
        return format!("`{text}`");
    }
    let group = |key: &str, between: &str| {
        let parts = trigger.get(key)?.as_array()?;
        Some(parts.iter().map(words).collect::<Vec<_>>().join(between))
    };
    if let Some(text) = group("all", " and ").or_else(|| group("any", " or ")) {
        return text;
    }
    let part =
        |key: &str| trigger.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let parts: Vec<String> = ["path", "operator", "value"].into_iter().filter_map(part).collect();
    format!("`{}`", parts.join(" "))
}
