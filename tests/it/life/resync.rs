//! What destinations hold is sent again, and nobody enters or leaves by it.

use std::process::Output;

use enroute_fakes::all::{self, DESTINATIONS};
use enroute_host::sync::{self, LinkResync, LinkState, Options, Resend, RunReport};
use serde_json::{Value, json};

use crate::seven::{self, keys, people};
use crate::support::{World, enroute, gold, link};

async fn resync(world: &seven::World, resend: Resend) -> (Vec<LinkResync>, RunReport) {
    let store = world.open();
    let setup = world.setup().await.expect("no mistakes");
    let forecast = sync::preview(&store, &setup, &world.clock, resend).await.expect("the store works");
    let options = Options { wait: true, clock: world.clock.clone(), ..Options::default() };
    (forecast, sync::resync(&store, &setup, &options, resend).await.expect("the store works"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_doubles_nobody_and_takes_nobody_out_at_all_seven() {
    let world = seven::World::new().await;
    let everybody = people(12);
    world.sync(&everybody).await;
    let before = DESTINATIONS.map(|name| world.fakes.members(name));
    // Somebody has left since, and somebody has come: neither is a matter of a resync.
    let mut changed = people(13);
    changed[0]["traits"]["plan"] = json!("silver");
    drop(world.import(&changed));
    let (forecast, report) = resync(&world, Resend::All).await;
    for (name, before) in DESTINATIONS.into_iter().zip(before) {
        let sent = link(&report, name);
        assert_eq!((sent.changes.added, sent.changes.updated, sent.changes.removed), (0, 11, 0), "{name}: {sent:#?}");
        assert_eq!((sent.state, sent.outcomes.total()), (LinkState::Done, 11), "{name}: {sent:#?}");
        let told = forecast.iter().find(|one| one.destination == name).unwrap();
        assert_eq!((told.members, told.sendable, told.goes_on), (11, 11, false), "{name}: {told:#?}");
        assert_eq!(world.fakes.members(name), before, "{name}");
    }
    world.sync(&changed).await;
    for name in DESTINATIONS {
        assert_eq!(world.fakes.members(name), keys(name, &changed[1..]), "{name}: the sync after it goes on as ever");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stale_is_named_before_anything_runs_and_undoing_the_edit_leaves_nobody_stale() {
    let world = seven::World::new().await;
    let everybody = people(5);
    world.sync(&everybody).await;
    let files = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    let edited = files
        .replace("trait = \"firstName\"", "trait = \"lastName\"")
        .replace("\"lastName\", field = \"FN\"", "\"lastName\", field = \"LN\"")
        .replace("\"email\", \"firstName\"", "\"email\", \"lastName\"")
        .replace("trait = \"lastName\", field = \"LastName\"", "trait = \"company\", field = \"LastName\"");
    world.write("audiences.toml", &edited);
    let stale = |plans: Vec<sync::LinkPlan>| {
        plans.iter().map(|plan| (plan.destination.clone(), plan.stale)).collect::<Vec<_>>()
    };
    let edited_ones = stale(world.plan(&everybody).await);
    let expect = |count: &dyn Fn(&str) -> u64| DESTINATIONS.map(|name| (name.to_owned(), count(name))).to_vec();
    // Google's rows name no trait that was edited.
    assert_eq!(edited_ones, expect(&|name| if name == "google-ads" { 0 } else { 5 }));
    assert_eq!(stale(world.plan(&everybody).await), edited_ones, "a plan changes nothing");
    let report = world.sync(&everybody).await;
    assert!(report.connections.iter().all(|link| link.changes.total() == 0), "an edit sends nothing by itself");
    world.write("audiences.toml", &files);
    assert_eq!(stale(world.plan(&everybody).await), expect(&|_| 0));
    world.write("audiences.toml", &edited);
    let (_, report) = resync(&world, Resend::Stale).await;
    assert_eq!(link(&report, "braze-eu").outcomes.delivered, 5);
    assert_eq!(link(&report, "google-ads").changes.total(), 0);
    assert_eq!(stale(world.plan(&everybody).await).iter().map(|(_, stale)| stale).sum::<u64>(), 0);
    for name in DESTINATIONS {
        assert_eq!(world.fakes.members(name), keys(name, &everybody), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_is_sent_again_alone() {
    let world = seven::World::new().await;
    world.sync(&people(4)).await;
    let profile = world.open().reader().unwrap().profile("u00002").unwrap().unwrap().id;
    let (_, report) = resync(&world, Resend::Person(profile)).await;
    for name in DESTINATIONS {
        assert_eq!(link(&report, name).changes.updated, 1, "{name}");
        assert_eq!(world.fakes.members(name).len(), 4, "{name}");
    }
    assert_eq!(all::person("u00002")["id"], "u00002");
}

fn run(world: &World, words: &[&str], crash: Option<&str>) -> (Output, Value) {
    let mut command = enroute();
    command.arg("-C").arg(world.folder.path()).arg("--json").args(words);
    if let Some(point) = crash {
        command.env("ENROUTE_CRASH", point);
    }
    let output = command.output().expect("the binary runs");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, document)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_that_is_killed_goes_on_with_those_who_are_left() {
    let world = World::new().await;
    let everybody: Vec<Value> = (0..400).map(|number| gold(&format!("u{number}"))).collect();
    world.people(&everybody);
    run(&world, &["sync"], None);
    let (asked, document) = run(&world, &["resync", "gold", "braze-eu"], None);
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!((&document[0]["members"], &document[0]["goes_on"]), (&json!(400), &json!(false)));
    world.take_requests();
    let (killed, _) = run(&world, &["resync", "gold", "braze-eu", "--yes"], Some("delivery.settled:3"));
    assert!(!killed.status.success());
    let (_, document) = run(&world, &["resync", "gold", "braze-eu"], None);
    let left = document[0]["members"].as_u64().unwrap();
    assert!(document[0]["goes_on"] == true && left < 400, "{document}");
    let (_, report) = run(&world, &["resync", "gold", "braze-eu", "--yes"], None);
    assert!(report["connections"][0]["changes"]["updated"].as_u64().unwrap() < 400, "{report}");
    assert_eq!(world.braze_members().len(), 400);
    let tracked: usize = world
        .take_requests()
        .iter()
        .filter(|request| request.path == "/users/track")
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["attributes"].as_array().unwrap().len()
        })
        .sum();
    assert!((400..=400 + 4 * 75).contains(&tracked), "what was settled was not sent again: {tracked}");
    let (_, document) = run(&world, &["resync", "gold", "braze-eu"], None);
    assert_eq!((&document[0]["members"], &document[0]["goes_on"]), (&json!(400), &json!(false)), "it is over");
}
