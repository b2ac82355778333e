//! What was asked of a server, and what it answered.
//!
//! Owns the bounded record; knows nothing of sockets.

use std::collections::VecDeque;

use bytes::Bytes;

/// One request as it came in, and the status it was answered with.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Position among all requests of the server, from 0; `clear` does not reset it.
    pub sequence: u64,
    /// The method, in capitals.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// Name and value of each query parameter, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// Name (lower-case) and value of each header, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The whole body; empty if a fault closed the connection before reading it.
    pub body: Bytes,
    /// The status answered, or `None` if the connection was cut or is still waiting.
    pub status: Option<u16>,
    /// How many requests of the server had come in by the time of that answer: those from `sequence` to here were on
    /// their way beside it.
    pub seen_when_answered: Option<u64>,
}

/// The requests of a server, oldest first.
#[derive(Debug, Default)]
pub(super) struct Records {
    kept: VecDeque<Recorded>,
    kept_bytes: usize,
    next: u64,
}

impl Recorded {
    /// Requests a server keeps; the oldest go first.
    pub const KEPT_MAX: usize = 10_000;

    /// Body bytes a server keeps over all recorded requests; the oldest go first.
    pub const KEPT_BYTES_MAX: usize = 256 << 20;

    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then_some(token)
    }

    /// Whether the body is declared to be JSON; parameters such as `charset` are fine.
    pub(crate) fn declares_json(&self) -> bool {
        let kind = self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    }
}

impl Records {
    /// Adds a request and returns it with its sequence number.
    pub(super) fn add(&mut self, head: &hyper::http::request::Parts, body: Bytes) -> Recorded {
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let recorded = Recorded {
            sequence: self.next,
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(pairs).unwrap_or_default(),
            headers: head.headers.iter().map(header).collect(),
            body,
            status: None,
            seen_when_answered: None,
        };
        self.next += 1;
        self.kept_bytes += recorded.body.len();
        self.kept.push_back(recorded.clone());
        while self.kept.len() > Recorded::KEPT_MAX || self.kept_bytes > Recorded::KEPT_BYTES_MAX {
            let dropped = self.kept.pop_front().map_or(0, |oldest| oldest.body.len());
            self.kept_bytes -= dropped;
        }
        recorded
    }

    /// Notes the status of a request that is still kept.
    pub(super) fn answered(&mut self, sequence: u64, status: u16) {
        // Most often the newest, so look from the end.
        if let Some(recorded) = self.kept.iter_mut().rev().find(|kept| kept.sequence == sequence) {
            recorded.status = Some(status);
            recorded.seen_when_answered = Some(self.next);
        }
    }

    /// A copy of what is kept.
    pub(super) fn list(&self) -> Vec<Recorded> {
        self.kept.iter().cloned().collect()
    }

    /// Forgets everything but the next sequence number.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.kept_bytes = 0;
    }
}

/// Splits and decodes a query string.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Decodes `+` and `%XX`; a broken escape stays as written.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match after {
            [high, low, behind @ ..] if byte == b'%' => hex_pair(*high, *low).map(|decoded| (decoded, behind)),
            _ => None,
        };
        let plain = if byte == b'+' { b' ' } else { byte };
        let (decoded, behind) = escaped.unwrap_or((plain, after));
        bytes.push(decoded);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte written as two hex digits.
fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expect: &[(&str, &str)]) {
        let expect: Vec<_> = expect.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(pairs(query), expect);
    }

    #[test]
    fn a_query_is_decoded_into_pairs() {
        check("a=1&b=x%2Cy+z", &[("a", "1"), ("b", "x,y z")]);
        check("fields=id%2cname&flag", &[("fields", "id,name"), ("flag", "")]);
        check("", &[]);
    }

    #[test]
    fn a_broken_escape_stays_as_written() {
        check("a=100%&b=%zz&c=%4", &[("a", "100%"), ("b", "%zz"), ("c", "%4")]);
    }

    #[test]
    fn an_answer_notes_who_came_in_before_it() {
        let (head, ()) = hyper::Request::new(()).into_parts();
        let mut records = Records::default();
        let first = records.add(&head, Bytes::new());
        records.add(&head, Bytes::new());
        records.answered(first.sequence, 200);
        let noted = records.list().iter().map(|one| (one.status, one.seen_when_answered)).collect::<Vec<_>>();
        assert_eq!(noted, [(Some(200), Some(2)), (None, None)]);
    }

    #[test]
    fn the_oldest_request_goes_when_too_many_are_kept() {
        let (head, ()) = hyper::Request::new(()).into_parts();
        let mut records = Records::default();
        for _ in 0..=Recorded::KEPT_MAX {
            records.add(&head, Bytes::new());
        }
        let kept = records.list();
        assert_eq!(kept.len(), Recorded::KEPT_MAX);
        assert_eq!(kept[0].sequence, 1);
    }
}
