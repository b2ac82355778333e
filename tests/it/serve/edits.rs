//! Edits of the files while a host runs.

use serde_json::json;

use super::{Host, command, ids, people, until_braze_has, until_facebook_has};
use crate::support::{AUDIENCES, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_edit_leaves_what_was_in_force_and_a_sound_one_takes_its_place() {
    let world = World::new().await;
    people(&world, 0..5);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..5)).await;

    world.write("audiences.toml", &AUDIENCES.replace("'gold'", "'gold"));
    world.write("plugins.toml", &world.plugins_toml().replace("allow_networks", "allow_network"));
    let told = host.until(|told| told["configuration"]["in_force"] == false).await;
    assert_eq!(told["status"], "degraded", "{told:#}");
    let (_, metrics) = host.get("/metrics").await;
    assert!(metrics.contains("enroute_config_in_force 0\n"), "{metrics}");
    people(&world, 0..6);
    until_braze_has(&host, &world, &ids(0..6)).await;

    let (code, document) = command(&world, &["reload"]).await;
    assert_eq!((code, &document["in_force"]), (2, &json!(false)), "{document:#}");
    assert!(document["refused"].as_str().is_some_and(|why| why.contains("error[E211]")), "{document:#}");
    assert_eq!(host.get("/ready").await.0, 200);

    world.write("plugins.toml", &world.plugins_toml());
    let both = "traits ->> 'plan' = 'gold' and traits ->> 'firstName' = 'Ann'";
    world.write("audiences.toml", &AUDIENCES.replace("traits ->> 'plan' = 'gold'", both));
    host.until(|told| told["configuration"]["in_force"] == true).await;
    let (code, document) = command(&world, &["status"]).await;
    assert_eq!((code, &document["serve"]["configuration"]["in_force"]), (0, &json!(true)), "{document:#}");
    assert!(document["serve"]["configuration"]["refused"].is_null());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_starts_and_ends_connections_and_leaves_the_others_alone() {
    let world = World::new().await;
    people(&world, 0..5);
    let (first, second) = AUDIENCES.rsplit_once("\n[[connection]]").expect("two connections");
    world.write("audiences.toml", first);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..5)).await;
    host.until(|told| told["connections"]["gold/braze-eu"]["state"] == "idle").await;
    assert_eq!(world.facebook.server().seen(), 0);
    let before = world.braze.server().seen();

    world.write("audiences.toml", &format!("{first}\n[[connection]]{second}"));
    until_facebook_has(&host, &world, 5).await;
    assert_eq!(world.braze.server().seen(), before, "what did not change was left alone");

    world.write("audiences.toml", first);
    host.until(|told| told["connections"].as_object().is_some_and(|all| all.len() == 1)).await;
    let (_, metrics) = host.get("/metrics").await;
    assert!(!metrics.contains("connection=\"gold/facebook-ads\""), "{metrics}");
    host.signal("-HUP");
    people(&world, 0..7);
    until_braze_has(&host, &world, &ids(0..7)).await;
    host.stop().await;
}
