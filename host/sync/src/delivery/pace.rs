//! The gates of a group of connections, and the breaker of their credential: what a destination counts together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::manifest::{Bucket, Scope};
use enroute_core::outcome::Verdict;
use enroute_core::pace::Kept;
use enroute_core::places::Party;
use enroute_store::{Error, Sealer, Store, pace};

use crate::clock::Clock;
use crate::delivery::circuit::Circuit;
use crate::delivery::gate::{Gate, Record};
use crate::setup::link::Link;

/// A bucket's name, and who shares it.
pub(super) type Key = (String, String);

/// All gates of a group.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<Key, Arc<Gate>>>,
    circuit: Arc<Circuit>,
    store: Option<Arc<Store>>,
    /// How earlier runs left the buckets, each with the moment when that was read.
    kept: Mutex<HashMap<Key, (Kept, u64)>>,
}

/// A connection that is at work: its gates keep a place for it.
#[derive(Debug)]
pub(crate) struct AtWork {
    gates: Vec<Arc<Gate>>,
    party: Party,
}

impl Gates {
    /// The gates of connections that share a credential, as earlier runs left them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn open(store: &Arc<Store>, links: &[Arc<Link>], clock: &Clock) -> Result<Self, Error> {
        let Some(credential) = links.first().map(|link| link.credential_scope.clone()) else {
            return Ok(Self::default());
        };
        let now_ms = clock.now_ms();
        let breaker_key = of_credential(store.sealer(), &credential);
        let parts = store.read(move |reader| pace::breaker(reader, &breaker_key)).await?;
        let circuit = Arc::new(Circuit::new(parts, now_ms, (Arc::clone(store), breaker_key)));
        let gates = Self { circuit, store: Some(Arc::clone(store)), ..Self::default() };
        gates.learn(links, clock).await?;
        Ok(gates)
    }

    /// Reads how earlier runs left the buckets of these connections, where that is not known yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn learn(&self, links: &[Arc<Link>], clock: &Clock) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut buckets: Vec<Key> =
            links.iter().flat_map(|link| link.manifest.buckets.iter().map(|bucket| key(link, bucket))).collect();
        buckets.retain(|bucket| !self.is_known(bucket));
        if buckets.is_empty() {
            return Ok(());
        }
        let (sealer, now_ms) = (store.sealer().clone(), clock.now_ms());
        let read = move |reader: &enroute_store::Reader| {
            let mut kept = Vec::new();
            for bucket in buckets {
                if let Some(found) = pace::kept(reader, &of_bucket(&sealer, &bucket))? {
                    kept.push((bucket, (found, now_ms)));
                }
            }
            Ok::<_, Error>(kept)
        };
        let found = store.read(read).await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        Ok(())
    }

    fn is_known(&self, bucket: &Key) -> bool {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).contains_key(bucket)
            || self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains_key(bucket)
    }

    /// Holds the bucket that a throttled answer names, and lowers its pace.
    pub(crate) fn heed(&self, link: &Link, verdict: &Verdict, clock: &Clock) {
        if let Verdict::Throttled { bucket, after_ms } = verdict
            && let Some(gate) = self.of(link, bucket)
        {
            gate.hold(clock, *after_ms);
            gate.refused(clock);
        }
    }

    /// The gate for a bucket of the manifest; the same one for everybody whom the bucket counts together.
    pub(crate) fn of(&self, link: &Link, bucket: &str) -> Option<Arc<Gate>> {
        let bucket = link.manifest.bucket(bucket)?;
        let key = key(link, bucket);
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(&key) {
            return Some(Arc::clone(gate));
        }
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let record = self.store.as_ref().map(|store| Record {
            store: Arc::clone(store),
            key: of_bucket(store.sealer(), &key),
            names: (bucket.name.clone(), link.destination.clone()),
        });
        let gate = Arc::new(Gate::new(bucket, link.requests(bucket), known, record));
        gates.insert(key, Arc::clone(&gate));
        Some(gate)
    }

    /// The breaker of the credential.
    pub(crate) const fn circuit(&self) -> &Arc<Circuit> {
        &self.circuit
    }

    /// A connection begins its work.
    pub(crate) fn join(&self, link: &Link) -> AtWork {
        let gates: Vec<_> =
            link.manifest.buckets.iter().filter_map(|bucket| self.of(link, bucket.name.as_str())).collect();
        gates.iter().for_each(|gate| gate.join(link.party));
        AtWork { gates, party: link.party }
    }

    /// Writes down how the buckets are left.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn close(&self, clock: &Clock) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let gates: Vec<_> = self.gates.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for gate in gates {
            gate.close(clock).await?;
        }
        let now_ms = clock.now_ms();
        store.write_relaxed(move |tx| pace::forget_old(tx, now_ms)).await
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.gates.iter().for_each(|gate| gate.part(self.party));
    }
}

/// Who shares a bucket.
pub(super) fn key(link: &Link, bucket: &Bucket) -> Key {
    let scope = match bucket.scope {
        Scope::Credential => link.credential_scope.clone(),
        Scope::Destination => link.destination.clone(),
        Scope::List => format!("{}/{}", link.destination, link.audience),
    };
    (bucket.name.clone(), scope)
}

/// What a bucket is called in the store: a credential is in it.
pub(super) fn of_bucket(sealer: &Sealer, (name, scope): &Key) -> [u8; 16] {
    sealer.keyed_hash("bucket", format!("{name}\0{scope}").as_bytes())
}

fn of_credential(sealer: &Sealer, credential: &str) -> [u8; 16] {
    sealer.keyed_hash("breaker", credential.as_bytes())
}
