//! The loop: it knows who has a turn, starts it, and takes up what comes of it.
//!
//! Everything that changes what is in force or what runs happens here, one thing after the other. What must never happen:
//! two runs of one connection at a time, a run beside a command that sends, and a moment that nobody wakes up for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enroute_config::audiences_file::source::Origin;
use enroute_runtime::Runtime;
use enroute_store::{Error, Reader, Store, serving};
use enroute_sync::{Clock, Halt, LinkState, Options, RunReport, Together};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::handover::{Order, Want};
use crate::hands::Hands;
use crate::lines::{Line, connection_key, source_key};
use crate::metrics::Metrics;
use crate::reload::{Ready, Refused};
use crate::state::{State, UnitState};
use crate::unit::{Ended, Unit, Why};
use crate::watch::Watch;

/// Files and the store are looked at so often.
pub(crate) const LOOK_MS: u64 = 500;
/// What was folded once is not folded again for so long.
const FOLD_MS: u64 = 3_600_000;

/// What the loop works with.
pub(crate) struct Parts {
    pub(crate) folder: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) runtime: Runtime,
    pub(crate) hands: Arc<dyn Hands>,
    pub(crate) state: Arc<State>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) halt: Halt,
    pub(crate) watch: Arc<Mutex<Watch>>,
}

/// A store that a command wants, or has.
struct Loan {
    want: Want,
    name: String,
    /// Gone once it was granted.
    rests: Option<oneshot::Sender<()>>,
}

/// What ended.
enum Done {
    Ran { name: String, report: Result<RunReport, Error> },
    Imported { source: String, failed: Option<String> },
    Loaded(Box<Result<Ready, Refused>>),
    Nothing,
}

/// The loop.
pub(crate) struct Conductor {
    parts: Parts,
    together: Arc<Together>,
    ready: Arc<Ready>,
    lines: BTreeMap<String, Line>,
    sources: BTreeMap<String, Unit>,
    importing: Option<String>,
    loans: BTreeMap<u64, Loan>,
    work: JoinSet<Done>,
    reader: Mutex<Reader>,
    revision: i64,
    /// Whether files are being read into a configuration, and whether they changed meanwhile.
    loading: (bool, bool),
    reload_asked: Vec<oneshot::Sender<Option<String>>>,
    folded_ms: u64,
    is_stopping: bool,
}

impl Conductor {
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn new(parts: Parts, ready: Ready) -> Result<Self, Error> {
        let reader = parts.store.reader()?;
        let mut conductor = Self {
            together: Arc::default(),
            ready: Arc::new(ready),
            lines: BTreeMap::new(),
            sources: BTreeMap::new(),
            importing: None,
            loans: BTreeMap::new(),
            work: JoinSet::new(),
            revision: reader.revision()?,
            reader: Mutex::new(reader),
            loading: (false, false),
            reload_asked: Vec::new(),
            folded_ms: 0,
            is_stopping: false,
            parts,
        };
        conductor.take_on().await?;
        conductor.take_up_at_start()?;
        Ok(conductor)
    }

    fn now_ms(&self) -> u64 {
        self.parts.clock.now_ms()
    }

    fn read<T>(&self, f: impl FnOnce(&Reader) -> Result<T, Error>) -> Result<T, Error> {
        f(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs until an end is asked for and everything in flight is through.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), Error> {
        let halt = self.parts.halt.clone();
        let overdue = halt.clone();
        let (asked, overdue) = (async move { halt.asked().await }, async move { overdue.overdue().await });
        tokio::pin!(asked, overdue);
        let mut is_cut_off = false;
        loop {
            self.parts.state.beat(self.now_ms());
            self.begin_what_is_due()?;
            self.grant();
            self.tell();
            if self.is_stopping && self.work.is_empty() {
                return Ok(());
            }
            let pause = self.pause();
            tokio::select! {
                () = &mut asked, if !self.is_stopping => self.stop(),
                () = &mut overdue, if !is_cut_off => {
                    is_cut_off = true;
                    self.lines.values().for_each(|line| line.halt.cut_off());
                }
                Some(done) = self.work.join_next(), if !self.work.is_empty() => {
                    self.done(done.unwrap_or(Done::Nothing)).await?;
                }
                Some(order) = orders.recv() => self.order(order),
                () = tokio::time::sleep(pause) => self.look()?,
            }
        }
    }

    /// How long nothing may happen: never longer than until the next look.
    fn pause(&self) -> Duration {
        let now_ms = self.now_ms();
        let next_ms = self.lines.values().filter_map(|line| line.unit.next_ms()).min();
        let wait_ms = next_ms.map_or(LOOK_MS, |next_ms| next_ms.saturating_sub(now_ms).clamp(20, LOOK_MS));
        Duration::from_millis(wait_ms)
    }

    fn stop(&mut self) {
        self.is_stopping = true;
        self.parts.state.stop();
        crate::manager::stopping();
        self.lines.values().for_each(|line| line.halt.ask());
        self.loans.retain(|_, loan| loan.rests.is_none());
        self.reload_asked.clear();
    }

    /// Looks at what nobody tells of: the store's revision, and the day.
    fn look(&mut self) -> Result<(), Error> {
        let (now_ms, revision) = (self.now_ms(), self.read(Reader::revision)?);
        if revision != self.revision {
            self.revision = revision;
            self.lines.values_mut().for_each(|line| line.unit.changed(now_ms));
        }
        if self.parts.clock.today() != self.ready.today && !self.loading.0 {
            self.load();
        }
        Ok(())
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Lend { .. } if self.is_stopping => {}
            Order::Lend { loan, want, name, rests } => {
                self.loans.insert(loan, Loan { want, name, rests: Some(rests) });
            }
            Order::Back(loan) => {
                let came_back = self.loans.remove(&loan).filter(|loan| loan.rests.is_none());
                if came_back.is_some_and(|loan| loan.want == Want::Runs) {
                    // What a command left waiting is looked at like what a run left.
                    self.lines.values_mut().for_each(|line| line.unit.want());
                }
            }
            Order::Reload(reply) => {
                self.reload_asked.extend(reply);
                self.load();
            }
            Order::Changed(files) => self.changed(&files),
            Order::Touched => drop(self.look()),
        }
    }

    fn changed(&mut self, files: &[PathBuf]) {
        for (file, source) in self.ready.followed() {
            if files.contains(&file)
                && let Some(unit) = self.sources.get_mut(&source)
            {
                unit.want();
            }
        }
        if files.iter().any(|file| self.ready.files().contains(file)) {
            self.load();
        }
    }

    /// Whether a command that has or wants the store keeps this from beginning.
    fn is_lent(&self, what: Want) -> bool {
        self.loans.values().any(|loan| match what {
            Want::Runs => loan.want == Want::Runs,
            _ => matches!(loan.want, Want::Runs | Want::Imports),
        })
    }

    /// Lets commands begin for which everything rests, in the order in which they came.
    fn grant(&mut self) {
        let is_running = self.lines.values().any(|line| line.unit.is_running());
        let is_importing = self.importing.is_some();
        let mut is_taken = self.loans.values().any(|loan| loan.rests.is_none() && loan.want != Want::Store);
        for loan in self.loans.values_mut().filter(|loan| loan.rests.is_some()) {
            let may = match loan.want {
                Want::Runs => !is_taken && !is_running && !is_importing,
                Want::Imports => !is_taken && !is_importing,
                _ => true,
            };
            is_taken |= loan.want != Want::Store;
            if may && let Some(rests) = loan.rests.take() {
                // One that went away meanwhile is taken back by its end.
                let _ = rests.send(());
            }
        }
        if self.loans.values().any(|loan| loan.want == Want::Runs) {
            self.lines.values().filter(|line| line.unit.is_running()).for_each(|line| line.halt.ask());
        }
    }

    fn begin_what_is_due(&mut self) -> Result<(), Error> {
        if self.is_stopping {
            return Ok(());
        }
        let now_ms = self.now_ms();
        self.begin_import(now_ms)?;
        if self.is_lent(Want::Runs) {
            return Ok(());
        }
        let is_reading = self.importing.is_some() || self.sources.values().any(|unit| unit.turn(now_ms).is_some());
        let due: Vec<(String, Why)> =
            self.lines.iter().filter_map(|(name, line)| Some((name.clone(), line.unit.turn(now_ms)?))).collect();
        for (name, why) in due {
            if why == Why::Slot && self.fetch(&name) {
                continue;
            }
            // What begins anew begins with the data of now; what follows data has it already.
            if is_reading && matches!(why, Why::Asked | Why::Slot) {
                continue;
            }
            self.begin_run(&name, why, now_ms);
        }
        Ok(())
    }

    /// Before a slot, what has no schedule of its own and cannot be followed is read. Whether that is still to come.
    fn fetch(&mut self, name: &str) -> bool {
        let Some(line) = self.lines.get_mut(name) else { return false };
        if std::mem::replace(&mut line.is_fetched, true) {
            return false;
        }
        let queries = self.ready.config.sources.values().filter(|source| {
            source.schedule.is_none() && matches!(source.origin, Origin::Query(_))
        });
        let names: Vec<&str> = queries.map(|source| source.name.value.as_str()).collect();
        for name in &names {
            if let Some(unit) = self.sources.get_mut(*name) {
                unit.want();
            }
        }
        !names.is_empty()
    }

    fn begin_import(&mut self, now_ms: u64) -> Result<(), Error> {
        if self.importing.is_some() || self.is_lent(Want::Imports) {
            return Ok(());
        }
        let due = self.sources.iter().find_map(|(name, unit)| Some((name.clone(), unit.turn(now_ms)?)));
        let Some((source, why)) = due else { return Ok(()) };
        if let Some(unit) = self.sources.get_mut(&source) {
            unit.begin(now_ms);
        }
        self.importing = Some(source.clone());
        let (store, config, hands) = (Arc::clone(&self.parts.store), Arc::clone(&self.ready.config), Arc::clone(&self.parts.hands));
        let slot = (why == Why::Slot).then(|| source_key(&source));
        self.work.spawn_blocking(move || {
            let noted = match slot {
                Some(slot) => store.write_blocking(move |tx| serving::keep_slot(tx, &slot, now_ms)),
                None => Ok(()),
            };
            let read = || noted.map_err(|error| error.to_string()).and_then(|()| hands.import(&store, &config, &source));
            let failed = whole(read).unwrap_or_else(|| Err("reading it failed".to_owned())).err();
            Done::Imported { source, failed }
        });
        Ok(())
    }

    fn begin_run(&mut self, name: &str, why: Why, now_ms: u64) {
        let Some(line) = self.lines.get_mut(name) else { return };
        line.unit.begin(now_ms);
        line.is_fetched = false;
        line.halt = Halt::default();
        let keepers = self.together.keepers(&line.connected.scope);
        let setup = self.ready.setup.of(&line.connected.audience, &line.connected.destination, keepers);
        let options = Options {
            halt: line.halt.clone(),
            clock: self.parts.clock.clone(),
            together: Arc::clone(&self.together),
            slot: (why == Why::Slot).then(|| connection_key(name)),
            drops_idle: line.is_well,
            ..Options::default()
        };
        let (store, config, hands) = (Arc::clone(&self.parts.store), Arc::clone(&self.ready.config), Arc::clone(&self.parts.hands));
        let name = name.to_owned();
        tracing::debug!(connection = %name, ?why, "a run begins");
        self.work.spawn(async move {
            let ran = tokio::spawn(async move {
                let report = enroute_sync::sync(&store, &setup, &options).await?;
                let told = report.clone();
                // An alert that is lost costs nothing of what was sent.
                let _ = tokio::task::spawn_blocking(move || hands.told(&store, &config, &told)).await;
                Ok(report)
            });
            Done::Ran { name, report: ran.await.unwrap_or(Err(Error::Broken("a run was lost"))) }
        });
    }

    async fn done(&mut self, done: Done) -> Result<(), Error> {
        match done {
            Done::Ran { name, report } => self.ran(&name, report)?,
            Done::Imported { source, failed } => self.imported(&source, failed),
            Done::Loaded(loaded) => self.loaded(*loaded).await?,
            Done::Nothing => {}
        }
        Ok(())
    }

    fn ran(&mut self, name: &str, report: Result<RunReport, Error>) -> Result<(), Error> {
        if let Err(error @ Error::Unsafe { .. }) = &report {
            return Err(error.clone());
        }
        let now_ms = self.now_ms();
        let due_ms = self.read(serving::due)?.into_iter().find(|due| format!("{}/{}", due.audience, due.destination) == name);
        let due_ms = due_ms.and_then(|due| due.first_ms);
        let Some(line) = self.lines.get_mut(name) else { return Ok(()) };
        let (ended, reason) = match &report {
            Ok(report) => {
                self.parts.metrics.ran(name, report);
                ended(report)
            }
            Err(error) => (Ended::Again, Some(error.to_string())),
        };
        line.is_well = ended == Ended::Well;
        line.needs_person = report.is_ok_and(|report| report.exit_code() == 5);
        line.reason = reason;
        line.unit.end(ended, due_ms, now_ms);
        if line.is_gone {
            self.lines.remove(name);
            self.parts.metrics.forget(name);
        }
        self.fold(now_ms);
        Ok(())
    }

    /// Folds what is older than is kept, from time to time.
    fn fold(&mut self, now_ms: u64) {
        let Some(days) = self.ready.config.retention_days else { return };
        if now_ms < self.folded_ms.saturating_add(FOLD_MS) {
            return;
        }
        self.folded_ms = now_ms;
        let (store, clock) = (Arc::clone(&self.parts.store), self.parts.clock.clone());
        self.work.spawn(async move {
            if let Err(error) = enroute_sync::fold(&store, days, &clock).await {
                tracing::warn!(%error, "old receipts cannot be folded");
            }
            Done::Nothing
        });
    }

    fn imported(&mut self, source: &str, failed: Option<String>) {
        self.importing = None;
        let now_ms = self.now_ms();
        self.parts.metrics.imported(source, failed.is_none());
        if let Some(reason) = &failed {
            self.parts.hands.note(&format!("source {source}: {reason}"));
        }
        let Some(unit) = self.sources.get_mut(source) else { return };
        let is_query = self.ready.config.sources.values().any(|one| {
            one.name.value.as_str() == source && matches!(one.origin, Origin::Query(_))
        });
        let ended = match &failed {
            None => Ended::Well,
            Some(_) if is_query => Ended::Again,
            Some(_) => Ended::Person,
        };
        unit.end(ended, None, now_ms);
        self.parts.state.tell(|told| told.sources.entry(source.to_owned()).or_default().reason = failed);
        drop(self.look());
    }

    /// Reads the files into a configuration, aside.
    fn load(&mut self) {
        if self.is_stopping {
            return;
        }
        if self.loading.0 {
            self.loading.1 = true;
            return;
        }
        self.loading = (true, false);
        let (folder, runtime) = (self.parts.folder.clone(), self.parts.runtime.clone());
        let (store, clock) = (Arc::clone(&self.parts.store), self.parts.clock.clone());
        let stopped = self.ready.stopped();
        self.work.spawn_blocking(move || {
            let loaded = whole(|| Ready::load(&folder, &runtime, &store, &clock, Some(&stopped)));
            Done::Loaded(Box::new(loaded.unwrap_or_else(|| Err(Refused("reading the files failed".to_owned())))))
        });
    }

    async fn loaded(&mut self, loaded: Result<Ready, Refused>) -> Result<(), Error> {
        self.loading.0 = false;
        if self.loading.1 {
            self.load();
            return Ok(());
        }
        let now_ms = self.now_ms();
        let refused = match loaded {
            Ok(ready) => {
                self.ready = Arc::new(ready);
                self.take_on().await?;
                None
            }
            Err(Refused(why)) => {
                self.parts.hands.note("what is in the files is not in force: the configuration before it goes on");
                self.parts.hands.note(&why);
                self.parts.state.tell(|told| {
                    told.configuration.in_force = false;
                    told.configuration.refused = Some(why.clone());
                });
                Some(why)
            }
        };
        self.parts.metrics.reloaded(refused.is_none().then_some(now_ms));
        self.reload_asked.drain(..).for_each(|asked| drop(asked.send(refused.clone())));
        Ok(())
    }

    /// Takes a configuration on: what did not change goes on undisturbed, what did is asked to end and begins anew.
    async fn take_on(&mut self) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let ready = Arc::clone(&self.ready);
        let mut there = BTreeSet::new();
        for connected in ready.setup.units(self.parts.store.sealer()) {
            let name = format!("{}/{}", connected.audience, connected.destination);
            let wanted = ready.config.connections.iter().find(|one| {
                one.audience.value.as_str() == connected.audience && one.destination.value.as_str() == connected.destination
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
        for source in ready.config.sources.values() {
            let name = source.name.value.to_string();
            let known = self.sources.remove(&name).filter(|unit| {
                unit.is_running() || unit.written() == source.schedule.as_ref().map(|schedule| schedule.written.as_str())
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
    async fn unit(
        &self,
        schedule: Option<enroute_config::schedule::Schedule>,
        key: &str,
        now_ms: u64,
    ) -> Result<Unit, Error> {
        let Some(schedule) = schedule else { return Ok(Unit::following()) };
        let last_ms = self.read(|reader| serving::slot(reader, key))?;
        if last_ms.is_none() && !schedule.begins_at_once() {
            let key = key.to_owned();
            self.parts.store.write(move |tx| serving::keep_slot(tx, &key, now_ms)).await?;
        }
        Ok(Unit::scheduled(schedule, last_ms, now_ms))
    }

    /// What an earlier process left behind is taken up at once, whatever the schedule.
    fn take_up_at_start(&mut self) -> Result<(), Error> {
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

    /// Tells how everything is.
    fn tell(&self) {
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

/// What comes of something that blocks; nothing where it panicked, which is a flaw of ours that must not stop the loop.
fn whole<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// How a run ended, and why it is not through.
fn ended(report: &RunReport) -> (Ended, Option<String>) {
    let links = &report.connections;
    let reason = links.iter().find(|link| link.state != LinkState::Done).and_then(|link| link.reason.clone());
    let any = |state: LinkState| links.iter().any(|link| link.state == state);
    let moved = links.iter().any(|link| link.outcomes.delivered + link.outcomes.accepted > 0);
    let has_due = links.iter().any(|link| link.next_due.is_some());
    let ended = if any(LinkState::Interrupted) {
        Ended::Interrupted
    } else if any(LinkState::Paused) || any(LinkState::Failed) {
        Ended::Again
    } else if any(LinkState::Guarded) {
        Ended::Person
    } else if any(LinkState::Waiting) && !(moved && has_due) {
        Ended::Again
    } else {
        Ended::Well
    };
    (ended, reason)
}
