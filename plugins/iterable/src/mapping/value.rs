//! Values as Iterable's fields want them.
//!
//! JSON types are kept: a number is never made a text, and the other way round. A value that does not fit its field
//! stays out with a warning, because Iterable would refuse the whole request for it.

use std::borrow::Cow;

use enroute_sdk::date::Order;
use enroute_sdk::{Value, json, phone};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::Kind;
use super::time;

/// The value is of another type than the field.
pub(super) const TYPE_MISMATCH: &str = "type_mismatch";

/// Warning: the value is nothing that the field can take.
pub(super) const MALFORMED: &str = "value_malformed";

/// Warning: the text is longer than Iterable keeps.
pub(super) const TEXT_TOO_LONG: &str = "text_too_long";

/// Longest text of a field, in characters.
const TEXT_CHARS_MAX: usize = 32_000;

/// How values are read that are written in several ways.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'c> {
    /// The country of phone numbers without a country code.
    pub(super) region: Option<&'c str>,
    /// Which of day and month comes first in dates.
    pub(super) order: Option<Order>,
}

/// Writes a value, or says why it stays out; then what was written does not count.
pub(super) fn write(
    body: &mut Vec<u8>,
    kind: Option<Kind>,
    value: Value<'_>,
    reading: Reading<'_>,
) -> Result<(), &'static str> {
    match (kind, value) {
        (_, Value::Null | Value::Absent) => json::write_value(body, Value::Null),
        (_, Value::Text(text)) if too_long(text) => return Err(TEXT_TOO_LONG),
        (None, Value::Text(text)) => match time::instant(text) {
            Some(instant) => json::write_str(body, &instant),
            None => json::write_str(body, text),
        },
        (None, value) => json::write_value(body, value),
        (Some(Kind::Phone), value) => {
            // One that names no country is none for Iterable, unless the operator names it.
            let number = phone::text_of(value).and_then(|text| phone::e164(&text, reading.region));
            json::write_str(body, &number.ok_or(MALFORMED)?);
        }
        (Some(Kind::Geo), Value::Json(text)) => body.extend_from_slice(place(text)?.as_bytes()),
        (Some(Kind::Object), Value::Json(text)) if text.starts_with('{') => body.extend_from_slice(text.as_bytes()),
        (Some(kind), Value::Json(text)) if text.starts_with('[') => list(body, kind, text, reading.order)?,
        (Some(kind), value) => single(body, kind, value, reading.order)?,
    }
    Ok(())
}

fn too_long(text: &str) -> bool {
    text.len() > TEXT_CHARS_MAX && text.chars().count() > TEXT_CHARS_MAX
}

fn single(body: &mut Vec<u8>, kind: Kind, value: Value<'_>, order: Option<Order>) -> Result<(), &'static str> {
    match (kind, value) {
        (Kind::String, Value::Text(text)) => json::write_str(body, text),
        (Kind::Date, value) => json::write_str(body, &time::written(value, order)?),
        (Kind::Long, Value::Number(digits)) => {
            body.extend_from_slice(whole(digits).ok_or(TYPE_MISMATCH)?.as_bytes());
        }
        (Kind::Double, Value::Number(digits)) => body.extend_from_slice(fractional(digits).as_bytes()),
        (Kind::Boolean, value) => json::write_value(body, Value::Bool(value.flag().ok_or(TYPE_MISMATCH)?)),
        (Kind::Phone | Kind::Geo, _) => return Err(MALFORMED),
        _ => return Err(TYPE_MISMATCH),
    }
    Ok(())
}

/// A list, of which each element is what the field holds.
fn list(body: &mut Vec<u8>, kind: Kind, text: &str, order: Option<Order>) -> Result<(), &'static str> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| MALFORMED)?;
    body.push(b'[');
    for (place, element) in elements.into_iter().map(RawValue::get).enumerate() {
        if place > 0 {
            body.push(b',');
        }
        let owned: Cow<'_, str>;
        let value = match element.as_bytes().first() {
            Some(b'"') => {
                owned = serde_json::from_str(element).map_err(|_| MALFORMED)?;
                Value::Text(&owned)
            }
            Some(b'{') if matches!(kind, Kind::Object | Kind::Nested) => {
                body.extend_from_slice(element.as_bytes());
                continue;
            }
            Some(b'{' | b'[') => Value::Json(element),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => return Err(TYPE_MISMATCH),
            _ => Value::Number(element),
        };
        single(body, kind, value, order)?;
    }
    body.push(b']');
    Ok(())
}

/// A number without fraction: `450` of `450.0`.
fn whole(digits: &str) -> Option<&str> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_whole = fraction.bytes().all(|byte| byte == b'0') && !whole.contains(['e', 'E']);
    is_whole.then_some(whole)
}

/// A number with a fraction: `450.0` of `450`, so that the field is not born a whole number.
fn fractional(digits: &str) -> Cow<'_, str> {
    if digits.contains(['.', 'e', 'E']) { Cow::Borrowed(digits) } else { Cow::Owned(format!("{digits}.0")) }
}

/// Latitude and longitude, under the names in use.
#[derive(Deserialize)]
struct Point {
    #[serde(alias = "latitude")]
    lat: f64,
    #[serde(alias = "longitude", alias = "lng")]
    lon: f64,
}

/// The JSON of a place: both numbers with a fraction.
fn place(text: &str) -> Result<String, &'static str> {
    let Point { lat, lon } = serde_json::from_str(text).map_err(|_| MALFORMED)?;
    let on_earth = lat.abs() <= 90.0 && lon.abs() <= 180.0;
    on_earth.then(|| format!("{{\"lat\":{lat:?},\"lon\":{lon:?}}}")).ok_or(MALFORMED)
}
