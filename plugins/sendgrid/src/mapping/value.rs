//! Values as SendGrid takes them: texts, numbers, days and addresses.
//!
//! Pages "Add or Update a Contact" and "Using Custom Fields" of SendGrid's documentation. A null is refused by
//! SendGrid, so it never stands in a body (case `nulls_are_left_out`).

use enroute_sdk::date::Order;
use enroute_sdk::phone::{self, Number};
use enroute_sdk::text::trim;
use enroute_sdk::{Value, email, json};

use super::day;
use super::field::TEXT_CHARS_MAX;
use super::remote::CustomKind;

/// Warning: the value is nothing that the field can take, and was left out.
const MALFORMED: &str = "value_malformed";
/// Warning: the field takes numbers, and the value is none; it was left out.
const NUMBER_MALFORMED: &str = "number_malformed";
/// Warning: the field takes days, and the value is none; it was left out.
const DATE_MALFORMED: &str = "date_malformed";
/// Warning: the text is longer than SendGrid keeps, and was left out.
const TEXT_TOO_LONG: &str = "text_too_long";
/// Warning: the text was cut.
const TEXT_TRUNCATED: &str = "text_truncated";
/// Warning: null is no value for SendGrid, and the field keeps what it has.
const NULL_LEFT_OUT: &str = "null_left_out";
/// Warning: the number names no country; it was sent as it is.
const PHONE_NOT_E164: &str = "phone_not_e164";
/// Warning: there are more alternate addresses than SendGrid keeps.
const TOO_MANY_EMAILS: &str = "too_many_emails";

/// Most alternate addresses.
const EMAILS_MAX: usize = 5;

/// What there is to say of a value that was not simply written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Written, with a warning.
    Sent(&'static str),
    /// Not to be sent, with a warning.
    LeftOut(&'static str),
}

/// Writes a text of a reserved field. Where it is not to be sent, what was written does not count.
pub(super) fn reserved(body: &mut Vec<u8>, value: Value<'_>, chars_max: usize, truncate: bool) -> Result<(), Note> {
    match value {
        Value::Json(_) => Err(Note::LeftOut(MALFORMED)),
        other => text(body, other, chars_max, truncate),
    }
}

/// Writes a phone number that identifies nobody: in E.164, or as it came where it names no country.
pub(super) fn phone_number(body: &mut Vec<u8>, value: Value<'_>, region: Option<&str>) -> Result<(), Note> {
    if matches!(value, Value::Null | Value::Absent) {
        return Err(Note::LeftOut(NULL_LEFT_OUT));
    }
    let text = phone::text_of(value).ok_or(Note::LeftOut(MALFORMED))?;
    match phone::read(&text, region).ok_or(Note::LeftOut(MALFORMED))? {
        Number::International(number) => json::write_str(body, &number),
        Number::National(_) => {
            json::write_str(body, &text);
            return Err(Note::Sent(PHONE_NOT_E164));
        }
    }
    Ok(())
}

/// How the values of custom fields are read and written.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Manner {
    /// Whether long texts are cut.
    pub(super) truncate: bool,
    /// Which of day and month comes first in dates.
    pub(super) order: Option<Order>,
}

/// Writes a value of a custom field.
pub(super) fn custom(body: &mut Vec<u8>, kind: CustomKind, value: Value<'_>, manner: Manner) -> Result<(), Note> {
    match (kind, value) {
        (_, Value::Null | Value::Absent) => Err(Note::LeftOut(NULL_LEFT_OUT)),
        (CustomKind::Text, value) => text(body, value, TEXT_CHARS_MAX, manner.truncate),
        (CustomKind::Number, Value::Number(text) | Value::Text(text)) => {
            let text = trim(text);
            if !is_number(text) {
                return Err(Note::LeftOut(NUMBER_MALFORMED));
            }
            body.extend_from_slice(text.as_bytes());
            Ok(())
        }
        (CustomKind::Number, _) => Err(Note::LeftOut(NUMBER_MALFORMED)),
        (CustomKind::Date, value) => {
            let day = day::written(value, manner.order).map_err(|why| Note::LeftOut(why.code(DATE_MALFORMED)))?;
            json::write_str(body, &day);
            Ok(())
        }
    }
}

/// Writes up to five addresses; those that are none are left out.
pub(super) fn emails(body: &mut Vec<u8>, value: Value<'_>) -> Result<(), Note> {
    let given = match value {
        Value::Null | Value::Absent => return Err(Note::LeftOut(NULL_LEFT_OUT)),
        Value::Text(_) | Value::Json(_) => json::texts(value),
        _ => return Err(Note::LeftOut(MALFORMED)),
    };
    let sound: Vec<_> = given.iter().filter_map(|text| email::lower(text)).collect();
    if sound.is_empty() && value != Value::Json("[]") {
        return Err(Note::LeftOut(MALFORMED));
    }
    body.push(b'[');
    for (number, email) in sound.iter().take(EMAILS_MAX).enumerate() {
        if number > 0 {
            body.push(b',');
        }
        json::write_str(body, email);
    }
    body.push(b']');
    match () {
        () if sound.len() < given.len() => Err(Note::Sent(MALFORMED)),
        () if sound.len() > EMAILS_MAX => Err(Note::Sent(TOO_MANY_EMAILS)),
        () => Ok(()),
    }
}

fn text(body: &mut Vec<u8>, value: Value<'_>, chars_max: usize, truncate: bool) -> Result<(), Note> {
    let text = match value {
        Value::Null | Value::Absent => return Err(Note::LeftOut(NULL_LEFT_OUT)),
        Value::Text(text) | Value::Number(text) | Value::Json(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
    };
    let Some((end, _)) = text.char_indices().nth(chars_max).filter(|_| text.len() > chars_max) else {
        json::write_str(body, text);
        return Ok(());
    };
    if !truncate || matches!(value, Value::Json(_)) {
        return Err(Note::LeftOut(TEXT_TOO_LONG));
    }
    json::write_str(body, text.get(..end).unwrap_or_default());
    Err(Note::Sent(TEXT_TRUNCATED))
}

/// Whether a text is a number as JSON writes it, and none that is beyond all bounds.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let leads_with_zero = digits > 1 && unsigned.starts_with('0');
    let ends_in_digit = text.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    let point = unsigned
        .get(digits..)
        .is_some_and(|rest| !rest.starts_with('.') || rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit));
    digits > 0 && !leads_with_zero && ends_in_digit && point && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Note>) -> String {
        let mut body = Vec::new();
        match write(&mut body) {
            Ok(()) => String::from_utf8(body).expect("text in, text out"),
            Err(Note::Sent(code)) => format!("{} ({code})", String::from_utf8(body).expect("text in, text out")),
            Err(Note::LeftOut(code)) => format!("({code})"),
        }
    }

    #[track_caller]
    fn check(kind: CustomKind, value: Value<'_>, expect: &str) {
        assert_eq!(shown(|body| custom(body, kind, value, Manner::default())), expect);
    }

    #[test]
    fn a_number_field_takes_numbers_and_texts_of_numbers() {
        for (given, expect) in [
            ("431.5", "431.5"),
            (" 42 ", "42"),
            ("-0", "-0"),
            ("1e3", "1e3"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            check(CustomKind::Number, Value::Text(given), expect);
        }
        check(CustomKind::Number, Value::Number("450.0"), "450.0");
        for given in ["", "gold", "007", "+5", "1,000", ".5", "5.", "1e400", "0x10", "NaN", "inf", "1.e5", "- 1"] {
            check(CustomKind::Number, Value::Text(given), "(number_malformed)");
        }
        check(CustomKind::Number, Value::Bool(true), "(number_malformed)");
        check(CustomKind::Number, Value::Json("[1]"), "(number_malformed)");
    }

    #[test]
    fn a_text_field_takes_everything_as_text() {
        check(CustomKind::Text, Value::Text("gold"), "\"gold\"");
        check(CustomKind::Text, Value::Text(""), "\"\"");
        check(CustomKind::Text, Value::Number("0"), "\"0\"");
        check(CustomKind::Text, Value::Bool(false), "\"false\"");
        check(CustomKind::Text, Value::Json(r#"["a", 1]"#), r#""[\"a\", 1]""#);
        check(CustomKind::Text, Value::Null, "(null_left_out)");
        check(CustomKind::Text, Value::Text(&"a".repeat(1_001)), "(text_too_long)");
    }

    #[test]
    fn a_date_field_takes_days_and_no_seconds() {
        check(CustomKind::Date, Value::Text("2021-05-01"), "\"05/01/2021\"");
        check(CustomKind::Date, Value::Text("1700000000"), "(date_malformed)");
        check(CustomKind::Date, Value::Number("1700000000"), "(date_malformed)");
        check(CustomKind::Date, Value::Text(""), "(date_malformed)");
    }

    #[test]
    fn a_long_text_is_cut_only_when_asked_for() {
        let long = "é".repeat(51);
        assert_eq!(shown(|body| reserved(body, Value::Text(&long), 50, false)), "(text_too_long)");
        let cut = format!("\"{}\" (text_truncated)", "é".repeat(50));
        assert_eq!(shown(|body| reserved(body, Value::Text(&long), 50, true)), cut);
        assert_eq!(
            shown(|body| reserved(body, Value::Text(&"é".repeat(50)), 50, false)),
            format!("\"{}\"", "é".repeat(50))
        );
        assert_eq!(shown(|body| reserved(body, Value::Json("{}"), 50, true)), "(value_malformed)");
    }

    #[test]
    fn alternate_addresses_are_at_most_five() {
        let list = |text| shown(|body| emails(body, Value::Json(text)));
        assert_eq!(list(r#"["B@example.com ", "c@example.com"]"#), r#"["b@example.com","c@example.com"]"#);
        assert_eq!(list(r#"["b@example.com", "no"]"#), r#"["b@example.com"] (value_malformed)"#);
        assert_eq!(list("[]"), "[]");
        assert_eq!(list(r#"["no"]"#), "(value_malformed)");
        let six: Vec<String> = (0..6).map(|n| format!("a{n}@example.com")).collect();
        let six = serde_json::to_string(&six).expect("a list");
        assert!(list(&six).ends_with("\"a4@example.com\"] (too_many_emails)"));
        assert_eq!(shown(|body| emails(body, Value::Text("a@example.com"))), r#"["a@example.com"]"#);
    }
}
