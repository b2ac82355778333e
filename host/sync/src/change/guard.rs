//! How many members a run may remove before somebody has to say that it is meant.
//!
//! Counts those who leave the audience and those who stay in it and cannot be sent as they are now: either kind may come
//! of an import that went wrong. The first are known before a run begins, the others when they were mapped or refused, so
//! the guard is asked again before they are withdrawn.

use roaring::RoaringBitmap;

use crate::change::snapshot::Snapshot;

/// Below this size an audience may change as it likes: one member of three is 33 %.
const GUARDED_MEMBERS_MIN: u64 = 10;

/// The guard of one run of a connection.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    remove_max_percent: u8,
    /// Whether the operator said that it is meant.
    is_off: bool,
    /// Whom the destination held when a pass of the run began.
    held: RoaringBitmap,
    /// Who leaves by this run.
    leaving: RoaringBitmap,
    /// Of those, the ones who are in the audience and cannot be sent.
    outdated: RoaringBitmap,
    /// Whether nobody is in the audience.
    is_empty: bool,
}

impl Guard {
    /// A guard that lets this share of the members go; everybody, where it is off.
    pub(crate) fn new(remove_max_percent: u8, is_off: bool) -> Self {
        Self { remove_max_percent, is_off, ..Self::default() }
    }

    /// Whom the guard has not seen leave yet.
    pub(crate) fn unseen(&self, members: &RoaringBitmap) -> u64 {
        (members - &self.leaving).len()
    }

    /// Takes in what a pass of the run finds. Returns why it must not begin, if it would remove more than the operator
    /// allows.
    pub(crate) fn look_at(&mut self, snapshot: &Snapshot) -> Option<String> {
        self.held |= &snapshot.state.held;
        self.is_empty = snapshot.current.is_empty();
        // Who is withdrawn from an earlier place and stays in the audience is put somewhere else, and nobody who is
        // being forgotten is kept.
        let leavers = &snapshot.candidates.removed - &snapshot.current;
        self.leaving |= leavers - &snapshot.forgotten;
        self.withdraw(&snapshot.candidates.outdated)
    }

    /// Takes in members of the audience who cannot be sent as they are now. Returns why they must not be withdrawn.
    pub(crate) fn withdraw(&mut self, members: &RoaringBitmap) -> Option<String> {
        self.leaving |= members;
        self.outdated |= members;
        if self.is_off { None } else { self.objection() }
    }

    fn objection(&self) -> Option<String> {
        let (removed, outdated) = (self.leaving.len(), self.outdated.len());
        let held = (&self.held | &self.leaving).len();
        if removed == 0 {
            return None;
        }
        let percent = (removed * 100).div_ceil(held);
        let why = match outdated {
            0 => String::new(),
            _ => format!("; {outdated} of them stay in the audience and cannot be sent as they are now"),
        };
        if self.is_empty && removed > 1 {
            return Some(format!("the audience is empty: the sync would remove 100 % ({removed}) of its members"));
        }
        if removed == held && outdated > 1 {
            return Some(format!("the sync would remove 100 % ({removed}) of the members{why}"));
        }
        (held >= GUARDED_MEMBERS_MIN && percent > u64::from(self.remove_max_percent)).then(|| {
            let allowed = self.remove_max_percent;
            format!("the sync would remove {percent} % ({removed} of {held}) of the members, allowed are {allowed} %{why}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_core::diff::{Candidates, State};

    /// A pass that finds this many members held, of whom some leave.
    fn snapshot(held: u32, leavers: u32) -> Snapshot {
        let held: RoaringBitmap = (0..held).collect();
        let removed: RoaringBitmap = (0..leavers).collect();
        let current = &held - &removed;
        let candidates = Candidates { removed, ..Candidates::default() };
        Snapshot { state: State { held, ..State::default() }, candidates, current, ..Snapshot::default() }
    }

    /// Whether a pass may begin from which some leave, and then withdraw some more.
    #[track_caller]
    fn check(percent: u8, held: u32, (leavers, outdated): (u32, u32), expect: (bool, bool)) {
        let mut guard = Guard::new(percent, false);
        let begins = guard.look_at(&snapshot(held, leavers)).is_none();
        let withdraws = guard.withdraw(&(leavers..leavers + outdated).collect()).is_none();
        assert_eq!((begins, withdraws), expect, "{percent} % of {held}: {leavers} and {outdated}");
        let mut off = Guard::new(percent, true);
        assert_eq!(off.look_at(&snapshot(held, leavers)), None);
        assert_eq!(off.withdraw(&(leavers..leavers + outdated).collect()), None);
    }

    #[test]
    fn those_who_leave_and_those_who_cannot_be_sent_are_one_share() {
        check(50, 100, (50, 0), (true, true));
        check(50, 100, (51, 0), (false, false));
        check(50, 100, (0, 50), (true, true));
        check(50, 100, (0, 51), (true, false));
        check(50, 100, (25, 25), (true, true));
        check(50, 100, (25, 26), (true, false));
        check(0, 10, (0, 1), (true, false));
        check(100, 100, (99, 0), (true, true));
        // Half a percent too many is too many.
        check(50, 199, (0, 100), (true, false));
    }

    #[test]
    fn a_small_audience_changes_as_it_likes_and_is_not_emptied() {
        check(50, 9, (8, 0), (true, true));
        check(50, 3, (0, 2), (true, true));
        check(50, 3, (0, 3), (true, false));
        check(50, 3, (1, 2), (true, false));
        check(50, 1, (0, 1), (true, true));
        check(50, 3, (3, 0), (false, false));
    }

    #[test]
    fn who_is_found_again_is_counted_once() {
        let mut guard = Guard::new(50, false);
        assert_eq!(guard.look_at(&snapshot(10, 3)), None);
        assert_eq!(guard.unseen(&(0..5).collect()), 2);
        assert_eq!(guard.look_at(&snapshot(10, 3)), None);
        assert_eq!(guard.withdraw(&(0..5).collect()), None);
        let objection = guard.withdraw(&(0..6).collect()).unwrap();
        assert!(objection.contains("60 % (6 of 10)"), "{objection}");
    }
}
