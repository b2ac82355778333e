//! How long to wait before trying again, and when to stop.

/// Longest wait that a destination or plugin can ask for, unless a bucket of the manifest counts over a longer time: a
/// poisoned `Retry-After` of ten years costs a day.
pub const WAIT_MS_MAX: u64 = 24 * 3_600_000;

/// Shortest wait before a member that was put off is tried again by another run, so that nothing is tried in a loop …
const NEXT_RUN_MS_MIN: u64 = 1_000;
/// … and the longest, so that a destination that is well again is found out soon.
const NEXT_RUN_MS_MAX: u64 = 5 * 60_000;

/// Whether a moment that was noted has come. One that is further away than any wait is was noted by a clock that was
/// ahead, and nobody waits for it.
#[must_use]
pub const fn is_due(due_ms: u64, now_ms: u64, longest_ms: u64) -> bool {
    due_ms <= now_ms || due_ms - now_ms > longest_ms
}

/// Waits and limits of retrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// First ceiling of the random wait.
    pub delay_ms_base: u64,
    /// Highest ceiling.
    pub delay_ms_max: u64,
    /// A member is given up after this long …
    pub give_up_ms: u64,
    /// … and at least this many attempts.
    pub give_up_attempts: u32,
}

impl Default for Policy {
    /// Four hours and five attempts: an outage of an afternoon is survived, a week is not waited for.
    fn default() -> Self {
        Self { delay_ms_base: 500, delay_ms_max: 60_000, give_up_ms: 4 * 3_600_000, give_up_attempts: 5 }
    }
}

impl Policy {
    /// The wait before attempt number `attempt` (from 1), with full jitter: `random` is uniform over all of u64.
    #[must_use]
    pub fn delay_ms(&self, attempt: u32, random: u64) -> u64 {
        let doublings = attempt.saturating_sub(1).min(32);
        let ceiling = self.delay_ms_base.saturating_mul(1_u64 << doublings).min(self.delay_ms_max);
        random % (ceiling + 1)
    }

    /// The wait before another run tries a member again that failed so often: doubled from a second up to five minutes.
    #[must_use]
    pub fn next_run_ms(attempts: u32) -> u64 {
        NEXT_RUN_MS_MIN.saturating_mul(1_u64 << attempts.min(32)).min(NEXT_RUN_MS_MAX)
    }

    /// Whether it is time to give up.
    #[must_use]
    pub const fn is_over(&self, attempts: u32, first_ms: u64, now_ms: u64) -> bool {
        attempts >= self.give_up_attempts && now_ms.saturating_sub(first_ms) >= self.give_up_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_ceiling() {
        let policy = Policy::default();
        let ceilings: Vec<u64> = [1, 2, 3, 20].map(|attempt| policy.delay_ms(attempt, 60_000)).to_vec();
        assert!(ceilings.iter().zip([500, 1_000, 2_000, 60_000]).all(|(wait, ceiling)| *wait <= ceiling));
        assert_eq!(policy.delay_ms(20, 60_000), 60_000);
        assert_eq!(policy.delay_ms(1, 0), 0);
        assert_eq!([0, 1, 8, 9, 99].map(Policy::next_run_ms), [1_000, 2_000, 256_000, 300_000, 300_000]);
    }

    #[test]
    fn nobody_waits_longer_than_there_are_waits() {
        assert!(is_due(10, 10, 5) && is_due(9, 10, 5) && is_due(16, 10, 5));
        assert!(!is_due(11, 10, 5) && !is_due(15, 10, 5));
    }

    #[test]
    fn giving_up_takes_both_time_and_attempts() {
        let policy = Policy::default();
        assert!(!policy.is_over(100, 0, 60_000));
        assert!(!policy.is_over(2, 0, u64::MAX));
        assert!(policy.is_over(5, 0, 4 * 3_600_000));
    }
}
