//! What the host does through the program that carries it: what prints, and what reads sources.

use std::net::SocketAddr;
use std::sync::Arc;

use enroute_config::Config;
use enroute_store::Store;
use enroute_sync::RunReport;

/// What is done for the host by its program. Every call may block.
pub trait Hands: Send + Sync + 'static {
    /// The host listens here, and everything is ready.
    fn listening(&self, at: SocketAddr);

    /// Tells whoever looks at the host's messages one thing.
    fn note(&self, text: &str);

    /// Reads one source into the store, and what is computed from it.
    ///
    /// # Errors
    /// Why it could not be read, in one sentence.
    fn import(&self, store: &Arc<Store>, config: &Arc<Config>, source: &str) -> Result<(), String>;

    /// Tells whoever is to be told what came of a run.
    fn told(&self, store: &Arc<Store>, config: &Arc<Config>, report: &RunReport);
}
