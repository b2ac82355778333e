//! What a plugin's fault means: for the members of the call, and for the plugin in the rest of a run.
//!
//! The one place that decides it. Pure. Invariants: whoever a request may have reached is never rejected for a fault
//! (test `whoever_may_have_been_reached_is_unknown_and_never_rejected`), and nobody is rejected for one before the
//! plugin has worked for others (test `a_plugin_that_fails_on_everybody_is_at_fault_itself`).

use std::collections::BTreeMap;

use enroute_core::isolate::Isolation;
use enroute_core::outcome::{Fate, Outcome, Refusal, Report};
use enroute_core::words::counted;
use roaring::RoaringBitmap;

use crate::change::lot::Lot;
use crate::delivery::decide::{Decision, Next};
use enroute_runtime::{Fault, FaultKind, Rejection};

/// Calls in a row that may fail after something has left or with all their time used up, beyond those that it takes to
/// halve a lot down to one member: one bad member is still found, and a plugin that loops costs seconds.
const DEAR_SPARE: u32 = 3;
/// Failed calls of `resume` in a row.
const RESUMES_MAX: u32 = 3;
/// Calls that may use up all their time in one run, whatever succeeds in between: minutes, and the next run goes on.
const TIME_OUTS_MAX: u32 = 40;
/// Failed calls after which a plugin is left alone for the rest of the run …
const FAULTS_MAX: u64 = 200;
/// … and as many more for each member on whom alone it fails, while others are mapped and sent.
const FAULTS_A_CULPRIT: u64 = 16;

/// Whom the requests of one call were about, by position.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reach {
    /// Members about whom something may have left.
    pub(crate) left: RoaringBitmap,
    /// Members about whom the destination answered something.
    pub(crate) answered: RoaringBitmap,
}

/// Why a report cannot be true, where it cannot: it claims what nobody can have told the plugin. Of jobs that are only
/// asked about (`of_jobs`), `accepted` claims nothing new.
pub(crate) fn lie(report: &Report, reach: &Reach, of_jobs: bool) -> Option<String> {
    report.fates.iter().find_map(|fate| {
        let claims = match fate.outcome {
            Outcome::Delivered | Outcome::Unchanged { .. } => true,
            Outcome::Accepted(_) => !of_jobs,
            Outcome::Rejected(_) | Outcome::Deferred { .. } | Outcome::Unknown => false,
        };
        let unfounded = fate.members.iter().filter(|at| !reach.answered.contains(**at)).count();
        (claims && unfounded > 0).then(|| {
            let (members, word) = (counted(unfounded as u64, "member"), fate.outcome.word());
            format!("it reports {members} as {word} about whom no request was answered")
        })
    })
}

/// A report without doubts about members of whom nothing left, in this attempt or an earlier one: they are put off.
pub(crate) fn honest(mut report: Report, reach: &Reach, may_have_left: bool) -> Report {
    if may_have_left {
        return report;
    }
    let mut unsent = Vec::new();
    for fate in report.fates.iter_mut().filter(|fate| fate.outcome == Outcome::Unknown) {
        unsent.extend(fate.members.extract_if(.., |at| !reach.left.contains(*at)));
    }
    report.fates.retain(|fate| !fate.members.is_empty());
    if !unsent.is_empty() {
        report.fates.push(Fate { members: unsent, outcome: Outcome::Deferred { after_ms: 0 } });
    }
    report
}

/// What is known of a delivery whose call failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Members of the delivery.
    pub(crate) members: u32,
    /// Whether repeating it leaves the destination as once did.
    pub(crate) idempotent: bool,
    /// Whether the plugin is known to work for others.
    pub(crate) is_proven: bool,
}

/// Decides on the members of a failed `send`.
///
/// Of those whom a request may have reached nothing is known: where repeating is safe they go again in halves, so that
/// the sound are found, and whoever stands alone stays unknown. The others are as they were before the call; who fails
/// alone is rejected, if the plugin works for others.
pub(crate) fn blame(fault: &Fault, reach: &Reach, standing: Standing) -> Decision {
    let mut decision = Decision::default();
    if !fault.kind.is_of_the_plugin() {
        return wait(reach, standing);
    }
    let alone = standing.members == 1;
    let (reached, others): (Vec<u32>, Vec<u32>) = (0..standing.members).partition(|at| reach.left.contains(*at));
    if !reached.is_empty() {
        if standing.idempotent && !alone {
            decision.again.push((reached, Next::Isolate { unclear: true }));
        } else {
            decision.finished.push((reached, Outcome::Unknown));
        }
    }
    if !others.is_empty() {
        if !alone {
            decision.again.push((others, Next::Isolate { unclear: false }));
        } else if standing.is_proven {
            let Rejection { code, reason, .. } = rejection(fault);
            decision.finished.push((others, Outcome::Rejected(Refusal { code, reason })));
        } else {
            decision.finished.push((others, Outcome::Deferred { after_ms: 0 }));
        }
    }
    decision.culprits = u64::from(alone);
    decision
}

/// Decides on the members of a call that was cut off, for which nobody is to blame: they go again, later.
fn wait(reach: &Reach, standing: Standing) -> Decision {
    let mut decision = Decision::default();
    let (reached, others): (Vec<u32>, Vec<u32>) = (0..standing.members).partition(|at| reach.left.contains(*at));
    if !reached.is_empty() {
        decision.finished.push((reached, Outcome::Unknown));
    }
    if !others.is_empty() {
        decision.finished.push((others, Outcome::Deferred { after_ms: 0 }));
    }
    decision
}

/// The rejection of a member on whom alone the plugin fails.
pub(crate) fn rejection(fault: &Fault) -> Rejection {
    Rejection {
        member: 0,
        field: None,
        code: fault.kind.code().to_owned(),
        reason: format!("the plugin failed on this member: {}", fault.reason),
    }
}

/// Which of a plugin's functions was called, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    /// `map`.
    Map,
    /// `send`, for a delivery.
    Send,
    /// `send`, for jobs.
    Resume,
}

/// How the calls for one purpose went.
#[derive(Debug, Default)]
struct Calls {
    has_succeeded: bool,
    failed: u64,
    time_outs: u32,
    /// Since the last success, as all that follow.
    in_a_row: u32,
    dear_in_a_row: u32,
    /// Members of the largest call that failed.
    members: usize,
    /// Why the last one failed.
    last: String,
    /// Whether one failed in a way that no destination can be the cause of.
    is_own: bool,
}

/// How far a plugin is trusted in one run of one connection.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    calls: BTreeMap<Call, Calls>,
    /// Members on whom alone `map` fails, until it is known whether it works for anybody.
    suspects: Vec<(Lot, Fault)>,
    /// Members on whom alone the plugin fails, and members whom it could map.
    culprits: u64,
    sound: u64,
    /// Whether one member only has to be looked at, while the destination holds others: then the member is to blame.
    has_no_witness: bool,
}

impl Trust {
    /// A run in which so many members have to be looked at begins, or goes on.
    pub(crate) fn look_at(&mut self, members: u64, holds_others: bool) {
        self.has_no_witness = members == 1 && holds_others;
    }

    /// A call ended as it should.
    pub(crate) fn succeeded(&mut self, call: Call) {
        let calls = self.calls.entry(call).or_default();
        *calls = Calls { has_succeeded: true, failed: calls.failed, time_outs: calls.time_outs, ..Calls::default() };
    }

    /// So many members could be mapped.
    pub(crate) const fn found_sound(&mut self, members: u64) {
        self.sound += members;
    }

    /// So many members turned out to be such that the plugin fails on them alone.
    pub(crate) const fn found_culprits(&mut self, members: u64) {
        self.culprits += members;
    }

    /// `map` failed on one member alone.
    pub(crate) fn suspect(&mut self, lot: Lot, fault: Fault) {
        self.culprits += 1;
        self.suspects.push((lot, fault));
    }

    /// A call about so many members failed; `left` says whether a request may have left before.
    pub(crate) fn failed(&mut self, call: Call, fault: &Fault, members: usize, left: bool) {
        if !fault.kind.is_of_the_plugin() {
            return;
        }
        let calls = self.calls.entry(call).or_default();
        let is_late = fault.kind == FaultKind::TimeOut;
        calls.failed += 1;
        calls.time_outs += u32::from(is_late);
        calls.in_a_row += 1;
        calls.dear_in_a_row += u32::from(is_late || left);
        calls.members = calls.members.max(members);
        calls.last.clone_from(&fault.reason);
        calls.is_own |= !(is_late && left);
    }

    /// Whether the plugin is known to work for others than a member on whom it fails.
    pub(crate) fn is_proven(&self, call: Call) -> bool {
        self.has_no_witness || self.calls.get(&call).is_some_and(|calls| calls.has_succeeded)
    }

    /// Whether the plugin has done what this call asks for, and did so the last time.
    pub(crate) fn is_well(&self, call: Call) -> bool {
        self.calls.get(&call).is_some_and(|calls| calls.has_succeeded && calls.in_a_row == 0)
    }

    /// Members whom `map` is known to fail on while it works for others; each is returned once.
    pub(crate) fn convicted(&mut self) -> Vec<(Lot, Fault)> {
        if self.is_proven(Call::Map) { std::mem::take(&mut self.suspects) } else { Vec::new() }
    }

    /// Members whom `map` failed on and nobody knows whose fault that is; each is returned once.
    pub(crate) fn acquitted(&mut self) -> Vec<(Lot, Fault)> {
        std::mem::take(&mut self.suspects)
    }

    /// Why the plugin is left alone for the rest of the run, where it is.
    pub(crate) fn gave_up(&self) -> Option<String> {
        let failed: u64 = self.calls.values().map(|calls| calls.failed).sum();
        if failed > FAULTS_MAX + FAULTS_A_CULPRIT * self.culprits.min(self.sound) {
            return Some(format!("the plugin failed too often in this run, {failed} times"));
        }
        self.calls.iter().find_map(|(call, calls)| calls.exhausted(*call))
    }

    /// Why a plugin that never did what it was called for needs a person, at the end of a run.
    pub(crate) fn never_worked(&self) -> Option<String> {
        let useless = |(call, calls): (&Call, &Calls)| {
            let why = || format!("the plugin failed in every call of {}: {}", call.words(), calls.last);
            (calls.failed > 0 && calls.is_own && !calls.has_succeeded).then(why)
        };
        if self.has_no_witness { None } else { self.calls.iter().find_map(useless) }
    }
}

impl Calls {
    fn exhausted(&self, call: Call) -> Option<String> {
        let (cheap_max, dear_max) = in_a_row_max(call, self.members);
        let is_over = self.in_a_row >= cheap_max || self.dear_in_a_row >= dear_max;
        let what = if is_over {
            format!("{} times in a row", self.in_a_row)
        } else if self.time_outs >= TIME_OUTS_MAX {
            format!("{} times for want of time", self.time_outs)
        } else {
            return None;
        };
        Some(format!("the plugin failed {what} in {} and is left alone: {}", call.words(), self.last))
    }
}

/// Calls about so many members that may fail in a row, and how many of them dearly. What costs little may be searched
/// as long as any lot is; then the next one is not begun.
fn in_a_row_max(call: Call, members: usize) -> (u32, u32) {
    if call == Call::Resume {
        return (RESUMES_MAX, RESUMES_MAX);
    }
    let depth = usize::BITS - members.leading_zeros();
    let searched = 2 * Isolation::<()>::bound(members, 0, 0) + 1;
    (u32::try_from(searched).unwrap_or(u32::MAX), depth + DEAR_SPARE)
}

impl Call {
    const fn words(self) -> &'static str {
        match self {
            Self::Map => "`map`",
            Self::Send => "`send`",
            Self::Resume => "`send` for jobs",
        }
    }
}

#[cfg(test)]
mod tests;
