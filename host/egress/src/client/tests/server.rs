//! A destination on loopback that does, byte by byte, what a test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens once a request has been read.
#[derive(Clone)]
pub(super) enum Step {
    /// Writes this and waits for the next request on the connection.
    Reply(Vec<u8>),
    /// Writes this and closes the connection.
    Close(Vec<u8>),
    /// Writes this, then one byte every few milliseconds, for ever.
    Drip(Vec<u8>),
    /// Writes this over and over.
    Flood(Vec<u8>),
    /// Never answers.
    Hang,
}

/// Requests in the order in which they were read, with the number of the connection.
pub(super) type Seen = Arc<Mutex<Vec<(usize, String)>>>;

/// Starts a destination that carries out one step for each request, the last one for all that follow.
pub(super) async fn serve(steps: Vec<Step>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(stream, number, Arc::clone(&steps), Arc::clone(&shared)));
        }
    });
    (address, seen)
}

async fn converse(mut stream: TcpStream, number: usize, steps: Arc<Mutex<VecDeque<Step>>>, seen: Seen) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push((number, request));
        let step = {
            let mut steps = steps.lock().unwrap();
            if steps.len() > 1 { steps.pop_front().unwrap() } else { steps[0].clone() }
        };
        match step {
            Step::Reply(bytes) => stream.write_all(&bytes).await.unwrap(),
            Step::Close(bytes) => return stream.write_all(&bytes).await.unwrap(),
            Step::Hang => std::future::pending().await,
            Step::Flood(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            Step::Drip(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                let mut tick = tokio::time::interval(Duration::from_millis(5));
                while stream.write_all(b"x").await.is_ok() {
                    tick.tick().await;
                }
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return Some(text);
            }
        }
        let mut chunk = [0; 8192];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => read.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}
