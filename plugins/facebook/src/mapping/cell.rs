//! One cell of a row: from a value of the profile to JSON.
//!
//! Pure. Invariant: whatever a value holds, its cell is one JSON value (test `every_cell_is_json`).

use std::borrow::Cow;

use enroute_sdk::{Value, json};

use crate::mapping::memo::Memo;
use crate::normalize::country::Country;
use crate::normalize::decimal;
use crate::normalize::key::Key;
use crate::normalize::{BlankCode, CellError, Filled, Rules, WarningCode};

/// Digits, and a sign, of whole numbers that are written out; longer ones stay as they came.
const WHOLE_NUMBER_CHARS_MAX: usize = 17;

/// Whether there is something to send: a text that is not blank, or a number. Meta takes nothing else for a person,
/// but for the list of data processing options.
pub(super) fn has_text(key: Key, value: Value<'_>) -> bool {
    match value {
        Value::Text(text) => !text.trim_start().is_empty(),
        Value::Number(_) => true,
        Value::Json(_) => key == Key::DataProcessingOptions,
        Value::Absent | Value::Null | Value::Bool(_) => false,
    }
}

/// The text of a value; nothing where [`has_text`] says that there is none.
pub(super) fn text_of(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Text(text) | Value::Json(text) => Cow::Borrowed(text),
        Value::Number(digits) => number_text(digits),
        Value::Absent | Value::Null | Value::Bool(_) => Cow::Borrowed(""),
    }
}

/// `1990.0` and `1.99e3` as `1990`; other numbers as they came.
fn number_text(digits: &str) -> Cow<'_, str> {
    if !digits.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(digits);
    }
    match decimal::plain(digits) {
        Some(whole) if whole.len() <= WHOLE_NUMBER_CHARS_MAX && !whole.contains('.') => Cow::Owned(whole),
        _ => Cow::Borrowed(digits),
    }
}

/// Writes the cell of a value. `options` is what a blank `DATA_PROCESSING_OPTIONS` is.
pub(super) fn write(
    key: Key,
    value: Value<'_>,
    country: Option<Country>,
    rules: &Rules,
    options: &str,
    memo: &mut Memo,
    out: &mut String,
) -> Result<Filled, CellError> {
    let text = if has_text(key, value) { text_of(value) } else { Cow::Borrowed("") };
    match key {
        Key::LookalikeValue => match memo.cell(key, &text, country, rules, out)? {
            // A value-based list wants a number in every row.
            Filled::Blank(_) => {
                out.push('0');
                Ok(Filled::WithWarning(WarningCode::LookalikeValueZeroed))
            }
            filled => Ok(filled),
        },
        Key::DataProcessingOptions => match memo.cell(key, &text, country, rules, out)? {
            Filled::Blank(BlankCode::Missing) => {
                out.push_str(options);
                Ok(Filled::Yes)
            }
            filled => Ok(filled),
        },
        _ => {
            out.push('"');
            let start = out.len();
            let filled = memo.cell(key, &text, country, rules, out)?;
            if key == Key::ExternId {
                escape_tail(out, start);
            }
            out.push('"');
            Ok(filled)
        }
    }
}

/// Escapes the text from `start` on. Hashes and advertising ids hold nothing to escape, the advertiser's own id may.
fn escape_tail(out: &mut String, start: usize) {
    let tail = out.get(start..).unwrap_or_default();
    if !tail.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        return;
    }
    let mut escaped = Vec::new();
    json::write_escaped(&mut escaped, tail);
    out.truncate(start);
    out.push_str(&String::from_utf8_lossy(&escaped));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: Key, value: Value<'_>, expect: &str) {
        let mut out = String::new();
        let got = match write(key, value, None, &Rules::new(2026), "[]", &mut Memo::default(), &mut out) {
            Ok(Filled::WithWarning(warning)) => format!("{out} {}", warning.as_str()),
            Ok(_) => out,
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(got, expect, "{key} {value:?}");
    }

    #[test]
    fn a_number_is_text_without_a_decimal_point_it_does_not_need() {
        for (digits, expect) in [
            ("1001", "1001"),
            ("1001.0", "1001"),
            ("1.001e3", "1001"),
            ("-0.0", "0"),
            ("1001.5", "1001.5"),
            ("18446744073709551616", "18446744073709551616"),
            ("18446744073709551616.0", "18446744073709551616.0"),
        ] {
            check(Key::ExternId, Value::Number(digits), &format!("\"{expect}\""));
        }
    }

    #[test]
    fn what_is_no_text_and_no_number_leaves_the_cell_blank() {
        for value in
            [Value::Absent, Value::Null, Value::Bool(true), Value::Json("[\"a@example.com\"]"), Value::Text(" ")]
        {
            check(Key::Email, value, "\"\"");
            check(Key::ExternId, value, "\"\"");
            check(Key::LookalikeValue, value, "0 lookalike_value_zeroed");
        }
    }

    #[test]
    fn options_come_as_a_list_or_a_word() {
        check(Key::DataProcessingOptions, Value::Json("[\"LDU\"]"), "[\"LDU\"]");
        check(Key::DataProcessingOptions, Value::Text("ldu"), "[\"LDU\"]");
        check(Key::DataProcessingOptions, Value::Absent, "[]");
        check(Key::DataProcessingOptions, Value::Text("CCPA"), "processing_option_unknown");
    }

    #[test]
    fn every_cell_is_json() {
        let texts = ["", "\"", "\\", "a\nb", "\u{0}", "[\"LDU\"]", "é\u{301}", "1e5", "-1", "\"],[\"", "a@b.c"];
        for key in Key::ALL {
            for text in texts {
                for value in [Value::Text(text), Value::Json(text), Value::Bool(false)] {
                    let mut out = String::new();
                    if write(key, value, None, &Rules::new(2026), "[]", &mut Memo::default(), &mut out).is_ok() {
                        let read: Result<serde_json::Value, _> = serde_json::from_str(&out);
                        assert!(read.is_ok(), "{key} {value:?}: {out}");
                    }
                }
            }
        }
    }
}
