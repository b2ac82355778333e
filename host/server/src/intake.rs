//! The way in for events, as one part of the host: inbox, routes, and what moves calls on.

use std::sync::Arc;

use axum::Router;
use enroute_config::audiences_file::computed::ComputedTrait;
use enroute_store::computed::Definition;
use enroute_store::inbox::Inbox;
use enroute_store::{Error, Store};
use enroute_sync::Clock;
use tokio::sync::watch;

use crate::ingest::figures::Figures;
use crate::ingest::{Applier, Touched, Tracking, router};
use crate::reload::Ready;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The way in for events.
#[derive(Debug)]
pub(crate) struct Intake {
    store: Arc<Store>,
    inbox: Arc<Inbox>,
    tracking: Tracking,
    definitions: watch::Sender<Arc<[Definition]>>,
    clock: Clock,
}

impl Intake {
    pub(crate) fn open(store: &Arc<Store>, clock: &Clock, speaks_tls: bool) -> Result<Self, Error> {
        let inbox = Arc::new(Inbox::open(store)?);
        let tracking = Tracking::new(Arc::clone(&inbox), store.sealer().clone(), clock.clone(), speaks_tls);
        let definitions = watch::Sender::new(Arc::from([]));
        Ok(Self { store: Arc::clone(store), inbox, tracking, definitions, clock: clock.clone() })
    }

    pub(crate) fn router(&self) -> Router {
        router(self.tracking.clone())
    }

    /// Where calls wait.
    pub(crate) const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// What is counted of calls.
    pub(crate) fn figures(&self) -> Figures {
        Figures { tracking: self.tracking.clone(), inbox: Arc::clone(&self.inbox), clock: self.clock.clone() }
    }

    /// Listens to the sources of a configuration, and computes its traits.
    pub(crate) async fn take_on(&self, ready: &Ready) -> Result<(), Error> {
        self.tracking.listen_to(ready.listening.clone());
        let definitions: Arc<[Definition]> = ready.config.traits.values().map(definition).collect();
        let defined = Arc::clone(&definitions);
        self.store.write(move |tx| tx.define_computed(&defined)).await?;
        self.definitions.send_replace(definitions);
        Ok(())
    }

    /// What moves calls into the store; `touched` is called when people were touched.
    pub(crate) fn applier<F: Fn() + Send>(&self, touched: F) -> Applier<impl Fn(Touched) + Send + use<F>> {
        Applier {
            store: Arc::clone(&self.store),
            inbox: Arc::clone(&self.inbox),
            tracking: self.tracking.clone(),
            definitions: self.definitions.subscribe(),
            clock: self.clock.clone(),
            touched: move |_: Touched| touched(),
        }
    }
}

fn definition(one: &ComputedTrait) -> Definition {
    Definition {
        name: one.name.value.clone(),
        how: one.compute,
        event: one.event.clone(),
        property: one.property.clone(),
        window_ms: one.window_days.map(|days| days.saturating_mul(DAY_MS)),
    }
}
