//! A client that says things to a host on loopback, as an app's library does: one connection, one request at a time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Longest time for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Largest answer in bytes that is taken.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A connection to a host.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host })
    }

    /// Posts a body of JSON; returns status and body of the answer.
    ///
    /// # Errors
    /// When the connection breaks off, or no answer comes within a minute.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.ask(head, body).await
    }

    /// Asks for a path; returns status and body of the answer.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn get(&mut self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host), b"").await
    }

    async fn ask(&mut self, head: String, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        let talk = async {
            self.stream.get_mut().write_all(&bytes).await?;
            self.answer().await
        };
        tokio::time::timeout(ANSWER_MAX, talk).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let odd = || io::Error::from(io::ErrorKind::InvalidData);
        let status = self.line().await?.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(odd)?;
        let mut length = 0;
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| odd())?;
            }
        }
        if length > ANSWER_BYTES_MAX {
            return Err(odd());
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, body))
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
