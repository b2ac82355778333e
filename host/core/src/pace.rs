//! The pace of a bucket: never more than so many requests in any window of so much time, and nothing before a moment
//! that was announced.
//!
//! Pure: the state is a value, time is a parameter, in milliseconds of any clock. Invariants: no window has more than
//! the allowance, wherever it begins (test `no_window_sees_more_than_the_allowance`), also over an end of the process at
//! any moment (test `a_restart_makes_no_room`). A bucket of tokens would let twice as many through around a pause.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub mod level;

use self::level::{Level, STRETCH_MAX};

/// Most moments that are remembered: an allowance beyond it is no pace that a request could feel.
const REMEMBERED_MAX: u32 = 65_536;
/// Parts of the bucket's time that are kept apart when it is written down.
const PARTS: u64 = 32;
/// Requests of so much time are paid for by one record in advance, which is what a process that is killed may cost …
const AHEAD_MS: u64 = 500;
/// … and no more than so many.
const AHEAD_MAX: u64 = 64;

/// A bucket's allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    requests: u32,
    per_ms: u64,
    level: Level,
    /// When requests passed, oldest first; as many as the allowance.
    passed_ms: VecDeque<u64>,
    /// Requests that may leave at any moment.
    reserved: u32,
    /// Of those to come, how many a record has that outlives the process.
    covered: u32,
    /// Requests that have left.
    left: u32,
    not_before_ms: u64,
}

/// A pace as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Moments, and how many requests passed then or shortly before.
    passed: Vec<(u64, u32)>,
    /// Requests that may have left since.
    ahead: u32,
    not_before_ms: u64,
    level: Level,
}

impl Kept {
    /// Requests in a window, where that is fewer than the allowance.
    #[must_use]
    pub fn lowered_to(&self) -> Option<u32> {
        self.level.is_lowered().then(|| self.level.requests())
    }
}

/// What a record pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// Requests that may leave before the next record.
    pub ahead: u32,
    /// Requests that had left before it.
    left: u32,
}

/// Why a request may not leave yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For so many milliseconds.
    Ms(u64),
    /// Until another one that may leave has left, or will not.
    Turn,
}

impl Pace {
    /// An allowance of `requests` in each `per_ms` milliseconds, none of it used.
    #[must_use]
    pub fn new(requests: u32, per_ms: u32) -> Self {
        let requests = requests.clamp(1, REMEMBERED_MAX);
        Self {
            requests,
            per_ms: u64::from(per_ms.max(1)),
            level: Level::new(requests),
            passed_ms: VecDeque::new(),
            reserved: 0,
            covered: 0,
            left: 0,
            not_before_ms: 0,
        }
    }

    /// The same with what was written down earlier. What a clock that was ahead has noted counts as of now, and no
    /// moment is waited for that is further away than `longest_ms`.
    #[must_use]
    pub fn with_kept(mut self, kept: Kept, now_ms: u64, longest_ms: u64) -> Self {
        let passed = kept.passed.into_iter().chain([(now_ms, kept.ahead)]);
        for (at_ms, count) in passed {
            let count = count.min(self.requests) as usize;
            self.passed_ms.extend(std::iter::repeat_n(at_ms.min(now_ms), count));
        }
        let surplus = self.passed_ms.len().saturating_sub(self.requests as usize);
        self.passed_ms.drain(..surplus);
        if kept.not_before_ms <= now_ms.saturating_add(longest_ms) {
            self.not_before_ms = kept.not_before_ms;
        }
        self.level = kept.level.fitted(self.requests);
        self
    }

    /// The pace as it is to be written down, with `ahead` requests that may leave before it is written again.
    #[must_use]
    pub fn kept(&self, now_ms: u64, ahead: u32) -> Kept {
        let (window_ms, part_ms) = (self.window_ms(), self.per_ms.div_ceil(PARTS));
        let mut passed: Vec<(u64, u32)> = Vec::new();
        for at_ms in self.passed_ms.iter().filter(|at_ms| **at_ms + window_ms > now_ms) {
            // A part counts as of its end, so that nothing is allowed too early.
            let end_ms = at_ms.div_ceil(part_ms).saturating_mul(part_ms);
            match passed.last_mut() {
                Some((last_ms, count)) if *last_ms == end_ms => *count += 1,
                _ => passed.push((end_ms, 1)),
            }
        }
        Kept { passed, ahead, not_before_ms: self.not_before_ms, level: self.level.clone() }
    }

    /// What the next record has to pay for, if the last one does not cover the requests that may leave.
    #[must_use]
    pub fn uncovered(&self) -> Option<Cover> {
        let soon = (u64::from(self.level.requests()) * AHEAD_MS / self.per_ms).clamp(1, AHEAD_MAX);
        let ahead = self.reserved.saturating_add(u32::try_from(soon).unwrap_or(1));
        (self.covered < self.reserved).then_some(Cover { ahead, left: self.left })
    }

    /// Notes that the record is written.
    pub fn cover(&mut self, cover: Cover) {
        self.covered = cover.ahead.saturating_sub(self.left.wrapping_sub(cover.left));
    }

    /// The longest window that there may be.
    const fn window_ms(&self) -> u64 {
        self.per_ms.saturating_mul(STRETCH_MAX)
    }

    /// How many milliseconds a request would have to wait now; takes nothing.
    #[must_use]
    pub fn wait(&self, now_ms: u64) -> u64 {
        let held_ms = self.not_before_ms.saturating_sub(now_ms);
        let free = self.level.requests().saturating_sub(self.reserved).max(1) as usize;
        let oldest = self.passed_ms.len().checked_sub(free).and_then(|at| self.passed_ms.get(at));
        let per_ms = self.per_ms.saturating_mul(self.level.stretch());
        let full_ms = oldest.map_or(0, |oldest| (oldest.min(&now_ms) + per_ms).saturating_sub(now_ms));
        held_ms.max(full_ms)
    }

    /// How many requests may still leave in the window that now is the end of, and when all of them may again: the last
    /// that left is a window ago then.
    #[must_use]
    pub fn room(&self, now_ms: u64) -> (u32, u64) {
        let per_ms = self.per_ms.saturating_mul(self.level.stretch());
        let counts = |at_ms: &&u64| at_ms.saturating_add(per_ms) > now_ms;
        let used = self.passed_ms.iter().filter(counts).count();
        let used = u32::try_from(used).unwrap_or(u32::MAX).saturating_add(self.reserved);
        let last_ms = self.passed_ms.iter().max().map_or(0, |at_ms| at_ms.saturating_add(per_ms));
        (self.level.requests().saturating_sub(used), last_ms.max(self.not_before_ms).max(now_ms))
    }

    /// Sets one request's worth aside, which may then leave at any moment; or says why not.
    ///
    /// # Errors
    /// When the allowance is used up or the destination asked for patience.
    pub fn reserve(&mut self, now_ms: u64) -> Result<(), Wait> {
        match self.wait(now_ms) {
            0 if self.reserved >= self.level.requests() => Err(Wait::Turn),
            0 => {
                self.reserved += 1;
                Ok(())
            }
            wait_ms => Err(Wait::Ms(wait_ms)),
        }
    }

    /// A request that was set aside leaves now.
    pub fn leave(&mut self, now_ms: u64) {
        self.reserved = self.reserved.saturating_sub(1);
        self.covered = self.covered.saturating_sub(1);
        self.left = self.left.wrapping_add(1);
        if self.passed_ms.len() >= self.requests as usize {
            self.passed_ms.pop_front();
        }
        // A clock that goes back must not make room, and what has happened is not still to come.
        if self.passed_ms.back().is_some_and(|last_ms| *last_ms > now_ms) {
            self.passed_ms.iter_mut().for_each(|at_ms| *at_ms = (*at_ms).min(now_ms));
        }
        self.passed_ms.push_back(now_ms);
    }

    /// A request that was set aside will not leave.
    pub fn release(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// Takes one request's worth, or says how many milliseconds to wait first.
    ///
    /// # Errors
    /// The wait, when the allowance is used up or the destination asked for patience.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        match self.reserve(now_ms) {
            Ok(()) => {
                self.leave(now_ms);
                Ok(())
            }
            Err(Wait::Ms(wait_ms)) => Err(wait_ms),
            Err(Wait::Turn) => Err(1),
        }
    }

    /// Lets nothing pass for `after_ms`, because the destination said so.
    pub fn hold(&mut self, now_ms: u64, after_ms: u64) {
        self.not_before_ms = self.not_before_ms.max(now_ms.saturating_add(after_ms));
    }

    /// A request was answered, and not for being too many.
    pub fn answered(&mut self) {
        self.level.answered();
    }

    /// A request was refused for being too many: fewer are sent from now on. Returns whether that is news.
    pub fn refused(&mut self, now_ms: u64) -> bool {
        self.level.refused(now_ms, self.per_ms)
    }

    /// Whether any request has left.
    #[must_use]
    pub const fn was_used(&self) -> bool {
        self.left > 0
    }

    /// How much of the allowance is used.
    #[must_use]
    pub const fn level(&self) -> &Level {
        &self.level
    }
}

#[cfg(test)]
mod tests;
