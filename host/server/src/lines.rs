//! A connection that runs by itself: its turns, and what its runs are made with.

use enroute_sync::{Connected, Halt};

use crate::unit::Unit;

/// A connection in the loop.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) connected: Connected,
    /// Its schedule as it is written.
    pub(crate) written: Option<String>,
    pub(crate) unit: Unit,
    /// What ends the run that is under way.
    pub(crate) halt: Halt,
    /// Whether what cannot be followed was read for the slot that is due.
    pub(crate) is_fetched: bool,
    /// Whether its last run left nothing to do.
    pub(crate) is_well: bool,
    pub(crate) needs_person: bool,
    pub(crate) reason: Option<String>,
    /// Whether it is configured no more, and still runs.
    pub(crate) is_gone: bool,
}

impl Line {
    pub(crate) fn new(connected: Connected, written: Option<String>, unit: Unit) -> Self {
        Self {
            connected,
            written,
            unit,
            halt: Halt::default(),
            is_fetched: false,
            is_well: false,
            needs_person: false,
            reason: None,
            is_gone: false,
        }
    }

    /// Whether an edit left it as it was.
    pub(crate) fn is_the_same(&self, connected: &Connected, written: Option<&str>) -> bool {
        self.connected == *connected && self.written.as_deref() == written
    }
}

/// What a connection's schedule is called in the store and in metrics.
pub(crate) fn connection_key(name: &str) -> String {
    format!("connection/{name}")
}

/// What a source's schedule is called in the store and in metrics.
pub(crate) fn source_key(name: &str) -> String {
    format!("source/{name}")
}
