use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("authorization", "Bearer fake-braze-key");

async fn send(braze: &Braze, headers: &[(&str, &str)], body: &[u8]) -> Raw {
    exchange(braze.server().addr(), &request("POST", "/users/track", headers, body)).await
}

async fn track(braze: &Braze, body: Value) -> Raw {
    send(braze, &[JSON, KEY], body.to_string().as_bytes()).await
}

async fn start() -> Braze {
    Braze::start(Config::default()).await.unwrap()
}

/// Sends one body to a fresh workspace; gives the status and the JSON answered.
async fn check(body: Value, expect: (u16, Value)) {
    let raw = track(&start().await, body).await;
    assert_eq!((raw.status(), raw.json()), expect);
}

fn refused(text: &str) -> Value {
    json!({ "message": text })
}

fn ids(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn a_boolean_attribute_makes_and_unmakes_a_member() {
    let braze = start().await;
    let raw =
        track(&braze, json!({"attributes": [{"external_id": "u1", "vip": true}, {"external_id": "u2", "vip": true}]}))
            .await;
    assert_eq!((raw.status(), raw.json()), (201, json!({"message": "success", "attributes_processed": 2})));
    assert_eq!(braze.members("vip"), ids(&["u1", "u2"]));
    track(&braze, json!({"attributes": [{"external_id": "u1", "vip": false}]})).await;
    assert_eq!(braze.members("vip"), ids(&["u2"]));
    assert_eq!(braze.profile("u1").unwrap()["vip"], json!(false));
    assert_eq!(braze.profile("u3"), None);
}

#[tokio::test]
async fn an_element_of_an_array_makes_and_unmakes_a_member() {
    let braze = start().await;
    track(&braze, json!({"attributes": [{"external_id": "u1", "audiences": {"add": ["vip", "new"]}}]})).await;
    assert_eq!(braze.members_with_element("audiences", "vip"), ids(&["u1"]));
    track(&braze, json!({"attributes": [{"external_id": "u1", "audiences": {"remove": ["vip"]}}]})).await;
    assert_eq!(braze.members_with_element("audiences", "vip"), ids(&[]));
    assert_eq!(braze.members_with_element("audiences", "new"), ids(&["u1"]));
}

#[tokio::test]
async fn a_group_state_makes_a_subscriber() {
    let braze = start().await;
    let groups = json!([{"subscription_group_id": "g", "subscription_state": "subscribed"}]);
    track(&braze, json!({"attributes": [{"external_id": "u1", "subscription_groups": groups}]})).await;
    assert_eq!(braze.subscribers("g"), ids(&["u1"]));
}

#[tokio::test]
async fn profiles_without_external_id_are_no_members_but_are_listed() {
    let braze = start().await;
    track(&braze, json!({"attributes": [{"email": "ann@example.com", "vip": true}]})).await;
    assert_eq!(braze.members("vip"), ids(&[]));
    assert_eq!(braze.profiles()[0]["email"], "ann@example.com");
}

#[tokio::test]
async fn a_key_that_is_missing_wrong_foreign_or_inactive_is_refused() {
    let config = Config { foreign_keys: ids(&["eu-key"]), ..Config::default() };
    let braze = Braze::start(config).await.unwrap();
    let cases = [
        (None, 401, KEY_INVALID),
        (Some("fake-braze-key"), 401, KEY_INVALID),
        (Some("Basic fake-braze-key"), 401, KEY_INVALID),
        (Some("Bearer "), 401, KEY_INVALID),
        (Some("Bearer other"), 401, KEY_INVALID),
        (Some("Bearer eu-key"), 404, KEY_UNKNOWN),
    ];
    for (key, status, text) in cases {
        let headers: Vec<_> = key.map(|key| ("authorization", key)).into_iter().chain([JSON]).collect();
        let raw = send(&braze, &headers, b"{\"attributes\":[]}").await;
        assert_eq!((raw.status(), raw.json()), (status, refused(text)), "{key:?}");
    }
    let braze = Braze::start(Config { inactive: true, ..Config::default() }).await.unwrap();
    assert_eq!(track(&braze, json!({})).await.status(), 403);
}

#[tokio::test]
async fn other_endpoints_and_methods_do_not_exist() {
    let braze = start().await;
    for (method, path) in [("GET", "/users/track"), ("POST", "/users/track/"), ("POST", "/users/delete")] {
        let raw = exchange(braze.server().addr(), &request(method, path, &[JSON, KEY], b"{}")).await;
        assert_eq!(raw.status(), 404, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_must_be_declared_and_valid_json() {
    let braze = start().await;
    let body = b"{\"attributes\":[{\"external_id\":\"u1\"}]}";
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let raw = send(&braze, &[KEY, ("content-type", kind)], body).await;
        assert_eq!((raw.status(), raw.json()), (400, refused("the content type must be application/json")));
    }
    assert_eq!(send(&braze, &[KEY, ("content-type", "application/json; charset=utf-8")], body).await.status(), 201);
    let raw = send(&braze, &[KEY, JSON], b"{\"attributes\":[").await;
    assert_eq!((raw.status(), raw.json()), (400, refused("the body is not valid JSON")));
    check(json!([]), (400, refused("the body must be an object"))).await;
    check(json!({"attributes": {}}), (400, refused("'attributes' must be an array"))).await;
}

#[tokio::test]
async fn a_request_without_objects_is_refused() {
    check(json!({"attributes": []}), (400, refused(NOTHING))).await;
    check(json!({}), (400, refused(NOTHING))).await;
}

const NOTHING: &str = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.";

#[tokio::test]
async fn at_most_75_objects_are_taken_over_all_arrays() {
    let objects = |count: usize| vec![json!({"external_id": "u1"}); count];
    check(
        json!({"attributes": objects(74), "events": objects(1)}),
        (201, json!({"message": "success", "attributes_processed": 74, "events_processed": 1})),
    )
    .await;
    check(json!({"attributes": objects(74), "purchases": objects(2)}), (400, refused("Max input length exceeded")))
        .await;
}

#[tokio::test]
async fn a_request_above_4_mb_is_refused() {
    let braze = start().await;
    let raw = send(&braze, &[JSON, KEY], &vec![b' '; 4_000_001]).await;
    assert_eq!(raw.status(), 413);
}

#[tokio::test]
async fn invalid_objects_are_named_by_index_and_the_others_applied() {
    let braze = start().await;
    let raw = track(&braze, json!({"attributes": [{"external_id": "u1", "vip": true}, {"external_id": "u2", "email": "x", "vip": true}, {"vip": true}]})).await;
    let errors = json!([
        {"type": "EMAIL_BAD_FORMAT", "input_array": "attributes", "index": 1},
        {"type": object::IDENTIFIER_MISSING, "input_array": "attributes", "index": 2},
    ]);
    assert_eq!(
        (raw.status(), raw.json()),
        (201, json!({"message": "success", "attributes_processed": 1, "errors": errors}))
    );
    assert_eq!(braze.members("vip"), ids(&["u1"]));
}

#[tokio::test]
async fn a_request_of_invalid_objects_only_is_refused_with_their_errors() {
    let errors = json!([{"type": object::IDENTIFIER_MISSING, "input_array": "attributes", "index": 0}]);
    check(json!({"attributes": [{}]}), (400, json!({"message": NOTHING, "errors": errors}))).await;
}

#[tokio::test]
async fn maintenance_queues_requests_until_it_ends() {
    let braze = start().await;
    braze.set_maintenance(true);
    let raw = track(&braze, json!({"attributes": [{"external_id": "u1", "vip": true}]})).await;
    assert_eq!((raw.status(), raw.json()), (202, refused("queued")));
    assert_eq!(braze.members("vip"), ids(&[]));
    braze.set_maintenance(false);
    assert_eq!(braze.members("vip"), ids(&["u1"]));
}

fn limits(raw: &Raw) -> [Option<String>; 4] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-retry-after"]
        .map(|name| raw.header(name))
}

fn header(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn paced(plan: Plan) -> Braze {
    let pace = Some(Pace { requests: 1, window_s: 60 });
    Braze::start(Config { plan, pace, now_s: 2_000_000_000, ..Config::default() }).await.unwrap()
}

#[tokio::test]
async fn a_classic_plan_tells_the_moment_of_reset() {
    let braze = paced(Plan::Classic).await;
    let body = json!({"attributes": [{"external_id": "u1"}]});
    let raw = track(&braze, body.clone()).await;
    assert_eq!((raw.status(), limits(&raw)), (201, [header("1"), header("0"), header("2000000060"), None]));
    braze.set_now(2_000_000_059);
    let raw = track(&braze, body.clone()).await;
    assert_eq!((raw.status(), limits(&raw)), (429, [header("1"), header("0"), header("2000000060"), None]));
    braze.set_now(2_000_000_060);
    assert_eq!(track(&braze, body).await.status(), 201);
}

#[tokio::test]
async fn a_mau_plan_tells_only_the_seconds_to_wait() {
    let braze = paced(Plan::Mau).await;
    let body = json!({"attributes": [{"external_id": "u1"}]});
    let raw = track(&braze, body.clone()).await;
    assert_eq!(limits(&raw), [header("1"), header("0"), header("60"), None]);
    braze.set_now(2_000_000_020);
    let raw = track(&braze, body).await;
    assert_eq!((raw.status(), limits(&raw)), (429, [None, None, None, header("40")]));
}

#[tokio::test]
async fn without_a_pace_every_request_is_in_time() {
    let braze = start().await;
    for _ in 0..3 {
        let raw = track(&braze, json!({"attributes": [{"external_id": "u1"}]})).await;
        assert_eq!((raw.status(), raw.header("x-ratelimit-remaining")), (201, header("2999")));
    }
}

#[tokio::test]
async fn a_reset_leaves_the_member_in_the_audience() {
    let braze = start().await;
    braze.server().fault(Fault::once(Action::Reset).path("/users/track"));
    let raw = track(&braze, json!({"attributes": [{"external_id": "u1", "vip": true}]})).await;
    assert!(raw.bytes.is_empty());
    assert_eq!(braze.members("vip"), ids(&["u1"]));
}
