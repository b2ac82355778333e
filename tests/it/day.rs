//! The main job: a first day, a second day, and the bytes that were promised.

use std::collections::BTreeSet;

use enroute_fakes::Recorded;
use enroute_host::catalog::sha256_hex;
use enroute_host::sync::explain;
use serde_json::json;

use crate::support::{World, gold, link, with};

fn people() -> Vec<serde_json::Value> {
    let silver = with(gold("u0"), "plan", json!("silver"));
    [vec![silver], (1..=30).map(|number| gold(&format!("u{number}"))).collect()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_brings_every_member_to_both_destinations() {
    let world = World::new().await;
    world.people(&people());
    let report = world.sync().await;
    let expect: BTreeSet<String> = (1..=30).map(|number| format!("u{number}")).collect();
    assert_eq!(world.braze_members(), expect);
    assert_eq!(world.facebook_emails().len(), 30);
    for destination in ["braze-eu", "facebook-ads"] {
        let link = link(&report, destination);
        assert_eq!((link.changes.added, link.outcomes.delivered, link.held), (30, 30, 30), "{link:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_second_sync_makes_no_request() {
    let world = World::new().await;
    world.people(&people());
    world.sync().await;
    world.take_requests();
    let report = world.sync().await;
    assert_eq!(world.take_requests().len(), 0);
    assert!(report.connections.iter().all(|link| link.changes.total() == 0), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_day_sends_the_entry_the_exit_and_the_changed_mapped_trait() {
    let world = World::new().await;
    world.people(&people());
    world.sync().await;
    world.take_requests();
    let mut later = people();
    later[0] = gold("u0");
    later[1] = with(gold("u1"), "plan", json!("silver"));
    later[2] = with(gold("u2"), "ltv", json!(900.5));
    later[3] = with(gold("u3"), "notes", json!("changed"));
    let long: serde_json::Map<_, _> = (0..180).map(|day| (format!("day{day}"), json!("x".repeat(230)))).collect();
    later[4] = ["visits", "orders", "wishes"]
        .iter()
        .fold(with(gold("u4"), "email", json!("lost")), |person, name| with(person, name, json!(long)));
    world.people(&later);
    let report = world.sync().await;

    let braze = link(&report, "braze-eu");
    assert_eq!((braze.changes.added, braze.changes.removed, braze.changes.updated), (1, 2, 3), "{braze:#?}");
    assert_eq!((braze.outcomes.delivered, braze.outcomes.unchanged, braze.outcomes.rejected), (4, 1, 1), "{braze:#?}");
    assert_eq!(braze.rejections[0].code, "record_too_large");
    let named: BTreeSet<String> =
        world.take_requests().iter().filter(|request| request.path == "/users/track").flat_map(external_ids).collect();
    assert_eq!(named, ["u0", "u1", "u2", "u4"].map(str::to_owned).into());

    let facebook = link(&report, "facebook-ads");
    assert_eq!((facebook.outcomes.delivered, facebook.outcomes.rejected), (3, 1), "{facebook:#?}");
    assert_eq!(world.facebook_emails().len(), 29);
    assert!(!world.braze_members().contains("u1") && world.braze_members().contains("u0"));
}

fn external_ids(request: &Recorded) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("a JSON body");
    let attributes = body["attributes"].as_array().expect("attributes").clone();
    attributes.iter().filter_map(|one| one["external_id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_the_sync_that_follows_have_the_same_digests() {
    let world = World::new().await;
    world.people(&(0..200).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    let plans = world.plan().await;
    assert!(world.take_requests().is_empty(), "a plan sends nothing");
    let report = world.sync().await;
    assert!(report.connections.iter().all(|link| link.requests.subset + link.requests.derived == 0), "{report:#?}");

    let planned = plans.iter().flat_map(|plan| &plan.requests);
    let digests: BTreeSet<String> = planned.clone().map(|request| request.digest.clone()).collect();
    assert_eq!(digests.len(), planned.clone().count(), "no two requests are the same");
    let ids: Vec<String> = (0..200).map(|number| format!("u{number}")).collect();
    assert_eq!(ledgered(&world, &ids), digests, "method, address, query, headers and body are those of the plan");

    let mut bodies: Vec<String> = planned.map(|request| request.body_sha256.clone()).collect();
    let mut seen: Vec<String> = world.take_requests().iter().map(|request| sha256_hex(&request.body)).collect();
    bodies.sort();
    seen.sort();
    assert_eq!(bodies, seen, "what arrived is what was planned, byte for byte");
}

/// Digests of the whole requests about these profiles, as the ledger has them.
fn ledgered(world: &World, ids: &[String]) -> BTreeSet<String> {
    let reader = world.store().reader().expect("a reader");
    let story = |id: &String| explain(&reader, None, id).expect("the store is read").expect("a known profile");
    let receipts = ids.iter().flat_map(|id| story(id).connections).flat_map(|chapter| chapter.receipts);
    receipts.flat_map(|receipt| receipt.requests).map(|request| request.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_address_is_withdrawn_and_an_exit_reaches_what_was_sent() {
    let world = World::new().await;
    world.people(&[gold("u1"), gold("u2")]);
    world.sync().await;
    let before = world.facebook_emails();
    world.people(&[with(gold("u1"), "email", json!("other@example.com")), gold("u2")]);
    world.sync().await;
    let after = world.facebook_emails();
    assert_eq!(after.len(), 2);
    assert_eq!(before.intersection(&after).count(), 1, "the old address is gone");
    world.people(&[with(with(gold("u1"), "email", json!(null)), "plan", json!("silver")), gold("u2")]);
    world.sync().await;
    assert_eq!(world.facebook_emails().len(), 1, "the exit names the address that was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_profiles_with_one_address_are_one_person_until_the_last_one_leaves() {
    let world = World::new().await;
    let twin = |id: &str, email: &str| with(gold(id), "email", json!(email));
    let silver = |person| with(person, "plan", json!("silver"));
    world.people(&[twin("u1", "Ann@example.com"), twin("u2", "ann@example.com ")]);
    let report = world.sync().await;
    let facebook = link(&report, "facebook-ads");
    assert_eq!((facebook.outcomes.delivered, facebook.outcomes.unchanged), (1, 1), "{facebook:#?}");
    world.people(&[silver(twin("u1", "Ann@example.com")), twin("u2", "ann@example.com ")]);
    world.sync().await;
    assert_eq!(world.facebook_emails().len(), 1, "the other profile still holds the person");
    world.people(&[silver(twin("u1", "Ann@example.com")), silver(twin("u2", "ann@example.com "))]);
    world.sync().await;
    assert_eq!(world.facebook_emails().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_differing_consent_never_share_a_request() {
    let world = World::new().await;
    let consents = |id: &str, consent: serde_json::Value| {
        let mut person = gold(id);
        person["consent"] = consent;
        person
    };
    world.people(&[
        consents("u1", json!({ "ads": true })),
        consents("u2", json!({ "ads": false })),
        consents("u3", json!({ "ads": true })),
        gold("u4"),
    ]);
    world.sync().await;
    let seen = world.take_requests();
    let mut groups: Vec<Vec<String>> =
        seen.iter().filter(|request| request.path == "/users/track").map(external_ids).collect();
    groups.sort();
    assert_eq!(groups, [vec!["u1", "u3"], vec!["u2"], vec!["u4"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_of_two_profiles_with_one_address_can_leave_at_once() {
    let world = World::new().await;
    let twin = |id: &str, plan: &str| with(with(gold(id), "email", json!("ann@example.com")), "plan", json!(plan));
    world.people(&[twin("u1", "silver"), twin("u2", "gold")]);
    world.sync().await;
    world.people(&[twin("u1", "gold"), twin("u2", "gold")]);
    world.sync().await;
    assert_eq!(world.facebook_emails().len(), 1);
    world.people(&[twin("u1", "silver"), twin("u2", "silver")]);
    let options = enroute_host::sync::Options { allow_empty: true, ..world.options() };
    world.sync_with(&options).await;
    assert_eq!(world.facebook_emails().len(), 0, "the exit names what the carrier was sent with");
}
