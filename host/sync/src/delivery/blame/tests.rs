use enroute_core::outcome::{Fate, Ticket, Verdict};

use super::*;

fn fault(kind: FaultKind) -> Fault {
    let (plugin, reason) = ("misfit 0.1.0".to_owned(), "it trapped".to_owned());
    Fault {
        plugin,
        function: "send",
        kind,
        reason,
        backtrace: Box::default(),
        stderr: Box::default(),
        log: Box::default(),
    }
}

fn reach(left: &[u32], answered: &[u32]) -> Reach {
    Reach { left: left.iter().collect(), answered: answered.iter().collect() }
}

#[track_caller]
fn check(left: &[u32], standing: Standing, expect: &str) {
    let decision = blame(&fault(FaultKind::Trap), &reach(left, &[]), standing);
    let finished = decision.finished.iter().map(|(members, outcome)| format!("{members:?} {}", outcome.word()));
    let again = decision.again.iter().map(|(members, next)| format!("{members:?} {next:?}"));
    assert_eq!(finished.chain(again).collect::<Vec<_>>().join(", "), expect);
}

const THREE: Standing = Standing { members: 3, idempotent: true, is_proven: true };
const ONE: Standing = Standing { members: 1, ..THREE };

#[test]
fn whoever_may_have_been_reached_is_unknown_and_never_rejected() {
    check(&[0, 1, 2], THREE, "[0, 1, 2] Isolate { unclear: true }");
    check(&[0, 1, 2], Standing { idempotent: false, ..THREE }, "[0, 1, 2] unknown");
    check(&[0], ONE, "[0] unknown");
    check(&[0], Standing { idempotent: false, ..ONE }, "[0] unknown");
}

#[test]
fn whoever_was_not_reached_may_go_again() {
    check(&[], THREE, "[0, 1, 2] Isolate { unclear: false }");
    check(&[], Standing { idempotent: false, ..THREE }, "[0, 1, 2] Isolate { unclear: false }");
    check(&[1], THREE, "[1] Isolate { unclear: true }, [0, 2] Isolate { unclear: false }");
    check(&[1], Standing { idempotent: false, ..THREE }, "[1] unknown, [0, 2] Isolate { unclear: false }");
    check(&[], ONE, "[0] rejected");
    check(&[], Standing { is_proven: false, ..ONE }, "[0] deferred");
}

#[test]
fn a_success_that_nobody_answered_is_a_lie() {
    let ticket = Ticket { token: "j1".to_owned(), ask_after_ms: 0 };
    let lie = |outcome: Outcome, of_jobs: bool| {
        let fates = vec![Fate { members: vec![0, 1], outcome }];
        let verdict = Verdict::Ok;
        let (unattributed, warnings) = (Vec::new(), Vec::new());
        let report = Report { fates, verdict, unattributed, remote: None, account: None, warnings };
        super::lie(&report, &reach(&[0, 1], &[1]), of_jobs)
    };
    let told = "it reports 1 member as delivered about whom no request was answered";
    assert_eq!(lie(Outcome::Delivered, false).as_deref(), Some(told));
    assert!(lie(Outcome::Unchanged { code: "same".to_owned() }, true).is_some());
    assert!(lie(Outcome::Accepted(ticket.clone()), false).is_some());
    assert_eq!(lie(Outcome::Accepted(ticket), true), None);
    assert_eq!(lie(Outcome::Deferred { after_ms: 0 }, false), None);
    assert_eq!(lie(Outcome::Unknown, false), None);
}

/// Calls that fail in a row before the plugin is left alone.
fn patience(call: Call, kind: FaultKind, members: usize, left: bool) -> u32 {
    let mut trust = Trust::default();
    let mut calls = 0;
    while trust.gave_up().is_none() {
        trust.failed(call, &fault(kind), members, left);
        calls += 1;
    }
    calls
}

#[test]
fn a_plugin_that_always_fails_is_left_alone_after_a_few_calls() {
    assert_eq!(patience(Call::Map, FaultKind::TimeOut, 100, false), 10);
    assert_eq!(patience(Call::Map, FaultKind::TimeOut, 10_000, false), 17);
    assert_eq!(patience(Call::Send, FaultKind::Trap, 20, true), 8);
    assert_eq!(patience(Call::Map, FaultKind::Trap, 100, false), 31);
    assert_eq!(patience(Call::Resume, FaultKind::Trap, 100, false), 3);
}

#[test]
fn a_success_in_between_is_forgiving_but_for_time() {
    let mut trust = Trust::default();
    for _ in 0..TIME_OUTS_MAX - 1 {
        trust.failed(Call::Map, &fault(FaultKind::TimeOut), 100, false);
        trust.succeeded(Call::Map);
    }
    assert_eq!(trust.gave_up(), None);
    trust.failed(Call::Map, &fault(FaultKind::TimeOut), 100, false);
    let told = "the plugin failed 40 times for want of time in `map` and is left alone: it trapped";
    assert_eq!(trust.gave_up().as_deref(), Some(told));
}

#[test]
fn a_plugin_that_fails_on_everybody_is_at_fault_itself() {
    let mut trust = Trust::default();
    trust.suspect(Lot::default(), fault(FaultKind::Trap));
    trust.failed(Call::Map, &fault(FaultKind::Trap), 1, false);
    assert!(trust.convicted().is_empty());
    assert_eq!(trust.never_worked().as_deref(), Some("the plugin failed in every call of `map`: it trapped"));
    trust.succeeded(Call::Map);
    assert_eq!((trust.convicted().len(), trust.acquitted().len(), trust.never_worked()), (1, 0, None));
}

#[test]
fn a_member_without_a_witness_is_at_fault_where_others_are_held() {
    let mut trust = Trust::default();
    trust.look_at(1, false);
    assert!(!trust.is_proven(Call::Send));
    trust.look_at(1, true);
    assert!(trust.is_proven(Call::Send));
    trust.look_at(2, true);
    assert!(!trust.is_proven(Call::Send));
}

#[test]
fn a_plugin_is_well_from_its_first_success_until_its_next_failure() {
    let mut trust = Trust::default();
    assert!(!trust.is_well(Call::Send));
    trust.succeeded(Call::Send);
    assert!(trust.is_well(Call::Send));
    trust.failed(Call::Send, &fault(FaultKind::Late), 1, true);
    assert!(trust.is_well(Call::Send), "waiting is no failure of the plugin");
    trust.failed(Call::Send, &fault(FaultKind::TimeOut), 1, true);
    assert!(!trust.is_well(Call::Send));
}

#[test]
fn a_call_that_waited_too_long_rejects_nobody_and_costs_no_trust() {
    for kind in [FaultKind::Late, FaultKind::NoRoom] {
        for standing in [THREE, ONE, Standing { is_proven: false, ..ONE }] {
            let decision = blame(&fault(kind), &reach(&[0], &[]), standing);
            let words: Vec<_> = decision.finished.iter().map(|(_, outcome)| outcome.word()).collect();
            let expect: &[&str] = if standing.members == 1 { &["unknown"] } else { &["unknown", "deferred"] };
            assert_eq!((words.as_slice(), decision.culprits, decision.again.len()), (expect, 0, 0));
        }
        let mut trust = Trust::default();
        (0..1_000).for_each(|_| trust.failed(Call::Send, &fault(kind), 1, true));
        assert_eq!((trust.gave_up(), trust.never_worked()), (None, None));
    }
}

#[test]
fn nobody_is_unknown_of_whom_nothing_left() {
    let told = |may_have_left: bool| {
        let fates = vec![Fate { members: vec![0, 1], outcome: Outcome::Unknown }];
        let verdict = Verdict::Unavailable("no connection".to_owned());
        let (unattributed, warnings) = (Vec::new(), Vec::new());
        let report = Report { fates, verdict, unattributed, remote: None, account: None, warnings };
        let fates = honest(report, &reach(&[1], &[]), may_have_left).fates;
        fates
            .into_iter()
            .map(|fate| format!("{:?} {}", fate.members, fate.outcome.word()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(told(false), "[1] unknown, [0] deferred");
    assert_eq!(told(true), "[0, 1] unknown");
}
