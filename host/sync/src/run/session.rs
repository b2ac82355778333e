//! One mapping of a connection while it is synced: what all parts of its way share.

use crate::delivery::blame::Trust;
use crate::delivery::circuit::Patience;
use crate::delivery::pace::{AtWork, Gates};
use crate::delivery::settle::Book;
use crate::report::{FaultReport, LinkReport, LinkState};
use crate::run::options::Options;
use crate::setup::link::Link;
use enroute_runtime::Fault;
use enroute_store::Store;
use std::sync::Arc;

/// A mapping of a connection in a run.
pub(super) struct Session {
    pub(super) store: Arc<Store>,
    pub(super) link: Arc<Link>,
    pub(super) run: i64,
    /// When it began.
    pub(super) began_ms: u64,
    pub(super) options: Options,
    pub(super) gates: Arc<Gates>,
    pub(super) trust: Trust,
    /// While it is there, a place is kept for the connection at its gates.
    pub(super) at_work: Option<AtWork>,
}

impl Session {
    /// How long it waits for something.
    pub(super) fn patience(&self) -> Patience {
        Patience { ms: self.options.patience_ms(self.link.retry), began_ms: self.began_ms, waits: self.options.wait }
    }

    /// Waits for a moment, and tells whether an end was asked for meanwhile.
    pub(super) async fn is_disturbed_until(&self, at_ms: u64) -> bool {
        tokio::select! {
            biased;
            () = self.options.halt.asked() => true,
            () = self.options.clock.sleep_until(at_ms) => false,
        }
    }

    pub(super) fn book(&self) -> Book {
        Book {
            store: Arc::clone(&self.store),
            link: Arc::clone(&self.link),
            run: self.run,
            halt: self.options.halt.clone(),
        }
    }

    /// The report of a connection that did not get to look at its members.
    pub(super) fn failed(&self, state: LinkState, reason: String) -> LinkReport {
        LinkReport {
            audience: self.link.audience.clone(),
            destination: self.link.destination.clone(),
            mapping: self.link.mapping.clone(),
            plugin: self.link.plugin_name.clone(),
            settings_version: self.link.settings_version,
            usage: self.link.peaks(),
            ..LinkReport::ended(state, reason)
        }
    }

    /// The same where the plugin failed, if it did.
    pub(super) fn faulted(&self, state: LinkState, reason: String, fault: Option<&Fault>) -> LinkReport {
        let faults = fault.map(|fault| FaultReport::new(fault, 0)).into_iter().collect();
        LinkReport { faults, ..self.failed(state, reason) }
    }
}
