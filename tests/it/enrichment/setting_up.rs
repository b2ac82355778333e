//! Destinations, connections and the traits that are chosen.

use enroute_fakes::{Braze, braze};
use enroute_host::store::Store;
use enroute_host::sync::{Standing, explain, status};
use serde_json::json;

use crate::enrichment::{add_destination, connect, connected, counts, mistakes, person, world};
use crate::seven::World;
use crate::support::{enroute, link, load_config};

fn standing(world: &World) -> Standing {
    let reader = Store::open_read(&world.folder.path().join(".enroute")).unwrap();
    status(&reader, &load_config(world.folder.path())).unwrap()
}

/// R1, R10.
#[tokio::test(flavor = "multi_thread")]
async fn two_destinations_of_one_plugin_work_side_by_side() {
    let second = Braze::start(braze::Config { api_key: "other".to_owned(), ..Default::default() }).await.unwrap();
    let world = world(&[connected("braze-eu", ""), connected("braze-us", "")].concat()).await;
    world.write("other.key", "other");
    let (url, addr) = (second.server().url(), second.server().addr());
    add_destination(
        &world,
        &format!(
            "[destination.braze-us]\nplugin = \"braze\"\nhosts = [\"{addr}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
             settings = {{ endpoint = \"{url}\" }}\nsecrets = {{ api_key = \"${{file:other.key}}\" }}"
        ),
    );
    world.sync(&[person("u1", &json!({}))]).await;
    assert_eq!(world.fakes.braze.members("gold"), second.members("gold"));
    assert_eq!(second.members("gold").len(), 1);
    let states = standing(&world).destinations;
    let state = |name: &str| states.iter().find(|one| one.destination == name).unwrap().state;
    assert_eq!([state("braze-eu"), state("braze-us"), state("google-ads")], ["connected", "connected", "disconnected"]);
}

/// R8, R9, R55.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connection_loses_no_change() {
    let world = world(&connected("braze-eu", "")).await;
    let (ana, ben, eve) = (person("ana", &json!({})), person("ben", &json!({})), person("eve", &json!({})));
    let gone = |id: &str| json!({ "id": id, "traits": { "plan": "none" } });
    world.sync(&[ana.clone(), ben.clone()]).await;
    connect(&world, &connected("braze-eu", "enabled = false"));
    let report = world.sync(&[gone("ana"), ben.clone(), eve]).await;
    assert!(report.connections.is_empty());
    assert_eq!(standing(&world).connections[0].state, "paused");
    assert_eq!(standing(&world).destinations[0].state, "disconnected");
    // Eve enters and leaves within the pause: nothing is sent of her.
    world.sync(&[gone("ana"), ben.clone(), gone("eve")]).await;
    connect(&world, &connected("braze-eu", ""));
    let report = world.sync(&[gone("ana"), ben, gone("eve")]).await;
    assert_eq!(counts(link(&report, "braze-eu")), [0, 0, 1, 1]);
    assert_eq!(world.fakes.braze.members("gold").into_iter().collect::<Vec<_>>(), ["ben"]);

    // The same for a destination that is switched off, and for a connection that is out of the file for a while.
    let plugins = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    let off = plugins.replace("[destination.braze-eu]", "[destination.braze-eu]\nenabled = false");
    world.write("plugins.toml", &off);
    let zoe = person("zoe", &json!({}));
    world.sync(&[person("ben", &json!({})), zoe.clone()]).await;
    let state = (standing(&world).destinations[0].state, standing(&world).connections[0].state);
    assert_eq!(state, ("disconnected", "disabled"));
    world.write("plugins.toml", &plugins);
    connect(&world, "");
    world.sync(&[person("ben", &json!({})), zoe.clone()]).await;
    connect(&world, &connected("braze-eu", ""));
    let report = world.sync(&[person("ben", &json!({})), zoe]).await;
    assert_eq!(counts(link(&report, "braze-eu")), [1, 0, 0, 1], "only the change, and no removal");
}

/// R4, R5.
#[tokio::test(flavor = "multi_thread")]
async fn a_customized_setup_without_rows_sends_what_a_default_one_sends() {
    let world = world(&connected("iterable-us", "")).await;
    let people = [person("ana", &json!({ "firstName": "Ana" }))];
    let digests = async |world: &World| -> Vec<String> {
        let plan = world.plan(&people).await;
        plan[0].requests.iter().map(|request| request.digest.clone()).collect()
    };
    let default = digests(&world).await;
    connect(&world, &connected("iterable-us", "setup = \"customized\"\ntraits = []"));
    assert_eq!(digests(&world).await, default);
    assert!(!default.is_empty());
}

/// R13.
#[tokio::test(flavor = "multi_thread")]
async fn an_audience_may_have_settings_of_its_own() {
    let own = "settings = { list_name = \"The golden ones\" }";
    let world = world(&connected("sendgrid-marketing", own)).await;
    let ana = json!({ "id": "u1", "traits": { "plan": "gold", "email": "ana@example.com" } });
    world.sync(&[ana]).await;
    assert_eq!(world.fakes.sendgrid.emails("The golden ones").len(), 1);
    connect(&world, &connected("sendgrid-marketing", "settings = { base_url = \"https://evil.example\" }"));
    let told = mistakes(&world).await;
    assert!(told.contains("E268") && told.contains("an audience has: list_id, list_name"), "{told}");
}

/// R18, R19, R20, R21.
#[tokio::test(flavor = "multi_thread")]
async fn traits_without_a_field_are_matched_and_frozen() {
    let keys = "setup = \"customized\"\ntraits = [\n  \"firstName\", # the name\n  \"email\",\n  \"address.country\",\n  \
                { trait = \"address.postalCode\", field = \"ZIP\" },\n]";
    let world = world(&connected("facebook-ads", keys)).await;
    let run = |words: &[&str]| {
        let ended = enroute().arg("-C").arg(world.folder.path()).args(words).output().unwrap();
        let [told, error] = [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(ended.status.success(), "{told}\n{error}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let found: serde_json::Value = serde_json::from_str(&run(&["match", "--json"])).unwrap();
    let rows = found[0]["rows"].as_array().unwrap();
    let row = |row: &serde_json::Value| {
        ["from", "field", "how"].map(|key| row[key].as_str().unwrap_or_default().to_owned()).join(" ")
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            "firstName FN synonym",
            "email EMAIL spelling",
            "address.country COUNTRY synonym",
            "address.postalCode ZIP given"
        ]
    );
    run(&["match", "--write"]);
    let text = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    assert!(text.contains("{ trait = \"firstName\", field = \"FN\" }, # the name"), "{text}");
    let ana = json!({ "id": "u1", "traits": { "plan": "gold", "email": "a@example.com", "firstName": "Ana" } });
    world.sync(&[ana]).await;
    let rows = world.fakes.facebook.members(enroute_fakes::all::FACEBOOK_AUDIENCE);
    assert!(rows[0].contains_key("FN") && rows[0].contains_key("EMAIL"), "{rows:?}");
}

/// R16, R29.
#[tokio::test(flavor = "multi_thread")]
async fn only_mapped_traits_leave() {
    let world = world(&connected("iterable-us", "setup = \"customized\"\ntraits = [\"firstName\", \"ltv\"]")).await;
    let traits = r#"{ "firstName": "Ana", "secret_trait": "canary-trait", "ltv": 18446744073709551616.50 }"#;
    let line = format!("{{\"id\": \"u1\", \"traits\": {}}}\n", traits.replacen('{', "{ \"plan\": \"gold\",", 1));
    world.write("profiles.ndjson", &line);
    let store = std::sync::Arc::new(Store::open(&world.folder.path().join(".enroute")).unwrap());
    crate::support::import_from(&store, world.folder.path());
    let setup = world.setup().await.unwrap();
    world.run(&store, &setup).await;
    let bodies: Vec<String> = world
        .fakes
        .iterable
        .server()
        .requests()
        .iter()
        .map(|one| String::from_utf8_lossy(&one.body).into_owned())
        .collect();
    assert!(bodies.iter().any(|body| body.contains("18446744073709551616.50")), "{bodies:?}");
    assert!(bodies.iter().all(|body| !body.contains("canary-trait") && !body.contains("secret_trait")), "{bodies:?}");
}

/// R31.
#[tokio::test(flavor = "multi_thread")]
async fn a_trait_that_nobody_has_is_noted_with_the_nearest_name() {
    let world = world(&connected("braze-eu", "setup = \"customized\"\ntraits = [\"firsttName\"]")).await;
    let plan = world.plan(&[person("u1", &json!({ "firstName": "Ana" }))]).await;
    assert_eq!(plan[0].notes, ["nobody in the audience has `firsttName`; did you mean `firstName`?"]);
    assert_eq!(plan[0].coverage.fields[0].missing, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_agreed_is_held_back_and_leaves() {
    let world = world(&connected("braze-eu", "")).await;
    let path = world.folder.path().join("plugins.toml");
    let plugins = std::fs::read_to_string(path).unwrap();
    let asks = "[destination.braze-eu]\nrequires_consent = [\"email\"]";
    world.write("plugins.toml", &plugins.replace("[destination.braze-eu]", asks));
    let agreed = |id: &str, word: &str| json!({ "id": id, "traits": { "plan": "gold" }, "consent": { "email": word } });
    let plan = world.plan(&[agreed("ana", "granted"), agreed("ben", "denied")]).await;
    assert_eq!((plan[0].people, plan[0].withheld), (1, 1));
    let report = world.sync(&[agreed("ana", "granted"), agreed("ben", "denied")]).await;
    assert_eq!((link(&report, "braze-eu").withheld, counts(link(&report, "braze-eu"))), (1, [1, 0, 0, 1]));
    let reader = Store::open_read(&world.folder.path().join(".enroute")).unwrap();
    let config = load_config(world.folder.path());
    let story = explain(&reader, Some(&config), "ben").unwrap().unwrap();
    assert_eq!(story.connections[0].consent_missing.as_deref(), Some("email"));
    drop(reader);
    // Who takes it back leaves, and nobody else.
    let report = world.sync(&[agreed("ana", "no"), agreed("ben", "yes")]).await;
    assert_eq!(counts(link(&report, "braze-eu")), [1, 0, 1, 2]);
    assert_eq!(world.fakes.braze.members("gold").into_iter().collect::<Vec<_>>(), ["ben"]);
}
