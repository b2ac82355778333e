//! Members who are in the audience and held, and cannot be sent any more: they do not stay at the destination under what
//! was sent of them. They are withdrawn, and stand as refused for what they are now.

use crate::change::lot::{Lot, Refused};
use crate::setup::link::Link;
use enroute_core::batch::Change;
use enroute_runtime::Rejection;

/// Takes those out of what a plugin rejected whom the destination holds, as one lot of removals.
pub(crate) fn sort(link: &Link, rejected: Vec<(Lot, Rejection)>) -> (Vec<(Lot, Rejection)>, Option<Lot>) {
    let (mut others, mut held) = (Vec::new(), Vec::new());
    for (mut lot, rejection) in rejected {
        let before = lot.meta.first().and_then(|meta| meta.before.as_ref());
        let is_there = before.is_some_and(|held| !held.folded) && !lot.batch.sent_members.is_empty();
        if link.sends_exits && is_there && lot.change(0) == Change::Updated {
            if let Some(meta) = lot.meta.first_mut() {
                let Rejection { code, field, reason, .. } = rejection;
                meta.refused = Some(Refused { code, field, reason });
            }
            held.push(lot);
        } else {
            others.push((lot, rejection));
        }
    }
    (others, Lot::of_removals(held))
}
