//! How the host is, for whoever asks: people, service managers, and `enroute status`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How long the loop may say nothing before it counts as stuck.
const SILENT_MS_MAX: u64 = 30_000;

/// How a connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UnitState {
    /// `running`, `waiting`, `idle`, or `person`: somebody has to look.
    pub(crate) state: &'static str,
    /// Its schedule; nothing where it follows its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// When it will have its next turn, as far as that is known, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// What is known of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ConfigState {
    /// Whether what is in the files is in force.
    pub(crate) in_force: bool,
    /// Since when the one in force is, in UTC.
    pub(crate) since: String,
    /// Why the files as they are now are not in force, as `enroute check` tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// What is told of the host.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Told {
    /// `ok`, `degraded` or `stopping`.
    pub(crate) status: &'static str,
    pub(crate) version: &'static str,
    pub(crate) process: u32,
    pub(crate) address: String,
    pub(crate) configuration: ConfigState,
    /// By `AUDIENCE/DESTINATION`.
    pub(crate) connections: BTreeMap<String, UnitState>,
    pub(crate) sources: BTreeMap<String, UnitState>,
    /// Commands that were lent the store.
    pub(crate) lent: Vec<String>,
}

#[derive(Debug, Default)]
struct Inner {
    told: Told,
    heartbeat_ms: u64,
    is_stopping: bool,
}

/// How the host is now.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Inner>);

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is told.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.lock().told);
    }

    /// The loop is alive.
    pub(crate) fn beat(&self, now_ms: u64) {
        self.lock().heartbeat_ms = now_ms;
    }

    /// Nothing new begins any more.
    pub(crate) fn stop(&self) {
        self.lock().is_stopping = true;
    }

    /// Whether the loop was heard of lately.
    pub(crate) fn is_alive(&self, now_ms: u64) -> bool {
        // A clock that was set back is none that stands still.
        now_ms.saturating_sub(self.lock().heartbeat_ms) < SILENT_MS_MAX
    }

    /// Whether requests are welcome.
    pub(crate) fn is_ready(&self, now_ms: u64) -> bool {
        let is_stopping = self.lock().is_stopping;
        !is_stopping && self.is_alive(now_ms)
    }

    /// All that is known.
    pub(crate) fn told(&self) -> Told {
        let inner = self.lock();
        let mut told = inner.told.clone();
        let is_bad = |units: &BTreeMap<String, UnitState>| units.values().any(|unit| unit.state == "person");
        told.status = if inner.is_stopping {
            "stopping"
        } else if !told.configuration.in_force || is_bad(&told.connections) || is_bad(&told.sources) {
            "degraded"
        } else {
            "ok"
        };
        told
    }

    /// In one sentence, for a service manager.
    pub(crate) fn sentence(&self) -> String {
        let told = self.told();
        let bad = told.connections.values().filter(|unit| unit.state == "person").count();
        let edit = if told.configuration.in_force { "" } else { "; an edit was refused" };
        format!("{}, {bad} need a person{edit}", enroute_core::words::counted(told.connections.len(), "connection"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_edit_and_a_connection_that_needs_a_person_are_degraded_and_a_loop_that_stands_still_is_dead() {
        let state = State::default();
        state.tell(|told| told.configuration.in_force = true);
        state.beat(1_000);
        assert_eq!((state.told().status, state.is_ready(2_000), state.is_alive(31_000)), ("ok", true, false));
        state.tell(|told| told.configuration.in_force = false);
        assert_eq!(state.told().status, "degraded");
        state.tell(|told| {
            told.configuration.in_force = true;
            let unit = UnitState { state: "person", ..UnitState::default() };
            told.connections.insert("a/b".to_owned(), unit);
        });
        assert_eq!((state.told().status, state.is_ready(2_000)), ("degraded", true));
        assert_eq!(state.sentence(), "1 connection, 1 need a person");
        state.stop();
        assert_eq!((state.told().status, state.is_ready(2_000), state.is_alive(2_000)), ("stopping", false, true));
    }
}
