//! A request's body that ends at its limit and at its deadline, whoever reads it.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// It said that it is larger than allowed, or was.
    #[error("the body is too large")]
    TooLarge,
    /// It came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The client went away, or what it sent was no body.
    #[error("the body broke off")]
    Broken,
}

/// What went wrong with the body of a request: an extension of every request. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct BodyFaults(Arc<OnceLock<BodyFault>>);

impl BodyFaults {
    /// What went wrong so far.
    #[must_use]
    pub fn get(&self) -> Option<BodyFault> {
        self.0.get().copied()
    }
}

/// An extension of an answer that says itself what was wrong with the body, so that the listener leaves it alone.
#[derive(Debug, Clone, Copy)]
pub struct Told;

/// The limits of one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes_max: u64,
    pub(super) timeout: Duration,
    pub(super) timeout_per_64_kib: Duration,
}

/// A body within its limits.
pub(super) struct Guarded<B> {
    body: B,
    bounds: Bounds,
    faults: BodyFaults,
    began: Instant,
    came: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B: Body> Guarded<B> {
    pub(super) fn new(body: B, bounds: Bounds, faults: BodyFaults) -> Self {
        if body.size_hint().lower() > bounds.bytes_max {
            // Nothing of it is ever asked for.
            let _ = faults.0.set(BodyFault::TooLarge);
        }
        Self { body, bounds, faults, began: Instant::now(), came: 0, timer: None }
    }

    fn deadline(&self) -> Instant {
        let parts = u32::try_from(self.came >> 16).unwrap_or(u32::MAX);
        self.began + self.bounds.timeout + self.bounds.timeout_per_64_kib.saturating_mul(parts)
    }

    fn fail(&self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let _ = self.faults.0.set(fault);
        Poll::Ready(Some(Err(fault)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Guarded<B> {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        if let Some(fault) = this.faults.get() {
            return Poll::Ready(Some(Err(fault)));
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.came += frame.data_ref().map_or(0, |data| data.len() as u64);
                if this.came > this.bounds.bytes_max {
                    return this.fail(BodyFault::TooLarge);
                }
                // Whoever drips without a pause is never waited for.
                if Instant::now() > this.deadline() {
                    this.fail(BodyFault::TooSlow)
                } else {
                    Poll::Ready(Some(Ok(frame)))
                }
            }
            Poll::Ready(Some(Err(_))) => this.fail(BodyFault::Broken),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let deadline = this.deadline();
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                if timer.deadline() != deadline {
                    timer.as_mut().reset(deadline);
                }
                match timer.as_mut().poll(cx) {
                    Poll::Ready(()) => this.fail(BodyFault::TooSlow),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.faults.get().is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for Guarded<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("bounds", &self.bounds).field("came", &self.came).finish_non_exhaustive()
    }
}
