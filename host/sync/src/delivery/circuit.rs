//! The breaker of one credential in a run: who may send, and what becomes of it for everybody else.
//!
//! What must never happen: two probes in one period, and a probe that is lost, so that everybody waits for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enroute_core::breaker::{Breaker, Part, Pass, Shut};
use enroute_store::{Error, Store, Transaction, pace};
use tokio::sync::Notify;

use crate::clock::{Clock, moment};
use crate::delivery::stop::Stop;

/// How long a run waits for something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Longest wait.
    pub(crate) ms: u64,
    /// When the run began.
    pub(crate) began_ms: u64,
    /// Whether it sits out an outage that begins while it runs.
    pub(crate) waits: bool,
}

impl Patience {
    /// Whether the run sits out a trouble until this moment.
    pub(crate) const fn allows(&self, until_ms: u64) -> bool {
        self.waits && until_ms <= self.began_ms.saturating_add(self.ms)
    }

    /// Whether a wait is longer than the run has time for.
    const fn is_over(&self, until_ms: u64, now_ms: u64) -> bool {
        let from_ms = if self.waits { self.began_ms } else { now_ms };
        until_ms > from_ms.saturating_add(self.ms)
    }
}

/// The breaker of one credential.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    breaker: Mutex<Breaker>,
    /// Destinations at which a person must mend the credential first, and why.
    paused: Mutex<BTreeMap<String, String>>,
    /// Destinations that an earlier run found to fail, and this one has not yet.
    inherited: Mutex<BTreeSet<String>>,
    changed: Notify,
    /// Where it is written down, by a keyed hash of the credential.
    record: Option<(Arc<Store>, [u8; 16])>,
}

/// Leave to send one delivery. Whoever has it tells how it went; dropping it says nothing of the destination.
#[derive(Debug)]
pub(crate) struct Leave {
    circuit: Arc<Circuit>,
    destination: String,
    pass: Pass,
}

impl Circuit {
    /// The breaker as an earlier run left it.
    pub(crate) fn new(parts: Vec<(String, Part)>, now_ms: u64, record: (Arc<Store>, [u8; 16])) -> Self {
        let inherited = Mutex::new(parts.iter().map(|(destination, _)| destination.clone()).collect());
        Self { breaker: Mutex::new(Breaker::new(parts, now_ms)), inherited, record: Some(record), ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a delivery to this destination may be sent.
    ///
    /// # Errors
    /// Why the connection has to stop, where that is not waited for.
    pub(crate) async fn pass(
        self: &Arc<Self>,
        destination: &str,
        clock: &Clock,
        patience: Patience,
    ) -> Result<Leave, Stop> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(reason) = self.paused.lock().unwrap_or_else(PoisonError::into_inner).get(destination) {
                return Err(Stop::Person(reason.clone()));
            }
            let now_ms = clock.now_ms();
            let shut = self.lock().pass(destination, now_ms);
            let until_ms = match shut {
                Ok(pass) => {
                    return Ok(Leave { circuit: Arc::clone(self), destination: destination.to_owned(), pass });
                }
                Err(Shut::Until(until_ms)) => Some(until_ms),
                Err(Shut::Probing) => None,
            };
            let is_inherited = self.inherited.lock().unwrap_or_else(PoisonError::into_inner).contains(destination);
            if !(is_inherited || patience.waits) || patience.is_over(until_ms.unwrap_or(now_ms), now_ms) {
                return Err(self.stop(destination));
            }
            match until_ms {
                Some(until_ms) => tokio::select! {
                    () = clock.sleep_until(until_ms) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// Whether leave that was given is still good: an outage may have begun since.
    pub(crate) fn is_good(&self, leave: &Leave) -> bool {
        leave.pass == Pass::Probe || self.lock().part(&leave.destination).is_none_or(|part| part.opened_ms.is_none())
    }

    /// Why nothing is sent to a destination for now.
    fn stop(&self, destination: &str) -> Stop {
        let breaker = self.lock();
        let part = breaker.part(destination);
        let cause = part.map_or("", |part| part.reason.as_str());
        let until = part.map(|part| format!("; it is probed again at {}", moment(part.until_ms))).unwrap_or_default();
        Stop::Later(format!("the destination did not answer as it should several times in a row: {cause}{until}"))
    }

    /// Sends nothing more to a destination in this run, for a person must mend its credential first.
    fn pause(&self, destination: &str, reason: &str) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.entry(destination.to_owned()).or_insert_with(|| reason.to_owned());
        drop(paused);
        self.changed.notify_waiters();
    }

    async fn write(&self) -> Result<(), Error> {
        let Some((store, key)) = &self.record else { return Ok(()) };
        let parts: Vec<_> = self.lock().parts().iter().map(|(name, part)| (name.clone(), part.clone())).collect();
        let key = *key;
        store.write_relaxed(move |tx: &Transaction<'_>| pace::keep_breaker(tx, &key, &parts)).await
    }
}

impl Leave {
    /// The destination does its work.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn succeeded(self, clock: &Clock) -> Result<(), Error> {
        let is_new = self.circuit.lock().succeeded(&self.destination, self.pass, clock.now_ms());
        if is_new {
            tracing::info!(destination = %self.destination, "the destination answers again");
        }
        self.tell(is_new).await
    }

    /// The destination did not do its work.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn failed(self, clock: &Clock, reason: &str) -> Result<(), Error> {
        self.circuit.inherited.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.destination);
        let is_new = self.circuit.lock().failed(&self.destination, self.pass, reason, clock.now_ms());
        if is_new {
            tracing::warn!(destination = %self.destination, reason, "the destination is only probed for now");
        }
        self.tell(is_new).await
    }

    /// A person must mend the credential first: nothing more is sent to the destination in this run.
    pub(crate) fn pause(&self, reason: &str) {
        self.circuit.pause(&self.destination, reason);
    }

    async fn tell(self, is_new: bool) -> Result<(), Error> {
        let circuit = Arc::clone(&self.circuit);
        drop(self);
        if is_new { circuit.write().await } else { Ok(()) }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.circuit.lock().end(&self.destination, self.pass);
        self.circuit.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_HOURS: Patience = Patience { ms: 4 * 3_600_000, began_ms: 0, waits: true };

    async fn opened(circuit: &Arc<Circuit>, clock: &Clock) {
        for _ in 0..5 {
            let leave = circuit.pass("crm", clock, FOR_HOURS).await.unwrap();
            leave.failed(clock, "HTTP 500").await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_outage_is_sat_out_with_one_probe_a_period() {
        let (circuit, clock) = (Arc::<Circuit>::default(), Clock::starting_at(0));
        opened(&circuit, &clock).await;
        let mut probes = 0;
        while clock.now_ms() < 40_000 {
            let leave = circuit.pass("crm", &clock, FOR_HOURS).await.unwrap();
            probes += 1;
            leave.failed(&clock, "HTTP 500").await.unwrap();
        }
        assert_eq!(probes, 6, "after 1, 2, 4, 8, 16 and 32 seconds");
        circuit.pass("crm", &clock, FOR_HOURS).await.unwrap().succeeded(&clock).await.unwrap();
        let (one, two) = (circuit.pass("crm", &clock, FOR_HOURS).await, circuit.pass("crm", &clock, FOR_HOURS).await);
        assert!(one.is_ok() && two.is_ok(), "all may go again");
    }

    #[tokio::test]
    async fn a_probe_that_is_lost_keeps_nobody_waiting() {
        let (circuit, clock) = (Arc::<Circuit>::default(), Clock::starting_at(0));
        opened(&circuit, &clock).await;
        let probe = circuit.pass("crm", &clock, FOR_HOURS).await.unwrap();
        let waiting = tokio::spawn({
            let (circuit, clock) = (Arc::clone(&circuit), clock.clone());
            async move { circuit.pass("crm", &clock, FOR_HOURS).await.map(|leave| leave.pass) }
        });
        tokio::task::yield_now().await;
        drop(probe);
        assert_eq!(waiting.await.unwrap(), Ok(Pass::Probe));
    }

    #[tokio::test]
    async fn a_run_that_does_not_wait_ends_with_the_reason_and_the_next_one_probes() {
        let (circuit, clock) = (Arc::<Circuit>::default(), Clock::starting_at(0));
        opened(&circuit, &clock).await;
        let hurried = Patience { ms: 30_000, began_ms: 0, waits: false };
        let Err(Stop::Later(reason)) = circuit.pass("crm", &clock, hurried).await else { panic!("it waits") };
        assert!(reason.contains("HTTP 500") && reason.contains("1970-01-01T00:00:01Z"), "{reason}");
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let parts = circuit.lock().parts().clone().into_iter().collect();
        let next = Arc::new(Circuit::new(parts, 0, (Arc::clone(&store), [1; 16])));
        let probe = next.pass("crm", &clock, hurried).await.unwrap();
        assert_eq!((probe.pass, clock.now_ms()), (Pass::Probe, 1_000));
        probe.failed(&clock, "HTTP 500").await.unwrap();
        assert!(next.pass("crm", &clock, hurried).await.is_err(), "one probe is enough for one run");
        assert_eq!(pace::open_breakers(&store.reader().unwrap()).unwrap()[0].part.until_ms, 3_000);
    }

    #[tokio::test]
    async fn a_credential_that_is_refused_stops_all_who_use_it_at_the_destination() {
        let (circuit, clock) = (Arc::<Circuit>::default(), Clock::starting_at(0));
        circuit.pause("crm", "the key is refused");
        let stopped = circuit.pass("crm", &clock, FOR_HOURS).await.map(|_| ());
        assert_eq!(stopped, Err(Stop::Person("the key is refused".to_owned())));
        assert!(circuit.pass("shop", &clock, FOR_HOURS).await.is_ok());
    }
}
