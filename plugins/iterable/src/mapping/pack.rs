//! Records packed into deliveries whose requests bring the same members about, one after the other.
//!
//! Invariants: no request is larger than the limits, and no identifier occurs twice in a delivery, because an answer
//! names users by their identifiers (test `an_identifier_occurs_once_in_a_delivery`).

use std::collections::{BTreeMap, HashSet};

use enroute_sdk::{Limit, Mapping, Member, Reject};

use crate::request::{Call, Requests};

/// Where a record stands in its delivery: withdrawals before entries, one withdrawal of a member in each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stage {
    pub(super) enters: bool,
    pub(super) round: usize,
    pub(super) call: Call,
}

/// Everything that is to be sent of one member, in buffers that are used again.
#[derive(Debug, Default)]
pub(super) struct Records {
    stages: Vec<Stage>,
    /// Where each record ends in `text`.
    ends: Vec<usize>,
    text: Vec<u8>,
    identifiers: Vec<String>,
}

impl Records {
    pub(super) fn clear(&mut self) {
        self.stages.clear();
        self.ends.clear();
        self.text.clear();
        self.identifiers.clear();
    }

    /// Adds the record that `write` appends.
    pub(super) fn add<E>(&mut self, stage: Stage, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        write(&mut self.text)?;
        self.stages.push(stage);
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Notes an identifier that the records name.
    pub(super) fn name(&mut self, kind: char, identifier: &str) {
        let mut name = String::with_capacity(identifier.len() + 1);
        name.push(kind);
        name.push_str(identifier);
        if !self.identifiers.contains(&name) {
            self.identifiers.push(name);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Stage, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let texts = starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default());
        self.stages.iter().copied().zip(texts)
    }
}

/// The deliveries of one operation.
#[derive(Debug)]
pub(super) struct Packing<'r> {
    operation: &'static str,
    limit: Limit,
    requests: &'r Requests<'r>,
    open: BTreeMap<Stage, Body>,
    named: HashSet<String>,
}

/// A request in the making.
#[derive(Debug, Default)]
struct Body {
    bytes: Vec<u8>,
    members: Vec<u32>,
}

impl<'r> Packing<'r> {
    pub(super) fn new(operation: &'static str, limit: Limit, requests: &'r Requests<'r>) -> Self {
        Self { operation, limit, requests, open: BTreeMap::new(), named: HashSet::new() }
    }

    /// Adds a member with its records, of which there is at least one; a record that fits no request rejects it.
    pub(super) fn push(&mut self, out: &mut Mapping, member: Member<'_>, records: &mut Records) {
        for (stage, record) in records.iter() {
            let room = self.limit.bytes.saturating_sub(self.requests.frame_bytes(stage.call));
            if record.len() > room {
                let reason = format!("the record has {} bytes, more than the {room} that fit", record.len());
                out.reject(member, Reject::new("record_too_large", reason));
                return;
            }
        }
        if !self.has_room(records) {
            self.cut(out);
        }
        for (stage, record) in records.iter() {
            let body = self.open.entry(stage).or_default();
            body.bytes.extend_from_slice(if body.members.is_empty() { self.requests.prefix(stage.call) } else { b"," });
            body.bytes.extend_from_slice(record);
            body.members.push(member.index());
        }
        self.named.extend(records.identifiers.drain(..));
    }

    /// Ends the last delivery.
    pub(super) fn finish(mut self, out: &mut Mapping) {
        self.cut(out);
    }

    fn has_room(&self, records: &Records) -> bool {
        let fits = |(stage, record): (Stage, &[u8])| {
            self.open.get(&stage).is_none_or(|body| {
                let bytes = body.bytes.len() + 1 + record.len() + self.requests.suffix_bytes(stage.call);
                body.members.len() < self.limit.members && bytes <= self.limit.bytes
            })
        };
        records.iter().all(fits) && !records.identifiers.iter().any(|name| self.named.contains(name))
    }

    fn cut(&mut self, out: &mut Mapping) {
        self.named.clear();
        let open = std::mem::take(&mut self.open);
        if open.is_empty() {
            return;
        }
        let requests =
            open.into_iter().map(|(stage, body)| (body.members, self.requests.finish(stage.call, body.bytes)));
        out.deliver_all(self.operation, requests.collect());
    }
}
