//! Values as the fields of an object want them.
//!
//! A value that its field cannot take is left out with a warning and the member is written all the same. Null clears a
//! field; absent leaves it alone.

use std::borrow::Cow;

use enroute_sdk::date::{Clock, Moment, Order, Unread};
use enroute_sdk::phone::{self, Number};
use enroute_sdk::text::trim;
use enroute_sdk::{Value, email, json};

use crate::settings::Settings;
use crate::settings::catalogue::{Field, Kind, is_record_id};

/// Warning: the value is nothing that the field can take, and was left out.
pub(super) const MALFORMED: &str = "value_malformed";

/// Warning: the text is longer than the field, and was left out.
const TEXT_TOO_LONG: &str = "text_too_long";

/// Warning: the text is longer than the field, and was cut as the operator asked.
const TEXT_CUT: &str = "text_cut";

/// Warning: the number is beyond what the field can hold, and was left out.
const OUT_OF_RANGE: &str = "number_out_of_range";

/// Warning: the picklist does not have the value, which was left out.
const NO_SUCH_CHOICE: &str = "picklist_value_unknown";

/// Warning: a checkbox cannot be empty, so null was left out.
const NULL_IN_CHECKBOX: &str = "checkbox_cannot_be_null";

/// Warning: the number names no country; it was sent as it is.
const PHONE_NOT_E164: &str = "phone_not_e164";

/// Longest text in a cell of a job, in characters: "Bulk API 2.0 limits".
const CELL_CHARS_MAX: usize = 32_000;

/// What clears a field in a job.
const CLEARED: &str = "#N/A";

/// What there is to say of a value that was not simply written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Written, with a warning.
    Sent(&'static str),
    /// Not to be sent, with a warning.
    LeftOut(&'static str),
}

const REFUSED: Note = Note::LeftOut(MALFORMED);

/// How values are fitted to their fields.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Manner {
    /// Whether long texts are cut.
    pub(super) cut: bool,
    /// Which of day and month comes first in dates.
    pub(super) order: Option<Order>,
}

impl Manner {
    pub(super) const fn of(settings: &Settings) -> Self {
        Self { cut: settings.truncate_text, order: settings.date_order }
    }
}

/// A value as its field takes it.
#[derive(Debug, PartialEq, Eq)]
enum Fit<'v> {
    Null,
    Bool(bool),
    /// The JSON text of a number.
    Number(Cow<'v, str>),
    Text(Cow<'v, str>),
}

/// Writes a value as JSON. Where it is not to be sent, what was written does not count.
pub(super) fn write(body: &mut Vec<u8>, field: &Field, value: Value<'_>, manner: Manner) -> Result<(), Note> {
    let (fit, note) = fit(field, value, manner)?;
    match fit {
        Fit::Null => body.extend_from_slice(b"null"),
        Fit::Bool(flag) => json::write_value(body, Value::Bool(flag)),
        Fit::Number(number) => body.extend_from_slice(number.as_bytes()),
        Fit::Text(text) => json::write_str(body, &text),
    }
    note.map_or(Ok(()), Err)
}

/// Writes a value as a cell of a job.
pub(super) fn write_csv(body: &mut Vec<u8>, field: &Field, value: Value<'_>, manner: Manner) -> Result<(), Note> {
    let (fit, note) = fit(field, value, manner)?;
    match fit {
        // An empty cell would leave the field alone, and an empty text is what Salesforce calls null.
        Fit::Null => body.extend_from_slice(CLEARED.as_bytes()),
        Fit::Text(text) if text.is_empty() => body.extend_from_slice(CLEARED.as_bytes()),
        Fit::Text(text) if text == CLEARED || text.chars().count() > CELL_CHARS_MAX => return Err(REFUSED),
        Fit::Bool(flag) => body.extend_from_slice(if flag { b"true" } else { b"false" }),
        Fit::Number(number) => body.extend_from_slice(number.as_bytes()),
        Fit::Text(text) => write_cell(body, &text),
    }
    note.map_or(Ok(()), Err)
}

/// Writes a text as a cell: in quotes where it could be read as something else.
pub(super) fn write_cell(body: &mut Vec<u8>, text: &str) {
    let special = |c: char| matches!(c, ',' | '"' | '\n' | '\r');
    let edge = |c: Option<char>| c.is_some_and(char::is_whitespace);
    if !text.contains(special) && !edge(text.chars().next()) && !edge(text.chars().next_back()) {
        body.extend_from_slice(text.as_bytes());
        return;
    }
    body.push(b'"');
    body.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    body.push(b'"');
}

type Fitted<'v> = Result<(Fit<'v>, Option<Note>), Note>;

fn fit<'v>(field: &Field, value: Value<'v>, manner: Manner) -> Fitted<'v> {
    if value.is_null() {
        return match field.kind {
            Kind::Boolean => Err(Note::LeftOut(NULL_IN_CHECKBOX)),
            // What links to a record cannot be null inside; the reference itself can.
            _ if field.name.contains('.') => Err(REFUSED),
            _ => Ok((Fit::Null, None)),
        };
    }
    let well = |fit| Ok((fit, None));
    match field.kind {
        Kind::Text | Kind::LongText => {
            let text = match value {
                Value::Json(text) if field.kind == Kind::LongText => Cow::Borrowed(text),
                other => other.scalar().ok_or(REFUSED)?,
            };
            limited(field, text, manner.cut)
        }
        Kind::Email => match value {
            Value::Text("") => well(Fit::Text("".into())),
            Value::Text(text) => limited(field, email::address(text).ok_or(REFUSED)?.into(), false),
            _ => Err(REFUSED),
        },
        Kind::Phone if value == Value::Text("") => well(Fit::Text("".into())),
        Kind::Phone => number_of_phone(field, value),
        Kind::Boolean => well(Fit::Bool(value.flag().ok_or(REFUSED)?)),
        Kind::Integer => well(Fit::Number(integer(value)?)),
        Kind::Number => well(Fit::Number(number(value).ok_or(REFUSED)?.into())),
        Kind::Date => well(Fit::Text(value.date(manner.order).map_err(no_date)?.to_string().into())),
        Kind::DateTime => well(Fit::Text(moment(value, manner.order).map_err(no_date)?.into())),
        Kind::Picklist => {
            let text = value.scalar().ok_or(REFUSED)?;
            limited(field, choice(field, text)?, false)
        }
        Kind::MultiPicklist => well(Fit::Text(choices(field, value)?.into())),
        Kind::Reference => match value {
            Value::Text(id) if is_record_id(trim(id)) => well(Fit::Text(trim(id).into())),
            _ => Err(REFUSED),
        },
        Kind::Unknown => match value {
            Value::Bool(flag) => well(Fit::Bool(flag)),
            Value::Number(number) => well(Fit::Number(number.into())),
            Value::Text(text) => well(Fit::Text(text.into())),
            // The fields of an org's own have no lists; those of texts are what multi-select picklists take.
            Value::Json(_) => well(Fit::Text(choices(field, value)?.into())),
            Value::Absent | Value::Null => Err(REFUSED),
        },
        Kind::Compound => Err(REFUSED),
    }
}

fn limited<'v>(field: &Field, text: Cow<'v, str>, cut: bool) -> Fitted<'v> {
    let most = field.length as usize;
    if most == 0 || text.len() <= most || text.chars().count() <= most {
        return Ok((Fit::Text(text), None));
    }
    if cut {
        let text: String = text.chars().take(most).collect();
        return Ok((Fit::Text(text.into()), Some(Note::Sent(TEXT_CUT))));
    }
    Err(Note::LeftOut(TEXT_TOO_LONG))
}

/// A number in E.164. One that names no country goes as it is: people read it, and know whose it is.
fn number_of_phone<'v>(field: &Field, value: Value<'v>) -> Fitted<'v> {
    let text = phone::text_of(value).ok_or(REFUSED)?;
    match phone::read(&text, None).ok_or(REFUSED)? {
        Number::International(number) => limited(field, number.into(), false),
        Number::National(_) => {
            let (fit, _) = limited(field, text, false)?;
            Ok((fit, Some(Note::Sent(PHONE_NOT_E164))))
        }
    }
}

/// The JSON text of a number, as it came or inside a text.
fn number(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Number(text) => Some(text),
        Value::Text(text) => {
            let text = trim(text);
            // JSON's own grammar, which has no `+1`, `.5`, `0x1` or `NaN`.
            serde_json::from_str::<serde_json::Number>(text).is_ok().then_some(text)
        }
        _ => None,
    }
}

/// A whole number of 32 bits; `450.0` is one.
fn integer(value: Value<'_>) -> Result<Cow<'_, str>, Note> {
    let text = number(value).ok_or(REFUSED)?;
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return Err(REFUSED),
        None => text,
    };
    if whole.contains(['e', 'E']) {
        return Err(REFUSED);
    }
    match whole.parse::<i32>() {
        Ok(_) => Ok(whole.into()),
        Err(_) => Err(Note::LeftOut(OUT_OF_RANGE)),
    }
}

/// `YYYY-MM-DDThh:mm:ss.sssZ`, or with an offset. A day alone is its first moment; a time without zone is UTC.
fn moment(value: Value<'_>, order: Option<Order>) -> Result<String, Unread> {
    let midnight = Clock { hour: 0, minute: 0, second: 0, millis: 0, offset: None };
    let Moment { date, clock } = value.moment(order)?;
    let mut clock = clock.unwrap_or(midnight);
    clock.offset = clock.offset.or(Some(0));
    Ok(format!("{:.3}", Moment { date, clock: Some(clock) }))
}

fn no_date(why: Unread) -> Note {
    Note::LeftOut(why.code(MALFORMED))
}

/// The value as a restricted picklist spells it.
fn choice<'v>(field: &Field, text: Cow<'v, str>) -> Result<Cow<'v, str>, Note> {
    let Some(values) = &field.values else { return Ok(text) };
    if text.is_empty() || values.iter().any(|known| *known == text) {
        return Ok(text);
    }
    let known = values.iter().find(|known| known.eq_ignore_ascii_case(trim(&text)));
    known.map(|known| Cow::Owned(known.clone())).ok_or(Note::LeftOut(NO_SUCH_CHOICE))
}

/// Values with semicolons between them. A value of a list that has one itself would become two.
fn choices(field: &Field, value: Value<'_>) -> Result<String, Note> {
    let values = match value {
        Value::Text(text) => text.split(';').map(str::to_owned).collect(),
        Value::Json(text) if text.trim_start().starts_with('[') => {
            let plain = |item: &serde_json::Value| !item.is_object() && !item.is_array() && !item.is_null();
            let items: Vec<serde_json::Value> = json::read(value).ok_or(REFUSED)?;
            if !items.iter().all(plain) {
                return Err(REFUSED);
            }
            json::texts(value)
        }
        Value::Number(_) | Value::Bool(_) => json::texts(value),
        _ => return Err(REFUSED),
    };
    let is_list = matches!(value, Value::Json(_));
    let mut known = Vec::with_capacity(values.len());
    for value in values {
        if is_list && value.contains(';') {
            return Err(REFUSED);
        }
        known.push(choice(field, value.into())?.into_owned());
    }
    Ok(known.join(";"))
}

#[cfg(test)]
mod tests;
