//! How a run is wanted, and how long it waits.

use crate::change::only::Only;
use crate::change::resend::Resend;
use crate::clock::Clock;
use crate::delivery::dispatch::ProgressSink;
use crate::halt::Halt;
use crate::run::together::Together;
use enroute_core::retry::Policy;
use enroute_store::letters::ByLink;
use std::sync::Arc;

/// Waits within a run that does not wait for everything.
///
/// A throttled answer asks for seconds as a rule; half a minute of patience finishes most runs in one go.
const PATIENCE_MS: u64 = 30_000;

/// How a run is wanted.
#[derive(Clone)]
pub struct Options {
    /// Whether to wait for what is due later, instead of leaving it to the next run.
    pub wait: bool,
    /// Whether an audience may lose more members than its guard allows.
    pub allow_empty: bool,
    /// Only one person, and what is unchanged is sent all the same.
    pub only: Option<Only>,
    /// Only these members, by the number of their connection; other connections do not run.
    pub among: Option<Arc<ByLink>>,
    /// Only those who are marked to be sent again.
    pub again: Option<Resend>,
    /// Told how far each connection is.
    pub progress: ProgressSink,
    /// What tells the run to end before it is through.
    pub halt: Halt,
    /// The time.
    pub clock: Clock,
    /// What it shares with other runs of this process.
    pub together: Arc<Together>,
    /// The schedule whose slot it is for, noted in the transaction that begins the run.
    pub slot: Option<String>,
    /// Whether a run in which nothing was to be done leaves no record.
    pub drops_idle: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: false,
            allow_empty: false,
            only: None,
            among: None,
            again: None,
            progress: Arc::new(|_, _, _| {}),
            halt: Halt::default(),
            clock: Clock::System,
            together: Arc::default(),
            slot: None,
            drops_idle: false,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl Options {
    /// Whether everybody is looked at.
    pub(super) const fn is_whole(&self) -> bool {
        self.only.is_none() && self.among.is_none() && self.again.is_none()
    }

    /// How long the run waits for something: where it waits, as long as a member is not given up.
    pub(super) const fn patience_ms(&self, policy: Policy) -> u64 {
        if self.wait { policy.give_up_ms } else { PATIENCE_MS }
    }
}
