//! One engine for the process, which loads plugins.

use crate::bindings;
use crate::cache::Cache;
use crate::fault::LoadError;
use crate::limits::Limits;
use crate::plugin::Plugin;
use crate::settings::config;
use crate::state::State;
use crate::ticker::Ticker;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::Linker;

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
        let ticker = Ticker::start(&engine)?;
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

/// What plugins may import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}
