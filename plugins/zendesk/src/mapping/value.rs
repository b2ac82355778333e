//! Values as Zendesk's fields want them.
//!
//! A value that a field cannot take is left out with a warning and the member goes all the same: in a job, one bad
//! value would cost the whole user. Null clears; absent leaves alone.

use enroute_sdk::phone::{self, Number};
use enroute_sdk::text::trim;
use enroute_sdk::{Value, json};

use super::time_zone;
use crate::settings::remote::UserField;
use crate::settings::{Nested, Settings};

/// Warning: the value is nothing that the field can take, and was left out.
pub(super) const MALFORMED: &str = "value_malformed";
/// Warning: the field has no such option.
const OPTION_UNKNOWN: &str = "option_unknown";
/// Warning: the number names no country; it was sent as it is.
const PHONE_NOT_E164: &str = "phone_not_e164";
/// Warning: there is no such zone.
const ZONE_UNKNOWN: &str = "time_zone_unknown";

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'c> {
    /// A text that null empties.
    Text,
    /// A text that cannot be cleared.
    Name,
    Phone,
    Integer,
    Decimal,
    Checkbox,
    Date,
    TimeZone,
    /// One of these values.
    Dropdown(&'c [String]),
    /// Several of these values.
    Multiselect(&'c [String]),
    /// As it came: the account's fields are not known.
    Unknown,
}

impl<'c> Kind<'c> {
    /// What a user field takes: the types of the page "User Fields".
    pub(super) fn of(field: &'c UserField) -> Self {
        match field.kind.as_str() {
            "text" | "textarea" | "regexp" => Self::Text,
            "integer" | "lookup" => Self::Integer,
            "decimal" => Self::Decimal,
            "checkbox" => Self::Checkbox,
            "date" => Self::Date,
            "dropdown" | "tagger" => Self::Dropdown(&field.options),
            "multiselect" => Self::Multiselect(&field.options),
            _ => Self::Unknown,
        }
    }
}

/// What there is to say of a value that was not simply written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Written, with a warning.
    Sent(&'static str),
    /// Not to be sent, with a warning.
    LeftOut(&'static str),
}

const REFUSED: Note = Note::LeftOut(MALFORMED);

/// Writes a value. Where it is not to be sent, what was written does not count.
pub(super) fn write(body: &mut Vec<u8>, kind: Kind<'_>, value: Value<'_>, settings: &Settings) -> Result<(), Note> {
    match (kind, value) {
        // The page "Users": an empty text, not null, takes the number away.
        (Kind::Phone, Value::Null) => json::write_str(body, ""),
        (Kind::Name | Kind::TimeZone, Value::Null) => return Err(Note::LeftOut("cannot_be_cleared")),
        (_, Value::Null) => json::write_value(body, value),
        (Kind::Text, Value::Json(text)) => return nested(body, text, settings),
        (Kind::Text | Kind::Name, _) => json::write_text(body, Value::Text(&value.scalar().ok_or(REFUSED)?)),
        (Kind::Phone, Value::Text(text)) if trim(text).is_empty() => json::write_str(body, ""),
        (Kind::Phone, _) => return phone(body, value, settings),
        (Kind::Integer, Value::Text(text) | Value::Number(text)) => {
            body.extend_from_slice(integer(text).ok_or(REFUSED)?.as_bytes());
        }
        (Kind::Decimal, Value::Text(text) | Value::Number(text)) => {
            body.extend_from_slice(decimal(text).ok_or(REFUSED)?.as_bytes());
        }
        (Kind::Checkbox, value) => json::write_value(body, Value::Bool(value.flag().ok_or(REFUSED)?)),
        (Kind::Date, value) => {
            let day = value.date(settings.date_order).map_err(|why| Note::LeftOut(why.code(MALFORMED)))?;
            json::write_str(body, &day.to_string());
        }
        (Kind::TimeZone, Value::Text(text)) => {
            json::write_str(body, time_zone::name(trim(text)).ok_or(Note::LeftOut(ZONE_UNKNOWN))?);
        }
        (Kind::Dropdown(options), _) => {
            let text = value.scalar().ok_or(REFUSED)?;
            let option = options.iter().find(|option| **option == trim(&text));
            json::write_str(body, option.ok_or(Note::LeftOut(OPTION_UNKNOWN))?);
        }
        (Kind::Multiselect(options), _) => return multiselect(body, options, value),
        (Kind::Unknown, Value::Json(text)) => return nested(body, text, settings),
        (Kind::Unknown, _) => json::write_value(body, value),
        _ => return Err(REFUSED),
    }
    Ok(())
}

fn nested(body: &mut Vec<u8>, text: &str, settings: &Settings) -> Result<(), Note> {
    if settings.nested_values == Nested::LeaveOut {
        return Err(REFUSED);
    }
    json::write_str(body, text);
    Ok(())
}

/// A number in E.164; one that names no country goes as it is, because most accounts take any.
fn phone(body: &mut Vec<u8>, value: Value<'_>, settings: &Settings) -> Result<(), Note> {
    let text = phone::text_of(value).ok_or(REFUSED)?;
    match phone::read(&text, settings.phone_region.as_deref()).ok_or(REFUSED)? {
        Number::International(number) => json::write_str(body, &number),
        Number::National(_) => {
            json::write_str(body, &text);
            return Err(Note::Sent(PHONE_NOT_E164));
        }
    }
    Ok(())
}

/// The digits of a whole number, of any length.
fn integer(text: &str) -> Option<String> {
    let text = trim(text);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let legal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !legal(whole) || !legal(fraction) || fraction.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    Some(if whole.is_empty() { "0".to_owned() } else { format!("{sign}{whole}") })
}

/// A JSON number with the digits that it came with.
fn decimal(text: &str) -> Option<&str> {
    let text = trim(text);
    let is_number = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_number());
    is_number.then_some(text)
}

/// Values that are options; others are left out, and said so.
fn multiselect(body: &mut Vec<u8>, options: &[String], value: Value<'_>) -> Result<(), Note> {
    if matches!(value, Value::Json(text) if !text.trim_start().starts_with('[')) {
        return Err(REFUSED);
    }
    let wanted = json::texts(value);
    let known: Vec<&String> =
        options.iter().filter(|option| wanted.iter().any(|text| trim(text) == **option)).collect();
    let all_known = wanted.iter().all(|text| options.iter().any(|option| option == trim(text)));
    if known.is_empty() && !wanted.is_empty() {
        return Err(Note::LeftOut(OPTION_UNKNOWN));
    }
    body.push(b'[');
    for option in known {
        if body.last() != Some(&b'[') {
            body.push(b',');
        }
        json::write_str(body, option);
    }
    body.push(b']');
    if all_known { Ok(()) } else { Err(Note::Sent(OPTION_UNKNOWN)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_their_digits() {
        for (text, expect) in [
            ("42", Some("42")),
            (" 0042 ", Some("42")),
            ("42.0", Some("42")),
            ("-7", Some("-7")),
            ("-0", Some("0")),
            ("18446744073709551616", Some("18446744073709551616")),
            ("1.5", None),
            ("1e3", None),
            ("0x10", None),
            ("", None),
            (".", None),
            ("+5", None),
        ] {
            assert_eq!(integer(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn numbers_are_not_rounded() {
        for (text, expect) in [
            ("450.0", Some("450.0")),
            (" 0.10 ", Some("0.10")),
            ("-3e2", Some("-3e2")),
            ("9007199254740993", Some("9007199254740993")),
            ("0.1234567890123456789012345678901", Some("0.1234567890123456789012345678901")),
            ("1,5", None),
            ("NaN", None),
            ("true", None),
            ("", None),
        ] {
            assert_eq!(decimal(text), expect, "{text}");
        }
    }
}
