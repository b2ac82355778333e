//! What a plan tells of quotas, and questions about jobs while their destination is in trouble.

use enroute_fakes::Fault;
use enroute_fakes::all;
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::sync::{self, LinkState, Options};

use crate::seven::World;
use crate::support::link;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_a_quota_leaves_and_when_it_is_full() {
    let world = World::new().await;
    let people = ["u1", "u2", "u3"].map(all::person);
    let quotas = |plans: Vec<sync::LinkPlan>| {
        let facebook = plans.into_iter().find(|plan| plan.destination == "facebook-ads").unwrap();
        facebook.quotas
    };
    let before = quotas(world.plan(&people).await);
    assert_eq!((before[0].left, before[0].per_s), (before[0].requests, 3_600), "{before:#?}");
    assert_eq!(before[0].full_at, None);
    world.sync(&people).await;
    let facebook = world.fakes.servers().into_iter().find(|(name, _)| *name == "facebook-ads").unwrap().1;
    let sent = u32::try_from(facebook.requests().len()).unwrap();
    let after = quotas(world.plan(&people).await);
    assert!(sent > 0 && after[0].left <= before[0].left - sent, "{sent}: {after:#?}");
    assert!(after[0].full_at.as_deref().is_some_and(|at| at > world.clock.moment().as_str()), "{after:#?}");
    world.clock.sleep_until(world.clock.now_ms() + 2 * 3_600_000).await;
    assert_eq!(quotas(world.plan(&people).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_job_asks_the_breaker_before_it_leaves() {
    let world = World::new().await;
    let path = world.folder.path().join("audiences.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut parts = text.split("[[connection]]");
    let audience = parts.next().unwrap().to_owned();
    let zendesk = parts.find(|part| part.contains("zendesk-support")).unwrap();
    world.write("audiences.toml", &format!("{audience}[[connection]]{zendesk}"));
    let store = world.import(&["u1", "u2", "u3"].map(all::person));
    let setup = world.setup().await.unwrap();
    let server = world.fakes.zendesk.server();
    server.fault(Fault::times(u64::MAX, Action::Answer(Reply::text(503, "not now"))).path("/api/v2/job_statuses"));
    let options = Options { clock: world.clock.clone(), ..Options::default() };
    let first = sync::sync(&store, &setup, &options).await.unwrap();
    assert_eq!(link(&first, "zendesk-support").outcomes.accepted, 3, "{first:#?}");
    let mut was_kept_back = false;
    for _ in 0..40 {
        server.clear();
        let began_ms = world.clock.now_ms();
        let report = sync::sync(&store, &setup, &options).await.unwrap();
        let zendesk = link(&report, "zendesk-support");
        let reason = zendesk.reason.clone().unwrap_or_default();
        // One that waits for its turn to probe is not sent.
        was_kept_back |= server.requests().is_empty() && reason.contains("several times in a row");
        assert!(server.requests().len() < 6, "{zendesk:#?}");
        world.clock.sleep_until(began_ms.max(world.clock.now_ms()) + 20_000).await;
    }
    assert!(was_kept_back, "every run asked about the job, whatever the breaker said");
    server.clear_faults();
    let report = sync::sync(&store, &setup, &Options { wait: true, ..options }).await.unwrap();
    let zendesk = link(&report, "zendesk-support");
    assert_eq!((zendesk.held, zendesk.state), (3, LinkState::Done), "{zendesk:#?}");
}
