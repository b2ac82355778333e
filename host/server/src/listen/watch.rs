//! Watches what comes in between two requests: how long a head takes, and what it says twice.
//!
//! The parser's own timer runs for an idle connection and for a head alike, and of a length beside `chunked` it shows
//! one. So the bytes of a head are seen here first.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Most bytes of a head that are kept; the parser takes no more.
const KEPT_MAX: usize = 64 << 10;

/// Where a connection is. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Mutex<Stage>>);

#[derive(Debug)]
enum Stage {
    /// Between two requests.
    Idle,
    /// A head has begun to come, or has to.
    Head { since: Instant, seen: Vec<u8> },
    /// A request is being answered.
    Request,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Stage::Head { since: Instant::now(), seen: Vec::new() })))
    }

    /// A head is whole; tells whether it has both a length and an encoding of transfer.
    pub(super) fn head_ended(&self) -> bool {
        match std::mem::replace(&mut *self.stage(), Stage::Request) {
            Stage::Head { seen, .. } => says_length_twice(&seen),
            Stage::Idle | Stage::Request => false,
        }
    }

    /// The request is answered.
    pub(super) fn answered(&self) {
        *self.stage() = Stage::Idle;
    }

    fn came(&self, bytes: &[u8]) {
        let mut stage = self.stage();
        if let Stage::Idle = *stage {
            *stage = Stage::Head { since: Instant::now(), seen: Vec::new() };
        }
        if let Stage::Head { seen, .. } = &mut *stage {
            let room = KEPT_MAX.saturating_sub(seen.len());
            seen.extend(bytes.iter().take(room));
        }
    }

    fn head_since(&self) -> Option<Instant> {
        if let Stage::Head { since, .. } = *self.stage() { Some(since) } else { None }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that ends when a head takes too long.
#[derive(Debug)]
pub(super) struct Watched<IO> {
    io: IO,
    watch: Watch,
    head_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl<IO> Watched<IO> {
    pub(super) fn new(io: IO, watch: Watch, head_timeout: Duration) -> Self {
        Self { io, watch, head_timeout, timer: Box::pin(tokio::time::sleep(head_timeout)) }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(cx, buf) {
            this.watch.came(buf.filled().get(before..).unwrap_or_default());
            return Poll::Ready(read);
        }
        let Some(since) = this.watch.head_since() else { return Poll::Pending };
        let until = since + this.head_timeout;
        if this.timer.deadline() != until {
            this.timer.as_mut().reset(until);
        }
        match this.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// Whether the head at the beginning of `bytes` has both headers that say how long a body is. Two parties that each
/// believe another one take different bytes for the next request.
fn says_length_twice(bytes: &[u8]) -> bool {
    let (mut length, mut encoding) = (false, false);
    for line in bytes.split(|byte| *byte == b'\n').skip(1) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        length |= name.eq_ignore_ascii_case(b"content-length");
        encoding |= name.eq_ignore_ascii_case(b"transfer-encoding");
    }
    length && encoding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beside_chunked_is_seen_in_either_order() {
        let head =
            |lines: &str| says_length_twice(format!("POST / HTTP/1.1\r\n{lines}\r\n\r\ncontent-length:").as_bytes());
        assert!(head("Content-Length: 5\r\nTransfer-Encoding: chunked"));
        assert!(head("transfer-encoding: chunked\nhost: a\ncontent-length: 5"));
        assert!(!head("Transfer-Encoding: chunked") && !head("Content-Length: 5"));
    }
}
