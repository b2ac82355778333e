//! What a piece of work costs: CPU and wall time, instructions, and the most memory.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::commands::bench::instructions::Instructions;

/// What one round cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// CPU time of this process, user and system, all threads. Other processes are not in it.
    pub(super) cpu: Duration,
    /// From beginning to end.
    pub(super) wall: Duration,
    /// Instructions outside the kernel.
    pub(super) instructions: Option<u64>,
}

/// Measures one piece of work after the other.
pub(super) struct Meter {
    instructions: Result<Instructions, String>,
}

/// A piece of work under way.
pub(super) struct Running {
    cpu: Duration,
    wall: Instant,
    instructions: Option<u64>,
}

impl Meter {
    pub(super) fn new() -> Self {
        let instructions = Instructions::start().and_then(|mut counters| match counters.count() {
            Some(_) => Ok(counters),
            None => Err("the counters cannot be read".to_owned()),
        });
        Self { instructions }
    }

    /// Why no instructions are counted, if they are not.
    pub(super) fn no_instructions(&self) -> Option<&str> {
        self.instructions.as_ref().err().map(String::as_str)
    }

    pub(super) fn start(&mut self) -> Running {
        Running { instructions: self.count(), cpu: process_cpu(), wall: Instant::now() }
    }

    pub(super) fn stop(&mut self, running: &Running) -> Cost {
        let (wall, cpu) = (running.wall.elapsed(), process_cpu().saturating_sub(running.cpu));
        let instructions = self.count().zip(running.instructions).map(|(now, then)| now.saturating_sub(then));
        Cost { cpu, wall, instructions }
    }

    fn count(&mut self) -> Option<u64> {
        self.instructions.as_mut().ok()?.count()
    }
}

/// CPU time of this process so far.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Forgets the most memory so far, where the system can.
pub(super) fn forget_peak() {
    // Where it cannot, the peak is that of the whole run.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process has had, in MiB, where the system tells.
pub(super) fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(1 << 10))
}

/// A figure over the rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) best: f64,
    pub(super) median: f64,
    pub(super) worst: f64,
}

impl Spread {
    /// Of values of which the highest is the best.
    pub(super) fn highest(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        Some(Self { best: *values.first()?, median: *values.get(values.len() / 2)?, worst: *values.last()? })
    }

    /// Of values of which the lowest is the best.
    pub(super) fn lowest(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let Self { best, median, worst } = Self::highest(values.into_iter().map(|value| -value))?;
        Some(Self { best: -best, median: -median, worst: -worst })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_best_median_and_worst() {
        let spread = |best, median, worst| Some(Spread { best, median, worst });
        assert_eq!(Spread::highest([2.0, 9.0, 4.0]), spread(9.0, 4.0, 2.0));
        assert_eq!(Spread::lowest([2.0, 9.0, 4.0, f64::INFINITY]), spread(2.0, 4.0, 9.0));
        assert_eq!(Spread::highest([]), None);
    }

    #[test]
    fn work_costs_time() {
        let mut meter = Meter::new();
        let running = meter.start();
        let sum = (0..3_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        let cost = meter.stop(&running);
        assert!(cost.cpu > Duration::ZERO && cost.wall > Duration::ZERO, "{cost:?} for {sum}");
    }
}
