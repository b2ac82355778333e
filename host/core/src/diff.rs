//! Who must be looked at so that the destination's audience equals ours.
//!
//! Pure: no I/O, no clock. Invariant: carrying the difference out turns what is held into the audience
//! (property test `carrying_the_difference_out_yields_the_audience`).

use roaring::RoaringBitmap;

/// What is known before a run.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Members of the audience now.
    pub audience: RoaringBitmap,
    /// Profiles that the destination holds, or may hold.
    pub held: RoaringBitmap,
    /// Of those, the ones of whom it is not known what the destination has.
    pub in_doubt: RoaringBitmap,
    /// Profiles whose content changed since the last complete run.
    pub changed: RoaringBitmap,
    /// Members whose addition or update was refused earlier, for what they were then.
    pub refused: RoaringBitmap,
    /// Members whose removal was refused earlier.
    pub refused_removals: RoaringBitmap,
    /// Of the refused, the ones whom the destination still holds under what was sent before.
    pub outdated: RoaringBitmap,
    /// Members who may not be touched now: an open ticket, or a time to wait for.
    pub waiting: RoaringBitmap,
    /// Members put off by an earlier run whose time has come.
    pub due: RoaringBitmap,
    /// Members at the destination who are sent again, whether or not anything of them has changed.
    pub again: RoaringBitmap,
}

/// Who must be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// In the audience, not at the destination.
    pub added: RoaringBitmap,
    /// In both; what is sent may have changed, or it is in doubt what arrived.
    pub updated: RoaringBitmap,
    /// At the destination, no longer in the audience.
    pub removed: RoaringBitmap,
    /// Of those to be updated, the ones who are sent though nothing may have changed.
    pub again: RoaringBitmap,
    /// Of those to be removed, the ones who are in the audience and were refused as they are now: they do not stay under
    /// what was sent before.
    pub outdated: RoaringBitmap,
}

/// Finds the candidates. `resend_changes` is false where only entry and exit are sent.
#[must_use]
pub fn candidates(state: &State, resend_changes: bool) -> Candidates {
    let settled_refusals = &state.refused - &state.changed;
    let added = ((&state.audience - &state.held) - &settled_refusals) - &state.waiting;
    let mut suspects = &(&state.in_doubt | &state.due) | &state.again;
    if resend_changes {
        suspects |= &state.changed;
    }
    let updated = (((&state.audience & &state.held) & suspects) - &settled_refusals) - &state.waiting;
    let outdated = ((&state.outdated & &settled_refusals) & (&state.audience & &state.held)) - &state.waiting;
    let leavers = ((&state.held - &state.audience) - (&state.refused_removals - &state.changed)) - &state.waiting;
    let removed = leavers | &outdated;
    let again = &updated & &state.again;
    Candidates { added, updated, removed, again, outdated }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = RoaringBitmap> {
        prop::collection::btree_set(0_u32..6, 0..6).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn carrying_the_difference_out_yields_the_audience(
            audience in set(), held in set(), changed in set(), doubt in set(), again in set(),
        ) {
            let state = State { in_doubt: &doubt & &held, audience: audience.clone(), held: held.clone(), changed, again, ..State::default() };
            let found = candidates(&state, true);
            prop_assert_eq!((&held | &found.added) - &found.removed, audience.clone());
            prop_assert!(found.updated.is_subset(&(&audience & &held)));
            prop_assert!(found.again.is_subset(&found.updated));
            prop_assert!((&state.in_doubt & &audience).is_subset(&found.updated));
        }

        #[test]
        fn nobody_is_in_two_sets_or_touched_while_waiting(
            audience in set(), held in set(), changed in set(), waiting in set(), refused in set(), outdated in set(),
        ) {
            let state = State { audience, held, changed, waiting: waiting.clone(), refused, outdated, ..State::default() };
            let found = candidates(&state, true);
            prop_assert!(found.added.is_disjoint(&found.updated));
            prop_assert!(found.added.is_disjoint(&found.removed));
            prop_assert!(found.updated.is_disjoint(&found.removed));
            prop_assert!(found.outdated.is_subset(&found.removed));
            prop_assert!((found.added | found.updated | found.removed).is_disjoint(&waiting));
        }
    }

    #[test]
    fn a_refused_update_does_not_keep_a_member_from_leaving() {
        let member: RoaringBitmap = [1].into_iter().collect();
        let state = State { held: member.clone(), refused: member.clone(), ..State::default() };
        assert_eq!(candidates(&state, true).removed, member);
    }

    #[test]
    fn who_was_refused_leaves_under_what_was_sent_before_unless_it_has_changed_since() {
        let member: RoaringBitmap = [1].into_iter().collect();
        let [audience, held, refused, outdated] = [(); 4].map(|()| member.clone());
        let mut state = State { audience, held, refused, outdated, ..State::default() };
        let found = candidates(&state, true);
        assert_eq!((found.removed, found.outdated), (member.clone(), member.clone()));
        state.changed = member.clone();
        let found = candidates(&state, true);
        assert_eq!((found.removed, found.updated), (RoaringBitmap::new(), member));
    }

    #[test]
    fn an_unchanged_audience_needs_nobody() {
        let all: RoaringBitmap = (0..100).collect();
        let state = State { audience: all.clone(), held: all, ..State::default() };
        assert_eq!(candidates(&state, true), Candidates::default());
    }

    #[test]
    fn a_refused_member_is_tried_again_only_when_it_changed() {
        let member: RoaringBitmap = [1].into_iter().collect();
        let mut state = State { audience: member.clone(), refused: member.clone(), ..State::default() };
        assert!(candidates(&state, true).added.is_empty());
        state.changed = member.clone();
        assert_eq!(candidates(&state, true).added, member);
    }
}
