use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use enroute_config::secret::Secret;
use enroute_core::aggregate::Kind as How;
use enroute_store::Store;
use enroute_store::computed::Definition;
use enroute_store::inbox::Inbox;
use enroute_sync::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower_service::Service as _;

use super::*;

/// 2026-03-02 09:00 UTC.
const NOW_MS: u64 = 1_772_442_000_000;

/// The keys `wk_app:` and `wk_app`, as Basic has them.
const APP: &str = "Basic d2tfYXBwOg==";
const APP_BARE: &str = "Basic d2tfYXBw";

/// A host that listens for two sources, and its state folder.
struct World {
    tracking: Tracking,
    inbox: Arc<Inbox>,
    store: Arc<Store>,
    clock: Clock,
    touched: Arc<Mutex<Vec<Touched>>>,
    _dir: TempDir,
}

fn app() -> Listening {
    Listening {
        name: "app".to_owned(),
        key: Secret::from("wk_app".to_owned()),
        anonymous: false,
        calls: CallKind::ALL.into(),
        origins: Vec::new(),
        enabled: true,
    }
}

fn site() -> Listening {
    Listening {
        name: "site".to_owned(),
        key: Secret::from("wk_site".to_owned()),
        anonymous: true,
        calls: [CallKind::Track, CallKind::Page].into(),
        origins: vec!["https://www.example.com".to_owned()],
        enabled: true,
    }
}

impl World {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Arc::new(Store::open(&dir.path().join("state")).unwrap());
        let inbox = Arc::new(Inbox::open(&store).unwrap());
        let clock = Clock::starting_at(NOW_MS);
        let tracking = Tracking::new(Arc::clone(&inbox), store.sealer().clone(), clock.clone(), false);
        tracking.listen_to(vec![app(), site()]);
        Self { tracking, inbox, store, clock, touched: Arc::default(), _dir: dir }
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response: Response<Body> = router(self.tracking.clone()).call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, HeaderMap, Value) {
        let mut request = Request::builder().method(Method::POST).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = self.ask(request.body(body.into()).unwrap()).await;
        (status.as_u16(), headers, body)
    }

    /// Posts with the key of `app`, and expects that it is taken.
    async fn taken(&self, path: &str, body: impl Into<Body>) {
        let (status, _, body) = self.post(path, &[("authorization", APP)], body).await;
        assert_eq!((status, body), (200, json!({ "success": true })), "{path}");
    }

    async fn apply(&self) {
        let definition = Definition {
            name: "orders".to_owned(),
            how: How::Count,
            event: "Order".to_owned(),
            property: Vec::new(),
            window_ms: None,
        };
        let definitions: Arc<[Definition]> = Arc::new([definition]);
        let defined = Arc::clone(&definitions);
        self.store.write(move |tx| tx.define_computed(&defined)).await.unwrap();
        let touched = Arc::clone(&self.touched);
        let applier = Applier {
            store: Arc::clone(&self.store),
            inbox: Arc::clone(&self.inbox),
            tracking: self.tracking.clone(),
            definitions: watch::channel(definitions).1,
            clock: self.clock.clone(),
            touched: move |one| touched.lock().unwrap().push(one),
        };
        while applier.step(&mut 100).await.unwrap() {}
        assert_eq!(self.inbox.calls(), 0);
    }

    fn traits(&self, key: &str) -> Option<String> {
        self.store.reader().unwrap().profile(key).unwrap().map(|profile| profile.parts[1].clone().unwrap_or_default())
    }

    fn dropped(&self) -> Vec<(String, &'static str, u64)> {
        self.tracking.counted().dropped.into_iter().map(|((source, reason), count)| (source, reason, count)).collect()
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
    packing.write_all(text).unwrap();
    packing.finish().unwrap()
}

const ORDER: &str = r#"{"type":"track","userId":"u1","event":"Order","properties":{"total":5}}"#;

#[tokio::test]
async fn every_path_and_name_of_the_clients_is_taken() {
    let world = World::new();
    for (name, call) in [
        ("track", json!({"event": "Order"})),
        ("identify", json!({"traits": {"plan": "gold"}})),
        ("page", json!({"name": "Home"})),
        ("screen", json!({"name": "Home"})),
        ("group", json!({"groupId": "g"})),
        ("alias", json!({"previousId": "u0"})),
    ] {
        for path in [name, &name[..1]].iter().flat_map(|name| [format!("/v1/{name}"), format!("/v1/{name}/")]) {
            let mut call = call.clone();
            call["userId"] = json!(path);
            world.taken(&path, call.to_string()).await;
        }
    }
    for path in ["/v1/batch", "/v1/batch/", "/v1/import", "/v1/import/", "/v1/b"] {
        world.taken(path, json!({ "batch": [{ "type": "identify", "userId": path }] }).to_string()).await;
    }
    assert_eq!(world.inbox.calls(), 6 * 4 + 5);
    world.taken("/v1/m", "{\"series\":[]}").await;
    assert_eq!((world.dropped(), world.inbox.calls()), (Vec::new(), 29));
}

#[tokio::test]
async fn the_key_stands_in_the_head_the_body_or_each_call() {
    let world = World::new();
    let batch = |beside: &str, within: &str| {
        format!(r#"{{"batch":[{{"type":"identify","userId":"u1"{within}}}],"sentAt":null{beside}}}"#)
    };
    let (top, each) = (r#","writeKey":"wk_app""#, r#","writeKey":"wk_app""#);
    for (headers, body) in [
        (&[("authorization", APP)][..], batch("", "")),
        (&[("authorization", APP_BARE), ("content-type", "text/plain")], batch("", "")),
        (&[("authorization", APP)], batch(top, each)),
        (&[("content-type", "application/json")], batch(top, "")),
        (&[], batch("", each)),
    ] {
        assert_eq!(world.post("/v1/batch", headers, body.clone()).await.0, 200, "{headers:?} {body}");
    }
    let refused = json!({ "success": false, "code": "invalid_write_key", "message": "no source has this write key" });
    for (headers, body) in [
        (&[][..], batch("", "")),
        (&[], batch(r#","writeKey":"wk_other""#, "")),
        (&[("authorization", "Basic d2tfb3RoZXI6")], batch("", "")),
        (&[("authorization", "Bearer d2tfYXBwOg==")], batch(top, "")),
    ] {
        let (status, _, told) = world.post("/v1/batch", headers, body.clone()).await;
        assert_eq!((status, told), (401, refused.clone()), "{headers:?} {body}");
    }
    for (headers, body) in [
        (&[("authorization", APP)][..], batch(r#","writeKey":"wk_site""#, "")),
        (&[], batch(top, r#","writeKey":"wk_site""#)),
    ] {
        let (status, _, told) = world.post("/v1/batch", headers, body).await;
        assert_eq!((status, &told["code"]), (401, &json!("two_write_keys")));
    }
    assert_eq!((world.inbox.calls(), world.tracking.counted().wrong_keys), (5, 4));
}

#[tokio::test]
async fn bad_calls_are_counted_and_cost_no_other() {
    let world = World::new();
    let long = format!(r#"{{"type":"identify","userId":"u1","traits":{{"n":"{}"}}}}"#, "x".repeat(32_768));
    let calls = [
        ORDER,
        r#"{"type":"track","event":"Order"}"#,
        r#"{"type":"track","userId":"u1"}"#,
        r#"{"type":"track","userId":"u1","event":5}"#,
        r#"{"type":"identify","userId":"u1","traits":[]}"#,
        r#"{"type":"nothing","userId":"u1"}"#,
        "5",
        &long,
    ];
    world.taken("/v1/batch", format!(r#"{{"batch":[{}]}}"#, calls.join(","))).await;
    world.taken("/v1/batch", r#"{"batch":[]}"#).await;
    let reasons = [
        "call_type",
        "empty_batch",
        "event_not_defined",
        "event_not_string",
        "invalid_call",
        "no_user_anon_id",
        "payload_too_large",
        "traits_not_object",
    ];
    assert_eq!(world.dropped(), reasons.map(|reason| ("app".to_owned(), reason, 1)));
    assert_eq!(world.inbox.calls(), 1);
    for body in ["", "{", "[]", r#"{"batch":5}"#, "ann@example.com", "{\"batch\":[],\"writeKey\":\"\u{7f}"] {
        let (status, _, told) = world.post("/v1/batch", &[("authorization", APP)], body).await;
        assert_eq!((status, &told["code"]), (400, &json!("invalid_json")), "{body}");
        assert!(!told.to_string().contains("ann@"), "{told}");
    }
}

#[tokio::test]
async fn a_body_may_be_packed_once_and_is_unpacked_no_further_than_its_limit() {
    let world = World::new();
    let packed = &[("authorization", APP), ("content-encoding", "gzip")][..];
    let text = format!(r#"{{"batch":[{ORDER}]}}"#);
    let (first, second) = text.as_bytes().split_at(20);
    for body in [gzip(text.as_bytes()), [gzip(first), gzip(second)].concat()] {
        assert_eq!(world.post("/v1/batch", packed, body).await.0, 200);
    }
    let bomb = gzip(&vec![b' '; 100 << 20]);
    assert!(bomb.len() < 524_288);
    let (status, headers, told) = world.post("/v1/batch", packed, bomb).await;
    assert_eq!((status, &told["code"]), (400, &json!("payload_too_large")));
    assert_eq!(headers["connection"], "close");
    assert_eq!(world.post("/v1/batch", packed, text.clone()).await.2["code"], "invalid_json");
    for odd in ["br", "gzip, gzip", "deflate"] {
        let headers = [("authorization", APP), ("content-encoding", odd)];
        let (status, _, told) = world.post("/v1/batch", &headers, gzip(text.as_bytes())).await;
        assert_eq!((status, &told["code"]), (400, &json!("bad_encoding")), "{odd}");
    }
    assert_eq!(world.inbox.calls(), 2);
}

#[tokio::test]
async fn what_is_larger_than_calls_are_is_refused_before_it_is_read() {
    let world = World::new();
    for (path, length) in [("/v1/batch", "524289"), ("/v1/track", "32769"), ("/v1/b", "1000000000")] {
        let endless = Body::new(Never);
        let headers = [("authorization", APP), ("content-length", length)];
        let (status, headers, told) = world.post(path, &headers, endless).await;
        assert_eq!((status, &told["code"]), (400, &json!("payload_too_large")), "{path}");
        assert_eq!(headers["connection"], "close");
    }
    let most = format!(r#"{{"batch":[{ORDER}],"pad":"{}"}}"#, "x".repeat(524_288 - ORDER.len() - 21));
    assert_eq!(most.len(), 524_288);
    world.taken("/v1/batch", most.clone()).await;
    assert_eq!(world.post("/v1/batch", &[("authorization", APP)], format!("{most} ")).await.0, 400);
}

/// A body of which nothing comes, and which nobody may wait for.
struct Never;

impl hyper::body::Body for Never {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<axum::body::Bytes>, std::convert::Infallible>>> {
        panic!("nobody asks for this body")
    }
}

#[tokio::test]
async fn a_source_takes_what_it_says_and_one_that_is_off_takes_nothing() {
    let world = World::new();
    let site = [("authorization", "Basic d2tfc2l0ZTo=")];
    assert_eq!(world.post("/v1/identify", &site, r#"{"userId":"u1"}"#).await.0, 200);
    assert_eq!(world.post("/v1/page", &site, r#"{"anonymousId":"a1"}"#).await.0, 200);
    world.tracking.listen_to(vec![Listening { enabled: false, ..app() }]);
    world.taken("/v1/batch", format!(r#"{{"batch":[{ORDER},{ORDER}]}}"#)).await;
    assert_eq!(world.post("/v1/page", &site, r#"{"anonymousId":"a1"}"#).await.0, 401);
    assert_eq!(world.dropped(), [("app".into(), "source_disabled", 2), ("site".into(), "call_not_taken", 1)]);
    assert_eq!(world.inbox.calls(), 1);
    let requests = world.tracking.counted().requests;
    assert_eq!(requests[&("site".to_owned(), 200)], 2);
    assert_eq!(requests[&(String::new(), 401)], 1);
}

#[tokio::test]
async fn an_outage_is_503_and_clients_come_back_one_after_the_other() {
    let world = World::new();
    world.inbox.close();
    let mut waits = Vec::new();
    for _ in 0..31 {
        let (status, headers, told) = world.post("/v1/track", &[("authorization", APP)], ORDER).await;
        assert_eq!((status, &told["code"]), (503, &json!("unavailable")));
        waits.push(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap());
    }
    assert_eq!(waits, (1..=30).chain([1]).collect::<Vec<_>>());
}

#[tokio::test]
async fn too_much_is_429_with_whole_seconds_and_is_taken_later() {
    let world = World::new();
    let all = world.inbox.admit(100 << 20).unwrap();
    let (status, headers, told) = world.post("/v1/track", &[("authorization", APP)], ORDER).await;
    assert_eq!((status, &told["code"]), (429, &json!("rate_limited")));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait));
    drop(all);
    world.taken("/v1/track", ORDER).await;
}

#[tokio::test]
async fn who_guesses_keys_is_slowed_down_and_nobody_else_is() {
    let world = World::new();
    let peer = axum::extract::ConnectInfo("192.0.2.1:5".parse::<std::net::SocketAddr>().unwrap());
    let guess = async |key: &str| {
        let request = Request::post("/v1/track").header("authorization", key).extension(peer);
        let (status, headers, _) = world.ask(request.body(Body::from(ORDER)).unwrap()).await;
        (status.as_u16(), headers.contains_key("retry-after"))
    };
    for _ in 0..60 {
        assert_eq!(guess("Basic eDo=").await, (401, false));
    }
    assert_eq!(guess("Basic eDo=").await, (429, true));
    assert_eq!(guess(APP).await, (200, false));
    world.clock.sleep_until(NOW_MS + 60_000).await;
    assert_eq!(guess("Basic eDo=").await, (401, false));
}

#[tokio::test]
async fn a_page_may_send_and_see_what_is_answered() {
    let world = World::new();
    let origin = |site| [("origin", site)];
    let preflight = async |site: &str| {
        let request = Request::builder().method(Method::OPTIONS).uri("/v1/t").header("origin", site);
        let (status, headers, _) = world.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!((status, &headers["access-control-max-age"]), (StatusCode::NO_CONTENT, &"7200".parse().unwrap()));
        assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("authorization, content-type"));
        assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("x-retry-count"));
        headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(preflight("https://www.example.com").await.as_deref(), Some("https://www.example.com"));
    assert_eq!(preflight("https://other.example").await.as_deref(), Some("*"));
    let key = r#"{"anonymousId":"a1","event":"Order","writeKey":"wk_site"}"#;
    let (status, headers, _) = world.post("/v1/t", &origin("https://www.example.com"), key).await;
    assert_eq!((status, &headers["access-control-allow-origin"]), (200, &"https://www.example.com".parse().unwrap()));
    assert_eq!(headers["access-control-expose-headers"], "retry-after");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    let (status, headers, told) = world.post("/v1/t", &origin("https://other.example"), key).await;
    assert_eq!((status, &told["code"]), (403, &json!("origin_not_allowed")));
    assert!(!headers.contains_key("access-control-allow-origin"));
    // A refusal that a page may not see would be repeated.
    let (status, headers, _) = world.post("/v1/t", &origin("https://other.example"), "{").await;
    assert_eq!((status, &headers["access-control-allow-origin"]), (400, &"*".parse().unwrap()));
    world.tracking.listen_to(vec![site()]);
    assert_eq!(preflight("https://other.example").await, None);
}

#[tokio::test]
async fn a_browser_is_told_where_to_send() {
    let world = World::new();
    let ask = async |path: &str, proto: Option<&str>| {
        let mut request =
            Request::get(path).header("host", "events.example.com").header("origin", "https://www.example.com");
        if let Some(proto) = proto {
            request = request.header("x-forwarded-proto", proto);
        }
        world.ask(request.body(Body::empty()).unwrap()).await
    };
    let (status, headers, told) = ask("/v1/projects/wk_site/settings", Some("https")).await;
    let segment = json!({ "apiKey": "wk_site", "apiHost": "events.example.com/v1", "protocol": "https" });
    assert_eq!((status, told), (StatusCode::OK, json!({ "integrations": { "Segment.io": segment } })));
    assert_eq!(headers["cache-control"], "max-age=60");
    assert_eq!(headers["access-control-allow-origin"], "https://www.example.com");
    let (_, _, told) = ask("/v1/projects/wk_app/settings", None).await;
    assert_eq!(told["integrations"]["Segment.io"]["protocol"], "http");
    let (status, _, told) = ask("/v1/projects/wk_other/settings", None).await;
    assert_eq!((status.as_u16(), &told["code"]), (404, &json!("project_not_found")));
    let (status, _, told) = ask("/v1/batch", None).await;
    assert_eq!((status.as_u16(), &told["code"]), (405, &json!("method_not_allowed")));
}

#[tokio::test]
async fn people_appear_with_their_traits_and_what_adds_up() {
    let world = World::new();
    let batch = json!({ "sentAt": "2026-03-04T09:00:10.000Z", "batch": [
        { "type": "identify", "userId": "u1", "anonymousId": "a1", "traits": { "plan": "gold" }, "messageId": "m1" },
        // The client's clock is two days ahead.
        { "type": "track", "anonymousId": "a1", "event": "Order", "timestamp": "2026-03-04T09:00:00.000Z", "messageId": "m2" },
        { "type": "track", "userId": 7, "event": "Order", "messageId": "m3" },
    ]});
    world.taken("/v1/batch", batch.to_string()).await;
    // Sent again, because the answer was lost.
    let again = [("authorization", APP), ("x-retry-count", "1")];
    assert_eq!(world.post("/v1/batch", &again, batch.to_string()).await.0, 200);
    world.apply().await;
    assert_eq!(world.traits("u1").as_deref(), Some(r#"{"orders":1,"plan":"gold"}"#));
    assert_eq!(world.traits("7").as_deref(), Some(r#"{"orders":1}"#));
    let counted = world.tracking.counted();
    let calls: Vec<_> = counted.calls.iter().map(|((_, kind, fate), count)| (kind.as_str(), *fate, *count)).collect();
    let expect =
        [("track", "duplicate", 2), ("track", "kept", 2), ("identify", "duplicate", 1), ("identify", "kept", 1)];
    assert_eq!(calls, expect);
    assert_eq!((counted.moved["app"], counted.retries["app"]), (2, 1));
    let touched = world.touched.lock().unwrap();
    assert_eq!(touched[0].profiles.len(), 2);
}

#[tokio::test]
async fn a_large_batch_is_applied_in_parts_and_a_row_that_is_broken_stops_nobody() {
    let world = World::new();
    let calls: Vec<_> =
        (0..1200).map(|n| json!({ "type": "track", "userId": format!("u{n}"), "event": "Order" })).collect();
    let broken = enroute_store::inbox::Row {
        id: 0,
        source: "app".to_owned(),
        anonymous: false,
        received_ms: 0,
        count: 3,
        calls: b"nothing".to_vec(),
    };
    world.inbox.put(vec![broken]).await.unwrap();
    world.taken("/v1/batch", json!({ "batch": calls }).to_string()).await;
    world.apply().await;
    assert_eq!(world.store.reader().unwrap().profile_count().unwrap(), 1200);
    assert_eq!(world.dropped(), [("app".into(), "not_applied", 3)]);
}
