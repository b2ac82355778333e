//! Where members are put: moved when a place's settings are others, shared by connections, and never left behind.
//! The fakes' own members are the judge, at all seven destinations.

use std::collections::BTreeSet;

use enroute_fakes::Fault;
use enroute_fakes::all::{self, AUDIENCE, DESTINATIONS, FACEBOOK_AUDIENCE, OTHER_FACEBOOK_AUDIENCE};
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::config::load::load;
use enroute_host::runtime::Limits;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, LinkPlan, LinkReport, LinkState, Options, RunReport, Setup};
use serde_json::{Value, json};

use crate::seven::World;
use crate::support::runtime;

mod left;
mod lost;

pub(crate) use left::CODES;

const GROUPS: [&str; 2] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const AUDIENCES: [&str; 2] = [FACEBOOK_AUDIENCE, OTHER_FACEBOOK_AUDIENCE];
const FIELDS: [&str; 2] = ["Gold_Customers__c", "Other__c"];

/// Settings that put people into the first or the second place of a destination.
fn settings(destination: &str, place: usize) -> String {
    match destination {
        "braze-eu" => {
            format!("membership_mode = \"subscription_group\", subscription_group_id = \"{}\"", GROUPS[place])
        }
        "facebook-ads" => format!("audience_id = \"{}\"", AUDIENCES[place]),
        "salesforce-crm" => format!("membership_field = \"{}\"", FIELDS[place]),
        "iterable-us" => format!("membership = \"list\", list_name = \"Place {place}\""),
        "zendesk-support" => format!("membership = \"tag\", membership_tag = \"place_{place}\""),
        _ => format!("list_name = \"Place {place}\""),
    }
}

/// Who is there.
fn members(world: &World, destination: &str, place: usize) -> BTreeSet<String> {
    let fakes = &world.fakes;
    let name = format!("Place {place}");
    match destination {
        "braze-eu" => fakes.braze.subscribers(GROUPS[place]),
        "facebook-ads" => fakes.facebook.members_by(AUDIENCES[place], "EMAIL"),
        "google-ads" => {
            let lists = fakes.google.lists();
            let list = lists.iter().find(|list| list.name == name);
            let people = list.map(|list| fakes.google.members(&list.id)).unwrap_or_default();
            let hash = |identifier: &String| identifier.strip_prefix("emailAddress:").map(str::to_owned);
            people.iter().flatten().filter_map(hash).collect()
        }
        "iterable-us" => fakes.iterable.subscribers(&name),
        "salesforce-crm" => fakes.salesforce.members("Lead", FIELDS[place]),
        "sendgrid-marketing" => fakes.sendgrid.members(&name),
        _ => fakes.zendesk.members_with_tag(&format!("place_{place}")),
    }
}

/// Every destination puts its people into this place from now on.
fn put_into(world: &World, place: usize) {
    let path = world.folder.path().join("plugins.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = Vec::new();
    let mut destination = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("[destination.") {
            destination = name.trim_end_matches(']').to_owned();
        }
        let Some(given) = line.strip_prefix("settings = { ") else {
            lines.push(line.to_owned());
            continue;
        };
        let mut given = given.trim_end_matches(" }").to_owned();
        for old in [0, 1].map(|place| settings(&destination, place)) {
            given = given.replace(&format!(", {old}"), "").replace(&format!("{old}, "), "");
        }
        lines.push(format!("settings = {{ {given}, {} }}", settings(&destination, place)));
    }
    world.write("plugins.toml", &lines.join("\n"));
}

fn gold(id: &str) -> Value {
    all::person(id)
}

/// The same person with another plan.
fn with_plan(id: &str, plan: &str) -> Value {
    let mut person = all::person(id);
    person["traits"]["plan"] = json!(plan);
    person
}

fn keys(destination: &str, ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| all::key(destination, id, &format!("{id}@example.com"))).collect()
}

#[track_caller]
fn check(world: &World, report: &RunReport, places: [&[&str]; 2]) {
    for name in DESTINATIONS {
        for (place, expect) in places.iter().enumerate() {
            let links: Vec<&LinkReport> = report.connections.iter().filter(|link| link.destination == name).collect();
            assert_eq!(members(world, name, place), keys(name, expect), "{name}, place {place}: {links:#?}");
        }
    }
}

/// The plan or report of a connection, and those of its earlier places.
fn of<T>(all: &[T], is_it: impl Fn(&T) -> bool, is_earlier: impl Fn(&T) -> bool) -> (&T, Vec<&T>) {
    let found: Vec<&T> = all.iter().filter(|one| is_it(one)).collect();
    assert!(!is_earlier(found[0]));
    (found[0], found[1..].iter().copied().filter(|one| is_earlier(one)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_somewhere_else_is_withdrawn_from_there_before_the_new_place_is_filled() {
    let world = World::new().await;
    put_into(&world, 0);
    let ids = ["u1", "u2", "u3", "u4", "u5", "u6"];
    let report = world.sync(&ids.map(gold)).await;
    check(&world, &report, [&ids, &[]]);

    put_into(&world, 1);
    let people = [gold("u1"), gold("u2"), with_plan("u3", "silver"), gold("u4"), gold("u5"), gold("u6"), gold("u7")];
    let stay = ["u1", "u2", "u4", "u5", "u6", "u7"];
    let plans = world.plan(&people).await;
    let is_earlier = |plan: &LinkPlan| plan.mapping.contains("earlier place") || plan.withdraws.is_some();
    let mut planned = Vec::new();
    for name in DESTINATIONS {
        let (plan, earlier) = of(&plans, |plan: &LinkPlan| plan.destination == name, is_earlier);
        let counts = (plan.changes.added, plan.changes.updated, plan.changes.removed, earlier[0].changes.removed);
        assert_eq!(counts, (6, 0, 0, 6), "{name}: {plan:#?}");
        assert!(plan.notes[0].contains("6 members are withdrawn from there"), "{name}: {:?}", plan.notes);
        planned.push(earlier[0].sendable);
    }
    assert_eq!(planned, [6; 7]);
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let report = world.sync(&people).await;
    check(&world, &report, [&[], &stay]);
    for name in DESTINATIONS {
        let is_earlier = |link: &LinkReport| link.mapping.contains("earlier place");
        let (link, earlier) = of(&report.connections, |link: &LinkReport| link.destination == name, is_earlier);
        let counts = (link.changes.added, link.changes.removed, earlier[0].changes.removed, earlier[0].held);
        assert_eq!((counts, link.state), ((6, 0, 6, 0), LinkState::Done), "{name}: {link:#?} {earlier:#?}");
    }
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let report = world.sync(&people).await;
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: {report:#?}");
    }
    assert_eq!(report.connections.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_left_yet_keeps_the_next_one_empty_and_going_back_sends_nothing() {
    let world = World::new().await;
    put_into(&world, 0);
    let ids = ["u1", "u2", "u3"];
    world.sync(&ids.map(gold)).await;
    put_into(&world, 1);
    for (_, server) in world.fakes.servers() {
        server.fault(Fault::always(Action::Answer(Reply::text(503, "not now"))));
    }
    let store = world.import(&ids.map(gold));
    let setup = world.setup().await.unwrap();
    let options = Options { clock: world.clock.clone(), ..Options::default() };
    let report = sync::sync(&store, &setup, &options).await.unwrap();
    check(&world, &report, [&ids, &[]]);
    for name in DESTINATIONS {
        let link = report.connections.iter().find(|link| link.destination == name).unwrap();
        assert_ne!(link.state, LinkState::Done, "{name}: {link:#?}");
    }
    drop((store, setup));
    world.fakes.servers().iter().for_each(|(_, server)| server.clear_faults());
    put_into(&world, 0);
    let report = world.sync(&ids.map(gold)).await;
    check(&world, &report, [&ids, &[]]);
    put_into(&world, 1);
    let report = world.sync(&ids.map(gold)).await;
    check(&world, &report, [&[], &ids]);
}

/// Two audiences with members in common, both put into one place of every destination.
fn two_audiences(world: &World) {
    let path = world.folder.path().join("audiences.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let second = format!(
        "[audience.either]\nname = \"Either\"\nwhere = \"traits ->> 'plan' IN ('gold', 'silver')\"\n\n{}",
        all::connections().replace(&format!("\"{AUDIENCE}\""), "\"either\"")
    );
    world.write("audiences.toml", &format!("{text}\n{second}"));
    put_into(world, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_leaves_a_place_when_the_last_connection_lets_go() {
    let world = World::new().await;
    two_audiences(&world);
    let report = world.sync(&[gold("u1"), gold("u2"), with_plan("u3", "silver")]).await;
    check(&world, &report, [&["u1", "u2", "u3"], &[]]);

    let people = [gold("u1"), with_plan("u2", "silver"), with_plan("u3", "silver")];
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let plans = world.plan(&people).await;
    let report = world.sync(&people).await;
    check(&world, &report, [&["u1", "u2", "u3"], &[]]);
    for name in DESTINATIONS {
        let is_gold = |audience: &str, destination: &str| audience == AUDIENCE && destination == name;
        let plan = plans.iter().find(|plan| is_gold(&plan.audience, &plan.destination)).unwrap();
        let link = report.connections.iter().find(|link| is_gold(&link.audience, &link.destination)).unwrap();
        for warnings in [&plan.warnings, &link.warnings] {
            let held: Vec<_> = warnings.iter().filter(|one| one.code == "held_by_another").collect();
            assert_eq!(held.iter().map(|one| one.members).collect::<Vec<_>>(), [1], "{name}: {plan:#?} {link:#?}");
        }
        assert_eq!((link.changes.removed, link.outcomes.unchanged), (1, 1), "{name}: {link:#?}");
    }
    // Both let go of one, one of another.
    let people = [with_plan("u1", "lead"), with_plan("u2", "lead"), with_plan("u3", "silver")];
    let report = world.sync(&people).await;
    check(&world, &report, [&["u3"], &[]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_of_connections_that_write_into_one_place() {
    let world = World::new().await;
    two_audiences(&world);
    let loaded = load(world.folder.path());
    let (config, runtime) = (loaded.config.unwrap(), runtime(Limits::default()));
    let prepared = Setup::prepare(&config, &runtime, &Remotes::default(), &world.clock.today(), None).await;
    let told = prepared.1.render(&config.files);
    assert_eq!(told.matches("warning[E341]").count(), 7, "{told}");
    assert!(told.contains("list Place 0"), "{told}");
}

/// Facebook at another address, which is granted in place of the old one.
fn at_another_address(world: &World, text: &str) -> String {
    let old = world.fakes.facebook.server().addr().to_string();
    let other = old.replace("127.0.0.1", "localhost");
    text.replace(&old, &other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_out_of_reach_stops_its_connection_until_it_is_forgotten() {
    let world = World::new().await;
    put_into(&world, 0);
    let report = world.sync(&["u1", "u2"].map(gold)).await;
    check(&world, &report, [&["u1", "u2"], &[]]);
    let text = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    let moved = at_another_address(&world, &text).replace(FACEBOOK_AUDIENCE, OTHER_FACEBOOK_AUDIENCE);
    world.write("plugins.toml", &moved);
    let report = world.sync(&["u1", "u2"].map(gold)).await;
    let link = report.connections.iter().find(|link| link.destination == "facebook-ads").unwrap();
    let reason = link.reason.clone().unwrap();
    assert_eq!(link.state, LinkState::Paused);
    let says = ["2 of its members", "not grant", "`enroute forget --connection gold_customers/facebook-ads --earlier`"];
    says.iter().for_each(|part| assert!(reason.contains(part), "{part}: {reason}"));
    assert_eq!(members(&world, "facebook-ads", 1), BTreeSet::new());
    world.write("plugins.toml", &text);
    let report = world.sync(&[gold("u1"), with_plan("u2", "silver")]).await;
    check(&world, &report, [&["u1"], &[]]);
}
