//! How the loop takes a configuration on: what is new begins, what is gone ends, and what stayed is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use enroute_config::audiences_file::source::{Origin, Source};
use enroute_config::schedule::Schedule;
use enroute_store::{Error, serving};

use crate::conductor::Conductor;
use crate::lines::{Line, connection_key, source_key};
use crate::unit::Unit;

impl Conductor {
    /// Takes a configuration on: what did not change goes on undisturbed, what did is asked to end and begins anew.
    pub(crate) async fn take_on(&mut self) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let ready = Arc::clone(&self.ready);
        let mut there = BTreeSet::new();
        for connected in ready.setup.units(self.parts.store.sealer()) {
            let name = format!("{}/{}", connected.audience, connected.destination);
            let wanted = ready.config.connections.iter().find(|one| {
                one.audience.value.as_str() == connected.audience
                    && one.destination.value.as_str() == connected.destination
            });
            let schedule = wanted.and_then(|wanted| wanted.schedule.clone());
            there.insert(name.clone());
            let written = schedule.as_ref().map(|schedule| schedule.written.clone());
            match self.lines.get_mut(&name) {
                Some(line) if line.is_the_same(&connected, written.as_deref()) => line.is_gone = false,
                Some(line) if line.unit.is_running() => {
                    // It ends with what is in flight, and its next turn is under the new version.
                    line.halt.ask();
                    (line.connected, line.is_gone) = (connected, false);
                    line.written = written;
                    line.unit.reschedule(schedule, now_ms);
                    line.unit.want();
                }
                _ => {
                    let unit = self.unit(schedule, &connection_key(&name), now_ms).await?;
                    self.lines.insert(name, Line::new(connected, written, unit));
                }
            }
        }
        let gone: Vec<String> = self.lines.keys().filter(|name| !there.contains(*name)).cloned().collect();
        for name in gone {
            match self.lines.get_mut(&name) {
                Some(line) if line.unit.is_running() => {
                    line.halt.ask();
                    line.is_gone = true;
                }
                _ => drop(self.lines.remove(&name)),
            }
            self.parts.metrics.forget(&name);
        }
        self.take_on_sources(now_ms).await?;
        if let Err(error) = self.parts.intake.take_on(&ready).await {
            // The next import says it as well, and what to do.
            self.parts.hands.note(&format!("computed traits are as they were before: {error}"));
        }
        let files = ready.files().into_iter().chain(ready.followed().into_iter().map(|(file, _)| file));
        self.parts.watch.lock().unwrap_or_else(PoisonError::into_inner).keep(files);
        self.parts.state.tell(|told| {
            told.configuration.in_force = true;
            told.configuration.refused = None;
            told.configuration.since = self.parts.clock.moment();
        });
        Ok(())
    }

    async fn take_on_sources(&mut self, now_ms: u64) -> Result<(), Error> {
        let ready = Arc::clone(&self.ready);
        let mut sources = BTreeMap::new();
        // What listens is never read.
        let is_read = |source: &&Source| !matches!(source.origin, Origin::Listen(_));
        for source in ready.config.sources.values().filter(is_read) {
            let name = source.name.value.to_string();
            let known = self.sources.remove(&name).filter(|unit| {
                unit.is_running()
                    || unit.written() == source.schedule.as_ref().map(|schedule| schedule.written.as_str())
            });
            let unit = match known {
                Some(unit) => unit,
                None => self.unit(source.schedule.clone(), &source_key(&name), now_ms).await?,
            };
            sources.insert(name, unit);
        }
        self.sources = sources;
        self.parts.state.tell(|told| told.sources.retain(|name, _| self.sources.contains_key(name)));
        Ok(())
    }

    /// Something that has turns. A schedule that was never seen is noted, so that its slots are missed from now on.
    async fn unit(&self, schedule: Option<Schedule>, key: &str, now_ms: u64) -> Result<Unit, Error> {
        let Some(schedule) = schedule else { return Ok(Unit::following()) };
        let last_ms = self.read(|reader| serving::slot(reader, key))?;
        if last_ms.is_none() && !schedule.begins_at_once() {
            let key = key.to_owned();
            self.parts.store.write(move |tx| serving::keep_slot(tx, &key, now_ms)).await?;
        }
        Ok(Unit::scheduled(schedule, last_ms, now_ms))
    }

    /// What an earlier process left behind is taken up at once, whatever the schedule.
    pub(crate) fn take_up_at_start(&mut self) -> Result<(), Error> {
        for due in self.read(serving::due)? {
            if let Some(line) = self.lines.get_mut(&format!("{}/{}", due.audience, due.destination)) {
                line.unit.waits_until(due.first_ms);
                if due.is_in_flight {
                    line.unit.want();
                }
            }
        }
        Ok(())
    }
}
