//! One engine for the process, the same settings for compiling and running, and the tick that makes guests yield.

use std::sync::{Arc, Weak};

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::config::plugins_file::CALL_LIMITS;
use crate::runtime::bindings;
use crate::runtime::cache::Cache;
use crate::runtime::fault::LoadError;
use crate::runtime::limits::{self, Limits};
use crate::runtime::plugin::Plugin;
use crate::runtime::state::State;

/// Compiles and runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    linker: Linker<State>,
    limits: Limits,
    cache: Option<Cache>,
    ticker: Arc<Ticker>,
}

/// Keeps the tick going, without which no guest can be stopped: every plugin holds it, and the thread ends when the
/// last holder is gone.
#[derive(Debug)]
pub(super) struct Ticker;

impl Runtime {
    /// Starts the sandbox. `cache` keeps compiled plugins between runs; without it each start compiles them.
    ///
    /// # Errors
    /// When the engine refuses its settings or the tick's thread cannot start.
    pub fn new(limits: Limits, cache: Option<Cache>) -> Result<Self, LoadError> {
        let pooled = config(&limits, true);
        let engine = Engine::new(&pooled)
            .or_else(|_| Engine::new(&config(&limits, false)))
            .map_err(|error| LoadError::Engine(error.to_string()))?;
        let linker = linker(&engine).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = start_ticker(&engine)?;
        Ok(Self { inner: Arc::new(Inner { engine, linker, limits, cache, ticker }) })
    }

    /// Compiles a component, or takes it from the cache, and checks that it fits the contract.
    /// Work of up to seconds: call it where blocking is fine.
    ///
    /// # Errors
    /// When it does not compile, or its exports are not those of the contract.
    pub fn load(&self, plugin: &str, wasm: &[u8]) -> Result<Plugin, LoadError> {
        let inner = &self.inner;
        let compiled = match &inner.cache {
            Some(cache) => cache.load_or_compile(&inner.engine, wasm),
            None => wasmtime::component::Component::from_binary(&inner.engine, wasm),
        };
        let component =
            compiled.map_err(|error| LoadError::Compile { plugin: plugin.to_owned(), reason: format!("{error:#}") })?;
        let contract =
            |error: wasmtime::Error| LoadError::Contract { plugin: plugin.to_owned(), reason: format!("{error:#}") };
        let instance = inner.linker.instantiate_pre(&component).map_err(contract)?;
        let indices = bindings::PluginPre::new(instance).map_err(contract)?;
        Ok(Plugin::new(plugin.to_owned(), indices, inner.limits, Arc::clone(&inner.ticker)))
    }

    /// The budgets of each call.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

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

/// Instances that may live at the same time: more than a run ever has in flight.
const POOL_INSTANCES: u32 = 64;
/// Frames of a guest's backtrace that are worth showing.
const BACKTRACE_FRAMES_MAX: usize = 20;

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

fn start_ticker(engine: &Engine) -> Result<Arc<Ticker>, LoadError> {
    let ticker = Arc::new(Ticker);
    let alive: Weak<Ticker> = Arc::downgrade(&ticker);
    let engine = engine.clone();
    std::thread::Builder::new()
        .name("enroute-tick".to_owned())
        .spawn(move || {
            while alive.strong_count() > 0 {
                std::thread::park_timeout(limits::TICK);
                engine.increment_epoch();
            }
        })
        .map_err(|error| LoadError::Engine(error.to_string()))?;
    Ok(ticker)
}
