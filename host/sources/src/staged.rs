//! A whole result on its way to the store: put aside as it comes, and carried over once it is complete.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::Error;
use enroute_config::crash_point;
use enroute_store::layers::Kind;
use enroute_store::{Pending, Store};

/// Rows that are handed to the store at once.
const ROWS_AT_ONCE: usize = 5_000;

/// Bytes of rows that are handed to the store at once, whatever their number.
const BYTES_AT_ONCE: usize = 8 << 20;

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replaced {
    /// Rows or lines that were read, rejected ones included.
    pub read: u64,
    /// People whom nobody knew.
    pub added: u64,
    /// People of whom something else is said.
    pub updated: u64,
    /// People of whom the same is said.
    pub unchanged: u64,
    /// Rows or lines that say nothing of a person.
    pub rejected: u64,
    /// Rows of people who had one already; the last one stands.
    pub repeated: u64,
    /// People who are not in the result any more; they have null in all its traits.
    pub dropped_out: u64,
    /// People whom a source of profiles does not hold any more; they have nothing left of what it said.
    pub gone: u64,
    /// Rows of people who were forgotten.
    pub skipped: u64,
    /// Values without end, and such as are no number; null stands in their place.
    pub endless: u64,
}

/// What is put aside.
#[derive(Debug)]
pub(super) struct Staged<'a> {
    store: &'a Store,
    rows: Vec<(String, String)>,
    bytes: usize,
    waiting: Option<Pending<u64>>,
    pub(super) counts: Replaced,
}

impl<'a> Staged<'a> {
    pub(super) fn begin(store: &'a Store) -> Result<Self, Error> {
        store.write_blocking(|tx| tx.stage_begin())?;
        Ok(Self { store, rows: Vec::new(), bytes: 0, waiting: None, counts: Replaced::default() })
    }

    /// Puts what is said of a person aside.
    pub(super) fn put(&mut self, key: &str, traits: &BTreeMap<&str, Box<RawValue>>) -> Result<(), Error> {
        let text = serde_json::to_string(traits).unwrap_or_else(|_| "{}".to_owned());
        self.bytes += key.len() + text.len();
        self.rows.push((key.to_owned(), text));
        if self.rows.len() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let next = self.store.submit_relaxed(move |tx| tx.stage_put(&rows))?;
        if let Some(before) = self.waiting.replace(next) {
            self.counts.repeated += before.wait()?;
        }
        Ok(())
    }

    /// Carries over what was put aside, a whole result. `scores` are the names that get a percentile.
    pub(super) fn carry(
        self,
        kind: Kind,
        source: &str,
        names: Vec<String>,
        scores: &[String],
        now_ms: i64,
    ) -> Result<Replaced, Error> {
        self.carry_over(kind, source, names, scores, true, now_ms)
    }

    /// Carries over what was put aside, which says nothing of anybody else.
    pub(super) fn carry_changes(
        self,
        kind: Kind,
        source: &str,
        names: Vec<String>,
        now_ms: i64,
    ) -> Result<Replaced, Error> {
        self.carry_over(kind, source, names, &[], false, now_ms)
    }

    fn carry_over(
        mut self,
        kind: Kind,
        source: &str,
        names: Vec<String>,
        scores: &[String],
        is_whole: bool,
        now_ms: i64,
    ) -> Result<Replaced, Error> {
        self.hand_over()?;
        if let Some(last) = self.waiting.take() {
            self.counts.repeated += last.wait()?;
        }
        crash_point!("import.staged");
        for score in scores {
            let score = score.clone();
            self.store.write_blocking(move |tx| tx.stage_rank(&score))?;
        }
        let (own, source) = (names.clone(), source.to_owned());
        let source = self.store.write_blocking(move |tx| tx.stage_own(kind, &source, &own))?;
        let (mut after, sealer) = (Some(0), self.store.sealer().clone());
        while let Some(from) = after {
            let sealer = sealer.clone();
            let carried = self.store.submit_relaxed(move |tx| tx.stage_carry(source, from, &sealer))?.wait()?;
            self.counts.added += carried.added;
            self.counts.updated += carried.updated;
            self.counts.unchanged += carried.unchanged;
            crash_point!("import.carried");
            after = carried.next;
        }
        if !is_whole {
            return self.finish(source, now_ms);
        }
        let mut after = Some(0);
        while let Some(from) = after {
            let names = names.clone();
            let carried = self.store.submit_relaxed(move |tx| tx.stage_drop_outs(source, &names, from))?.wait()?;
            self.counts.dropped_out += carried.updated;
            after = carried.next;
        }
        self.finish(source, now_ms)
    }

    fn finish(self, source: i64, now_ms: i64) -> Result<Replaced, Error> {
        self.store.write_blocking(move |tx| {
            tx.stage_end()?;
            tx.set_refreshed(source, now_ms)
        })?;
        Ok(self.counts)
    }
}
