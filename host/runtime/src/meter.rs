//! How much an instance may grow, and how far it grew.

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

use crate::limits::{self, Limits};

/// Refuses what is over the limits and keeps count of the rest.
pub(super) struct Meter {
    limits: StoreLimits,
    /// The most bytes that one memory of the instance had.
    pub(super) memory_bytes: usize,
    /// The most slots that one table of the instance had.
    pub(super) table_slots: usize,
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes)
            .memories(limits::MEMORIES_MAX)
            .tables(limits::TABLES_MAX)
            .table_elements(limits.table_slots)
            .instances(limits::INSTANCES_MAX)
            .trap_on_grow_failure(true)
            .build();
        Self { limits, memory_bytes: 0, table_slots: 0 }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if allowed {
            self.memory_bytes = self.memory_bytes.max(desired);
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = self.limits.table_growing(current, desired, maximum)?;
        if allowed {
            self.table_slots = self.table_slots.max(desired);
        }
        Ok(allowed)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
