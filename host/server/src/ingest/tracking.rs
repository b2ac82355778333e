//! What the routes share: the sources that listen, the inbox, and what is counted.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use enroute_config::Config;
use enroute_config::audiences_file::source::Origin;
use enroute_config::reference::ReferenceError;
use enroute_config::secret::Secret;
use enroute_core::call::CallKind;
use enroute_store::inbox::Inbox;
use enroute_store::seal::Sealer;
use enroute_sync::Clock;

use crate::ingest::counts::{Counted, Counts};

/// Wrong keys of one address in a minute, after which it has to wait for the next one.
const WRONG_KEYS_MAX: u32 = 60;

/// Addresses that are remembered for that; beyond, all begin anew.
const ADDRESSES_MAX: usize = 4096;

/// Seconds over which clients are spread that come back after an outage.
const SPREAD_S: u64 = 30;

/// A source that listens.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its name.
    pub name: String,
    /// Its write key.
    pub key: Secret,
    /// Whether visitors without a user id are profiles.
    pub anonymous: bool,
    /// The kinds of calls that are taken.
    pub calls: BTreeSet<CallKind>,
    /// The sites whose pages may send calls; none where all may.
    pub origins: Vec<String>,
    /// Whether calls are kept.
    pub enabled: bool,
}

/// What the routes of the tracking API share. Clones are one.
#[derive(Debug, Clone)]
pub struct Tracking(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    inbox: Arc<Inbox>,
    sealer: Sealer,
    clock: Clock,
    speaks_tls: bool,
    sources: RwLock<Arc<[Arc<Listening>]>>,
    counts: Counts,
    reading: AtomicUsize,
    outages: AtomicU64,
    wrong: Mutex<HashMap<IpAddr, (u64, u32)>>,
}

impl Tracking {
    /// What the routes share; nobody is listened to until [`Tracking::listen_to`] says whom. `speaks_tls` is whether the
    /// listener has a certificate.
    #[must_use]
    pub fn new(inbox: Arc<Inbox>, sealer: Sealer, clock: Clock, speaks_tls: bool) -> Self {
        Self(Arc::new(Inner {
            inbox,
            sealer,
            clock,
            speaks_tls,
            sources: RwLock::new(Arc::new([])),
            counts: Counts::default(),
            reading: AtomicUsize::new(0),
            outages: AtomicU64::new(0),
            wrong: Mutex::default(),
        }))
    }

    /// Listens to these sources from now on, and to no others. Requests under way end with the ones before.
    pub fn listen_to(&self, sources: Vec<Listening>) {
        let sources = sources.into_iter().map(Arc::new).collect();
        *self.0.sources.write().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.0.counts.lock().clone()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    pub(super) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(super) fn speaks_tls(&self) -> bool {
        self.0.speaks_tls
    }

    pub(super) fn reading(&self) -> &AtomicUsize {
        &self.0.reading
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.clock.now_ms().cast_signed()
    }

    pub(super) fn sources(&self) -> Arc<[Arc<Listening>]> {
        Arc::clone(&self.0.sources.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The source that has this key.
    pub(super) fn source_of(&self, key: &str) -> Option<Arc<Listening>> {
        // All are compared, so that the time does not tell which.
        let sources = self.sources();
        let found = sources.iter().fold(None, |found, source| if source.key.is(key) { Some(source) } else { found });
        found.cloned()
    }

    /// Notes that an address had a wrong key; tells when it may try again, in seconds, where it had too many.
    pub(super) fn wrong_key(&self, from: Option<IpAddr>) -> Option<u64> {
        self.counts().lock().wrong_keys += 1;
        let now_s = self.0.clock.now_ms() / 1000;
        let mut wrong = self.0.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= ADDRESSES_MAX {
            wrong.clear();
        }
        let (minute, count) = wrong.entry(from?).or_default();
        if *minute != now_s / 60 {
            (*minute, *count) = (now_s / 60, 0);
        }
        *count += 1;
        (*count > WRONG_KEYS_MAX).then(|| (60 - now_s % 60).clamp(1, SPREAD_S))
    }

    /// When a client may come again after an outage, in seconds: not all at the same time.
    pub(super) fn after_an_outage(&self) -> u64 {
        1 + self.0.outages.fetch_add(1, Ordering::Relaxed) % SPREAD_S
    }
}

/// The sources of a configuration that listen, with their keys.
///
/// # Errors
///
/// The name of the source whose key cannot be had, and why.
pub async fn listening(config: &Config) -> Result<Vec<Listening>, (String, ReferenceError)> {
    let mut sources = Vec::new();
    for (name, source) in &config.sources {
        let Origin::Listen(listen) = &source.origin else { continue };
        let key = listen.key.value.resolve(&config.sealed).await.map_err(|error| (name.as_str().to_owned(), error))?;
        sources.push(Listening {
            name: name.as_str().to_owned(),
            key,
            anonymous: listen.anonymous,
            calls: listen.calls.clone(),
            origins: listen.origins.clone(),
            enabled: listen.enabled,
        });
    }
    Ok(sources)
}
