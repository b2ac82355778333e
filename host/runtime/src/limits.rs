//! What one call of a plugin may use.

use std::time::Duration;

use enroute_config::plugins_file::CallLimits;

/// Budgets of one call. Each is the most that an honest plugin needs, several times over; `limits` of a plugin in
/// `plugins.toml` sets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes. A CPython guest needs 13 MB; batches of 10,000 members need 30 MB.
    pub memory_bytes: usize,
    /// Slots of a table. CPython components have 7,690.
    pub table_slots: usize,
    /// CPU time of `validate`.
    pub cpu_validate: Duration,
    /// CPU time of `map` for one batch.
    pub cpu_map: Duration,
    /// CPU time of `send` for one delivery.
    pub cpu_send: Duration,
    /// Wall time of `validate` and `map`, waiting for a core included.
    pub wall_pure: Duration,
    /// Wall time of `send`, waiting for the destination included.
    pub wall_send: Duration,
    /// Calls of the contract's own interfaces. Ten phone numbers for each of 10,000 members are 100,000.
    pub host_calls: u64,
    /// Requests of one `send`.
    pub requests: u32,
    /// Bytes that a guest may hand over in one call or result, before the host allocates them.
    pub output_bytes: usize,
    /// Log lines of one call; more are counted.
    pub log_lines: usize,
    /// Log bytes of one call.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_slots: 20_000,
            cpu_validate: Duration::from_secs(1),
            cpu_map: Duration::from_secs(2),
            cpu_send: Duration::from_secs(5),
            wall_pure: Duration::from_secs(30),
            wall_send: Duration::from_secs(60),
            host_calls: 2_000_000,
            requests: 1_000,
            output_bytes: 32 << 20,
            log_lines: 500,
            log_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// These limits, with what an operator has set in place of the defaults.
    #[must_use]
    pub fn with(mut self, set: &CallLimits) -> Self {
        for (key, number) in set {
            let (number, time) = (*number, Duration::from_millis(*number));
            let count = usize::try_from(number).unwrap_or(usize::MAX);
            match *key {
                "memory_mib" => self.memory_bytes = count.saturating_mul(1 << 20),
                "table_slots" => self.table_slots = count,
                "cpu_validate_ms" => self.cpu_validate = time,
                "cpu_map_ms" => self.cpu_map = time,
                "cpu_send_ms" => self.cpu_send = time,
                "wall_ms" => self.wall_pure = time,
                "wall_send_ms" => self.wall_send = time,
                "host_calls" => self.host_calls = number,
                "requests" => self.requests = u32::try_from(number).unwrap_or(u32::MAX),
                "output_mib" => self.output_bytes = count.saturating_mul(1 << 20),
                "log_lines" => self.log_lines = count,
                "log_kib" => self.log_bytes = count.saturating_mul(1 << 10),
                _ => {}
            }
        }
        self
    }

    /// Each limit by its key in `plugins.toml` and in the key's unit.
    #[must_use]
    pub fn by_key(&self) -> [(&'static str, u64); 12] {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let count = |count: usize, unit: usize| u64::try_from(count / unit).unwrap_or(u64::MAX);
        [
            ("memory_mib", count(self.memory_bytes, 1 << 20)),
            ("table_slots", count(self.table_slots, 1)),
            ("cpu_validate_ms", millis(self.cpu_validate)),
            ("cpu_map_ms", millis(self.cpu_map)),
            ("cpu_send_ms", millis(self.cpu_send)),
            ("wall_ms", millis(self.wall_pure)),
            ("wall_send_ms", millis(self.wall_send)),
            ("host_calls", self.host_calls),
            ("requests", u64::from(self.requests)),
            ("output_mib", count(self.output_bytes, 1 << 20)),
            ("log_lines", count(self.log_lines, 1)),
            ("log_kib", count(self.log_bytes, 1 << 10)),
        ]
    }
}

/// Memories of one instance: QuickJS components have three.
pub(super) const MEMORIES_MAX: usize = 4;
/// Tables of one instance.
pub(super) const TABLES_MAX: usize = 16;
/// Core instances of one component.
pub(super) const INSTANCES_MAX: usize = 64;
/// Live handles: the contract has no resources of its own, only WASI streams.
pub(super) const HANDLES_MAX: usize = 1_024;
/// Random bytes of one call of WASI.
pub(super) const RANDOM_BYTES_MAX: u64 = 4_096;
/// How often a running guest is made to yield; the precision of CPU budgets.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// Stack of a guest: the engine's own default, one for all plugins, since the engine decides it for all. Deep recursion
/// needs it and nothing else; ten thousand frames of a parser fit.
pub(super) const STACK_BYTES: usize = 512 << 10;

/// Largest remote: a catalogue of a thousand fields with their choices fits.
pub(super) const REMOTE_BYTES_MAX: usize = 1 << 20;
/// Longest token of a job: ids of the job and of its steps.
pub(super) const TICKET_BYTES_MAX: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_config::plugins_file::CALL_LIMITS;

    #[test]
    fn every_limit_can_be_set_and_its_default_is_within_its_bounds() {
        let defaults = Limits::default().by_key();
        assert_eq!(defaults.map(|(key, _)| key), CALL_LIMITS.map(|limit| limit.key));
        for (limit, (key, default)) in CALL_LIMITS.iter().zip(defaults) {
            assert!((limit.least..=limit.most).contains(&default), "{key}");
            let set = Limits::default().with(&CallLimits::from([(key, limit.most)]));
            assert_eq!(set.by_key().into_iter().find(|(name, _)| *name == key), Some((key, limit.most)));
            let others =
                |limits: &Limits| limits.by_key().into_iter().filter(|(name, _)| *name != key).collect::<Vec<_>>();
            assert_eq!(others(&set), others(&Limits::default()), "{key} changes nothing else");
        }
    }
}
