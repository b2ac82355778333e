//! `send` with deliveries: every answer that can come, and what is true of it whatever the destination.

use std::sync::Arc;

use enroute_core::outcome::{Outcome, Report, Verdict};
use enroute_core::request::{Method, Request, Response};
use enroute_host::egress::Failure;
use enroute_host::runtime::{Delivery, DeliveryWork, Work};

use crate::answers::{self, Answer, Meaning};
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::{requests, said};
use crate::findings::Failure as Failed;
use crate::kit::Kit;
use crate::network::{Asked, Network, Play, What};
use crate::people::Crowd;
use crate::random::Random;

/// Members of the crowd that deliveries are made of.
const MEMBERS: usize = 10;
/// Deliveries that are tried of one operation, and in all.
const OF_OPERATION_MAX: usize = 3;
const TRIALS_MAX: usize = 24;
/// Calls with answers drawn at random.
const RANDOM_CALLS: usize = 300;

/// A delivery to be carried out.
pub(crate) struct Trial<'b> {
    bench: &'b Bench,
    work: Work,
    crowd: Crowd,
    /// What `map` prepared, with positions within the delivery.
    prepared: Vec<(Vec<u32>, Request)>,
    pub(crate) operation: String,
}

/// A report, what was asked for it, and what had been answered.
struct Sent {
    report: Report,
    asked: Vec<Asked>,
}

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    let trials = trials(kit, benches);
    for trial in &trials {
        let all = answers::all(&echo(trial), &kit.goods);
        for answer in &all {
            let reply = answer.reply.clone();
            let Some(sent) = send(kit, trial, Box::new(move |_| reply.clone()), &answer.name) else { continue };
            if !sent.asked.is_empty() {
                outcomes(kit, trial, answer, &sent);
                verdict(kit, trial, answer, &sent);
            }
        }
        for good in &kit.goods {
            after_good(kit, trial, good, &all);
        }
    }
    at_random(kit, &trials);
}

/// Deliveries of every operation that ordinary members and the cases' own give rise to.
fn trials<'b>(kit: &Kit<'_>, benches: &'b [Bench]) -> Vec<Trial<'b>> {
    let mut trials: Vec<Trial<'b>> = Vec::new();
    for bench in benches {
        let members = MEMBERS.min(bench.batch_members(kit.manifest));
        for crowd in [Some(bench.ordinary(members)), bench.own.clone()].into_iter().flatten() {
            let Some(mapped) = kit.map(bench, &crowd, "mapped members to send them") else { continue };
            for delivery in mapped.deliveries {
                let known = trials.iter().filter(|trial| trial.operation == delivery.operation).count();
                if known < OF_OPERATION_MAX && trials.len() < TRIALS_MAX {
                    trials.push(trial(bench, &crowd, delivery));
                }
            }
        }
    }
    trials
}

fn trial<'b>(bench: &'b Bench, crowd: &Crowd, delivery: Delivery) -> Trial<'b> {
    let members = delivery.members();
    let local = |at: &u32| members.binary_search(at).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
    let chosen: Vec<usize> = members.iter().map(|at| *at as usize).collect();
    let crowd = crowd.chosen(&chosen);
    let prepared: Vec<(Vec<u32>, Request)> = delivery
        .requests
        .into_iter()
        .map(|request| (request.members.iter().map(local).collect(), request.request))
        .collect();
    let heads = prepared.iter().map(|(members, request)| (members.clone(), request.method, request.path.clone()));
    let work = Work::Deliver(Box::new(DeliveryWork {
        operation: delivery.operation.clone(),
        members: crowd.batch(),
        requests: heads.collect(),
    }));
    Trial { bench, work, crowd, prepared, operation: delivery.operation }
}

/// An address of a member, as answers quote it.
fn echo(trial: &Trial<'_>) -> String {
    let marks = trial.crowd.people.iter().flat_map(|person| &person.marks);
    let mail = marks.filter(|mark| mark.field.to_lowercase().contains("mail")).map(|mark| mark.text.as_str()).next();
    format!("{}@example.com", mail.unwrap_or("somebody"))
}

/// Carries the delivery out, and looks at everything that every report can show.
fn send(kit: &Kit<'_>, trial: &Trial<'_>, play: Play, what: &str) -> Option<Sent> {
    let did = did(trial, what);
    let network = Arc::new(Network::new(trial.prepared.len(), &kit.kinds, play));
    let outlet = Arc::clone(&network);
    let called = kit.sandbox.send(&kit.findings, &trial.bench.connection, &trial.work, outlet, &did);
    let asked = network.asked();
    asked_in_order(kit, trial.bench, &asked, &did);
    let (report, log) = called?;
    said::report(kit, &report, &trial.crowd, &did);
    said::log(kit, &log, &trial.crowd, &did);
    Some(Sent { report, asked })
}

fn did(trial: &Trial<'_>, what: &str) -> String {
    format!("{}: sent `{}`, answered {what}", trial.bench.name, trial.operation)
}

/// What is true of the requests of any call.
pub(crate) fn asked_in_order(kit: &Kit<'_>, bench: &Bench, asked: &[Asked], did: &str) {
    let mut sent: Vec<u32> = Vec::new();
    for asked in asked {
        match &asked.what {
            What::Prepared(index) => {
                kit.findings.expect(Check::NothingIsSentTwice, !sent.contains(index), || {
                    Failed::new(did, "each prepared request once", format!("request {index} was sent again"))
                });
                sent.push(*index);
            }
            What::Derived(kind, request) => {
                kit.findings.expect(Check::DerivedKindsAreDeclared, kit.kinds.contains(kind), || {
                    Failed::new(did, format!("a kind of the manifest: {}", kit.kinds.join(", ")), format!("`{kind}`"))
                });
                let checks = (Check::DerivedHostsAreDeclared, Check::HostsPartsAreLeftAlone);
                requests::sendable(kit, bench, request, checks, did);
            }
        }
    }
}

/// The outcome of each member, by position.
fn fates(report: &Report) -> Vec<(u32, &Outcome)> {
    report.fates.iter().flat_map(|fate| fate.members.iter().map(move |member| (*member, &fate.outcome))).collect()
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected(refusal) => format!("rejected as {}", refusal.code),
        Outcome::Unchanged { code } => format!("unchanged: {code}"),
        other => other.word().to_owned(),
    }
}

/// Outcomes where every request was answered alike.
fn outcomes(kit: &Kit<'_>, trial: &Trial<'_>, answer: &Answer, sent: &Sent) {
    let did = did(trial, &answer.name);
    let expect = |check: Check, member: u32, outcome: &Outcome, holds: bool, expected: &str| {
        kit.findings
            .expect(check, holds, || Failed::new(&did, expected, format!("member {member} is {}", shown(outcome))));
    };
    for (member, outcome) in fates(&sent.report) {
        let arrived = matches!(outcome, Outcome::Delivered | Outcome::Accepted(_));
        expect(Check::OnlySuccessIsDelivered, member, outcome, !arrived, "nobody delivered or accepted");
        let is_trouble = !matches!(answer.meaning, Meaning::Refused | Meaning::Forbidden);
        if is_trouble {
            let rejected = matches!(outcome, Outcome::Rejected(_));
            expect(
                Check::TroubleRejectsNobody,
                member,
                outcome,
                !rejected,
                "nobody rejected: it is not the member's fault",
            );
        }
        match answer.meaning {
            // Being delivered or rejected is what the two checks above are about.
            _ if arrived || matches!(outcome, Outcome::Rejected(_)) => {}
            Meaning::NothingLeft => {
                let deferred = matches!(outcome, Outcome::Deferred { .. });
                expect(Check::UnsentIsDeferred, member, outcome, deferred, "everybody deferred: nothing left");
            }
            Meaning::Interrupted if left(trial, &sent.asked, member) => {
                let unknown = matches!(outcome, Outcome::Unknown);
                expect(Check::InterruptedIsUnknown, member, outcome, unknown, "unknown: the request may have arrived");
            }
            _ => {}
        }
    }
}

/// Whether a prepared request that changes something was sent for this member.
fn left(trial: &Trial<'_>, asked: &[Asked], member: u32) -> bool {
    asked.iter().any(|asked| match asked.what {
        What::Prepared(index) => trial
            .prepared
            .get(index as usize)
            .is_some_and(|(members, request)| members.contains(&member) && request.method != Method::Get),
        What::Derived(..) => false,
    })
}

/// The verdict where every request was answered alike.
fn verdict(kit: &Kit<'_>, trial: &Trial<'_>, answer: &Answer, sent: &Sent) {
    let did = did(trial, &answer.name);
    let verdict = &sent.report.verdict;
    let failure = |expected: &str| Failed::new(&did, expected, format!("{verdict:?}"));
    match answer.meaning {
        Meaning::Credential => kit.findings.expect(Check::BadCredentialPauses, verdict.pauses().is_some(), || {
            failure("a verdict that pauses: credential-invalid, permission-missing or misconfigured")
        }),
        Meaning::Throttled(least) => {
            let holds = throttles(kit, verdict, least);
            kit.findings.expect(Check::ThrottlingHoldsABucket, holds, || {
                failure(&format!("throttled, with a bucket of the manifest, for at least {least} ms"))
            });
        }
        Meaning::Trouble | Meaning::Interrupted | Meaning::NothingLeft => {
            kit.findings.expect(Check::TroubleIsTold, *verdict != Verdict::Ok, || failure("any verdict but ok"));
        }
        Meaning::Refused | Meaning::Forbidden | Meaning::Unclear => {}
    }
}

fn throttles(kit: &Kit<'_>, verdict: &Verdict, least: u64) -> bool {
    match verdict {
        Verdict::Throttled { bucket, after_ms } => {
            *after_ms >= least && (kit.manifest.bucket(bucket).is_some() || kit.manifest.buckets.is_empty())
        }
        // Without a bucket there is nothing to hold.
        Verdict::Unavailable(_) => kit.manifest.buckets.is_empty(),
        _ => false,
    }
}

/// A good answer, alone, before trouble, and distorted.
fn after_good(kit: &Kit<'_>, trial: &Trial<'_>, good: &Response, all: &[Answer]) {
    let well = good.clone();
    send(kit, trial, Box::new(move |_| Ok(well.clone())), "well");
    for answer in all.iter().filter(|answer| answer.is_clear_failure()) {
        let (first, then) = (good.clone(), answer.reply.clone());
        let play: Play = Box::new(move |number| if number == 0 { Ok(first.clone()) } else { then.clone() });
        let what = format!("well, then {}", answer.name);
        if let Some(sent) = send(kit, trial, play, &what) {
            none_of_the_failed_arrived(kit, trial, &sent, all, &what);
        }
    }
    for (how, distorted) in answers::distorted(good) {
        let play: Play = Box::new(move |_| Ok(distorted.clone()));
        send(kit, trial, play, &format!("with a good answer {how}"));
    }
}

/// Answers in any order: whatever the plugin makes of them, the rules for every call hold.
fn at_random(kit: &Kit<'_>, trials: &[Trial<'_>]) {
    let mut random = Random::new(kit.seed);
    for _ in 0..RANDOM_CALLS {
        let Some(trial) = random.pick(trials) else { return };
        let mut all = answers::all(&echo(trial), &kit.goods);
        let bad = all.clone();
        all.extend(kit.goods.iter().map(|good| answers::good(good.clone())));
        let drawn: Vec<Answer> = (0..6).filter_map(|_| random.pick(&all).cloned()).collect();
        let replies: Vec<_> = drawn.iter().map(|answer| answer.reply.clone()).collect();
        let ended = || Err(Failure::Unreachable("the answers have ended".to_owned()));
        let play: Play = Box::new(move |number| replies.get(number).cloned().unwrap_or_else(ended));
        let what = drawn.iter().map(|answer| answer.name.as_str()).collect::<Vec<_>>().join(", then ");
        if let Some(sent) = send(kit, trial, play, &what) {
            none_of_the_failed_arrived(kit, trial, &sent, &bad, &what);
        }
    }
}

/// A member whose own request clearly failed has not arrived, whatever else was answered.
fn none_of_the_failed_arrived(kit: &Kit<'_>, trial: &Trial<'_>, sent: &Sent, bad: &[Answer], what: &str) {
    let failed = |asked: &&Asked| {
        let known = bad.iter().find(|answer| answer.reply == asked.reply);
        asked.reply.is_err() || known.is_some_and(Answer::is_clear_failure)
    };
    for asked in sent.asked.iter().filter(failed) {
        let What::Prepared(index) = asked.what else { continue };
        let Some((members, _)) = trial.prepared.get(index as usize) else { continue };
        for (member, outcome) in fates(&sent.report).into_iter().filter(|(member, _)| members.contains(member)) {
            kit.findings.expect(Check::OnlySuccessIsDelivered, !matches!(outcome, Outcome::Delivered), || {
                let got = format!("request {index} about member {member} failed, and it is delivered");
                Failed::new(did(trial, what), "nobody delivered whose request failed", got)
            });
        }
    }
}
