//! The bodies a response may have, broken ones included.
//!
//! Owns the only trick below HTTP: a body that fails after some bytes makes
//! hyper drop the connection in the middle of the message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::Cut;

/// Bytes per frame of a huge body.
const CHUNK: &[u8] = &[b'x'; 64 << 10];

/// The body of a response.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// All bytes at once.
    Whole(Option<Bytes>),
    /// Half of `declared` bytes, then the end of the connection.
    Cut { half: Option<Bytes>, declared: u64, flushed: bool },
    /// So many bytes of no use, without a declared length.
    Huge { left: u64 },
    /// One byte at a time.
    Drip { rest: Bytes, every: Duration, wait: Option<Pin<Box<Sleep>>> },
}

impl AnswerBody {
    /// All of `bytes`.
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// Declares all of `bytes`, sends the first half and breaks off.
    pub(super) fn cut(bytes: Bytes) -> Self {
        let declared = bytes.len() as u64;
        Self::Cut { half: Some(bytes.slice(..bytes.len() / 2)), declared, flushed: false }
    }

    /// `length` bytes, chunk by chunk.
    pub(super) fn huge(length: u64) -> Self {
        Self::Huge { left: length }
    }

    /// Sends `bytes` one by one, with `every` between them.
    pub(super) fn drip(bytes: Bytes, every: Duration) -> Self {
        Self::Drip { rest: bytes, every, wait: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Cut { half, flushed, .. } => match half.take().filter(|half| !half.is_empty()) {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                // hyper writes out what it has only while the body is pending.
                None if !*flushed => {
                    *flushed = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(Cut))),
            },
            Self::Huge { left: 0 } => Poll::Ready(None),
            Self::Huge { left } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(CHUNK.len());
                *left -= length as u64;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK).slice(..length)))))
            }
            Self::Drip { rest, every, wait } => {
                if let Some(sleep) = wait {
                    ready!(sleep.as_mut().poll(context));
                }
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                *wait = Some(Box::pin(tokio::time::sleep(*every)));
                Poll::Ready(Some(Ok(Frame::data(rest.split_to(1)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Huge { left: 0 })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Cut { declared, .. } => SizeHint::with_exact(*declared),
            Self::Huge { .. } => SizeHint::default(),
            Self::Drip { rest, .. } => SizeHint::with_exact(rest.len() as u64),
        }
    }
}
