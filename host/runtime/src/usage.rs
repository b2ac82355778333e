//! What a call used of each limit, under the limit's own key.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::Limits;
use crate::types::LogLine;

/// What a call cost, and what the plugin logged during it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time inside the sandbox.
    pub cpu: Duration,
    /// Time from beginning to end, waiting included.
    pub wall: Duration,
    /// The most memory that it had.
    pub memory_bytes: usize,
    /// The most slots that one of its tables had.
    pub table_slots: usize,
    /// Calls of the contract's interfaces `http`, `log` and `normalize`.
    pub host_calls: u64,
    /// Requests that it tried to make, whether they left or not.
    pub requests: u32,
    /// The most bytes that it handed over at once: its result, or a request.
    pub output_bytes: usize,
    /// Lines logged.
    pub log: Vec<LogLine>,
    /// Bytes logged, those of lines over the limit too.
    pub log_bytes: usize,
    /// Lines that were over the limit.
    pub log_dropped: u64,
    /// A code or sentence that the host had to bring into form, or more different ones than it keeps.
    pub ill_formed: Option<String>,
    /// A code or field of a warning of `map` that the host had to bring into form.
    pub ill_warned: Option<String>,
    /// The longest wait that a report asks for, before it is cut.
    pub wait_ms: u64,
}

impl Usage {
    /// What a call of this function used, by the key of the limit and in its unit, rounded up.
    #[must_use]
    pub fn by_limit(&self, function: &str) -> [(&'static str, u64); 9] {
        let (cpu, wall) = match function {
            "validate" => ("cpu_validate_ms", "wall_ms"),
            "map" => ("cpu_map_ms", "wall_ms"),
            _ => ("cpu_send_ms", "wall_send_ms"),
        };
        [
            ("memory_mib", units(self.memory_bytes, 1 << 20)),
            ("table_slots", units(self.table_slots, 1)),
            (cpu, millis(self.cpu)),
            (wall, millis(self.wall)),
            ("host_calls", self.host_calls),
            ("requests", u64::from(self.requests)),
            ("output_mib", units(self.output_bytes, 1 << 20)),
            ("log_lines", units(self.log.len(), 1)),
            ("log_kib", units(self.log_bytes, 1 << 10)),
        ]
    }
}

/// The most that calls used of each limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks(BTreeMap<&'static str, u64>);

/// The most that one call used of a limit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Peak {
    /// The limit's key in `plugins.toml`, which ends in its unit.
    pub limit: String,
    /// The most that one call used, rounded up.
    pub used: u64,
    /// What one call may use.
    pub most: u64,
}

impl Peaks {
    /// Takes a call of this function in.
    pub fn take(&mut self, function: &str, usage: &Usage) {
        for (key, used) in usage.by_limit(function) {
            let known = self.0.entry(key).or_default();
            *known = used.max(*known);
        }
    }

    /// Each limit of which something was used, beside what is allowed.
    #[must_use]
    pub fn beside(&self, limits: &Limits) -> Vec<Peak> {
        let most = limits.by_key();
        let one = |(key, most): (&'static str, u64)| {
            let used = self.0.get(key).copied().filter(|used| *used > 0)?;
            Some(Peak { limit: key.to_owned(), used, most })
        };
        most.into_iter().filter_map(one).collect()
    }
}

fn units(count: usize, unit: usize) -> u64 {
    u64::try_from(count.div_ceil(unit)).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_several_calls_stands_beside_the_limit() {
        let mut peaks = Peaks::default();
        let usage = |memory_bytes| Usage { memory_bytes, cpu: Duration::from_micros(1_500), ..Usage::default() };
        peaks.take("map", &usage(3 << 20));
        peaks.take("send", &usage(1));
        let shown: Vec<_> =
            peaks.beside(&Limits::default()).into_iter().map(|peak| (peak.limit, peak.used, peak.most)).collect();
        let expect = [("memory_mib", 3, 64), ("cpu_map_ms", 2, 2_000), ("cpu_send_ms", 2, 5_000)];
        assert_eq!(shown, expect.map(|(key, used, most)| (key.to_owned(), used, most)));
    }
}
