//! The engine's settings, the same for compiling and running.

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::{self, Limits};

/// Instances that may live at the same time: more than a run ever has in flight.
const POOL_INSTANCES: u32 = 64;
/// Frames of a guest's backtrace that are worth showing.
const BACKTRACE_FRAMES_MAX: usize = 20;

/// The one place where the engine's settings are decided, so that what is compiled can be run.
pub(super) fn config(limits: &Limits, pooled: bool) -> Config {
    let mut config = Config::new();
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.wasm_relaxed_simd(false);
    config.wasm_memory64(false);
    config.cranelift_nan_canonicalization(true);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES_MAX));
    if pooled {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(POOL_INSTANCES);
        pool.total_core_instances(POOL_INSTANCES * 4);
        pool.total_memories(POOL_INSTANCES * 2);
        pool.total_tables(POOL_INSTANCES * 4);
        pool.total_stacks(POOL_INSTANCES);
        pool.max_memory_size(limits.memory_bytes);
        pool.max_memories_per_component(u32::try_from(limits::MEMORIES_MAX).unwrap_or(4));
        pool.max_tables_per_component(u32::try_from(limits::TABLES_MAX).unwrap_or(16));
        pool.table_elements(limits::TABLE_SLOTS_MAX);
        pool.linear_memory_keep_resident(1 << 20);
        pool.table_keep_resident(64 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
