//! A process that dies between a new token and its first use.

use enroute_host::sync::LinkState;

use super::{Beside, ENTRY, endpoint};
use crate::support::enroute;

/// Runs `enroute sync` with a point at which it dies, and tells whether it lived.
async fn sync(beside: &Beside, crash: &'static str) -> bool {
    let mut command = enroute();
    command.arg("-C").arg(beside.world.folder.path()).args(["--json", "sync"]).env("ENROUTE_CRASH", crash);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await;
    output.expect("a process").status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_is_durable_before_its_access_token_is_used() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    assert!(!sync(&beside, "token.saved:1").await, "the point was not reached");
    assert_eq!((beside.asked(), beside.server.requests().len()), (1, 0), "it died before the first use");
    let (report, _) = beside.sync().await;
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 1), "{report:#?}");
    // And the refresh token that was saved is the one that is good.
    beside.oauth.expire();
    beside.people(2);
    let (report, _) = beside.sync().await;
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 1), "{report:#?}");
    assert_eq!(beside.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_lost_in_a_crash_asks_for_a_new_login() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    assert!(!sync(&beside, "token.granted:1").await, "the point was not reached");
    let (report, _) = beside.sync().await;
    assert_eq!((beside.asked(), report.state), (2, LinkState::Paused), "the old one is tried: {report:#?}");
    let reason = report.reason.unwrap_or_default();
    assert!(reason.contains("invalid_grant") && reason.contains("get a new refresh token"), "{reason}");
}
