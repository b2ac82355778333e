//! A run: every connection in the order of the file, each with a report whose numbers add up.

use crate::change::only::Only;
use crate::change::resend::Resend;
use crate::change::snapshot::{self, Seen, Snapshot, SnapshotError};
use crate::change::{cutter, records};
use crate::clock::{Clock, moment};
use crate::delivery::blame::Trust;
use crate::delivery::dispatch::{Dispatch, Dispatched, ProgressSink};
use crate::delivery::known;
use crate::delivery::open::{self, Probed};
use crate::delivery::pace::Gates;
use crate::delivery::resume::{self, Asked};
use crate::delivery::settle::Book;
use crate::delivery::stop::Stop;
use crate::doubt;
use crate::report::{ChangeCounts, FaultReport, LinkReport, LinkState, ReasonCount, RunReport, Tally, taken_as_known};
use crate::setup::link::Link;
use crate::setup::prepare::Setup;
use crate::setup::stopped::Stopped;
use crate::versions;
use enroute_runtime::{Fault, Problem, ProblemPlace, World};
use enroute_store::waiting::{self, WaitingReason};
use enroute_store::{Error, Store, Transaction, again, forgotten, held, ledger};
use roaring::RoaringBitmap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Waits within a run that does not wait for everything.
///
/// A throttled answer asks for seconds as a rule; half a minute of patience finishes most runs in one go.
const PATIENCE_MS: u64 = 30_000;
/// Waits within a run that waits: as long as a member is not given up.
const PATIENCE_MS_MAX: u64 = 4 * 3_600_000;
/// A job's next step that is due so soon is taken in the same run.
const STEP_MS_MAX: u64 = 500;
/// Steps in one run: a job that is made, filled, closed and asked about has four.
const STEPS_MAX: usize = 16;

/// How a run is wanted.
#[derive(Clone)]
pub struct Options {
    /// Whether to wait for what is due later, instead of leaving it to the next run.
    pub wait: bool,
    /// Whether an audience may lose more members than its guard allows.
    pub allow_empty: bool,
    /// Only one person, and what is unchanged is sent all the same.
    pub only: Option<Only>,
    /// Only those who are marked to be sent again.
    pub again: Option<Resend>,
    /// Told how far each connection is.
    pub progress: ProgressSink,
    /// The time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: false,
            allow_empty: false,
            only: None,
            again: None,
            progress: Arc::new(|_, _, _| {}),
            clock: Clock::System,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("wait", &self.wait).finish_non_exhaustive()
    }
}

/// Carries out what the configuration asks for, connections side by side: one that waits does not hold up the others.
/// The mappings of one connection run one after the other, in the order of the file.
///
/// # Errors
/// When the store fails. What goes wrong with a plugin or a destination is in the report.
pub async fn sync(store: &Arc<Store>, setup: &Setup, options: &Options) -> Result<RunReport, Error> {
    let started_ms = options.clock.now_ms();
    let run = store.write(move |tx| ledger::begin_run(tx, started_ms)).await?;
    let gates = Arc::new(Gates::default());
    let mut running = JoinSet::new();
    let mut bound: Vec<(usize, Arc<Link>)> = Vec::new();
    for (at, planned) in setup.links().iter().enumerate() {
        let mut link = setup.bind(store, planned).await?;
        versions::keep(store, &link, planned, started_ms).await?;
        link.trial = options.only.as_ref().map(|only| only.watch.clone());
        bound.push((at, Arc::new(link)));
    }
    let same = |(_, one): &(usize, Arc<Link>), (_, next): &(usize, Arc<Link>)| {
        one.audience == next.audience && one.destination == next.destination
    };
    for mappings in bound.chunk_by(same) {
        let (store, options, gates) = (Arc::clone(store), options.clone(), Arc::clone(&gates));
        let mappings = mappings.to_vec();
        running.spawn(async move {
            let mut reports = Vec::new();
            for (at, link) in mappings {
                let (store, options, gates) = (Arc::clone(&store), options.clone(), Arc::clone(&gates));
                let trust = Trust::default();
                reports.push((at, Connection { store, link, run, options, gates, trust, known: 0 }.sync().await?));
            }
            Ok::<_, Error>(reports)
        });
    }
    let mut connections = Vec::new();
    while let Some(joined) = running.join_next().await {
        connections.extend(joined.map_err(|_| Error::Broken("a connection was lost"))??);
    }
    connections.sort_by_key(|(at, _)| *at);
    let connections = connections.into_iter().map(|(_, report)| report).collect();
    let connections = setup.in_order(connections, Stopped::report);
    let report = RunReport { run, started_ms, ended_ms: options.clock.now_ms(), connections };
    let summary = serde_json::to_string(&report).unwrap_or_default();
    let ended_ms = report.ended_ms;
    let sealer = store.sealer().clone();
    let end = move |tx: &Transaction<'_>| {
        ledger::end_run(tx, run, ended_ms, &summary)?;
        forgotten::finish(tx, &sealer, ended_ms)
    };
    store.write(end).await?;
    Ok(report)
}

/// Tests the credential of every connection without side effects.
///
/// # Errors
/// When the store fails.
pub async fn probe(store: &Arc<Store>, setup: &Setup, clock: &Clock) -> Result<Vec<Probed>, Error> {
    let mut found = Vec::new();
    for planned in setup.links() {
        let link = Arc::new(setup.bind(store, planned).await?);
        found.push(open::probe(store, &link, clock).await?);
    }
    Ok(found)
}

struct Connection {
    store: Arc<Store>,
    link: Arc<Link>,
    run: i64,
    options: Options,
    gates: Arc<Gates>,
    trust: Trust,
    /// Members who were taken as known in this run.
    known: u64,
}

impl Connection {
    async fn sync(mut self) -> Result<LinkReport, Error> {
        let now_ms = self.options.clock.now_ms();
        self.begin(now_ms).await?;
        records::refresh(&self.link, &self.store).await?;
        if let Some(failed) = self.take_as_known().await? {
            return Ok(failed);
        }
        if let Some(failed) = self.open().await? {
            return Ok(failed);
        }
        let (mut whole, mut changes) = (Tally::default(), ChangeCounts::default());
        if let Some(reason) = self.ask(&mut whole, &mut changes).await? {
            return Ok(self.failed(LinkState::Paused, reason));
        }
        let (mut pass, mut refused_before, mut seen) = (1, 0, None);
        loop {
            let snapshot = match self.snapshot(seen.take()).await {
                Ok(snapshot) => snapshot,
                Err(SnapshotError::Store(error)) => return Err(error),
                Err(error @ SnapshotError::Audience { .. }) => {
                    return Ok(self.failed(LinkState::Failed, error.to_string()));
                }
            };
            if let Some(reason) = self.guarded(&snapshot) {
                return Ok(self.failed(LinkState::Guarded, reason));
            }
            let found = snapshot.changes();
            if pass == 1 {
                changes = changes.plus(found);
                refused_before = snapshot.refused_before();
            } else {
                changes.updated += whole.withdraw_waiting(found.total());
            }
            let Dispatched { tally, asked, link, complete, mut stopped, trust } =
                self.dispatch(&snapshot, found.total()).await?;
            (self.link, self.trust) = (link, trust);
            whole.absorb(if stopped.is_some() { tally.completed(found.total()) } else { tally });
            self.take_in(asked, &mut whole, &mut changes);
            if !matches!(stopped, Some(Stop::Person(_)))
                && let Some(reason) = self.next_steps(&mut whole, &mut changes).await?
            {
                stopped = Some(Stop::Person(reason));
            }
            let overtaken = &snapshot.state.waiting & &snapshot.state.changed;
            if stopped.is_none() && complete {
                self.looked_at(&snapshot, overtaken.is_empty()).await?;
            }
            if stopped.is_none() && complete {
                seen = Some(Seen { revision: snapshot.revision, overtaken });
            }
            match self.earliest_wait().await? {
                Some(due_ms)
                    if self.options.wait
                        && !matches!(stopped, Some(Stop::Person(_)))
                        && due_ms <= now_ms + PATIENCE_MS_MAX =>
                {
                    self.options.clock.sleep_until(due_ms).await;
                    if let Some(reason) = self.ask(&mut whole, &mut changes).await? {
                        let stopped = Some(Stop::Person(reason));
                        return self.report(&snapshot, changes, whole, (stopped, true, refused_before)).await;
                    }
                    pass += 1;
                }
                waiting => {
                    let ended = (stopped, waiting.is_some(), refused_before);
                    return self.report(&snapshot, changes, whole, ended).await;
                }
            }
        }
    }

    /// Where the first sync sends no history, takes who is a member as known.
    async fn take_as_known(&mut self) -> Result<Option<LinkReport>, Error> {
        if self.link.history || self.options.only.is_some() || self.options.again.is_some() {
            return Ok(None);
        }
        let snapshot = match self.snapshot(None).await {
            Ok(snapshot) => snapshot,
            Err(SnapshotError::Store(error)) => return Err(error),
            Err(error @ SnapshotError::Audience { .. }) => {
                return Ok(Some(self.failed(LinkState::Failed, error.to_string())));
            }
        };
        self.known = known::take(&self.book(), &snapshot, self.options.clock.now_ms()).await?;
        Ok(None)
    }

    /// Notes what was looked at: every change up to the snapshot's revision, and whom a resync is done with.
    async fn looked_at(&self, snapshot: &Snapshot, is_all: bool) -> Result<(), Error> {
        let (id, revision) = (self.link.id, snapshot.revision);
        let is_whole = self.options.only.is_none() && self.options.again.is_none();
        let is_resync = matches!(self.options.again, Some(Resend::All | Resend::Stale)) || is_whole;
        if is_resync && !snapshot.state.again.is_empty() {
            self.store.write(move |tx| again::end(tx, id)).await?;
        }
        if is_whole && is_all {
            self.store.write(move |tx| ledger::set_revision(tx, id, revision)).await?;
        }
        Ok(())
    }

    /// Settles what a run that was cut off left behind, and lets those who wait for what has changed since wait no more.
    async fn begin(&self, now_ms: u64) -> Result<(), Error> {
        let (id, tried_for) = (self.link.id, self.link.trial_digest());
        let longest_ms = self.link.manifest.longest_wait_ms();
        let begin = move |tx: &Transaction<'_>| {
            ledger::settle_orphans(tx, id, now_ms)?;
            waiting::bring_back(tx, id, now_ms, longest_ms)?;
            waiting::try_for(tx, id, &tried_for, now_ms)
        };
        if self.store.write(begin).await? {
            let destination = &self.link.destination;
            tracing::info!(%destination, "plugin, settings or credential changed: who waits is due");
        }
        Ok(())
    }

    fn book(&self) -> Book {
        Book { store: Arc::clone(&self.store), link: Arc::clone(&self.link), run: self.run }
    }

    /// Asks about jobs that are due. Returns why a person is needed, if one is.
    async fn ask(&mut self, whole: &mut Tally, changes: &mut ChangeCounts) -> Result<Option<String>, Error> {
        let asked = resume::ask(&self.book(), &self.gates, &self.options.clock).await?;
        Ok(self.take_in(asked, whole, changes))
    }

    fn take_in(&mut self, mut asked: Asked, whole: &mut Tally, changes: &mut ChangeCounts) -> Option<String> {
        asked.tell(&mut self.trust);
        changes.updated += asked.of_earlier_runs + whole.withdraw_waiting(asked.of_this_run);
        whole.absorb(asked.tally);
        if let Some(remote) = &asked.remote {
            self.link = Arc::new(self.link.with_remote(remote));
        }
        asked.pause.or_else(|| self.trust.gave_up())
    }

    /// Takes the steps of jobs that are due at once: a job that was only made would do nothing until the next run.
    async fn next_steps(&mut self, whole: &mut Tally, changes: &mut ChangeCounts) -> Result<Option<String>, Error> {
        for _ in 0..STEPS_MAX {
            let soonest = resume::open_jobs(&self.book()).await?.iter().map(|ticket| ticket.due_ms).min();
            let soon_ms = self.options.clock.now_ms() + STEP_MS_MAX;
            let Some(due_ms) = soonest.filter(|due_ms| *due_ms <= soon_ms) else { break };
            self.options.clock.sleep_until(due_ms).await;
            if let Some(reason) = self.ask(whole, changes).await? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// Finds or creates the remote list where that is due, and asks the plugin again with what was learned.
    async fn open(&mut self) -> Result<Option<LinkReport>, Error> {
        let clock = &self.options.clock;
        let (was_opened, is_recent) = self.link.opened(clock.now_ms());
        if !self.link.manifest.opens {
            return Ok(None);
        }
        if !is_recent {
            match open::open(&self.store, &self.link, self.run, &self.gates, clock).await? {
                Ok(link) => self.link = Arc::new(link),
                // What was learned yesterday does until the destination is well again.
                Err(not_opened) if was_opened && !not_opened.needs_person => {
                    tracing::warn!(destination = %self.link.destination, reason = %not_opened.reason, "not opened again");
                }
                Err(not_opened) => {
                    let state = if not_opened.needs_person { LinkState::Paused } else { LinkState::Waiting };
                    return Ok(Some(self.faulted(state, not_opened.reason, not_opened.fault.as_ref())));
                }
            }
        }
        let mut found = self.validate().await;
        if !matches!(&found, Ok(errors) if errors.is_empty()) && is_recent && self.learn_anew().await? {
            // What was known was out of date: a field may have been made since.
            found = self.validate().await;
        }
        Ok(match found {
            Ok(errors) if errors.is_empty() => None,
            Ok(errors) => Some(self.failed(LinkState::Paused, errors.join("; "))),
            Err(fault) => Some(self.faulted(LinkState::Paused, fault.to_string(), Some(&fault))),
        })
    }

    async fn learn_anew(&mut self) -> Result<bool, Error> {
        let opened = open::open(&self.store, &self.link, self.run, &self.gates, &self.options.clock).await?;
        let is_open = opened.is_ok();
        if let Ok(link) = opened {
            self.link = Arc::new(link);
        }
        Ok(is_open)
    }

    /// What the plugin finds wrong, knowing what it learned.
    async fn validate(&self) -> Result<Vec<String>, Fault> {
        let validated = self.link.plugin.validate_in(World::default(), &self.link.guest).await;
        let (problems, usage) = validated.inspect_err(|fault| self.link.log_fault(fault))?;
        self.link.log("validate", &usage);
        Ok(problems.iter().filter(|problem| problem.is_error).map(|problem| self.in_words(problem)).collect())
    }

    /// A problem with its place, in one line.
    fn in_words(&self, problem: &Problem) -> String {
        let place = match &problem.place {
            ProblemPlace::Setting(name) => format!("setting `{name}`: "),
            ProblemPlace::Row(at) => {
                let row = self.link.guest.rows.get(*at as usize);
                row.map_or_else(String::new, |(from, field)| format!("trait `{from}` into field `{field}`: "))
            }
            ProblemPlace::Audience | ProblemPlace::Remote => String::new(),
        };
        format!("{place}{} ({})", problem.message, problem.hint)
    }

    async fn snapshot(&self, seen: Option<Seen>) -> Result<Snapshot, SnapshotError> {
        let (link, now_ms) = (Arc::clone(&self.link), self.options.clock.now_ms());
        let (only, resend) = (self.options.only.clone(), self.options.again);
        self.store
            .read(move |reader| {
                let known = ledger::find_link(reader, &link.name())?;
                let seen = seen.unwrap_or_else(|| Seen {
                    revision: known.map_or(0, |known| known.revision),
                    overtaken: RoaringBitmap::new(),
                });
                let mut snapshot = snapshot::take(reader, &link, seen, now_ms)?;
                if let Some(only) = &only {
                    snapshot.restrict(reader, only)?;
                }
                if let Some(resend) = resend {
                    snapshot.restrict_to_again(reader, resend)?;
                }
                Ok(snapshot)
            })
            .await
    }

    fn guarded(&self, snapshot: &Snapshot) -> Option<String> {
        if self.options.allow_empty { None } else { snapshot::guard(snapshot, self.link.remove_max_percent) }
    }

    async fn dispatch(&mut self, snapshot: &Snapshot, total: u64) -> Result<Dispatched, Error> {
        self.trust.look_at(total, snapshot.holds_others());
        let trust = std::mem::take(&mut self.trust);
        let (candidates, tried) = (Arc::new(snapshot.candidates.clone()), Arc::new(snapshot.tried.clone()));
        let cuttings = cutter::spawn(Arc::clone(&self.link), self.store.reader()?, candidates, tried);
        let patience = if self.options.wait { PATIENCE_MS_MAX } else { PATIENCE_MS };
        let progress = (Arc::clone(&self.options.progress), total);
        let clock = self.options.clock.clone();
        Dispatch::new(self.book(), clock, patience, Arc::clone(&self.gates), progress, trust).run(cuttings).await
    }

    /// When something that waits is due.
    async fn earliest_wait(&self) -> Result<Option<u64>, Error> {
        let link = self.link.id;
        let waiting = self.store.read(move |reader| ledger::waiting(reader, link)).await?;
        Ok(waiting.iter().filter(|row| row.state != "unknown").map(|row| row.due_ms).min())
    }

    async fn report(
        &self,
        snapshot: &Snapshot,
        changes: ChangeCounts,
        tally: Tally,
        (stopped, is_waiting, refused_before): (Option<Stop>, bool, u64),
    ) -> Result<LinkReport, Error> {
        let link = self.link.id;
        let stopped = stopped.or_else(|| self.trust.never_worked().map(Stop::Person));
        if matches!(stopped, Some(Stop::Person(_))) {
            // What has to be mended may be the list itself: the next run looks for it again.
            self.store.write(move |tx| ledger::forget_opened(tx, link)).await?;
        }
        let ((held, in_doubt), waiting, due) = self
            .store
            .read(move |reader| {
                let sets = held::sets(reader, link)?;
                let waiting = waiting::reasons(reader, link)?;
                Ok::<_, Error>((sets, waiting, waiting::due(reader, link)?))
            })
            .await?;
        let state = match &stopped {
            Some(Stop::Person(_)) => LinkState::Paused,
            Some(Stop::Later(_)) => LinkState::Waiting,
            None if is_waiting || tally.outcomes.deferred + tally.outcomes.unknown > 0 => LinkState::Waiting,
            None => LinkState::Done,
        };
        let base = self.failed(state, String::new());
        Ok(LinkReport {
            reason: stopped.map(|stop| match stop {
                Stop::Person(reason) | Stop::Later(reason) => reason,
            }),
            notes: self.notes(snapshot).await?,
            people: snapshot.profiles,
            members: snapshot.state.audience.len(),
            withheld: snapshot.withheld,
            adds_up: tally.outcomes.total() == changes.total(),
            changes,
            outcomes: tally.outcomes,
            requests: tally.requests,
            repeated: tally.repeated,
            rejections: tally.rejections(&self.link.manifest.codes),
            refused_before,
            warnings: tally.warnings(&self.link.manifest.codes),
            refused_requests: tally.refused(),
            unattributed: tally.unattributed.into_map(),
            faults: tally.faults,
            held: (&held - &in_doubt).len(),
            in_doubt: in_doubt.len(),
            next_due: due.map(|(first_ms, _)| moment(first_ms)),
            waiting: waiting.into_iter().map(waits).collect(),
            ..base
        })
    }

    /// An audience with nobody in it, and nobody of it at the destination, is told: it may be meant, or a mistake.
    async fn notes(&self, snapshot: &Snapshot) -> Result<Vec<String>, Error> {
        if self.known > 0 {
            return Ok(vec![taken_as_known(self.known)]);
        }
        let is_empty = snapshot.profiles + snapshot.withheld == 0 && snapshot.state.held.is_empty();
        if !is_empty || self.options.only.is_some() {
            return Ok(Vec::new());
        }
        let link = Arc::clone(&self.link);
        self.store.read(move |reader| doubt::nobody(reader, &link.condition)).await
    }

    /// The report of a connection that did not get to look at its members.
    fn failed(&self, state: LinkState, reason: String) -> LinkReport {
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
    fn faulted(&self, state: LinkState, reason: String, fault: Option<&Fault>) -> LinkReport {
        let faults = fault.map(|fault| FaultReport::new(fault, 0)).into_iter().collect();
        LinkReport { faults, ..self.failed(state, reason) }
    }
}

/// Why members wait, as a reason of the report.
fn waits(waiting: WaitingReason) -> ReasonCount {
    let WaitingReason { state, reason, members, until_ms } = waiting;
    let known = || match state.as_str() {
        "accepted" => "the destination works on them".to_owned(),
        _ => "they are tried again later".to_owned(),
    };
    let reason = reason.unwrap_or_else(known);
    ReasonCount { code: state, field: None, reason, members, hint: None, until: Some(moment(until_ms)) }
}
