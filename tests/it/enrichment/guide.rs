//! What the guide for people who come from Segment shows of our commands is what they print.

use std::fs;

use serde_json::{Value, json};
use snapbox::{Data, assert_data_eq};

use crate::seven::World;
use crate::support::{enroute, root};

const PAGE: &str = "docs/from-segment.md";

/// The folder of the guide: its own lines, a connection with a mapping, and a computed trait.
async fn folder(page: &str) -> World {
    let world = World::new().await;
    let (_, rest) = page.split_once("```toml\n# audiences.toml\n").expect("the guide has an audiences.toml");
    let lines = rest.split("```").next().expect("a fence ends");
    let more = r#"
[source.shop]
file = "events.ndjson"
holds = "events"

[trait.orders]
event = "Order Completed"
compute = "count"

[[connection]]
audience = "vip_buyers"
destination = "braze-eu"

[[connection.mapping]]
name = "Big spenders"
preset = "Update User Profile"
when = 'type = "identify" and traits.lifetime_value >= 500'
fields = { orders = { "@path" = "traits.orders" } }
"#;
    world.write("audiences.toml", &format!("{lines}{more}"));
    let person = |number: u32, name: &str, spent: f64| {
        json!({ "id": format!("u-{number:04}"), "identifiers": { "email": format!("{name}@example.com") }, "traits": {
            "firstName": name, "lastName": "Silva", "address": { "country": "PT" }, "lifetime_value": spent,
        } })
    };
    let people = [person(1, "ana", 612.5), person(2, "rui", 450.0), person(3, "eva", 20.0)];
    let write = |name: &str, lines: &[Value]| {
        world.write(name, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    };
    write("profiles.ndjson", &people);
    let order = json!({ "type": "track", "messageId": "m1", "userId": "u-0001", "event": "Order Completed",
        "timestamp": "2026-11-20T09:15:00Z" });
    write("events.ndjson", &[order]);
    world
}

/// Runs the command of a marker; what differs from machine to machine is replaced.
fn output(world: &World, command: &str) -> String {
    let words = command.split_whitespace().skip(1);
    let ended = enroute().arg("-C").arg(world.folder.path()).args(words).output().expect("the command starts");
    assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    let (braze, facebook) = (world.fakes.braze.server().url(), world.fakes.facebook.server().url());
    let text = text.replace(&braze, "https://rest.fra-01.braze.eu").replace(&facebook, "https://graph.facebook.com");
    text.lines().map(|line| format!("{}\n", moment(line).trim_end())).collect()
}

/// The line with a moment of today, or a digest that names the port of the day, replaced by `…`.
fn moment(line: &str) -> String {
    if let Some((before, _)) = line.split_once(", digest ") {
        return format!("{before}, digest …");
    }
    if let Some((before, rest)) = line.split_once("\"timestamp\":\"") {
        let (_, after) = rest.split_once('"').expect("a text ends");
        return format!("{before}\"timestamp\":\"…\"{after}");
    }
    let is_moment = |word: &str| word.len() >= 19 && word.starts_with("20") && word.as_bytes().get(10) == Some(&b'T');
    let words = line.split(' ').map(|word| if is_moment(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_shows_what_the_commands_print() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).expect("the guide is read");
    let world = folder(&page).await;
    let (mut written, mut commands) = (String::new(), 0);
    let mut parts = page.split("<!-- output: ");
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (command, rest) = part.split_once(" -->\n```text\n").expect("a marker stands before a block");
        let (_, rest) = rest.split_once("```").expect("a block ends");
        let shown = tokio::task::block_in_place(|| output(&world, command));
        written.push_str(&format!("<!-- output: {command} -->\n```text\n{shown}```{rest}"));
        commands += 1;
    }
    assert_eq!(commands, 5);
    // `SNAPSHOTS=overwrite` writes the guide anew.
    assert_data_eq!(written, Data::read_from(&path, None).raw());
}
