//! Members whose external id changed: a look-up of the old ids, and then the record of the new one.

use enroute_sdk::{Limit, Mapping, Member, Reject};

use super::plan::Plan;
use super::{LookUp, QUERY_BYTES_MAX, literals};
use crate::request;

/// Packs such members into deliveries of two requests about the same people.
pub(super) struct Moved<'p, 'c> {
    operation: &'static str,
    limit: Limit,
    plan: &'p Plan<'c>,
    look_up: &'p LookUp<'c>,
    members: Vec<u32>,
    soql: Vec<u8>,
    body: Vec<u8>,
}

impl<'p, 'c> Moved<'p, 'c> {
    pub(super) const fn new(
        operation: &'static str,
        limit: Limit,
        plan: &'p Plan<'c>,
        look_up: &'p LookUp<'c>,
    ) -> Self {
        Self { operation, limit, plan, look_up, members: Vec::new(), soql: Vec::new(), body: Vec::new() }
    }

    /// Adds a member with the id of now and those of before.
    pub(super) fn push(
        &mut self,
        out: &mut Mapping,
        member: Member<'_>,
        now: Result<String, Reject>,
        earlier: &[String],
    ) {
        let id = match now {
            Ok(id) => id,
            Err(reject) => return out.reject(member, reject),
        };
        let mut record = Vec::new();
        self.plan.write(&mut record, out, member, &id);
        let ids = literals(earlier);
        let (frame, asked) = (self.plan.frame(), self.look_up.frame());
        let query_room = QUERY_BYTES_MAX.saturating_sub(asked.prefix.len() + asked.suffix.len());
        let body_room = self.limit.bytes.saturating_sub(frame.prefix.len() + frame.suffix.len());
        if ids.len() > query_room || record.len() > body_room {
            let bytes = ids.len().max(record.len());
            let reason = format!("the record or its earlier ids have {bytes} bytes, more than fit a request");
            return out.reject(member, Reject::new("record_too_large", reason));
        }
        let full = self.members.len() >= self.limit.members
            || self.soql.len() + ids.len() >= query_room
            || self.body.len() + record.len() >= body_room;
        if full {
            self.cut(out);
        }
        for (part, text) in [(&mut self.soql, ids.as_bytes()), (&mut self.body, record.as_slice())] {
            if !part.is_empty() {
                part.push(b',');
            }
            part.extend_from_slice(text);
        }
        self.members.push(member.index());
    }

    /// Ends the last delivery.
    pub(super) fn finish(mut self, out: &mut Mapping) {
        self.cut(out);
    }

    fn cut(&mut self, out: &mut Mapping) {
        let members = std::mem::take(&mut self.members);
        if members.is_empty() {
            return;
        }
        let (frame, asked) = (self.plan.frame(), self.look_up.frame());
        let soql = [asked.prefix, std::mem::take(&mut self.soql), asked.suffix].concat();
        let body = [frame.prefix, std::mem::take(&mut self.body), frame.suffix].concat();
        let query = (self.look_up.build())(soql, members.len());
        let written = request::records(self.plan.settings(), body);
        out.deliver_all(self.operation, vec![(members.clone(), query), (members, written)]);
    }
}
