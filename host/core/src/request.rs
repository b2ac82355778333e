//! Requests as plugins prepare them: typed parts, slots that only the host can fill, and a digest.
//!
//! Pure. Invariant: a slot is a part of the request, never text inside a value, so a trait that reads
//! like a slot stays a trait (test `a_trait_that_reads_like_a_slot_stays_text`).

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// An HTTP method that plugins may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or does what the path says.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes; may have a body.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A name with a value: a header or a query item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name as the plugin wrote it.
    pub name: String,
    /// Plain text; escaped when the request leaves.
    pub value: String,
}

/// Where in a request the host fills something in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotPlace {
    /// The path segment with this index.
    PathSegment(u32),
    /// A query item with this name.
    Query(String),
    /// A header with this name.
    Header(String),
    /// The string at this JSON pointer of a JSON body.
    Body(String),
}

impl fmt::Display for SlotPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathSegment(index) => write!(f, "path segment {index}"),
            Self::Query(name) => write!(f, "query item `{name}`"),
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Body(pointer) => write!(f, "body at `{pointer}`"),
        }
    }
}

/// What the host fills in. Secrets are not among them: those stand where the manifest's auth puts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotValue {
    /// The value at this JSON pointer of the stored remote.
    Remote(String),
    /// A key that is the same whenever the delivery is repeated.
    RequestKey,
    /// Learned from an earlier answer of the same delivery.
    Learned(String),
}

impl fmt::Display for SlotValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(pointer) => write!(f, "remote:{pointer}"),
            Self::RequestKey => f.write_str("request-key"),
            Self::Learned(name) => write!(f, "learned:{name}"),
        }
    }
}

/// A typed part of a request that the host fills at egress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Where it stands.
    pub place: SlotPlace,
    /// What goes in.
    pub value: SlotValue,
}

/// A request before its slots are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `https://host` or `https://host:port`, as the plugin wrote it.
    pub origin: String,
    /// Path segments as plain text.
    pub path: Vec<String>,
    /// Query items as plain text.
    pub query: Vec<Item>,
    /// Headers, without those that the host owns.
    pub headers: Vec<Item>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// What the host will fill in.
    pub slots: Vec<Slot>,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers with lower-case names, in the order of arrival.
    pub headers: Vec<Item>,
    /// The body.
    pub body: Vec<u8>,
}

/// SHA-256 over a request with its slots unfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestDigest(pub [u8; 32]);

impl fmt::Display for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Request {
    /// The digest of what a plan shows: everything but the values of slots.
    ///
    /// Each part is hashed with its length in front, so that no two requests share a digest by running together.
    #[must_use]
    pub fn digest(&self) -> RequestDigest {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.method.as_str().as_bytes());
        part(self.origin.as_bytes());
        part(&(self.path.len() as u64).to_be_bytes());
        self.path.iter().for_each(|segment| part(segment.as_bytes()));
        for items in [&self.query, &self.headers] {
            part(&(items.len() as u64).to_be_bytes());
            for item in items {
                part(item.name.as_bytes());
                part(item.value.as_bytes());
            }
        }
        for slot in &self.slots {
            part(slot.place.to_string().as_bytes());
            part(slot.value.to_string().as_bytes());
        }
        part(&self.body);
        RequestDigest(hash.finalize().into())
    }

    /// The path and query as they leave, with unfilled slots shown as `{…}`.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = String::new();
        for (index, segment) in self.path.iter().enumerate() {
            target.push('/');
            let slot = self
                .slots
                .iter()
                .find(|slot| matches!(slot.place, SlotPlace::PathSegment(at) if usize::try_from(at) == Ok(index)));
            match slot {
                Some(slot) => {
                    let _ = write!(target, "{{{}}}", slot.value);
                }
                None => escape_into(&mut target, segment, SEGMENT_EXTRA),
            }
        }
        if target.is_empty() {
            target.push('/');
        }
        for (index, item) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            escape_into(&mut target, &item.name, b"");
            target.push('=');
            escape_into(&mut target, &item.value, b"");
        }
        target
    }
}

/// Characters besides the unreserved ones that may stand unescaped in a path segment (RFC 3986 `pchar`).
pub const SEGMENT_EXTRA: &[u8] = b"!$&'()*+,;=:@";

/// Appends `text` to `out`, percent-escaping all but RFC 3986's unreserved characters and those in `extra`.
///
/// ```
/// let mut out = String::new();
/// enroute_core::request::escape_into(&mut out, "a/b ü", b"");
/// assert_eq!(out, "a%2Fb%20%C3%BC");
/// ```
pub fn escape_into(out: &mut String, text: &str, extra: &[u8]) {
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || extra.contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            method: Method::Post,
            origin: "https://api.example.com".into(),
            path: vec!["lists".into(), String::new(), "members".into()],
            query: vec![Item { name: "q".into(), value: "a b".into() }],
            headers: vec![],
            body: b"{}".to_vec(),
            slots: vec![Slot { place: SlotPlace::PathSegment(1), value: SlotValue::Remote("/list_id".into()) }],
        }
    }

    #[test]
    fn a_target_shows_slots_and_escapes_text() {
        assert_eq!(request().target(), "/lists/{remote:/list_id}/members?q=a%20b");
    }

    #[test]
    fn a_trait_that_reads_like_a_slot_stays_text() {
        let mut plain = request();
        plain.slots.clear();
        plain.path = vec!["lists".into(), "{remote:/list_id}".into(), "members".into()];
        assert_eq!(plain.target(), "/lists/%7Bremote%3A/list_id%7D/members?q=a%20b".replace("%3A/", ":%2F"));
        assert_ne!(plain.digest(), request().digest());
    }

    #[test]
    fn parts_that_run_together_have_different_digests() {
        let mut other = request();
        other.path = vec!["list".into(), "s".into(), "members".into()];
        assert_ne!(other.digest(), request().digest());
        assert_eq!(request().digest(), request().digest());
    }
}
