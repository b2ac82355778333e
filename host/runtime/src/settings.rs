//! The engine's settings, the same for compiling and running.

use enroute_config::plugins_file::CALL_LIMITS;
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
    config.max_wasm_stack(limits::STACK_BYTES);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES_MAX));
    if pooled {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(POOL_INSTANCES);
        pool.total_core_instances(POOL_INSTANCES * 4);
        pool.total_memories(POOL_INSTANCES * 2);
        pool.total_tables(POOL_INSTANCES * 4);
        pool.total_stacks(POOL_INSTANCES);
        pool.max_memory_size(most("memory_mib").saturating_mul(1 << 20).max(limits.memory_bytes));
        pool.max_memories_per_component(u32::try_from(limits::MEMORIES_MAX).unwrap_or(4));
        pool.max_tables_per_component(u32::try_from(limits::TABLES_MAX).unwrap_or(16));
        pool.table_elements(most("table_slots").max(limits.table_slots));
        pool.linear_memory_keep_resident(1 << 20);
        pool.table_keep_resident(64 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// The largest value that a limit can be set to: the pool has places that are large enough, of which only what is used
/// takes memory.
fn most(key: &str) -> usize {
    let found = CALL_LIMITS.iter().find(|limit| limit.key == key);
    found.and_then(|limit| usize::try_from(limit.most).ok()).unwrap_or(0)
}
