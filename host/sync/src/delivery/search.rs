//! The search for the culprits of one lot: what its parts share, and what happened to each.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
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
    /// Attempts in a row that failed as a whole, for the same cause.
    pub(crate) alike: u32,
    /// Digest of that cause.
    pub(crate) cause: u64,
    /// Deliveries of the connection that had succeeded when they were first sent.
    pub(crate) passed: Option<u64>,
    /// Whether they are looked at in parts because all of them failed, or alone because they failed alone before.
    pub(crate) is_suspect: bool,
}

impl Trail {
    /// Of members who were not sent yet.
    pub(crate) const FRESH: Self = Self {
        attempt: 1,
        waited_ms: 0,
        in_doubt: false,
        may_have_left: false,
        named: 0,
        refused: false,
        alike: 0,
        cause: 0,
        passed: None,
        is_suspect: false,
    };
}

impl Trail {
    /// After an attempt that failed as a whole for this cause, or did not.
    pub(crate) fn failed(self, cause: Option<&str>) -> Self {
        let Some(cause) = cause else { return Self { alike: 0, ..self } };
        let mut hasher = DefaultHasher::new();
        cause.hash(&mut hasher);
        let cause = hasher.finish();
        Self { alike: if self.cause == cause { self.alike + 1 } else { 1 }, cause, ..self }
    }

    /// When its members are looked at in parts; `left` says whether this attempt may have left.
    pub(crate) const fn suspected(self, unclear: bool, left: bool) -> Self {
        Self {
            attempt: self.attempt + 1,
            in_doubt: unclear,
            may_have_left: self.may_have_left || left,
            is_suspect: true,
            ..self
        }
    }
}

/// Members who were counted with an outcome and go on after all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TakenUp {
    pub(crate) deferred: u64,
    pub(crate) unknown: u64,
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

    /// Only that all members failed is known: from now on parts are asked side by side.
    pub(crate) fn doubt(&self) {
        self.lock().doubt();
    }

    /// Whether some of the members passed.
    pub(crate) fn has_sound(&self) -> bool {
        self.lock().has_sound()
    }

    /// One member failed alone while others passed.
    pub(crate) fn found_lone(&self) {
        self.lock().found_culprits(1);
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

    /// The next part to send, and how many members are taken up again for it: of those who were put off, and of those of
    /// whom it is not known what arrived.
    pub(crate) fn next(&self) -> (Option<(Lot, Trail)>, TakenUp) {
        let mut taken_up = TakenUp::default();
        loop {
            let step = self.lock().next_step();
            match step {
                Some(Step::Send(part)) => return (Some(part), taken_up),
                Some(Step::Halve((lot, trail))) => {
                    let of = if trail.in_doubt { &mut taken_up.unknown } else { &mut taken_up.deferred };
                    *of += lot.len() as u64;
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
