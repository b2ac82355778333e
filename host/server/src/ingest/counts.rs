//! What is counted of calls. Every label is a source of the configuration or of a closed list.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enroute_core::call::CallKind;

/// The counts so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Requests, by source and status. The source is empty where no key told it.
    pub requests: BTreeMap<(String, u16), u64>,
    /// Calls that were applied, by source, kind and what became of them ([`enroute_store::calls::Fate::as_str`]).
    pub calls: BTreeMap<(String, CallKind, &'static str), u64>,
    /// Calls that were answered with 200 and not kept, by source and reason.
    pub dropped: BTreeMap<(String, &'static str), u64>,
    /// Requests that said they were sent before, by source.
    pub retries: BTreeMap<String, u64>,
    /// Calls whose moment was moved by more than a minute, because a client's clock is wrong, by source.
    pub moved: BTreeMap<String, u64>,
    /// Requests with a write key that there is not, or none.
    pub wrong_keys: u64,
}

/// The counts, for many to add to.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Counted>);

impl Counts {
    pub(super) fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds to a count.
pub(super) fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    if count > 0 {
        *counts.entry(key).or_default() += count;
    }
}
