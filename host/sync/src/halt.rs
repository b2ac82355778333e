//! An order to end: in order, and, where that takes too long, without waiting for what is in flight.

use tokio_util::sync::CancellationToken;

/// What a run heeds while it is under way. Clones are one order.
#[derive(Debug, Clone, Default)]
pub struct Halt {
    asked: CancellationToken,
    overdue: CancellationToken,
}

impl Halt {
    /// Asks for an end in order: nothing new begins, and what is in flight is waited for and written down.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Ends the waiting too: what is still in flight stays in doubt, as if the process had died, and the next run clears
    /// that up.
    pub fn cut_off(&self) {
        self.asked.cancel();
        self.overdue.cancel();
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Waits until an end is asked for.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Waits until nothing in flight is waited for any more.
    pub async fn overdue(&self) {
        self.overdue.cancelled().await;
    }
}
