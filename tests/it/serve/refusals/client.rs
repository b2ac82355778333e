//! A program that asks the API, by hand: what a library would mend must arrive as it is written.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::serve::{Host, command};
use crate::support::World;

/// Makes a token.
pub(super) async fn token(world: &World, name: &str, role: &str) -> String {
    let (code, made) = command(world, &["token", "new", name, "--role", role]).await;
    assert_eq!(code, 0, "{made:#}");
    made["token"].as_str().expect("a token").to_owned()
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}\n{}", self.head, self.body))
    }

    /// The problem document that an answer with this status must be.
    #[track_caller]
    pub(super) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &status.into()), "{problem:#}");
        assert!(problem["title"].is_string(), "{problem:#}");
        problem
    }
}

/// Asks, with these headers beside the usual ones.
pub(super) async fn ask(host: &Host, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", host.address());
    headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    if let Some(body) = body {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str(&format!("\r\n{}", body.unwrap_or_default()));
    let mut stream = TcpStream::connect(host.address()).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A program with a token.
pub(super) struct Client<'a> {
    pub(super) host: &'a Host,
    pub(super) token: String,
}

impl Client<'_> {
    /// The answer to a question that has one.
    pub(super) async fn get(&self, path: &str) -> Value {
        let said = format!("Bearer {}", self.token);
        let answer = ask(self.host, "GET", path, &[("Authorization", &said)], None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// What is answered, with this status, to something that is sent.
    pub(super) async fn send(&self, method: &str, path: &str, body: &Value, expect: u16) -> Value {
        let said = format!("Bearer {}", self.token);
        let headers = [("Authorization", said.as_str()), ("Content-Type", "application/json")];
        let answer = ask(self.host, method, path, &headers, Some(&body.to_string())).await;
        assert_eq!(answer.status, expect, "{method} {path}: {}", answer.body);
        if expect >= 400 { answer.problem(expect) } else { answer.json() }
    }
}

/// The answers to so many questions with wrong tokens, one behind the other on one connection.
pub(super) async fn many_wrong(host: &Host, count: u32) -> String {
    let stream = TcpStream::connect(host.address()).await.expect("it listens");
    let (mut reads, mut writes) = stream.into_split();
    let address = host.address().to_owned();
    let asking = tokio::spawn(async move {
        for number in 0..count {
            let end = if number + 1 == count { "Connection: close\r\n" } else { "" };
            let request = format!(
                "GET /api/v1/overview HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer ert_{number:064x}\r\n{end}\r\n"
            );
            writes.write_all(request.as_bytes()).await.expect("it reads");
        }
        writes
    });
    let mut answers = String::new();
    reads.read_to_string(&mut answers).await.expect("it answers");
    asking.await.expect("all were asked");
    answers
}

/// What is told as it happens.
pub(super) struct Stream {
    stream: TcpStream,
    seen: String,
}

impl Stream {
    pub(super) async fn open(host: &Host, token: &str) -> Self {
        let mut stream = TcpStream::connect(host.address()).await.expect("it listens");
        let request =
            format!("GET /api/v1/live HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", host.address());
        stream.write_all(request.as_bytes()).await.expect("it reads");
        Self { stream, seen: String::new() }
    }

    /// Waits until this was told; returns everything up to it.
    pub(super) async fn until(&mut self, text: &str) -> String {
        let mut part = vec![0; 1 << 16];
        while !self.seen.contains(text) {
            let read = self.stream.read(&mut part).await.expect("it tells");
            assert!(read > 0, "it ended before `{text}`: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        self.seen.clone()
    }
}
