//! One bucket in a run: a pace, and places for requests in flight, in a fair order.
//!
//! What must never happen: a request that leaves without a [`Turn`], and a turn whose request is in no record that
//! outlives the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enroute_core::hints;
use enroute_core::manifest::Bucket;
use enroute_core::pace::{Kept, Pace, Wait};
use enroute_core::places::{Party, Places};
use enroute_core::request::Response;
use enroute_core::retry::WAIT_MS_MAX;
use enroute_store::{Error, Store, pace};
use tokio::sync::Notify;

use crate::clock::Clock;

/// Where a bucket's use is written down.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) store: Arc<Store>,
    /// Keyed hash of the bucket and of those who share it.
    pub(crate) key: [u8; 16],
    /// The bucket's name, and a destination that uses it.
    pub(crate) names: (String, String),
}

#[derive(Debug)]
struct State {
    pace: Pace,
    places: Places,
}

/// One bucket.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Whenever somebody else may have become the next.
    changed: Notify,
    /// Longest wait that an answer can ask for.
    longest_ms: u64,
    record: Option<Record>,
    /// One writes at a time, and the others wait for it.
    writing: tokio::sync::Mutex<()>,
}

/// Leave for one request: a place, and one request's worth of the pace. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Arc<Gate>,
    party: Party,
    has_left: bool,
}

/// Who queues at a gate.
struct Queued<'a> {
    gate: &'a Gate,
    party: Party,
    ticket: u64,
    is_served: bool,
}

impl Gate {
    pub(crate) fn new(bucket: &Bucket, requests: u32, known: Option<(Kept, u64)>, record: Option<Record>) -> Self {
        let longest_ms = u64::from(bucket.per_ms).max(WAIT_MS_MAX);
        let mut pace = Pace::new(requests, bucket.per_ms);
        if let Some((kept, now_ms)) = known {
            pace = pace.with_kept(kept, now_ms, longest_ms);
        }
        let state = Mutex::new(State { pace, places: Places::new(bucket.concurrency) });
        Self { state, changed: Notify::new(), longest_ms, record, writing: tokio::sync::Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn; `is_begun` in the middle of a plugin's call, whose time is short.
    ///
    /// # Errors
    /// The wait in milliseconds, where it is longer than `patience_ms`: then it is not waited for.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        clock: &Clock,
        party: Party,
        is_begun: bool,
        patience_ms: u64,
    ) -> Result<Turn, u64> {
        let ticket = self.lock().places.queue(party, is_begun);
        let mut queued = Queued { gate: self, party, ticket, is_served: false };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now_ms = clock.now_ms();
            match queued.step(now_ms) {
                Ok(()) => break,
                Err(Wait::Ms(wait_ms)) if wait_ms > patience_ms => return Err(wait_ms),
                Err(Wait::Ms(wait_ms)) => tokio::select! {
                    () = clock.sleep_until(now_ms.saturating_add(wait_ms)) => {}
                    () = changed => {}
                },
                Err(Wait::Turn) => changed.await,
            }
        }
        let turn = Turn { gate: Arc::clone(self), party, has_left: false };
        drop(queued);
        self.write_ahead(clock).await;
        Ok(turn)
    }

    /// How long a request would have to wait now for the pace.
    pub(crate) fn wait_ms(&self, clock: &Clock) -> u64 {
        self.lock().pace.wait(clock.now_ms())
    }

    /// Holds everybody back, because the destination said so.
    pub(crate) fn hold(&self, clock: &Clock, after_ms: u64) {
        self.lock().pace.hold(clock.now_ms(), after_ms.min(self.longest_ms));
    }

    /// The destination refused a request for being too many.
    pub(crate) fn refused(&self, clock: &Clock) {
        let mut state = self.lock();
        if state.pace.refused(clock.now_ms()) {
            state.places.refused();
        }
    }

    /// A party begins its work: a place is kept for it.
    pub(crate) fn join(&self, party: Party) {
        self.lock().places.join(party);
    }

    /// A party has ended its work.
    pub(crate) fn part(&self, party: Party) {
        self.lock().places.part(party);
        self.changed.notify_waiters();
    }

    /// Sees to it that the requests that may leave are in a record: one pays for many. A record that cannot be written is
    /// no reason to send nothing: the delivery's own intent fails with the same disk.
    async fn write_ahead(&self, clock: &Clock) {
        let Some(record) = &self.record else { return };
        if self.lock().pace.uncovered().is_none() {
            return;
        }
        let _writing = self.writing.lock().await;
        let now_ms = clock.now_ms();
        let (kept, open_ms, cover) = {
            let state = self.lock();
            let Some(cover) = state.pace.uncovered() else { return };
            (state.pace.kept(now_ms, cover.ahead), now_ms + state.pace.wait(now_ms), cover)
        };
        if record.write(kept, now_ms, open_ms).await.is_ok() {
            self.lock().pace.cover(cover);
        }
    }

    /// Writes down how the bucket is left, when nothing is in flight any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn close(&self, clock: &Clock) -> Result<(), Error> {
        let Some(record) = &self.record else { return Ok(()) };
        let now_ms = clock.now_ms();
        let (kept, open_ms, was_used) = {
            let state = self.lock();
            let was_used = state.pace.was_used();
            (state.pace.kept(now_ms, 0), now_ms + state.pace.wait(now_ms), was_used)
        };
        if was_used { record.write(kept, now_ms, open_ms).await } else { Ok(()) }
    }
}

impl Record {
    async fn write(&self, kept: Kept, now_ms: u64, open_ms: u64) -> Result<(), Error> {
        let (key, (name, destination)) = (self.key, self.names.clone());
        let write = move |tx: &enroute_store::Transaction<'_>| {
            pace::keep(tx, &key, (&name, &destination), (now_ms, open_ms), &kept)
        };
        self.store.write_relaxed(write).await
    }
}

impl Queued<'_> {
    /// Takes the place if it is this one's turn and the pace allows it.
    fn step(&mut self, now_ms: u64) -> Result<(), Wait> {
        let mut state = self.gate.lock();
        if !state.places.is_next(self.ticket) {
            // Who would be told to come back another day need not queue until then.
            let wait_ms = state.pace.wait(now_ms);
            return Err(if wait_ms > WAIT_IN_LINE_MS_MAX { Wait::Ms(wait_ms) } else { Wait::Turn });
        }
        state.pace.reserve(now_ms)?;
        state.places.take(self.party, self.ticket);
        self.is_served = true;
        drop(state);
        self.gate.changed.notify_waiters();
        Ok(())
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if !self.is_served {
            self.gate.lock().places.leave_queue(self.party, self.ticket);
            self.gate.changed.notify_waiters();
        }
    }
}

/// A pace that is closed for longer is told to all who queue, and not only to the first.
const WAIT_IN_LINE_MS_MAX: u64 = 1_000;

impl Turn {
    /// Whether it is one of this gate's, and its request has not left.
    pub(crate) fn is_for(&self, gate: &Arc<Gate>) -> bool {
        Arc::ptr_eq(&self.gate, gate) && !self.has_left
    }

    /// The request leaves now.
    pub(crate) fn leave(&mut self, now_ms: u64) {
        self.has_left = true;
        self.gate.lock().pace.leave(now_ms);
        self.gate.changed.notify_waiters();
    }

    /// The request was answered: what the answer says of the pace holds at once, for everybody.
    pub(crate) fn answered(&self, answer: &Response, clock: &Clock) {
        let now_ms = clock.now_ms();
        let wait_ms = hints::wait_ms(answer, now_ms, self.gate.longest_ms);
        if wait_ms > 0 {
            self.gate.hold(clock, wait_ms);
        }
        if answer.status == 429 {
            self.gate.refused(clock);
        } else {
            let mut state = self.gate.lock();
            state.pace.answered();
            state.places.answered();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        if !self.has_left {
            state.pace.release();
        }
        state.places.give_back(self.party);
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
