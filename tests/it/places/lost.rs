//! Members who lose what was sent of them, or cannot be sent any more: they do not stay under what was sent.

use std::collections::BTreeSet;

use enroute_fakes::all::{self, AUDIENCE, DESTINATIONS};
use enroute_host::sync::LinkReport;
use serde_json::{Value, json};

use super::gold;
use crate::seven::World;

/// Somebody of whom no destination that looks at more than the id can use anything.
fn unusable(id: &str) -> Value {
    let diary: Value = (0..180).map(|day| (format!("day{day}"), json!("walked by the sea, ".repeat(12)))).collect();
    json!({ "id": id, "traits": {
        "plan": "gold", "email": format!("lost {id}"), "notes": "x", "visits": diary, "orders": diary, "wishes": diary,
    }})
}

fn keys(destination: &str, ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| all::key(destination, id, &format!("{id}@example.com"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_sent_any_more_is_withdrawn_and_stands_as_refused() {
    let world = World::new().await;
    world.sync(&["u1", "u2", "u3"].map(gold)).await;
    let people = [gold("u1"), unusable("u2"), gold("u3")];
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    let mut withdrawn = Vec::new();
    for name in DESTINATIONS {
        let link: &LinkReport = report.connections.iter().find(|link| link.destination == name).unwrap();
        let plan = plans.iter().find(|plan| plan.destination == name).unwrap();
        if plan.rejections.is_empty() {
            // What identifies there is the id, which is still good, or only the destination finds fault.
            continue;
        }
        withdrawn.push(name);
        assert_eq!(plan.changes, link.changes, "{name}: {plan:#?} {link:#?}");
        let counts = (link.changes.updated, link.changes.removed, link.outcomes.rejected, link.outcomes.delivered);
        assert_eq!(counts, (1, 1, 1, 1), "{name}: {link:#?}");
        assert_eq!((plan.sendable, plan.rejections.len()), (1, 1), "{name}: {plan:#?}");
        assert_eq!(world.fakes.members(name), keys(name, &["u1", "u3"]), "{name}: {link:#?}");
    }
    for name in ["braze-eu", "facebook-ads", "google-ads", "zendesk-support"] {
        assert!(withdrawn.contains(&name), "{name}: {withdrawn:?}");
    }
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let again = world.sync(&people).await;
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: {again:#?}");
    }
    let well_again = world.sync(&["u1", "u2", "u3"].map(gold)).await;
    for name in DESTINATIONS {
        assert_eq!(world.fakes.members(name), keys(name, &["u1", "u2", "u3"]), "{name}: {well_again:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_one_loses_and_another_takes_over_is_there_once() {
    // Where the address is who one is; elsewhere it is a value of somebody whom the id tells apart.
    let by_address = ["facebook-ads", "google-ads"];
    let world = World::new().await;
    let path = world.folder.path().join("audiences.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut parts = text.split("[[connection]]");
    let audience = parts.next().unwrap().to_owned();
    let kept = parts.filter(|part| by_address.iter().any(|name| part.contains(name)));
    world.write("audiences.toml", &kept.fold(audience, |text, part| format!("{text}[[connection]]{part}")));
    world.sync(&["u1", "u2", "u3"].map(gold)).await;
    for (giver, taker) in [("u1", "u2"), ("u3", "u2")] {
        let mut takes = gold(taker);
        takes["traits"]["email"] = json!(format!("{giver}@example.com"));
        let others = ["u1", "u3"].iter().filter(|id| **id != giver).map(|id| gold(id));
        let people: Vec<Value> = others.chain([unusable(giver), takes]).collect();
        let report = world.sync(&people).await;
        for name in by_address {
            assert_eq!(world.fakes.members(name), keys(name, &["u1", "u3"]), "{name}, {giver} to {taker}: {report:#?}");
        }
        let report = world.sync(&["u1", "u2", "u3"].map(gold)).await;
        for name in by_address {
            assert_eq!(world.fakes.members(name), keys(name, &["u1", "u2", "u3"]), "{name}: {report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_consent_back_is_withdrawn_at_all_seven() {
    let world = World::new().await;
    let path = world.folder.path().join("plugins.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    world.write("plugins.toml", &text.replace("allow_networks =", "requires_consent = [\"ads\"]\nallow_networks ="));
    let agrees = |id: &str, ads: bool| {
        let mut person = gold(id);
        person["consent"] = json!({ "ads": ads });
        person
    };
    world.sync(&[agrees("u1", true), agrees("u2", true)]).await;
    let report = world.sync(&[agrees("u1", true), agrees("u2", false)]).await;
    for name in DESTINATIONS {
        assert_eq!(world.fakes.members(name), keys(name, &["u1"]), "{name}, {AUDIENCE}: {report:#?}");
    }
}
