//! Records packed into as few requests as the limits allow.
//!
//! Invariant: no body is larger than the limit, no request has more members, and a member never straddles two
//! requests (test `requests_stay_within_both_limits`).

mod rounds;

use crate::context::Limit;
use crate::{Mapping, Member, Reject, Request};

pub use rounds::Rounds;

/// What stands around the records of a body.
///
/// ```
/// use enroute_sdk::Frame;
///
/// let frame = Frame::json_array("{\"users\":[", "]}");
/// assert_eq!(frame.separator, b",");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Before the first record.
    pub prefix: Vec<u8>,
    /// Between two records.
    pub separator: Vec<u8>,
    /// After the last record.
    pub suffix: Vec<u8>,
}

impl Frame {
    /// Records between commas.
    #[must_use]
    pub fn json_array(prefix: impl Into<Vec<u8>>, suffix: impl Into<Vec<u8>>) -> Self {
        Self { prefix: prefix.into(), separator: b",".to_vec(), suffix: suffix.into() }
    }

    /// Records on lines of their own.
    ///
    /// ```
    /// assert_eq!(enroute_sdk::Frame::lines("id\n").suffix, b"\n");
    /// ```
    #[must_use]
    pub fn lines(prefix: impl Into<Vec<u8>>) -> Self {
        Self { prefix: prefix.into(), separator: b"\n".to_vec(), suffix: b"\n".to_vec() }
    }
}

/// Packs members into deliveries of one request each.
///
/// ```
/// use enroute_sdk::testing::{Fixture, Person};
/// use enroute_sdk::{Frame, Limit, Mapping, Packer, Request, json};
///
/// let fixture = Fixture::new()
///     .identifier_field("id")
///     .member(Person::added("a").identifier("id", "a"))
///     .member(Person::added("b").identifier("id", "b"));
/// let mapped = fixture.with_batch(|batch| {
///     let mut out = Mapping::new();
///     let build = |body, _members| Request::post("https://api.example.com").json(body);
///     let limit = Limit { members: 10, bytes: 1_000 };
///     let mut packer = Packer::new("add", limit, Frame::json_array("[", "]"), build);
///     for member in batch.members() {
///         packer.push(&mut out, member, |body, _| {
///             json::write_value(body, member.identifier(0));
///             Ok(())
///         });
///     }
///     packer.finish(&mut out);
///     out.into_mapped()
/// });
/// assert_eq!(mapped.deliveries[0].requests[0].members, [0, 1]);
/// assert_eq!(mapped.deliveries[0].requests[0].request.body, br#"["a","b"]"#);
/// ```
#[derive(Debug)]
pub struct Packer<F> {
    operation: String,
    limit: Limit,
    record_bytes_max: usize,
    frame: Frame,
    build: F,
    body: Vec<u8>,
    members: Vec<u32>,
}

impl<F: Fn(Vec<u8>, usize) -> Request> Packer<F> {
    /// A packer for an operation of the manifest. `build` makes the request from its body and the number of members.
    #[must_use]
    pub fn new(operation: &str, limit: Limit, frame: Frame, build: F) -> Self {
        let record_bytes_max = limit.bytes.saturating_sub(frame.prefix.len() + frame.suffix.len());
        let operation = operation.to_owned();
        Self { operation, limit, record_bytes_max, frame, build, body: Vec::new(), members: Vec::new() }
    }

    /// Rejects records above this many bytes, for destinations that limit records too.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.record_bytes_max = self.record_bytes_max.min(bytes);
        self
    }

    /// Adds a member. `write` appends its record to the body, or says why there is none; what it wrote before it
    /// said so is taken back. A record too large for any request is rejected as `record_too_large`.
    pub fn push(
        &mut self,
        out: &mut Mapping,
        member: Member<'_>,
        write: impl FnOnce(&mut Vec<u8>, &mut Mapping) -> Result<(), Reject>,
    ) {
        let end = self.body.len();
        self.body.extend_from_slice(if end == 0 { &self.frame.prefix } else { &self.frame.separator });
        let start = self.body.len();
        if let Err(reject) = write(&mut self.body, out) {
            self.body.truncate(end);
            out.reject(member, reject);
            return;
        }
        let bytes = self.body.len().saturating_sub(start);
        if bytes > self.record_bytes_max {
            self.body.truncate(end);
            out.reject(member, too_large(bytes, self.record_bytes_max));
            return;
        }
        let full = self.members.len() >= self.limit.members.max(1)
            || self.body.len() + self.frame.suffix.len() > self.limit.bytes;
        if full && !self.members.is_empty() {
            self.cut(out, end, start);
        }
        self.members.push(member.index());
    }

    /// Ends the last request.
    pub fn finish(mut self, out: &mut Mapping) {
        if !self.members.is_empty() {
            let end = self.body.len();
            self.cut(out, end, end);
        }
    }

    /// Makes a request of the body up to `end`; the record from `start` on begins the next one.
    fn cut(&mut self, out: &mut Mapping, end: usize, start: usize) {
        let record = self.body.get(start..).unwrap_or_default();
        let mut next = Vec::new();
        if !record.is_empty() {
            next.reserve(end + self.frame.suffix.len());
            next.extend_from_slice(&self.frame.prefix);
            next.extend_from_slice(record);
        }
        self.body.truncate(end);
        self.body.extend_from_slice(&self.frame.suffix);
        let body = std::mem::replace(&mut self.body, next);
        let room = Vec::with_capacity(self.members.len());
        let members = std::mem::replace(&mut self.members, room);
        let request = (self.build)(body, members.len());
        out.deliver(&self.operation, members, request);
    }
}

fn too_large(bytes: usize, most: usize) -> Reject {
    Reject::new("record_too_large", format!("the record has {bytes} bytes, more than the {most} that fit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, Person};

    fn pack(ids: &[&str], limit: Limit, record_bytes_max: usize) -> Vec<String> {
        let people = ids.iter().fold(Fixture::new().identifier_field("id"), |fixture, id| {
            fixture.member(Person::added(id).identifier("id", *id))
        });
        let mapped = people.with_batch(|batch| {
            let mut out = Mapping::new();
            let build = |body, _| Request::post("https://api.example.com").json(body);
            let frame = Frame::json_array("[", "]");
            let mut packer = Packer::new("add", limit, frame, build).record_bytes_max(record_bytes_max);
            for member in batch.members() {
                packer.push(&mut out, member, |body, _| {
                    crate::json::write_value(body, member.identifier(0));
                    if member.identifier(0) == crate::Value::Text("bad") {
                        return Err(Reject::new("bad", "it is bad"));
                    }
                    Ok(())
                });
            }
            packer.finish(&mut out);
            out.into_mapped()
        });
        let bodies = mapped.deliveries.iter().map(|delivery| {
            let request = &delivery.requests[0];
            format!("{:?} {}", request.members, String::from_utf8_lossy(&request.request.body))
        });
        let rejections = mapped.rejections.iter().map(|rejection| format!("{} {}", rejection.member, rejection.code));
        bodies.chain(rejections).collect()
    }

    #[test]
    fn requests_stay_within_both_limits() {
        let roomy = Limit { members: 2, bytes: 100 };
        assert_eq!(pack(&["a", "b", "c"], roomy, 100), [r#"[0, 1] ["a","b"]"#, r#"[2] ["c"]"#]);
        let tight = Limit { members: 9, bytes: 9 };
        assert_eq!(pack(&["a", "b", "c"], tight, 100), [r#"[0, 1] ["a","b"]"#, r#"[2] ["c"]"#]);
        assert_eq!(pack(&["a", "b"], Limit { members: 9, bytes: 8 }, 100), [r#"[0] ["a"]"#, r#"[1] ["b"]"#]);
    }

    #[test]
    fn a_record_that_fits_nowhere_is_rejected_and_the_others_go() {
        let limit = Limit { members: 9, bytes: 100 };
        let expect = [r#"[0, 2] ["a","c"]"#, "1 record_too_large"];
        assert_eq!(pack(&["a", "bbbbbbbbb", "c"], limit, 5), expect);
        assert_eq!(pack(&["bbb"], Limit { members: 9, bytes: 6 }, 100), ["0 record_too_large"]);
    }

    #[test]
    fn a_rejected_member_leaves_nothing_in_the_body() {
        let limit = Limit { members: 9, bytes: 100 };
        assert_eq!(pack(&["bad", "a", "bad", "b"], limit, 100), [r#"[1, 3] ["a","b"]"#, "0 bad", "2 bad"]);
        assert_eq!(pack(&["bad"], limit, 100), ["0 bad"]);
    }
}
