//! One attributes object: who it is about and what it changes.
//!
//! Pure. Source of the rules: Braze, `POST /users/track` and "User attributes object".

use serde_json::{Map, Value};

use super::{Config, custom, fields};

/// Braze, `POST /users/track`: longest `external_id`, in bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 987;

/// Braze, size of one event or attributes object: 100 KB.
const OBJECT_BYTES_MAX: usize = 100_000;

/// Braze, `POST /users/track`, fatal errors: an object names nobody.
pub(super) const IDENTIFIER_MISSING: &str = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required";

/// Braze, `POST /users/track`: at most one primary identifier per object.
const PRIMARY_AMBIGUOUS: &str = "only one of 'external_id', 'braze_id' or 'user_alias' may be given";

/// What one object asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Update {
    pub(super) who: Identity,
    /// `_update_existing_only`, if it was given.
    pub(super) existing_only: Option<bool>,
    /// Attribute and its change, in the order given.
    pub(super) changes: Vec<(String, Change)>,
}

/// Whom an object is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    External(String),
    Alias {
        label: String,
        name: String,
    },
    Braze(String),
    Email(String),
    Phone(String),
    /// A push token being imported: an anonymous profile of its own.
    Token(String),
}

/// What happens to one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Set(Value),
    Unset,
    /// Accepted and dropped without an error.
    Nothing,
    /// Elements of an array.
    Elements {
        add: Vec<Value>,
        remove: Vec<Value>,
    },
    /// Steps of a counter.
    Increment(i64),
    /// Elements of an array of objects.
    Objects {
        add: Vec<Value>,
        update: Vec<Value>,
        remove: Vec<Value>,
    },
    /// Members of an object.
    Merge(Map<String, Value>),
    /// States of subscription groups.
    Groups(Vec<Value>),
}

/// Reads one element of `attributes`, or tells the `type` of its error.
pub(super) fn read(object: &Value, config: &Config) -> Result<Update, String> {
    let who = identify(object, config)?;
    let members = object.as_object().ok_or("must be an object")?;
    let existing_only = control(members, "_update_existing_only")?;
    let merge = control(members, "_merge_objects")?.unwrap_or(false);
    let mut changes = Vec::new();
    for (name, value) in members {
        if ["external_id", "braze_id", "user_alias", "_update_existing_only", "_merge_objects", "push_token_import"]
            .contains(&name.as_str())
        {
            continue;
        }
        let change = match fields::change(name, value) {
            Some(change) => change?,
            None => custom::change(name, value, config.array_elements_max, merge)?,
        };
        changes.push((name.clone(), change));
    }
    Ok(Update { who, existing_only, changes })
}

/// Finds whom an element of any of the three arrays is about.
pub(super) fn identify(object: &Value, config: &Config) -> Result<Identity, String> {
    let members = object.as_object().ok_or("must be an object")?;
    if object.to_string().len() > OBJECT_BYTES_MAX {
        return Err(format!("must not be larger than {OBJECT_BYTES_MAX} bytes"));
    }
    if control(members, "push_token_import")? == Some(true) {
        return token_import(members);
    }
    let primaries = [external_id(members, config)?, alias(members)?, braze_id(members)?];
    let mut given = primaries.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => Err(PRIMARY_AMBIGUOUS.into()),
        (Some(primary), None) => Ok(primary),
        (None, _) => secondary(members),
    }
}

/// Braze, "User attributes object": control flags are booleans.
fn control(members: &Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("'{name}' must be a boolean")),
    }
}

/// Braze, `POST /users/track`: a non-empty string of at most 987 bytes, not null, not blocklisted.
fn external_id(members: &Map<String, Value>, config: &Config) -> Result<Option<Identity>, String> {
    let Some(value) = members.get("external_id") else { return Ok(None) };
    let id = value.as_str().filter(|id| !id.trim().is_empty()).ok_or("'external_id' must be a non-empty string")?;
    if id.len() > EXTERNAL_ID_BYTES_MAX {
        return Err("EXTERNAL_USER_ID_TOO_LARGE".into());
    }
    if config.blocked_ids.contains(id) {
        return Err("BLACKLISTED_EXTERNAL_USER_ID".into());
    }
    Ok(Some(Identity::External(id.to_owned())))
}

/// Braze, "User alias object": `alias_name` and `alias_label`, both; null is not allowed.
fn alias(members: &Map<String, Value>) -> Result<Option<Identity>, String> {
    let Some(value) = members.get("user_alias") else { return Ok(None) };
    let part = |key: &str| {
        let text = value.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.map(str::to_owned).ok_or_else(|| format!("'user_alias' must have a non-empty '{key}'"))
    };
    Ok(Some(Identity::Alias { label: part("alias_label")?, name: part("alias_name")? }))
}

fn braze_id(members: &Map<String, Value>) -> Result<Option<Identity>, String> {
    let Some(value) = members.get("braze_id") else { return Ok(None) };
    let id = value.as_str().filter(|id| !id.trim().is_empty()).ok_or("'braze_id' must be a non-empty string")?;
    Ok(Some(Identity::Braze(id.to_owned())))
}

/// Braze, `POST /users/track`: without a primary identifier, `email` wins over `phone`;
/// the one that is used must be valid.
fn secondary(members: &Map<String, Value>) -> Result<Identity, String> {
    let text = |key: &str| members.get(key).filter(|value| !value.is_null());
    if let Some(value) = text("email") {
        let email = value.as_str().filter(|email| fields::is_email(email)).ok_or("EMAIL_BAD_FORMAT")?;
        return Ok(Identity::Email(email.to_lowercase()));
    }
    if let Some(value) = text("phone") {
        let phone = value.as_str().filter(|phone| fields::is_phone(phone));
        return phone
            .map(|phone| Identity::Phone(phone.to_owned()))
            .ok_or_else(|| "'phone' must be a valid number".into());
    }
    Err(IDENTIFIER_MISSING.into())
}

/// Braze, "User attributes object": `push_token_import` comes with a token and without a primary id.
fn token_import(members: &Map<String, Value>) -> Result<Identity, String> {
    if members.contains_key("external_id") || members.contains_key("braze_id") {
        return Err("'push_token_import' must not come with 'external_id' or 'braze_id'".into());
    }
    let first = members.get("push_tokens").and_then(|tokens| tokens.get(0)).and_then(|token| token.get("token"));
    let token = first.and_then(Value::as_str).ok_or("BAD_PUSH_TOKEN_ARRAY")?;
    Ok(Identity::Token(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(object: Value, expect: &str) {
        let config = Config { blocked_ids: ["bot".to_owned()].into(), ..Config::default() };
        let got = match read(&object, &config) {
            Ok(update) => format!("{:?}", update.who),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expect, "{object}");
    }

    #[test]
    fn each_identifier_is_enough() {
        check(json!({"external_id": "u1"}), "External(\"u1\")");
        check(json!({"braze_id": "b1"}), "Braze(\"b1\")");
        check(json!({"user_alias": {"alias_label": "l", "alias_name": "n"}}), "Alias { label: \"l\", name: \"n\" }");
        check(json!({"email": "Ann@example.com", "phone": "+351912345678"}), "Email(\"ann@example.com\")");
        check(json!({"phone": "+351912345678"}), "Phone(\"+351912345678\")");
    }

    #[test]
    fn an_object_without_identifier_is_refused() {
        for object in [json!({}), json!({"email": null}), json!({"first_name": "Ann"})] {
            check(object, &format!("error: {IDENTIFIER_MISSING}"));
        }
        check(json!({"phone": "12"}), "error: 'phone' must be a valid number");
        check(json!({"email": "ann"}), "error: EMAIL_BAD_FORMAT");
        check(json!("u1"), "error: must be an object");
    }

    #[test]
    fn two_primary_identifiers_are_refused() {
        let alias = json!({"alias_label": "l", "alias_name": "n"});
        check(json!({"external_id": "u1", "braze_id": "b"}), &format!("error: {PRIMARY_AMBIGUOUS}"));
        check(json!({"external_id": "u1", "user_alias": alias}), &format!("error: {PRIMARY_AMBIGUOUS}"));
        check(json!({"external_id": "u1", "email": "ann@example.com"}), "External(\"u1\")");
    }

    #[test]
    fn an_external_id_is_a_short_string() {
        for bad in [json!(null), json!(5), json!(""), json!("  ")] {
            check(json!({"external_id": bad}), "error: 'external_id' must be a non-empty string");
        }
        check(json!({"external_id": "é".repeat(494)}), "error: EXTERNAL_USER_ID_TOO_LARGE");
        check(json!({"external_id": "x".repeat(987)}), &format!("External({:?})", "x".repeat(987)));
        check(json!({"external_id": "bot"}), "error: BLACKLISTED_EXTERNAL_USER_ID");
        check(json!({"braze_id": 5}), "error: 'braze_id' must be a non-empty string");
    }

    #[test]
    fn an_alias_has_both_halves() {
        check(json!({"user_alias": {"alias_name": "n"}}), "error: 'user_alias' must have a non-empty 'alias_label'");
        check(
            json!({"user_alias": {"alias_label": "l", "alias_name": ""}}),
            "error: 'user_alias' must have a non-empty 'alias_name'",
        );
        check(json!({"user_alias": null}), "error: 'user_alias' must have a non-empty 'alias_label'");
    }

    #[test]
    fn control_flags_are_booleans() {
        for flag in ["_update_existing_only", "_merge_objects", "push_token_import"] {
            check(json!({"external_id": "u1", flag: "true"}), &format!("error: '{flag}' must be a boolean"));
            check(json!({"external_id": "u1", flag: null}), &format!("error: '{flag}' must be a boolean"));
        }
    }

    #[test]
    fn a_token_import_has_a_token_and_no_primary_id() {
        let tokens = json!([{"app_id": "a", "token": "t"}]);
        check(json!({"push_token_import": true, "push_tokens": tokens}), "Token(\"t\")");
        check(json!({"push_token_import": true}), "error: BAD_PUSH_TOKEN_ARRAY");
        check(
            json!({"push_token_import": true, "push_tokens": tokens, "external_id": "u1"}),
            "error: 'push_token_import' must not come with 'external_id' or 'braze_id'",
        );
    }

    #[test]
    fn an_object_above_100_kb_is_refused() {
        let texts: Vec<_> = (0..25).map(|_| "x".repeat(200)).collect();
        let object: Map<_, _> =
            (0..20).map(|n| (format!("k{n}"), json!(texts))).chain([("external_id".to_owned(), json!("u1"))]).collect();
        check(Value::Object(object), "error: must not be larger than 100000 bytes");
    }
}
