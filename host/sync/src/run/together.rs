//! What runs that are under way at one time share: the gates of each credential, its tokens, and whose turn it is at a
//! place that several connections write into.
//!
//! A run by itself has one of its own. In a host that stays, every connection has runs of its own, and what is promised
//! of a credential holds over all of them. What must never happen: gates that are written down while somebody still
//! uses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use enroute_auth::Keepers;
use enroute_store::{Error, Store};

use crate::clock::Clock;
use crate::delivery::pace::Gates;
use crate::figures::Figures;
use crate::run::turn::{Turn, Turns};
use crate::setup::link::Link;

/// What runs at one time share.
#[derive(Debug, Default)]
pub struct Together {
    /// By credential, as long as a run uses them: the next one takes them from the store again.
    gates: tokio::sync::Mutex<HashMap<String, Weak<Gates>>>,
    keepers: Mutex<HashMap<String, Weak<Keepers>>>,
    turns: Mutex<Turns>,
    /// What is counted over all of them.
    pub(super) figures: Arc<Figures>,
}

impl Together {
    /// The gates of the credential of these connections.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn gates(
        &self,
        store: &Arc<Store>,
        links: &[Arc<Link>],
        clock: &Clock,
    ) -> Result<Arc<Gates>, Error> {
        let Some(scope) = links.first().map(|link| link.credential_scope.clone()) else { return Ok(Arc::default()) };
        let mut known = self.gates.lock().await;
        if let Some(gates) = known.get(&scope).and_then(Weak::upgrade) {
            gates.learn(links, clock).await?;
            return Ok(gates);
        }
        let gates = Arc::new(Gates::open(store, links, clock).await?);
        known.retain(|_, gates| gates.strong_count() > 0);
        known.insert(scope, Arc::downgrade(&gates));
        Ok(gates)
    }

    /// A run is through with its gates: the last one writes down how they are left.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) async fn part(&self, gates: Arc<Gates>, clock: &Clock) -> Result<(), Error> {
        // Held while it is counted and written: nobody comes in between.
        let _known = self.gates.lock().await;
        if Arc::strong_count(&gates) == 1 { gates.close(clock).await } else { Ok(()) }
    }

    /// The tokens of a credential. What one run found out about them holds as long as a run goes on.
    #[must_use]
    pub fn keepers(&self, scope: &str) -> Arc<Keepers> {
        let mut known = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keepers) = known.get(scope).and_then(Weak::upgrade) {
            return keepers;
        }
        let keepers = Arc::<Keepers>::default();
        known.retain(|_, keepers| keepers.strong_count() > 0);
        known.insert(scope.to_owned(), Arc::downgrade(&keepers));
        keepers
    }

    /// What is counted of these runs.
    #[must_use]
    pub const fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// A connection's turn at the places that it writes into.
    pub(super) fn turn<'a>(&self, places: impl IntoIterator<Item = &'a str>) -> Turn {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).take(places)
    }
}
