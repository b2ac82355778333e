//! The pace of a bucket: never more than so many requests in any window of so much time, and nothing before a moment
//! that was announced.
//!
//! Pure: the state is a value, time is a parameter, in milliseconds of any clock. Invariant: no window has more than
//! the allowance, wherever it begins (test `no_window_sees_more_than_the_allowance`). A bucket of tokens would let twice
//! as many through around a pause.

use std::collections::VecDeque;

/// Most moments that are remembered: an allowance beyond it is no pace that a request could feel.
const REMEMBERED_MAX: usize = 65_536;

/// A bucket's allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    requests: usize,
    per_ms: u64,
    /// When requests passed, oldest first; as many as the allowance.
    passed_ms: VecDeque<u64>,
    not_before_ms: u64,
}

impl Pace {
    /// An allowance of `requests` in each `per_ms` milliseconds, none of it used.
    #[must_use]
    pub fn new(requests: u32, per_ms: u32) -> Self {
        let requests = usize::try_from(requests.max(1)).unwrap_or(usize::MAX).min(REMEMBERED_MAX);
        Self { requests, per_ms: u64::from(per_ms.max(1)), passed_ms: VecDeque::new(), not_before_ms: 0 }
    }

    /// How many milliseconds a request would have to wait now; takes nothing.
    #[must_use]
    pub fn wait(&self, now_ms: u64) -> u64 {
        let held_ms = self.not_before_ms.saturating_sub(now_ms);
        let oldest = (self.passed_ms.len() >= self.requests).then(|| self.passed_ms.front()).flatten();
        let full_ms = oldest.map_or(0, |oldest| (oldest + self.per_ms).saturating_sub(now_ms));
        held_ms.max(full_ms)
    }

    /// Takes one request's worth, or says how many milliseconds to wait first.
    ///
    /// # Errors
    /// The wait, when the allowance is used up or the destination asked for patience.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        match self.wait(now_ms) {
            0 => {
                if self.passed_ms.len() >= self.requests {
                    self.passed_ms.pop_front();
                }
                // A clock that goes back must not make room.
                let last_ms = self.passed_ms.back().copied().unwrap_or(0);
                self.passed_ms.push_back(now_ms.max(last_ms));
                Ok(())
            }
            wait_ms => Err(wait_ms),
        }
    }

    /// Lets nothing pass for `after_ms`, because the destination said so.
    pub fn hold(&mut self, now_ms: u64, after_ms: u64) {
        self.not_before_ms = self.not_before_ms.max(now_ms.saturating_add(after_ms));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_sees_more_than_the_allowance(steps in prop::collection::vec(0_u64..400, 1..200)) {
            let mut pace = Pace::new(5, 1_000);
            let mut now = 0;
            let mut taken: Vec<u64> = Vec::new();
            for step in steps {
                now += step;
                if pace.take(now).is_ok() {
                    taken.push(now);
                }
            }
            for &start in &taken {
                let inside = taken.iter().filter(|&&at| at >= start && at < start + 1_000).count();
                prop_assert!(inside <= 5, "{inside} requests in one window");
            }
        }

        #[test]
        fn waiting_as_long_as_told_is_enough(now in 0_u64..10_000) {
            let mut pace = Pace::new(3, 700);
            let mut now = now;
            for _ in 0..20 {
                if let Err(wait) = pace.take(now) {
                    now += wait;
                    prop_assert_eq!(pace.take(now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn an_announced_wait_holds_a_full_bucket() {
        let mut pace = Pace::new(10, 1_000);
        pace.hold(100, 30_000);
        assert_eq!(pace.take(100), Err(30_000));
        assert_eq!(pace.take(30_100), Ok(()));
    }
}
