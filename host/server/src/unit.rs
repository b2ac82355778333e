//! When something has its turn: a connection that runs, or a source that is read.
//!
//! Pure: time is a parameter. What must never happen: a slot that is taken twice, a unit that runs twice at a time, and
//! one that is wanted and never gets its turn.

use enroute_config::schedule::Schedule;

/// Changes are gathered for so long, so that a burst becomes a batch.
pub(crate) const GATHER_MS: u64 = 1_000;
/// First and longest wait after a run that did not get through; it doubles in between.
const AGAIN_MS: u64 = 2_000;
const AGAIN_MS_MAX: u64 = 300_000;

/// Why something has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody asked, or it has just come to be, or was interrupted.
    Asked,
    /// Its schedule.
    Slot,
    /// Its data changed.
    Data,
    /// A moment that was waited for.
    Due,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Well,
    /// Something waits; or it failed in a way that may pass.
    Again,
    /// A person has to look first, and what is tried by itself meanwhile changes nothing.
    Person,
    /// It was told to stop before it was through.
    Interrupted,
}

/// Something that has turns.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    schedule: Option<Schedule>,
    /// The slot that comes next.
    slot_ms: Option<u64>,
    /// Since when its data has changed.
    changed_ms: Option<u64>,
    /// When what it waits for is due.
    due_ms: Option<u64>,
    /// What it does not begin before, unless somebody asks.
    not_before_ms: u64,
    failures: u32,
    is_wanted: bool,
    is_running: bool,
}

impl Unit {
    /// Something that follows its data.
    pub(crate) fn following() -> Self {
        Self { is_wanted: true, ..Self::default() }
    }

    /// Something with a schedule that last had its turn then. A slot that was missed is due now, once.
    pub(crate) fn scheduled(schedule: Schedule, last_ms: Option<u64>, now_ms: u64) -> Self {
        let mut unit = Self { schedule: Some(schedule), ..Self::default() };
        unit.plan(last_ms, now_ms);
        unit
    }

    fn plan(&mut self, last_ms: Option<u64>, now_ms: u64) {
        let Some(schedule) = &self.schedule else { return };
        self.slot_ms = match last_ms {
            None if schedule.begins_at_once() => Some(now_ms),
            last_ms => schedule.next_after(last_ms.unwrap_or(now_ms)),
        };
    }

    /// Another schedule from now on, or none, while it has its turn.
    pub(crate) fn reschedule(&mut self, schedule: Option<Schedule>, now_ms: u64) {
        (self.schedule, self.slot_ms) = (schedule, None);
        self.plan(Some(now_ms), now_ms);
    }

    /// Its schedule as it is written.
    pub(crate) fn written(&self) -> Option<&str> {
        self.schedule.as_ref().map(|schedule| schedule.written.as_str())
    }

    /// Whether it has a schedule, and so does not follow its data.
    pub(crate) const fn has_schedule(&self) -> bool {
        self.schedule.is_some()
    }

    /// The slot that comes next, in milliseconds since 1970.
    pub(crate) const fn slot_ms(&self) -> Option<u64> {
        self.slot_ms
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.is_running
    }

    /// What its data says has changed. One with a schedule waits for its slot.
    pub(crate) fn changed(&mut self, now_ms: u64) {
        if self.schedule.is_none() {
            self.changed_ms.get_or_insert(now_ms);
        }
    }

    /// It has a turn as soon as it can.
    pub(crate) const fn want(&mut self) {
        self.is_wanted = true;
    }

    /// When what it waits for is due; nothing where it waits for nothing.
    pub(crate) const fn waits_until(&mut self, due_ms: Option<u64>) {
        self.due_ms = due_ms;
    }

    /// Why it has its turn now, if it has.
    pub(crate) fn turn(&self, now_ms: u64) -> Option<Why> {
        if self.is_running {
            return None;
        }
        if self.is_wanted {
            return Some(Why::Asked);
        }
        let has_come = |moment: Option<u64>| moment.is_some_and(|moment| moment <= now_ms);
        if has_come(self.slot_ms) {
            return Some(Why::Slot);
        }
        if self.not_before_ms > now_ms {
            return None;
        }
        if has_come(self.changed_ms.map(|changed_ms| changed_ms.saturating_add(GATHER_MS))) {
            return Some(Why::Data);
        }
        has_come(self.due_ms).then_some(Why::Due)
    }

    /// When it will have its turn, as far as that is known.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        if self.is_running {
            return None;
        }
        let gated = |moment: Option<u64>| moment.map(|moment| moment.max(self.not_before_ms));
        let changed_ms = gated(self.changed_ms.map(|changed_ms| changed_ms.saturating_add(GATHER_MS)));
        [self.is_wanted.then_some(0), self.slot_ms, changed_ms, gated(self.due_ms)].into_iter().flatten().min()
    }

    /// It has its turn from now on.
    pub(crate) fn begin(&mut self, now_ms: u64) {
        self.is_running = true;
        self.is_wanted = false;
        self.changed_ms = None;
        self.due_ms = None;
        // A clock that was set back does not bring a slot back.
        let last_ms = self.slot_ms.filter(|slot_ms| *slot_ms <= now_ms).map(|slot_ms| slot_ms.max(now_ms));
        if last_ms.is_some() {
            self.plan(last_ms, now_ms);
        }
    }

    /// Its turn is over; `due_ms` is when what it left waiting is due.
    pub(crate) fn end(&mut self, ended: Ended, due_ms: Option<u64>, now_ms: u64) {
        self.is_running = false;
        self.due_ms = due_ms;
        let is_spinning = ended == Ended::Well && due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        match ended {
            Ended::Interrupted => self.is_wanted = true,
            Ended::Well if !is_spinning => (self.failures, self.not_before_ms) = (0, 0),
            Ended::Well | Ended::Again | Ended::Person => {
                let wait_ms = AGAIN_MS.saturating_mul(1 << self.failures.min(10)).min(AGAIN_MS_MAX);
                self.failures += 1;
                let again_ms = now_ms.saturating_add(wait_ms);
                // A moment that is still to come was chosen by whoever waits: it holds as it is.
                let to_come = due_ms.filter(|due_ms| *due_ms > now_ms);
                let by_itself = (ended != Ended::Person).then_some(again_ms);
                self.due_ms = [to_come, by_itself].into_iter().flatten().min();
                self.not_before_ms = self.due_ms.unwrap_or(again_ms);
            }
        }
    }
}

#[cfg(test)]
mod tests;
