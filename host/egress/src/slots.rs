//! Slots filled with what only the host knows: the remote, the request's key, what was just learned.
//!
//! Pure. A body without slots is passed on byte for byte, and one with slots changes only there: numbers keep their
//! digits and members their order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use enroute_core::request::{Item, Method, Request, SEGMENT_EXTRA, SlotPlace, SlotValue, escape_into};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::encode::{json_string, percent};
use crate::hosts::Origin;
use crate::rules::{Refused, header, path_slot, segment};
use enroute_config::secret::Secret;

/// Longest text that fills a slot.
///
/// Ids and upload URLs are far shorter; anything longer is no id.
const FILLED_BYTES_MAX: usize = 4 << 10;

/// What slots are filled with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fill<'a> {
    /// The stored remote.
    pub remote: Option<&'a Value>,
    /// The key that is the same whenever the delivery is repeated.
    pub request_key: &'a str,
    /// What earlier answers of the same delivery taught.
    pub learned: &'a [Item],
    /// The time that timed proofs are made for.
    pub unix_seconds: u64,
    /// The token of the moment, where the manifest's auth wants one.
    pub token: Option<&'a Secret>,
}

/// A request as it leaves, all slots filled.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) origin: Origin,
    /// Escaped, with `/` in front.
    pub(super) path: String,
    /// Escaped, without `?`.
    pub(super) query: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

// No derive: once credentials are in, path, query, headers and body are secrets.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} {})", self.method.as_str(), self.origin)
    }
}

impl Outgoing {
    /// Adds an item at the end of the query.
    pub(super) fn push_query(&mut self, name: &str, value: &str) {
        push_query(&mut self.query, name, value);
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| value)
    }
}

/// Fills the slots of a request that the policy has let through.
pub(super) fn fill(request: &Request, origin: Origin, fill: &Fill<'_>) -> Result<Outgoing, Refused> {
    let mut path = String::new();
    for (index, text) in request.path.iter().enumerate() {
        path.push('/');
        match path_slot(request, index) {
            Some(slot) => {
                let filled = filled_text(&slot.place, &slot.value, fill)?;
                segment(index, &filled)?;
                escape_into(&mut path, &filled, SEGMENT_EXTRA);
            }
            None => escape_into(&mut path, text, SEGMENT_EXTRA),
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    let mut query = String::new();
    for item in &request.query {
        push_query(&mut query, &item.name, &item_text(request, item, &SlotPlace::Query(item.name.clone()), fill)?);
    }
    let mut headers = Vec::with_capacity(request.headers.len());
    for item in &request.headers {
        let text = item_text(request, item, &SlotPlace::Header(item.name.clone()), fill)?;
        headers.push(header(&item.name, &text)?);
    }
    Ok(Outgoing { method: request.method, origin, path, query, headers, body: body(request, fill)? })
}

/// The value of a header or query item, from its slot where it has one.
fn item_text<'a>(
    request: &Request,
    item: &'a Item,
    place: &SlotPlace,
    fill: &Fill<'_>,
) -> Result<Cow<'a, str>, Refused> {
    let here = |candidate: &SlotPlace| match (candidate, place) {
        (SlotPlace::Header(a), SlotPlace::Header(b)) => a.eq_ignore_ascii_case(b),
        _ => candidate == place,
    };
    match request.slots.iter().find(|slot| here(&slot.place)) {
        Some(slot) => filled_text(&slot.place, &slot.value, fill).map(Cow::Owned),
        None => Ok(Cow::Borrowed(&item.value)),
    }
}

fn body(request: &Request, fill: &Fill<'_>) -> Result<Bytes, Refused> {
    let mut edits = Vec::new();
    for slot in &request.slots {
        if let SlotPlace::Body(pointer) = &slot.place {
            let at = locate(&request.body, pointer).ok_or_else(|| Refused::Slot {
                place: slot.place.to_string(),
                problem: "stands where there is nothing",
            })?;
            edits.push((at, filled(&slot.place, &slot.value, fill)?.to_string()));
        }
    }
    if edits.is_empty() {
        return Ok(Bytes::copy_from_slice(&request.body));
    }
    // From the end, so that the places in front stay where they are.
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut body = request.body.clone();
    for (at, text) in edits {
        body.splice(at, text.into_bytes());
    }
    Ok(Bytes::from(body))
}

/// What goes into a slot: a text or a number, which in a body stays a number.
fn filled(place: &SlotPlace, value: &SlotValue, fill: &Fill<'_>) -> Result<Value, Refused> {
    let found = match value {
        SlotValue::Remote(pointer) => fill.remote.and_then(|remote| remote.pointer(pointer)).cloned(),
        SlotValue::RequestKey => Some(Value::from(fill.request_key)),
        SlotValue::Learned(name) => {
            fill.learned.iter().find(|item| item.name == *name).map(|item| Value::from(item.value.as_str()))
        }
    };
    let refused = |problem| Refused::Slot { place: place.to_string(), problem };
    match found {
        Some(Value::String(text)) if text.is_empty() => Err(refused("would be filled with an empty text")),
        Some(Value::String(text)) if text.len() > FILLED_BYTES_MAX => Err(refused("would be filled with over 4 KiB")),
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(refused("would be filled with a control character"))
        }
        Some(value @ (Value::String(_) | Value::Number(_))) => Ok(value),
        Some(_) => Err(refused("would be filled with neither a text nor a number")),
        None => Err(Refused::NoValue { place: place.to_string(), value: value.to_string() }),
    }
}

fn filled_text(place: &SlotPlace, value: &SlotValue, fill: &Fill<'_>) -> Result<String, Refused> {
    Ok(match filled(place, value, fill)? {
        Value::String(text) => text,
        number => number.to_string(),
    })
}

fn push_query(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    escape_into(query, name, b"");
    query.push('=');
    escape_into(query, value, b"");
}

/// Where the value at a JSON pointer stands in a JSON text; none for the whole text or where nothing is.
pub(super) fn locate(body: &[u8], pointer: &str) -> Option<Range<usize>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut at: &RawValue = serde_json::from_str(text).ok()?;
    for token in pointer.strip_prefix('/')?.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = if at.get().starts_with('{') {
            members(at.get())?.remove(token.as_str())?
        } else {
            let plain = token == "0" || !token.starts_with('0');
            let index = token.parse::<usize>().ok().filter(|_| plain)?;
            serde_json::from_str::<Vec<&RawValue>>(at.get()).ok()?.get(index).copied()?
        };
    }
    let start = at.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    Some(start..start.checked_add(at.get().len())?)
}

/// The members of a JSON object, unread; none where the text is no object.
fn members(object: &str) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(object).ok()
}

/// Puts a member in front of all others of a JSON object.
pub(super) fn with_member(body: &[u8], name: &str, value: &str) -> Result<Bytes, Refused> {
    let none = Refused::BodyKind { wanted: "JSON object" };
    let Some(text) = std::str::from_utf8(body).ok() else { return Err(none) };
    let Some(known) = members(text) else { return Err(none) };
    if known.contains_key(name) {
        return Err(Refused::BodyOwned(name.to_owned()));
    }
    let comma = if known.is_empty() { "" } else { "," };
    let Some((front, rest)) = text.split_once('{') else { return Err(none) };
    Ok(Bytes::from(format!("{front}{{{}:{}{comma}{rest}", json_string(name), json_string(value))))
}

/// Puts a field behind all others of a form.
pub(super) fn with_field(body: &[u8], name: &str, value: &str) -> Result<Bytes, Refused> {
    let text = std::str::from_utf8(body).map_err(|_| Refused::BodyKind { wanted: "form" })?;
    if text.split('&').any(|field| unescaped(field.split('=').next().unwrap_or(field)) == name.as_bytes()) {
        return Err(Refused::BodyOwned(name.to_owned()));
    }
    let and = if text.is_empty() { "" } else { "&" };
    Ok(Bytes::from(format!("{text}{and}{}={}", percent(name), percent(value))))
}

/// The bytes that a form means.
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, digits.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                out.push(b' ');
                rest = behind;
            }
            _ => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
