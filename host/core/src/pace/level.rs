//! How much of a bucket's allowance is used, where the destination allows less than its documentation says.
//!
//! Additive steps up, one multiplicative step down, over rungs: a rung is one request more in each window, and below one
//! request the window is stretched. What was refused is tried again only after enough answers to pay for it: a refusal in
//! a hundred requests. Pure. Invariant: in the long run fewer than 2 in 100 requests are refused (test
//! `a_lower_limit_at_the_destination_is_found_and_kept`).

use serde::{Deserialize, Serialize};

/// Rungs below one request a window: each doubles the window.
const STRETCHES: u32 = 4;
/// How many times longer the longest window is.
pub(super) const STRETCH_MAX: u64 = 1 << STRETCHES;
/// Steps down without an answer in between: where nothing at all is answered, a lower pace is no cure.
const STEPS_DOWN_MAX: u32 = 3;
/// Answers that pay for one refusal.
const ANSWERS_A_REFUSAL: u32 = 100;
/// Answers before a refused rung is tried again, at first …
const PROBE_ANSWERS_MIN: u32 = 100;
/// … and at most: a limit that was raised is found within so many.
const PROBE_ANSWERS_MAX: u32 = 12_800;

/// The part of an allowance that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The rung of the whole allowance.
    top: u32,
    rung: u32,
    /// The highest rung below or at `rung` that answers have proven.
    sound: u32,
    /// The lowest rung above `sound` that was refused.
    refused: Option<u32>,
    /// Answers since the last step.
    answers: u32,
    /// Refusals of the last time that it was too much.
    cost: u32,
    /// Answers before the refused rung is tried again.
    probe_answers: u32,
    /// Steps down since the last answer.
    steps_down: u32,
    /// Until then refusals are of requests that left before the last step down.
    deaf_until_ms: u64,
}

impl Level {
    /// The whole of an allowance.
    #[must_use]
    pub fn new(requests: u32) -> Self {
        let top = requests.max(1).saturating_add(STRETCHES);
        Self {
            top,
            rung: top,
            sound: top,
            refused: None,
            answers: 0,
            cost: 0,
            probe_answers: PROBE_ANSWERS_MIN,
            steps_down: 0,
            deaf_until_ms: 0,
        }
    }

    /// Requests in a window.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.rung.saturating_sub(STRETCHES).max(1)
    }

    /// How many times longer a window is.
    #[must_use]
    pub fn stretch(&self) -> u64 {
        1 << STRETCHES.saturating_add(1).saturating_sub(self.rung).min(STRETCHES)
    }

    /// Whether it is less than the allowance.
    #[must_use]
    pub const fn is_lowered(&self) -> bool {
        self.rung < self.top
    }

    /// What was learned, for an allowance that may be another one by now.
    #[must_use]
    pub fn fitted(self, requests: u32) -> Self {
        let fresh = Self::new(requests);
        if self.top == fresh.top {
            let rung = self.rung.clamp(1, self.top);
            return Self { rung, sound: self.sound.clamp(1, rung), ..self };
        }
        fresh
    }

    /// A request was answered, and not for being too many.
    pub fn answered(&mut self) {
        self.answers = self.answers.saturating_add(1);
        self.steps_down = 0;
        let windows = |count: u32| self.requests().saturating_mul(count);
        let needed = match self.refused {
            Some(bad) if self.rung >= bad => windows(3).max(20),
            Some(bad) if self.rung + 1 == bad => self.probe_answers.max(self.cost.saturating_mul(ANSWERS_A_REFUSAL)),
            Some(_) => windows(1).max(self.cost.saturating_mul(10)),
            None if self.rung < self.top => windows(3).max(20),
            None => return,
        };
        if self.answers < needed {
            return;
        }
        (self.answers, self.sound) = (0, self.rung);
        match self.refused {
            Some(bad) if self.rung >= bad => {
                // The destination allows more than it did.
                (self.refused, self.cost, self.probe_answers) = (None, 0, PROBE_ANSWERS_MIN);
            }
            Some(bad) if self.rung + 1 == bad => self.rung = bad,
            Some(bad) => self.rung += ((bad - 1 - self.rung) / 2).max(1),
            None => self.rung = (self.rung + (self.requests() / 16).max(1)).min(self.top),
        }
    }

    /// A request was refused for being too many, with windows of `per_ms`. Returns whether the level is lower now.
    pub fn refused(&mut self, now_ms: u64, per_ms: u64) -> bool {
        if now_ms < self.deaf_until_ms && self.deaf_until_ms - now_ms <= per_ms.saturating_mul(STRETCH_MAX) {
            self.cost = self.cost.saturating_add(1);
            return false;
        }
        if self.steps_down >= STEPS_DOWN_MAX {
            return false;
        }
        self.steps_down += 1;
        self.cost = 1;
        if self.refused.is_some_and(|bad| self.rung >= bad) {
            self.probe_answers = self.probe_answers.saturating_mul(2).min(PROBE_ANSWERS_MAX);
        }
        self.refused = Some(self.rung);
        self.rung = if self.rung > self.sound { self.sound } else { half(self.rung) };
        self.sound = self.rung;
        self.answers = 0;
        self.deaf_until_ms = now_ms.saturating_add(per_ms.saturating_mul(self.stretch()));
        true
    }
}

/// The rung of half as many requests.
const fn half(rung: u32) -> u32 {
    if rung > STRETCHES + 1 {
        (rung - STRETCHES) / 2 + STRETCHES
    } else if rung > 1 {
        rung - 1
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Pace;
    use std::collections::VecDeque;

    /// A destination with a limit of its own, asked by `in_flight` at a time through a pace; the share of the refused
    /// among the last half of so many requests, and how many a window were answered then.
    fn simulate(ours: u32, theirs: u32, in_flight: usize, requests: usize) -> (f64, f64) {
        const PER_MS: u64 = 1_000;
        let mut pace = Pace::new(ours, u32::try_from(PER_MS).unwrap());
        let (mut now, mut seen): (u64, VecDeque<u64>) = (0, VecDeque::new());
        let mut flying: VecDeque<(u64, bool)> = VecDeque::new();
        let (mut outcomes, mut half_ms) = (Vec::new(), 0);
        while outcomes.len() < requests {
            while let Some((_, is_refused)) = flying.pop_front_if(|(at, _)| *at <= now) {
                if is_refused {
                    pace.refused(now);
                } else {
                    pace.answered();
                }
            }
            let wait = if flying.len() >= in_flight {
                flying.front().map_or(1, |(at, _)| at - now)
            } else if let Err(wait) = pace.take(now) {
                flying.front().map_or(wait, |(at, _)| wait.min(at - now))
            } else {
                while seen.pop_front_if(|at| *at + PER_MS <= now).is_some() {}
                let is_refused = seen.len() >= theirs as usize;
                if !is_refused {
                    seen.push_back(now);
                }
                flying.push_back((now + 40, is_refused));
                outcomes.push(is_refused);
                if outcomes.len() == requests / 2 {
                    half_ms = now;
                }
                0
            };
            now += wait;
        }
        let last = &outcomes[requests / 2..];
        let refused = last.iter().filter(|refused| **refused).count();
        let windows = (now - half_ms) as f64 / PER_MS as f64;
        (refused as f64 / last.len() as f64, (last.len() - refused) as f64 / windows)
    }

    #[test]
    fn a_lower_limit_at_the_destination_is_found_and_kept() {
        for (ours, theirs) in [(4, 3), (10, 6), (10, 9), (20, 5), (30, 29), (100, 37), (400, 100), (50, 1)] {
            for in_flight in [1, 4, 16] {
                let (refused, answered) = simulate(ours, theirs, in_flight, 8_000);
                let told =
                    format!("{ours} against {theirs}, {in_flight} in flight: {refused} refused, {answered} a window");
                assert!(refused < 0.02, "{told}");
                let possible = f64::from(theirs).min(in_flight as f64 * 25.0);
                assert!(answered > 0.7 * possible, "{told}");
            }
        }
    }

    #[test]
    fn a_limit_that_is_met_is_left_alone_and_one_that_is_raised_is_found() {
        let mut level = Level::new(10);
        (0..1_000).for_each(|_| level.answered());
        assert_eq!((level.requests(), level.is_lowered()), (10, false));
        assert!(level.refused(0, 1_000));
        assert!(!level.refused(10, 1_000), "what left before the step down says nothing new");
        assert_eq!((level.requests(), level.is_lowered()), (5, true));
        (0..5_000).for_each(|_| level.answered());
        assert!(!level.is_lowered());
    }

    #[test]
    fn below_one_request_the_window_grows() {
        let mut level = Level::new(2);
        let mut now = 0;
        let mut stretches = Vec::new();
        for _ in 0..7 {
            level.answered();
            level.refused(now, 1_000);
            stretches.push(level.stretch());
            now += 1_000_000;
        }
        assert_eq!(stretches, [1, 2, 4, 8, 16, 16, 16]);
        assert_eq!(level.requests(), 1);
    }

    #[test]
    fn where_nothing_is_answered_a_lower_pace_is_no_cure() {
        let mut level = Level::new(800);
        (0..100).for_each(|minute| {
            level.refused(minute * 60_000, 1_000);
        });
        assert_eq!(level.requests(), 100);
    }
}
