//! A plan says what the receipts will say.

use std::collections::BTreeMap;

use enroute_host::sync::{LinkPlan, LinkReport, ReasonCount};
use serde_json::{Value, json};

use crate::seven::World;
use crate::support::link;

/// People of a made-up town: most of them whole, some without an address, a first name or a usable id, some not gold.
/// All have a last name, which Salesforce wants of new people alone: a plan cannot know who is new there, and says so.
fn town(people: u32) -> Vec<Value> {
    let one = |number: u32| {
        let mut person = enroute_fakes::all::person(&format!("u{number:06}"));
        let traits = &mut person["traits"];
        match number % 97 {
            3 => traits["email"] = json!(format!("no address {number}")),
            5 => drop(traits.as_object_mut().unwrap().remove("email")),
            17 => drop(traits.as_object_mut().unwrap().remove("firstName")),
            23 => traits["plan"] = json!("silver"),
            29 => traits["lifetime_value"] = Value::Null,
            31 => person["id"] = json!(format!("{number:0300}")),
            _ => {}
        }
        person
    };
    (0..people).map(one).collect()
}

fn reasons(found: &[ReasonCount]) -> BTreeMap<(String, Option<String>), u64> {
    found.iter().map(|one| ((one.code.clone(), one.field.clone()), one.members)).collect()
}

#[track_caller]
fn check(plan: &LinkPlan, link: &LinkReport, is_known: bool) {
    let name = &plan.destination;
    assert_eq!(
        (plan.people, plan.members, &plan.changes),
        (link.people, link.members, &link.changes),
        "{name}: {link:#?}\n{plan:#?}"
    );
    let refused: u64 = plan.rejections.iter().map(|one| one.members).sum();
    let outcomes = &link.outcomes;
    assert_eq!(
        (plan.sendable, refused, plan.unchanged),
        (outcomes.delivered, outcomes.rejected, outcomes.unchanged),
        "{name}: {link:#?}"
    );
    assert_eq!(reasons(&plan.rejections), reasons(&link.rejections), "{name}");
    if !is_known {
        return;
    }
    // What an answer alone can tell comes on top: a field that the destination made, say.
    let told = reasons(&link.warnings);
    assert!(reasons(&plan.warnings).iter().all(|warning| told.get(warning.0) == Some(warning.1)), "{name}: {told:?}");
}

/// How many people the town has; `ENROUTE_FORECAST_PEOPLE=200000` makes it a city.
fn size() -> u32 {
    std::env::var("ENROUTE_FORECAST_PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_forecasts_the_receipts_at_all_seven() {
    let (world, size) = (World::new().await, size());
    let mut people = town(size);
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    assert_eq!(plans.len(), 7);
    for plan in &plans {
        // What the destination's fields are is learned by the first sync.
        check(plan, link(&report, &plan.destination), false);
        assert!(plan.sendable > u64::from(size) * 3 / 4, "{}", plan.destination);
    }
    // The next day: some leave, some come, some change.
    people.truncate(size as usize - 10);
    people.iter_mut().skip(200).step_by(100).for_each(|person| person["traits"]["plan"] = json!("none"));
    people.iter_mut().skip(301).step_by(100).for_each(|person| person["traits"]["lifetime_value"] = json!(7.25));
    people.extend(town(size + 40).into_iter().skip(size as usize));
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    for plan in &plans {
        check(plan, link(&report, &plan.destination), true);
        let changes = &plan.changes;
        assert!(changes.added > 30 && changes.updated > 10 && changes.removed > 10, "{changes:?}");
    }
}
