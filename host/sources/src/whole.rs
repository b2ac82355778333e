//! A read of profiles on its way to the store: those that differ are put aside as they come, and carried over once the
//! read came to its end and is believed.
//!
//! What must never happen: half a read replaces what was there, or somebody is taken as gone by a read that was cut off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;

use crate::chunk::Rows;
use crate::guards::{self, Before, Found};
use crate::json::Line;
use crate::names::Names;
use crate::reject::Bad;
use crate::{CHUNK_BYTES, CHUNK_LINES, Error, Replaced};
use enroute_config::crash_point;
use enroute_store::feeds::{self, Feed};
use enroute_store::imports::Rejection;
use enroute_store::layers::Kind;
use enroute_store::people::Aside;
use enroute_store::profiles::ContentHasher;
use enroute_store::{Pending, Store};

/// Share of a source's people who may be gone at once where the operator says nothing, in percent.
pub const REMOVE_MAX_PERCENT: f64 = 25.0;

/// Bad rows that are told.
const BAD_ROWS_TOLD: usize = 5;

/// Profiles that are emptied in one transaction.
const GONE_AT_ONCE: usize = 5_000;

/// How much a read says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// Whether the source holds everybody, so that who is missing is gone.
    pub is_complete: bool,
    /// The share of people who may be gone at once, in percent.
    pub remove_max_percent: f64,
    /// Whether an operator has looked at it, so that it is believed.
    pub is_accepted: bool,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { is_complete: false, remove_max_percent: REMOVE_MAX_PERCENT, is_accepted: false }
    }
}

/// What became of a read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// The counts.
    pub counts: Replaced,
    /// The first bad rows.
    pub bad: Vec<Rejection>,
    /// What is not wrong with it and worth a look.
    pub notes: Vec<String>,
}

/// What is known of a read at its end.
#[derive(Debug, Default)]
pub(super) struct End {
    /// A keyed hash of what was read.
    pub(super) digest: String,
    /// How many rows had a value in each column.
    pub(super) columns: BTreeMap<String, u64>,
    pub(super) has_header: bool,
    /// Whether all of the source was read.
    pub(super) is_full: bool,
    pub(super) as_of_ms: Option<i64>,
    pub(super) cursor: Option<String>,
    pub(super) now_ms: i64,
}

/// Profiles that are put aside.
pub(super) struct Whole<'a> {
    store: &'a Store,
    source: &'a str,
    snapshot: Snapshot,
    hasher: ContentHasher,
    rows: Rows,
    names: Names,
    /// Everybody who is known and was read.
    seen: Arc<Mutex<RoaringBitmap>>,
    waiting: Option<Pending<Aside>>,
    /// What was kept of the read before.
    pub(super) before: Option<Feed>,
    pub(super) read: Read,
}

impl<'a> Whole<'a> {
    pub(super) fn begin(store: &'a Store, source: &'a str, snapshot: Snapshot) -> Result<Self, Error> {
        store.write_blocking(|tx| tx.people_begin())?;
        let reader = store.reader()?;
        Ok(Self {
            store,
            source,
            snapshot,
            hasher: ContentHasher::new(store.sealer()),
            rows: Rows::default(),
            names: Names::new(&reader)?,
            seen: Arc::default(),
            waiting: None,
            before: feeds::find(&reader, source)?,
            read: Read::default(),
        })
    }

    /// Notes the traits that a header names, or says which is another source's.
    pub(super) fn note(&mut self, mut names: impl Iterator<Item = String>) -> Result<(), Bad> {
        names.try_for_each(|name| self.names.note(&name))
    }

    /// Puts a profile aside, or counts a row that is none.
    pub(super) fn take(&mut self, number: u64, row: Result<Line<'_>, Bad>) -> Result<(), Error> {
        self.read.counts.read += 1;
        let row = row.and_then(|line| self.names.note_all(&line.names).map(|()| line));
        match row {
            Ok(line) => self.rows.push(&line, &self.hasher),
            Err(bad) => {
                self.read.counts.rejected += 1;
                if self.read.bad.len() < BAD_ROWS_TOLD {
                    let reason = bad.reason;
                    self.read.bad.push(Rejection { line: number, code: bad.code.to_string(), reason });
                }
            }
        }
        if self.rows.len() >= CHUNK_LINES || self.rows.bytes() >= CHUNK_BYTES { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let (rows, seen, sealer) =
            (std::mem::take(&mut self.rows), Arc::clone(&self.seen), self.store.sealer().clone());
        let next = self.store.submit_relaxed(move |tx| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            tx.people_put(rows.incoming(), &sealer, &mut seen)
        })?;
        let before = self.waiting.replace(next);
        self.count(before)
    }

    fn count(&mut self, done: Option<Pending<Aside>>) -> Result<(), Error> {
        if let Some(done) = done {
            let aside = done.wait()?;
            self.read.counts.repeated += aside.repeated;
            self.read.counts.skipped += aside.skipped;
        }
        Ok(())
    }

    /// Carries over what was put aside, if the read is believed.
    pub(super) fn end(mut self, end: End) -> Result<Read, Error> {
        self.hand_over()?;
        let last = self.waiting.take();
        self.count(last)?;
        crash_point!("import.staged");
        let before = self.before.take().unwrap_or_default();
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let known = &before.members;
        let mut gone = known - &seen;
        let found = Found {
            rows: self.read.counts.read - self.read.counts.rejected,
            rejected: self.read.counts.rejected,
            columns: end.columns.clone(),
            has_header: end.has_header,
            still: known.len() - gone.len(),
            missing: gone.len(),
            as_of_ms: end.as_of_ms,
        };
        let is_same = before.digest == end.digest;
        let is_complete = self.snapshot.is_complete && end.is_full && is_same;
        self.believe(&found, &before, end.is_full && is_same, is_complete)?;
        if self.snapshot.is_complete && end.is_full && !is_same && !gone.is_empty() {
            self.read.notes.push(format!(
                "it reads something else than the last time, so nobody is taken as gone yet: {} people are missing, and \
                 the next read counts",
                gone.len()
            ));
        }
        if is_complete {
            gone -= feeds::held_by_others(&self.store.reader()?, self.source)?;
        } else {
            gone.clear();
        }
        let mut held = self.carry(&seen)? | seen;
        self.let_go(&gone)?;
        if !is_complete {
            held |= &before.members;
        }
        self.keep(before, held, end)?;
        Ok(self.read)
    }

    fn believe(&self, found: &Found, before: &Feed, is_same: bool, is_complete: bool) -> Result<(), Error> {
        if self.snapshot.is_accepted || !is_same {
            return Ok(());
        }
        let then = Before { rows: before.rows, columns: before.columns.clone(), as_of_ms: before.as_of_ms };
        let doubt = if is_complete {
            guards::look(found, &then, self.snapshot.remove_max_percent)
        } else {
            guards::look_at_columns(found, &then)
        };
        let Some(guard) = doubt else { return Ok(()) };
        self.store.write_blocking(|tx| tx.people_end())?;
        Err(Error::Guarded { guard })
    }

    /// Writes the profiles that differ; returns the numbers of all of them.
    fn carry(&mut self, seen: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let (mut after, mut people, mut updated) = (Some(0), RoaringBitmap::new(), 0);
        while let Some(from) = after {
            let carried = self.store.submit_relaxed(move |tx| tx.people_carry(from))?.wait()?;
            self.read.counts.added += carried.added;
            updated += carried.updated;
            people |= carried.people;
            crash_point!("import.carried");
            after = carried.next;
        }
        self.read.counts.updated = updated;
        self.read.counts.unchanged = seen.len().saturating_sub(updated);
        Ok(people)
    }

    fn let_go(&mut self, gone: &RoaringBitmap) -> Result<(), Error> {
        let mut left = gone.iter();
        loop {
            let some: RoaringBitmap = left.by_ref().take(GONE_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            let sealer = self.store.sealer().clone();
            self.read.counts.gone += some.len();
            self.store.submit_relaxed(move |tx| tx.people_gone(&some, &sealer))?.wait()?;
        }
    }

    fn keep(&mut self, before: Feed, held: RoaringBitmap, end: End) -> Result<(), Error> {
        let is_full = end.is_full;
        let counts = self.read.counts;
        let feed = Feed {
            source: self.source.to_owned(),
            digest: end.digest,
            columns: if is_full { end.columns } else { before.columns },
            rows: if is_full { counts.read - counts.rejected } else { before.rows },
            read_ms: Some(end.now_ms),
            full_ms: if is_full { Some(end.now_ms) } else { before.full_ms },
            as_of_ms: end.as_of_ms.or(before.as_of_ms),
            cursor: end.cursor,
            members: held,
        };
        let names: Vec<String> = self.names.take_new().collect();
        self.store.write_blocking(move |tx| {
            tx.people_end()?;
            let source = tx.trait_source(Kind::Custom, &feed.source)?;
            tx.add_traits(source, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
            tx.set_refreshed(source, end.now_ms)?;
            feeds::keep(tx, &feed)
        })?;
        Ok(())
    }
}
