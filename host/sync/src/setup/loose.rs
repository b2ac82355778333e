//! A connection without a store: what it makes of people is the same, and nothing is known of earlier runs.

use crate::setup::link::Link;
use crate::setup::planned::Planned;
use enroute_store::{Sealer, ledger};

impl Planned {
    /// The connection as it is before its first run.
    pub(crate) fn loose(&self, sealer: Sealer) -> Link {
        self.link(&ledger::Link::default(), sealer)
    }
}
