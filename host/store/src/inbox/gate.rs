//! How much may wait: what can be written within a second, by what was written of late.
//!
//! A limit on memory would hide overload behind seconds of waiting. So the wait is what is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Least and most bytes that may wait, whatever was measured: a batch of the largest size fits several times.
const WAITING_BYTES_MIN: u64 = 2 << 20;
const WAITING_BYTES_MAX: u64 = 8 << 20;

/// Longest wait that is asked for, in seconds. Clients wait up to 300 s; they need not.
const RETRY_AFTER_MAX: u64 = 30;

/// How much weight the newest measurement has: one in so many.
const MEMORY: u64 = 8;

/// More comes in than can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting; come again in {retry_after_s} s")]
pub struct Busy {
    /// When to come again, in seconds: 1 to 30.
    pub retry_after_s: u64,
}

impl Busy {
    /// The store does not take up what waits.
    pub(super) const fn full() -> Self {
        Self { retry_after_s: RETRY_AFTER_MAX }
    }
}

/// What may wait. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Level>);

#[derive(Debug)]
struct Level {
    waiting: AtomicU64,
    /// Bytes a second.
    rate: AtomicU64,
}

/// Room for some bytes, which is given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    level: Arc<Level>,
    bytes: u64,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self(Arc::new(Level { waiting: AtomicU64::new(0), rate: AtomicU64::new(WAITING_BYTES_MAX) }))
    }

    /// Admits bytes; where nothing waits, however many.
    pub(super) fn admit(&self, bytes: u64) -> Result<Permit, Busy> {
        let rate = self.0.rate.load(Ordering::Relaxed).max(1);
        let most = rate.clamp(WAITING_BYTES_MIN, WAITING_BYTES_MAX);
        let room = |waiting: u64| {
            let next = waiting.saturating_add(bytes);
            (waiting == 0 || next <= most).then_some(next)
        };
        match self.0.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, room) {
            Ok(_) => Ok(Permit { level: Arc::clone(&self.0), bytes }),
            Err(waiting) => Err(Busy { retry_after_s: waiting.div_ceil(rate).clamp(1, RETRY_AFTER_MAX) }),
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Takes note of a commit.
    pub(super) fn wrote(&self, bytes: u64, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let now = bytes.saturating_mul(1_000_000) / us;
        let before = self.0.rate.load(Ordering::Relaxed);
        self.0.rate.store(before - before / MEMORY + now / MEMORY, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.level.waiting.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_by_what_can_be_written_in_a_second() {
        let gate = Gate::new();
        let first = gate.admit(6 << 20).unwrap();
        let second = gate.admit(2 << 20).unwrap();
        assert_eq!(gate.admit(1).unwrap_err(), Busy { retry_after_s: 1 });
        drop(first);
        let third = gate.admit(1).unwrap();
        drop((second, third));
        assert_eq!(gate.waiting(), 0);
        // One request is never refused for its size alone.
        assert!(gate.admit(100 << 20).is_ok());
    }

    #[test]
    fn a_slow_disk_asks_for_patience_in_whole_seconds() {
        let gate = Gate::new();
        for _ in 0..200 {
            gate.wrote(100 << 10, Duration::from_secs(1));
        }
        let _all = gate.admit(3 << 20).unwrap();
        assert_eq!(gate.admit(1).unwrap_err(), Busy { retry_after_s: 30 });
        for _ in 0..200 {
            gate.wrote(1 << 20, Duration::from_secs(1));
        }
        assert_eq!(gate.admit(1).unwrap_err(), Busy { retry_after_s: 3 });
    }
}
