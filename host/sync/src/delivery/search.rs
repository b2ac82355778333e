//! The search for the culprits of one lot: what its parts share, and what happened to each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enroute_core::isolate::{Isolation, Step};
use enroute_core::outcome::Outcome;

use crate::change::lot::Lot;
use crate::delivery::decide::{Decision, Next};

/// What happened to members in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trail {
    /// The number of this attempt, from 1.
    pub(crate) attempt: u32,
    /// Waits of this run so far.
    pub(crate) waited_ms: u64,
    /// Whether the attempt before ended without a clear answer.
    pub(crate) in_doubt: bool,
    /// Whether an earlier attempt may have arrived.
    pub(crate) may_have_left: bool,
    /// Refusals that named others, one after the other.
    pub(crate) named: u32,
    /// Whether they were refused among others, or alone, without being named.
    pub(crate) refused: bool,
}

impl Trail {
    /// Of members who were not sent yet.
    pub(crate) const FRESH: Self =
        Self { attempt: 1, waited_ms: 0, in_doubt: false, may_have_left: false, named: 0, refused: false };
}

/// The search within one lot.
#[derive(Debug, Clone)]
pub(crate) struct Search(Arc<Mutex<Isolation<(Lot, Trail)>>>);

impl Search {
    pub(crate) fn new(members: usize) -> Self {
        Self(Arc::new(Mutex::new(Isolation::new(members))))
    }

    fn lock(&self) -> MutexGuard<'_, Isolation<(Lot, Trail)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in who turned out to be at fault, and who to be sound.
    pub(crate) fn learn(&self, decision: &Decision) {
        let is_without = decision.again.iter().any(|(_, next)| *next == Next::Without);
        let (mut culprits, mut sound) = (decision.culprits, 0);
        for (members, outcome) in &decision.finished {
            match outcome {
                Outcome::Rejected(_) if decision.culprits == 0 => culprits += members.len() as u64,
                Outcome::Unchanged { .. } if is_without => culprits += members.len() as u64,
                Outcome::Delivered | Outcome::Unchanged { .. } | Outcome::Accepted(_) => sound += members.len() as u64,
                Outcome::Rejected(_) | Outcome::Deferred { .. } | Outcome::Unknown => {}
            }
        }
        let mut search = self.lock();
        search.found_culprits(culprits);
        search.found_sound(sound);
    }

    /// Spends a halving, if one is left.
    pub(crate) fn spend(&self) -> bool {
        self.lock().spend()
    }

    /// Keeps members to be sent, in halves where some of them may be at fault.
    pub(crate) fn park(&self, lot: Lot, trail: Trail, next: &Next) {
        // The first time without those who were named is mostly the last; later ones go the way of the unnamed.
        let is_whole = *next == Next::Without && trail.named < 2;
        let parts = if is_whole { vec![lot] } else { lot.into_halves() };
        let mut search = self.lock();
        parts.into_iter().rev().for_each(|part| search.park((part, trail)));
    }

    /// Keeps members who were put off, for the case that more may be spent later.
    pub(crate) fn shelve(&self, lot: Lot, trail: Trail) {
        self.lock().shelve((lot, trail));
    }

    /// The next part to send, and how many of the members who were put off are taken up again for it.
    pub(crate) fn next(&self) -> (Option<(Lot, Trail)>, u64) {
        let mut taken_up = 0;
        loop {
            let step = self.lock().next_step();
            match step {
                Some(Step::Send(part)) => return (Some(part), taken_up),
                Some(Step::Halve((lot, trail))) => {
                    taken_up += lot.len() as u64;
                    self.park(lot, trail, &Next::Bisect);
                }
                None => return (None, taken_up),
            }
        }
    }

    /// Drops what is kept; returns what was not sent.
    pub(crate) fn end(&self) -> Vec<(Lot, Trail)> {
        self.lock().take_rest().0
    }
}
