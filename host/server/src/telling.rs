//! What the loop tells of itself, after every turn.

use std::collections::BTreeMap;

use crate::conductor::Conductor;
use crate::lines::{connection_key, source_key};
use crate::state::UnitState;
use crate::unit::Unit;

impl Conductor {
    /// Tells how everything is.
    pub(crate) fn tell(&self) {
        let now_ms = self.now_ms();
        let shown = |unit: &Unit, needs_person: bool, reason: Option<String>| UnitState {
            state: match () {
                () if unit.is_running() => "running",
                () if needs_person => "person",
                () if unit.next_ms().is_some_and(|next_ms| next_ms > now_ms) => "waiting",
                () if unit.next_ms().is_some() => "due",
                () => "idle",
            },
            schedule: unit.written().map(str::to_owned),
            next: unit.next_ms().filter(|next_ms| *next_ms > 0).map(enroute_sync::moment),
            reason,
        };
        let lines = self.lines.iter().filter(|(_, line)| !line.is_gone);
        let mut connections: BTreeMap<String, UnitState> = lines
            .map(|(name, line)| (name.clone(), shown(&line.unit, line.needs_person, line.reason.clone())))
            .collect();
        for stopped in self.ready.setup.stopped() {
            let state = UnitState { state: "person", reason: Some(stopped.reason.clone()), ..UnitState::default() };
            connections.insert(format!("{}/{}", stopped.audience, stopped.destination), state);
        }
        let lent = self.loans.values().filter(|loan| loan.rests.is_none()).map(|loan| loan.name.clone()).collect();
        self.parts.state.tell(|told| {
            told.connections = connections;
            told.lent = lent;
            for (name, unit) in &self.sources {
                let reason = told.sources.get(name).and_then(|known| known.reason.clone());
                told.sources.insert(name.clone(), shown(unit, reason.is_some(), reason));
            }
        });
        let keys = self.lines.iter().map(|(name, line)| (connection_key(name), &line.unit));
        for (key, unit) in keys.chain(self.sources.iter().map(|(name, unit)| (source_key(name), unit))) {
            if unit.has_schedule() {
                self.parts.metrics.scheduled(&key, unit.slot_ms());
            }
        }
    }
}
