//! One call with two budgets: CPU time, measured poll by poll, and wall time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::cpu;

/// Why a call did not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overrun {
    Cpu(Duration),
    Wall(Duration),
}

/// CPU time and wall time that a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
}

/// Drives `call` until it ends or has used up a budget, in which case it is dropped.
///
/// A guest yields at every tick, so each poll is short, and only the CPU time of polls counts: a guest that waits for a
/// slow destination, or for a core, is not charged for the waiting.
pub(super) async fn within<T>(
    cpu: Duration,
    wall: Duration,
    call: impl Future<Output = T>,
) -> (Result<T, Overrun>, Spent) {
    let begun = Instant::now();
    let mut metered = pin!(Metered { call: pin!(call), budget: cpu, spent: Duration::ZERO });
    let ended = tokio::time::timeout(wall, metered.as_mut()).await;
    let spent = Spent { cpu: metered.spent, wall: begun.elapsed() };
    (ended.unwrap_or(Err(Overrun::Wall(wall))), spent)
}

struct Metered<'a, F> {
    call: Pin<&'a mut F>,
    budget: Duration,
    spent: Duration,
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = Result<F::Output, Overrun>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (polled, took) = cpu::measured(|| self.call.as_mut().poll(context));
        self.spent += took;
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.spent > self.budget => Poll::Ready(Err(Overrun::Cpu(self.budget))),
            Poll::Pending => Poll::Pending,
        }
    }
}
