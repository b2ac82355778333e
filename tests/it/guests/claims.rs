//! Plugins that lie about what they sent, or fail after they sent it: what left is known better than what is said.

use std::time::Duration;

use enroute_host::runtime::Limits;
use enroute_host::sync::{LinkReport, LinkState, Options};

use super::{Beside, people};
use crate::support::link;

/// Requests that a search for one member among twenty takes: two a halving, from twenty down to one.
const REQUESTS_MAX: usize = 11;

/// The manifest's operation, not to be repeated.
const ONCE: (&str, &str) = ("idempotent = true", "idempotent = false");

fn quick() -> Limits {
    Limits { cpu_send: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_without_a_request_is_a_fault_and_never_a_success() {
    for mode in ["lie_delivered", "lie_unchanged", "lie_accepted"] {
        let beside = Beside::new(mode).await;
        let report = beside.sync(&people(20)).await;
        let misfit = link(&report, "misfit");
        let outcomes = &misfit.outcomes;
        assert_eq!((outcomes.delivered, outcomes.unchanged, outcomes.accepted), (0, 0, 0), "{mode}: {misfit:#?}");
        assert_eq!((outcomes.rejected, outcomes.deferred, misfit.held), (0, 20, 0), "{mode}: {misfit:#?}");
        assert_eq!(misfit.faults[0].code, "plugin_broke_contract", "{mode}: {misfit:#?}");
        assert!(misfit.faults[0].reason.contains("about whom no request was answered"), "{mode}: {misfit:#?}");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{mode}: {misfit:#?}");
        assert!(beside.ids().is_empty(), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_not_done_because_its_plugin_says_so() {
    for mode in ["lie_resume", "trap_resume"] {
        let beside = Beside::new(mode).await;
        let report = beside.sync(&people(20)).await;
        assert_eq!(link(&report, "misfit").outcomes.accepted, 20, "{mode}");
        let options = Options { wait: true, ..beside.world.options() };
        let report = beside.sync_with(&people(20), &options).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (0, 0), "{mode}: {misfit:#?}");
        assert_eq!((misfit.held, misfit.in_doubt), (0, 20), "{mode}: {misfit:#?}");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{mode}: {misfit:#?}");
        assert!(misfit.reason.as_ref().is_some_and(|reason| reason.contains("for jobs")), "{mode}: {misfit:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_a_request_left_is_unknown_and_never_a_rejection() {
    for mode in ["trap_after", "loop_after", "allocate_after"] {
        let beside = Beside { limits: quick(), ..Beside::new(mode).await };
        let report = beside.sync(&people(20)).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.outcomes.unknown, misfit.outcomes.total()), (20, 20), "{mode}: {misfit:#?}");
        assert_eq!((misfit.held, misfit.in_doubt), (0, 20), "{mode}: {misfit:#?}");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{mode}: {misfit:#?}");
        let requests = beside.server.requests().len();
        assert!(requests <= REQUESTS_MAX, "{mode}: {requests} requests");
        assert!(beside.sent().values().all(|times| *times <= 6), "{mode}: {:?}", beside.sent());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_repeated_is_sent_once_by_a_plugin_that_fails() {
    let beside = Beside::packed(&[ONCE]).await;
    beside.set("mode = \"trap_after\"");
    let report = beside.sync(&people(20)).await;
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.outcomes.unknown, misfit.outcomes.total()), (20, 20), "{misfit:#?}");
    assert_eq!(beside.server.requests().len(), 1);
    // Of whom nothing left nothing is unknown, whether or not the operation may be repeated.
    let beside = Beside::packed(&[ONCE]).await;
    beside.set("mode = \"trap_send\"");
    let report = beside.sync(&people(20)).await;
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.outcomes.deferred, misfit.in_doubt, misfit.outcomes.total()), (20, 0, 20), "{misfit:#?}");
}

/// The report of a mode in which `send` fails on one member of twenty.
async fn with_one(mode: &str) -> (Beside, LinkReport) {
    let beside = Beside::new(mode).await;
    let report = beside.sync(&people(20)).await;
    let misfit = link(&report, "misfit").clone();
    (beside, misfit)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_on_whom_send_fails_costs_one_member() {
    let (beside, misfit) = with_one("stumble_send").await;
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (19, 1), "{misfit:#?}");
    assert_eq!(misfit.rejections[0].code, "plugin_trap");
    assert!(!beside.ids().contains("u7"));
    let (beside, misfit) = with_one("stumble_after").await;
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.unknown), (19, 1), "{misfit:#?}");
    assert!(beside.server.requests().len() <= REQUESTS_MAX);
    assert_eq!(misfit.state, LinkState::Waiting, "{misfit:#?}");
}
