//! What the checks have seen so far.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::Check;

/// Failures of one check that are shown; more are counted.
const SHOWN_MAX: usize = 3;

/// One way in which a check does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What was done.
    pub did: String,
    /// What should have come of it.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Failure {
    pub(crate) fn new(did: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { did: did.into(), expected: expected.into(), got: got.into() }
    }
}

/// What is known of one check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// How often it was looked at.
    pub(crate) times: u64,
    /// How often it did not hold.
    pub(crate) failed: u64,
    pub(crate) shown: Vec<Failure>,
}

/// All checks that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Findings(RefCell<BTreeMap<Check, Seen>>);

impl Findings {
    /// Notes that a check was looked at, and whether it held.
    pub(crate) fn expect(&self, check: Check, holds: bool, failure: impl FnOnce() -> Failure) {
        let mut all = self.0.borrow_mut();
        let seen = all.entry(check).or_default();
        seen.times += 1;
        if !holds {
            seen.failed += 1;
            if seen.shown.len() < SHOWN_MAX {
                seen.shown.push(failure());
            }
        }
    }

    pub(crate) fn held(&self, check: Check) {
        self.expect(check, true, || Failure::new("", "", ""));
    }

    pub(crate) fn fail(&self, check: Check, failure: Failure) {
        self.expect(check, false, || failure);
    }

    /// Takes over what others have seen.
    pub(crate) fn absorb(&self, other: Self) {
        let mut all = self.0.borrow_mut();
        for (check, mut seen) in other.0.into_inner() {
            let known = all.entry(check).or_default();
            known.times += seen.times;
            known.failed += seen.failed;
            known.shown.append(&mut seen.shown);
            known.shown.truncate(SHOWN_MAX);
        }
    }

    pub(crate) fn of(&self, check: Check) -> Seen {
        self.0.borrow().get(&check).cloned().unwrap_or_default()
    }
}
