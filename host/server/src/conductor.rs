//! The loop: it knows who has a turn, starts it, and takes up what comes of it.
//!
//! Everything that changes what is in force or what runs happens here, one thing after the other. What must never happen:
//! two runs of one connection at a time, a run beside a command that sends, and a moment that nobody wakes up for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enroute_config::audiences_file::source::Origin;
use enroute_runtime::Runtime;
use enroute_store::{Error, Reader, Store, Transaction, serving, sizes};
use enroute_sync::{Clock, Halt, LinkReport, LinkState, Options, RunReport, Together};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::handover::{Order, Want};
use crate::hands::Hands;
use crate::intake::Intake;
use crate::lines::{Line, connection_key, source_key};
use crate::metrics::Metrics;
use crate::reload::{Ready, Refused};
use crate::state::State;
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
    pub(crate) intake: Arc<Intake>,
    pub(crate) together: Arc<Together>,
}

/// A store that a command wants, or has.
pub(crate) struct Loan {
    pub(crate) want: Want,
    pub(crate) name: String,
    /// Gone once it was granted.
    pub(crate) rests: Option<oneshot::Sender<()>>,
}

/// What ended.
pub(crate) enum Done {
    Ran { name: String, report: Result<RunReport, Error> },
    Imported { source: String, failed: Option<String> },
    Loaded(Box<Result<Ready, Refused>>),
    Nothing,
}

/// The loop.
pub(crate) struct Conductor {
    pub(crate) parts: Parts,
    pub(crate) together: Arc<Together>,
    pub(crate) ready: Arc<Ready>,
    pub(crate) lines: BTreeMap<String, Line>,
    pub(crate) sources: BTreeMap<String, Unit>,
    pub(crate) importing: Option<String>,
    pub(crate) loans: BTreeMap<u64, Loan>,
    pub(crate) work: JoinSet<Done>,
    pub(crate) reader: Mutex<Reader>,
    pub(crate) revision: i64,
    /// Whether files are being read into a configuration, and whether they changed meanwhile.
    pub(crate) loading: (bool, bool),
    pub(crate) reload_asked: Vec<oneshot::Sender<Option<String>>>,
    pub(crate) folded_ms: u64,
    pub(crate) is_stopping: bool,
}

impl Conductor {
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn new(parts: Parts, ready: Ready) -> Result<Self, Error> {
        let reader = parts.store.reader()?;
        let mut conductor = Self {
            together: Arc::clone(&parts.together),
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
        conductor.tell();
        Ok(conductor)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.parts.clock.now_ms()
    }

    pub(crate) fn read<T>(&self, f: impl FnOnce(&Reader) -> Result<T, Error>) -> Result<T, Error> {
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
        if self.importing.is_some() || self.is_lent(Want::Runs) {
            // Whoever ends it wakes us.
            return Duration::from_millis(LOOK_MS);
        }
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
            Order::Run(name) => self.lines.get_mut(&name).into_iter().for_each(|line| line.unit.want()),
            Order::Read(name) => self.sources.get_mut(&name).into_iter().for_each(Unit::want),
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
            // What a source says is sent once it is read to its end, with what is computed from it.
            if is_reading && why != Why::Due {
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
        let queries = self
            .ready
            .config
            .sources
            .values()
            .filter(|source| source.schedule.is_none() && matches!(source.origin, Origin::Query(_)));
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
        let (store, config, hands) =
            (Arc::clone(&self.parts.store), Arc::clone(&self.ready.config), Arc::clone(&self.parts.hands));
        let slot = (why == Why::Slot).then(|| source_key(&source));
        self.work.spawn_blocking(move || {
            let noted = match slot {
                Some(slot) => store.write_blocking(move |tx| serving::keep_slot(tx, &slot, now_ms)),
                None => Ok(()),
            };
            let read =
                || noted.map_err(|error| error.to_string()).and_then(|()| hands.import(&store, &config, &source));
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
        let (store, config, hands) =
            (Arc::clone(&self.parts.store), Arc::clone(&self.ready.config), Arc::clone(&self.parts.hands));
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
            Done::Ran { name, report } => {
                self.keep_sizes(&report).await?;
                self.ran(&name, report)?;
            }
            Done::Imported { source, failed } => self.imported(&source, failed),
            Done::Loaded(loaded) => self.loaded(*loaded).await?,
            Done::Nothing => {}
        }
        Ok(())
    }

    /// Keeps how large the audiences of a run were, for whoever asks about their past.
    async fn keep_sizes(&self, report: &Result<RunReport, Error>) -> Result<(), Error> {
        let links = report.iter().flat_map(|report| &report.connections);
        let is_whole = |link: &&LinkReport| matches!(link.state, LinkState::Done | LinkState::Waiting);
        let sizes: Vec<(String, u64)> =
            links.filter(is_whole).map(|link| (link.audience.clone(), link.people)).collect();
        if sizes.is_empty() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        let keep = move |tx: &Transaction<'_>| {
            sizes.iter().try_for_each(|(audience, people)| sizes::keep(tx, audience, *people, now_ms))
        };
        self.parts.store.write(keep).await
    }

    fn ran(&mut self, name: &str, report: Result<RunReport, Error>) -> Result<(), Error> {
        if let Err(error @ Error::Unsafe { .. }) = &report {
            return Err(error.clone());
        }
        let now_ms = self.now_ms();
        let due_ms =
            self.read(serving::due)?.into_iter().find(|due| format!("{}/{}", due.audience, due.destination) == name);
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
        let is_query = self
            .ready
            .config
            .sources
            .values()
            .any(|one| one.name.value.as_str() == source && matches!(one.origin, Origin::Query(_)));
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
