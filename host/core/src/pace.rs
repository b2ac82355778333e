//! The pace of a bucket: so many requests in so much time, and nothing before a moment that was announced.
//!
//! Pure: the state is a value, time is a parameter, in milliseconds of any clock that does not go back.

/// A bucket's allowance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    requests: f64,
    per_ms: f64,
    tokens: f64,
    at_ms: u64,
    not_before_ms: u64,
}

impl Pace {
    /// A full bucket of `requests` per `per_ms` milliseconds.
    #[must_use]
    pub fn new(requests: u32, per_ms: u32, now_ms: u64) -> Self {
        let requests = f64::from(requests.max(1));
        Self { requests, per_ms: f64::from(per_ms.max(1)), tokens: requests, at_ms: now_ms, not_before_ms: 0 }
    }

    /// How many milliseconds a request would have to wait now; takes nothing.
    #[must_use]
    pub fn wait(&self, now_ms: u64) -> u64 {
        let mut copy = *self;
        copy.take(now_ms).err().unwrap_or(0)
    }

    /// Takes one request's worth, or says how many milliseconds to wait first.
    ///
    /// # Errors
    /// The wait, when the bucket is empty or the destination asked for patience.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        self.refill(now_ms);
        if now_ms < self.not_before_ms {
            return Err(self.not_before_ms - now_ms);
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) * self.per_ms / self.requests;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ wait ≤ per_ms, a u32")]
        let wait = wait.ceil() as u64;
        Err(wait.max(1))
    }

    /// Lets nothing pass for `after_ms`, because the destination said so.
    pub fn hold(&mut self, now_ms: u64, after_ms: u64) {
        self.not_before_ms = self.not_before_ms.max(now_ms.saturating_add(after_ms));
    }

    fn refill(&mut self, now_ms: u64) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between two requests fit 52 bits")]
        let passed = now_ms.saturating_sub(self.at_ms) as f64;
        self.tokens = (self.tokens + passed * self.requests / self.per_ms).min(self.requests);
        self.at_ms = self.at_ms.max(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_sees_more_than_twice_the_allowance(steps in prop::collection::vec(0_u64..400, 1..200)) {
            let mut pace = Pace::new(5, 1_000, 0);
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
                prop_assert!(inside <= 10, "{inside} requests in one window");
            }
        }

        #[test]
        fn waiting_as_long_as_told_is_enough(now in 0_u64..10_000) {
            let mut pace = Pace::new(3, 700, 0);
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
        let mut pace = Pace::new(10, 1_000, 0);
        pace.hold(100, 30_000);
        assert_eq!(pace.take(100), Err(30_000));
        assert_eq!(pace.take(30_100), Ok(()));
    }
}
