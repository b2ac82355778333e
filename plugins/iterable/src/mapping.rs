//! What a member becomes: a user of `bulkUpdate`, a subscriber of a list, or both.
//!
//! Pure. Invariants: a user is named as the project type asks (cases `map/email_*`, `map/hybrid_*`), membership is the
//! plugin's to write (case `membership_wins`), and where a member is another user now, the old one is withdrawn before
//! the new one enters (case `moved_address`).

pub(crate) mod field;
pub(crate) mod identity;
mod nested;
mod pack;
mod plan;
mod time;
mod value;

use enroute_sdk::{Batch, Context, Mapping, Member, Reject};

use crate::request::{Call, Requests};
use crate::settings::{Membership, Settings};
use identity::{Identities, Identity};
use pack::{Packing, Records, Stage};
use plan::Plan;

/// Members who come or stay.
const ENTER: &str = "enter";
/// Members who go.
const LEAVE: &str = "leave";
/// Members who are another user now: the old one goes, the new one comes.
const MOVE: &str = "move";

/// Turns members into requests. Deliveries that take out come first: what one gives up another may have taken over.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let mapper =
        Mapper { plan: Plan::new(ctx), identities: Identities::new(ctx), membership: ctx.settings().membership };
    let requests = Requests::new(ctx);
    let packing = |operation| Packing::new(operation, ctx.limit(operation), &requests);
    let (mut leave, mut moved, mut enter) = (packing(LEAVE), packing(MOVE), packing(ENTER));
    let mut records = Records::default();
    for member in batch.members() {
        records.clear();
        let earlier = mapper.identities.earlier(member);
        let filled = mapper.fill(&mut records, out, member, &earlier);
        match filled {
            Err(reject) => out.reject(member, reject),
            Ok(()) if member.is_removed() => leave.push(out, member, &mut records),
            Ok(()) if earlier.is_empty() => enter.push(out, member, &mut records),
            Ok(()) => moved.push(out, member, &mut records),
        }
    }
    leave.finish(out);
    moved.finish(out);
    enter.finish(out);
}

struct Mapper<'c> {
    plan: Plan<'c>,
    identities: Identities,
    membership: Membership,
}

impl Mapper<'_> {
    /// Everything that is to be sent of a member.
    fn fill(
        &self,
        records: &mut Records,
        out: &mut Mapping,
        member: Member<'_>,
        earlier: &[Identity<'_>],
    ) -> Result<(), Reject> {
        if member.is_removed() {
            if earlier.is_empty() {
                self.identities.now(member)?;
            }
        } else {
            self.enter(records, out, member)?;
        }
        for (round, identity) in earlier.iter().enumerate() {
            self.withdraw(records, round, identity);
        }
        Ok(())
    }

    fn enter(&self, records: &mut Records, out: &mut Mapping, member: Member<'_>) -> Result<(), Reject> {
        let named = self.identities.now(member)?;
        let identity = &named.identity;
        let stage = |call| Stage { enters: true, round: 0, call };
        let first = if self.membership.has_field() { Call::BulkUpdate } else { Call::Subscribe };
        records.add(stage(first), |body| self.plan.joined(body, out, member, identity))?;
        if self.membership == Membership::Both {
            let subscriber = |body: &mut Vec<u8>| {
                self.plan.subscriber(body, identity);
                Ok::<_, Reject>(())
            };
            records.add(stage(Call::Subscribe), subscriber)?;
        }
        note(records, identity);
        self.plan.warn(out, member);
        if let Some((field, code)) = named.left_out {
            out.warn(code, Some(field), 1);
        }
        Ok(())
    }

    fn withdraw(&self, records: &mut Records, round: usize, identity: &Identity<'_>) {
        let mut add = |call, write: &dyn Fn(&mut Vec<u8>)| {
            let stage = Stage { enters: false, round, call };
            let Ok(()) = records.add(stage, |body| {
                write(body);
                Ok::<_, std::convert::Infallible>(())
            });
        };
        if self.membership.has_field() {
            add(Call::BulkUpdate, &|body| self.plan.left(body, identity));
        }
        if self.membership.has_list() {
            add(Call::Unsubscribe, &|body| Plan::unsubscriber(body, identity));
        }
        note(records, identity);
    }
}

fn note(records: &mut Records, identity: &Identity<'_>) {
    if let Some(email) = &identity.email {
        records.name('@', email);
    }
    if let Some(user_id) = identity.user_id {
        records.name('#', user_id);
    }
}

#[cfg(test)]
mod tests;
