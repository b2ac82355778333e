//! Which identifiers go out, of which kind, and which of several values.

use enroute_fakes::Iterable;
use enroute_fakes::iterable::{Config, ProjectType};
use serde_json::{Value, json};

use crate::enrichment::{add_destination, connect, connected, counts, world};
use crate::seven::World;
use crate::support::link;

/// A world with a project of Iterable in which an address is what makes a user.
async fn by_address(keys: &str) -> (World, Iterable) {
    let config = Config { project_type: ProjectType::Email, ..Config::default() };
    let iterable = Iterable::start(config).await.unwrap();
    let (url, addr) = (iterable.server().url(), iterable.server().addr());
    let world = world(&connected("mails", keys)).await;
    world.write("mails.key", "fake-iterable-key");
    add_destination(
        &world,
        &format!(
            "[destination.mails]\nplugin = \"iterable\"\nhosts = [\"{addr}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
             settings = {{ project_type = \"email\", data_center = \"other\", base_url = \"{url}\" }}\n\
             secrets = {{ api_key = \"${{file:mails.key}}\" }}"
        ),
    );
    (world, iterable)
}

fn ana(emails: &Value, plan: &str) -> Value {
    json!({ "id": "u1", "identifiers": { "email": emails }, "traits": { "firstName": "Ana", "plan": plan, "age": 30 } })
}

/// R75, R77, R79, R80; R62 and R63 with them.
#[tokio::test(flavor = "multi_thread")]
async fn identifiers_go_out_by_kind_and_strategy_and_exits_reach_every_value() {
    one_and_all().await;
}

/// The first and the second acceptance example, at length.
pub(super) async fn one_and_all() {
    let rows = |uses: &str| {
        format!(
            "setup = \"customized\"\ntraits = [\"plan\"]\nidentifiers = [{{ kind = \"email\", field = \"email\", use = \"{uses}\" }}]"
        )
    };
    let (world, iterable) = by_address(&rows("last")).await;
    let both = json!(["a@example.com", "b@example.com"]);
    let report = world.sync(&[ana(&both, "gold")]).await;
    assert_eq!(counts(link(&report, "mails")), [1, 0, 0, 1]);
    assert_eq!(iterable.users().len(), 1);
    let user = iterable.user("b@example.com").unwrap().to_string();
    assert!(user.contains(r#""plan":"gold""#) && user.contains(r#""gold":true"#), "{user}");
    assert!(!user.contains("age") && !user.contains("firstName"), "only what is mapped: {user}");

    let (world, iterable) = by_address(&rows("first")).await;
    world.sync(&[ana(&both, "gold")]).await;
    assert!(iterable.user("a@example.com").is_some() && iterable.users().len() == 1);

    let (world, iterable) = by_address(&rows("all")).await;
    let report = world.sync(&[ana(&both, "gold")]).await;
    let mails = link(&report, "mails");
    assert_eq!((counts(mails), mails.people, mails.members), ([2, 0, 0, 2], 1, 2));
    assert_eq!(iterable.members("gold").len(), 2);
    let report = world.sync(&[ana(&json!(["a@example.com", "b@example.com", "c@example.com"]), "gold")]).await;
    let mails = link(&report, "mails");
    assert_eq!((counts(mails), mails.outcomes.unchanged), ([1, 2, 0, 1], 2), "only the new value is sent");
    // A value goes away, and the person leaves: whatever was sent is withdrawn.
    let ben = json!({ "id": "u2", "identifiers": { "email": "ben@example.com" }, "traits": { "plan": "gold" } });
    let report = world.sync(&[ana(&json!("b@example.com"), "silver"), ben.clone()]).await;
    assert_eq!(counts(link(&report, "mails")), [1, 0, 3, 4]);
    assert_eq!(iterable.members("gold").into_iter().collect::<Vec<_>>(), ["ben@example.com"]);
    let report = world.sync(&[ana(&json!("b@example.com"), "silver"), ben]).await;
    assert_eq!(counts(link(&report, "mails")), [0; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_goes_away_is_withdrawn_and_the_others_stay() {
    let keys = "identifiers = [{ kind = \"email\", field = \"email\", use = \"all\" }]";
    let (world, iterable) = by_address(keys).await;
    world.sync(&[ana(&json!(["a@example.com", "b@example.com"]), "gold")]).await;
    world.sync(&[ana(&json!(["b@example.com"]), "gold")]).await;
    assert_eq!(iterable.members("gold").into_iter().collect::<Vec<_>>(), ["b@example.com"]);
    world.sync(&[ana(&json!(["b@example.com", "a@example.com"]), "gold")]).await;
    assert_eq!(iterable.members("gold").len(), 2);
    world.sync(&[ana(&json!(["a@example.com"]), "gold")]).await;
    assert_eq!(iterable.members("gold").into_iter().collect::<Vec<_>>(), ["a@example.com"]);
}

/// R77: where nothing is said, lists that only match people take every value, and tools that make people the last.
#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_said_lists_take_every_value_and_others_the_last() {
    let world = world(&[connected("facebook-ads", ""), connected("iterable-us", "")].concat()).await;
    let both = json!(["a@example.com", "b@example.com"]);
    let plan = world.plan(&[ana(&both, "gold")]).await;
    let members: Vec<(&str, u64, u64)> =
        plan.iter().map(|plan| (plan.destination.as_str(), plan.people, plan.members)).collect();
    assert_eq!(members, [("facebook-ads", 1, 2), ("iterable-us", 1, 1)]);
    assert!(plan[0].notes.iter().any(|note| note.starts_with("1 more record than people")), "{:?}", plan[0].notes);
    world.sync(&[ana(&both, "gold")]).await;
    assert_eq!(world.fakes.members("facebook-ads").len(), 2);
    assert_eq!(world.fakes.iterable.users().len(), 1);
}

/// R78.
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_the_teams_own_goes_out_when_it_is_named() {
    let named = connected("braze-eu", "identifiers = [{ kind = \"loyalty_id\", field = \"external_id\" }]");
    let world = world(&named).await;
    let ana = json!({ "id": "u1", "identifiers": { "loyalty_id": ["L1", "L2"] }, "traits": { "plan": "gold" } });
    let ben = json!({ "id": "u2", "identifiers": { "loyalty_id": "-1" }, "traits": { "plan": "gold" } });
    let report = world.sync(&[ana.clone(), ben.clone()]).await;
    assert_eq!(world.fakes.braze.members("gold").into_iter().collect::<Vec<_>>(), ["L2"], "R81: -1 is nobody");
    assert_eq!(link(&report, "braze-eu").outcomes.rejected, 1);
    let unnamed = super::world(&connected("braze-eu", "")).await;
    unnamed.sync(&[ana, ben]).await;
    assert_eq!(unnamed.fakes.braze.members("gold").into_iter().collect::<Vec<_>>(), ["u1", "u2"], "nobody named it");

    connect(&world, &connected("braze-eu", "identifiers = [\"loyalty_id\"]"));
    let told = super::mistakes(&world).await;
    assert!(told.contains("E264") && told.contains("name its field: "), "{told}");
    connect(&world, &connected("braze-eu", "identifiers = [{ kind = \"email\", field = \"externalid\" }]"));
    let told = super::mistakes(&world).await;
    assert!(told.contains("did you mean `external_id`?"), "{told}");
}

/// R76.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_three_identifiers_with_all_values_need_a_word() {
    let rows = "identifiers = [{ kind = \"email\", use = \"all\" }, { kind = \"phone\", use = \"all\" }, \
                { kind = \"ios.idfa\", use = \"all\" }, { kind = \"android.idfa\", use = \"all\" }]";
    let world = world(&connected("facebook-ads", rows)).await;
    let told = super::mistakes(&world).await;
    assert!(told.contains("E272") && told.contains("allowed are 3"), "{told}");
    connect(&world, &connected("facebook-ads", &format!("{rows}\nidentifiers_all_max = 4")));
    assert!(world.setup().await.is_ok());
}
