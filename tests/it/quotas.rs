//! What a plan tells of quotas.

use enroute_fakes::all;
use enroute_host::sync;

use crate::seven::World;

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
