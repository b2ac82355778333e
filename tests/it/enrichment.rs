//! Trait Enrichment as its users know it: set-up, matching, identifiers, mappings, consent and the plan beforehand.

mod examples;
mod forecast;
mod guide;
mod identifiers;
mod mappings;
mod setting_up;

use enroute_fakes::all::AUDIENCE;
use enroute_host::sync::LinkReport;
use serde_json::{Value, json};

use crate::seven::World;

/// The audience of these tests, and one connection.
fn connected(destination: &str, keys: &str) -> String {
    format!("[[connection]]\naudience = \"gold\"\ndestination = \"{destination}\"\n{keys}\n\n")
}

/// All seven destinations, with these connections and no others.
async fn world(connections: &str) -> World {
    let world = World::new().await;
    connect(&world, connections);
    world
}

fn connect(world: &World, connections: &str) {
    let audience = |key| format!("[audience.{key}]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n");
    let source = "[source.crm]\nfile = \"profiles.ndjson\"\n\n";
    world.write("audiences.toml", &[source, &audience("gold"), &audience(AUDIENCE), connections].concat());
}

/// Adds a destination to `plugins.toml`.
fn add_destination(world: &World, text: &str) {
    let path = world.folder.path().join("plugins.toml");
    let before = std::fs::read_to_string(path).unwrap();
    world.write("plugins.toml", &format!("{before}\n{text}\n"));
}

fn person(id: &str, traits: &Value) -> Value {
    let mut all = json!({ "plan": "gold" });
    for (name, value) in traits.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    json!({ "id": id, "traits": all })
}

/// Added, updated, removed, and how many of them were delivered.
fn counts(link: &LinkReport) -> [u64; 4] {
    [link.changes.added, link.changes.updated, link.changes.removed, link.outcomes.delivered]
}

/// The mistakes of a configuration that must have some.
async fn mistakes(world: &World) -> String {
    world.setup().await.expect_err("there is a mistake")
}
