//! Carries out what the cutter cuts, for one connection: maps, sends as places become free, and tries again.
//!
//! Owns the deliveries in flight. Never has an addition and a removal in flight together, and never two requests
//! about the same member: a member is in one lot of one phase, and is tried again only after it was settled.

use crate::change::cutter::Cutting;
use crate::change::elsewhere::HELD_BY_ANOTHER;
use crate::change::guard::Guard;
use crate::change::lot::Lot;
use crate::clock::Clock;
use crate::delivery::blame::{self, Call, Trust};
use crate::delivery::circuit::Patience;
use crate::delivery::decide::Next;
use crate::delivery::deliver::{CallEnd, Done, History, Job, carry_out};
use crate::delivery::mapper;
use crate::delivery::pace::Gates;
use crate::delivery::resume::{self, Asked};
use crate::delivery::search::{Search, Trail};
use crate::delivery::settle::Book;
use crate::delivery::stop::Stop;
use crate::delivery::suspicion::Beside;
use crate::delivery::withdraw;
use crate::report::{NO_MATCHING_MAPPING, Tally};
use crate::setup::link::Link;
use enroute_core::words::{counted, noun};
use enroute_runtime::Rejection;
use enroute_store::Error;
use roaring::RoaringBitmap;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Deliveries that wait for a later moment; more are waited for before anything else is mapped.
const DELAYED_MAX: usize = 64;

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
pub(crate) struct Dispatched {
    pub(crate) tally: Tally,
    /// What was learned of jobs meanwhile.
    pub(crate) asked: Asked,
    /// The connection, with what was learned of account and list.
    pub(crate) link: Arc<Link>,
    /// Whether every member was looked at.
    pub(crate) complete: bool,
    /// Why it ended early.
    pub(crate) stopped: Option<Stop>,
    /// How far the plugin is trusted after it.
    pub(crate) trust: Trust,
    /// Who has left by the run so far.
    pub(crate) guard: Guard,
}

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
enum Slept {
    Well,
    Disturbed,
}

/// The dispatcher of one connection.
pub(crate) struct Dispatch {
    book: Book,
    clock: Clock,
    patience: Patience,
    gates: Arc<Gates>,
    progress: ProgressSink,
    total: u64,
    tally: Tally,
    asked: Asked,
    stopped: Option<Stop>,
    jobs: JoinSet<Result<Done, Error>>,
    delayed: Vec<Job>,
    /// Deliveries that succeeded.
    passed: u64,
    /// Lots so far, but for members who go alone.
    lots: u64,
    trust: Trust,
    /// Since when nothing could be sent because of open jobs.
    waiting_for_jobs_ms: Option<u64>,
    reached_the_end: bool,
    left_out: bool,
    /// Members who were refused as they are now, and whom the destination holds as they were before.
    outdated: RoaringBitmap,
    guard: Guard,
}

impl Dispatch {
    pub(crate) fn new(
        book: Book,
        clock: Clock,
        patience: Patience,
        gates: Arc<Gates>,
        (progress, total): (ProgressSink, u64),
        (trust, guard): (Trust, Guard),
    ) -> Self {
        Self {
            book,
            clock,
            patience,
            gates,
            progress,
            total,
            tally: Tally::default(),
            asked: Asked::default(),
            stopped: None,
            jobs: JoinSet::new(),
            delayed: Vec::new(),
            passed: 0,
            lots: 0,
            trust,
            waiting_for_jobs_ms: None,
            reached_the_end: false,
            left_out: false,
            outdated: RoaringBitmap::new(),
            guard,
        }
    }

    /// Works through the cuttings until all are settled, or a person is needed: then says why.
    pub(crate) async fn run(mut self, mut cuttings: Receiver<Result<Cutting, Error>>) -> Result<Dispatched, Error> {
        let halt = self.book.halt.clone();
        loop {
            let cutting = tokio::select! {
                biased;
                cutting = cuttings.recv() => cutting,
                () = halt.asked() => {
                    self.stopped.get_or_insert(Stop::Asked);
                    break;
                }
            };
            let Some(cutting) = cutting else { break };
            match cutting? {
                Cutting::Lot(lot) => {
                    let trail = Trail { is_suspect: lot.is_lone(), ..Trail::FRESH };
                    self.lots += u64::from(!trail.is_suspect);
                    let history = History { trail, search: Search::new(lot.len()) };
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
                Cutting::LetGo(members) => {
                    self.tally.outcomes.unchanged += members.len();
                    self.tally.warn(HELD_BY_ANOTHER, None, members.len());
                    self.book.let_go(members, self.clock.now_ms()).await?;
                }
                Cutting::Bequest { heir, sent } => self.book.bequeath(heir, sent).await?,
                Cutting::Barrier(settled) => self.settle_everything(settled).await?,
                Cutting::End => {
                    self.drain().await?;
                    self.reached_the_end = true;
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
        let acquitted = self.trust.acquitted().len() as u64;
        self.left_out |= acquitted > 0;
        self.tally.outcomes.deferred += acquitted;
        self.tell();
        Ok(Dispatched {
            tally: self.tally,
            asked: self.asked,
            link: self.book.link,
            complete: self.reached_the_end && !self.left_out,
            stopped: self.stopped,
            trust: self.trust,
            guard: self.guard,
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
        let mapped = mapper::map(&self.book.link, lot, &mut self.trust).await;
        for (fault, members) in &mapped.faults {
            self.tally.fault(fault, *members as u64);
        }
        for warning in &mapped.warnings {
            self.tally.warn(&warning.code, warning.field.as_deref(), u64::from(warning.count));
        }
        self.outdated |= withdraw::unmapped(&self.book.link, &mapped.rejections);
        self.reject(mapped.rejections, "plugin").await?;
        let convicted = self.trust.convicted().into_iter().map(|(lot, fault)| (lot, blame::rejection(&fault)));
        self.reject(convicted.collect(), "host").await?;
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
        self.heed_trust();
        Ok(begun)
    }

    /// Waits for everything that was cut, and tells the cutter who is to be withdrawn; nothing where the run stops.
    async fn settle_everything(&mut self, settled: oneshot::Sender<RoaringBitmap>) -> Result<(), Error> {
        self.drain().await?;
        let outdated = self.withdraw();
        if self.stopped.is_none() {
            drop(settled.send(outdated));
        }
        Ok(())
    }

    /// Who is withdrawn now, because it was refused: each has two outcomes, as a change that was refused and as a
    /// removal. Nobody where that would be more than the operator allows; then the run stops.
    fn withdraw(&mut self) -> RoaringBitmap {
        let outdated = std::mem::take(&mut self.outdated);
        if self.stopped.is_some() || outdated.is_empty() {
            return RoaringBitmap::new();
        }
        if let Some(reason) = self.guard.withdraw(&outdated) {
            self.stopped = Some(Stop::Guarded(reason));
            self.left_out = true;
            return RoaringBitmap::new();
        }
        self.tally.withdrawn += outdated.len();
        outdated
    }

    async fn reject(&mut self, rejections: Vec<(Lot, Rejection)>, source: &'static str) -> Result<(), Error> {
        for (_, rejection) in &rejections {
            self.tally.reject(&rejection.code, rejection.field.as_deref(), &rejection.reason);
        }
        self.book.reject_unsent(rejections, source, self.clock.now_ms()).await
    }

    /// Stops where the plugin has failed too often.
    fn heed_trust(&mut self) {
        if let Some(reason) = self.trust.gave_up()
            && !matches!(self.stopped, Some(Stop::Person(_)))
        {
            self.stopped = Some(Stop::Person(reason));
        }
    }

    /// Starts a delivery as soon as there is a place for it; none is started once the connection has stopped.
    async fn start(&mut self, job: Job) -> Result<(), Error> {
        let operation = &job.delivery.operation;
        while self.stopped.is_none() {
            if self.book.halt.is_asked() {
                self.stopped = Some(Stop::Asked);
                break;
            }
            self.stop_at_a_closed_gate(operation);
            // A plugin that fails whatever it is given must not do so in several calls at once.
            let places = if self.trust.is_well(Call::Send) { self.book.link.concurrency(operation) } else { 1 };
            if self.jobs.len() >= places {
                self.finish_one().await?;
            } else if self.has_place_at_the_destination(operation).await? {
                break;
            }
        }
        if self.stopped.is_some() {
            self.leave_out(&job.lot, job.history.trail);
            return Ok(());
        }
        let (book, clock, gates) = (self.book.clone(), self.clock.clone(), Arc::clone(&self.gates));
        let mut job = Job { is_proven: self.trust.is_proven(Call::Send), ..job };
        let others_pass = self.passed > *job.history.trail.passed.get_or_insert(self.passed);
        job.beside = Beside { others_pass, is_only: self.lots < 2 };
        self.jobs.spawn(carry_out(book, clock, gates, self.patience, job));
        Ok(())
    }

    fn stop_at_a_closed_gate(&mut self, operation: &str) {
        let link = &self.book.link;
        let bucket = link.bucket(operation).map(|bucket| bucket.name.as_str());
        let wait_ms = bucket.and_then(|bucket| self.gates.of(link, bucket));
        let wait_ms = wait_ms.map_or(0, |gate| gate.wait_ms(&self.clock));
        if wait_ms > self.patience.ms {
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
        if soonest.max(now_ms).saturating_sub(*waited_ms) > self.patience.ms {
            let reason = format!(
                "{} {} open at the destination, as many as may be",
                counted(open.len(), "job"),
                noun(open.len() as u64, "is")
            );
            self.stopped.get_or_insert(Stop::Later(reason));
            return Ok(false);
        }
        if self.sleeps_until(soonest).await == Slept::Disturbed {
            return Ok(false);
        }
        let asked = resume::ask(&self.book, &self.gates, &self.clock, self.patience).await?;
        self.take_in(asked);
        self.tell();
        Ok(false)
    }

    fn take_in(&mut self, mut asked: Asked) {
        if let Some(reason) = asked.pause.take() {
            self.stopped = Some(Stop::Person(reason));
        }
        if let Some(later) = asked.later.take() {
            self.left_out = true;
            self.stopped.get_or_insert(later);
        }
        if let Some(remote) = asked.remote.take() {
            self.learn(&remote);
        }
        asked.tell(&mut self.trust);
        self.asked.absorb(asked);
        self.heed_trust();
    }

    /// What is mapped from now on is mapped with what was learned.
    fn learn(&mut self, remote: &str) {
        self.book.link = Arc::new(self.book.link.with_remote(remote));
    }

    async fn finish_one(&mut self) -> Result<(), Error> {
        let Some(joined) = self.jobs.join_next().await else { return Ok(()) };
        let done = joined.map_err(|_| Error::Broken("a delivery was lost"))??;
        self.passed += u64::from(done.tally.outcomes.delivered > 0);
        self.tally.absorb(done.tally);
        self.trust.found_culprits(done.culprits);
        match done.call {
            Some(CallEnd { fault: Some(fault), members, left }) => {
                self.trust.failed(Call::Send, &fault, members, left);
                self.heed_trust();
            }
            Some(CallEnd { fault: None, .. }) => self.trust.succeeded(Call::Send),
            None => {}
        }
        if let Some(remote) = &done.remote {
            self.learn(remote);
        }
        match done.stop {
            Some(stop @ Stop::Person(_)) => self.stopped = Some(stop),
            Some(stop @ (Stop::Later(_) | Stop::Asked | Stop::Guarded(_))) => {
                self.left_out = true;
                self.stopped.get_or_insert(stop);
            }
            None => {}
        }
        self.tell();
        if self.stopped.is_some() {
            // They stay in doubt, and the next run takes them up.
            let again = done.again.into_iter().map(|(lot, _, history)| (lot, history.trail));
            again.chain(done.search.end()).for_each(|(lot, trail)| self.leave_out(&lot, trail));
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
            Next::Bisect | Next::Isolate { .. } | Next::Doubt { .. } | Next::Without => {
                history.search.park(lot, history.trail, &next)
            }
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
            let outcomes = &mut self.tally.outcomes;
            outcomes.deferred = outcomes.deferred.saturating_sub(taken_up.deferred);
            outcomes.unknown = outcomes.unknown.saturating_sub(taken_up.unknown);
            let Some((lot, trail)) = part else { return Ok(()) };
            if self.take(lot, "subset", History { trail, search: search.clone() }, 0).await? > 0 {
                return Ok(());
            }
        }
        search.end().into_iter().for_each(|(lot, trail)| self.leave_out(&lot, trail));
        Ok(())
    }

    /// Members whom this run does not get to. Of whom a request may have arrived nothing is known.
    fn leave_out(&mut self, lot: &Lot, trail: Trail) {
        self.left_out = true;
        if trail.in_doubt {
            self.tally.outcomes.unknown += lot.len() as u64;
        }
    }

    /// Waits for a moment; told to end, it stops instead.
    async fn sleeps_until(&mut self, at_ms: u64) -> Slept {
        tokio::select! {
            biased;
            () = self.book.halt.asked() => {
                self.stopped.get_or_insert(Stop::Asked);
                Slept::Disturbed
            }
            () = self.clock.sleep_until(at_ms) => Slept::Well,
        }
    }

    /// Waits for everything in flight and everything delayed.
    async fn drain(&mut self) -> Result<(), Error> {
        loop {
            while !self.jobs.is_empty() {
                self.finish_one().await?;
            }
            if self.stopped.is_some() {
                let delayed = std::mem::take(&mut self.delayed);
                delayed.iter().for_each(|job| self.leave_out(&job.lot, job.history.trail));
            }
            let Some(soonest) = self.delayed.iter().map(|job| job.due_ms).min() else { return Ok(()) };
            if self.sleeps_until(soonest).await == Slept::Disturbed {
                continue;
            }
            let now = self.clock.now_ms();
            for job in std::mem::take(&mut self.delayed) {
                if job.due_ms <= now { self.start(job).await? } else { self.delayed.push(job) }
            }
        }
    }
}
