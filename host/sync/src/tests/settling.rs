//! What the simulator writes down of a delivery, and what it does again: as `delivery/settle.rs` and
//! `delivery/deliver.rs` do it, without plugins.

use std::collections::BTreeMap;

use enroute_core::batch::Change;
use enroute_core::outcome::Outcome;
use enroute_core::retry::Policy;
use enroute_store::held::{self, Held};
use enroute_store::ledger::{self, PendingRow, RejectionRow};
use enroute_store::{Error, Transaction};
use roaring::RoaringBitmap;

use super::world::Item;
use crate::delivery::decide::{Decision, Next};

pub(super) const PLUGIN: [u8; 32] = [7; 32];
pub(super) const PATIENCE_MS: u64 = 30_000;
const ATTEMPTS_MAX: u32 = 5;

/// What happened to a part of a lot in this run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail {
    pub(super) attempt: u32,
    pub(super) waited_ms: u64,
    pub(super) may_have_left: bool,
    pub(super) refused: bool,
}

pub(super) const fn hash(value: u8) -> [u8; 16] {
    [value; 16]
}

/// How a delivery ended.
pub(super) struct Done {
    pub(super) delivery: i64,
    pub(super) finished: Vec<(Vec<u32>, Outcome)>,
    pub(super) again: Vec<u32>,
    pub(super) left: bool,
    pub(super) trail: Trail,
}

/// A delivery that ended, with what is needed to write that down.
pub(super) struct Settling {
    pub(super) link: i64,
    pub(super) run: i64,
    pub(super) at_ms: u64,
    pub(super) version: u64,
    pub(super) items: Vec<Item>,
    pub(super) rows: BTreeMap<u32, Held>,
    pub(super) done: Done,
}

impl Settling {
    pub(super) fn carry_out(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        let Self { link, at_ms, done, .. } = self;
        ledger::settle(tx, done.delivery, "ok", *at_ms)?;
        for (positions, outcome) in &done.finished {
            let items: Vec<&Item> = positions.iter().map(|at| &self.items[*at as usize]).collect();
            let members: RoaringBitmap = items.iter().map(|item| item.member).collect();
            match outcome {
                Outcome::Delivered => {
                    let gone = items.iter().filter(|item| item.change == Change::Removed).map(|item| item.member);
                    held::forget(tx, *link, gone)?;
                    let stay = items.iter().filter(|item| item.change != Change::Removed);
                    let row = |item: &&Item| Held {
                        profile: item.member,
                        hash: Some(hash(item.value)),
                        version: self.version,
                        ..Held::default()
                    };
                    held::put(tx, *link, &stay.map(row).collect::<Vec<_>>())?;
                    ledger::clear(tx, *link, &members)?;
                }
                Outcome::Rejected(refusal) => {
                    if !done.trail.may_have_left {
                        self.restore(tx, positions)?;
                    }
                    let row = |item: &&Item| RejectionRow {
                        profile: item.member,
                        code: refusal.code.clone(),
                        field: None,
                        reason: refusal.reason.clone(),
                        source: "destination",
                        change: item.change.word(),
                        hash: Some(hash(item.value)),
                    };
                    let rows: Vec<RejectionRow> = items.iter().map(row).collect();
                    ledger::clear(tx, *link, &members)?;
                    ledger::reject(tx, (self.run, *link), (&PLUGIN, self.version), *at_ms, &rows)?;
                }
                Outcome::Deferred { after_ms } => self.put_off(tx, &items, "deferred", *after_ms)?,
                _ => self.put_off(tx, &items, "unknown", 0)?,
            }
        }
        if !done.trail.may_have_left && !done.left {
            let waits = |outcome: &Outcome| matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown);
            let put_off = done.finished.iter().filter(|(_, outcome)| waits(outcome)).flat_map(|(at, _)| at);
            let positions: Vec<u32> = put_off.chain(&done.again).copied().collect();
            self.restore(tx, &positions)?;
        }
        Ok(())
    }

    fn put_off(&self, tx: &Transaction<'_>, items: &[&Item], state: &str, after_ms: u64) -> Result<(), Error> {
        let row = |item: &&Item| PendingRow {
            profile: item.member,
            state: state.to_owned(),
            due_ms: self.at_ms + after_ms.max(1_000),
            attempts: 1,
            first_ms: self.at_ms,
            ticket: None,
            reason: None,
            change: Some(item.change.word()),
            hash: Some(hash(item.value)),
        };
        ledger::put_off(tx, self.link, &items.iter().map(row).collect::<Vec<_>>())
    }

    /// The destination has what it had before this run.
    fn restore(&self, tx: &Transaction<'_>, positions: &[u32]) -> Result<(), Error> {
        let members = || positions.iter().map(|at| self.items[*at as usize].member);
        let known: Vec<&Held> = members().filter_map(|member| self.rows.get(&member)).collect();
        held::put(tx, self.link, known)?;
        held::forget(tx, self.link, members().filter(|member| !self.rows.contains_key(member)))
    }
}

/// What is tried again within the run: positions, their trail, the wait before, and whether they are halved. The rest is
/// finished.
pub(super) fn follow_ups(
    decision: &mut Decision,
    trail: Trail,
    left: bool,
    random: u64,
) -> Vec<(Vec<u32>, Trail, u64, bool)> {
    let mut again = Vec::new();
    for (members, next) in std::mem::take(&mut decision.again) {
        let unclear = matches!(next, Next::Again { unclear: true, .. } | Next::Isolate { unclear: true });
        let backoff = Policy::default().delay_ms(trail.attempt, random);
        let (after_ms, attempt, halved) = match &next {
            Next::Again { after_ms, .. } => ((*after_ms).max(backoff), trail.attempt + 1, false),
            Next::Throttled { after_ms } => (*after_ms, trail.attempt, false),
            Next::Without => (0, trail.attempt, false),
            Next::Doubt { after_ms, .. } => (*after_ms, trail.attempt + 1, true),
            Next::Split | Next::Bisect | Next::Isolate { .. } => (0, trail.attempt, true),
        };
        let trail = Trail {
            attempt,
            waited_ms: trail.waited_ms + after_ms,
            may_have_left: trail.may_have_left || unclear && left,
            refused: trail.refused || next == Next::Bisect,
        };
        if attempt > ATTEMPTS_MAX || trail.waited_ms > PATIENCE_MS {
            decision.finished.push((members, next.given_up()));
        } else {
            again.push((members, trail, after_ms, halved));
        }
    }
    again
}
