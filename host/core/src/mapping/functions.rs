//! The pure functions behind directives and filters.
//!
//! None grows a value without having paid for it first.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use crate::json::{Json, compare_numbers};
use crate::mapping::evaluate::{Found, Run};

/// Whether a value that is there says nothing: null, `""`, zero, false, or an empty list.
pub(super) fn is_blank(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) | Json::Object(_) => false,
        Json::Number(text) => compare_numbers(text, "0") == Some(Ordering::Equal),
        Json::Text(text) => text.is_empty(),
        Json::List(items) => items.is_empty(),
    }
}

/// The texts of values, joined; null is left out, and without any value there is no text.
pub(super) fn concatenate<'v>(values: &[Json], separator: &str, run: &Run<'_>) -> Found<'v> {
    let texts: Vec<Cow<'_, str>> = values.iter().filter(|value| **value != Json::Null).map(Json::plain).collect();
    if texts.is_empty() {
        return None;
    }
    let length = texts.iter().map(|text| text.len() + separator.len()).sum();
    run.pay(length)?;
    run.text(texts.join(separator))
}

/// A text in which each pattern is replaced, one pair after the other.
pub(super) fn replace_all(mut text: String, pairs: &[(String, String)], global: bool, ignore_case: bool) -> String {
    for (pattern, replacement) in pairs {
        text = match (global, ignore_case) {
            (true, false) => text.replace(pattern, replacement),
            (false, false) => text.replacen(pattern, replacement, 1),
            (_, true) => replace_any_case(&text, pattern, replacement, global),
        };
    }
    text
}

fn replace_any_case(text: &str, pattern: &str, replacement: &str, global: bool) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_done = false;
    while let Some(first) = rest.chars().next() {
        match any_case_prefix(rest, pattern).filter(|_| !is_done) {
            Some(after) => {
                made.push_str(replacement);
                rest = after;
                is_done = !global;
            }
            None => {
                made.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    made
}

/// What follows the pattern, if the text begins with it in any case.
fn any_case_prefix<'t>(text: &'t str, pattern: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    for expected in pattern.chars() {
        let found = chars.next()?;
        if found != expected && !found.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    Some(chars.as_str())
}

/// The value without any null in it, at whatever depth; nothing where it is null itself.
pub(super) fn without_nulls<'a>(value: Cow<'a, Json>, run: &Run<'_>) -> Found<'a> {
    match value.as_ref() {
        Json::Null => None,
        Json::List(_) | Json::Object(_) if has_null(&value) => {
            let mut own = run.own(value)?;
            drop_nulls(&mut own);
            Some(Cow::Owned(own))
        }
        _ => Some(value),
    }
}

fn has_null(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::List(items) => items.iter().any(has_null),
        Json::Object(entries) => entries.iter().any(|(_, value)| has_null(value)),
        _ => false,
    }
}

fn drop_nulls(value: &mut Json) {
    match value {
        Json::List(items) => {
            items.retain(|item| *item != Json::Null);
            items.iter_mut().for_each(drop_nulls);
        }
        Json::Object(entries) => {
            entries.retain(|(_, value)| *value != Json::Null);
            entries.iter_mut().for_each(|(_, value)| drop_nulls(value));
        }
        _ => {}
    }
}

/// One object of several; what is no object has nothing to add. Keys stay where they appear first.
pub(super) fn merge(objects: Vec<Json>, left_wins: bool) -> Json {
    let mut merged: Vec<(String, Json)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for object in objects {
        let Json::Object(entries) = object else { continue };
        // Within one object the last of equal keys counts, whoever wins between objects.
        let before = merged.len();
        for (key, value) in entries {
            match places.get(&key).and_then(|&at| Some((at, merged.get_mut(at)?))) {
                Some((at, slot)) if at >= before || !left_wins => slot.1 = value,
                Some(_) => {}
                None => {
                    places.insert(key.clone(), merged.len());
                    merged.push((key, value));
                }
            }
        }
    }
    Json::Object(merged)
}

/// An object or a list as an object of one level; everything else as it is.
pub(super) fn flatten<'a>(value: Cow<'a, Json>, separator: &str, keep_lists: bool, run: &Run<'_>) -> Found<'a> {
    match value.as_ref() {
        Json::Object(_) => {}
        Json::List(_) if !keep_lists => {}
        _ => return Some(value),
    }
    let mut entries = Vec::new();
    flatten_into(&value, "", separator, keep_lists, run, &mut entries)?;
    Some(Cow::Owned(Json::Object(entries)))
}

fn flatten_into(
    value: &Json,
    key: &str,
    separator: &str,
    keep_lists: bool,
    run: &Run<'_>,
    entries: &mut Vec<(String, Json)>,
) -> Option<()> {
    let mut further = |name: &str, value: &Json| {
        let key = if key.is_empty() { name.to_owned() } else { format!("{key}{separator}{name}") };
        run.pay(key.len())?;
        flatten_into(value, &key, separator, keep_lists, run, entries)
    };
    match value {
        Json::Object(inner) => inner.iter().try_for_each(|(name, value)| further(name, value)),
        Json::List(items) if !keep_lists => {
            items.iter().enumerate().try_for_each(|(at, item)| further(&at.to_string(), item))
        }
        leaf => {
            entries.push((key.to_owned(), run.own(Cow::Borrowed(leaf))?));
            Some(())
        }
    }
}
