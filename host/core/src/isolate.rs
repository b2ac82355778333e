//! Who is at fault in a request that was refused: parts cut in halves until the culprits stand alone.
//!
//! Pure. A refused part may be halved as long as the budget lasts. It is small at first, so that a destination that
//! refuses everybody is not asked about each of them, and grows with what is found: for every culprit, as long as
//! sound members are found too. Invariants: everybody sound is let through (test
//! `the_sound_arrive_however_many_culprits_there_are`), and no more is spent than [`Isolation::bound`] says (test
//! `what_is_spent_is_bounded_by_what_is_found`).

use std::collections::VecDeque;

/// Most halvings for one batch, whatever is found: at ten requests a second they take three minutes, and the next run
/// goes on from what this one found.
const HALVINGS_MAX: u64 = 1_000;

/// Halvings of a batch that is only suspected, until a part of it passes: eighths, so that a few culprits are found, and
/// a destination that is down is asked fourteen times more and no oftener.
const DOUBT_HALVINGS_MAX: u64 = 7;

/// Parts of one batch on the way to standing alone. `T` is a part.
#[derive(Debug)]
pub struct Isolation<T> {
    members: usize,
    halvings: u64,
    culprits: u64,
    sound: u64,
    /// Parts that were not sent by themselves yet; the deepest last.
    parked: VecDeque<T>,
    /// Refused parts for which nothing was left.
    shelf: Vec<T>,
    /// Whether the last thing that was found was a culprit, and there are more of them than of the sound: then the
    /// search goes on elsewhere.
    elsewhere: bool,
    /// Whether the batch is only suspected: then its parts are asked side by side, the largest first.
    is_doubt: bool,
}

/// What to do with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// It goes out as it is.
    Send(T),
    /// It was refused before: it is cut, and its halves are parked.
    Halve(T),
}

impl<T> Isolation<T> {
    /// For a batch of so many members.
    #[must_use]
    pub const fn new(members: usize) -> Self {
        Self {
            members,
            halvings: 0,
            culprits: 0,
            sound: 0,
            parked: VecDeque::new(),
            shelf: Vec::new(),
            elsewhere: false,
            is_doubt: false,
        }
    }

    /// Nothing is known against the members but that the batch failed as a whole, as it would if the destination were
    /// down: from now on parts are asked side by side, and few of them until one passes.
    pub const fn doubt(&mut self) {
        self.is_doubt = true;
    }

    /// Whether some member turned out to be sound.
    #[must_use]
    pub const fn has_sound(&self) -> bool {
        self.sound > 0
    }

    /// Halvings that may be spent with so many culprits and sound members found, among so many members.
    ///
    /// 2·⌈log₂ n⌉ + 1 to begin with, enough to look in two places, and ⌈log₂ n⌉, what it takes to find one, for each
    /// culprit; no more of them count than four for each sound member, and nothing beyond 1,000 halvings. A halving
    /// costs two calls.
    #[must_use]
    pub fn bound(members: usize, culprits: u64, sound: u64) -> u64 {
        let depth = u64::from(usize::BITS - members.leading_zeros());
        (2 * depth + 1 + depth * culprits.min(4 * sound)).min(HALVINGS_MAX)
    }

    /// Halvings that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        let bound = match (self.is_doubt, self.sound) {
            (true, 0) => DOUBT_HALVINGS_MAX,
            // Side by side, culprits are found last: until then it is the sound that show the search to be worth it.
            (true, sound) => Self::bound(self.members, self.culprits.max(sound / 4), sound),
            (false, sound) => Self::bound(self.members, self.culprits, sound),
        };
        bound.saturating_sub(self.halvings)
    }

    /// Spends a halving, if one is left.
    pub fn spend(&mut self) -> bool {
        let is_left = self.left() > 0;
        self.halvings += u64::from(is_left);
        is_left
    }

    /// So many members turned out to be at fault.
    pub fn found_culprits(&mut self, culprits: u64) {
        self.culprits += culprits;
        self.elsewhere = culprits > 0 && self.culprits > self.sound;
    }

    /// So many members turned out to be sound.
    pub const fn found_sound(&mut self, sound: u64) {
        self.sound += sound;
        if sound > 0 {
            self.elsewhere = false;
        }
    }

    /// Keeps a part to be sent; what is parked last is sent first.
    pub fn park(&mut self, part: T) {
        self.parked.push_back(part);
    }

    /// Keeps a refused part for the case that more may be spent later.
    pub fn shelve(&mut self, part: T) {
        self.shelf.push(part);
    }

    /// What to do next, if anything: what was put off for want of budget, else the deepest part, or the largest one
    /// where nothing but culprits was found so far or nothing is left to go deeper with.
    pub fn next_step(&mut self) -> Option<Step<T>> {
        if self.is_doubt
            && let Some(part) = self.parked.pop_front()
        {
            return Some(Step::Send(part));
        }
        if self.left() > 0
            && let Some(part) = self.next_shelved()
        {
            self.halvings += 1;
            return Some(Step::Halve(part));
        }
        let largest = std::mem::take(&mut self.elsewhere) || self.left() == 0;
        let part = if largest { self.parked.pop_front() } else { self.parked.pop_back() };
        part.map(Step::Send)
    }

    fn next_shelved(&mut self) -> Option<T> {
        if self.is_doubt && !self.shelf.is_empty() { Some(self.shelf.remove(0)) } else { self.shelf.pop() }
    }

    /// Takes everything that is still kept: first what was not sent, then what was refused.
    pub fn take_rest(&mut self) -> (Vec<T>, Vec<T>) {
        (std::mem::take(&mut self.parked).into(), std::mem::take(&mut self.shelf))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What came of a batch at a destination that refuses every request with a culprit in it and names nobody.
    #[derive(Debug, Default)]
    struct Found {
        calls: u64,
        halvings: u64,
        culprits: usize,
        sound: usize,
        left_over: usize,
    }

    /// `is_culprit` has one element a member.
    fn isolate(is_culprit: &[bool]) -> Found {
        let mut isolation = Isolation::new(is_culprit.len());
        isolation.park(0..is_culprit.len());
        let mut found = Found::default();
        while let Some(step) = isolation.next_step() {
            let part = match step {
                Step::Send(part) => part,
                Step::Halve(part) => {
                    let middle = part.start + part.len() / 2;
                    isolation.park(middle..part.end);
                    isolation.park(part.start..middle);
                    continue;
                }
            };
            found.calls += 1;
            if !is_culprit[part.clone()].contains(&true) {
                found.sound += part.len();
                isolation.found_sound(part.len() as u64);
            } else if part.len() == 1 {
                found.culprits += 1;
                isolation.found_culprits(1);
            } else {
                isolation.shelve(part);
            }
        }
        found.halvings = isolation.halvings;
        found.left_over = isolation.take_rest().1.into_iter().map(|part| part.len()).sum();
        found
    }

    /// As [`isolate`], for a batch that is only suspected.
    fn doubt(is_culprit: &[bool]) -> (u64, usize, usize) {
        let mut isolation = Isolation::new(is_culprit.len());
        isolation.doubt();
        isolation.shelve(0..is_culprit.len());
        let (mut calls, mut sound, mut alone) = (0, 0, 0);
        while let Some(step) = isolation.next_step() {
            match step {
                Step::Halve(part) => {
                    let middle = part.start + part.len() / 2;
                    [part.start..middle, middle..part.end].into_iter().for_each(|half| isolation.park(half));
                    continue;
                }
                Step::Send(part) if !is_culprit[part.clone()].contains(&true) => {
                    sound += part.len();
                    isolation.found_sound(part.len() as u64);
                }
                Step::Send(part) if part.len() == 1 => {
                    alone += 1;
                    isolation.found_culprits(u64::from(isolation.has_sound()));
                }
                Step::Send(part) => isolation.shelve(part),
            }
            calls += 1;
        }
        (calls, sound, alone)
    }

    #[test]
    fn a_suspected_batch_costs_little_where_the_destination_is_down() {
        assert_eq!(doubt(&[true; 10_000]), (14, 0, 0));
        for (culprits, calls_max) in [(1, 14), (2, 26), (4, 46)] {
            for members in hundred(culprits) {
                let (calls, sound, alone) = doubt(&members);
                assert_eq!((sound, alone), (100 - culprits, culprits), "{culprits} culprits, {calls} calls");
                assert!(calls <= calls_max, "{culprits} culprits, {calls} calls");
            }
        }
    }

    /// The culprits of a hundred: evenly spread, in front, or at the end.
    fn hundred(culprits: usize) -> [Vec<bool>; 3] {
        let spread = (0..100).map(|at| at * culprits / 100 != (at + 1) * culprits / 100).collect();
        [spread, (0..100).map(|at| at < culprits).collect(), (0..100).map(|at| at >= 100 - culprits).collect()]
    }

    #[test]
    fn the_sound_arrive_however_many_culprits_there_are() {
        for (culprits, calls_max) in [(0, 1), (1, 15), (2, 27), (25, 149), (50, 199)] {
            for members in hundred(culprits) {
                let found = isolate(&members);
                assert_eq!(found.sound, 100 - culprits, "{culprits} culprits: {found:?}");
                assert_eq!(found.culprits, culprits, "{culprits} culprits: {found:?}");
                assert!(found.calls <= calls_max, "{culprits} culprits: {found:?}");
            }
        }
    }

    #[test]
    fn a_destination_that_refuses_everybody_is_not_asked_about_each() {
        let found = isolate(&[true; 100]);
        assert_eq!((found.sound, found.calls), (0, 31));
        assert_eq!(found.culprits + found.left_over, 100);
        let found = isolate(&[true; 10_000]);
        assert!(found.calls < 60, "{found:?}");
    }

    #[test]
    fn no_batch_costs_more_than_the_most() {
        let every_other: Vec<bool> = (0..10_000).map(|at| at % 2 == 0).collect();
        let found = isolate(&every_other);
        assert_eq!(found.halvings, HALVINGS_MAX);
        assert!(found.calls <= 2 * HALVINGS_MAX + 1, "{found:?}");
    }

    proptest! {
        #[test]
        fn what_is_spent_is_bounded_by_what_is_found(members in prop::collection::vec(any::<bool>(), 1..200)) {
            let found = isolate(&members);
            prop_assert_eq!(found.sound + found.culprits + found.left_over, members.len());
            let bound = Isolation::<()>::bound(members.len(), found.culprits as u64, found.sound as u64);
            prop_assert!(found.halvings <= bound);
            prop_assert!(found.calls <= 2 * found.halvings + 1);
        }
    }
}
