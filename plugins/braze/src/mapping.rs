//! What a member becomes: one object in `attributes`, or several where it was known by several ids.
//!
//! Invariant: an object names its profile by one identifier (cases `one_identifier` and `email_identifies`), and
//! membership is written last, so that no trait can speak for it (case `membership_wins`).

pub(crate) mod field;
mod groups;
mod identity;
mod nested;
mod object;
mod value;

use enroute_sdk::{Batch, Context, Frame, Mapping, Member, Packer, Reject, Rounds};

use crate::TRACK;
use crate::request::{PREFIX, SUFFIX, track};
use crate::settings::Settings;
use identity::{Identities, Identity};
use object::Plan;

/// Largest object, in bytes: Braze's limit for one event or profile update.
const OBJECT_BYTES_MAX: usize = 100 * 1024;

/// Turns members into requests.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let (plan, identities) = (Plan::new(ctx), Identities::new(ctx));
    let build = |body, objects| track(&ctx.settings().endpoint, body, objects);
    let (limit, frame) = (ctx.limit(TRACK), Frame::json_array(PREFIX, SUFFIX));
    let mut packer = Packer::new(TRACK, limit, frame.clone(), build).record_bytes_max(OBJECT_BYTES_MAX);
    let mut rounds = Rounds::new(TRACK, limit, frame, build);
    for member in batch.members() {
        let earlier = identities.earlier(member);
        if earlier.is_empty() {
            packer.push(out, member, |body, out| {
                let identity = identities.now(member)?;
                plan.write(body, out, member, &identity);
                Ok(())
            });
        } else {
            match records(&plan, &identities, out, member, &earlier) {
                Ok(records) => rounds.push(out, member, &records),
                Err(reject) => out.reject(member, reject),
            }
        }
    }
    packer.finish(out);
    rounds.finish(out);
}

/// The objects of a member that was known by other ids: what it is now, and a withdrawal for each of them.
fn records(
    plan: &Plan<'_>,
    identities: &Identities,
    out: &mut Mapping,
    member: Member<'_>,
    earlier: &[Identity<'_>],
) -> Result<Vec<Vec<u8>>, Reject> {
    let mut records = Vec::with_capacity(earlier.len() + 1);
    if !member.is_removed() {
        let mut now = Vec::new();
        plan.write(&mut now, out, member, &identities.now(member)?);
        if now.len() > OBJECT_BYTES_MAX {
            let bytes = now.len();
            let reason = format!("the record has {bytes} bytes, more than the {OBJECT_BYTES_MAX} that fit");
            return Err(Reject::new("record_too_large", reason));
        }
        records.push(now);
    }
    for identity in earlier {
        let mut withdrawn = Vec::new();
        plan.write_removed(&mut withdrawn, identity);
        records.push(withdrawn);
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
