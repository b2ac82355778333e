//! Members who are in the audience and held, and cannot be sent as they are now: they do not stay at the destination under
//! what was sent of them before. They are withdrawn, and stand as refused until they change.

use crate::change::lot::Lot;
use crate::setup::link::Link;
use enroute_core::batch::Change;
use enroute_runtime::Rejection;
use roaring::RoaringBitmap;

/// Of those whom a plugin rejected, each in a lot of one, the ones whom the destination holds.
pub(crate) fn unmapped(link: &Link, rejected: &[(Lot, Rejection)]) -> RoaringBitmap {
    rejected.iter().filter_map(|(lot, _)| held(link, lot, 0)).collect()
}

/// The number of a member of whom something is to be withdrawn.
fn held(link: &Link, lot: &Lot, position: u32) -> Option<u32> {
    let before = lot.meta.get(position as usize)?.before.as_ref()?;
    let is_there = !before.folded && lot.batch.sent_members.binary_search(&position).is_ok();
    let is_update = lot.change(position) == Change::Updated;
    lot.profile(position).filter(|_| link.sends_exits && is_there && is_update)
}
