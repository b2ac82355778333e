//! A profile from a line of JSON.
//!
//! The parts of a profile stay the text that they were, so that numbers keep their digits; only keys and the
//! identifier are decoded. Another parser can come in behind [`parse`].

use std::borrow::Cow;
use std::fmt;

use enroute_core::suggest::nearest;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::reject::{Bad, Code, JSON_DEPTH_MAX, check_id, shown};
use enroute_store::profiles::PARTS;

/// The part whose members have names that sources share.
const TRAITS: &str = "traits";

/// A profile as a line has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) key: Cow<'a, str>,
    /// JSON objects, in the order of [`PARTS`].
    pub(super) parts: [Option<Cow<'a, str>>; PARTS.len()],
    /// The names of its traits, where the line itself has them.
    pub(super) names: Vec<Cow<'a, str>>,
}

/// Checks a line.
pub(super) fn parse<'a>(line: &'a [u8], id_key: &str) -> Result<Line<'a>, Bad> {
    let line = utf8(line)?;
    let entries = object(line, Code::NotAnObject, "the line")?;
    check_depth(line)?;
    check_surrogates(line)?;
    let mut id = None;
    let mut parts = [const { None }; PARTS.len()];
    let mut names = Vec::new();
    for (key, value) in entries {
        if key == id_key {
            id = Some(value);
            continue;
        }
        let known = PARTS.iter().zip(&mut parts).find(|(name, _)| **name == key);
        let Some((name, part)) = known else { return Err(unknown(&key, id_key)) };
        let members = object(value.get(), Code::PartType, name)?;
        if *name == TRAITS {
            names = members.into_iter().map(|(name, _)| name).collect();
        }
        *part = Some(Cow::Borrowed(value.get()));
    }
    let missing = || Bad::new(Code::IdMissing, format!("`{}` is missing", shown(id_key)));
    Ok(Line { key: identifier(id.ok_or_else(missing)?.get(), id_key)?, parts, names })
}

/// Checks that bytes are text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Bad> {
    str::from_utf8(bytes).map_err(|error| {
        let reason = format!("byte {} is not UTF-8", error.valid_up_to() + 1);
        let is_cut = error.error_len().is_none();
        Bad { code: Code::InvalidUtf8, reason, is_cut }
    })
}

fn unknown(key: &str, id_key: &str) -> Bad {
    let mut reason = format!("unknown key `{}`", shown(key));
    if let Some(known) = nearest(key, PARTS.into_iter().chain([id_key])) {
        reason = format!("{reason}; did you mean `{}`", shown(known));
    } else {
        reason.push_str("; traits belong in `traits`");
    }
    Bad::new(Code::UnknownKey, reason)
}

pub(super) fn identifier<'a>(raw: &'a str, id_key: &str) -> Result<Cow<'a, str>, Bad> {
    if raw.starts_with('"') {
        let Key(id) = serde_json::from_str(raw).map_err(|error| syntax(&error))?;
        return check_id(&id, id_key).map(|()| id);
    }
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return check_id(raw, id_key).map(|()| Cow::Borrowed(raw));
    }
    Err(Bad::new(Code::IdType, format!("`{}` must be a text or an integer", shown(id_key))))
}

pub(super) type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The keys and values of an object in which no key stands twice.
pub(super) fn object<'a>(text: &'a str, code: Code, name: &str) -> Result<Entries<'a>, Bad> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Bad::new(code, format!("{name} must be a JSON object")),
            Err(error) => syntax(&error),
        });
    }
    let Object(entries) = serde_json::from_str(text).map_err(|error| syntax(&error))?;
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    match keys.windows(2).find_map(|pair| if let [a, b] = pair { (a == b).then_some(a) } else { None }) {
        Some(key) => Err(Bad::new(Code::DuplicateKey, format!("the key `{}` stands twice in {name}", shown(key)))),
        None => Ok(entries),
    }
}

fn syntax(error: &serde_json::Error) -> Bad {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default().replace("EOF", "the line ends");
    let reason = format!("{what} at column {}", error.column());
    if error.classify() == Category::Eof {
        Bad::cut(Code::InvalidJson, reason)
    } else {
        Bad::new(Code::InvalidJson, reason)
    }
}

pub(super) fn check_depth(line: &str) -> Result<(), Bad> {
    let opening = line.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if opening <= JSON_DEPTH_MAX {
        return Ok(());
    }
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in line.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return Err(Bad::new(Code::TooDeep, format!("nested deeper than {JSON_DEPTH_MAX}")));
        }
    }
    Ok(())
}

/// Refuses half of a surrogate pair, which is JSON by its grammar but not a text.
pub(super) fn check_surrogates(line: &str) -> Result<(), Bad> {
    let mut rest = line;
    while let Some((_, escape)) = rest.split_once('\\') {
        let is_pair = |next: &str| matches!(next.strip_prefix('\\').and_then(code_unit), Some(0xDC00..=0xDFFF));
        let length = match code_unit(escape) {
            Some(0xD800..=0xDBFF) if escape.get(5..).is_some_and(is_pair) => 11,
            Some(0xD800..=0xDFFF) => return Err(Bad::new(Code::InvalidJson, "an escape is half of a surrogate pair")),
            Some(_) => 5,
            // What follows a backslash is not the beginning of another escape.
            None => 1,
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// The code unit of `uXXXX`.
fn code_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

pub(super) struct Key<'a>(pub(super) Cow<'a, str>);
struct KeyVisitor;

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

struct Object<'a>(Entries<'a>);
struct ObjectVisitor;

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        let got = match parse(line.as_bytes(), "id") {
            Ok(line) => format!("ok: {} {:?}", line.key, line.parts.map(Option::unwrap_or_default)),
            Err(bad) => format!("{}{}: {}", bad.code, if bad.is_cut { " (cut)" } else { "" }, bad.reason),
        };
        assert_eq!(got, expect, "{line}");
    }

    #[test]
    fn a_profile_is_an_object_with_known_parts() {
        check(r#"{"id":"u1"}"#, r#"ok: u1 ["", "", "", ""]"#);
        check(
            r#" {"consent":{},"id":"u1","traits":{"n": 1.0},"identifiers":{},"context":{}} "#,
            r#"ok: u1 ["{}", "{\"n\": 1.0}", "{}", "{}"]"#,
        );
        check(r#"{"id":"u1","trait":{}}"#, "unknown_key: unknown key `trait`; did you mean `traits`");
        check(r#"{"id":"u1","plan":1}"#, "unknown_key: unknown key `plan`; traits belong in `traits`");
        check(r#"{"id":"u1","traits":null}"#, "part_type: traits must be a JSON object");
        check(r#"{"id":"u1","identifiers":["a"]}"#, "part_type: identifiers must be a JSON object");
        check(r#"["u1"]"#, "not_an_object: the line must be a JSON object");
        check("null", "not_an_object: the line must be a JSON object");
    }

    #[test]
    fn an_identifier_is_a_text_or_an_integer_and_kept_exactly() {
        check(r#"{"id":18446744073709551616}"#, r#"ok: 18446744073709551616 ["", "", "", ""]"#);
        check(r#"{"id":-7}"#, r#"ok: -7 ["", "", "", ""]"#);
        check(r#"{"id":" U\u00e9\ud83d\ude00 "}"#, r#"ok:  Ué😀  ["", "", "", ""]"#);
        check(r#"{"id":"a\u0000b"}"#, "ok: a\0b [\"\", \"\", \"\", \"\"]");
        check(r#"{"id":1.0}"#, "id_type: `id` must be a text or an integer");
        check(r#"{"id":1e3}"#, "id_type: `id` must be a text or an integer");
        check(r#"{"id":null}"#, "id_type: `id` must be a text or an integer");
        check(r#"{"id":["u1"]}"#, "id_type: `id` must be a text or an integer");
        check(r#"{"id":""}"#, "id_empty: `id` is empty");
        check(r#"{"traits":{}}"#, "id_missing: `id` is missing");
        check(&format!(r#"{{"id":"{}"}}"#, "x".repeat(513)), "id_too_long: `id` has 513 bytes, and 512 is the most");
        assert!(parse(br#"{"email":"a@x"}"#, "email").is_ok());
    }

    #[test]
    fn what_is_not_json_is_refused_without_repeating_it() {
        check(r#"{"id":"u1","traits":{"n":1,}}"#, "invalid_json: key must be a string at column 28");
        check(r#"{"id":"u1","traits":{"n":NaN}}"#, "invalid_json: expected value at column 26");
        check(r#"{"id":"u1","traits":{'n':1}}"#, "invalid_json: key must be a string at column 22");
        check(r#"{"id":"u1"} {"id":"u2"}"#, "invalid_json: trailing characters at column 13");
        check(r#"{"id":"u1","traits":{"n":01}}"#, "invalid_json: invalid number at column 27");
        check("ann@example.com", "invalid_json: expected value at column 1");
        check(
            "{\"id\":\"u1\",\"traits\":{\"n\":\"a\tb\"}}",
            "invalid_json: control character (\\u0000-\\u001F) found while parsing a string at column 27",
        );
        check(r#"{"id":"u1","traits":{"n":"\ud800"}}"#, "invalid_json: an escape is half of a surrogate pair");
        check(r#"{"id":"u1","traits":{"n":"\ude00\ud83d"}}"#, "invalid_json: an escape is half of a surrogate pair");
        check(r#"{"id":"u1","traits":{"n":"\\ud800"}}"#, r#"ok: u1 ["", "{\"n\":\"\\\\ud800\"}", "", ""]"#);
    }

    #[test]
    fn a_line_that_ends_too_early_could_become_good() {
        check(r#"{"id":"u1","tra"#, "invalid_json (cut): the line ends while parsing a string at column 15");
        check(r#"{"id":"u1""#, "invalid_json (cut): the line ends while parsing an object at column 10");
        let cut = parse(b"{\"id\":\"\xc3", "id").unwrap_err();
        assert_eq!((cut.reason.as_str(), cut.is_cut), ("byte 8 is not UTF-8", true));
        let broken = parse(b"{\"id\":\"\xc3\"}", "id").unwrap_err();
        assert_eq!((broken.code, broken.is_cut), (Code::InvalidUtf8, false));
    }

    #[test]
    fn a_key_stands_once() {
        check(r#"{"id":"u1","id":"u2"}"#, "duplicate_key: the key `id` stands twice in the line");
        check(r#"{"id":"u1","traits":{"a":1,"\u0061":2}}"#, "duplicate_key: the key `a` stands twice in traits");
        check(
            r#"{"id":"u1","traits":{"x":{"a":1},"y":{"a":2}}}"#,
            r#"ok: u1 ["", "{\"x\":{\"a\":1},\"y\":{\"a\":2}}", "", ""]"#,
        );
    }

    #[test]
    fn nesting_has_a_limit_that_brackets_in_texts_do_not_count_against() {
        let nested =
            |lists: usize| format!(r#"{{"id":"u1","traits":{{"n":{}{}}}}}"#, "[".repeat(lists), "]".repeat(lists));
        assert!(parse(nested(62).as_bytes(), "id").is_ok());
        check(&nested(63), "too_deep: nested deeper than 64");
        check(&nested(100_000), "too_deep: nested deeper than 64");
        let text = format!(r#"{{"id":"u1","traits":{{"n":"\"{}"}}}}"#, "[{".repeat(200));
        assert!(parse(text.as_bytes(), "id").is_ok());
        let flat = format!(r#"{{"id":"u1","traits":{{"n":[{}0]}}}}"#, "[],".repeat(200));
        assert!(parse(flat.as_bytes(), "id").is_ok());
    }
}
