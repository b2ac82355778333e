//! The tick that makes guests yield.

use std::sync::{Arc, Weak};

use wasmtime::Engine;

use crate::fault::LoadError;
use crate::limits;

/// Keeps the tick going, without which no guest can be stopped: every plugin holds it, and the thread ends when the
/// last holder is gone.
#[derive(Debug)]
pub(super) struct Ticker;

impl Ticker {
    /// Starts the thread.
    pub(super) fn start(engine: &Engine) -> Result<Arc<Self>, LoadError> {
        let ticker = Arc::new(Self);
        let alive: Weak<Self> = Arc::downgrade(&ticker);
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
}
