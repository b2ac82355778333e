//! A profile from a row as programs print it: an object whose keys are columns.
//!
//! `identifiers.email`, `consent.ads` and `context.…` go where their names say, as the columns of a table do, and all
//! others are traits. A key that is named like a part of a profile and holds an object is that part.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;

use serde_json::Value;

use crate::columns::{list, place};
use crate::json::{Line, check_depth, check_surrogates, identifier, object, utf8};
use crate::reject::{Bad, Code, shown};
use enroute_store::profiles::PARTS;

/// The object that keys make.
#[derive(Debug, Default)]
struct Tree<'a>(BTreeMap<String, Node<'a>>);

#[derive(Debug)]
enum Node<'a> {
    Value(&'a str),
    /// What several keys say, which makes a list.
    Values(Vec<&'a str>),
    Tree(Tree<'a>),
}

/// Checks a row.
pub(super) fn parse<'a>(line: &'a [u8], id_key: &str, renamed: &BTreeMap<String, String>) -> Result<Line<'a>, Bad> {
    let line = utf8(line)?;
    let entries = object(line, Code::NotAnObject, "the line").map_err(|bad| with_endless(bad, line))?;
    check_depth(line)?;
    check_surrogates(line)?;
    let mut id = None;
    let mut parts: [Tree<'a>; PARTS.len()] = Default::default();
    for (key, value) in &entries {
        let goes = renamed.get(key.as_ref()).map_or(key.as_ref(), String::as_str);
        if goes == id_key {
            id = Some(value.get()).filter(|id| *id != "null");
            continue;
        }
        let whole = PARTS.iter().zip(&mut parts).find(|(name, _)| **name == goes);
        if let Some((name, tree)) = whole {
            if value.get() == "null" {
                continue;
            }
            for (inner, value) in object(value.get(), Code::PartType, name)? {
                tree.insert(&[inner.as_ref()], value.get(), false).then_some(()).ok_or_else(|| twice(&inner))?;
            }
            continue;
        }
        let fail = |what: &str| Bad::new(Code::UnknownKey, format!("`{}` {what}", shown(key)));
        let (part, path) = place(goes).map_err(fail)?;
        // An identifier that is null is none.
        if part == 0 && value.get() == "null" {
            continue;
        }
        let may_repeat = part == 0 && renamed.contains_key(key.as_ref());
        let is_free = parts.get_mut(part).is_some_and(|tree| tree.insert(&path, value.get(), may_repeat));
        is_free.then_some(()).ok_or_else(|| twice(key))?;
    }
    let missing = || Bad::new(Code::IdMissing, format!("`{}` is missing", shown(id_key)));
    let key = identifier(id.ok_or_else(missing)?, id_key)?;
    let names = parts.get(1).map_or_else(Vec::new, |traits| traits.names());
    let parts = parts.map(|tree| (!tree.0.is_empty()).then(|| Cow::Owned(tree.text())));
    Ok(Line { key, parts, names })
}

/// Says what no JSON is, where that is why a line cannot be read.
fn with_endless(bad: Bad, line: &str) -> Bad {
    let is_endless = [":NaN", ": NaN", ":Infinity", ": Infinity", ":-Infinity", ": -Infinity"];
    if bad.code == Code::InvalidJson && is_endless.iter().any(|word| line.contains(word)) {
        let what = "NaN or Infinity is no JSON; have the query give null in its place";
        return Bad::new(Code::InvalidJson, format!("{}: {what}", bad.reason));
    }
    bad
}

fn twice(key: &str) -> Bad {
    Bad::new(Code::DuplicateKey, format!("`{}` stands twice, or is both a value and an object", shown(key)))
}

impl<'a> Tree<'a> {
    /// Puts a value at a path; false if something is there that it cannot share the place with.
    fn insert(&mut self, path: &[&str], value: &'a str, may_repeat: bool) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let entry = self.0.entry((*first).to_owned());
        if rest.is_empty() {
            return match entry {
                Entry::Vacant(free) => {
                    free.insert(Node::Value(value));
                    true
                }
                Entry::Occupied(mut taken) if may_repeat => taken.get_mut().join(value),
                Entry::Occupied(_) => false,
            };
        }
        match entry.or_insert_with(|| Node::Tree(Tree::default())) {
            Node::Tree(tree) => tree.insert(rest, value, may_repeat),
            Node::Value(_) | Node::Values(_) => false,
        }
    }

    fn names(&self) -> Vec<Cow<'a, str>> {
        self.0.keys().map(|name| Cow::Owned(name.clone())).collect()
    }

    fn text(&self) -> String {
        let mut text = String::from("{");
        for (index, (name, node)) in self.0.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            let value = match node {
                Node::Value(value) => Cow::Borrowed(*value),
                Node::Values(values) => {
                    let mut all = String::new();
                    Cow::Owned(if list(values.iter().copied(), &mut all) { all } else { "[]".to_owned() })
                }
                Node::Tree(tree) => Cow::Owned(tree.text()),
            };
            let _ = write!(text, "{separator}{}:{value}", Value::from(name.as_str()));
        }
        text.push('}');
        text
    }
}

impl<'a> Node<'a> {
    /// Has another value beside those that are here.
    fn join(&mut self, value: &'a str) -> bool {
        match self {
            Self::Value(first) => *self = Self::Values(vec![*first, value]),
            Self::Values(values) => values.push(value),
            Self::Tree(_) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        let renamed = ["mail", "also"].map(|name| (name.to_owned(), "identifiers.email".to_owned()));
        let renamed = BTreeMap::from(renamed);
        let got = match parse(line.as_bytes(), "id", &renamed) {
            Ok(line) => format!("ok: {} {}", line.key, line.parts.map(|part| part.unwrap_or("-".into())).join(" ")),
            Err(bad) => format!("{}: {}", bad.code, bad.reason),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn the_keys_of_a_row_say_where_values_go() {
        check(
            r#"{"id":7,"plan":"gold","ltv":1.10,"mail":"a@x","consent.ads":true,"address.city":"Oslo","tags":["a"]}"#,
            r#"ok: 7 {"email":"a@x"} {"address":{"city":"Oslo"},"ltv":1.10,"plan":"gold","tags":["a"]} - {"ads":true}"#,
        );
        check(r#"{"id":"u","mail":null,"n":null}"#, r#"ok: u - {"n":null} - -"#);
    }

    #[test]
    fn several_keys_may_be_values_of_one_identifier() {
        check(r#"{"id":"u","mail":"a@x","also":["b@x","c@x"]}"#, r#"ok: u {"email":["a@x","b@x","c@x"]} - - -"#);
        check(r#"{"id":"u","mail":"a@x","also":null}"#, r#"ok: u {"email":"a@x"} - - -"#);
        check(
            r#"{"id":"u","identifiers.email":"a@x","identifiers":{"email":"b@x"}}"#,
            "duplicate_key: `email` stands twice, or is both a value and an object",
        );
    }

    #[test]
    fn a_whole_profile_is_a_row_too() {
        check(r#"{"id":"u","traits":{"a":1},"b":2}"#, r#"ok: u - {"a":1,"b":2} - -"#);
        check(
            r#"{"id":"u","traits":{"a":1},"a":2}"#,
            "duplicate_key: `a` stands twice, or is both a value and an object",
        );
    }

    #[test]
    fn what_is_no_row_is_told_without_its_values() {
        check(r#"{"id":"u","a":1,"a":2}"#, "duplicate_key: the key `a` stands twice in the line");
        check(r#"{"plan":"x"}"#, "id_missing: `id` is missing");
        check(
            r#"{"id":"u","x":NaN}"#,
            "invalid_json: expected value at column 15: NaN or Infinity is no JSON; have the query give null in its place",
        );
        check(r#"{"id":"u","a":1,"a.b":2}"#, "duplicate_key: `a.b` stands twice, or is both a value and an object");
    }
}
