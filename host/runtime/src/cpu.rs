//! The CPU time of this thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that this thread has had. Time in which another had the core, or the process was stopped, is not in it.
pub(super) fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What `work` returns, and the CPU time that it took.
pub(super) fn measured<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = now();
    let value = work();
    (value, now().saturating_sub(begun))
}
