//! What follows from a report: who is finished, and who is tried again in which way.
//!
//! Pure. Invariant: every member of the delivery is either finished or in exactly one follow-up
//! (test `everybody_is_finished_or_followed_up`).

use enroute_core::outcome::{Outcome, Refusal, Report, Verdict};

/// How members are tried again within the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// As they are, after a wait that counts as an attempt.
    Again { after_ms: u64, unclear: bool },
    /// As they are, when the destination lets us; costs no attempt.
    Throttled { after_ms: u64 },
    /// In halves, to fit.
    Split,
    /// In halves, to find who is at fault.
    Bisect,
    /// In halves, to find on whom the plugin fails; `unclear` says whether a request about them may have arrived.
    Isolate { unclear: bool },
    /// In halves, to find whether some of them are the reason why all of them failed; `unclear` says whether what was
    /// sent may have arrived.
    Doubt { after_ms: u64, unclear: bool },
    /// At once: without those whom the answer named, or mapped with what was learned from it; costs no attempt.
    Without,
}

impl Next {
    /// The outcome of members for whom this is not done within the run.
    pub(crate) const fn given_up(&self) -> Outcome {
        match self {
            Self::Again { unclear: true, .. } | Self::Isolate { unclear: true } | Self::Doubt { unclear: true, .. } => {
                Outcome::Unknown
            }
            Self::Again { after_ms, .. } | Self::Throttled { after_ms } | Self::Doubt { after_ms, .. } => {
                Outcome::Deferred { after_ms: *after_ms }
            }
            Self::Split | Self::Bisect | Self::Isolate { .. } | Self::Without => Outcome::Deferred { after_ms: 0 },
        }
    }
}

/// What follows from one report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Positions with their final outcome for this attempt.
    pub(crate) finished: Vec<(Vec<u32>, Outcome)>,
    /// Positions to try again, and how.
    pub(crate) again: Vec<(Vec<u32>, Next)>,
    /// Members on whom alone the plugin failed.
    pub(crate) culprits: u64,
    /// Why the connection must stop for a person.
    pub(crate) pause: Option<String>,
}

/// What is known of the delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Members of the delivery.
    pub(crate) members: usize,
    /// Whether repeating it leaves the destination as once did.
    pub(crate) idempotent: bool,
    /// Whether its members were refused once already in this run, among others or alone.
    pub(crate) refused_before: bool,
}

/// Decides. Milliseconds in `Again` are what the destination asked for; back-off is added by the caller.
pub(crate) fn decide(report: Report, standing: Standing) -> Decision {
    let mut decision = Decision { pause: report.verdict.pauses().map(str::to_owned), ..Decision::default() };
    let names_culprits = names_culprits(&report);
    for fate in report.fates {
        match fate.outcome {
            Outcome::Deferred { after_ms } if decision.pause.is_none() => {
                let next = (after_ms == 0 && names_culprits).then_some(Next::Without);
                follow_up(&mut decision, fate.members, after_ms, next, &report.verdict, standing);
            }
            Outcome::Unknown if decision.pause.is_none() && standing.idempotent => {
                decision.again.push((fate.members, Next::Again { after_ms: 0, unclear: true }));
            }
            outcome => decision.finished.push((fate.members, outcome)),
        }
    }
    decision
}

/// Whether a request was refused for something that the answer names, so that it may go again at once: members, who
/// stay out, or what the plugin remembers, so that it maps otherwise from now on.
fn names_culprits(report: &Report) -> bool {
    let any =
        |test: fn(&Outcome) -> bool| report.fates.iter().any(|fate| !fate.members.is_empty() && test(&fate.outcome));
    report.verdict == Verdict::Ok
        && (report.remote.is_some()
            || any(|outcome| matches!(outcome, Outcome::Rejected(_) | Outcome::Unchanged { .. })))
        && !any(|outcome| matches!(outcome, Outcome::Delivered | Outcome::Accepted(_) | Outcome::Unknown))
}

fn follow_up(
    decision: &mut Decision,
    members: Vec<u32>,
    after_ms: u64,
    without: Option<Next>,
    verdict: &Verdict,
    standing: Standing,
) {
    let alone = standing.members == 1;
    let refuse = |code: &str, reason: String| Outcome::Rejected(Refusal { code: code.to_owned(), reason });
    let next = match verdict {
        Verdict::Throttled { after_ms: asked, .. } => Next::Throttled { after_ms: after_ms.max(*asked) },
        Verdict::TooLarge if alone => {
            let outcome = refuse("too_large", "the destination takes no request of this size".to_owned());
            decision.finished.push((members, outcome));
            return;
        }
        Verdict::TooLarge => Next::Split,
        // Once is not enough: whoever stood alone from the beginning goes a second time.
        Verdict::RefusedBisect(reason) if alone && standing.refused_before => {
            decision.finished.push((members, refuse("refused_by_destination", reason.clone())));
            return;
        }
        Verdict::RefusedBisect(_) => Next::Bisect,
        Verdict::RefusedWhole(_) => {
            decision.finished.push((members, Outcome::Deferred { after_ms }));
            return;
        }
        _ => without.unwrap_or(Next::Again { after_ms, unclear: false }),
    };
    decision.again.push((members, next));
}

#[cfg(test)]
mod tests {
    use enroute_core::outcome::Fate;

    use super::*;

    #[track_caller]
    fn check(outcome: Outcome, verdict: Verdict, standing: Standing, expect: &str) {
        let members: Vec<u32> = (0..u32::try_from(standing.members).unwrap()).collect();
        let report = Report {
            fates: vec![Fate { members, outcome }],
            verdict,
            unattributed: vec![],
            remote: None,
            account: None,
            warnings: vec![],
        };
        let decision = decide(report, standing);
        let finished =
            decision.finished.iter().map(|(members, outcome)| format!("{} {}", members.len(), outcome.word()));
        let again = decision.again.iter().map(|(members, next)| format!("{} {next:?}", members.len()));
        assert_eq!(finished.chain(again).collect::<Vec<_>>().join(", "), expect);
    }

    const MANY: Standing = Standing { members: 4, idempotent: true, refused_before: false };
    const ONE: Standing = Standing { members: 1, ..MANY };

    #[test]
    fn everybody_is_finished_or_followed_up() {
        let deferred = Outcome::Deferred { after_ms: 5 };
        check(Outcome::Delivered, Verdict::Ok, MANY, "4 delivered");
        check(deferred.clone(), Verdict::Ok, MANY, "4 Again { after_ms: 5, unclear: false }");
        check(deferred.clone(), Verdict::TooLarge, MANY, "4 Split");
        check(deferred.clone(), Verdict::TooLarge, ONE, "1 rejected");
        check(deferred.clone(), Verdict::RefusedBisect("bad".into()), MANY, "4 Bisect");
        check(deferred.clone(), Verdict::RefusedBisect("bad".into()), ONE, "1 Bisect");
        let again = Standing { refused_before: true, ..ONE };
        check(deferred.clone(), Verdict::RefusedBisect("bad".into()), again, "1 rejected");
        check(deferred.clone(), Verdict::RefusedWhole("bad".into()), MANY, "4 deferred");
        check(deferred.clone(), Verdict::CredentialInvalid("key".into()), MANY, "4 deferred");
        let throttled = Verdict::Throttled { bucket: "api".into(), after_ms: 9 };
        check(deferred, throttled, MANY, "4 Throttled { after_ms: 9 }");
    }

    #[test]
    fn whoever_is_not_named_goes_again_at_once() {
        let next = |others: Outcome, deferred_ms: u64, verdict: Verdict| {
            let fates = vec![
                Fate { members: vec![0], outcome: others },
                Fate { members: vec![1, 2, 3], outcome: Outcome::Deferred { after_ms: deferred_ms } },
            ];
            let report = Report { fates, verdict, unattributed: vec![], remote: None, account: None, warnings: vec![] };
            decide(report, MANY).again.into_iter().map(|(_, next)| next).collect::<Vec<_>>()
        };
        let refused = || Outcome::Rejected(Refusal { code: "bad".into(), reason: "bad".into() });
        assert_eq!(next(refused(), 0, Verdict::Ok), [Next::Without]);
        assert_eq!(next(Outcome::Unchanged { code: "gone".into() }, 0, Verdict::Ok), [Next::Without]);
        // What is locked or asked to wait is tried again with a pause.
        let again = |after_ms| [Next::Again { after_ms, unclear: false }];
        assert_eq!(next(Outcome::Delivered, 0, Verdict::Ok), again(0));
        assert_eq!(next(refused(), 9, Verdict::Ok), again(9));
        assert_eq!(next(refused(), 0, Verdict::Unavailable("busy".into())), again(0));
        assert_eq!(next(refused(), 0, Verdict::RefusedBisect("bad".into())), [Next::Bisect]);
    }

    #[test]
    fn an_unclear_answer_is_repeated_only_where_repeating_is_safe() {
        check(Outcome::Unknown, Verdict::Ok, MANY, "4 Again { after_ms: 0, unclear: true }");
        check(Outcome::Unknown, Verdict::Ok, Standing { idempotent: false, ..MANY }, "4 unknown");
    }
}
