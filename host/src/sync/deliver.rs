//! One delivery from beginning to end: intent, send, decision, settlement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use enroute_core::outcome::{Fate, Outcome, Refusal, Report, Verdict};
use enroute_core::retry::Policy;
use sha2::{Digest as _, Sha256};

use crate::runtime::{Delivery, DeliveryWork, Fault, PreparedRequest, Work};
use crate::store::{Error, ledger};
use crate::sync::clock::Clock;
use crate::sync::decide::{Decision, Next, Standing, decide};
use crate::sync::dispatch::Stop;
use crate::sync::link::Link;
use crate::sync::lot::Lot;
use crate::sync::mapper::alone;
use crate::sync::outlet::DeliveryOutlet;
use crate::sync::pace::Gates;
use crate::sync::report::Tally;
use crate::sync::settle::{Book, Entry, Settlement};

/// Attempts at one delivery within one run.
const ATTEMPTS_MAX: u32 = 5;

/// What a delivery and its follow-ups share.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// The number of this attempt, from 1.
    pub(super) attempt: u32,
    /// Waits of this run so far.
    pub(super) waited_ms: u64,
    /// Whether the attempt before ended without a clear answer.
    pub(super) in_doubt: bool,
    /// Calls that isolating culprits may still cost; shared by all parts of the lot.
    pub(super) bisect_left: Arc<AtomicU32>,
}

/// A delivery on its way.
pub(super) struct Job {
    pub(super) lot: Lot,
    pub(super) delivery: Delivery,
    /// `prepared` or `subset`.
    pub(super) label: &'static str,
    pub(super) history: History,
    pub(super) due_ms: u64,
}

impl Job {
    /// The part of a mapped lot that a delivery is about; positions count within it.
    pub(super) fn new(mapped: &Lot, delivery: Delivery, label: &'static str, history: History, due_ms: u64) -> Self {
        let members = delivery.members();
        let local = |at: &u32| members.binary_search(at).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
        let localized = |request: PreparedRequest| PreparedRequest {
            members: request.members.iter().map(local).collect(),
            request: request.request,
        };
        let requests = delivery.requests.into_iter().map(localized).collect();
        let lot = mapped.subset(&members);
        Self { lot, delivery: Delivery { operation: delivery.operation, requests }, label, history, due_ms }
    }
}

/// What a delivery left behind.
pub(super) struct Done {
    pub(super) tally: Tally,
    /// Members to try again, and how.
    pub(super) again: Vec<(Lot, Next, History)>,
    /// What the plugin learned, for whatever is mapped from now on.
    pub(super) remote: Option<String>,
    /// Why the connection has to stop.
    pub(super) stop: Option<Stop>,
    /// Whether nothing came of it.
    pub(super) failed: bool,
}

impl Done {
    /// A delivery that was not begun: its members are as they were.
    fn unsent(stop: Stop) -> Self {
        Self { tally: Tally::default(), again: Vec::new(), remote: None, stop: Some(stop), failed: false }
    }
}

/// Carries a delivery out.
pub(super) async fn carry_out(
    book: Book,
    clock: Clock,
    gates: Arc<Gates>,
    patience_ms: u64,
    job: Job,
) -> Result<Done, Error> {
    let Job { lot, delivery, label, history, .. } = job;
    let link = Arc::clone(&book.link);
    let bucket = link.bucket(&delivery.operation).map(|bucket| bucket.name.as_str());
    if let Some(gate) = bucket.and_then(|bucket| gates.of(&link, bucket))
        && let Err(wait_ms) = gate.ready(&clock, patience_ms).await
    {
        return Ok(Done::unsent(Stop::at_a_closed_gate(wait_ms)));
    }
    let lot = Arc::new(lot);
    let request_key = request_key(&link, &delivery, &lot);
    let entry = Entry {
        operation: delivery.operation.clone(),
        label,
        request_key: request_key.clone(),
        attempt: history.attempt,
    };
    let number = book.intend(&lot, &entry, clock.now_ms()).await?;
    crate::crash_point!("delivery.intended");
    let mut tally = Tally::default();
    let is_repeat = history.attempt > 1;
    tally.repeated = match (is_repeat, history.in_doubt) {
        (false, _) => lot.in_doubt(&lot.positions()),
        (true, true) => lot.len() as u64,
        (true, false) => 0,
    };

    let outlet = DeliveryOutlet::new(&link, &gates, &clock, label).with_delivery(&delivery, request_key);
    let outlet = Arc::new(outlet);
    let idempotent = link.manifest.operation(&delivery.operation).is_some_and(|operation| operation.idempotent);
    let mut may_have_left = is_repeat;
    let mut report = match link.plugin.send(&link.guest, &work(&delivery, &lot), Arc::clone(&outlet) as _).await {
        Ok((report, usage)) => {
            link.log("send", &usage);
            report
        }
        Err(fault) => {
            may_have_left = true;
            faulty(&fault, &lot, idempotent, &mut tally)
        }
    };
    report.verdict = outlet.take_pause().unwrap_or(report.verdict);
    crate::crash_point!("delivery.answered");
    remember(&book, &report, &mut tally).await?;

    let verdict = report.verdict.clone();
    gates.heed(&link, &verdict, &clock);
    let standing = Standing { members: lot.len(), idempotent, bisect_left: history.bisect_left.load(Ordering::SeqCst) };
    let remote = report.remote.clone();
    let mut decision = decide(report, standing);
    let again = follow_ups(&mut decision, &lot, &history, patience_ms);
    give_up(&mut decision, &lot, clock.now_ms());
    tally.count(&decision.finished);
    let requests = outlet.take_records();
    tally.count_requests(&requests);
    let settlement = Settlement {
        delivery: number,
        verdict: verdict.word().to_owned(),
        requests,
        again: decision.again.iter().flat_map(|(members, _)| members.iter().copied()).collect(),
        finished: decision.finished,
        attempts: u32::from(!matches!(verdict, Verdict::Throttled { .. })),
        may_have_left,
        reason: Some(verdict.word().to_owned()).filter(|word| word != "ok"),
        at_ms: clock.now_ms(),
    };
    book.settle(&lot, settlement).await?;
    crate::crash_point!("delivery.settled");
    let failed = !is_in_order(&verdict) && tally.outcomes.delivered == 0;
    Ok(Done { tally, failed, again, remote, stop: decision.pause.map(Stop::Person) })
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

/// The report that the host writes for a plugin that failed in `send`.
///
/// Whether bytes left is not known, so nobody counts as untouched: where repeating is safe the members are tried in
/// halves until the one at fault stands alone, and elsewhere their fate is unknown.
fn faulty(fault: &Fault, lot: &Lot, idempotent: bool, tally: &mut Tally) -> Report {
    tally.fault(fault, lot.len() as u64);
    let outcome = if !idempotent {
        Outcome::Unknown
    } else if lot.len() == 1 {
        let rejection = alone(fault);
        Outcome::Rejected(Refusal { code: rejection.code, reason: rejection.reason })
    } else {
        Outcome::Deferred { after_ms: 0 }
    };
    Report {
        fates: vec![Fate { members: lot.positions(), outcome }],
        verdict: Verdict::RefusedBisect(fault.reason.clone()),
        unattributed: Vec::new(),
        remote: None,
        warnings: Vec::new(),
    }
}

/// Keeps what a report says besides outcomes.
pub(super) async fn remember(book: &Book, report: &Report, tally: &mut Tally) -> Result<(), Error> {
    for unattributed in &report.unattributed {
        *tally.unattributed.entry(unattributed.reason.clone()).or_default() += u64::from(unattributed.count);
    }
    for warning in &report.warnings {
        tally.warn(&warning.code, warning.field.as_deref(), u64::from(warning.count));
    }
    if let Some(remote) = report.remote.clone() {
        let link = book.link.id;
        book.store.write(move |tx| ledger::set_remote(tx.connection(), link, &remote)).await?;
    }
    Ok(())
}

/// Turns what may be tried again within this run into lots; the rest is finished with its outcome.
fn follow_ups(decision: &mut Decision, lot: &Lot, history: &History, patience_ms: u64) -> Vec<(Lot, Next, History)> {
    let mut queued = Vec::new();
    let mut kept = Vec::new();
    for (members, next) in std::mem::take(&mut decision.again) {
        match allowed(&next, history, patience_ms) {
            Some((next, history)) => {
                queued.push((lot.subset(&members), next.clone(), history));
                kept.push((members, next));
            }
            None => decision.finished.push((members, next.given_up())),
        }
    }
    decision.again = kept;
    queued
}

/// Whether a follow-up fits into this run, and with which wait.
fn allowed(next: &Next, history: &History, patience_ms: u64) -> Option<(Next, History)> {
    let history = history.clone();
    match next {
        Next::Split => Some((Next::Split, history)),
        Next::Bisect => {
            let spent = |left: u32| left.checked_sub(1);
            history.bisect_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spent).ok()?;
            Some((Next::Bisect, history))
        }
        Next::Throttled { after_ms } => {
            let waited_ms = history.waited_ms.saturating_add(*after_ms);
            (waited_ms <= patience_ms).then(|| (next.clone(), History { waited_ms, ..history }))
        }
        Next::Again { after_ms, unclear } => {
            let backoff = Policy::default().delay_ms(history.attempt, random());
            let after_ms = (*after_ms).max(backoff);
            let waited_ms = history.waited_ms.saturating_add(after_ms);
            let fits = history.attempt < ATTEMPTS_MAX && waited_ms <= patience_ms;
            let next = Next::Again { after_ms, unclear: *unclear };
            let attempt = history.attempt + 1;
            fits.then_some((next, History { attempt, waited_ms, in_doubt: *unclear, ..history }))
        }
    }
}

/// Whether a verdict says that the destination does its work.
const fn is_in_order(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Ok | Verdict::TooLarge | Verdict::RefusedBisect(_) | Verdict::Throttled { .. })
}

/// Members who were tried for too long are refused with what is known, so that nothing is tried for ever.
fn give_up(decision: &mut Decision, lot: &Lot, now_ms: u64) {
    let is_over = |at: &u32| {
        let tried = lot.meta.get(*at as usize).and_then(|meta| meta.tried);
        tried.is_some_and(|(attempts, first_ms)| Policy::default().is_over(attempts + 1, first_ms, now_ms))
    };
    let mut over = Vec::new();
    for (members, outcome) in &mut decision.finished {
        if matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown) {
            over.extend(members.extract_if(.., |at| is_over(at)));
        }
    }
    decision.finished.retain(|(members, _)| !members.is_empty());
    if !over.is_empty() {
        let reason = "it was tried for hours without success".to_owned();
        decision.finished.push((over, Outcome::Rejected(Refusal { code: "given_up".to_owned(), reason })));
    }
}

/// For jitter only: where the system has no random numbers, waits are at their ceiling.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}
