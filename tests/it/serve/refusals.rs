//! The API of a running host: what it refuses, and how; what is asked of files in hand; and what is told as it happens.

mod client;

use serde_json::{Value, json};

use self::client::{Client, ask, token};
use super::{Host, command, ids, people, until_braze_has};
use crate::support::{AUDIENCES, World};

async fn started() -> (World, Host) {
    let world = World::new().await;
    people(&world, 0..5);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..5)).await;
    (world, host)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_without_a_token_that_is_good() {
    let (world, host) = started().await;
    let good = token(&world, "ann", "viewer").await;
    let overview = "/api/v1/overview";
    for said in [None, Some("Bearer"), Some("Basic YW5uOg=="), Some("Bearer "), Some("Bearer ert_0000")] {
        let headers: Vec<_> = said.map(|said| ("Authorization", said)).into_iter().collect();
        let answer = ask(&host, "GET", overview, &headers, None).await;
        let problem = answer.problem(401);
        assert!(answer.head.contains("www-authenticate: Bearer"), "{said:?}: {}", answer.head);
        assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("enroute token new")), "{problem:#}");
    }
    // Where a token stands in an address, it is not read, and a proxy's log would have it.
    ask(&host, "GET", &format!("{overview}?token={good}"), &[], None).await.problem(401);
    let answer = Client { host: &host, token: good.clone() }.get(overview).await;
    assert_eq!(answer["connections"].as_array().map(Vec::len), Some(2), "{answer:#}");
    for open in ["/health", "/ready", "/metrics", "/api/v1/openapi.json"] {
        assert_eq!(ask(&host, "GET", open, &[], None).await.status, 200, "{open}");
    }
    let (code, _) = command(&world, &["token", "revoke", "ann"]).await;
    assert_eq!(code, 0);
    ask(&host, "GET", overview, &[("Authorization", &format!("Bearer {good}"))], None).await.problem(401);
    let (_, list) = command(&world, &["token", "list"]).await;
    assert!(!list.to_string().contains(&good), "what a token is is shown once: {list:#}");
    let kept = std::fs::read(world.state().join("store.db")).expect("the store is a file");
    assert!(!kept.windows(good.len()).any(|part| part == good.as_bytes()), "a token is kept as a hash");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wrong_tokens_have_to_wait_and_keep_nobody_else_out() {
    let (world, host) = started().await;
    let good = Client { host: &host, token: token(&world, "ann", "viewer").await };
    let answers = client::many_wrong(&host, 10_000).await;
    let count = |status: &str| answers.matches(&format!("HTTP/1.1 {status} ")).count();
    let (answered, refused) = (count("401"), count("429"));
    assert_eq!(answered + refused, 10_000);
    // Ten a minute; a slow machine may need some minutes for all of them.
    assert!((10..200).contains(&answered), "{answered} did not have to wait");
    assert_eq!(answers.matches("retry-after: ").count(), refused);
    good.get("/api/v1/overview").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_and_a_name_that_is_not_ours_get_nothing() {
    let (world, host) = started().await;
    let said = format!("Bearer {}", token(&world, "ann", "admin").await);
    let (path, own) = ("/api/v1/overview", format!("http://{}", host.address()));
    for (origin, expect) in [(own.as_str(), 200), ("null", 403), ("http://evil.example", 403)] {
        let answer = ask(&host, "GET", path, &[("Authorization", &said), ("Origin", origin)], None).await;
        assert_eq!(answer.status, expect, "{origin}: {}", answer.body);
        assert!(!answer.head.contains("access-control-"), "no other page may read it: {}", answer.head);
        assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    }
    let (status, _) = host.get_as("evil.example", path).await;
    assert_eq!(status, 421);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_no_question_is_refused_as_a_problem() {
    let (world, host) = started().await;
    let said = format!("Bearer {}", token(&world, "ann", "admin").await);
    let json = ("Content-Type", "application/json");
    // Nothing of it is ever sent: it is refused by what it says of itself.
    let large = [("Authorization", said.as_str()), json, ("Content-Length", "1073741824")];
    ask(&host, "PUT", "/api/v1/files", &large, None).await.problem(413);
    let authorized = [("Authorization", said.as_str()), json];
    let count = "/api/v1/conditions/count";
    for body in ["", "{", "[]", "{}", r#"{"condition": 1}"#] {
        ask(&host, "POST", count, &authorized, Some(body)).await.problem(422);
    }
    ask(&host, "POST", count, &[("Authorization", &said)], Some("{}")).await.problem(422);
    ask(&host, "GET", "/api/v1/runs?before=x", &authorized, None).await.problem(422);
    for missing in ["/api/v1/none", "/api/v1/audiences/none", "/api/v1/runs/x", "/api/v1/runs/99", "/api/v1/people/zz"]
    {
        ask(&host, "GET", missing, &authorized, None).await.problem(404);
    }
    let answer = ask(&host, "DELETE", "/api/v1/files", &authorized, None).await;
    answer.problem(405);
    assert!(answer.head.contains("allow: ") && answer.head.contains("PUT"), "{}", answer.head);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_changes_nothing_and_sees_no_value_and_an_operator_makes_no_token() {
    let (world, host) = started().await;
    let viewer = Client { host: &host, token: token(&world, "eve", "viewer").await };
    let found = viewer.send("POST", "/api/v1/people/search", &json!({ "kind": "id", "value": "u3" }), 200).await;
    assert_eq!(found[0]["id"], "x9", "{found:#}");
    let handle = found[0]["handle"].as_str().expect("a handle").to_owned();
    let person = viewer.get(&format!("/api/v1/people/{handle}")).await;
    assert!(!person.to_string().contains("u3"), "{person:#}");
    let files = viewer.get("/api/v1/files").await;
    let edit = json!({ "version": files["version"], "audiences": "" });
    let (link, none) = ("/api/v1/connections/gold/braze-eu", json!({}));
    for (method, path, body) in [
        ("PUT", "/api/v1/files", &edit),
        ("POST", &format!("{link}/run"), &none),
        ("POST", &format!("{link}/try"), &json!({ "person": "u3" })),
        ("POST", &format!("{link}/plan?bodies=true"), &none),
        ("POST", "/api/v1/destinations/braze-eu/probe", &none),
        ("POST", "/api/v1/retry", &none),
        ("POST", &format!("/api/v1/people/{handle}/reveal"), &none),
        ("POST", "/api/v1/sources/crm/read", &none),
        ("GET", "/api/v1/audit", &none),
        ("GET", "/api/v1/tokens", &none),
        ("POST", "/api/v1/tokens", &json!({ "name": "x", "role": "admin" })),
        ("DELETE", "/api/v1/tokens/eve", &none),
    ] {
        viewer.send(method, path, body, 403).await;
    }
    let operator = Client { host: &host, token: token(&world, "ann", "operator").await };
    operator.send("POST", "/api/v1/tokens", &json!({ "name": "x", "role": "viewer" }), 403).await;
    let locked = json!({ "version": files["version"], "plugins": "[plugin.x]\nfile = \"x.wasm\"\n" });
    operator.send("PUT", "/api/v1/files", &locked, 403).await;
    let shown = operator.send("POST", &format!("/api/v1/people/{handle}/reveal"), &none, 200).await;
    assert_eq!(shown["id"], "u3", "{shown:#}");

    let admin = Client { host: &host, token: token(&world, "root", "admin").await };
    let log = admin.get("/api/v1/audit").await;
    let seen: Vec<_> = log.as_array().expect("lines").iter().filter(|line| line["who"] == "ann").collect();
    assert_eq!(seen.len(), 1, "{log:#}");
    assert_eq!((&seen[0]["what"], &seen[0]["role"]), (&json!("saw the values of a person"), &json!("operator")));
    assert!(!log.to_string().contains("u3"), "the log does not say who a person is: {log:#}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_hand_is_counted_matched_and_planned_before_it_is_saved() {
    let (world, host) = started().await;
    let viewer = Client { host: &host, token: token(&world, "eve", "viewer").await };
    let count = |condition: &str| json!({ "condition": condition });
    let path = "/api/v1/conditions/count";
    let counted = viewer.send("POST", path, &count("traits ->> 'plan' = 'gold'"), 200).await;
    assert_eq!((&counted["members"], &counted["people"], &counted["problem"]), (&json!(5), &json!(5), &Value::Null));
    assert!(!counted.to_string().contains("u3"), "{counted:#}");
    let wrong = viewer.send("POST", path, &count("traits ->> 'plan' = 'gold' and"), 200).await;
    assert!(wrong["problem"]["message"].is_string() && wrong["members"] == 0, "{wrong:#}");

    // What another destination lacks is no business of this one.
    let plugins = world.plugins_toml().replace("${file:facebook.token}", "${env:NOBODY_SET_THIS}");
    let wider = AUDIENCES.replace("traits ->> 'plan' = 'gold'", "traits ->> 'plan' = 'silver'");
    let in_hand = json!({ "plugins": plugins, "audiences": wider });
    let link = "/api/v1/connections/gold/braze-eu";
    let plan = viewer.send("POST", &format!("{link}/plan"), &in_hand, 200).await;
    assert!(!plan.to_string().contains("u3"), "{plan:#}");
    assert_eq!(plan[0]["changes"]["removed"], 5, "{plan:#}");
    let matched = viewer.send("POST", &format!("{link}/match"), &in_hand, 200).await;
    assert!(matched.as_array().is_some_and(|rows| !rows.is_empty()), "{matched:#}");
    let mistakes = viewer.send("POST", "/api/v1/files/check", &json!({ "audiences": "x = " }), 200).await;
    assert!(mistakes[0]["line"].is_u64() || mistakes[0]["places"].is_array(), "it has a place: {mistakes:#}");
    assert_eq!(viewer.get("/api/v1/files").await["audiences"], AUDIENCES, "nothing was saved");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_as_it_happens_until_the_host_stops_or_the_token_ends() {
    let (world, host) = started().await;
    let (eve, ann) = (token(&world, "eve", "viewer").await, token(&world, "ann", "viewer").await);
    let mut first = client::Stream::open(&host, &eve).await;
    let mut second = client::Stream::open(&host, &ann).await;
    let told = first.until("event: overview").await;
    assert!(told.contains("text/event-stream"), "{told}");
    second.until("event: overview").await;
    people(&world, 0..6);
    first.until("\"held\":6").await;
    let (code, _) = command(&world, &["token", "revoke", "eve"]).await;
    assert_eq!(code, 0);
    first.until("event: bye").await;
    host.signal("-TERM");
    second.until("event: bye").await;
    let (code, said) = host.end().await;
    assert_eq!(code, 0, "an open stream does not hold the stop: {said}");
}
