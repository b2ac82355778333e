//! A run: every connection in the order of the file, each with a report whose numbers add up.

use crate::clock::Clock;
use crate::delivery::open::{self, Probed};
use crate::report::{LinkReport, RunReport};
use crate::run::group::{Bound, plan_groups, sync_group};
use crate::run::options::Options;
use crate::setup::prepare::Setup;
use crate::setup::stopped::Stopped;
use enroute_store::{Error, Store, Transaction, forgotten, ledger, serving};
use std::sync::Arc;
use tokio::task::JoinSet;

mod connection;
pub(crate) mod group;
mod moving;
mod opening;
pub(crate) mod options;
pub(crate) mod purge;
mod session;
pub(crate) mod together;
mod told;
mod turn;

/// Carries out what the configuration asks for, the groups of connections that share a credential side by side: one
/// that waits does not hold up the others.
///
/// # Errors
/// When the store fails. What goes wrong with a plugin or a destination is in the report.
pub async fn sync(store: &Arc<Store>, setup: &Setup, options: &Options) -> Result<RunReport, Error> {
    let (run, started_ms) = begin(store, options).await?;
    setup.note_gone(store).await?;
    let mut groups = Vec::new();
    for group in plan_groups(setup) {
        groups.push(group.bind(store, setup, options).await?);
    }
    let connections = side_by_side(store, (run, options), groups).await?;
    let connections = setup.in_order(connections, |stopped: &Stopped| vec![stopped.report()]);
    let connections = connections.into_iter().flatten().collect();
    let report = RunReport { run, started_ms, ended_ms: options.clock.now_ms(), connections };
    end(store, options, &report).await?;
    Ok(report)
}

/// Notes that a run begins; returns its number and the moment.
pub(crate) async fn begin(store: &Store, options: &Options) -> Result<(i64, u64), Error> {
    let (started_ms, slot) = (options.clock.now_ms(), options.slot.clone());
    let begin = move |tx: &Transaction<'_>| {
        if let Some(name) = slot {
            serving::keep_slot(tx, &name, started_ms)?;
        }
        ledger::begin_run(tx, started_ms)
    };
    Ok((store.write(begin).await?, started_ms))
}

/// Syncs groups side by side; the reports of each connection are in the order of the file.
pub(crate) async fn side_by_side(
    store: &Arc<Store>,
    (run, options): (i64, &Options),
    groups: Vec<Bound>,
) -> Result<Vec<Vec<LinkReport>>, Error> {
    let mut running = JoinSet::new();
    for group in groups {
        running.spawn(sync_group(Arc::clone(store), (run, options.clone()), group));
    }
    let mut connections = Vec::new();
    while let Some(joined) = running.join_next().await {
        connections.extend(joined.map_err(|_| Error::Broken("a group was lost"))??);
    }
    connections.sort_by_key(|(at, _)| *at);
    Ok(connections.into_iter().map(|(_, reports)| reports).collect())
}

/// Notes how a run ended.
pub(crate) async fn end(store: &Store, options: &Options, report: &RunReport) -> Result<(), Error> {
    let (run, ended_ms) = (report.run, report.ended_ms);
    let summary = serde_json::to_string(report).unwrap_or_default();
    let (sealer, is_dropped) = (store.sealer().clone(), options.drops_idle && report.is_idle());
    let end = move |tx: &Transaction<'_>| {
        if is_dropped {
            serving::drop_run(tx, run)?;
        } else {
            ledger::end_run(tx, run, ended_ms, &summary)?;
        }
        forgotten::finish(tx, &sealer, ended_ms)
    };
    store.write(end).await.map(drop)
}

/// Tests the credential of every connection without side effects.
///
/// # Errors
/// When the store fails.
pub async fn probe(store: &Arc<Store>, setup: &Setup, clock: &Clock) -> Result<Vec<Probed>, Error> {
    let mut found = Vec::new();
    for planned in setup.links() {
        let link = Arc::new(setup.bind(store, planned).await?);
        found.push(open::probe(store, &link, clock).await?);
    }
    Ok(found)
}
