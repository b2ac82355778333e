//! The API of a running host: who may ask what, what is masked, and edits that do not overwrite each other.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Host, command, ids, people, until_braze_has};
use crate::support::World;

/// Asks as whoever has the token; the status, and the document of the answer.
async fn ask(host: &Host, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{method} /api/v1/{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", host.address);
    if !token.is_empty() {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(&host.address).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or_default())
}

async fn token(world: &World, name: &str, role: &str) -> String {
    let (code, told) = command(world, &["token", "new", name, "--role", role]).await;
    assert_eq!(code, 0, "{told:#}");
    told["token"].as_str().expect("it is shown this once").to_owned()
}

const AUDIENCE: &str = "connections/gold/braze-eu";

/// A connection of the folder, as the API names it.
async fn connection(host: &Host, token: &str) -> String {
    let (_, told) = ask(host, token, "GET", "overview", None).await;
    let one = &told["connections"][0];
    let text = |name: &str| one[name].as_str().expect("a text").to_owned();
    format!("connections/{}/{}", text("audience"), text("destination"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_needs_a_token_and_no_more_than_its_role_is_answered() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    let (viewer, admin) = (token(&world, "looks", "viewer").await, token(&world, "boss", "admin").await);

    let (status, told) = ask(&host, "", "GET", "overview", None).await;
    assert_eq!((status, &told["status"], &told["type"]), (401, &json!(401), &json!("about:blank")), "{told:#}");
    let (status, told) = ask(&host, &viewer, "GET", "overview", None).await;
    assert_eq!((status, &told["connections"][0]["held"]), (200, &json!(3)), "{told:#}");
    let link = connection(&host, &viewer).await;
    let run = format!("{link}/run");
    let (status, told) = ask(&host, &viewer, "POST", &run, None).await;
    assert_eq!((status, &told["title"]), (403, &json!("not allowed")), "{told:#}");
    assert_eq!(ask(&host, &admin, "POST", &run, None).await.0, 202);
    for (path, body) in [("tokens", None), ("audit", None)] {
        assert_eq!(ask(&host, &viewer, "GET", path, body).await.0, 403, "{path}");
        assert_eq!(ask(&host, &admin, "GET", path, body).await.0, 200, "{path}");
    }
    for path in ["audiences/nobody", AUDIENCE.trim_end_matches("braze-eu"), "runs/999", "people/00", "plugins/none"] {
        assert_eq!(ask(&host, &viewer, "GET", path, None).await.0, 404, "{path}");
    }
    let (code, _) = command(&world, &["token", "revoke", "looks"]).await;
    assert_eq!((code, ask(&host, &viewer, "GET", "overview", None).await.0), (0, 401));
    let (code, told) = command(&world, &["token", "revoke", "looks"]).await;
    assert_eq!(code, 2, "{told:#}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_masked_until_an_operator_asks_and_the_log_has_it() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    let (viewer, operator) = (token(&world, "looks", "viewer").await, token(&world, "works", "operator").await);
    let id = ids(0..1).pop_first().expect("somebody");
    let search = json!({ "kind": "id", "value": id });
    let (_, found) = ask(&host, &viewer, "POST", "people/search", Some(&search)).await;
    let handle = found[0]["handle"].as_str().expect("one is found").to_owned();
    let (status, masked) = ask(&host, &viewer, "GET", &format!("people/{handle}"), None).await;
    assert_eq!((status, &masked["revealed"]), (200, &json!(false)), "{masked:#}");
    let reveal = format!("people/{handle}/reveal");
    assert_eq!(ask(&host, &viewer, "POST", &reveal, None).await.0, 403);
    let (status, revealed) = ask(&host, &operator, "POST", &reveal, None).await;
    assert_eq!((status, revealed["id"].as_str()), (200, Some(id.as_str())));
    let (condition, link) = (json!({ "condition": "true" }), connection(&host, &viewer).await);
    let mut seen = vec![found.to_string(), masked.to_string()];
    for (method, path, body) in [
        ("POST", "conditions/count".to_owned(), Some(&condition)),
        ("POST", format!("{link}/plan"), Some(&json!({}))),
        ("GET", "traits".to_owned(), None),
        ("GET", "runs".to_owned(), None),
        ("GET", "refused".to_owned(), None),
    ] {
        let (status, told) = ask(&host, &viewer, method, &path, body).await;
        assert_eq!(status, 200, "{path}: {told:#}");
        seen.push(told.to_string());
    }
    for (_, value) in revealed["values"].as_array().expect("values").iter().map(|one| (&one[1], &one[2])) {
        let value = value.as_str().expect("a text");
        // What has no letter or digit, or two of them, has its shape by chance.
        if value.contains('@') {
            assert!(seen.iter().all(|text| !text.contains(value)), "{value}");
        }
    }
    assert!(seen.iter().all(|text| !text.contains(&format!("\"{id}\""))));
    let (code, log) = command(&world, &["audit"]).await;
    assert_eq!((code, &log[0]["who"], &log[0]["what"]), (0, &json!("works"), &json!("saw the values of a person")));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_the_second_learns_of_the_first_and_nothing_is_overwritten() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    let operator = token(&world, "works", "operator").await;
    let (_, files) = ask(&host, &operator, "GET", "files", None).await;
    let (text, version) = (files["audiences"].as_str().expect("a text"), &files["version"]);
    let mine = format!("# mine\n{text}");
    let (status, saved) =
        ask(&host, &operator, "PUT", "files", Some(&json!({ "version": version, "audiences": mine }))).await;
    assert_eq!((status, &saved["not_in_force"]), (200, &Value::Null), "{saved:#}");
    assert_eq!(std::fs::read_to_string(world.folder.path().join("audiences.toml")).expect("it is there"), mine);

    let late = json!({ "version": version, "audiences": format!("{text}# late\n") });
    let (status, told) = ask(&host, &operator, "PUT", "files", Some(&late)).await;
    assert_eq!((status, told["conflict"]["version"].clone()), (409, saved["version"].clone()), "{told:#}");
    assert_eq!(told["conflict"]["merged"]["audiences"], json!(format!("# mine\n{text}# late\n")), "{told:#}");
    let wrong = json!({ "version": saved["version"], "audiences": format!("{mine}[audience.x]\n") });
    let (status, told) = ask(&host, &operator, "PUT", "files", Some(&wrong)).await;
    assert_eq!(status, 422, "{told:#}");
    assert!(told["mistakes"][0]["code"].is_string(), "{told:#}");
    let plugins = files["plugins"].as_str().expect("a text");
    let more = json!({ "version": saved["version"], "plugins": format!("{plugins}[plugin.x]\nfile = \"x.wasm\"\n") });
    assert_eq!(ask(&host, &operator, "PUT", "files", Some(&more)).await.0, 403, "what may run is for an admin");
    assert_eq!(std::fs::read_to_string(world.folder.path().join("audiences.toml")).expect("it is there"), mine);
    let (_, history) = ask(&host, &operator, "GET", "files/history", None).await;
    assert_eq!(
        (history[0]["who"].as_str(), history[1]["who"].as_str()),
        (Some("works"), Some("by hand")),
        "{history:#}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_read_only_changes_nothing_and_bad_bodies_are_told() {
    let world = World::new().await;
    people(&world, 0..3);
    let mut command_line = tokio::process::Command::from(crate::support::enroute());
    command_line.arg("-C").arg(world.folder.path());
    let host = Host::started({
        command_line.args(["--json", "serve", "--listen", "127.0.0.1:0", "--read-only"]);
        command_line
    })
    .await;
    let admin = token(&world, "boss", "admin").await;
    let (_, files) = ask(&host, &admin, "GET", "files", None).await;
    let edit = json!({ "version": files["version"], "audiences": "# nothing\n" });
    let (status, told) = ask(&host, &admin, "PUT", "files", Some(&edit)).await;
    assert_eq!((status, &told["title"]), (403, &json!("read-only")), "{told:#}");
    let run = format!("{}/run", connection(&host, &admin).await);
    assert_eq!(ask(&host, &admin, "POST", &run, None).await.0, 403);
    for body in [json!({}), json!([]), json!({ "condition": 7 })] {
        let (status, told) = ask(&host, &admin, "POST", "conditions/count", Some(&body)).await;
        assert_eq!((status, &told["title"]), (422, &json!("not right")), "{body}: {told:#}");
    }
    let (status, told) =
        ask(&host, &admin, "POST", "conditions/count", Some(&json!({ "condition": "plan = 'gold'" }))).await;
    assert_eq!(status, 200);
    assert!(told["problem"]["hint"].as_str().is_some_and(|hint| hint.contains("traits ->> 'plan'")), "{told:#}");
    let (status, document) = ask(&host, "", "GET", "openapi.json", None).await;
    assert_eq!((status, &document["info"]["title"]), (200, &json!("Enroute")));
    host.stop().await;
}
