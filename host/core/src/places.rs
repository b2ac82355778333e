//! The places of a bucket, requests in flight, shared out among the connections that want them.
//!
//! Pure. Invariants: never more in flight than there are places, and nobody holds all of them while another one is at
//! work (test `a_party_that_hangs_leaves_room_for_the_others`); who has waited longest without being served is next, so
//! a small one never stands behind a large one (test `a_small_party_is_done_within_a_few_turns`).

use std::collections::{BTreeMap, VecDeque};

/// Answers for each place before one more is used again.
const ANSWERS_A_PLACE: u32 = 4;

/// Who shares the places: a connection's number.
pub type Party = i64;

#[derive(Debug, Default)]
struct Share {
    /// How many work on it at the moment: while there are any, a place is kept for it.
    at_work: u32,
    held: u32,
    /// Tickets of those who wait, first come first served.
    waiting: VecDeque<u64>,
    /// Tickets of those in the middle of a call, who go first.
    begun: VecDeque<u64>,
    /// When it was served last, in turns.
    served: u64,
}

impl Share {
    fn first(&self) -> Option<u64> {
        self.begun.front().or_else(|| self.waiting.front()).copied()
    }
}

/// The places of a bucket.
#[derive(Debug)]
pub struct Places {
    most: u32,
    /// Places in use; fewer than there are where the destination refused requests for being too many.
    used: u32,
    answers: u32,
    shares: BTreeMap<Party, Share>,
    turn: u64,
    tickets: u64,
}

impl Places {
    /// So many places, all free.
    #[must_use]
    pub fn new(places: u32) -> Self {
        let most = places.max(1);
        Self { most, used: most, answers: 0, shares: BTreeMap::new(), turn: 0, tickets: 0 }
    }

    /// A party begins its work.
    pub fn join(&mut self, party: Party) {
        self.shares.entry(party).or_default().at_work += 1;
    }

    /// A party has ended its work.
    pub fn part(&mut self, party: Party) {
        if let Some(share) = self.shares.get_mut(&party) {
            share.at_work = share.at_work.saturating_sub(1);
        }
        self.tidy(party);
    }

    /// Queues for a place; `is_begun` where others wait for the end of what this is a part of. Returns the ticket.
    pub fn queue(&mut self, party: Party, is_begun: bool) -> u64 {
        self.tickets += 1;
        let share = self.shares.entry(party).or_default();
        if is_begun {
            share.begun.push_back(self.tickets)
        } else {
            share.waiting.push_back(self.tickets)
        }
        self.tickets
    }

    /// Leaves the queue.
    pub fn leave_queue(&mut self, party: Party, ticket: u64) {
        if let Some(share) = self.shares.get_mut(&party) {
            share.begun.retain(|one| *one != ticket);
            share.waiting.retain(|one| *one != ticket);
        }
        self.tidy(party);
    }

    /// Whether it is this one's turn.
    #[must_use]
    pub fn is_next(&self, ticket: u64) -> bool {
        self.next().is_some_and(|(_, next)| next == ticket)
    }

    /// Takes the place whose turn it is, and leaves the queue with it.
    pub fn take(&mut self, party: Party, ticket: u64) {
        self.leave_queue(party, ticket);
        self.turn += 1;
        let share = self.shares.entry(party).or_default();
        share.held += 1;
        share.served = self.turn;
    }

    /// Gives a place back.
    pub fn give_back(&mut self, party: Party) {
        if let Some(share) = self.shares.get_mut(&party) {
            share.held = share.held.saturating_sub(1);
        }
        self.tidy(party);
    }

    /// A request was answered, and not for being too many.
    pub fn answered(&mut self) {
        self.answers = self.answers.saturating_add(1);
        if self.used < self.most && self.answers >= self.used.saturating_mul(ANSWERS_A_PLACE) {
            (self.used, self.answers) = (self.used + 1, 0);
        }
    }

    /// Requests were refused for being too many: fewer are in flight from now on.
    pub fn refused(&mut self) {
        (self.used, self.answers) = ((self.used - self.used.div_ceil(4)).max(1), 0);
    }

    /// Places in use.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    fn next(&self) -> Option<(Party, u64)> {
        let held: u32 = self.shares.values().map(|share| share.held).sum();
        let free = self.used.checked_sub(held).filter(|free| *free > 0)?;
        let wanting = self.shares.iter().filter(|(party, share)| {
            share.first().is_some() && (share.held == 0 || self.may_have_more(**party, share, free))
        });
        let (party, share) = wanting.min_by_key(|(_, share)| (share.begun.is_empty(), share.served))?;
        Some((*party, share.first()?))
    }

    /// Whether a party that holds a place may have another one: a place stays free for each other party at work that
    /// has none, and where others wait, each has an equal part.
    fn may_have_more(&self, party: Party, share: &Share, free: u32) -> bool {
        let others = || self.shares.iter().filter(|(other, _)| **other != party).map(|(_, share)| share);
        let without = others().filter(|other| other.held == 0 && (other.at_work > 0 || other.first().is_some()));
        let owed = u32::try_from(without.count()).unwrap_or(u32::MAX);
        let active = others().filter(|other| other.held > 0 || other.first().is_some()).count();
        let part = (self.used / u32::try_from(active + 1).unwrap_or(u32::MAX)).max(1);
        let others_wait = others().any(|other| other.first().is_some());
        free > owed && (share.held < part || !others_wait)
    }

    fn tidy(&mut self, party: Party) {
        let is_gone = |share: &Share| share.at_work == 0 && share.held == 0 && share.first().is_none();
        if self.shares.get(&party).is_some_and(is_gone) {
            self.shares.remove(&party);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lets everybody in whose turn it is; returns the parties in order.
    fn fill(places: &mut Places) -> Vec<Party> {
        let mut served = Vec::new();
        while let Some((party, ticket)) = places.next() {
            places.take(party, ticket);
            served.push(party);
        }
        served
    }

    #[test]
    fn a_party_that_hangs_leaves_room_for_the_others() {
        let mut places = Places::new(4);
        places.join(1);
        places.join(2);
        for _ in 0..16 {
            places.queue(1, false);
        }
        assert_eq!(fill(&mut places), [1, 1, 1], "one place is kept for the other");
        for _ in 0..200 {
            places.queue(2, false);
            assert_eq!(fill(&mut places), [2]);
            places.give_back(2);
        }
        places.part(2);
        assert_eq!(fill(&mut places), [1], "who has ended needs no place");
    }

    #[test]
    fn one_place_goes_to_and_fro() {
        let mut places = Places::new(1);
        for _ in 0..3 {
            places.queue(1, false);
        }
        for _ in 0..2 {
            places.queue(2, false);
        }
        let mut order = Vec::new();
        while let [party] = fill(&mut places)[..] {
            order.push(party);
            places.give_back(party);
        }
        assert_eq!(order, [1, 2, 1, 2, 1]);
    }

    #[test]
    fn a_small_party_is_done_within_a_few_turns() {
        let mut places = Places::new(4);
        for _ in 0..10_000 {
            places.queue(1, false);
        }
        fill(&mut places);
        for _ in 0..5 {
            places.queue(2, false);
        }
        let mut turns = 0;
        while places.shares.contains_key(&2) {
            places.give_back(1);
            turns += 1;
            for party in fill(&mut places) {
                if party == 2 {
                    places.give_back(2);
                }
            }
        }
        assert!(turns <= 5, "{turns} turns");
    }

    #[test]
    fn who_is_in_the_middle_of_a_call_goes_first() {
        let mut places = Places::new(1);
        places.queue(1, false);
        places.queue(2, false);
        places.queue(2, true);
        assert_eq!(fill(&mut places), [2]);
    }

    #[test]
    fn fewer_places_are_used_where_requests_are_refused() {
        let mut places = Places::new(8);
        let mut used = Vec::new();
        for _ in 0..9 {
            places.refused();
            used.push(places.used());
        }
        assert_eq!(used, [6, 4, 3, 2, 1, 1, 1, 1, 1]);
        (0..500).for_each(|_| places.answered());
        assert_eq!(places.used(), 8);
    }

    proptest! {
        #[test]
        fn places_are_never_overfilled_and_never_idle(
            places in 1_u32..5,
            events in prop::collection::vec((0_u8..5, 1_i64..4), 1..200),
        ) {
            let mut places = Places::new(places);
            let mut held: BTreeMap<Party, u32> = BTreeMap::new();
            for (event, party) in events {
                match event {
                    0 => places.join(party),
                    1 => places.part(party),
                    2 if held.get(&party).is_some_and(|held| *held > 0) => {
                        *held.entry(party).or_default() -= 1;
                        places.give_back(party);
                    }
                    _ => {
                        places.queue(party, event == 4);
                    }
                }
                for party in fill(&mut places) {
                    *held.entry(party).or_default() += 1;
                }
                let all: u32 = held.values().sum();
                prop_assert!(all <= places.most);
                let waits = places.shares.values().any(|share| share.first().is_some());
                prop_assert!(!(waits && all == 0), "somebody waits and nobody is in flight");
            }
        }
    }
}
