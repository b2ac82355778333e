//! What was learned of the account: the list, the custom fields, and the identifiers that contacts were sent with.
//!
//! Invariant: a custom field is named by its id in requests, because SendGrid refuses names
//! (case `custom_fields_by_id`).

use enroute_sdk::Context;
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// Where the id of the list stands in the remote, as slots name it.
pub(crate) const LIST_ID: &str = "/list/id";

/// What is stored between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Learned {
    /// The list of the audience.
    pub(crate) list: List,
    /// The custom fields of the account.
    #[serde(default)]
    pub(crate) fields: Vec<Definition>,
    /// Names of the identifiers that contacts were ever sent with.
    #[serde(default)]
    pub(crate) identifiers: Vec<String>,
}

/// A contact list.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct List {
    /// Its id, 36 characters.
    pub(crate) id: String,
    /// Its name.
    #[serde(default)]
    pub(crate) name: String,
}

/// A custom field as SendGrid describes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type", alias = "field_type")]
    pub(crate) kind: String,
}

/// What a custom field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CustomKind {
    Text,
    Number,
    Date,
}

/// A custom field as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Custom<'r> {
    pub(crate) id: &'r str,
    pub(crate) kind: CustomKind,
}

/// A view of what is stored.
#[derive(Debug)]
pub(crate) struct Remote<'c> {
    stored: &'c serde_json::Value,
}

impl<'c> Remote<'c> {
    /// What is stored of the connection; none before the first `open`.
    pub(crate) fn of(ctx: &'c Context<Settings>) -> Option<Self> {
        ctx.remote().filter(|stored| stored.get("fields").is_some()).map(|stored| Self { stored })
    }

    /// The custom field of this id, or of this name in any case.
    pub(crate) fn custom(&self, name: &str) -> Option<Custom<'c>> {
        let all = || self.stored.get("fields").and_then(serde_json::Value::as_array).into_iter().flatten();
        let text = |field: &'c serde_json::Value, key: &str| field.get(key).and_then(serde_json::Value::as_str);
        let found = all().find(|field| text(field, "id") == Some(name)).or_else(|| {
            all().find(|field| text(field, "name").is_some_and(|known| known.eq_ignore_ascii_case(name)))
        })?;
        let id = text(found, "id")?;
        Some(Custom { id, kind: kind_named(text(found, "type")?).or_else(|| kind_of_id(id))? })
    }

    /// Names of the identifiers that contacts were ever sent with.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &'c str> {
        let list = self.stored.get("identifiers").and_then(serde_json::Value::as_array);
        list.into_iter().flatten().filter_map(serde_json::Value::as_str)
    }
}

/// The type of this name in a definition.
fn kind_named(name: &str) -> Option<CustomKind> {
    match name.to_ascii_lowercase().as_str() {
        "text" => Some(CustomKind::Text),
        "number" => Some(CustomKind::Number),
        "date" => Some(CustomKind::Date),
        _ => None,
    }
}

/// The type that an id such as `e12_T` tells by its end.
pub(super) fn kind_of_id(id: &str) -> Option<CustomKind> {
    let (number, kind) = id.strip_prefix(['e', 'w'])?.split_once('_')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match kind {
        "T" => Some(CustomKind::Text),
        "N" => Some(CustomKind::Number),
        "D" => Some(CustomKind::Date),
        _ => None,
    }
}

/// Whether a name has the form of a custom field's id.
pub(crate) fn has_id_form(name: &str) -> bool {
    kind_of_id(name).is_some()
}

#[cfg(test)]
mod tests {
    use enroute_sdk::testing::Fixture;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_an_id_tells_the_type() {
        assert_eq!(kind_of_id("e12_T"), Some(CustomKind::Text));
        assert_eq!(kind_of_id("w3_N"), Some(CustomKind::Number));
        assert_eq!(kind_of_id("e5_D"), Some(CustomKind::Date));
        for name in ["e_T", "tier", "e12_X", "x1_T", "e1T", "extra_T"] {
            assert_eq!(kind_of_id(name), None, "{name}");
        }
    }

    #[test]
    fn a_field_is_found_by_id_and_by_name_in_any_case() {
        let remote = json!({"list": {"id": "x"}, "fields": [
            {"id": "e1_N", "name": "Lifetime_Value", "type": "Number"},
            {"id": "e2_T", "name": "e1_N", "type": "Text"}]});
        let ctx = Fixture::new().setting("base_url", "https://api.sendgrid.com").remote(remote);
        let ctx = ctx.context::<Settings>().expect("settings of the test");
        let remote = Remote::of(&ctx).expect("it is stored");
        let id = |name| remote.custom(name).map(|field| field.id);
        assert_eq!(id("lifetime_value"), Some("e1_N"));
        assert_eq!(id("e1_N"), Some("e1_N"), "an id comes before a name");
        assert_eq!(id("tier"), None);
    }
}
