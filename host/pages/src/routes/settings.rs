//! Fields of forms that are made from the settings of a plugin's manifest.

use enroute_core::manifest::{Setting, SettingType};
use serde_json::Value as Json;

use crate::parts::Field;

/// A setting's field, with what the form has to know beside it.
pub(super) struct Shown {
    pub(super) field: Field,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) usual: String,
    pub(super) had: bool,
}

/// A value as a form holds it.
pub(super) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// The field of a setting.
pub(super) fn setting_field(setting: &Setting, value: Option<&Json>, usual: Option<&Json>, had: bool) -> Shown {
    let usual_text = usual.map(plain).unwrap_or_default();
    let mut choices: Vec<(String, String)> = setting.choices.iter().map(|one| (one.clone(), one.clone())).collect();
    let (kind, word) = match setting.kind {
        SettingType::Boolean => {
            choices = [("true", "yes"), ("false", "no")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
            ("select", "boolean")
        }
        SettingType::Integer => ("number", "integer"),
        _ if !choices.is_empty() => ("select", "text"),
        _ => ("text", "text"),
    };
    let written = value.map(plain).unwrap_or_default();
    let shown = if written.is_empty() && kind == "select" { usual_text.clone() } else { written };
    if kind == "select" && usual_text.is_empty() {
        choices.insert(0, (String::new(), "not set".to_owned()));
    }
    let field = Field {
        name: format!("set.{}", setting.name),
        label: setting.name.clone(),
        help: setting.help.clone(),
        kind,
        value: shown,
        choices,
        required: setting.required && usual_text.is_empty() && !setting.per_audience,
        placeholder: usual_text.clone(),
    };
    Shown { field, name: setting.name.clone(), kind: word, usual: usual_text, had }
}
