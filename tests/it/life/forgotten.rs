//! A person who is forgotten is withdrawn everywhere, and no import brings them back.

use enroute_fakes::Fault;
use enroute_fakes::all::{self, DESTINATIONS};
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::sync::{self, Forgetting, Options};
use serde_json::{Value, json};

use crate::seven::{World, keys, people};

async fn forget(world: &World, id: &str) -> Forgetting {
    let store = world.open();
    let setup = world.setup().await.expect("no mistakes");
    let options = Options { wait: true, clock: world.clock.clone(), ..Options::default() };
    sync::forget(&store, &setup, &options, id).await.expect("the store works").expect("somebody has the id").0
}

/// Whether a text stands in any file of the state folder, whatever its case.
fn is_kept(world: &World, text: &str) -> bool {
    let files = std::fs::read_dir(world.folder.path().join(".enroute")).unwrap();
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    paths.into_iter().any(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).to_lowercase().contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_person_is_gone_from_all_seven_and_does_not_come_back() {
    let world = World::new().await;
    let mut everybody = people(6);
    everybody[2] = all::person("canary-u");
    world.sync(&everybody).await;
    let told = forget(&world, "canary-u").await;
    assert!(told.is_over() && told.left.is_empty(), "{told:#?}");
    let others: Vec<Value> = everybody.iter().filter(|person| person["id"] != "canary-u").cloned().collect();
    let check = || {
        for name in DESTINATIONS {
            assert_eq!(world.fakes.members(name), keys(name, &others), "{name}");
        }
    };
    check();
    assert!(!is_kept(&world, "canary"), "nothing of the person is in the state folder");
    // Neither under the id nor under the address, however it is spelled.
    let mut again = everybody.clone();
    again.push(json!({ "id": "another", "traits": { "email": " CANARY-u@Example.com", "plan": "gold" } }));
    world.sync(&again).await;
    check();
    assert!(!is_kept(&world, "canary"));
    assert!(forget(&world, "canary-u").await.is_over(), "asking again does no harm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_being_forgotten_until_the_last_destination_has_confirmed() {
    let world = World::new().await;
    let everybody = people(4);
    world.sync(&everybody).await;
    world.fakes.braze.server().fault(Fault::always(Action::Answer(Reply::text(401, "no such key"))));
    let told = forget(&world, "u00001").await;
    let left: Vec<&str> = told.left.iter().map(|left| left.destination.as_str()).collect();
    assert_eq!((told.state, left), ("being forgotten", vec!["braze-eu"]), "{told:#?}");
    assert!(told.left[0].reason.is_some());
    let visible = sync::being_forgotten(&world.open().reader().unwrap()).unwrap();
    assert_eq!(visible[0].profile.as_deref(), Some("u00001"));
    world.fakes.braze.server().clear_faults();
    world.sync(&everybody).await;
    assert!(sync::being_forgotten(&world.open().reader().unwrap()).unwrap().is_empty(), "a later sync ended it");
    let others: Vec<Value> = everybody.iter().filter(|person| person["id"] != "u00001").cloned().collect();
    for name in DESTINATIONS {
        assert_eq!(world.fakes.members(name), keys(name, &others), "{name}");
    }
}
