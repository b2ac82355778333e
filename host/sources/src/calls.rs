//! Calls as clients of the tracking API send them: alone or in a batch, checked one by one.
//!
//! The API is Segment's (its documentation of the HTTP API and of sources): what a call must have, and what its parts
//! are called. What must never happen: one bad call that takes its batch along, or a value in a reason.

use std::borrow::Cow;

use enroute_core::call::CallKind;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::json::{Entries, Key, check_depth, check_surrogates, object, utf8};
use crate::reject::{Code, ID_BYTES_MAX};
use enroute_store::calls::{ANONYMOUS_KEY, Call};
use enroute_store::events::message_hash;
use enroute_store::seal::{HASH_BYTES, Sealer};

/// Largest call, in bytes of JSON. Segment takes 32 KB; its clients cut there.
pub const CALL_BYTES_MAX: usize = 32_768;

/// Largest batch, in bytes of JSON. Segment takes 500 KB; clients cut at up to 512,000 bytes and count wrongly at times.
pub const BATCH_BYTES_MAX: usize = 524_288;

/// Parts of a call that differ when it is sent again, and so do not tell it from another.
const OF_THE_SENDING: [&str; 2] = ["sentAt", "writeKey"];

/// Ids that systems write for nobody, in lower case; zeros and dashes are as well.
const NOBODY: [&str; 4] = ["-1", "null", "undefined", "anonymous"];

/// Why a call is not taken. The words are those that Segment shows for them, where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It is no object, or its JSON is odd: a key twice, nested too deep, half a character.
    InvalidCall,
    /// Larger than [`CALL_BYTES_MAX`].
    PayloadTooLarge,
    /// Without `type`, or with one that nobody knows.
    CallType,
    /// With neither user nor visitor.
    NoUserAnonId,
    /// An id that is longer than ids are, or that is kept for visitors.
    BadId,
    /// A track call that does not say what happened.
    EventNotDefined,
    /// A track call whose event is no text.
    EventNotString,
    /// Properties that are no object.
    PropertiesNotObject,
    /// Traits that are no object.
    TraitsNotObject,
    /// An alias without both ids, or a group call without the group's.
    IdRequired,
    /// A timestamp that is no moment.
    Time,
}

impl Fault {
    /// The fault as metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCall => "invalid_call",
            Self::PayloadTooLarge => "payload_too_large",
            Self::CallType => "call_type",
            Self::NoUserAnonId => "no_user_anon_id",
            Self::BadId => "bad_id",
            Self::EventNotDefined => "event_not_defined",
            Self::EventNotString => "event_not_string",
            Self::PropertiesNotObject => "properties_not_object",
            Self::TraitsNotObject => "traits_not_object",
            Self::IdRequired => "id_required",
            Self::Time => "time",
        }
    }
}

/// What a request has: its calls, and what stands beside them.
#[derive(Debug)]
pub struct Sent<'a> {
    /// The calls.
    pub calls: Vec<&'a RawValue>,
    /// The write key, where the body has it.
    pub key: Option<Cow<'a, str>>,
    /// When the client sent it, in ms since 1970.
    pub sent_ms: Option<i64>,
}

/// Reads a batch. The error says what is wrong, without repeating anything.
///
/// # Errors
///
/// A body that is not JSON, no object, or whose `batch` is no list.
pub fn batch(body: &[u8]) -> Result<Sent<'_>, String> {
    let entries = entries(body)?;
    let calls = match find(&entries, "batch") {
        None => Vec::new(),
        Some(list) => serde_json::from_str(list.get()).map_err(|_| "`batch` must be a list".to_owned())?,
    };
    Ok(Sent { calls, ..beside(&entries) })
}

/// Reads a single call.
///
/// # Errors
///
/// A body that is not JSON, or no object.
pub fn single(body: &[u8]) -> Result<Sent<'_>, String> {
    let call = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(Sent { calls: vec![call], ..beside(&entries(body)?) })
}

fn entries(body: &[u8]) -> Result<Entries<'_>, String> {
    let found = utf8(body).and_then(|text| object(text, Code::NotAnObject, "the body"));
    found.map_err(|bad| bad.reason)
}

fn beside<'a>(entries: &Entries<'a>) -> Sent<'a> {
    let key = find(entries, "writeKey").and_then(text);
    Sent { calls: Vec::new(), key, sent_ms: find(entries, "sentAt").and_then(moment) }
}

/// What every call of a request shares.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The kind, where the request's path says it.
    pub kind: Option<CallKind>,
    /// When it came, in ms since 1970.
    pub received_ms: i64,
    /// When the client says that it sent it.
    pub sent_ms: Option<i64>,
    /// What hashes with the store's key.
    pub sealer: &'a Sealer,
}

/// A call that was checked, and what it said of its sending.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The call.
    pub call: Call<'a>,
    /// Its own write key.
    pub key: Option<Cow<'a, str>>,
    /// By how much its moment was moved, because the client's clock is wrong, in ms.
    pub moved_ms: i64,
}

/// Checks a call.
///
/// # Errors
///
/// [`Fault`]; the kind is told where the call has one.
pub fn check<'a>(raw: &'a RawValue, arrival: &Arrival<'_>) -> Result<Checked<'a>, (Option<CallKind>, Fault)> {
    let bad = |fault| move |_| (None, fault);
    let line = raw.get();
    if line.len() > CALL_BYTES_MAX {
        return Err((arrival.kind, Fault::PayloadTooLarge));
    }
    let entries = object(line, Code::NotAnObject, "the call").map_err(bad(Fault::InvalidCall))?;
    check_depth(line).and_then(|()| check_surrogates(line)).map_err(bad(Fault::InvalidCall))?;
    let said = find(&entries, "type").and_then(text);
    let kind = arrival.kind.or_else(|| said.as_deref().and_then(CallKind::parse));
    let kind = kind.ok_or((None, Fault::CallType))?;
    fields(&entries, kind, arrival).map_err(|fault| (Some(kind), fault))
}

fn fields<'a>(entries: &Entries<'a>, kind: CallKind, arrival: &Arrival<'_>) -> Result<Checked<'a>, Fault> {
    let user = id(entries, "userId")?.filter(|id| !is_nobody(id));
    if user.as_ref().is_some_and(|user| user.starts_with(ANONYMOUS_KEY)) {
        return Err(Fault::BadId);
    }
    let anonymous = id(entries, "anonymousId")?.filter(|id| !is_nobody(id));
    if user.is_none() && anonymous.is_none() {
        return Err(if kind == CallKind::Alias { Fault::IdRequired } else { Fault::NoUserAnonId });
    }
    let previous = id(entries, "previousId")?;
    let is_whole = match kind {
        CallKind::Alias => previous.is_some() && user.is_some(),
        CallKind::Group => id(entries, "groupId")?.is_some(),
        _ => true,
    };
    if !is_whole {
        return Err(Fault::IdRequired);
    }
    let name = if kind == CallKind::Track { Some(event(find(entries, "event"))?) } else { None };
    let data = data(entries, kind)?;
    let (at_ms, moved_ms) = when(entries, arrival)?;
    let message = message(entries, kind, arrival.sealer);
    let previous = previous.filter(|_| kind == CallKind::Alias);
    let call = Call { kind, user, anonymous, previous, name, at_ms, message, data: data.map(Cow::Borrowed) };
    Ok(Checked { call, key: find(entries, "writeKey").and_then(text), moved_ms })
}

fn event(value: Option<&RawValue>) -> Result<Cow<'_, str>, Fault> {
    let name = text(value.ok_or(Fault::EventNotDefined)?).ok_or(Fault::EventNotString)?;
    if name.is_empty() { Err(Fault::EventNotDefined) } else { Ok(name) }
}

/// What is kept of a call: the properties of what happened, or traits. Others are only checked.
fn data<'a>(entries: &Entries<'a>, kind: CallKind) -> Result<Option<&'a RawValue>, Fault> {
    let (part, fault) = match kind {
        CallKind::Identify | CallKind::Group => ("traits", Fault::TraitsNotObject),
        CallKind::Track | CallKind::Page | CallKind::Screen => ("properties", Fault::PropertiesNotObject),
        CallKind::Alias => return Ok(None),
    };
    let Some(value) = find(entries, part) else { return Ok(None) };
    if !value.get().starts_with('{') {
        return Err(fault);
    }
    object(value.get(), Code::PartType, part).map_err(|_| Fault::InvalidCall)?;
    Ok(Some(value).filter(|_| matches!(kind, CallKind::Track | CallKind::Identify)))
}

/// When it happened, by our clock: as long before it came as by the client's clock it lay before the sending. Never
/// later than it came.
fn when(entries: &Entries<'_>, arrival: &Arrival<'_>) -> Result<(i64, i64), Fault> {
    let Some(said) = find(entries, "timestamp") else { return Ok((arrival.received_ms, 0)) };
    let said = moment(said).ok_or(Fault::Time)?;
    let sent = find(entries, "sentAt").and_then(moment).or(arrival.sent_ms);
    let at = sent.map_or(said, |sent| arrival.received_ms.saturating_sub(sent.saturating_sub(said)));
    let at = at.min(arrival.received_ms);
    Ok((at, at.saturating_sub(said)))
}

/// What tells a call from others: its id, or all it says but for what belongs to the sending.
fn message(entries: &Entries<'_>, kind: CallKind, sealer: &Sealer) -> [u8; HASH_BYTES] {
    if let Some(id) = find(entries, "messageId").and_then(text).filter(|id| !id.is_empty()) {
        return message_hash(sealer, Ok(&id));
    }
    let mut hasher = sealer.keyed_hasher("call");
    hasher.update_part(Some(kind.as_str().as_bytes()));
    for (name, value) in entries.iter().filter(|(name, _)| !OF_THE_SENDING.contains(&name.as_ref())) {
        hasher.update_part(Some(name.as_bytes()));
        hasher.update_part(Some(value.get().as_bytes()));
    }
    hasher.finish()
}

/// An id: a text or a number, which becomes one. Null and nothing are no id, whatever else is there is a mistake.
fn id<'a>(entries: &Entries<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    let Some(value) = find(entries, name) else { return Ok(None) };
    let id = match value.get().as_bytes().first() {
        Some(b'"') => text(value).ok_or(Fault::BadId)?,
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(value.get()),
        _ => return Err(Fault::BadId),
    };
    if id.len() > ID_BYTES_MAX {
        return Err(Fault::BadId);
    }
    Ok(Some(id).filter(|id| !id.trim().is_empty()))
}

fn is_nobody(id: &str) -> bool {
    id.chars().all(|c| c == '0' || c == '-') || NOBODY.contains(&id.to_ascii_lowercase().as_str())
}

fn find<'a>(entries: &Entries<'a>, name: &str) -> Option<&'a RawValue> {
    let found = entries.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    found.filter(|value| value.get() != "null")
}

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(value.get()).map(|Key(text)| text).ok()
}

fn moment(value: &RawValue) -> Option<i64> {
    text(value)?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests;
