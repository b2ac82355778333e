//! Whether some members of a lot are the reason why all of it failed, though no answer says so.
//!
//! A destination may answer 500, reset the connection or refuse with a sentence whenever one person is in the body. The
//! same happens when it is down. So a lot is suspected only where others pass, or where it failed alike several times;
//! its parts show which it is. Pure. Invariant: whoever is alone is never looked for in parts
//! (test `one_member_is_not_halved`).

use enroute_core::outcome::{Outcome, Verdict};

use crate::delivery::decide::{Decision, Next};

/// Failures alike in one run after which a lot is suspected that has no other beside it.
const ALIKE_IN_A_RUN: u32 = 3;
/// The same where others pass.
const ALIKE_BESIDE_OTHERS: u32 = 2;
/// Attempts of earlier runs after which the first failure is enough …
const EARLIER_ATTEMPTS: u32 = 2;
/// … and where there are other lots, of which none passes: that looks like a destination that is down.
const EARLIER_ATTEMPTS_BESIDE_OTHERS: u32 = 4;

/// How other deliveries of the run went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// Whether some succeeded since these members were first sent.
    pub(crate) others_pass: bool,
    /// Whether there are none: these members are all that the run has to send.
    pub(crate) is_only: bool,
}

/// What is known of members that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// How many they are.
    pub(crate) members: usize,
    /// Failures alike in this run, this one included.
    pub(crate) alike: u32,
    /// The most attempts that earlier runs made at one of them.
    pub(crate) earlier: u32,
    /// How others fared.
    pub(crate) beside: Beside,
    /// Whether they are part of a lot that is suspected, or go alone.
    pub(crate) is_suspect: bool,
    /// Whether another part of that lot has passed, or the member failed alone before.
    pub(crate) has_witness: bool,
}

impl Case {
    fn is_suspicious(self, is_refused: bool) -> bool {
        // A refusal is not repeated within a run: what is refused as a whole once is refused the next second too.
        let fewer = u32::from(is_refused);
        let Beside { others_pass, is_only } = self.beside;
        let earlier_most = if is_only { EARLIER_ATTEMPTS } else { EARLIER_ATTEMPTS_BESIDE_OTHERS };
        self.members > 1
            && (self.is_suspect
                || others_pass && self.alike + fewer >= ALIKE_BESIDE_OTHERS
                || is_only && self.alike >= ALIKE_IN_A_RUN
                || self.earlier + fewer >= earlier_most)
    }
}

/// Turns what would be tried again as a whole into a search, where the members are suspected. Returns whether a member
/// turned out to fail alone while others pass.
pub(crate) fn weigh(decision: &mut Decision, verdict: &Verdict, case: Case) -> bool {
    let is_refused = matches!(verdict, Verdict::RefusedWhole(_));
    let is_trouble = is_refused || matches!(verdict, Verdict::Unavailable(_));
    let is_unclear = |next: &Next| matches!(next, Next::Again { unclear: true, .. });
    if decision.pause.is_some() || !(is_trouble || decision.again.iter().any(|(_, next)| is_unclear(next))) {
        return false;
    }
    if case.members == 1 {
        return weigh_one(decision, case);
    }
    if case.is_suspicious(is_refused) {
        for (_, next) in &mut decision.again {
            if let Next::Again { after_ms, unclear } = *next
                && (is_trouble || unclear)
            {
                *next = Next::Doubt { after_ms, unclear };
            }
        }
        let put_off = |outcome: &Outcome| matches!(outcome, Outcome::Deferred { .. });
        for (members, outcome) in decision.finished.extract_if(.., |(_, outcome)| is_refused && put_off(outcome)) {
            let Outcome::Deferred { after_ms } = outcome else { continue };
            decision.again.push((members, Next::Doubt { after_ms, unclear: false }));
        }
    }
    false
}

fn weigh_one(decision: &mut Decision, case: Case) -> bool {
    if case.is_suspect {
        // Whether it is alone at fault is known now; the next run tries it again.
        for (members, next) in decision.again.extract_if(.., |(_, next)| matches!(next, Next::Again { .. })) {
            decision.finished.push((members, next.given_up()));
        }
    }
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown);
    let has_failed = decision.finished.iter().any(|(_, outcome)| fails(outcome));
    has_failed && (case.has_witness || case.beside.others_pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: Case = Case {
        members: 4,
        alike: 1,
        earlier: 0,
        beside: Beside { others_pass: false, is_only: true },
        is_suspect: false,
        has_witness: false,
    };

    const PASS: Beside = Beside { others_pass: true, is_only: false };

    fn down() -> Verdict {
        Verdict::Unavailable("answered 500".to_owned())
    }

    fn refused() -> Verdict {
        Verdict::RefusedWhole("answered 400".to_owned())
    }

    /// What follows for members who would go again (`unclear` or not), or be put off where the verdict refuses them.
    #[track_caller]
    fn check(verdict: &Verdict, unclear: bool, case: Case, expect: &str) {
        let members: Vec<u32> = (0..u32::try_from(case.members).unwrap()).collect();
        let mut decision = Decision::default();
        if matches!(verdict, Verdict::RefusedWhole(_)) {
            decision.finished.push((members, Outcome::Deferred { after_ms: 7 }));
        } else {
            decision.again.push((members, Next::Again { after_ms: 7, unclear }));
        }
        let lone = if weigh(&mut decision, verdict, case) { "lone " } else { "" };
        let finished = decision.finished.iter().map(|(_, outcome)| outcome.word().to_owned());
        let again = decision.again.iter().map(|(_, next)| format!("{next:?}"));
        assert_eq!(format!("{lone}{}", finished.chain(again).collect::<Vec<_>>().join(", ")), expect);
    }

    const AGAIN: &str = "Again { after_ms: 7, unclear: false }";
    const DOUBT: &str = "Doubt { after_ms: 7, unclear: false }";

    #[test]
    fn a_lot_is_suspected_where_others_pass_or_after_it_failed_alike() {
        check(&down(), false, CASE, AGAIN);
        check(&down(), false, Case { beside: PASS, ..CASE }, AGAIN);
        check(&down(), false, Case { beside: PASS, alike: 2, ..CASE }, DOUBT);
        check(&down(), false, Case { alike: 2, ..CASE }, AGAIN);
        check(&down(), false, Case { alike: 3, ..CASE }, DOUBT);
        check(&down(), true, Case { alike: 3, ..CASE }, "Doubt { after_ms: 7, unclear: true }");
        check(&Verdict::Ok, true, Case { alike: 3, ..CASE }, "Doubt { after_ms: 7, unclear: true }");
        check(&down(), false, Case { earlier: 2, ..CASE }, DOUBT);
        check(&down(), false, Case { is_suspect: true, ..CASE }, DOUBT);
        // Where none of several passes, the destination is down.
        let several = Case { beside: Beside::default(), ..CASE };
        check(&down(), false, Case { alike: 3, earlier: 3, ..several }, AGAIN);
        check(&down(), false, Case { earlier: 4, ..several }, DOUBT);
        // What is locked or asked to wait is no failure of the lot.
        check(&Verdict::Ok, false, Case { alike: 3, ..CASE }, AGAIN);
    }

    #[test]
    fn a_refusal_without_a_name_is_looked_into_sooner() {
        check(&refused(), false, CASE, "deferred");
        check(&refused(), false, Case { beside: PASS, ..CASE }, DOUBT);
        check(&refused(), false, Case { earlier: 1, ..CASE }, DOUBT);
    }

    #[test]
    fn one_member_is_not_halved() {
        let one = Case { members: 1, alike: 3, ..CASE };
        check(&down(), false, one, AGAIN);
        check(&down(), false, Case { is_suspect: true, ..one }, "deferred");
        check(&down(), false, Case { is_suspect: true, has_witness: true, ..one }, "lone deferred");
        check(&down(), true, Case { is_suspect: true, has_witness: true, ..one }, "lone unknown");
        check(&refused(), false, Case { beside: PASS, ..one }, "lone deferred");
    }
}
