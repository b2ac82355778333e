//! A circuit breaker for one credential: after several failures in a row nothing is sent but one probe a period.
//!
//! Failures are counted for each destination of the credential, and a destination that fails costs no other anything.
//! Those that fail together are probed together, by whichever comes first. Pure: time is a parameter, in milliseconds
//! of any clock. Invariants: while it is open, at most one probe a period
//! (test `a_period_sees_at_most_one_probe`); a probe that succeeds closes it.

use std::collections::BTreeMap;

/// Failed deliveries in a row after which a destination is only probed.
const FAILURES_IN_A_ROW_MAX: u32 = 5;
/// The first period without a request; each that ends with a failed probe is followed by one twice as long …
const PERIOD_MS_MIN: u64 = 1_000;
/// … up to this: a destination that is well again is noticed within a minute.
pub const PERIOD_MS_MAX: u64 = 60_000;

/// Where one destination of the credential stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Failures since the last success.
    pub failures: u32,
    /// Since when nothing but probes is sent; none while all is well.
    pub opened_ms: Option<u64>,
    /// When the next probe may be sent.
    pub until_ms: u64,
    /// Probes that failed since.
    pub probes: u32,
    /// What failed last.
    pub reason: String,
}

/// The breaker of one credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    parts: BTreeMap<String, Part>,
    /// Whose probe is under way.
    probing: Option<String>,
}

/// What a delivery may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Go: all is well.
    Through,
    /// Go, and tell how it went: everybody waits for it.
    Probe,
}

/// Why a delivery may not go yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// Until this moment, when the next probe may be sent.
    Until(u64),
    /// Until it is known how the probe went.
    Probing,
}

impl Breaker {
    /// A breaker as it was written down. No moment is waited for that is further away than a period.
    #[must_use]
    pub fn new(parts: impl IntoIterator<Item = (String, Part)>, now_ms: u64) -> Self {
        let bounded = |(name, part): (String, Part)| {
            let is_ahead = part.until_ms > now_ms.saturating_add(2 * PERIOD_MS_MAX);
            let until_ms = if is_ahead { now_ms } else { part.until_ms };
            (name, Part { until_ms, opened_ms: part.opened_ms.map(|at_ms| at_ms.min(now_ms)), ..part })
        };
        Self { parts: parts.into_iter().map(bounded).collect(), probing: None }
    }

    /// Whether a delivery to a destination may go.
    ///
    /// # Errors
    /// Why not.
    pub fn pass(&mut self, destination: &str, now_ms: u64) -> Result<Pass, Shut> {
        let part = self.parts.get(destination).filter(|part| part.opened_ms.is_some());
        let Some(part) = part else { return Ok(Pass::Through) };
        if self.probing.is_some() {
            return Err(Shut::Probing);
        }
        if now_ms < part.until_ms {
            return Err(Shut::Until(part.until_ms));
        }
        self.probing = Some(destination.to_owned());
        Ok(Pass::Probe)
    }

    /// A delivery was in order. Returns whether anything has changed that is worth writing down.
    pub fn succeeded(&mut self, destination: &str, pass: Pass, now_ms: u64) -> bool {
        self.end(destination, pass);
        let was_open = self.parts.remove(destination).is_some_and(|part| part.opened_ms.is_some());
        if was_open {
            // What fails for the same reason is well again for the same reason.
            self.parts.values_mut().for_each(|part| part.until_ms = part.until_ms.min(now_ms));
        }
        was_open
    }

    /// A delivery failed. Returns whether anything has changed that is worth writing down.
    pub fn failed(&mut self, destination: &str, pass: Pass, reason: &str, now_ms: u64) -> bool {
        self.end(destination, pass);
        let part = self.parts.entry(destination.to_owned()).or_default();
        part.failures = part.failures.saturating_add(1);
        reason.clone_into(&mut part.reason);
        match (part.opened_ms, pass) {
            (None, _) if part.failures >= FAILURES_IN_A_ROW_MAX => {
                part.opened_ms = Some(now_ms);
                part.until_ms = now_ms.saturating_add(PERIOD_MS_MIN);
                true
            }
            (Some(_), Pass::Probe) => {
                part.probes = part.probes.saturating_add(1);
                let period_ms = period_ms(part.probes);
                self.put_off(destination, now_ms, period_ms);
                true
            }
            _ => false,
        }
    }

    /// A probe was not sent after all, or says nothing of the destination.
    pub fn end(&mut self, destination: &str, pass: Pass) {
        if pass == Pass::Probe && self.probing.as_deref() == Some(destination) {
            self.probing = None;
        }
    }

    /// After a failed probe all that are open wait; who has just failed lets another one go first.
    fn put_off(&mut self, destination: &str, now_ms: u64, period_ms: u64) {
        let others = self.parts.values().filter(|part| part.opened_ms.is_some()).count() > 1;
        for (name, part) in self.parts.iter_mut().filter(|(_, part)| part.opened_ms.is_some()) {
            let behind_ms = if others && name == destination { period_ms / 2 } else { 0 };
            part.until_ms = part.until_ms.max(now_ms.saturating_add(period_ms + behind_ms));
        }
    }

    /// Where each destination that has failed stands.
    #[must_use]
    pub const fn parts(&self) -> &BTreeMap<String, Part> {
        &self.parts
    }

    /// Where a destination stands, if it has failed last.
    #[must_use]
    pub fn part(&self, destination: &str) -> Option<&Part> {
        self.parts.get(destination)
    }
}

/// The period after so many failed probes.
fn period_ms(probes: u32) -> u64 {
    PERIOD_MS_MIN.saturating_mul(1 << probes.min(16)).min(PERIOD_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opened(now_ms: u64) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.failed("crm", Pass::Through, "500", now_ms);
        }
        breaker
    }

    #[test]
    fn it_opens_after_five_in_a_row_and_closes_with_the_first_success() {
        let mut breaker = Breaker::default();
        for failures in [4, 4] {
            for _ in 0..failures {
                breaker.failed("crm", Pass::Through, "500", 0);
            }
            assert_eq!(breaker.pass("crm", 0), Ok(Pass::Through));
            breaker.succeeded("crm", Pass::Through, 0);
        }
        let mut breaker = opened(0);
        assert_eq!(breaker.pass("crm", 999), Err(Shut::Until(1_000)));
        assert_eq!(breaker.pass("crm", 1_000), Ok(Pass::Probe));
        assert_eq!(breaker.pass("crm", 9_000), Err(Shut::Probing));
        assert!(breaker.failed("crm", Pass::Probe, "500", 1_000));
        assert_eq!(breaker.pass("crm", 2_999), Err(Shut::Until(3_000)));
        assert_eq!(breaker.pass("crm", 3_000), Ok(Pass::Probe));
        assert!(breaker.succeeded("crm", Pass::Probe, 3_000));
        assert_eq!((breaker.pass("crm", 3_000), breaker.parts().len()), (Ok(Pass::Through), 0));
    }

    #[test]
    fn a_destination_that_fails_costs_the_others_of_its_credential_nothing() {
        let mut breaker = opened(0);
        assert_eq!(breaker.pass("shop", 0), Ok(Pass::Through));
        for _ in 0..5 {
            breaker.failed("shop", Pass::Through, "500", 0);
        }
        assert_eq!(breaker.pass("crm", 1_000), Ok(Pass::Probe));
        breaker.failed("crm", Pass::Probe, "500", 1_000);
        assert_eq!(breaker.pass("crm", 3_500), Err(Shut::Until(4_000)));
        assert_eq!(breaker.pass("shop", 3_500), Ok(Pass::Probe), "the other one comes first");
        breaker.succeeded("shop", Pass::Probe, 3_500);
        assert_eq!(breaker.pass("crm", 3_500), Ok(Pass::Probe), "what one shows is tried by the other");
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nothing_shut() {
        let written = opened(400 * 86_400_000);
        let mut breaker = Breaker::new(written.parts().clone(), 0);
        assert_eq!(breaker.pass("crm", 0), Ok(Pass::Probe));
    }

    proptest! {
        #[test]
        fn a_period_sees_at_most_one_probe(steps in prop::collection::vec((0_u64..3_000, any::<bool>()), 1..200)) {
            let mut breaker = opened(0);
            let (mut now, mut probes) = (0, Vec::new());
            for (step, is_written) in steps {
                now += step;
                if is_written {
                    breaker = Breaker::new(breaker.parts().clone(), now);
                }
                if breaker.pass("crm", now) == Ok(Pass::Probe) {
                    probes.push(now);
                    breaker.failed("crm", Pass::Probe, "500", now);
                }
            }
            for (number, pair) in probes.windows(2).enumerate() {
                let at_least = period_ms(u32::try_from(number).unwrap() + 1);
                prop_assert!(pair[1] - pair[0] >= at_least, "{probes:?}");
            }
        }
    }
}
