use std::sync::atomic::AtomicU64;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::testing::{Raw, exchange, request};

/// Counts how many requests took effect.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Service for Counter {
    fn answer(&self, request: &Recorded) -> Reply {
        self.0.fetch_add(1, Ordering::Relaxed);
        Reply::text(201, &format!("{} {}", request.path, request.body.len()))
    }
}

async fn start() -> (Server, Arc<Counter>) {
    let counter = Arc::new(Counter::default());
    (Server::start(counter.clone()).await.unwrap(), counter)
}

/// Sends one request under a fault; gives the answer and how many requests took effect.
async fn under(action: Action) -> (Raw, u64, Server) {
    let (server, counter) = start().await;
    server.fault(Fault::once(action));
    let raw = exchange(server.addr(), &request("POST", "/a", &[], b"12345")).await;
    (raw, counter.0.load(Ordering::Relaxed), server)
}

#[tokio::test]
async fn a_request_is_recorded_with_all_its_parts_and_its_status() {
    let (server, _) = start().await;
    exchange(server.addr(), &request("DELETE", "/a/b?x=1%202", &[("X-One", "yes")], b"body")).await;
    let requests = server.requests();
    let [recorded] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((recorded.sequence, recorded.method.as_str(), recorded.path.as_str()), (0, "DELETE", "/a/b"));
    assert_eq!(recorded.parameter("x"), Some("1 2"));
    assert_eq!(recorded.header("x-one"), Some("yes"));
    assert_eq!(&recorded.body[..], b"body");
    assert_eq!(recorded.status, Some(201));
}

#[tokio::test]
async fn clearing_the_record_keeps_the_sequence() {
    let (server, _) = start().await;
    exchange(server.addr(), &request("GET", "/", &[], b"")).await;
    server.clear();
    exchange(server.addr(), &request("GET", "/", &[], b"")).await;
    assert_eq!(server.requests().iter().map(|recorded| recorded.sequence).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_connection_is_kept_for_further_requests() {
    let (server, counter) = start().await;
    let text = [request("GET", "/", &[], b""), request("GET", "/", &[], b"")];
    let first = String::from_utf8(text[0].clone()).unwrap().replace("connection: close\r\n", "");
    exchange(server.addr(), &[first.as_bytes(), &text[1]].concat()).await;
    assert_eq!(counter.0.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_body_above_the_cap_is_answered_413_without_reaching_the_service() {
    let (server, counter) = start().await;
    let head = format!("POST / HTTP/1.1\r\nhost: fake\r\ncontent-length: {}\r\n\r\n", REQUEST_BYTES_MAX + 1);
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    while stream.write_all(&piece).await.is_ok() {
        if !server.requests().is_empty() {
            break;
        }
    }
    assert_eq!(server.requests()[0].status, Some(413));
    assert_eq!(counter.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_has_no_effect() {
    let (server, counter) = start().await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: fake\r\ncontent-length: 10\r\n\r\n12345").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!((server.requests()[0].status, counter.0.load(Ordering::Relaxed)), (None, 0));
}

#[tokio::test]
async fn a_stopped_server_leaves_no_port_and_no_connection() {
    let (server, _) = start().await;
    let addr = server.addr();
    let mut open = tokio::net::TcpStream::connect(addr).await.unwrap();
    server.stop().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    assert_eq!(open.read(&mut [0; 8]).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn a_dropped_server_hangs_up_on_its_clients() {
    let (server, _) = start().await;
    server.fault(Fault::once(Action::Hang));
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(&request("GET", "/", &[], b"")).await.unwrap();
    drop(server);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn an_answer_fault_sends_just_that() {
    let reply = Reply::text(429, "slow down").header("retry-after", "30");
    let (raw, effects, server) = under(Action::Answer(reply)).await;
    assert_eq!((raw.status(), raw.header("retry-after"), raw.body()), (429, Some("30".into()), "slow down".into()));
    assert_eq!((effects, server.requests()[0].status), (0, Some(429)));
}

#[tokio::test]
async fn a_delayed_request_is_answered_as_usual() {
    let (raw, effects, _) = under(Action::Delay(Duration::from_millis(2))).await;
    assert_eq!((raw.status(), raw.body(), effects), (201, "/a 5".into(), 1));
}

#[tokio::test]
async fn a_hanging_request_is_recorded_without_status_and_ends_with_its_client() {
    let (server, counter) = start().await;
    server.fault(Fault::once(Action::Hang));
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(&request("POST", "/a", &[], b"12345")).await.unwrap();
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    all_connections_gone(&server).await;
    assert_eq!(server.requests()[0].status, None);
    assert_eq!(counter.0.load(Ordering::Relaxed), 0);
}

/// Waits until nothing but the handle and the accepting task holds on to the server.
async fn all_connections_gone(server: &Server) {
    let gone = async {
        while Arc::strong_count(&server.shared) > 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}

#[tokio::test]
async fn a_connection_leaves_no_task_behind() {
    for action in [Action::Close, Action::Reset, Action::CutBody, Action::HugeBody(1 << 20), Action::Html] {
        let (_, _, server) = under(action).await;
        all_connections_gone(&server).await;
    }
}

#[tokio::test]
async fn a_closed_connection_gives_nothing_and_the_body_is_not_read() {
    let (raw, effects, server) = under(Action::Close).await;
    assert_eq!((raw.bytes.len(), effects), (0, 0));
    let recorded = &server.requests()[0];
    assert_eq!((recorded.body.len(), recorded.status), (0, None));
}

#[tokio::test]
async fn a_reset_comes_after_the_request_took_effect() {
    let (raw, effects, server) = under(Action::Reset).await;
    assert_eq!(raw.ended, Some(std::io::ErrorKind::ConnectionReset));
    assert_eq!((raw.bytes.len(), effects, server.requests()[0].status), (0, 1, None));
}

#[tokio::test]
async fn a_cut_body_declares_all_and_sends_half() {
    let (raw, effects, _) = under(Action::CutBody).await;
    assert_eq!(raw.header("content-length"), Some("4".into()));
    assert_eq!((raw.status(), raw.body(), effects), (201, "/a".into(), 1));
}

#[tokio::test]
async fn garbage_is_neither_json_nor_text() {
    let (raw, effects, _) = under(Action::Garbage).await;
    assert_eq!((raw.status(), raw.header("content-type"), effects), (200, Some("application/json".into()), 0));
    assert!(std::str::from_utf8(&raw.bytes).is_err());
}

#[tokio::test]
async fn a_login_page_comes_with_status_200() {
    let (raw, effects, _) = under(Action::Html).await;
    assert_eq!((raw.status(), effects), (200, 0));
    assert!(raw.body().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_huge_body_has_no_declared_length_and_all_its_bytes() {
    let (raw, effects, _) = under(Action::HugeBody(200_000)).await;
    assert_eq!((raw.status(), raw.header("content-length"), effects), (200, None, 0));
    assert_eq!(raw.body().bytes().filter(|byte| *byte == b'x').count(), 200_000);
}

#[tokio::test]
async fn a_dripped_body_comes_byte_by_byte_and_whole() {
    let (raw, effects, _) = under(Action::Drip(Duration::from_millis(1))).await;
    assert_eq!((raw.status(), raw.body(), effects), (201, "/a 5".into(), 1));
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let (raw, effects, _) = under(Action::Redirect("http://169.254.169.254/".into())).await;
    assert_eq!((raw.status(), raw.header("location"), effects), (307, Some("http://169.254.169.254/".into()), 0));
}

#[tokio::test]
async fn huge_headers_are_a_megabyte() {
    let (raw, effects, _) = under(Action::HugeHeaders).await;
    assert_eq!((raw.status(), effects), (200, 0));
    assert!(raw.bytes.len() > 1 << 20);
}

#[tokio::test]
async fn cleared_faults_do_not_fire() {
    let (server, counter) = start().await;
    server.fault(Fault::always(Action::Hang));
    server.clear_faults();
    exchange(server.addr(), &request("GET", "/", &[], b"")).await;
    assert_eq!(counter.0.load(Ordering::Relaxed), 1);
}
