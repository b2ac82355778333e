//! What one call of a plugin may use.

use std::time::Duration;

/// Budgets of one call. Each is the most that an honest plugin needs, several times over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes. A CPython guest needs 13 MB; batches of 10,000 members need 30 MB.
    pub memory_bytes: usize,
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
    /// Bytes that a guest may hand over in one call or result, before the host allocates them.
    pub output_bytes: usize,
    /// Log lines of one call; more are counted.
    pub log_lines: usize,
    /// Log bytes of one call.
    pub log_bytes: usize,
    /// Requests of one `send`.
    pub requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            cpu_validate: Duration::from_secs(1),
            cpu_map: Duration::from_secs(2),
            cpu_send: Duration::from_secs(5),
            wall_pure: Duration::from_secs(30),
            wall_send: Duration::from_secs(60),
            output_bytes: 32 << 20,
            log_lines: 500,
            log_bytes: 64 << 10,
            requests: 1_000,
        }
    }
}

/// Memories of one instance: QuickJS components have three.
pub(super) const MEMORIES_MAX: usize = 4;
/// Tables of one instance.
pub(super) const TABLES_MAX: usize = 16;
/// Core instances of one component.
pub(super) const INSTANCES_MAX: usize = 64;
/// Table slots: CPython components have 7,690.
pub(super) const TABLE_SLOTS_MAX: usize = 20_000;
/// Live handles: the contract has no resources of its own, only WASI streams.
pub(super) const HANDLES_MAX: usize = 1_024;
/// Random bytes of one call of WASI.
pub(super) const RANDOM_BYTES_MAX: u64 = 4_096;
/// How often a running guest is made to yield; the precision of CPU budgets.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Largest remote: a catalogue of a thousand fields with their choices fits.
pub(super) const REMOTE_BYTES_MAX: usize = 1 << 20;
/// Longest token of a job: ids of the job and of its steps.
pub(super) const TICKET_BYTES_MAX: usize = 4 << 10;
