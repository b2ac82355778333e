use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::{get, post};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// A listener that runs, with a route that takes a body and one that waits to be let go.
struct Running {
    address: SocketAddr,
    seen: Arc<Seen>,
    drain: CancellationToken,
    entered: Arc<Notify>,
    go: Arc<Notify>,
    task: JoinHandle<Result<(), Error>>,
}

fn router(entered: &Arc<Notify>, go: &Arc<Notify>) -> Router {
    let (entered, go) = (Arc::clone(entered), Arc::clone(go));
    let wait = move || async move {
        entered.notify_one();
        go.notified().await;
        "waited"
    };
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/body", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/deaf", post(|| async { "not read" }))
        .route("/wait", get(wait))
}

fn run(limits: Limits) -> Running {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (entered, go, drain) = (Arc::default(), Arc::default(), CancellationToken::new());
    let (address, seen) = (listener.local_addr().unwrap(), Arc::clone(&limits.seen));
    let task = tokio::spawn(serve(listener, router(&entered, &go), limits, drain.clone()));
    Running { address, seen, drain, entered, go, task }
}

/// Limits so short that nobody has to wait for them; what is said at once is in time all the same.
fn impatient() -> Limits {
    let short = Duration::from_millis(20);
    Limits { head_timeout: short, body_timeout: short, body_timeout_per_64_kib: Duration::ZERO, ..Limits::default() }
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

/// Everything that comes back until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text).await {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(text).unwrap()
}

/// Sends bytes, and returns what comes back until the connection is closed.
async fn say(running: &Running, text: impl AsRef<[u8]>) -> String {
    let mut stream = connect(running).await;
    // A refusal may come before the end.
    let _ = stream.write_all(text.as_ref()).await;
    rest(&mut stream).await
}

#[track_caller]
fn check(answer: &str, status: &str, has: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(has), "{answer:?}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_and_so_is_silence() {
    let running = run(impatient());
    for said in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut stream = connect(&running).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut stream).await, "", "{said:?}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_given_up() {
    let running = run(impatient());
    let (mut from, mut to) = connect(&running).await.into_split();
    let dripping = tokio::spawn(async move {
        while to.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let mut answer = Vec::new();
    let _ = from.read_to_end(&mut answer).await;
    dripping.await.unwrap();
}

#[tokio::test]
async fn two_hundred_who_say_half_disturb_nobody() {
    let running = run(Limits::default());
    let mut halves = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(&running).await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: loc").await.unwrap();
        halves.push(stream);
    }
    let answer = say(&running, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    check(&answer, "200", "here");
}

#[tokio::test]
async fn an_idle_connection_stays_longer_than_a_head_may_take() {
    let running = run(Limits { head_timeout: Duration::from_millis(50), ..Limits::default() });
    let mut stream = connect(&running).await;
    let mut answer = [0; 512];
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    // Another one's head is given up meanwhile.
    assert_eq!(say(&running, "GET").await, "");
    assert_eq!(say(&running, "GET").await, "");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    check(&rest(&mut stream).await, "200", "here");
    let running = run(Limits { idle_timeout: Duration::from_millis(20), ..Limits::default() });
    let mut stream = connect(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    check(&rest(&mut stream).await, "200", "here");
}

#[tokio::test]
async fn a_body_that_stops_or_drips_is_answered_408() {
    let running = run(impatient());
    let head = "POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n";
    check(&say(&running, format!("{head}0123456789")).await, "408", r#""code":"body_too_slow""#);
    let (mut from, mut to) = connect(&running).await.into_split();
    let dripping = tokio::spawn(async move {
        to.write_all(b"POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n").await.unwrap();
        while to.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let mut start = [0; 12];
    from.read_exact(&mut start).await.unwrap();
    assert!(matches!(&start, b"HTTP/1.1 408" | b"HTTP/1.1 413"), "{start:?}");
    drop(from);
    dripping.await.unwrap();
    assert!(running.seen.slow_bodies.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_body_is_refused_by_its_length_before_it_comes() {
    let running = run(Limits { body_bytes_max: 1000, ..Limits::default() });
    let head = "POST /body HTTP/1.1\r\nhost: localhost\r\n";
    check(&say(&running, format!("{head}content-length: 1000000000\r\n\r\n")).await, "413", "connection: close");
    // More than any body can have is a mistake of the head.
    check(&say(&running, format!("{head}content-length: 18446744073709551614\r\n\r\n")).await, "431", "close");
    let chunks = "64\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    let endless = format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunks.repeat(11));
    check(&say(&running, endless).await, "413", "body_too_large");
    let whole = format!("{head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunks.repeat(10));
    check(&say(&running, whole).await, "200", "1000");
    // Also where nobody reads it.
    let deaf = "POST /deaf HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n";
    check(&say(&running, deaf).await, "413", "body_too_large");
}

#[tokio::test]
async fn a_head_has_a_largest_size_and_most_headers() {
    let running = run(Limits::default());
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    check(&say(&running, long).await, "431", "");
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: a\r\n".repeat(1000));
    check(&say(&running, many).await, "431", "");
}

#[tokio::test]
async fn a_request_for_another_host_reaches_no_route() {
    let running = run(Limits::default());
    let hosts = ["host: evil.example\r\n", "host: localhost.\r\n", "", "host: localhost\r\nhost: localhost\r\n"];
    for host in hosts {
        check(&say(&running, format!("GET / HTTP/1.1\r\n{host}\r\n")).await, "421", r#""code":"not_our_host""#);
    }
    let absolute = "GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n\r\n";
    check(&say(&running, absolute).await, "421", "connection: close");
    assert_eq!(running.seen.foreign_hosts.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_length_beside_chunked_is_refused() {
    let running = run(Limits::default());
    for both in ["content-length: 3\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 3"] {
        let text = format!("POST /body HTTP/1.1\r\nhost: localhost\r\n{both}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
        check(&say(&running, text).await, "400", r#""code":"length_twice""#);
    }
}

/// As a listener would that finds no descriptors at first.
async fn next(
    tries: &AtomicUsize,
    drain: &CancellationToken,
    io: &std::sync::Mutex<Option<DuplexStream>>,
) -> io::Result<(DuplexStream, connection::Ends)> {
    match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err(io::Error::from_raw_os_error(24)),
        1 => Err(ErrorKind::ConnectionAborted.into()),
        2 => {
            let end = "127.0.0.1:1".parse().unwrap();
            Ok((io.lock().unwrap().take().unwrap(), connection::Ends { peer: end, local: end }))
        }
        _ => {
            drain.cancelled().await;
            Err(ErrorKind::Other.into())
        }
    }
}

#[tokio::test]
async fn a_want_of_descriptors_is_waited_out() {
    let (mut ours, theirs) = tokio::io::duplex(4096);
    let (tries, drain, io) = (AtomicUsize::new(0), CancellationToken::new(), std::sync::Mutex::new(Some(theirs)));
    let limits = Arc::new(Limits::default());
    let seen = Arc::clone(&limits.seen);
    let accepting = accept::run(
        async || next(&tries, &drain, &io).await,
        router(&Arc::default(), &Arc::default()),
        limits,
        drain.clone(),
    );
    let asking = async {
        ours.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        drain.cancel();
        answer
    };
    let ((), answer) = tokio::join!(accepting, asking);
    check(&answer, "200", "here");
    // The one of the client is none of ours, and needs no pause.
    assert_eq!(seen.exhausted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn hundreds_who_come_at_once_are_queued() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // Nobody accepts yet; the usual queue has room for 128.
    for _ in 0..300 {
        waiting.push(TcpStream::connect(address).await.unwrap());
    }
    let (drain, go) = (CancellationToken::new(), Arc::default());
    tokio::spawn(serve(listener, router(&go, &go), Limits::default(), drain));
    for stream in &mut waiting {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        check(&rest(stream).await, "200", "here");
    }
}

#[tokio::test]
async fn a_stop_answers_what_was_begun_and_closes_what_is_idle() {
    let running = run(Limits::default());
    let (mut idle, mut busy) = (connect(&running).await, connect(&running).await);
    idle.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    running.entered.notified().await;
    running.drain.cancel();
    assert_eq!(rest(&mut idle).await, "");
    running.go.notify_one();
    let answer = rest(&mut busy).await;
    check(&answer, "200", "waited");
    assert!(answer.contains("connection: close"), "{answer}");
    running.task.await.unwrap().unwrap();
    assert_eq!(running.seen.connections.load(Ordering::Relaxed), 0);
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let running = run(Limits { drain_max: Duration::from_millis(1), ..Limits::default() });
    let mut busy = connect(&running).await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    running.entered.notified().await;
    running.drain.cancel();
    running.task.await.unwrap().unwrap();
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn before_a_stop_answers_ask_to_come_by_another_way() {
    let limits = Limits::default();
    limits.leaving.cancel();
    let running = run(limits);
    check(&say(&running, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await, "200", "connection: close");
}

#[test]
fn a_certificate_is_taken_on_with_its_own_key_alone() {
    let dir = TempDir::new().unwrap();
    let (certificate, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    let put = |path: &std::path::Path, text: &str| std::fs::write(path, text).unwrap();
    assert!(matches!(Certificate::read(&certificate, &key), Err(BadCertificate::Read { .. })));
    put(&certificate, "");
    put(&key, include_str!("tests/one.key"));
    assert!(matches!(Certificate::read(&certificate, &key), Err(BadCertificate::Pem { .. })));
    put(&certificate, include_str!("tests/one.crt"));
    let read = Certificate::read(&certificate, &key).unwrap();
    put(&certificate, include_str!("tests/two.crt"));
    assert!(matches!(read.reload(), Err(BadCertificate::Pair { .. })));
    put(&key, include_str!("tests/two.key"));
    read.reload().unwrap();
}

#[tokio::test]
async fn a_client_that_is_silent_in_its_handshake_is_given_up_and_others_are_answered() {
    let dir = TempDir::new().unwrap();
    let (certificate, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    std::fs::write(&certificate, include_str!("tests/one.crt")).unwrap();
    std::fs::write(&key, include_str!("tests/one.key")).unwrap();
    let pair = Arc::new(Certificate::read(&certificate, &key).unwrap());
    let running = run(Limits { certificate: Some(Arc::clone(&pair)), ..impatient() });
    assert_eq!(say(&running, "").await, "");
    let running = run(Limits { certificate: Some(pair), ..Limits::default() });
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    let pem = tokio_rustls::rustls::pki_types::pem::PemObject::from_pem_slice(include_bytes!("tests/one.crt")).unwrap();
    roots.add(pem).unwrap();
    let client = tokio_rustls::rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let name = "localhost".to_owned().try_into().unwrap();
    let mut stream = connector.connect(name, connect(&running).await).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    check(&answer, "200", "here");
}
