//! Members with several records each.

use super::{Frame, too_large};
use crate::context::Limit;
use crate::{Mapping, Member, Request};

/// Packs members that need several records, such as one for every identity they were known by.
///
/// A delivery has as many requests as its members have records: the first record of each member stands in the first
/// request, the second in the second. So a request lists a member once, and positions in an answer stay plain.
///
/// ```
/// use enroute_sdk::testing::{Fixture, Person};
/// use enroute_sdk::{Frame, Limit, Mapping, Request, Rounds};
///
/// let fixture = Fixture::new().member(Person::removed("a")).member(Person::removed("b"));
/// let mapped = fixture.with_batch(|batch| {
///     let mut out = Mapping::new();
///     let build = |body, _members| Request::post("https://api.example.com").json(body);
///     let limit = Limit { members: 10, bytes: 1_000 };
///     let mut rounds = Rounds::new("remove", limit, Frame::json_array("[", "]"), build);
///     rounds.push(&mut out, batch.member(0).unwrap(), &[b"1".to_vec(), b"2".to_vec()]);
///     rounds.push(&mut out, batch.member(1).unwrap(), &[b"3".to_vec()]);
///     rounds.finish(&mut out);
///     out.into_mapped()
/// });
/// let requests = &mapped.deliveries[0].requests;
/// assert_eq!((requests[0].request.body.as_slice(), requests[0].members.as_slice()), (&b"[1,3]"[..], &[0, 1][..]));
/// assert_eq!((requests[1].request.body.as_slice(), requests[1].members.as_slice()), (&b"[2]"[..], &[0][..]));
/// ```
#[derive(Debug)]
pub struct Rounds<F> {
    operation: String,
    limit: Limit,
    frame: Frame,
    build: F,
    rounds: Vec<Round>,
}

#[derive(Debug, Default)]
struct Round {
    body: Vec<u8>,
    members: Vec<u32>,
}

impl<F: Fn(Vec<u8>, usize) -> Request> Rounds<F> {
    /// Rounds for an operation of the manifest. `build` makes a request from its body and the number of members.
    #[must_use]
    pub fn new(operation: &str, limit: Limit, frame: Frame, build: F) -> Self {
        Self { operation: operation.to_owned(), limit, frame, build, rounds: Vec::new() }
    }

    /// Adds a member with its records, of which there is at least one. If one of them is too large for any request,
    /// the member is rejected as `record_too_large`.
    pub fn push(&mut self, out: &mut Mapping, member: Member<'_>, records: &[Vec<u8>]) {
        let room = self.limit.bytes.saturating_sub(self.frame.prefix.len() + self.frame.suffix.len());
        if let Some(record) = records.iter().find(|record| record.len() > room) {
            out.reject(member, too_large(record.len(), room));
            return;
        }
        if !self.has_room(records) {
            self.cut(out);
        }
        self.rounds.resize_with(self.rounds.len().max(records.len()), Round::default);
        for (round, record) in self.rounds.iter_mut().zip(records) {
            let before = if round.members.is_empty() { &self.frame.prefix } else { &self.frame.separator };
            round.body.extend_from_slice(before);
            round.body.extend_from_slice(record);
            round.members.push(member.index());
        }
    }

    /// Ends the last delivery.
    pub fn finish(mut self, out: &mut Mapping) {
        self.cut(out);
    }

    fn has_room(&self, records: &[Vec<u8>]) -> bool {
        let around = self.frame.separator.len() + self.frame.suffix.len();
        self.rounds.iter().zip(records).all(|(round, record)| {
            round.members.len() < self.limit.members && round.body.len() + record.len() + around <= self.limit.bytes
        })
    }

    fn cut(&mut self, out: &mut Mapping) {
        let rounds = std::mem::take(&mut self.rounds);
        if rounds.is_empty() {
            return;
        }
        let requests = rounds.into_iter().map(|Round { mut body, members }| {
            body.extend_from_slice(&self.frame.suffix);
            let request = (self.build)(body, members.len());
            (members, request)
        });
        out.deliver_all(&self.operation, requests.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, Person};

    #[test]
    fn a_delivery_ends_where_either_limit_is_reached() {
        let fixture = ["a", "b", "c"].iter().fold(Fixture::new(), |all, id| all.member(Person::removed(id)));
        let deliveries = |limit| {
            let mapped = fixture.with_batch(|batch| {
                let mut out = Mapping::new();
                let build = |body, _| Request::post("https://api.example.com").json(body);
                let mut rounds = Rounds::new("remove", limit, Frame::json_array("[", "]"), build);
                batch.members().for_each(|member| rounds.push(&mut out, member, &[b"11".to_vec(), b"22".to_vec()]));
                rounds.finish(&mut out);
                out.into_mapped()
            });
            assert!(mapped.rejections.is_empty());
            mapped.deliveries.iter().map(|delivery| delivery.requests[0].members.clone()).collect::<Vec<_>>()
        };
        assert_eq!(deliveries(Limit { members: 2, bytes: 100 }), [vec![0, 1], vec![2]]);
        assert_eq!(deliveries(Limit { members: 9, bytes: 7 }), [vec![0, 1], vec![2]]);
        assert_eq!(deliveries(Limit { members: 9, bytes: 6 }), [vec![0], vec![1], vec![2]]);
    }
}
