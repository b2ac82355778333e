//! A plan says what the receipts will say.

use enroute_tests::{differences, town};
use serde_json::json;

use crate::seven::World;
use crate::support::link;

/// `cargo run -p enroute-tests --example forecast` does the same with 200,000 people.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_forecasts_the_receipts_at_all_seven() {
    let world = World::new().await;
    let mut people = town(2_000);
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    assert_eq!(plans.len(), 7);
    for plan in &plans {
        // What the destination's fields are is learned by the first sync.
        assert_eq!(differences(plan, link(&report, &plan.destination), false), [""; 0]);
        assert!(plan.sendable > 1_500, "{}", plan.destination);
    }
    // The next day: some leave, some come, some change.
    people.truncate(1_990);
    people.iter_mut().skip(200).step_by(100).for_each(|person| person["traits"]["plan"] = json!("none"));
    people.iter_mut().skip(301).step_by(100).for_each(|person| person["traits"]["lifetime_value"] = json!(7.25));
    people.extend(town(2_040).into_iter().skip(2_000));
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    for plan in &plans {
        assert_eq!(differences(plan, link(&report, &plan.destination), true), [""; 0]);
        let changes = &plan.changes;
        assert!(changes.added > 30 && changes.updated > 10 && changes.removed > 10, "{changes:?}");
    }
}
