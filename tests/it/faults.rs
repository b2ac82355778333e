//! Destinations that misbehave: what was promised holds, and nobody is lost.

use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_fakes::{Fault, facebook};
use enroute_host::sync::{Clock, LinkState, Options};
use serde_json::json;

use crate::support::{World, gold, link, with};

async fn world(people: u32) -> World {
    let world = World::new().await;
    world.people(&(0..people).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_request_waits_as_long_as_it_is_told_and_costs_no_attempt() {
    let world = world(200).await;
    let busy = Reply::json(429, &json!({ "message": "slow down" })).header("x-ratelimit-retry-after", "7");
    world.braze.server().fault(Fault::times(2, Action::Answer(busy)).path("/users/track"));
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.outcomes.delivered, braze.state), (200, LinkState::Done), "{braze:#?}");
    assert!(world.clock.now_ms() >= crate::support::START_MS + 7_000, "nothing left before the wait was over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_retried_and_what_remains_is_taken_up_by_the_next_run() {
    let world = world(60).await;
    let down = Reply::text(503, "down");
    world.braze.server().fault(Fault::always(Action::Answer(down)).path("/users/track"));
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.outcomes.delivered, braze.outcomes.deferred), (0, 60), "{braze:#?}");
    assert_eq!(report.exit_code(), 3);
    assert_eq!(link(&report, "facebook-ads").outcomes.delivered, 60, "the other destination is not disturbed");
    world.braze.server().clear_faults();
    let report = world.sync_with(&Options { wait: true, ..world.options() }).await;
    assert_eq!(link(&report, "braze-eu").outcomes.delivered, 60, "{report:#?}");
    assert_eq!(world.braze_members().len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_makes_nobody_wait() {
    let ahead = crate::support::START_MS + 400 * 24 * 3_600_000;
    let mut world = World { clock: Clock::starting_at(ahead), ..world(10).await };
    let busy = Reply::json(429, &json!({ "message": "slow down" })).header("x-ratelimit-retry-after", "3000");
    world.braze.server().fault(Fault::always(Action::Answer(busy)).path("/users/track"));
    let report = world.sync().await;
    assert_eq!(link(&report, "braze-eu").outcomes.deferred, 10, "{report:#?}");
    world.braze.server().clear_faults();
    world.clock = Clock::starting_at(crate::support::START_MS);
    let report = world.sync().await;
    assert_eq!(link(&report, "braze-eu").outcomes.delivered, 10, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_acceptance_is_unknown_and_repeated() {
    let world = world(10).await;
    world.braze.server().fault(Fault::once(Action::Reset).path("/users/track"));
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.outcomes.delivered, braze.repeated), (10, 10), "{braze:#?}");
    assert_eq!(world.braze_members().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_with_status_200_is_no_success() {
    let world = world(10).await;
    world.facebook.server().fault(Fault::always(Action::Html));
    let report = world.sync().await;
    let facebook = link(&report, "facebook-ads");
    assert_eq!(facebook.outcomes.delivered, 0, "{facebook:#?}");
    assert_eq!(world.facebook_emails().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_credential_pauses_one_destination_and_keeps_everybody() {
    let world = world(10).await;
    world.write("braze.key", "wrong");
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.state, braze.outcomes.deferred), (LinkState::Paused, 10), "{braze:#?}");
    assert!(braze.reason.is_some());
    assert_eq!(report.exit_code(), 5);
    world.write("braze.key", crate::support::BRAZE_KEY);
    let options = Options { wait: true, ..world.options() };
    assert_eq!(link(&world.sync_with(&options).await, "braze-eu").outcomes.delivered, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_destination_refuses_costs_one_record() {
    let world = World::new().await;
    let mut people: Vec<_> = (0..100).map(|number| gold(&format!("u{number}"))).collect();
    people[42] = with(gold("u42"), "email", json!("no address"));
    world.people(&people);
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!(braze.outcomes.delivered + braze.outcomes.rejected, 100, "{braze:#?}");
    assert!(world.braze_members().len() >= 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_count_is_shown_and_nobody_is_invented() {
    let world = world(20).await;
    world.facebook.trouble(facebook::Trouble::InvalidRows(3));
    let report = world.sync().await;
    let facebook = link(&report, "facebook-ads");
    assert_eq!(facebook.outcomes.delivered, 20, "{facebook:#?}");
    assert_eq!(facebook.unattributed.values().sum::<u64>(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_that_vanishes_is_guarded() {
    let world = world(50).await;
    world.sync().await;
    world.take_requests();
    world.people(&(0..50).map(|number| with(gold(&format!("u{number}")), "plan", json!("none"))).collect::<Vec<_>>());
    let report = world.sync().await;
    assert!(report.connections.iter().all(|link| link.state == LinkState::Guarded), "{report:#?}");
    assert!(world.take_requests().is_empty());
    let options = Options { allow_empty: true, ..world.options() };
    world.sync_with(&options).await;
    assert_eq!((world.braze_members().len(), world.facebook_emails().len()), (0, 0));
}
