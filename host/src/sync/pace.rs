//! Buckets shared by all connections that a destination counts together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::manifest::Bucket;
use enroute_core::pace::Pace;
use tokio::sync::Semaphore;

use crate::sync::clock::Clock;

/// One bucket: a pace and a number of requests in flight.
#[derive(Debug)]
pub(super) struct Gate {
    pace: Mutex<Pace>,
    slots: Arc<Semaphore>,
}

impl Gate {
    fn new(bucket: &Bucket, now_ms: u64) -> Self {
        Self {
            pace: Mutex::new(Pace::new(bucket.requests, bucket.per_ms, now_ms)),
            slots: Arc::new(Semaphore::new(bucket.concurrency as usize)),
        }
    }

    /// Waits until the pace would let a request pass, so that the waiting is not done inside a plugin's call.
    pub(super) async fn ready(&self, clock: &Clock) {
        loop {
            let now = clock.now_ms();
            let wait = self.pace.lock().unwrap_or_else(PoisonError::into_inner).wait(now);
            if wait == 0 {
                return;
            }
            clock.sleep_until(now + wait).await;
        }
    }

    /// Waits for a place and for the pace; the place is free again when the guard is dropped.
    pub(super) async fn enter(&self, clock: &Clock) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            let now = clock.now_ms();
            let taken = self.pace.lock().unwrap_or_else(PoisonError::into_inner).take(now);
            match taken {
                Ok(()) => return permit,
                Err(wait_ms) => clock.sleep_until(now + wait_ms).await,
            }
        }
    }

    /// Holds everybody back, because the destination said so.
    pub(super) fn hold(&self, clock: &Clock, after_ms: u64) {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).hold(clock.now_ms(), after_ms);
    }
}

/// All gates of a run.
#[derive(Debug, Default)]
pub(super) struct Gates {
    gates: Mutex<HashMap<(String, String), Arc<Gate>>>,
}

impl Gates {
    /// The gate for a bucket in a scope; the same one for the same scope.
    pub(super) fn gate(&self, bucket: &Bucket, scope: &str, clock: &Clock) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates
            .entry((bucket.name.clone(), scope.to_owned()))
            .or_insert_with(|| Arc::new(Gate::new(bucket, clock.now_ms())));
        Arc::clone(gate)
    }
}
