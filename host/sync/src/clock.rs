//! The run's clock: the real one, or one that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tells the time and waits. Every wait of a run goes through it, so tests wait for nothing.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Starts where it is set; a wait moves it forward at once.
    Virtual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that tests move.
    #[must_use]
    pub fn starting_at(now_ms: u64) -> Self {
        Self::Virtual(Arc::new(AtomicU64::new(now_ms)))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::System => u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0),
            Self::Virtual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Waits until this moment, in milliseconds since 1970.
    pub async fn sleep_until(&self, at_ms: u64) {
        match self {
            Self::System => tokio::time::sleep(Duration::from_millis(at_ms.saturating_sub(self.now_ms()))).await,
            Self::Virtual(now) => {
                now.fetch_max(at_ms, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }

    /// A number for jitter, and for nothing else: where the system has none, waits are at their ceiling. That of a clock
    /// which tests move follows from its time, so that what was seen once is seen again.
    pub(crate) fn random(&self) -> u64 {
        match self {
            Self::System => getrandom::u64().unwrap_or(u64::MAX),
            Self::Virtual(_) => {
                let mixed = self.now_ms().wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
            }
        }
    }

    /// The moment in UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn moment(&self) -> String {
        moment(self.now_ms())
    }

    /// The day in UTC, `YYYY-MM-DD`.
    #[must_use]
    pub fn today(&self) -> String {
        stamp(self.now_ms()).strftime("%Y-%m-%d").to_string()
    }
}

/// Milliseconds since 1970 as a moment in UTC, `YYYY-MM-DDTHH:MM:SSZ`.
#[must_use]
pub fn moment(ms: u64) -> String {
    stamp(ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn stamp(ms: u64) -> jiff::Timestamp {
    i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default()
}
