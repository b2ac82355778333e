//! What is counted while runs are under way, for those who scrape metrics: requests, waits and CPU time.
//!
//! Names come from the configuration and the manifest, so there are few of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use enroute_core::durations::Durations;

/// What was counted since the process began.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Requests by destination, kind (a plugin's operation or derived request, else `probe` or `open`) and what was
    /// answered: `2xx` … `5xx`, or `none` where nothing was.
    pub requests: BTreeMap<(String, String, &'static str), u64>,
    /// How long answers took, by destination.
    pub answers: BTreeMap<String, Durations>,
    /// Time that was waited for turns, by destination and bucket.
    pub waits: BTreeMap<(String, String), Duration>,
    /// Answers that said that there were too many requests, by destination and bucket.
    pub throttled: BTreeMap<(String, String), u64>,
    /// CPU time inside the sandbox, by plugin and function.
    pub cpu: BTreeMap<(String, &'static str), Duration>,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Figures(Mutex<Counted>);

impl Figures {
    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(&self, count: impl FnOnce(&mut Counted)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A request was answered with this status, or with nothing.
    pub(crate) fn answered(&self, destination: &str, kind: &str, status: Option<u16>, took: Duration) {
        let class = match status {
            None => "none",
            Some(0..=199) => "1xx",
            Some(200..=299) => "2xx",
            Some(300..=399) => "3xx",
            Some(400..=499) => "4xx",
            Some(_) => "5xx",
        };
        self.with(|counted| {
            *counted.requests.entry((destination.to_owned(), kind.to_owned(), class)).or_default() += 1;
            if status.is_some() {
                counted.answers.entry(destination.to_owned()).or_default().add(took);
            }
        });
    }

    /// A turn at a bucket was waited for.
    pub(crate) fn waited(&self, destination: &str, bucket: &str, took: Duration) {
        self.with(|counted| {
            *counted.waits.entry((destination.to_owned(), bucket.to_owned())).or_default() += took;
        });
    }

    /// The destination said that there were too many requests.
    pub(crate) fn throttled(&self, destination: &str, bucket: &str) {
        self.with(|counted| {
            *counted.throttled.entry((destination.to_owned(), bucket.to_owned())).or_default() += 1;
        });
    }

    /// A call of a plugin, `id version`, took this.
    pub(crate) fn computed(&self, plugin: &str, function: &'static str, took: Duration) {
        let plugin = plugin.split(' ').next().unwrap_or_default().to_owned();
        self.with(|counted| *counted.cpu.entry((plugin, function)).or_default() += took);
    }
}
