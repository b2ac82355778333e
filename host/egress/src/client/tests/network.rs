//! Faults below HTTP: what a socket can do to a conversation. Where the request may have left, the end is
//! *interrupted*, it is not sent a second time, and nothing takes longer than it must.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ServerConnection, StreamOwned};

use super::tls::{CERTIFICATE, ROOT, client, get_within, server_config};
use super::*;

/// Serves every connection on a thread of its own, and counts them.
fn serve_raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let (serve, counted) = (Arc::new(serve), Arc::clone(&connections));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    (address, connections)
}

/// Reads a request without a body to speak of.
fn read_head(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(count) if count > 0 => read.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    }
}

/// What a request with a body of so many bytes comes to.
async fn send(address: SocketAddr, body: usize) -> String {
    let client = Client::new(config(address)).unwrap();
    let mut request = request(address);
    request.body = vec![b'x'; body];
    shown(client.send(&request, &Fill::default(), LONG).await)
}

#[tokio::test]
async fn a_reset_is_interrupted_wherever_it_comes() {
    // What is closed with bytes unread is reset.
    let part = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    for answer in ["", "HTTP/1.1 2", part] {
        let (address, connections) = serve_raw(move |mut stream| {
            stream.read_exact(&mut [0; 100]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let got = send(address, 4 << 20).await;
        assert!(got.starts_with("interrupted:"), "{answer}: {got}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{answer}: it is not sent again");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_before_a_byte_was_read_is_interrupted() {
    let (address, connections) = serve_raw(drop);
    let got = send(address, 10).await;
    assert!(got.starts_with("interrupted:"), "{got}");
    assert_eq!(connections.load(Ordering::SeqCst), 1, "it is not sent again");
}

#[tokio::test]
async fn half_a_close_ends_an_answer_only_where_nothing_else_says_how_long_it_is() {
    for (answer, expect) in [
        ("", "interrupted:"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "interrupted:"),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nwhole", "200 whole"),
    ] {
        let (address, _) = serve_raw(move |mut stream| {
            read_head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // The other half stays open until the client leaves.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let got = send(address, 10).await;
        assert!(got.starts_with(expect), "{answer}: {got}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_are_interrupted() {
    for garbage in [
        &b"\0\0\0\0\0\0\0\0"[..],
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"\x16\x03\x01",
    ] {
        let (address, _) = serve_raw(move |mut stream| {
            read_head(&mut stream);
            let _ = stream.write_all(garbage);
        });
        let got = send(address, 10).await;
        assert!(got.starts_with("interrupted:"), "{garbage:?}: {got}");
    }
}

// HTTP/2, by hand: frames as in RFC 9113, section 4.1.

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, as the static table has it.
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// Serves HTTP/2: once the request's headers are there, writes `answer`, then `again` until the client leaves.
fn serve_h2(answer: Vec<u8>, again: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let mut tls = server_config(CERTIFICATE);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let tls = Arc::new(tls);
    serve_raw(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&tls)).unwrap(), stream);
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).is_err() {
                return;
            }
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length]).unwrap();
            match head[3] {
                SETTINGS if head[4] == 0 => stream.write_all(&frame(SETTINGS, 1, 0, &[])).unwrap(),
                HEADERS => break,
                _ => {}
            }
        }
        let _ = stream.write_all(&answer);
        let _ = stream.flush();
        while !again.is_empty() && stream.write_all(&again).is_ok() {}
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// What comes of one request over HTTP/2, and over how many connections it went.
async fn over_h2(answer: Vec<u8>, again: Vec<u8>, deadline: Duration) -> (String, usize) {
    let (address, connections) = serve_h2(answer, again);
    let client = client("api.example.com", address, &[ROOT]);
    let got = get_within(&client, "api.example.com", address, deadline).await;
    (got, connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_answer_over_http_2_is_read_also_behind_a_goaway() {
    let headers = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    let whole = [headers, frame(DATA, END_STREAM, 1, b"done")].concat();
    assert_eq!(over_h2(whole.clone(), vec![], LONG).await, ("200 done".to_owned(), 1));
    let leaving = [goaway(1, 0), whole].concat();
    assert_eq!(over_h2(leaving, vec![], LONG).await, ("200 done".to_owned(), 1));
}

#[tokio::test]
async fn whatever_breaks_a_stream_of_http_2_is_interrupted_and_not_sent_again() {
    let headers = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    let open = |length: u8| frame(HEADERS, END_HEADERS, 1, &[STATUS_200, 0x5c, 1, b'0' + length]);
    let too_large = [&[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1][..], &[b'x'; 100]].concat();
    let begun = frame(HEADERS, 0, 1, &[STATUS_200]);
    let nothing = Vec::new;
    for (what, answer, again) in [
        ("GOAWAY that disowns it", goaway(0, 0), nothing()),
        ("RST_STREAM", reset(1, 2), nothing()),
        ("RST_STREAM that refuses it", reset(1, 7), nothing()),
        ("RST_STREAM within the answer", [headers.clone(), reset(1, 8)].concat(), nothing()),
        ("a flood of RST_STREAM", nothing(), reset(1, 2)),
        ("a flood of RST_STREAM for streams that are none", nothing(), reset(7, 2)),
        ("a frame that is too large", [headers.clone(), too_large].concat(), nothing()),
        ("headers without end", begun, frame(CONTINUATION, 0, 1, &[0; 64])),
        ("a body that is shorter than it says", [open(5), frame(DATA, END_STREAM, 1, b"ab")].concat(), nothing()),
        ("a body that is longer than it says", [open(2), frame(DATA, END_STREAM, 1, b"abcde")].concat(), nothing()),
        ("data in front of the headers", frame(DATA, END_STREAM, 1, b"ab"), nothing()),
        ("bytes that are no frames", vec![0xa5; 4096], nothing()),
    ] {
        let (got, connections) = over_h2(answer, again, LONG).await;
        assert!(got.starts_with("interrupted:") && !got.contains("none came within"), "{what}: {got}");
        assert_eq!(connections, 1, "{what}: it is not sent again");
    }
}

#[tokio::test]
async fn what_never_becomes_an_answer_ends_with_the_deadline() {
    // Behind a GOAWAY that names the stream, its answer may still come.
    for (answer, again) in [(vec![], frame(PING, 0, 0, &[0; 8])), (goaway(1, 2), vec![])] {
        let (got, connections) = over_h2(answer, again, SHORT).await;
        assert_eq!((got.as_str(), connections), ("interrupted: none came within 150 ms", 1));
    }
}
