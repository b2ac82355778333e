//! Buckets shared by all connections that a destination counts together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::manifest::{Bucket, Scope};
use enroute_core::outcome::Verdict;
use enroute_core::pace::Pace;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::setup::link::Link;

/// One bucket: a pace and a number of requests in flight.
#[derive(Debug)]
pub(crate) struct Gate {
    pace: Mutex<Pace>,
    slots: Arc<Semaphore>,
}

impl Gate {
    fn new(bucket: &Bucket, requests: u32) -> Self {
        Self {
            pace: Mutex::new(Pace::new(requests, bucket.per_ms)),
            slots: Arc::new(Semaphore::new(bucket.concurrency as usize)),
        }
    }

    /// Waits until the pace would let a request pass, so that the waiting is not done inside a plugin's call.
    ///
    /// # Errors
    /// The wait in milliseconds, where it is longer than `patience_ms`: then it is not waited for.
    pub(crate) async fn ready(&self, clock: &Clock, patience_ms: u64) -> Result<(), u64> {
        loop {
            match self.wait_ms(clock) {
                0 => return Ok(()),
                wait_ms if wait_ms > patience_ms => return Err(wait_ms),
                wait_ms => clock.sleep_until(clock.now_ms() + wait_ms).await,
            }
        }
    }

    /// Waits for a place and for the pace; the place is free again when the guard is dropped.
    ///
    /// # Errors
    /// As [`Gate::ready`].
    pub(crate) async fn enter(&self, clock: &Clock, patience_ms: u64) -> Result<OwnedSemaphorePermit, u64> {
        let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await else { return Err(u64::MAX) };
        loop {
            let now = clock.now_ms();
            let taken = self.pace.lock().unwrap_or_else(PoisonError::into_inner).take(now);
            match taken {
                Ok(()) => return Ok(permit),
                Err(wait_ms) if wait_ms > patience_ms => return Err(wait_ms),
                Err(wait_ms) => clock.sleep_until(now + wait_ms).await,
            }
        }
    }

    /// How long a request would have to wait now.
    pub(crate) fn wait_ms(&self, clock: &Clock) -> u64 {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).wait(clock.now_ms())
    }

    /// Holds everybody back, because the destination said so.
    pub(crate) fn hold(&self, clock: &Clock, after_ms: u64) {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).hold(clock.now_ms(), after_ms);
    }
}

/// All gates of a run.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<(String, String), Arc<Gate>>>,
}

impl Gates {
    /// Holds the bucket that a throttled answer names.
    pub(crate) fn heed(&self, link: &Link, verdict: &Verdict, clock: &Clock) {
        if let Verdict::Throttled { bucket, after_ms } = verdict
            && let Some(gate) = self.of(link, bucket)
        {
            gate.hold(clock, *after_ms);
        }
    }

    /// The gate for a bucket of the manifest; the same one for everybody whom the bucket counts together.
    pub(crate) fn of(&self, link: &Link, bucket: &str) -> Option<Arc<Gate>> {
        let bucket = link.manifest.bucket(bucket)?;
        let scope = match bucket.scope {
            Scope::Credential => link.credential_scope.clone(),
            Scope::Destination => link.destination.clone(),
            Scope::List => format!("{}/{}", link.destination, link.audience),
        };
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates
            .entry((bucket.name.clone(), scope))
            .or_insert_with(|| Arc::new(Gate::new(bucket, link.requests(bucket))));
        Some(Arc::clone(gate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_at_once_pass_a_gate_at_its_pace() {
        let bucket = Bucket {
            name: "api".to_owned(),
            scope: Scope::Credential,
            requests: 10,
            requests_setting: None,
            per_ms: 1_000,
            concurrency: 4,
        };
        let (gate, clock) = (Arc::new(Gate::new(&bucket, 10)), Clock::starting_at(0));
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (gate, clock) = (Arc::clone(&gate), clock.clone());
            running.spawn(async move {
                let _permit = gate.enter(&clock, u64::MAX).await.expect("the gate opens");
                clock.now_ms()
            });
        }
        let mut passed: Vec<u64> = running.join_all().await;
        passed.sort_unstable();
        let busiest = passed.iter().map(|from| passed.iter().filter(|at| (*from..from + 1_000).contains(at)).count());
        assert!(busiest.max().is_some_and(|most| most <= 10), "{passed:?}");
        assert_eq!(clock.now_ms(), 9_000, "nobody waited longer than the pace asks");
    }
}
