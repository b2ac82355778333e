//! The ten acceptance examples, one after the other, against the strict fakes.

use enroute_fakes::all::AUDIENCE;
use serde_json::{Value, json};

use crate::enrichment::{connect, connected, counts, identifiers, mappings, mistakes, person, world};
use crate::seven::World;

fn customized(destination: &str, rows: &str) -> String {
    connected(destination, &format!("setup = \"customized\"\ntraits = [{rows}]"))
}

async fn refused(world: &World, connection: &str, words: &[&str]) {
    connect(world, connection);
    let told = mistakes(world).await;
    for word in words {
        assert!(told.contains(word), "`{word}` is not in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_acceptance_examples_hold() {
    // 1 and 2: the last value of an identifier, or all of them, and exits that reach what was sent.
    identifiers::one_and_all().await;
    let world = world("").await;
    // 3: Google takes one phone number, and needs the address.
    let phones = r#""email", { trait = "home", field = "phoneNumber" }, { trait = "work", field = "phoneNumber" }"#;
    refused(&world, &customized("google-ads", phones), &["`home`", "`work`"]).await;
    refused(&world, &customized("google-ads", r#"{ trait = "home", field = "phoneNumber" }"#), &["emailAddress"]).await;

    // 4: Zendesk needs both names; somebody without the last one is delivered, and it is said.
    refused(&world, &customized("zendesk-support", r#""firstName""#), &["last_name"]).await;
    let named = customized("zendesk-support", r#""firstName", "lastName", "email""#);
    connect(&world, &named.replace("audience = \"gold\"", &format!("audience = \"{AUDIENCE}\"")));
    let report = world.sync(&[person("u1", &json!({ "firstName": "Ana", "email": "ana@example.com" }))]).await;
    assert_eq!(counts(&report.connections[0]), [1, 0, 0, 1]);
    assert!(!report.connections[0].warnings.is_empty(), "{report:#?}");
    assert_eq!(world.fakes.members("zendesk-support").into_iter().collect::<Vec<_>>(), ["u1"]);

    // 5: Facebook takes its thirteen traits and tells its keys; a usual name needs none.
    refused(
        &world,
        &customized("facebook-ads", r#"{ trait = "plan", field = "PLAN" }"#),
        &["PLAN", "EMAIL", "COUNTRY"],
    )
    .await;
    connect(&world, &customized("facebook-ads", r#""firstName", "email""#));
    assert_eq!(world.setup().await.unwrap().matched()[0].rows[0].field, "FN");

    // 6: Braze's ready-made mapping wants Identify events.
    refused(&world, &connected("braze-eu", "send = [\"track\"]"), &["no matching mapping possible"]).await;

    // 7: enrichment of a live connection sends nothing until something changes. 8: a run ends with the mapping that it
    // began with.
    mappings::added_to_a_live_connection().await;
    mappings::edited_during_a_run().await;

    // 9: null clears, what is missing is left out, and an empty text is a text.
    connect(&world, &customized("iterable-us", r#""cleared", "absent", "empty""#));
    let traits = json!({ "cleared": null, "empty": "", "email": "nine@example.com" });
    world.sync(&[person("nine", &traits)]).await;
    let bodies: Vec<Value> = world.fakes.iterable.server().requests().iter().filter_map(|one| one.json()).collect();
    let mut users = bodies.iter().filter_map(|body| body["users"].as_array()).flatten();
    let nine = users.find(|user| user.to_string().contains("nine@example.com")).unwrap();
    let fields = nine["dataFields"].as_object().unwrap();
    assert_eq!(
        (fields.get("cleared"), fields.get("absent"), fields.get("empty")),
        (Some(&Value::Null), None, Some(&json!("")))
    );

    // 10: whoever was killed goes on; everybody arrives, and what is repeated is counted.
    crate::killed::killed_at_random().await;
}
