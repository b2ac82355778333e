//! The first sync of a connection: with history, and without.

use std::collections::BTreeSet;

use enroute_fakes::all::{AUDIENCE, DESTINATIONS};
use enroute_host::store::Store;
use enroute_host::sync::{self, LinkState};
use serde_json::{Value, json};

use crate::seven::{World, keys, people};
use crate::support::{enroute, link};

fn without_history(world: &World) {
    let text = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    world.write("audiences.toml", &text.replace("[[connection]]", "[[connection]]\nhistory = false"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_history_only_changes_after_the_first_sync_are_sent() {
    let world = World::new().await;
    without_history(&world);
    let first = people(6);
    for plan in world.plan(&first).await {
        assert_eq!((plan.changes.total(), plan.requests.len()), (0, 0), "{plan:#?}");
        assert!(plan.notes.iter().any(|note| note.starts_with("6 members are taken as known")), "{:?}", plan.notes);
    }
    let report = world.sync(&first).await;
    for name in DESTINATIONS {
        let sent = link(&report, name);
        assert_eq!((sent.state, sent.changes.total(), sent.held), (LinkState::Done, 0, 6), "{name}: {sent:#?}");
        assert_eq!(world.fakes.members(name), BTreeSet::new(), "{name}");
    }
    // One comes, one of the first goes, one of the first changes, and the rest stay unsent.
    let mut second = people(7);
    second[0]["traits"]["plan"] = json!("silver");
    second[1]["traits"]["lifetime_value"] = json!(1.25);
    let report = world.sync(&second).await;
    for name in DESTINATIONS {
        let sent = link(&report, name);
        let counts = (sent.changes.added, sent.changes.removed, sent.outcomes.rejected);
        assert_eq!((counts, sent.state), ((1, 1, 0), LinkState::Done), "{name}: {sent:#?}");
        let there = world.fakes.members(name);
        let mut may: BTreeSet<String> = keys(name, &second[6..]);
        assert!(there.is_superset(&may), "{name}: {there:?}");
        may.extend(keys(name, &second[1..2]));
        assert!(there.is_subset(&may), "{name}: {there:?}");
    }
    // Who comes back, or comes to a resync, is sent.
    let report = world.sync(&people(7)).await;
    assert_eq!(link(&report, "braze-eu").changes.added, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gathers_in_a_pause_is_told_and_only_the_rest_of_it_is_sent() {
    let world = World::new().await;
    world.sync(&people(4)).await;
    let files = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    world.write("audiences.toml", &files.replace("[[connection]]", "[[connection]]\npaused = true"));
    let mut others: Vec<Value> = people(6);
    others[0]["traits"]["plan"] = json!("silver");
    others[1]["traits"]["lifetime_value"] = json!(7.5);
    let plans = world.plan(&others).await;
    assert_eq!(plans.len(), 7);
    for plan in &plans {
        let changes = plan.changes;
        assert_eq!((changes.added, changes.updated, changes.removed), (2, 1, 1), "{plan:#?}");
        assert!(plan.paused.is_some() && plan.requests.is_empty() && plan.stopped.is_none());
    }
    let report = world.sync(&others).await;
    assert!(report.connections.is_empty());
    let status =
        sync::status(&world.open().reader().unwrap(), &crate::support::load_config(world.folder.path())).unwrap();
    for one in status.connections {
        assert_eq!((one.state, one.on_resume.map(|changes| changes.total())), ("paused", Some(4)));
    }
    let told = enroute().arg("-C").arg(world.folder.path()).args(["status"]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains(&format!("{AUDIENCE} → braze-eu: once it is resumed: 2 to add")), "{told}");
    // One who came is gone again, one who left is back: nothing is sent of them.
    let mut last = people(6);
    last[5]["traits"]["plan"] = json!("silver");
    last[1]["traits"]["lifetime_value"] = json!(7.5);
    world.write("audiences.toml", &files);
    let report = world.sync(&last).await;
    for name in DESTINATIONS {
        let counts = link(&report, name).changes;
        assert_eq!((counts.added, counts.removed), (1, 0), "{name}");
        assert_eq!(world.fakes.members(name), keys(name, &last[..5]), "{name}");
    }
    assert!(Store::open_read(&world.folder.path().join(".enroute")).is_ok());
}
