//! Values as Braze's fields want them.
//!
//! A value that a field cannot take is left out with a warning and the member is delivered all the same: one bad
//! trait must not keep a person out of an audience. Null clears a field; absent leaves it alone.

use enroute_sdk::date::{Order, Unread};
use enroute_sdk::phone::{self, Number};
use enroute_sdk::text::trim;
use enroute_sdk::{Value, country, email, json};
use serde::Deserialize;

use super::field::Field;
use super::{groups, nested};

/// Warning: the value is nothing that the field can take, and was left out.
pub(super) const MALFORMED: &str = "value_malformed";

/// Warning: the text is longer than Braze keeps, and was left out.
pub(super) const TEXT_TOO_LONG: &str = "text_too_long";

/// Warning: the word for a gender is none that Braze lists, and was left out.
const GENDER_UNKNOWN: &str = "gender_unknown";

/// Warning: the number names no country; it was sent as it is.
const PHONE_NOT_E164: &str = "phone_not_e164";

/// Longest text of a custom attribute, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 255;

/// What there is to say of a value that was not simply written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Written, with a warning.
    Sent(&'static str),
    /// Written, with two warnings.
    SentWith([&'static str; 2]),
    /// Not to be sent, with a warning.
    LeftOut(&'static str),
    /// Not to be sent, and nothing to say about it.
    Quiet,
}

const REFUSED: Note = Note::LeftOut(MALFORMED);

/// How dates are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates<'c> {
    /// The day of the run, `YYYY-MM-DD`: nobody was born after it.
    pub(super) today: &'c str,
    /// Which of day and month comes first.
    pub(super) order: Option<Order>,
}

/// Writes a value. Where it is not to be sent, what was written does not count.
pub(super) fn write(body: &mut Vec<u8>, field: Field, value: Value<'_>, dates: Dates<'_>) -> Result<(), Note> {
    if value.is_null() {
        json::write_value(body, value);
        return Ok(());
    }
    match (field, value) {
        (Field::Custom, value) => return custom(body, value),
        (Field::Text, Value::Text(text)) => json::write_str(body, text),
        (Field::Text, Value::Number(_) | Value::Bool(_)) => json::write_text(body, value),
        (Field::Email, Value::Text(text)) => json::write_str(body, &email::lower(text).ok_or(REFUSED)?),
        (Field::Phone, value) => return phone(body, value),
        (Field::Birthday, value) => return birthday(body, value, dates),
        (Field::Gender, Value::Text(text)) => return gender(body, text),
        (Field::Country, Value::Text(text)) => json::write_str(body, country::alpha2(text).ok_or(REFUSED)?),
        (Field::Language, Value::Text(text)) => json::write_str(body, &language(text).ok_or(REFUSED)?),
        (Field::TimeZone, Value::Text(text)) if is_time_zone(text) => json::write_str(body, text),
        (Field::Url, Value::Text(text)) if is_url(text) => json::write_str(body, text),
        (Field::Subscription, Value::Text(state @ ("opted_in" | "subscribed" | "unsubscribed"))) => {
            json::write_str(body, state);
        }
        (Field::Flag, value) => json::write_value(body, Value::Bool(value.flag().ok_or(REFUSED)?)),
        (Field::Time, value) => json::write_str(body, &value.moment(dates.order).map_err(no_date)?.to_string()),
        (Field::Location, Value::Json(_)) => body.extend_from_slice(point(value)?.as_bytes()),
        (Field::Structure | Field::Groups, Value::Json(text)) if is_empty(text) => return Err(Note::Quiet),
        (Field::Groups, Value::Json(text)) => return groups::write(body, text),
        (Field::Structure, Value::Json(text)) => body.extend_from_slice(text.as_bytes()),
        _ => return Err(REFUSED),
    }
    Ok(())
}

/// An attribute of the operator's own: what it is, it stays.
fn custom(body: &mut Vec<u8>, value: Value<'_>) -> Result<(), Note> {
    match value {
        Value::Text(text) if too_long(text) => return Err(Note::LeftOut(TEXT_TOO_LONG)),
        Value::Json(text) => return nested::write(body, text),
        other => json::write_value(body, other),
    }
    Ok(())
}

pub(super) fn too_long(text: &str) -> bool {
    text.len() > TEXT_CHARS_MAX && text.chars().count() > TEXT_CHARS_MAX
}

fn birthday(body: &mut Vec<u8>, value: Value<'_>, dates: Dates<'_>) -> Result<(), Note> {
    let day = value.date(dates.order).map_err(no_date)?.to_string();
    if day.as_str() > dates.today {
        return Err(REFUSED);
    }
    json::write_str(body, &day);
    Ok(())
}

fn no_date(why: Unread) -> Note {
    Note::LeftOut(why.code(MALFORMED))
}

fn phone(body: &mut Vec<u8>, value: Value<'_>) -> Result<(), Note> {
    let text = phone::text_of(value).ok_or(REFUSED)?;
    match phone::read(&text, None).ok_or(REFUSED)? {
        Number::International(number) => json::write_str(body, &number),
        Number::National(_) => {
            json::write_str(body, &text);
            return Err(Note::Sent(PHONE_NOT_E164));
        }
    }
    Ok(())
}

/// Words in use, and the letters that Braze has for them.
const GENDERS: [(&str, &[&str]); 5] = [
    ("M", &["m", "male", "man"]),
    ("F", &["f", "female", "woman", "w"]),
    ("O", &["o", "other"]),
    ("N", &["n", "not applicable"]),
    ("P", &["p", "prefer not to say"]),
];

fn gender(body: &mut Vec<u8>, text: &str) -> Result<(), Note> {
    let word = trim(text).replace(['_', '-'], " ");
    let is_word = |words: &&[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(&word));
    let (letter, _) = GENDERS.iter().find(|(_, words)| is_word(words)).ok_or(Note::LeftOut(GENDER_UNKNOWN))?;
    json::write_str(body, letter);
    Ok(())
}

/// `pt` of `pt-BR`.
fn language(text: &str) -> Option<String> {
    let language = trim(text).split(['-', '_']).next()?;
    let is_code = language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| language.to_ascii_lowercase())
}

/// Whether a text has the form of the time zone database's names. Braze ignores those that do not exist.
fn is_time_zone(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    text.chars().all(legal) && (text.contains('/') || matches!(text, "UTC" | "GMT"))
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !text.contains(char::is_whitespace))
}

fn is_empty(json: &str) -> bool {
    json.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() == 2
}

/// Latitude and longitude as numbers.
#[derive(Deserialize)]
struct Point {
    latitude: f64,
    longitude: f64,
}

fn point(value: Value<'_>) -> Result<String, Note> {
    if matches!(value, Value::Json(text) if is_empty(text)) {
        return Err(Note::Quiet);
    }
    let Point { latitude, longitude } = json::read(value).ok_or(REFUSED)?;
    on_earth(latitude, longitude).ok_or(REFUSED)
}

/// The JSON of a location whose parts are numbers, or texts of numbers.
pub(super) fn location(latitude: Value<'_>, longitude: Value<'_>) -> Option<String> {
    let number = |value: Value<'_>| match value {
        Value::Number(text) | Value::Text(text) => trim(text).parse::<f64>().ok(),
        _ => None,
    };
    on_earth(number(latitude)?, number(longitude)?)
}

fn on_earth(latitude: f64, longitude: f64) -> Option<String> {
    let exists = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    exists.then(|| format!("{{\"latitude\":{latitude},\"longitude\":{longitude}}}"))
}
