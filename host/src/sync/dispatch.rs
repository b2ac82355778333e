//! Carries out what the cutter cuts, for one connection: maps, sends as places become free, and tries again.
//!
//! Owns the deliveries in flight. Never has an addition and a removal in flight together, and never two requests
//! about the same member: a member is in one lot of one phase, and is tried again only after it was settled.

use std::sync::Arc;

use enroute_core::words::{counted, noun};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use crate::store::Error;
use crate::sync::clock::{Clock, moment};
use crate::sync::cutter::Cutting;
use crate::sync::decide::Next;
use crate::sync::deliver::{Done, History, Job, carry_out};
use crate::sync::link::Link;
use crate::sync::lot::Lot;
use crate::sync::mapper;
use crate::sync::pace::Gates;
use crate::sync::report::{NO_MATCHING_MAPPING, Tally};
use crate::sync::resume::{self, Asked};
use crate::sync::search::{Search, Trail};
use crate::sync::settle::Book;

/// Failed deliveries in a row after which the rest of a connection is put off.
const FAILURES_IN_A_ROW_MAX: u32 = 5;
/// Deliveries that wait for a later moment; more are waited for before anything else is mapped.
const DELAYED_MAX: usize = 64;
/// Failed calls after which a plugin is left alone for the rest of the run …
const FAULTS_MAX: u64 = 200;
/// … and as many more for each member on whom alone it fails, while others are mapped and sent.
const FAULTS_A_CULPRIT: u64 = 16;

/// Told after every delivery.
pub type ProgressSink = Arc<dyn Fn(&str, &str, &Progress) + Send + Sync>;

/// How far a connection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Members who have to be looked at.
    pub total: u64,
    /// Members with an outcome.
    pub done: u64,
    /// Of those, delivered ones.
    pub delivered: u64,
    /// Of those, rejected ones.
    pub rejected: u64,
    /// Requests that left.
    pub requests: u64,
}

/// What came of a connection's cuttings.
pub(super) struct Dispatched {
    pub(super) tally: Tally,
    /// What was learned of jobs meanwhile.
    pub(super) asked: Asked,
    /// The connection, with what was learned of account and list.
    pub(super) link: Arc<Link>,
    /// Whether every member was looked at.
    pub(super) complete: bool,
    /// Why it ended early.
    pub(super) stopped: Option<Stop>,
}

/// Why a connection ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// A person must mend something first.
    Person(String),
    /// The destination is in trouble: later may be better.
    Later(String),
}

impl Stop {
    /// A destination that asks for more time than a run has is left to a later one.
    pub(super) fn at_a_closed_gate(wait_ms: u64, clock: &Clock) -> Self {
        let until = moment(clock.now_ms().saturating_add(wait_ms));
        Self::Later(format!("the destination asks to wait {} s, until {until}", wait_ms.div_ceil(1_000)))
    }
}

/// The dispatcher of one connection.
pub(super) struct Dispatch {
    book: Book,
    clock: Clock,
    patience_ms: u64,
    gates: Arc<Gates>,
    progress: ProgressSink,
    total: u64,
    tally: Tally,
    asked: Asked,
    stopped: Option<Stop>,
    jobs: JoinSet<Result<Done, Error>>,
    delayed: Vec<Job>,
    failures_in_a_row: u32,
    /// Members whom the plugin could map.
    mapped: u64,
    /// Since when nothing could be sent because of open jobs.
    waiting_for_jobs_ms: Option<u64>,
    reached_the_end: bool,
    left_out: bool,
}

impl Dispatch {
    pub(super) fn new(
        book: Book,
        clock: Clock,
        patience_ms: u64,
        gates: Arc<Gates>,
        (progress, total): (ProgressSink, u64),
    ) -> Self {
        Self {
            book,
            clock,
            patience_ms,
            gates,
            progress,
            total,
            tally: Tally::default(),
            asked: Asked::default(),
            stopped: None,
            jobs: JoinSet::new(),
            delayed: Vec::new(),
            failures_in_a_row: 0,
            mapped: 0,
            waiting_for_jobs_ms: None,
            reached_the_end: false,
            left_out: false,
        }
    }

    /// Works through the cuttings until all are settled, or a person is needed: then says why.
    pub(super) async fn run(mut self, mut cuttings: Receiver<Result<Cutting, Error>>) -> Result<Dispatched, Error> {
        while let Some(cutting) = cuttings.recv().await {
            match cutting? {
                Cutting::Lot(lot) => {
                    let history = History { trail: Trail::FRESH, search: Search::new(lot.len()) };
                    self.take(*lot, "prepared", history, 0).await?;
                }
                Cutting::Same(members) => {
                    self.tally.outcomes.unchanged += members.len();
                    self.book.keep(members).await?;
                }
                Cutting::Folded(folded) => {
                    self.tally.outcomes.unchanged += folded.len() as u64;
                    self.book.fold(folded).await?;
                }
                Cutting::Unmatched(unmatched) => {
                    self.tally.outcomes.unchanged += unmatched.len() as u64;
                    self.tally.warn(NO_MATCHING_MAPPING, None, unmatched.len() as u64);
                    self.book.leave_out(unmatched, self.clock.now_ms()).await?;
                }
                Cutting::Bequest { heir, sent } => self.book.bequeath(heir, sent).await?,
                Cutting::Barrier(settled) => {
                    self.drain().await?;
                    match settled {
                        Some(settled) => drop(settled.send(())),
                        None => self.reached_the_end = true,
                    }
                }
            }
            if self.delayed.len() >= DELAYED_MAX {
                self.drain().await?;
            }
            if self.stopped.is_some() {
                break;
            }
            self.tell();
        }
        self.drain().await?;
        self.tell();
        Ok(Dispatched {
            tally: self.tally,
            asked: self.asked,
            link: self.book.link,
            complete: self.reached_the_end && !self.left_out,
            stopped: self.stopped,
        })
    }

    fn tell(&self) {
        let (link, outcomes, requests) = (&self.book.link, &self.tally.outcomes, &self.tally.requests);
        let progress = Progress {
            total: self.total,
            done: outcomes.total(),
            delivered: outcomes.delivered,
            rejected: outcomes.rejected,
            requests: requests.prepared + requests.subset + requests.derived,
        };
        (self.progress)(&link.audience, &link.destination, &progress);
    }

    /// Maps a lot and starts its deliveries. Returns how many there are.
    async fn take(&mut self, lot: Lot, label: &'static str, history: History, due_ms: u64) -> Result<usize, Error> {
        let members = lot.len();
        let mapped = mapper::map(&self.book.link, lot).await;
        let failed = !mapped.faults.is_empty();
        for (fault, members) in &mapped.faults {
            self.tally.fault(fault, *members as u64);
        }
        self.tally.culprits += mapped.culprits;
        self.mapped += mapped.parts.iter().map(|(lot, _)| lot.len() as u64).sum::<u64>();
        if self.tally.faulted() > FAULTS_MAX + FAULTS_A_CULPRIT * self.tally.culprits.min(self.mapped) {
            self.stopped = Some(Stop::Person("the plugin failed too often in this run".to_owned()));
        }
        for warning in &mapped.warnings {
            self.tally.warn(&warning.code, warning.field.as_deref(), u64::from(warning.count));
        }
        for (_, rejection) in &mapped.rejections {
            self.tally.reject(&rejection.code, rejection.field.as_deref(), &rejection.reason);
        }
        let source = if failed { "host" } else { "plugin" };
        self.book.reject_unsent(mapped.rejections, source, self.clock.now_ms()).await?;
        self.left_out |= !mapped.unmapped.is_empty();
        self.tally.outcomes.deferred += mapped.unmapped.iter().map(|lot| lot.len() as u64).sum::<u64>();
        let refusal = mapped.refused.iter().next().map(|(refusal, _)| refusal.clone());
        if let Some(refusal) = refusal {
            self.book.link.log_refusal(&refusal);
            self.stopped = Some(Stop::Person(refusal.told()));
            self.left_out = true;
            self.tally.refused.absorb(mapped.refused);
            return Ok(0);
        }
        let mut begun = 0;
        for (part, deliveries) in mapped.parts {
            let label = if part.len() == members { label } else { "subset" };
            for delivery in deliveries {
                begun += 1;
                let job = Job::new(&part, delivery, label, history.clone(), due_ms);
                if due_ms > self.clock.now_ms() { self.delayed.push(job) } else { self.start(job).await? }
            }
        }
        Ok(begun)
    }

    /// Starts a delivery as soon as there is a place for it; none is started once the connection has stopped.
    async fn start(&mut self, job: Job) -> Result<(), Error> {
        let operation = &job.delivery.operation;
        while self.stopped.is_none() {
            self.stop_at_a_closed_gate(operation);
            if self.jobs.len() >= self.book.link.concurrency(operation) {
                self.finish_one().await?;
            } else if self.has_place_at_the_destination(operation).await? {
                break;
            }
        }
        if self.stopped.is_some() {
            self.left_out = true;
            return Ok(());
        }
        let (book, clock, gates) = (self.book.clone(), self.clock.clone(), Arc::clone(&self.gates));
        self.jobs.spawn(carry_out(book, clock, gates, self.patience_ms, job));
        Ok(())
    }

    fn stop_at_a_closed_gate(&mut self, operation: &str) {
        let link = &self.book.link;
        let bucket = link.bucket(operation).map(|bucket| bucket.name.as_str());
        let wait_ms = bucket.and_then(|bucket| self.gates.of(link, bucket));
        let wait_ms = wait_ms.map_or(0, |gate| gate.wait_ms(&self.clock));
        if wait_ms > self.patience_ms {
            self.stopped.get_or_insert(Stop::at_a_closed_gate(wait_ms, &self.clock));
        }
    }

    /// Whether one more job of an operation may be opened. Where all places are taken, waits for one first: for a
    /// delivery in flight, which may or may not open one, else for the end of a job.
    async fn has_place_at_the_destination(&mut self, operation: &str) -> Result<bool, Error> {
        let most = self.book.link.manifest.operation(operation).and_then(|operation| operation.open_tickets);
        let Some(most) = most else { return Ok(true) };
        let jobs = resume::open_jobs(&self.book).await?;
        let open: Vec<_> = jobs.iter().filter(|ticket| ticket.operation == operation).collect();
        if open.len() + self.jobs.len() < most as usize {
            self.waiting_for_jobs_ms = None;
            return Ok(true);
        }
        if !self.jobs.is_empty() {
            self.finish_one().await?;
            return Ok(false);
        }
        let now_ms = self.clock.now_ms();
        let soonest = open.iter().map(|ticket| ticket.due_ms).min().unwrap_or(now_ms);
        let waited_ms = self.waiting_for_jobs_ms.get_or_insert(now_ms);
        if soonest.max(now_ms).saturating_sub(*waited_ms) > self.patience_ms {
            let reason = format!(
                "{} {} open at the destination, as many as may be",
                counted(open.len(), "job"),
                noun(open.len() as u64, "is")
            );
            self.stopped.get_or_insert(Stop::Later(reason));
            return Ok(false);
        }
        self.clock.sleep_until(soonest).await;
        let asked = resume::ask(&self.book, &self.gates, &self.clock).await?;
        self.take_in(asked);
        self.tell();
        Ok(false)
    }

    fn take_in(&mut self, mut asked: Asked) {
        if let Some(reason) = asked.pause.take() {
            self.stopped = Some(Stop::Person(reason));
        }
        if let Some(remote) = asked.remote.take() {
            self.learn(&remote);
        }
        self.asked.absorb(asked);
    }

    /// What is mapped from now on is mapped with what was learned.
    fn learn(&mut self, remote: &str) {
        self.book.link = Arc::new(self.book.link.with_remote(remote));
    }

    async fn finish_one(&mut self) -> Result<(), Error> {
        let Some(joined) = self.jobs.join_next().await else { return Ok(()) };
        let done = joined.map_err(|_| Error::Broken("a delivery was lost"))??;
        self.failures_in_a_row = if done.failure.is_some() { self.failures_in_a_row + 1 } else { 0 };
        self.tally.absorb(done.tally);
        if self.failures_in_a_row >= FAILURES_IN_A_ROW_MAX {
            let cause = done.failure.as_deref().unwrap_or_default();
            let reason = format!("the destination did not answer as it should several times in a row: {cause}");
            self.stopped.get_or_insert(Stop::Later(reason));
        }
        if let Some(remote) = &done.remote {
            self.learn(remote);
        }
        match done.stop {
            Some(stop @ Stop::Person(_)) => self.stopped = Some(stop),
            Some(stop @ Stop::Later(_)) => {
                self.left_out = true;
                self.stopped.get_or_insert(stop);
            }
            None => {}
        }
        self.tell();
        if self.stopped.is_some() {
            // They stay in doubt, and the next run takes them up.
            self.left_out |= !done.again.is_empty() | done.search.end();
            return Ok(());
        }
        done.shelved.into_iter().for_each(|(lot, trail)| done.search.shelve(lot, trail));
        for (lot, next, history) in done.again {
            Box::pin(self.again(lot, next, history)).await?;
        }
        Box::pin(self.search_on(&done.search)).await
    }

    /// Queues members again, in the way that was decided.
    async fn again(&mut self, lot: Lot, next: Next, history: History) -> Result<(), Error> {
        match next {
            Next::Split => {
                for half in lot.into_halves() {
                    self.take(half, "subset", history.clone(), 0).await?;
                }
            }
            Next::Bisect | Next::Without => history.search.park(lot, history.trail, &next),
            Next::Again { after_ms, .. } | Next::Throttled { after_ms } => {
                let due_ms = self.clock.now_ms() + after_ms;
                self.take(lot, "subset", history, due_ms).await?;
            }
        }
        Ok(())
    }

    /// Sends the next part of a search for culprits. One ends, one begins: what is found decides what is worth asking.
    async fn search_on(&mut self, search: &Search) -> Result<(), Error> {
        while self.stopped.is_none() {
            let (part, taken_up) = search.next();
            self.tally.outcomes.deferred = self.tally.outcomes.deferred.saturating_sub(taken_up);
            let Some((lot, trail)) = part else { return Ok(()) };
            if self.take(lot, "subset", History { trail, search: search.clone() }, 0).await? > 0 {
                return Ok(());
            }
        }
        self.left_out |= search.end();
        Ok(())
    }

    /// Waits for everything in flight and everything delayed.
    async fn drain(&mut self) -> Result<(), Error> {
        loop {
            while !self.jobs.is_empty() {
                self.finish_one().await?;
            }
            if self.stopped.is_some() {
                self.left_out |= !self.delayed.is_empty();
                self.delayed.clear();
            }
            let Some(soonest) = self.delayed.iter().map(|job| job.due_ms).min() else { return Ok(()) };
            self.clock.sleep_until(soonest).await;
            let now = self.clock.now_ms();
            for job in std::mem::take(&mut self.delayed) {
                if job.due_ms <= now { self.start(job).await? } else { self.delayed.push(job) }
            }
        }
    }
}
