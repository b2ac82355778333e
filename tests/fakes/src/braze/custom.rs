//! Custom attributes: every name that is not a documented field.
//!
//! Pure: from the value to the [`Change`] it makes or the error for the object.
//! Source of the rules: Braze, "User attributes object", "Nested custom
//! attributes" and "Array of objects".

use serde_json::{Map, Value};

use super::object::Change;

/// Braze, "User attributes object": longest name of a custom attribute, in characters.
const KEY_CHARS_MAX: usize = 255;

/// Braze, "User attributes object": longest text in a custom attribute, in characters.
const TEXT_CHARS_MAX: usize = 255;

/// The change a custom attribute makes.
///
/// `array_elements_max`: Braze keeps 25 elements of an array unless it is raised for the attribute.
/// `merge`: `_merge_objects` was true, so that an object is merged into the stored one.
pub(super) fn change(key: &str, value: &Value, array_elements_max: usize, merge: bool) -> Result<Change, String> {
    // Braze, "User attributes object": at most 255 characters, no `$` in front.
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || key.starts_with('$') {
        return Err("custom attribute names have 1 to 255 characters and do not begin with '$'".into());
    }
    match value {
        Value::Null => Ok(Change::Unset),
        Value::Bool(_) | Value::Number(_) => Ok(Change::Set(value.clone())),
        Value::String(text) => checked_text(key, text).map(|()| Change::Set(value.clone())),
        Value::Array(elements) => array(key, elements, array_elements_max),
        Value::Object(members) => object(key, members, merge),
    }
}

/// Braze, "User attributes object": texts in custom attributes have at most 255 characters.
fn checked_text(key: &str, text: &str) -> Result<(), String> {
    if text.chars().count() <= TEXT_CHARS_MAX {
        Ok(())
    } else {
        Err(format!("'{key}' must not be longer than {TEXT_CHARS_MAX} characters"))
    }
}

/// An array replaces the stored one; its scalars are unique.
fn array(key: &str, elements: &[Value], elements_max: usize) -> Result<Change, String> {
    if elements.iter().any(Value::is_object) {
        // Braze, "Array of objects": the elements are all objects.
        if !elements.iter().all(Value::is_object) {
            return Err(format!("'{key}' must not mix objects and plain values"));
        }
        let valid = elements.iter().map(|element| nested(key, element)).collect::<Result<Vec<_>, _>>()?;
        let change = if valid.contains(&false) { Change::Nothing } else { Change::Set(elements.into()) };
        return Ok(change);
    }
    // Braze, "User attributes object": arrays have 25 elements unless raised; over the limit the oldest go, and nobody
    // is refused for it.
    let mut unique = scalars(key, elements)?;
    unique.drain(..unique.len().saturating_sub(elements_max));
    Ok(Change::Set(unique.into()))
}

/// The elements without repetitions; anything but text, number or boolean is an error.
fn scalars(key: &str, elements: &[Value]) -> Result<Vec<Value>, String> {
    let mut unique = Vec::new();
    for element in elements {
        match element {
            Value::String(text) => checked_text(key, text)?,
            Value::Number(_) | Value::Bool(_) => {}
            _ => return Err(format!("'{key}' must be an array of strings or numbers")),
        }
        if !unique.contains(element) {
            unique.push(element.clone());
        }
    }
    Ok(unique)
}

/// An object is an instruction (`add`, `remove`, `inc`, `$add`, …) or a nested attribute.
fn object(key: &str, members: &Map<String, Value>, merge: bool) -> Result<Change, String> {
    let only = |names: &[&str]| !members.is_empty() && members.keys().all(|name| names.contains(&name.as_str()));
    let list = |name: &str| match members.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(elements)) => Ok(elements.clone()),
        Some(_) => Err(format!("'{name}' in '{key}' must be an array")),
    };
    if only(&["add", "remove"]) {
        let (add, remove) = (scalars(key, &list("add")?)?, scalars(key, &list("remove")?)?);
        return Ok(Change::Elements { add, remove });
    }
    if only(&["inc"]) {
        let step = members.get("inc").and_then(Value::as_i64);
        return step.map(Change::Increment).ok_or_else(|| format!("'inc' in '{key}' must be an integer"));
    }
    if only(&["$add", "$update", "$remove"]) {
        let (add, update, remove) = (list("$add")?, list("$update")?, list("$remove")?);
        let keyed = |steps: &[Value]| {
            steps.iter().all(|step| {
                step.get("$identifier_key").is_some_and(Value::is_string) && step.get("$identifier_value").is_some()
            })
        };
        if !add.iter().all(Value::is_object) || !keyed(&update) || !keyed(&remove) {
            return Err(format!("'{key}' must name objects by '$identifier_key' and '$identifier_value'"));
        }
        return Ok(Change::Objects { add, update, remove });
    }
    let whole = Value::Object(members.clone());
    match (nested(key, &whole)?, merge) {
        (false, _) => Ok(Change::Nothing),
        (true, true) => Ok(Change::Merge(members.clone())),
        (true, false) => Ok(Change::Set(whole)),
    }
}

/// Checks what stands inside an object; `false` if Braze drops the update without an error.
///
/// Braze, "Nested custom attributes": names have no spaces, texts at most 255
/// characters, and a null anywhere inside drops all nested updates of the attribute.
fn nested(key: &str, value: &Value) -> Result<bool, String> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(_) | Value::Number(_) => Ok(true),
        Value::String(text) => checked_text(key, text).map(|()| true),
        Value::Array(elements) => {
            let valid = elements.iter().map(|element| nested(key, element)).collect::<Result<Vec<_>, _>>()?;
            Ok(!valid.contains(&false))
        }
        Value::Object(members) => {
            if let Some(name) = members.keys().find(|name| name.contains(' ') || name.chars().count() > KEY_CHARS_MAX) {
                return Err(format!("'{name}' in '{key}' must have no spaces and at most {KEY_CHARS_MAX} characters"));
            }
            let valid = members.values().map(|member| nested(key, member)).collect::<Result<Vec<_>, _>>()?;
            Ok(!valid.contains(&false))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expect: &str) {
        let got = match change("pets", &value, 3, false) {
            Err(error) => format!("error: {error}"),
            Ok(Change::Set(value)) => format!("set {value}"),
            Ok(other) => format!("{other:?}"),
        };
        assert_eq!(got, expect, "{value}");
    }

    #[test]
    fn plain_values_are_set_and_null_removes() {
        check(json!(true), "set true");
        check(json!(1.5), "set 1.5");
        check(json!("x"), "set \"x\"");
        check(Value::Null, "Unset");
    }

    #[test]
    fn names_have_a_length_and_no_dollar_in_front() {
        let refused = Err("custom attribute names have 1 to 255 characters and do not begin with '$'".to_owned());
        for name in ["", "$x", &"x".repeat(256)] {
            assert_eq!(change(name, &json!(1), 3, false), refused);
        }
        assert_eq!(change(&"é".repeat(255), &json!(1), 3, false), Ok(Change::Set(json!(1))));
    }

    #[test]
    fn texts_have_at_most_255_characters_wherever_they_stand() {
        let long = "x".repeat(256);
        let refused = "error: 'pets' must not be longer than 255 characters";
        for value in [json!(long), json!([long]), json!({"a": {"b": long}}), json!({"add": [long]})] {
            check(value, refused);
        }
        check(json!("é".repeat(255)), &format!("set \"{}\"", "é".repeat(255)));
    }

    #[test]
    fn arrays_are_short_unique_and_plain() {
        check(json!(["a", "b", "a"]), "set [\"a\",\"b\"]");
        check(json!(["a", "b", "c", "d"]), "set [\"b\",\"c\",\"d\"]");
        check(json!(["a", "b", "c", "a"]), "set [\"a\",\"b\",\"c\"]");
        check(json!(["a", null]), "error: 'pets' must be an array of strings or numbers");
        check(json!([["a"]]), "error: 'pets' must be an array of strings or numbers");
        check(json!([{"id": 1}, "a"]), "error: 'pets' must not mix objects and plain values");
    }

    #[test]
    fn elements_are_added_and_removed_by_instruction() {
        check(json!({"add": ["a"]}), "Elements { add: [String(\"a\")], remove: [] }");
        check(json!({"remove": ["a"]}), "Elements { add: [], remove: [String(\"a\")] }");
        check(json!({"add": "a"}), "error: 'add' in 'pets' must be an array");
    }

    #[test]
    fn a_counter_is_incremented_by_an_integer() {
        check(json!({"inc": -2}), "Increment(-2)");
        check(json!({"inc": 1.5}), "error: 'inc' in 'pets' must be an integer");
    }

    #[test]
    fn objects_in_an_array_are_named_by_their_identifier() {
        check(json!({"$add": [{"id": 1}]}), "Objects { add: [Object {\"id\": Number(1)}], update: [], remove: [] }");
        let refused = "error: 'pets' must name objects by '$identifier_key' and '$identifier_value'";
        check(json!({"$remove": [{"$identifier_key": "id"}]}), refused);
        check(json!({"$add": [1]}), refused);
    }

    #[test]
    fn a_null_inside_drops_the_update_without_an_error() {
        check(json!({"a": {"b": null}}), "Nothing");
        check(json!([{"a": null}]), "Nothing");
        check(json!({"a": {"b": 1}}), "set {\"a\":{\"b\":1}}");
    }

    #[test]
    fn nested_names_have_no_spaces() {
        check(json!({"a": {"b c": 1}}), "error: 'b c' in 'pets' must have no spaces and at most 255 characters");
    }
}
