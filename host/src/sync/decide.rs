//! What follows from a report: who is finished, and who is tried again in which way.
//!
//! Pure. Invariant: every member of the delivery is either finished or in exactly one follow-up
//! (test `everybody_is_finished_or_followed_up`).

use enroute_core::outcome::{Outcome, Refusal, Report, Verdict};

/// How members are tried again within the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// As they are, after a wait that counts as an attempt.
    Again { after_ms: u64, unclear: bool },
    /// As they are, when the destination lets us; costs no attempt.
    Throttled { after_ms: u64 },
    /// In halves, to fit.
    Split,
    /// In halves, to find who is at fault.
    Bisect,
}

impl Next {
    /// The outcome of members for whom this is not done within the run.
    pub(super) const fn given_up(&self) -> Outcome {
        match self {
            Self::Again { unclear: true, .. } => Outcome::Unknown,
            Self::Again { after_ms, .. } | Self::Throttled { after_ms } => Outcome::Deferred { after_ms: *after_ms },
            Self::Split | Self::Bisect => Outcome::Deferred { after_ms: 0 },
        }
    }
}

/// What follows from one report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Positions with their final outcome for this attempt.
    pub(super) finished: Vec<(Vec<u32>, Outcome)>,
    /// Positions to try again, and how.
    pub(super) again: Vec<(Vec<u32>, Next)>,
    /// Why the connection must stop for a person.
    pub(super) pause: Option<String>,
}

/// What is known of the delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Members of the delivery.
    pub(super) members: usize,
    /// Whether repeating it leaves the destination as once did.
    pub(super) idempotent: bool,
    /// Calls that isolating culprits may still cost.
    pub(super) bisect_left: u32,
}

/// Decides. Milliseconds in `Again` are what the destination asked for; back-off is added by the caller.
pub(super) fn decide(report: Report, standing: Standing) -> Decision {
    let mut decision = Decision { pause: report.verdict.pauses().map(str::to_owned), ..Decision::default() };
    for fate in report.fates {
        match fate.outcome {
            Outcome::Deferred { after_ms } if decision.pause.is_none() => {
                follow_up(&mut decision, fate.members, after_ms, &report.verdict, standing);
            }
            Outcome::Unknown if decision.pause.is_none() && standing.idempotent => {
                decision.again.push((fate.members, Next::Again { after_ms: 0, unclear: true }));
            }
            outcome => decision.finished.push((fate.members, outcome)),
        }
    }
    decision
}

fn follow_up(decision: &mut Decision, members: Vec<u32>, after_ms: u64, verdict: &Verdict, standing: Standing) {
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
        Verdict::RefusedBisect(reason) if alone => {
            decision.finished.push((members, refuse("refused_by_destination", reason.clone())));
            return;
        }
        Verdict::RefusedBisect(_) if standing.bisect_left > 0 => Next::Bisect,
        Verdict::RefusedBisect(_) | Verdict::RefusedWhole(_) => {
            decision.finished.push((members, Outcome::Deferred { after_ms }));
            return;
        }
        _ => Next::Again { after_ms, unclear: false },
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
            warnings: vec![],
        };
        let decision = decide(report, standing);
        let finished =
            decision.finished.iter().map(|(members, outcome)| format!("{} {}", members.len(), outcome.word()));
        let again = decision.again.iter().map(|(members, next)| format!("{} {next:?}", members.len()));
        assert_eq!(finished.chain(again).collect::<Vec<_>>().join(", "), expect);
    }

    const MANY: Standing = Standing { members: 4, idempotent: true, bisect_left: 3 };
    const ONE: Standing = Standing { members: 1, ..MANY };

    #[test]
    fn everybody_is_finished_or_followed_up() {
        let deferred = Outcome::Deferred { after_ms: 5 };
        check(Outcome::Delivered, Verdict::Ok, MANY, "4 delivered");
        check(deferred.clone(), Verdict::Ok, MANY, "4 Again { after_ms: 5, unclear: false }");
        check(deferred.clone(), Verdict::TooLarge, MANY, "4 Split");
        check(deferred.clone(), Verdict::TooLarge, ONE, "1 rejected");
        check(deferred.clone(), Verdict::RefusedBisect("bad".into()), MANY, "4 Bisect");
        check(deferred.clone(), Verdict::RefusedBisect("bad".into()), ONE, "1 rejected");
        check(
            deferred.clone(),
            Verdict::RefusedBisect("bad".into()),
            Standing { bisect_left: 0, ..MANY },
            "4 deferred",
        );
        check(deferred.clone(), Verdict::RefusedWhole("bad".into()), MANY, "4 deferred");
        check(deferred.clone(), Verdict::CredentialInvalid("key".into()), MANY, "4 deferred");
        let throttled = Verdict::Throttled { bucket: "api".into(), after_ms: 9 };
        check(deferred, throttled, MANY, "4 Throttled { after_ms: 9 }");
    }

    #[test]
    fn an_unclear_answer_is_repeated_only_where_repeating_is_safe() {
        check(Outcome::Unknown, Verdict::Ok, MANY, "4 Again { after_ms: 0, unclear: true }");
        check(Outcome::Unknown, Verdict::Ok, Standing { idempotent: false, ..MANY }, "4 unknown");
    }
}
