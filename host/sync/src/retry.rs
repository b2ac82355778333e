//! Dead letters and other refusals that an operator wants tried again, and what is no longer wanted of the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_store::ledger::LinkName;
use enroute_store::letters::{self, ByLink, Letter, Wanted};
use enroute_store::{Error, Reader, Store, Transaction, retention};
use serde::Serialize;

use crate::clock::{Clock, moment};

/// Most different reasons that are told apart.
const REASONS_MAX: usize = 200;

/// Members who share a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterCount {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// snake_case; `given_up` of dead letters.
    pub code: String,
    /// Of a dead letter, the last answer.
    pub reason: String,
    /// How many.
    pub members: u64,
    /// When the first of them was refused, in UTC.
    pub since: String,
    /// When the last of them was.
    pub until: String,
}

/// What can be tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retriable {
    /// By connection and reason, in the order of the store.
    pub reasons: Vec<LetterCount>,
    /// Members by the number of their connection.
    pub members: ByLink,
    /// Members of connections that do not run, of which nothing is tried.
    pub elsewhere: u64,
}

impl Retriable {
    /// How many members.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.members.values().map(roaring::RoaringBitmap::len).sum()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Finds what is wanted among the connections that run.
///
/// # Errors
/// When the store cannot be read.
pub fn retriable(reader: &Reader, wanted: &Wanted, runs: impl Fn(&LinkName) -> bool) -> Result<Retriable, Error> {
    let mut found = Retriable::default();
    let mut counts: BTreeMap<(i64, String, String), (LinkName, u64, u64, u64)> = BTreeMap::new();
    letters::each(reader, wanted, |letter| {
        let Letter { link, name, profile, code, reason, at_ms, .. } = letter;
        if !runs(&name) {
            found.elsewhere += 1;
            return true;
        }
        found.members.entry(link).or_default().insert(profile);
        let key = (link, code, reason);
        if counts.len() < REASONS_MAX || counts.contains_key(&key) {
            let (_, members, since_ms, until_ms) = counts.entry(key).or_insert((name, 0, at_ms, at_ms));
            *members += 1;
            (*since_ms, *until_ms) = (at_ms.min(*since_ms), at_ms.max(*until_ms));
        }
        true
    })?;
    let one = |((_, code, reason), (name, members, since_ms, until_ms))| {
        let LinkName { audience, destination, mapping } = name;
        let (since, until) = (moment(since_ms), moment(until_ms));
        LetterCount { audience, destination, mapping, code, reason, members, since, until }
    };
    found.reasons = counts.into_iter().map(one).collect();
    Ok(found)
}

/// Drops receipts and requests that are older than so many days.
///
/// # Errors
/// When the store cannot be written.
pub async fn fold(store: &Arc<Store>, retention_days: u32, clock: &Clock) -> Result<(), Error> {
    let before_ms = clock.now_ms().saturating_sub(u64::from(retention_days).saturating_mul(24 * 3_600_000));
    while store.write(move |tx| retention::fold(tx, before_ms)).await? {}
    Ok(())
}

/// Takes members off the list of the refused, so that they are due.
///
/// # Errors
/// When the store cannot be written.
pub async fn bring_back(store: &Arc<Store>, members: &ByLink, clock: &Clock) -> Result<u64, Error> {
    let (members, now_ms) = (members.clone(), clock.now_ms());
    let write = move |tx: &Transaction<'_>| {
        members.iter().map(|(link, members)| letters::bring_back(tx, *link, members, now_ms)).sum()
    };
    store.write(write).await
}
