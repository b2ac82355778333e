//! Members who are in the audience and held, and were refused as they are now: they do not stay at the destination under
//! what was sent of them before. They are withdrawn, and stand as refused until they change.

use crate::change::lot::Lot;
use crate::report::codes::NOT_OF_THE_MEMBER;
use crate::setup::link::Link;
use enroute_core::batch::Change;
use enroute_core::outcome::Outcome;
use enroute_runtime::Rejection;
use roaring::RoaringBitmap;

/// Of those whom a plugin rejected, each in a lot of one, the ones whom the destination holds.
pub(crate) fn unmapped(link: &Link, rejected: &[(Lot, Rejection)]) -> RoaringBitmap {
    rejected.iter().filter_map(|(lot, _)| held(link, lot, 0)).collect()
}

/// Of those whom a destination rejected, the ones whom it holds.
pub(crate) fn rejected(link: &Link, lot: &Lot, finished: &[(Vec<u32>, Outcome)]) -> RoaringBitmap {
    let is_of_the_member = |outcome: &Outcome| match outcome {
        Outcome::Rejected(refusal) => !NOT_OF_THE_MEMBER.contains(&refusal.code.as_str()),
        _ => false,
    };
    let rejected = finished.iter().filter(|(_, outcome)| is_of_the_member(outcome));
    rejected.flat_map(|(members, _)| members).filter_map(|at| held(link, lot, *at)).collect()
}

/// The number of a member of whom something is to be withdrawn.
fn held(link: &Link, lot: &Lot, position: u32) -> Option<u32> {
    let before = lot.meta.get(position as usize)?.before.as_ref()?;
    let is_there = !before.folded && lot.batch.sent_members.binary_search(&position).is_ok();
    let is_update = lot.change(position) == Change::Updated;
    lot.profile(position).filter(|_| link.sends_exits && is_there && is_update)
}
