use super::*;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use enroute_core::manifest::Auth;
use enroute_core::request::{Method, Slot, SlotPlace, SlotValue};

use crate::connector::Boxed;
use crate::hosts::HostRule;
use enroute_config::secret::Secret;

mod certificates;
mod server;
mod tls;

use server::{Step, serve};

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(20);
/// For those that wait for the end of it.
const SHORT: Duration = Duration::from_millis(150);

/// Resolves every host to the same addresses; to none at all, for ever, where the list is empty.
struct Fixed(Vec<SocketAddr>);

impl Resolve for Fixed {
    fn resolve(&self, _: String, _: u16) -> Boxed<io::Result<Vec<SocketAddr>>> {
        let addresses = self.0.clone();
        Box::pin(async move { if addresses.is_empty() { std::future::pending().await } else { Ok(addresses) } })
    }
}

fn config(address: SocketAddr) -> Config {
    let rules = vec![HostRule::parse(&address.to_string()).unwrap()];
    Config {
        hosts: HostGrant { asked: rules.clone(), answers: vec![], granted: rules },
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..Config::default()
    }
}

fn with_key(mut config: Config) -> Config {
    config.credentials.auth = vec![
        Auth::Bearer { secret: "api_key".into() },
        Auth::HmacProof {
            name: "proof".into(),
            key: "api_key".into(),
            message: "api_key".into(),
            time_name: None,
            timed_by: None,
        },
    ];
    config.credentials.secrets.insert("api_key".into(), Secret::from("correct-horse".to_owned()));
    config
}

fn request(address: SocketAddr) -> Request {
    Request {
        method: Method::Post,
        origin: format!("http://{address}"),
        path: vec!["users".into(), "track it".into()],
        query: vec![Item { name: "a".into(), value: "b&c".into() }],
        headers: vec![Item { name: "Content-Type".into(), value: "application/json".into() }],
        body: br#"{"n": 1.50}"#.to_vec(),
        slots: vec![],
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn shown(outcome: Result<Response, Failure>) -> String {
    match outcome {
        Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
        Err(Failure::Refused(refusal)) => format!("denied: {refusal}"),
        Err(Failure::Denied(reason)) => format!("not completed: {reason}"),
        Err(Failure::Unreachable(reason)) => format!("unreachable: {reason}"),
        Err(Failure::Untrusted(reason)) => format!("not trusted: {reason}"),
        Err(Failure::Interrupted(reason)) => format!("interrupted: {reason}"),
        Err(Failure::TooLarge(max)) => format!("too large: {max}"),
    }
}

/// Sends one request to a destination that does this, and shows what came of it.
async fn outcome(step: Step, deadline: Duration) -> String {
    let (address, seen) = serve(vec![step]).await;
    let client = Client::new(config(address)).unwrap();
    let got = shown(client.send(&request(address), &Fill::default(), deadline).await);
    assert_eq!(seen.lock().unwrap().len(), 1, "a request is sent once: {got}");
    got
}

#[tokio::test]
async fn a_request_leaves_as_prepared_with_the_hosts_headers() {
    let (address, seen) = serve(vec![Step::Reply(ok("done"))]).await;
    let client = Client::new(config(address)).unwrap();
    let mut request = request(address);
    request.path.push(String::new());
    request.slots = vec![Slot { place: SlotPlace::PathSegment(2), value: SlotValue::Remote("/list".into()) }];
    let remote = serde_json::json!({"list": 7});
    let fill = Fill { remote: Some(&remote), ..Fill::default() };
    assert_eq!(shown(client.send(&request, &fill, LONG).await), "200 done");
    let expect = format!(
        "POST /users/track%20it/7?a=b%26c HTTP/1.1\r\ncontent-type: application/json\r\nuser-agent: enroute/0.1\r\n\
         host: {address}\r\ncontent-length: 11\r\n\r\n{{\"n\": 1.50}}"
    );
    assert_eq!(seen.lock().unwrap()[0].1, expect);
}

#[tokio::test]
async fn connections_are_used_again() {
    let (address, seen) = serve(vec![Step::Reply(ok("done"))]).await;
    let client = Client::new(config(address)).unwrap();
    for _ in 0..3 {
        assert_eq!(shown(client.send(&request(address), &Fill::default(), LONG).await), "200 done");
    }
    assert!(seen.lock().unwrap().iter().all(|(connection, _)| *connection == 0));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let answer = b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let (address, seen) = serve(vec![Step::Reply(answer.to_vec())]).await;
    let client = Client::new(config(address)).unwrap();
    let response = client.send(&request(address), &Fill::default(), LONG).await.unwrap();
    assert_eq!(response.status, 301);
    assert_eq!(response.headers[0], Item { name: "location".into(), value: "http://169.254.169.254/".into() });
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_has_a_largest_body() {
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 10_u64 << 30);
    assert_eq!(outcome(Step::Close(announced.into_bytes()), LONG).await, "too large: 1048576");
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend_from_slice(&[b'x'; 0x10000]);
    chunk.extend_from_slice(b"\r\n");
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    (0..20).for_each(|_| endless.extend_from_slice(&chunk));
    assert_eq!(outcome(Step::Drip(endless), LONG).await, "too large: 1048576");
}

#[tokio::test]
async fn an_answer_has_a_largest_header() {
    let many = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", "a: b\r\n".repeat(10_000));
    let got = outcome(Step::Close(many.into_bytes()), LONG).await;
    assert!(got.starts_with("interrupted:"), "{got}");
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: {}\r\n\r\n", "b".repeat(1 << 20));
    let got = outcome(Step::Close(long.into_bytes()), LONG).await;
    assert!(got.starts_with("interrupted:"), "{got}");
}

#[tokio::test]
async fn interim_answers_without_end_are_no_answer() {
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let got = outcome(Step::Flood(interim.as_bytes().to_vec()), LONG).await;
        assert_eq!(got, "interrupted: more than 20 interim answers came before it");
        let few = format!("{}{}", interim.repeat(20), String::from_utf8(ok("done")).unwrap());
        assert_eq!(outcome(Step::Reply(few.into_bytes()), LONG).await, "200 done");
    }
    // A first line of a header that never ends is one too.
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(1 << 20));
    let got = outcome(Step::Flood(endless.into_bytes()), LONG).await;
    assert!(got.starts_with("interrupted:") && !got.contains("none came within"), "{got}");
}

#[tokio::test]
async fn the_deadline_is_for_the_whole_answer_however_slowly_it_drips() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    assert_eq!(outcome(Step::Drip(head), SHORT).await, "interrupted: none came within 150 ms");
    assert_eq!(
        outcome(Step::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), SHORT).await,
        "interrupted: none came within 150 ms"
    );
    assert_eq!(outcome(Step::Hang, SHORT).await, "interrupted: none came within 150 ms");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_interrupted() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncont",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "not http at all\r\n\r\n",
    ] {
        let got = outcome(Step::Close(answer.as_bytes().to_vec()), LONG).await;
        assert!(got.starts_with("interrupted:"), "{answer}: {got}");
    }
}

#[tokio::test]
async fn a_request_that_may_have_left_is_not_sent_again() {
    let (address, seen) = serve(vec![Step::Reply(ok("done")), Step::Close(vec![]), Step::Reply(ok("again"))]).await;
    let client = Client::new(config(address)).unwrap();
    assert_eq!(shown(client.send(&request(address), &Fill::default(), LONG).await), "200 done");
    // The pooled connection takes the second request and dies.
    let got = shown(client.send(&request(address), &Fill::default(), LONG).await);
    assert!(got.starts_with("interrupted:"), "{got}");
    assert_eq!(seen.lock().unwrap().iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn what_never_left_is_unreachable() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(config(address)).unwrap();
    let got = shown(client.send(&request(address), &Fill::default(), LONG).await);
    let expect = format!("unreachable: host `127.0.0.1` does not accept a connection on port {}: ", address.port());
    assert!(got.starts_with(&expect), "{got}");

    let silent = Client::assemble(
        config(address),
        Arc::new(Fixed(vec![])),
        webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
    )
    .unwrap();
    let got = shown(silent.send(&request(address), &Fill::default(), SHORT).await);
    assert_eq!(got, format!("unreachable: no connection to http://{address} within 150 ms"));
}

#[tokio::test]
async fn a_granted_name_that_means_a_private_address_is_denied() {
    let (address, seen) = serve(vec![Step::Reply(ok("done"))]).await;
    let mut config = config(address);
    config.allow_networks = vec!["10.9.0.0/16".parse().unwrap()];
    let client = Client::new(config).unwrap();
    let got = shown(client.send(&request(address), &Fill::default(), LONG).await);
    assert!(got.starts_with("denied:") && got.contains("is loopback"), "{got}");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_before_anything_is_resolved() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut config = config(address);
    config.hosts.granted.clear();
    let client =
        Client::assemble(config, Arc::new(Fixed(vec![])), webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
            .unwrap();
    let got = shown(client.send(&request(address), &Fill::default(), LONG).await);
    assert_eq!(got, "denied: plugins.toml does not grant host `127.0.0.1:9`");
}

#[tokio::test]
async fn a_secret_goes_out_and_does_not_come_back() {
    let echo = "HTTP/1.1 200 OK\r\nx-echo: Bearer correct-horse\r\ncontent-length: 13\r\n\r\ncorrect-horse";
    let (address, seen) = serve(vec![Step::Reply(echo.into())]).await;
    let client = Client::new(with_key(config(address))).unwrap();
    let response = client.send(&request(address), &Fill::default(), LONG).await.unwrap();
    assert_eq!(response.headers[0].value, "Bearer [secret api_key]");
    assert_eq!(response.body, b"[secret api_key]");
    let sent = seen.lock().unwrap()[0].1.clone();
    assert!(sent.contains("authorization: Bearer correct-horse\r\n") && sent.contains("&proof="), "{sent}");
    assert!(!format!("{client:?}").contains("correct-horse"));
}

#[tokio::test]
async fn a_proof_does_not_come_back_either() {
    let (address, seen) = serve(vec![Step::Reply(ok(""))]).await;
    let client = Client::new(with_key(config(address))).unwrap();
    client.send(&request(address), &Fill::default(), LONG).await.unwrap();
    let sent = seen.lock().unwrap()[0].1.clone();
    let proof = sent.split_once("&proof=").unwrap().1.split(' ').next().unwrap().to_owned();
    let (address, _) = serve(vec![Step::Reply(ok(&format!("bad proof {proof}")))]).await;
    let client = Client::new(with_key(config(address))).unwrap();
    let got = shown(client.send(&request(address), &Fill::default(), LONG).await);
    assert_eq!(got, "200 bad proof [secret api_key]");
}

#[tokio::test]
async fn a_host_known_only_from_an_answer_gets_no_credential() {
    let (address, seen) = serve(vec![Step::Reply(ok("a file"))]).await;
    let mut config = with_key(config(address));
    config.hosts.answers = std::mem::take(&mut config.hosts.asked);
    let client = Client::new(config).unwrap();
    assert_eq!(shown(client.send(&request(address), &Fill::default(), LONG).await), "200 a file");
    let sent = seen.lock().unwrap()[0].1.clone();
    assert!(!sent.contains("authorization") && !sent.contains("proof"), "{sent}");
    assert!(client.preview(&request(address)).headers.iter().all(|header| header.name != "authorization"));
}

#[tokio::test]
async fn a_compressed_answer_is_never_unpacked() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8bx".to_vec();
    let (address, _) = serve(vec![Step::Reply(answer)]).await;
    let plain = Client::new(config(address)).unwrap();
    let response = plain.send(&request(address), &Fill::default(), LONG).await.unwrap();
    assert_eq!(response.body, b"\x1f\x8bx");
    // A secret echoed inside could not be found.
    let keyed = Client::new(with_key(config(address))).unwrap();
    let got = shown(keyed.send(&request(address), &Fill::default(), LONG).await);
    assert_eq!(got, "interrupted: its body is compressed, which was not asked for");
}

#[test]
fn a_preview_names_what_the_host_fills_in() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let client = Client::new(with_key(config(address))).unwrap();
    let mut request = request(address);
    request.path.push(String::new());
    request.query.push(Item { name: "list".into(), value: String::new() });
    request.headers.push(Item { name: "Idempotency-Key".into(), value: String::new() });
    request.body = br#"{"list": ""}"#.to_vec();
    let slot = |place, value| Slot { place, value };
    request.slots = vec![
        slot(SlotPlace::PathSegment(2), SlotValue::Remote("/id".into())),
        slot(SlotPlace::Query("list".into()), SlotValue::Learned("job".into())),
        slot(SlotPlace::Header("idempotency-key".into()), SlotValue::RequestKey),
        slot(SlotPlace::Body("/list".into()), SlotValue::Remote("/id".into())),
    ];
    let preview = client.preview(&request);
    assert_eq!(preview.refused, None);
    assert_eq!(
        preview.url,
        "http://127.0.0.1:9/users/track%20it/{remote:/id}?a=b%26c&list={learned:job}&proof={proof:api_key,api_key}"
    );
    let lines = |items: &[Item]| items.iter().map(|i| format!("{}: {}", i.name, i.value)).collect::<Vec<_>>();
    assert_eq!(
        lines(&preview.headers),
        [
            "content-type: application/json",
            "idempotency-key: {request-key}",
            "user-agent: enroute/0.1",
            "authorization: Bearer {secret:api_key}"
        ]
    );
    assert_eq!(lines(&preview.body), ["/list: {remote:/id}"]);
    request.origin = "https://evil.example".into();
    let refused = client.preview(&request).refused;
    assert_eq!(refused.as_deref(), Some("the plugin's manifest does not ask for host `evil.example`"));
}
