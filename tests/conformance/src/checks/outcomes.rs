//! What is true of a report whatever the destination, where every request of the call was answered alike.

use enroute_core::outcome::{Outcome, Verdict};
use enroute_core::request::Method;
use enroute_host::egress::Failure;

use crate::answers::{Answer, Meaning};
use crate::catalogue::Check;
use crate::checks::trial::{Sent, Trial, arrived, shown};
use crate::findings::Failure as Failed;
use crate::kit::Kit;
use crate::network::{Asked, What};

/// Looks at outcomes and verdict.
pub(crate) fn judge(kit: &Kit<'_>, trial: &Trial<'_>, answer: &Answer, sent: &Sent) {
    if sent.asked.is_empty() {
        return;
    }
    outcomes(kit, trial, answer, sent);
    together(kit, trial, answer, sent);
    verdict(kit, answer, &sent.report.verdict, &trial.did(&answer.name));
}

/// Outcomes, member by member: each is looked at by the one check that it can break.
fn outcomes(kit: &Kit<'_>, trial: &Trial<'_>, answer: &Answer, sent: &Sent) {
    let did = trial.did(&answer.name);
    let expect = |check: Check, member: u32, outcome: &Outcome, holds: bool, expected: &str| {
        kit.findings
            .expect(check, holds, || Failed::new(&did, expected, format!("member {member} is {}", shown(outcome))));
    };
    let may_be_unchanged = may_be_unchanged(trial, answer, sent);
    for (member, outcome) in sent.fates() {
        let has_arrived = arrived(outcome);
        let is_unchanged = matches!(outcome, Outcome::Unchanged { .. });
        if sent.left() {
            let check = check_of(answer.meaning);
            expect(check, member, outcome, !has_arrived, "nobody delivered or accepted");
            let said = !is_unchanged || may_be_unchanged;
            expect(Check::UnchangedIsSaid, member, outcome, said, "nobody unchanged: the answer says no such thing");
        }
        let is_rejected = matches!(outcome, Outcome::Rejected(_));
        if answer.meaning.blames_nobody() {
            let expected = "nobody rejected: it is not the member's fault";
            expect(Check::TroubleRejectsNobody, member, outcome, !is_rejected, expected);
        }
        match answer.meaning {
            // Being one of these is what the checks above are about.
            _ if has_arrived || is_unchanged || is_rejected => {}
            Meaning::NothingLeft => {
                let deferred = matches!(outcome, Outcome::Deferred { .. });
                expect(Check::UnsentIsDeferred, member, outcome, deferred, "everybody deferred: nothing left");
            }
            Meaning::Interrupted if trial.was_sent(&sent.asked, member) => {
                let unknown = matches!(outcome, Outcome::Unknown);
                expect(Check::InterruptedIsUnknown, member, outcome, unknown, "unknown: the request may have arrived");
            }
            _ => {}
        }
    }
}

/// The check that is broken where somebody arrives with this answer.
pub(crate) const fn check_of(meaning: Meaning) -> Check {
    match meaning {
        Meaning::ErrorInside => Check::ErrorsOutrankStatuses,
        _ => Check::OnlySuccessIsDelivered,
    }
}

/// Whether an answer can say that nothing had to be done. What a look-up was refused with can mean that there is no
/// such person; what a change was refused with cannot.
fn may_be_unchanged(trial: &Trial<'_>, answer: &Answer, sent: &Sent) -> bool {
    let looks_up = |asked: &Asked| match &asked.what {
        What::Derived(..) => true,
        What::Prepared(index) => {
            trial.prepared.get(*index as usize).is_some_and(|(_, request)| request.method == Method::Get)
        }
    };
    match answer.meaning {
        Meaning::Absent | Meaning::Conflict | Meaning::Good => true,
        Meaning::Refused => sent.asked.iter().any(looks_up),
        _ => false,
    }
}

/// Outcomes of all members of a request together: an answer that names nobody rejects not everybody.
fn together(kit: &Kit<'_>, trial: &Trial<'_>, answer: &Answer, sent: &Sent) {
    let few = match answer.meaning {
        Meaning::Elsewhere => 1,
        Meaning::Absent | Meaning::Conflict | Meaning::Forbidden | Meaning::TooLarge => 2,
        _ => return,
    };
    let is_rejected =
        |member: &u32| sent.fates().any(|(known, outcome)| known == *member && matches!(outcome, Outcome::Rejected(_)));
    for asked in &sent.asked {
        let What::Prepared(index) = asked.what else { continue };
        let members = trial.about(index);
        if members.len() < few {
            continue;
        }
        let all = members.iter().all(is_rejected);
        kit.findings.expect(Check::EverybodyIsNotToBlame, !all, || {
            let got = format!("all {} members of request {index} are rejected for good", members.len());
            Failed::new(trial.did(&answer.name), "members deferred: the answer blames none of them", got)
        });
    }
}

/// The verdict where every request was answered alike.
fn verdict(kit: &Kit<'_>, answer: &Answer, verdict: &Verdict, did: &str) {
    let failure = |expected: &str| Failed::new(did, expected, format!("{verdict:?}"));
    match answer.meaning {
        Meaning::Credential => kit.findings.expect(Check::BadCredentialPauses, verdict.pauses().is_some(), || {
            failure("a verdict that pauses: credential-invalid, permission-missing or misconfigured")
        }),
        Meaning::Throttled(least, most) => {
            let holds = throttles(kit, verdict, least, most);
            kit.findings.expect(Check::ThrottlingHoldsABucket, holds, || {
                failure(&format!("throttled, with a bucket of the manifest, for {least} to {most} ms"))
            });
        }
        Meaning::Trouble | Meaning::Interrupted | Meaning::NothingLeft => {
            kit.findings.expect(Check::TroubleIsTold, *verdict != Verdict::Ok, || failure("any verdict but ok"));
        }
        _ => {}
    }
    causes(kit, answer, verdict, did);
}

fn throttles(kit: &Kit<'_>, verdict: &Verdict, least: u64, most: u64) -> bool {
    match verdict {
        Verdict::Throttled { bucket, after_ms } => {
            (least..=most).contains(after_ms)
                && (kit.manifest.bucket(bucket).is_some() || kit.manifest.buckets.is_empty())
        }
        // Without a bucket there is nothing to hold.
        Verdict::Unavailable(_) => kit.manifest.buckets.is_empty(),
        _ => false,
    }
}

/// What is mended by nobody but time or the sender of the content is nothing to pause for, and what asks for no wait is
/// nothing to hold a bucket for.
pub(crate) fn causes(kit: &Kit<'_>, answer: &Answer, verdict: &Verdict, did: &str) {
    let passes = match answer.meaning {
        Meaning::Refused | Meaning::Trouble | Meaning::Good => true,
        Meaning::Interrupted => !matches!(answer.reply, Err(Failure::TooLarge(_))),
        Meaning::NothingLeft => matches!(answer.reply, Err(Failure::Unreachable(_))),
        _ => return,
    };
    let pauses = passes && verdict.pauses().is_some();
    let holds = passes && !answer.asks_to_wait() && matches!(verdict, Verdict::Throttled { .. });
    kit.findings.expect(Check::PausesHaveACause, !pauses && !holds, || {
        let expected = "no verdict that pauses the connection or holds a bucket: the answer gives no cause";
        Failed::new(did, expected, format!("{verdict:?}"))
    });
}
