use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("api-key", "fake-iterable-key");

const UPDATE: &str = "/api/users/bulkUpdate";
const SUBSCRIBE: &str = "/api/lists/subscribe";
const UNSUBSCRIBE: &str = "/api/lists/unsubscribe";

async fn start(config: Config) -> Iterable {
    Iterable::start(config).await.unwrap()
}

async fn of_type(project_type: ProjectType) -> Iterable {
    start(Config { project_type, ..Config::default() }).await
}

async fn post(fake: &Iterable, path: &str, body: Value) -> Raw {
    exchange(fake.server().addr(), &request("POST", path, &[JSON, KEY], body.to_string().as_bytes())).await
}

async fn get(fake: &Iterable, path: &str) -> Raw {
    exchange(fake.server().addr(), &request("GET", path, &[KEY], b"")).await
}

async fn update(fake: &Iterable, users: Value) -> Raw {
    post(fake, UPDATE, json!({ "users": users })).await
}

/// The counts of an answer, and who is named for what.
fn told(raw: &Raw) -> String {
    let body = raw.json();
    let named = body["failedUpdates"].as_object().unwrap().iter();
    let named = named.filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()));
    let named: Vec<String> = named.map(|(name, list)| format!(" {name} {list}")).collect();
    format!("{}/{}{}", body["successCount"], body["failCount"], named.concat())
}

fn ids(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn a_field_makes_and_unmakes_a_member() {
    let fake = start(Config::default()).await;
    let raw = update(
        &fake,
        json!([
            {"email": "Ana@Example.org", "userId": "u-1", "mergeNestedObjects": true, "dataFields": {"vip": true, "score": 450.0}},
            {"userId": "u-2", "preferUserId": true, "dataFields": {"vip": true}},
        ]),
    )
    .await;
    assert_eq!((raw.status(), told(&raw)), (200, "2/0".to_owned()));
    assert_eq!(raw.json()["createdFields"], json!(["score", "vip"]));
    assert_eq!(fake.members("vip"), ids(&["u-1", "u-2"]));
    assert_eq!(fake.user("u-2").unwrap()["email"], "u-2+1@placeholder.email");
    update(&fake, json!([{"email": "ana@example.org", "dataFields": {"vip": false}}])).await;
    assert_eq!(fake.members("vip"), ids(&["u-2"]));
    assert_eq!(fake.fields()["score"], "double");
    assert_eq!(get(&fake, "/api/users/getFields").await.json()["fields"]["vip"], "boolean");
}

#[tokio::test]
async fn a_list_is_joined_and_left() {
    let fake = start(Config { lists: vec![List::standard("vip")], ..Config::default() }).await;
    let raw = post(
        &fake,
        SUBSCRIBE,
        json!({"listId": 1, "subscribers": [{"email": "a@example.com"}], "updateExistingUsersOnly": false}),
    )
    .await;
    assert_eq!(told(&raw), "1/0");
    assert_eq!(fake.subscribers("vip"), ids(&["a@example.com"]));
    assert_eq!(get(&fake, "/api/lists/1/size").await.body(), "1");
    assert_eq!(get(&fake, "/api/lists/getUsers?listId=1").await.body(), "a@example.com");
    let leave = json!({"listId": 1, "subscribers": [{"email": "A@example.com"}, {"email": "no@example.com"}], "channelUnsubscribe": false});
    let raw = post(&fake, UNSUBSCRIBE, leave).await;
    assert_eq!(told(&raw), r#"1/1 notFoundEmails ["no@example.com"]"#);
    assert_eq!(fake.subscribers("vip"), ids(&[]));
    assert_eq!(fake.channel_unsubscribed(), ids(&[]));
}

#[tokio::test]
async fn leaving_a_list_without_a_word_about_the_channel_takes_consent_back() {
    let fake = start(Config { lists: vec![List::standard("vip")], ..Config::default() }).await;
    post(&fake, SUBSCRIBE, json!({"listId": 1, "subscribers": [{"email": "a@example.com"}]})).await;
    post(&fake, UNSUBSCRIBE, json!({"listId": 1, "subscribers": [{"email": "a@example.com"}]})).await;
    assert_eq!(fake.channel_unsubscribed(), ids(&["a@example.com"]));
}

#[tokio::test]
async fn only_static_lists_that_are_there_can_be_joined() {
    let lists = vec![List::of_kind("vip", "Dynamic"), List::standard("vip")];
    let fake = start(Config { lists, ..Config::default() }).await;
    for (list, status) in [(1, 400), (2, 200), (3, 400)] {
        let raw = post(&fake, SUBSCRIBE, json!({"listId": list, "subscribers": [{"email": "a@example.com"}]})).await;
        assert_eq!(raw.status(), status, "{list}");
    }
    fake.delete_list(2);
    let raw = post(&fake, UNSUBSCRIBE, json!({"listId": 2, "subscribers": [{"email": "a@example.com"}]})).await;
    assert_eq!(raw.json()["msg"], "error.lists.invalidListId");
}

#[tokio::test]
async fn lists_are_shown_and_made() {
    let fake = start(Config { lists: vec![List::of_kind("vip", "Dynamic")], ..Config::default() }).await;
    assert_eq!(get(&fake, "/api/lists").await.json()["lists"][0]["listType"], "Dynamic");
    let raw = post(&fake, "/api/lists", json!({"name": "vip", "description": "ours"})).await;
    assert_eq!((raw.status(), raw.json()), (200, json!({"listId": 2})));
    assert_eq!(fake.lists()[1], (2, List::standard("vip")));
    assert_eq!(post(&fake, "/api/lists", json!({"title": "vip"})).await.status(), 400);
    assert_eq!(post(&fake, "/api/lists", json!({"name": " "})).await.status(), 400);
}

#[tokio::test]
async fn keys_stand_in_their_header() {
    let fake = start(Config { weak_keys: ids(&["weak"]), ..Config::default() }).await;
    for (target, headers, msg) in [
        (UPDATE, vec![JSON], "Invalid API key"),
        (UPDATE, vec![JSON, ("api-key", "other")], "Invalid API key"),
        (UPDATE, vec![JSON, ("api_key", "fake-iterable-key")], "Invalid API key"),
        ("/api/users/bulkUpdate?api_key=fake-iterable-key", vec![JSON], "Invalid API key"),
        (UPDATE, vec![JSON, ("api-key", "weak")], "Disabled API key or insufficient privileges"),
    ] {
        let raw = exchange(fake.server().addr(), &request("POST", target, &headers, b"{}")).await;
        assert_eq!((raw.status(), raw.json()["msg"].clone()), (401, json!(msg)), "{target} {headers:?}");
    }
}

#[tokio::test]
async fn bodies_have_their_shape() {
    let fake = start(Config { lists: vec![List::standard("vip")], ..Config::default() }).await;
    for (path, body, at) in [
        (
            UPDATE,
            json!({"users": [{"email": "a@example.com"}, {"email": "b@example.com", "preferUserId": "yes"}]}),
            "obj.users[1].preferUserId",
        ),
        (UPDATE, json!({"users": [{"dataFields": {}}]}), "obj.users[0]"),
        (UPDATE, json!({"users": [{"email": 7}]}), "obj.users[0].email"),
        (UPDATE, json!({"users": [{"email": "a@example.com", "vip": true}]}), "obj.users[0].vip"),
        (UPDATE, json!({"subscribers": []}), "obj.subscribers"),
        (UPDATE, json!({}), "obj.users"),
        (SUBSCRIBE, json!({"listId": "1", "subscribers": [{"email": "a@example.com"}]}), "obj.listId"),
        (SUBSCRIBE, json!({"subscribers": [{"email": "a@example.com"}]}), "obj.listId"),
        (SUBSCRIBE, json!({"listId": 1, "subscribers": [], "createNewFields": true}), "obj.createNewFields"),
        (
            UNSUBSCRIBE,
            json!({"listId": 1, "subscribers": [{"email": "a@example.com", "dataFields": {}}]}),
            "obj.subscribers[0].dataFields",
        ),
        (UNSUBSCRIBE, json!({"listId": 1, "subscribers": [], "channelUnsubscribe": "false"}), "obj.channelUnsubscribe"),
    ] {
        let raw = post(&fake, path, body.clone()).await;
        assert_eq!((raw.status(), raw.json()["code"].clone()), (400, json!("BadJsonBody")), "{body}");
        assert!(raw.json()["params"].get(at).is_some(), "{body}: {}", raw.body());
    }
    assert_eq!(update(&fake, json!([])).await.json()["code"], "BadParams");
    assert_eq!(fake.users(), Vec::<Value>::new());
    for (method, path) in [("PUT", UPDATE), ("POST", "/api/users/bulkUpdate/"), ("DELETE", "/api/channels")] {
        let raw = exchange(fake.server().addr(), &request(method, path, &[JSON, KEY], b"{}")).await;
        assert_eq!(raw.status(), 404, "{method} {path}");
    }
    let raw = exchange(fake.server().addr(), &request("POST", UPDATE, &[KEY], b"{}")).await;
    assert_eq!(raw.status(), 400, "the body is declared to be JSON");
}

#[tokio::test]
async fn requests_have_limits() {
    let fake = of_type(ProjectType::UserId).await;
    let users = |count: usize| -> Value { (0..count).map(|n| json!({"userId": format!("u{n}")})).collect() };
    assert_eq!(told(&update(&fake, users(1_000)).await), "1000/0");
    assert_eq!(update(&fake, users(1_001)).await.json()["code"], "BatchTooLarge");
    let filled = |bytes: usize| {
        let around = r#"{"users":[{"userId":"u","dataFields":{"n":{"t":""}}}]}"#.len();
        json!({"users": [{"userId": "u", "dataFields": {"n": {"t": "x".repeat(bytes - around)}}}]})
    };
    assert_eq!(post(&fake, UPDATE, filled(4_000_000)).await.status(), 200);
    assert_eq!(post(&fake, UPDATE, filled(4_000_001)).await.status(), 413);
}

#[tokio::test]
async fn a_type_is_fixed_by_the_first_value_and_refuses_the_whole_request() {
    let fake = of_type(ProjectType::UserId).await;
    update(
        &fake,
        json!([{"userId": "a", "dataFields": {"score": 450, "tags": ["x"], "at": "2020-04-13", "o": {"n": 1}}}]),
    )
    .await;
    let fields = fake.fields();
    let types: Vec<_> = ["score", "tags", "at", "o", "o.n"].iter().map(|name| fields[*name].as_str()).collect();
    assert_eq!(types, ["long", "string", "date", "object", "long"]);
    for (name, value) in [
        ("score", json!(450.5)),
        ("score", json!("450")),
        ("tags", json!([1])),
        ("at", json!("2020-04-13 14:04:09.000")),
        ("o", json!("text")),
        ("o", json!({"n": "text"})),
    ] {
        let raw = update(&fake, json!([{"userId": "b"}, {"userId": "c", "dataFields": {name: value}}])).await;
        assert_eq!((raw.status(), raw.json()["code"].clone()), (400, json!("RequestFieldsTypesMismatched")), "{name}");
        let errors = raw.json()["params"]["validationErrors"].clone();
        assert!(errors.as_object().unwrap().keys().all(|key| key.starts_with(&format!("fake_project_etl:::{name}"))));
    }
    assert_eq!(fake.user("b"), None, "nothing of a refused request has an effect");
    assert_eq!(told(&update(&fake, json!([{"userId": "b", "dataFields": {"score": null}}])).await), "1/0");
}

#[tokio::test]
async fn a_field_of_fractions_may_refuse_whole_numbers() {
    let fields = [("score".to_owned(), "double".to_owned())].into();
    let whole = json!([{"email": "a@example.com", "dataFields": {"score": 450}}]);
    let fake = start(Config { fields, ..Config::default() }).await;
    assert_eq!(update(&fake, whole.clone()).await.status(), 400);
    let fields = [("score".to_owned(), "double".to_owned())].into();
    let fake = start(Config { fields, doubles_take_integers: true, ..Config::default() }).await;
    assert_eq!(update(&fake, whole).await.status(), 200);
}

#[tokio::test]
async fn fields_are_created_only_where_they_may_be() {
    let fake = start(Config { creates_fields: false, fields_max: 2, ..Config::default() }).await;
    let users = json!([{"email": "a@example.com", "dataFields": {"a": 1, "b": 2}}]);
    let raw = post(&fake, UPDATE, json!({ "users": users.clone() })).await;
    assert_eq!(raw.json()["filteredOutFields"], json!(["a", "b"]));
    assert_eq!(fake.user("a@example.com").unwrap()["dataFields"], json!({}));
    assert_eq!(post(&fake, UPDATE, json!({"users": users, "createNewFields": true})).await.status(), 200);
    let third = json!([{"email": "a@example.com", "dataFields": {"c": 1}}]);
    let raw = post(&fake, UPDATE, json!({"users": third.clone(), "createNewFields": true})).await;
    assert_eq!(raw.json()["code"], "UniqueFieldsLimitExceeded");
    assert_eq!(told(&post(&fake, UPDATE, json!({"users": third, "createNewFields": false})).await), "1/0");
}

#[tokio::test]
async fn each_project_type_identifies_in_its_way() {
    let email = of_type(ProjectType::Email).await;
    assert_eq!(told(&update(&email, json!([{"userId": "u"}])).await), r#"0/1 notFoundUserIds ["u"]"#);
    assert_eq!(
        told(
            &update(
                &email,
                json!([{"email": "a@example.com", "userId": "u"}, {"email": "A@example.com", "userId": "v"}])
            )
            .await
        ),
        "2/0"
    );
    assert_eq!(email.user("a@example.com").unwrap()["userId"], "v");
    let by_id = of_type(ProjectType::UserId).await;
    assert_eq!(
        told(&update(&by_id, json!([{"email": "a@example.com"}])).await),
        r#"0/1 invalidEmails ["a@example.com"]"#
    );
    let people = json!([{"userId": "u", "dataFields": {"email": "a@example.com"}}, {"userId": "U", "dataFields": {"email": "a@example.com"}}]);
    assert_eq!(told(&update(&by_id, people).await), "2/0");
    assert_eq!(by_id.users().len(), 2);
    let hybrid = of_type(ProjectType::Hybrid).await;
    update(&hybrid, json!([{"userId": "u", "email": "a@example.com"}, {"userId": "v"}])).await;
    let clash = r#"0/1 conflictEmails ["a@example.com"] conflictUserIds ["v"]"#;
    assert_eq!(told(&update(&hybrid, json!([{"userId": "v", "email": "a@example.com"}])).await), clash);
    assert_eq!(told(&update(&hybrid, json!([{"userId": "u", "email": "b@example.com"}])).await), "1/0");
    assert_eq!(
        (hybrid.user("a@example.com"), hybrid.user("b@example.com").unwrap()["userId"].clone()),
        (None, json!("u"))
    );
}

#[tokio::test]
async fn only_known_users_where_that_is_heeded() {
    for (project_type, expect) in
        [(ProjectType::Hybrid, r#"0/1 notFoundEmails ["a@example.com"]"#), (ProjectType::Email, "1/0")]
    {
        let fake = start(Config { project_type, lists: vec![List::standard("vip")], ..Config::default() }).await;
        let body = json!({"listId": 1, "subscribers": [{"email": "a@example.com"}], "updateExistingUsersOnly": true});
        assert_eq!(told(&post(&fake, SUBSCRIBE, body).await), expect);
    }
}

#[tokio::test]
async fn who_cannot_be_taken_is_named_and_the_others_are_taken() {
    let fake = start(Config {
        project_type: ProjectType::Hybrid,
        forgotten: ids(&["gone"]),
        invalid_data: ids(&["odd"]),
        unnamed: ids(&["silent"]),
        shouts: true,
        ..Config::default()
    })
    .await;
    let raw = update(
        &fake,
        json!([
            {"email": "no-address"}, {"userId": " space"}, {"userId": "gone"}, {"userId": "odd"}, {"userId": "good"},
            {"userId": "x".repeat(53)}, {"userId": "reserved", "dataFields": {"devices": []}},
            {"userId": "place", "dataFields": {"home_geo_location": {"lat": 1}}},
            {"userId": "other", "dataFields": {"userId": "good"}}, {"userId": "silent", "dataFields": {"createdAt": 1}},
        ]),
    )
    .await;
    let body = raw.json();
    assert_eq!((body["successCount"].clone(), body["failCount"].clone()), (json!(1), json!(9)));
    let failed = &body["failedUpdates"];
    assert_eq!(failed["invalidEmails"], json!(["NO-ADDRESS"]));
    assert_eq!(body["invalidEmails"], failed["invalidEmails"], "copies of an older form");
    assert_eq!(failed["invalidUserIds"].as_array().unwrap().len(), 2);
    assert_eq!(failed["invalidDataUserIds"], json!(["odd", "reserved", "place", "other"]));
    assert_eq!(failed["forgottenUserIds"], json!(["gone"]));
}

#[tokio::test]
async fn null_removes_and_objects_are_merged_one_level_deep() {
    let fake = of_type(ProjectType::UserId).await;
    update(&fake, json!([{"userId": "u", "dataFields": {"a": "x", "o": {"p": {"q": 1}, "r": 2}}}])).await;
    update(
        &fake,
        json!([{"userId": "u", "mergeNestedObjects": true, "dataFields": {"a": null, "o": {"p": {"s": 3}}}}]),
    )
    .await;
    assert_eq!(fake.user("u").unwrap()["dataFields"], json!({"o": {"p": {"s": 3}, "r": 2}}));
    update(&fake, json!([{"userId": "u", "dataFields": {"o": {"r": 4}}}])).await;
    assert_eq!(fake.user("u").unwrap()["dataFields"], json!({"o": {"r": 4}}));
    assert_eq!(get(&fake, "/api/users/byUserId?userId=u").await.json()["user"]["userId"], "u");
    assert_eq!(get(&fake, "/api/users/getByEmail?email=x%40example.com").await.json(), json!({}));
}

#[tokio::test]
async fn a_pace_is_scripted_with_faults() {
    let fake = of_type(ProjectType::UserId).await;
    let late = refused(429, "RateLimitExceeded", "Exceeded rate limit").header("retry-after", "2");
    fake.server().fault(Fault::once(Action::Answer(late)).path(UPDATE));
    let raw = update(&fake, json!([{"userId": "u"}])).await;
    assert_eq!((raw.status(), raw.header("retry-after")), (429, Some("2".to_owned())));
    assert_eq!(update(&fake, json!([{"userId": "u"}])).await.status(), 200);
}
