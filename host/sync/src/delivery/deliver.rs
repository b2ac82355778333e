//! One delivery from beginning to end: intent, send, decision, settlement.

use crate::change::lot::Lot;
use crate::clock::Clock;
use crate::delivery::blame::{self, Reach};
use crate::delivery::circuit::{Leave, Patience};
use crate::delivery::decide::{Decision, Next, Standing, decide};
use crate::delivery::gate::Turn;
use crate::delivery::open;
use crate::delivery::outlet::DeliveryOutlet;
use crate::delivery::pace::Gates;
use crate::delivery::search::{Search, Trail};
use crate::delivery::settle::{Book, Entry, Settlement};
use crate::delivery::stop::Stop;
use crate::delivery::suspicion::{self, Beside, Case};
use crate::report::Tally;
use crate::setup::link::Link;
use enroute_core::outcome::{Outcome, Refusal, Report, Verdict};
use enroute_core::retry::Policy;
use enroute_runtime::{Delivery, DeliveryWork, Fault, FaultKind, PreparedRequest, Usage, Work};
use enroute_store::Error;
use enroute_store::ledger::{self, RequestRow};
use enroute_store::letters::GIVEN_UP;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Attempts at one delivery within one run.
const ATTEMPTS_MAX: u32 = 5;

/// What a delivery and its follow-ups share.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// What happened to these members.
    pub(crate) trail: Trail,
    /// The search for culprits, shared by all parts of the lot.
    pub(crate) search: Search,
}

/// A delivery on its way.
pub(crate) struct Job {
    pub(crate) lot: Lot,
    pub(crate) delivery: Delivery,
    /// `prepared` or `subset`.
    pub(crate) label: &'static str,
    pub(crate) history: History,
    pub(crate) due_ms: u64,
    /// Whether the plugin's `send` is known to work for others.
    pub(crate) is_proven: bool,
    /// How other deliveries of the run went.
    pub(crate) beside: Beside,
}

impl Job {
    /// The part of a mapped lot that a delivery is about; positions count within it.
    pub(crate) fn new(mapped: &Lot, delivery: Delivery, label: &'static str, history: History, due_ms: u64) -> Self {
        let members = delivery.members();
        let local = |at: &u32| members.binary_search(at).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
        let localized = |request: PreparedRequest| PreparedRequest {
            members: request.members.iter().map(local).collect(),
            request: request.request,
        };
        let requests = delivery.requests.into_iter().map(localized).collect();
        let lot = mapped.subset(&members);
        let delivery = Delivery { operation: delivery.operation, requests };
        Self { lot, delivery, label, history, due_ms, is_proven: false, beside: Beside::default() }
    }
}

/// What a delivery left behind.
pub(crate) struct Done {
    pub(crate) tally: Tally,
    /// Members to try again, and how.
    pub(crate) again: Vec<(Lot, Next, History)>,
    /// Members who were refused and put off, because nothing was left to look for the culprits among them.
    pub(crate) shelved: Vec<(Lot, Trail)>,
    /// The search for culprits that this was part of.
    pub(crate) search: Search,
    /// What the plugin learned, for whatever is mapped from now on.
    pub(crate) remote: Option<String>,
    /// Why the connection has to stop.
    pub(crate) stop: Option<Stop>,
    /// How the plugin's call ended; none where it was not called.
    pub(crate) call: Option<CallEnd>,
    /// Members on whom alone the plugin failed.
    pub(crate) culprits: u64,
}

impl Done {
    /// A delivery that was not begun: its members are as they were.
    fn unsent(stop: Stop, search: Search) -> Self {
        Self {
            tally: Tally::default(),
            again: Vec::new(),
            shelved: Vec::new(),
            search,
            remote: None,
            stop: Some(stop),
            call: None,
            culprits: 0,
        }
    }

    /// A delivery that nobody waits for any more: its intent stands, and the next run takes its members for in doubt.
    fn cut_off(mut tally: Tally, members: usize, search: Search) -> Self {
        tally.outcomes.unknown += members as u64;
        Self { tally, ..Self::unsent(Stop::Asked, search) }
    }
}

/// Carries a delivery out.
pub(crate) async fn carry_out(
    book: Book,
    clock: Clock,
    gates: Arc<Gates>,
    patience: Patience,
    job: Job,
) -> Result<Done, Error> {
    let Job { lot, delivery, label, mut history, is_proven, beside, .. } = job;
    let link = Arc::clone(&book.link);
    let (leave, turn) = match begin(&book, &gates, &delivery.operation, &clock, patience).await {
        Ok(begun) => begun,
        Err(stop) => return Ok(Done::unsent(stop, history.search)),
    };
    let lot = Arc::new(lot);
    let request_key = request_key(&link, &delivery, &lot);
    let entry = entry(&delivery, label, &request_key, &history.trail);
    let (number, mut tally) = (book.intend(&lot, &entry, clock.now_ms()).await?, Tally::default());
    enroute_config::crash_point!("delivery.intended");
    tally.repeated = repeated(&history.trail, &lot);
    let idempotent = link.manifest.operation(&delivery.operation).is_some_and(|operation| operation.idempotent);

    let outlet = DeliveryOutlet::new(&link, &gates, &clock, label);
    let outlet = Arc::new(outlet.with_delivery(&delivery, request_key, turn));
    let work = work(&delivery, &lot);
    let sent = tokio::select! {
        sent = link.plugin.send(&link.guest, &work, Arc::clone(&outlet) as _) => sent,
        () = book.halt.overdue() => return Ok(Done::cut_off(tally, lot.len(), history.search)),
    };
    enroute_config::crash_point!("delivery.answered");
    let reach = outlet.reach(lot.len());
    let sent = believe(&outlet, sent, &reach, false);
    let (pause, requests) = (outlet.take_pause(), outlet.take_records());
    tally.refused.absorb(outlet.take_refusals());
    let call = CallEnd { fault: sent.as_ref().err().cloned(), members: lot.len(), left: !reach.left.is_empty() };
    let concerns_all = pause.is_some() || is_refused(&sent);
    let mut judged = match sent {
        Ok(report) => {
            remember(&book, &report, &mut tally).await?;
            gates.heed(&link, &report.verdict, &clock);
            let report = blame::honest(report, &reach, history.trail.may_have_left);
            judge(report, &requests, lot.len(), idempotent, history.trail.refused)
        }
        Err(fault) => {
            link.log_fault(&fault);
            tally.fault(&fault, lot.len() as u64);
            judge_fault(&fault, &reach, standing(&lot, idempotent, is_proven), pause)
        }
    };
    let is_lone = suspect(&mut judged, &lot, &mut history, beside);
    let Judged { mut decision, verdict, failure, is_in_order, costs_attempt, remote } = judged;
    history.search.learn(&decision);
    let (again, shelved) = follow_ups(&mut decision, &lot, &history, call.left, (patience.ms, clock.random()));
    let shelved = shelved.without(&give_up(&mut decision, &lot, failure.as_deref(), (link.retry, clock.now_ms())));
    tally.count(&decision.finished);
    tally.count_requests(&requests);
    let settlement = Settlement {
        delivery: number,
        verdict: verdict.as_ref().map_or("plugin_fault", Verdict::word).to_owned(),
        requests,
        again: decision.again.iter().flat_map(|(members, _)| members.iter().copied()).collect(),
        finished: decision.finished,
        attempts: u32::from(costs_attempt),
        reached: reach.left,
        may_have_left: history.trail.may_have_left,
        reason: failure.clone(),
        is_lone,
        at_ms: clock.now_ms(),
    };
    tally.revived = book.settle(&lot, settlement).await?;
    enroute_config::crash_point!("delivery.settled");
    let showed = showed(is_in_order, tally.outcomes.delivered, history.trail.is_suspect);
    let refused = decision.pause.as_deref().filter(|_| concerns_all);
    tell(leave, &clock, (showed, failure.as_deref()), refused).await?;
    let (stop, culprits, shelved) = (decision.pause.map(Stop::Person), decision.culprits, shelved.into_lots(&lot));
    Ok(Done { tally, again, shelved, search: history.search, remote, stop, call: Some(call), culprits })
}

/// Whether the credential is refused: then it is so for every audience.
fn is_refused(sent: &Result<Report, Fault>) -> bool {
    sent.as_ref().is_ok_and(|report| matches!(report.verdict, Verdict::CredentialInvalid(_)))
}

fn standing(lot: &Lot, idempotent: bool, is_proven: bool) -> blame::Standing {
    blame::Standing { members: u32::try_from(lot.len()).unwrap_or(u32::MAX), idempotent, is_proven }
}

fn entry(delivery: &Delivery, label: &'static str, request_key: &str, trail: &Trail) -> Entry {
    Entry { operation: delivery.operation.clone(), label, request_key: request_key.to_owned(), attempt: trail.attempt }
}

/// Waits until a delivery may begin, unless the run is asked to end.
async fn begin(
    book: &Book,
    gates: &Gates,
    operation: &str,
    clock: &Clock,
    patience: Patience,
) -> Result<(Leave, Option<Turn>), Stop> {
    tokio::select! {
        biased;
        () = book.halt.asked() => Err(Stop::Asked),
        begun = may_begin(gates, &book.link, operation, clock, patience) => begun,
    }
}

/// Waits until a delivery may begin: the breaker lets it through, and its first request has its turn.
async fn may_begin(
    gates: &Gates,
    link: &Link,
    operation: &str,
    clock: &Clock,
    patience: Patience,
) -> Result<(Leave, Option<Turn>), Stop> {
    let bucket = link.bucket(operation).map(|bucket| bucket.name.as_str());
    let gate = bucket.and_then(|bucket| gates.of(link, bucket));
    loop {
        let leave = gates.circuit().pass(&link.destination, clock, patience).await?;
        let Some(gate) = &gate else { return Ok((leave, None)) };
        let since_ms = clock.now_ms();
        let turn = gate.enter(clock, link.party, false, patience.ms).await;
        let took = Duration::from_millis(clock.now_ms().saturating_sub(since_ms));
        link.figures.waited(&link.destination, bucket.unwrap_or_default(), took);
        let turn = turn.map_err(|wait_ms| Stop::at_a_closed_gate(wait_ms, clock))?;
        // An outage may have begun while others had their turn.
        if gates.circuit().is_good(&leave) {
            return Ok((leave, Some(turn)));
        }
    }
}

/// What a delivery showed of the destination: that it does its work, or does not; mostly nothing, where only a part of a
/// suspected lot failed.
fn showed(is_in_order: Option<bool>, delivered: u64, is_suspect: bool) -> Option<bool> {
    let is_in_order = is_in_order? || delivered > 0;
    (is_in_order || !is_suspect).then_some(is_in_order)
}

/// Tells everybody else what a delivery showed of the destination.
pub(crate) async fn tell(
    leave: Leave,
    clock: &Clock,
    (is_in_order, failure): (Option<bool>, Option<&str>),
    pause: Option<&str>,
) -> Result<(), Error> {
    match (pause, is_in_order) {
        (Some(reason), _) => leave.pause(reason),
        (None, Some(true)) => return leave.succeeded(clock).await,
        (None, Some(false)) => return leave.failed(clock, failure.unwrap_or_default()).await,
        (None, None) => {}
    }
    drop(leave);
    Ok(())
}

/// The report of a `send`, with what the way out knows better, unless it claims what nobody can have told the plugin;
/// `of_jobs` as in [`blame::lie`].
pub(crate) fn believe(
    outlet: &DeliveryOutlet,
    sent: Result<(Report, Usage), Fault>,
    reach: &Reach,
    of_jobs: bool,
) -> Result<Report, Fault> {
    let (report, usage) = sent?;
    let link = outlet.link();
    link.log("send", &usage);
    match blame::lie(&report, reach, of_jobs) {
        Some(reason) => Err(Fault::contract(&link.plugin_name, "send", reason)),
        None => Ok(outlet.corrected(report)),
    }
}

/// How the plugin's call ended.
#[derive(Debug, Clone)]
pub(crate) struct CallEnd {
    /// Why it failed, if it did.
    pub(crate) fault: Option<Fault>,
    /// Members it was about.
    pub(crate) members: usize,
    /// Whether a request may have left.
    pub(crate) left: bool,
}

/// What follows from a call, and what the ledger says of it.
struct Judged {
    decision: Decision,
    /// None where the call failed.
    verdict: Option<Verdict>,
    failure: Option<String>,
    /// Whether the destination does its work; none where that is not known.
    is_in_order: Option<bool>,
    costs_attempt: bool,
    remote: Option<String>,
}

fn judge(report: Report, requests: &[RequestRow], members: usize, idempotent: bool, refused_before: bool) -> Judged {
    let verdict = report.verdict.clone();
    let remote = report.remote.clone();
    Judged {
        decision: decide(report, Standing { members, idempotent, refused_before }),
        failure: open::cause(&verdict, requests),
        is_in_order: Some(is_in_order(&verdict)),
        costs_attempt: !matches!(verdict, Verdict::Throttled { .. }),
        verdict: Some(verdict),
        remote,
    }
}

fn judge_fault(fault: &Fault, reach: &Reach, standing: blame::Standing, pause: Option<Verdict>) -> Judged {
    let mut decision = blame::blame(fault, reach, standing);
    decision.pause = pause.as_ref().and_then(Verdict::pauses).map(str::to_owned);
    let failure = Some(fault.to_string());
    // A destination that is too slow is in trouble; what a plugin does wrong says nothing of it.
    let is_in_order = (fault.kind == FaultKind::Late && !reach.left.is_empty()).then_some(false);
    Judged { decision, verdict: None, failure, is_in_order, costs_attempt: true, remote: None }
}

/// Finds out whether the members of a failed attempt are to blame; returns whether it is one who fails alone.
fn suspect(judged: &mut Judged, lot: &Lot, history: &mut History, beside: Beside) -> bool {
    let is_unclear = |(_, next): &(Vec<u32>, Next)| matches!(next, Next::Again { unclear: true, .. });
    let is_unclear = judged.decision.again.iter().any(is_unclear);
    let cause = judged.failure.as_deref().or(is_unclear.then_some("no clear answer"));
    history.trail = history.trail.failed(cause);
    let Some(verdict) = &judged.verdict else { return false };
    let was_lone = matches!(lot.meta.as_slice(), [meta] if meta.tried.is_some_and(|tried| tried.alone));
    let case = Case {
        members: lot.len(),
        alike: history.trail.alike,
        earlier: lot.attempts_max(),
        beside,
        is_suspect: history.trail.is_suspect,
        has_witness: history.search.has_sound() || was_lone,
    };
    let is_lone = suspicion::weigh(&mut judged.decision, verdict, case);
    if is_lone {
        history.search.found_lone();
    }
    is_lone
}

/// Members who are sent again because it is not known whether an earlier request arrived.
fn repeated(trail: &Trail, lot: &Lot) -> u64 {
    match (trail.attempt > 1, trail.in_doubt) {
        (false, _) => lot.in_doubt(&lot.positions()),
        (true, true) => lot.len() as u64,
        (true, false) => 0,
    }
}

fn work(delivery: &Delivery, lot: &Lot) -> Work {
    let head =
        |request: &PreparedRequest| (request.members.clone(), request.request.method, request.request.path.clone());
    Work::Deliver(Box::new(DeliveryWork {
        operation: delivery.operation.clone(),
        members: lot.batch.clone(),
        requests: delivery.requests.iter().map(head).collect(),
    }))
}

/// The same whenever the same requests go to the same connection for the same members.
fn request_key(link: &Link, delivery: &Delivery, lot: &Lot) -> String {
    let mut hash = Sha256::new();
    hash.update(link.id.to_be_bytes());
    for request in &delivery.requests {
        hash.update(request.request.digest().0);
    }
    for profile in &lot.batch.profiles {
        hash.update(profile.to_be_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps what a report says besides outcomes.
pub(crate) async fn remember(book: &Book, report: &Report, tally: &mut Tally) -> Result<(), Error> {
    for unattributed in &report.unattributed {
        tally.unattributed.add(unattributed.reason.clone(), u64::from(unattributed.count));
    }
    for warning in &report.warnings {
        tally.warn(&warning.code, warning.field.as_deref(), u64::from(warning.count));
    }
    if let Some(remote) = report.remote.clone() {
        let link = book.link.id;
        book.store.write(move |tx| ledger::set_remote(tx, link, &remote)).await?;
    }
    Ok(())
}

/// Members who have an outcome, and whose parts may be sent in this run all the same.
struct Shelved {
    positions: Vec<u32>,
    trail: Trail,
}

impl Shelved {
    fn without(mut self, others: &[u32]) -> Self {
        self.positions.retain(|at| !others.contains(at));
        self
    }

    fn into_lots(self, lot: &Lot) -> Vec<(Lot, Trail)> {
        if self.positions.is_empty() { Vec::new() } else { vec![(lot.subset(&self.positions), self.trail)] }
    }
}

/// Turns what may be tried again within this run into lots; the rest is finished with its outcome. Also returns members
/// who are put off only because looking for the culprits among them would cost too much, or comes later.
fn follow_ups(
    decision: &mut Decision,
    lot: &Lot,
    history: &History,
    left: bool,
    (patience_ms, random): (u64, u64),
) -> (Vec<(Lot, Next, History)>, Shelved) {
    let (mut queued, mut kept) = (Vec::new(), Vec::new());
    let mut shelved = Shelved { positions: Vec::new(), trail: history.trail };
    for (members, next) in std::mem::take(&mut decision.again) {
        match allowed(&next, history, left, (patience_ms, random)) {
            Some((next, history)) => {
                queued.push((lot.subset(&members), next.clone(), history));
                kept.push((members, next));
            }
            None => {
                // Of whom nothing is known is left to the next run.
                if matches!(next, Next::Bisect | Next::Isolate { unclear: false } | Next::Without) {
                    shelved.positions.extend(&members);
                }
                if let Next::Doubt { unclear, .. } = next {
                    shelved.positions.extend(&members);
                    shelved.trail = history.trail.suspected(unclear, left);
                    history.search.doubt();
                }
                decision.finished.push((members, next.given_up()));
            }
        }
    }
    decision.again = kept;
    shelved.positions.sort_unstable();
    (queued, shelved)
}

/// Whether a follow-up fits into this run, and with which wait. `left` says whether this attempt may have left.
fn allowed(next: &Next, history: &History, left: bool, (patience_ms, random): (u64, u64)) -> Option<(Next, History)> {
    let History { trail, search } = history.clone();
    let with = |next: Next, trail: Trail| Some((next, History { trail, search: search.clone() }));
    match next {
        Next::Split => with(Next::Split, trail),
        Next::Bisect => search.spend().then(|| with(Next::Bisect, Trail { refused: true, ..trail }))?,
        Next::Isolate { unclear } => {
            let trail = Trail {
                attempt: trail.attempt + u32::from(*unclear),
                in_doubt: trail.in_doubt || *unclear,
                may_have_left: trail.may_have_left || *unclear,
                ..trail
            };
            search.spend().then(|| with(next.clone(), trail))?
        }
        // Most destinations name all culprits at once: the first time costs nothing.
        Next::Without if trail.named == 0 || search.spend() => {
            with(Next::Without, Trail { named: trail.named + 1, ..trail })
        }
        Next::Without | Next::Doubt { .. } => None,
        Next::Throttled { after_ms } => {
            let waited_ms = trail.waited_ms.saturating_add(*after_ms);
            (waited_ms <= patience_ms).then(|| with(next.clone(), Trail { waited_ms, ..trail }))?
        }
        Next::Again { after_ms, unclear } => {
            let backoff = Policy::default().delay_ms(trail.attempt, random);
            let after_ms = (*after_ms).max(backoff);
            let waited_ms = trail.waited_ms.saturating_add(after_ms);
            let fits = trail.attempt < ATTEMPTS_MAX && waited_ms <= patience_ms;
            let (attempt, may_have_left) = (trail.attempt + 1, trail.may_have_left || left);
            let trail = Trail { attempt, waited_ms, in_doubt: *unclear, may_have_left, ..trail };
            fits.then(|| with(Next::Again { after_ms, unclear: *unclear }, trail))?
        }
    }
}

/// Whether a verdict says that the destination does its work.
pub(crate) const fn is_in_order(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Ok | Verdict::TooLarge | Verdict::RefusedBisect(_) | Verdict::Throttled { .. })
}

/// Members who were tried for too long are refused with what is known, so that nothing is tried for ever. Returns them.
fn give_up(decision: &mut Decision, lot: &Lot, cause: Option<&str>, (policy, now_ms): (Policy, u64)) -> Vec<u32> {
    let is_over = |at: &u32| {
        let tried = lot.meta.get(*at as usize).and_then(|meta| meta.tried);
        tried.is_some_and(|tried| policy.is_over(tried.attempts + 1, tried.first_ms, now_ms))
    };
    let mut over = Vec::new();
    for (members, outcome) in &mut decision.finished {
        if matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown) {
            over.extend(members.extract_if(.., |at| is_over(at)));
        }
    }
    decision.finished.retain(|(members, _)| !members.is_empty());
    if !over.is_empty() {
        let last = cause.unwrap_or("no answer said why");
        let (code, reason) = (GIVEN_UP.to_owned(), format!("it was tried for hours without success; at last: {last}"));
        decision.finished.push((over.clone(), Outcome::Rejected(Refusal { code, reason })));
    }
    over
}
