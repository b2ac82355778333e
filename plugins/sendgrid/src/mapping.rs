//! What a member becomes: a contact on the list, or a look-up that takes it off again.
//!
//! Invariant: nobody is created in order to be removed (case `removal_creates_nobody`), and a removal looks for what
//! was sent, not for what the member has become (case `removed_by_what_was_sent`).

mod contact;
mod day;
pub(crate) mod field;
pub(crate) mod identity;
pub(crate) mod remote;
mod value;

use enroute_sdk::{Batch, Context, Frame, Mapping, Packer};

use crate::request::{self, MOVE, REMOVE, UPSERT};
use crate::settings::Settings;
use contact::Plan;
use identity::Identities;

/// Turns members into requests.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let settings = ctx.settings();
    let identities = Identities::new(ctx);
    let plan = Plan::new(ctx, &identities);
    let build = |body, _| request::upsert(settings, body);
    let frame = Frame::json_array(request::upsert_prefix(settings), request::UPSERT_SUFFIX);
    let mut upserts = Packer::new(UPSERT, ctx.limit(UPSERT), frame.clone(), build);
    let mut moves = Packer::new(MOVE, ctx.limit(MOVE), frame, build);
    let mut removed = Vec::new();
    for member in batch.members() {
        if !member.is_removed() {
            let packer = if identities.earlier(member).is_empty() { &mut upserts } else { &mut moves };
            packer.push(out, member, |body, out| plan.write(body, out, member));
        } else if identities.to_withdraw(member).is_empty() {
            out.reject(member, identities.now(member).reject());
        } else {
            removed.push(member.index());
        }
    }
    upserts.finish(out);
    moves.finish(out);
    for members in removed.chunks(ctx.limit(REMOVE).members.max(1)) {
        out.deliver(REMOVE, members.to_vec(), request::remove(settings));
    }
}

#[cfg(test)]
mod tests;
