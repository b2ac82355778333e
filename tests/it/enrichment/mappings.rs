//! Events, the conditions of mappings, and what expressions make of them.

use enroute_host::store::Store;
use enroute_host::sync::{Trial, explain, try_profile};
use serde_json::{Value, json};

use crate::enrichment::{connect, connected, counts, mistakes, person, world};
use crate::seven::World;
use crate::support::load_config;

const TWO: &str = r#"
send = ["identify", "track"]
events = { entered = "Came", exited = "Went" }

[[connection.mapping]]
name = "Rich"
when = 'type = "identify" and traits.ltv >= 400'
fields = { tier = "high", greeting = { "@template" = "Hello {{ traits.firstName }}" } }

[[connection.mapping]]
name = "Entries"
when = { all = [
  { path = "type", operator = "=", value = "track" },
  { path = "event", operator = "=", value = "Came" },
] }
fields = { "way.in" = { "@path" = "event" }, "way.key" = { "@path" = "properties.audience_key" } }

[[connection.mapping]]
name = "Off"
enabled = false
fields = { tier = "off" }
"#;

fn attribute(world: &World, id: &str, name: &str) -> Value {
    let profile = world.fakes.braze.profile(id).unwrap_or_default();
    profile.get(name).or_else(|| profile["custom_attributes"].get(name)).cloned().unwrap_or_default()
}

/// R34, R35, R45, R46, R47, R50, R52.
#[tokio::test(flavor = "multi_thread")]
async fn each_mapping_sends_what_its_condition_lets_through() {
    let world = world(&connected("braze-eu", TWO)).await;
    let ana = person("ana", &json!({ "ltv": 450.0, "firstName": "Ana" }));
    let ben = person("ben", &json!({ "ltv": 12, "firstName": "Ben" }));
    let report = world.sync(&[ana.clone(), ben.clone()]).await;
    let names: Vec<&str> = report.connections.iter().map(|link| link.mapping.as_str()).collect();
    assert_eq!(names, ["Rich", "Entries"]);
    let [rich, entries] = report.connections.as_slice() else { panic!("{report:#?}") };
    assert_eq!((counts(rich), rich.outcomes.unchanged), ([2, 0, 0, 1], 1));
    assert_eq!(rich.warnings[0].code, "no_matching_mapping");
    assert_eq!(counts(entries), [2, 0, 0, 2]);
    assert_eq!(attribute(&world, "ana", "greeting"), "Hello Ana");
    assert_eq!(attribute(&world, "ana", "way"), json!({ "in": "Came", "key": "gold" }));
    assert_eq!(
        (attribute(&world, "ben", "tier"), attribute(&world, "ben", "way")["in"].clone()),
        (Value::Null, json!("Came"))
    );

    // Nobody is looked at again for a condition that is still not met.
    let report = world.sync(&[ana, ben]).await;
    assert_eq!([counts(&report.connections[0]), counts(&report.connections[1])], [[0; 4]; 2]);
    let reader = Store::open_read(&world.folder.path().join(".enroute")).unwrap();
    let story = explain(&reader, None, "ben").unwrap().unwrap();
    let states: Vec<_> = story.connections.iter().map(|one| (one.mapping.as_str(), one.state.as_str())).collect();
    assert_eq!(states, [("Rich", "left out by the mapping"), ("Entries", "held")]);
    drop(reader);

    // Ben becomes rich; Ana leaves, whatever her traits say. The mapping for entries tells of no exit.
    let (ana, ben) = (json!({ "id": "ana", "traits": { "ltv": 1 } }), person("ben", &json!({ "ltv": 500 })));
    let report = world.sync(&[ana, ben]).await;
    let [rich, entries] = report.connections.as_slice() else { panic!("{report:#?}") };
    assert_eq!(counts(rich), [1, 0, 1, 2]);
    assert_eq!((counts(entries), entries.outcomes.unchanged), ([0, 1, 1, 0], 2));
    assert_eq!(attribute(&world, "ben", "tier"), "high");
    assert!(!world.fakes.braze.members("gold").contains("ana"));
}

/// R24.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_mapping_can_match_is_refused() {
    for destination in ["braze-eu", "salesforce-crm", "sendgrid-marketing"] {
        let world = world(&connected(destination, "send = [\"track\"]")).await;
        let told = mistakes(&world).await;
        assert!(told.contains("E267") && told.contains("no matching mapping possible"), "{told}");
        let own = "send = [\"track\"]\n[[connection.mapping]]\nname = \"Any\"\nwhen = 'event = \"Audience Entered\"'";
        connect(&world, &connected(destination, own));
        let found = world.setup().await;
        assert!(found.is_ok(), "{:?}", found.err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_with_its_place() {
    let mapping = |rest: &str| connected("braze-eu", &format!("[[connection.mapping]]\nname = \"A\"\n{rest}"));
    for (rest, expect) in [
        ("when = 'traits.plan ~ \"gold\"'", "E266"),
        ("fields = { a = { \"@pathh\" = \"traits.a\" } }", "@path"),
        ("fields = { a = { \"@path\" = \"timestamp\" } }", "the moment is not known"),
        ("preset = \"Update User Profil\"", "did you mean \"Update User Profile\"?"),
        ("fields = { \"a.b\" = 1, a = 2 }", "a.b"),
    ] {
        let world = world(&mapping(rest)).await;
        let told = mistakes(&world).await;
        assert!(told.contains(expect) && told.contains("audiences.toml:"), "{rest}\n{told}");
    }
}

/// R25.
#[tokio::test(flavor = "multi_thread")]
async fn a_preset_works_unedited_and_gives_way_to_fields_beside_it() {
    let keys = "[[connection.mapping]]\nname = \"Ready-made\"\npreset = \"Update User Profile\"\n\
                fields = { last_name = { \"@case\" = { operator = \"upper\", value = { \"@path\" = \"traits.lastName\" } } } }";
    let world = world(&connected("braze-eu", keys)).await;
    world.sync(&[person("ana", &json!({ "firstName": "Ana", "lastName": "Lee" }))]).await;
    assert_eq!(
        (attribute(&world, "ana", "first_name"), attribute(&world, "ana", "last_name")),
        (json!("Ana"), json!("LEE"))
    );
}

async fn tried(world: &World, people: &[Value], id: &str, send: bool) -> Trial {
    let store = world.import(people);
    let setup = world.setup().await.unwrap();
    let config = load_config(world.folder.path());
    try_profile(&store, &setup, &config, id, &world.clock, send).await.unwrap().expect("a known profile")
}

/// R38.
#[tokio::test(flavor = "multi_thread")]
async fn exits_carry_traits_only_when_asked_to() {
    let keys = "setup = \"customized\"\ntraits = [\"firstName\"]";
    let world = world(&connected("braze-eu", keys)).await;
    world.sync(&[person("ana", &json!({ "firstName": "Ana", "email": "ana@example.com" }))]).await;
    let gone = [json!({ "id": "ana", "traits": { "firstName": "Ana", "email": "ana@example.com" } })];
    let event = |trial: &Trial| trial.mappings[0].event.as_ref().unwrap().get().to_owned();
    let without = event(&tried(&world, &gone, "ana", false).await);
    assert!(without.contains(r#""gold":false"#) && without.contains("ana@example.com"), "{without}");
    assert!(!without.contains("firstName"), "{without}");
    connect(&world, &connected("braze-eu", &format!("{keys}\nenrich_on_exit = true")));
    let with = event(&tried(&world, &gone, "ana", false).await);
    assert!(with.contains(r#""gold":false"#) && with.contains(r#""firstName":"Ana""#), "{with}");
}

/// R33, R54.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_can_be_tried_and_sent() {
    let world = world(&connected("braze-eu", TWO)).await;
    let people = [person("ana", &json!({ "ltv": 450, "firstName": "Ana" })), person("ben", &json!({ "ltv": 1 }))];
    let trial = tried(&world, &people, "ben", false).await;
    assert!(trial.is_member && trial.sent.is_none());
    let [rich, entries, off] = trial.mappings.as_slice() else { panic!("{trial:#?}") };
    assert!(!rich.matches && entries.matches && !off.matches);
    assert_eq!(off.reason.as_deref(), Some("the mapping is not enabled"));
    let unmet: Vec<&str> = rich.conditions.iter().filter(|one| !one.is_met).map(|one| one.condition.as_str()).collect();
    assert_eq!(unmet.len(), 1);
    assert!(unmet[0].contains("traits.ltv"), "{unmet:?}");
    let event: Value = serde_json::from_str(entries.event.as_ref().unwrap().get()).unwrap();
    assert_eq!(
        (&event["type"], &event["event"], &event["properties"]["gold"]),
        (&json!("track"), &json!("Came"), &json!(true))
    );
    let request = &entries.plan.as_ref().unwrap().requests[0];
    assert!(request.body.as_ref().unwrap().contains("\"Came\""), "{request:?}");
    assert!(request.headers.as_ref().unwrap().iter().all(|(_, value)| !value.contains("opens-nothing")), "{request:?}");
    assert!(world.fakes.braze.server().requests().is_empty(), "nothing was sent");

    let sent = tried(&world, &people, "ben", true).await.sent.unwrap();
    assert_eq!(sent.exchanges.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(201)]);
    assert!(sent.exchanges[0].answer.as_ref().unwrap().contains("success"), "{sent:?}");
    assert_eq!(world.fakes.braze.members("gold").into_iter().collect::<Vec<_>>(), ["ben"]);
    // The run that follows knows of it, and has not forgotten the others.
    let report = world.sync(&people).await;
    assert_eq!([counts(&report.connections[0]), counts(&report.connections[1])], [[2, 0, 0, 1], [1, 1, 0, 1]]);
    let again = tried(&world, &people, "ben", true).await.sent.unwrap();
    assert_eq!(again.exchanges.len(), 1, "what has not changed is sent all the same");
}

/// R6, R57, R58.
#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_edited_during_a_run_holds_from_the_next_one() {
    edited_during_a_run().await;
}

/// The eighth acceptance example, at length.
pub(super) async fn edited_during_a_run() {
    let rows = |field: &str| {
        connected(
            "braze-eu",
            &format!("setup = \"customized\"\ntraits = [{{ trait = \"firstName\", field = \"{field}\" }}]"),
        )
    };
    let world = world(&rows("old_name")).await;
    let ana = |name: &str| [person("ana", &json!({ "firstName": name }))];
    let store = world.import(&ana("Ana"));
    let setup = world.setup().await.unwrap();
    connect(&world, &rows("new_name"));
    let first = world.run(&store, &setup).await;
    drop(store);
    assert_eq!(
        (attribute(&world, "ana", "old_name"), attribute(&world, "ana", "new_name")),
        (json!("Ana"), Value::Null)
    );
    let second = world.sync(&ana("Ana")).await;
    assert_eq!(counts(&second.connections[0]), [0; 4], "an edit alone sends nothing");
    let versions = [&first, &second].map(|report| report.connections[0].settings_version);
    assert_eq!(versions[1], versions[0] + 1);
    assert_eq!(world.plan(&ana("Ana")).await[0].stale, 1);
    world.sync(&ana("Anna")).await;
    assert_eq!(attribute(&world, "ana", "new_name"), "Anna");
}

/// R57.
#[tokio::test(flavor = "multi_thread")]
async fn enrichment_of_a_live_connection_sends_nothing_by_itself() {
    added_to_a_live_connection().await;
}

/// The seventh acceptance example, at length.
pub(super) async fn added_to_a_live_connection() {
    let world = world(&connected("braze-eu", "")).await;
    let people = [person("ana", &json!({ "firstName": "Ana" })), person("ben", &json!({ "firstName": "Ben" }))];
    world.sync(&people).await;
    connect(&world, &connected("braze-eu", "setup = \"customized\"\ntraits = [\"firstName\"]"));
    let report = world.sync(&people).await;
    assert_eq!(counts(&report.connections[0]), [0; 4]);
    let changed = [people[0].clone(), person("ben", &json!({ "firstName": "Benno" }))];
    let report = world.sync(&changed).await;
    assert_eq!(counts(&report.connections[0]), [0, 1, 0, 1]);
    assert_eq!(
        (attribute(&world, "ben", "first_name"), attribute(&world, "ana", "first_name")),
        (json!("Benno"), Value::Null)
    );
}
