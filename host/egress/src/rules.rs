//! Why a request does not leave, and the rules for its single parts.
//!
//! Messages name places and never quote a value, for values may be traits of a person.

use enroute_core::request::{Request, Slot, SlotPlace};
use hyper::header::{HeaderName, HeaderValue};

use crate::assertion::KeyError;
use crate::hosts::Denied;

/// Headers that frame the message, name its sender or its way: the host's alone.
const FORBIDDEN: [&str; 13] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "keep-alive",
    "cookie",
    "authorization",
    "accept-encoding",
    "http2-settings",
];

/// Why a request does not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("origin `{0}` is not like `https://api.example.com` or `https://api.example.com:8443`")]
    Origin(String),
    #[error("origin `{0}` must begin with `https://`: the destination has no `allow_networks`")]
    PlainHttp(String),
    #[error(transparent)]
    Host(#[from] Denied),
    #[error("host `{host}` must not be reached: {reason}")]
    Address { host: String, reason: String },
    #[error("the URL is not one")]
    Url,
    #[error("path segment {0} is `.` or `..`")]
    Dots(usize),
    #[error("path segment {0} has a control character")]
    SegmentCharacter(usize),
    #[error("path segment {0} is empty, and neither the last one nor a slot")]
    SegmentEmpty(usize),
    #[error("header `{0}` belongs to the host")]
    HeaderForbidden(String),
    #[error("`{0}` is not the name of a header")]
    HeaderName(String),
    #[error("the value of header `{0}` has a character that headers cannot carry")]
    HeaderValue(String),
    #[error("query item `{0}` belongs to the credential")]
    QueryOwned(String),
    #[error("field `{0}` of the body belongs to the credential")]
    BodyOwned(String),
    #[error("the credential goes into a {wanted} body, and this body is none")]
    BodyKind { wanted: &'static str },
    #[error("{part} has {found} {unit}, and at most {max} are sent")]
    TooMuch { part: &'static str, found: usize, unit: &'static str, max: usize },
    #[error("there is no token to put in")]
    NoToken,
    #[error("the assertion cannot be signed: {0}")]
    Unsigned(#[from] KeyError),
    #[error("the slot at {place} {problem}")]
    Slot { place: String, problem: &'static str },
    #[error("the slot at {place} has nothing to be filled with: {value}")]
    NoValue { place: String, value: String },
}

/// Whether a header, in lower case, can only come from the host.
pub(super) fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name) || name.starts_with("proxy-")
}

/// A header as it leaves.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Refused> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Refused::HeaderName(name.chars().take(40).flat_map(char::escape_debug).collect()))?;
    let value = HeaderValue::from_str(value).map_err(|_| Refused::HeaderValue(parsed.as_str().to_owned()))?;
    Ok((parsed, value))
}

/// Checks one path segment as it will be read at the other side.
pub(super) fn segment(index: usize, text: &str) -> Result<(), Refused> {
    if text == "." || text == ".." {
        return Err(Refused::Dots(index));
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::SegmentCharacter(index));
    }
    Ok(())
}

/// The slot for this path segment, where there is one.
pub(super) fn path_slot(request: &Request, index: usize) -> Option<&Slot> {
    request
        .slots
        .iter()
        .find(|slot| matches!(slot.place, SlotPlace::PathSegment(at) if usize::try_from(at) == Ok(index)))
}
