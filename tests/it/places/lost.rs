//! Members who lose what was sent of them, or cannot be sent any more: they do not stay under what was sent.

use std::collections::BTreeSet;

use enroute_fakes::all::{self, AUDIENCE, DESTINATIONS};
use enroute_host::sync::{self, LinkReport, LinkState, Options, Resend};
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

/// Who of three is there when one of them can be used no more, and another one took over the address.
fn after_a_takeover<'a>(destination: &str, giver: &'a str, taker: &'a str, third: &'a str) -> Vec<&'a str> {
    match destination {
        // Who one is there is the address, and it is there once.
        "facebook-ads" | "google-ads" => vec![giver, third],
        "braze-eu" => vec![taker, third],
        "zendesk-support" => vec![taker, third],
        _ => vec![giver, taker, third],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_an_address_leaves_nobody_under_what_was_sent_before_at_all_seven() {
    let world = World::new().await;
    let all = ["u1", "u2", "u3"];
    world.sync(&all.map(gold)).await;
    for (giver, taker, third) in [("u1", "u2", "u3"), ("u3", "u2", "u1")] {
        let mut takes = gold(taker);
        takes["traits"]["email"] = json!(format!("{giver}@example.com"));
        let people = [gold(third), unusable(giver), takes];
        let report = world.sync(&people).await;
        for name in DESTINATIONS {
            let expect = keys(name, &after_a_takeover(name, giver, taker, third));
            assert_eq!(world.fakes.members(name), expect, "{name}, {giver} to {taker}: {report:#?}");
        }
        world.sync(&people).await;
        world.fakes.servers().iter().for_each(|(_, server)| server.clear());
        let again = world.sync(&people).await;
        for (name, server) in world.fakes.servers() {
            assert_eq!(server.requests().len(), 0, "{name}: {again:#?}");
        }
        let report = world.sync(&all.map(gold)).await;
        for name in DESTINATIONS {
            assert_eq!(world.fakes.members(name), keys(name, &all), "{name}, {giver} back from {taker}: {report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_takes_identifiers_away_is_guarded_like_one_that_takes_people_away() {
    let names = ["braze-eu", "facebook-ads", "google-ads", "zendesk-support"];
    let world = World::new().await;
    let ids: Vec<String> = (0..12).map(|number| format!("u{number:02}")).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let lost = |count: usize| -> Vec<Value> {
        let one = |(at, id): (usize, &String)| if at < count { unusable(id) } else { gold(id) };
        ids.iter().enumerate().map(one).collect()
    };
    world.sync(&lost(0)).await;
    let plans = world.plan(&lost(7)).await;
    let store = world.import(&lost(7));
    let setup = world.setup().await.unwrap();
    let options = Options { wait: true, clock: world.clock.clone(), ..Options::default() };
    for _ in 0..2 {
        let synced = sync::sync(&store, &setup, &options).await.unwrap();
        let resent = sync::resync(&store, &setup, &options, Resend::All).await.unwrap();
        for (name, report) in names.iter().flat_map(|name| [(*name, &synced), (*name, &resent)]) {
            let link = report.connections.iter().find(|link| link.destination == name).unwrap();
            assert_eq!((link.state, link.adds_up), (LinkState::Guarded, true), "{name}: {link:#?}");
            let plan = plans.iter().find(|plan| plan.destination == name).unwrap();
            assert_eq!(plan.guard, link.reason, "{name}");
            assert!(plan.guard.as_ref().unwrap().contains("59 % (7 of 12)"), "{name}: {plan:#?}");
            assert_eq!(world.fakes.members(name), keys(name, &all), "{name}: {link:#?}");
        }
    }
    let meant = Options { allow_empty: true, ..options };
    let report = sync::sync(&store, &setup, &meant).await.unwrap();
    for name in names {
        let link = report.connections.iter().find(|link| link.destination == name).unwrap();
        assert_eq!((link.state, link.adds_up), (LinkState::Done, true), "{name}: {link:#?}");
        assert_eq!(world.fakes.members(name), keys(name, &all[7..]), "{name}: {link:#?}");
    }
    drop((store, setup));
    world.sync(&lost(0)).await;
    let half = world.sync(&lost(6)).await;
    for name in names {
        assert_eq!(world.fakes.members(name), keys(name, &all[6..]), "{name}: {half:#?}");
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
