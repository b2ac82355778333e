//! A run that withdraws everybody whom connections hold that are not synced any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::delivery::blame::Trust;
use crate::delivery::pace::Gates;
use crate::report::RunReport;
use crate::run::options::Options;
use crate::run::session::Session;
use crate::setup::link::Earlier;
use crate::setup::prepare::Setup;
use enroute_store::places::Kept;
use enroute_store::{Error, Store, ledger};

/// Withdraws everybody whom these connections hold, with what was sent and under the settings of then, and reports on
/// each. Guards of an audience do not count: all of it is meant to leave.
///
/// # Errors
/// When the store fails. Why a destination cannot be reached is in the report.
pub async fn purge(store: &Arc<Store>, setup: &Setup, held: &[Kept], options: &Options) -> Result<RunReport, Error> {
    let started_ms = options.clock.now_ms();
    let places = setup.purged(store, held).await?;
    let run = store.write(move |tx| ledger::begin_run(tx, started_ms)).await?;
    let options = Options { allow_empty: true, ..options.clone() };
    let mut gates: BTreeMap<String, Arc<Gates>> = BTreeMap::new();
    let mut connections = Vec::new();
    for place in places {
        connections.push(match place {
            Earlier::Stuck(stuck) => stuck.report(),
            Earlier::Ready(link) => {
                let credential = link.credential_scope.clone();
                if !gates.contains_key(&credential) {
                    let links = [Arc::clone(&link)];
                    gates.insert(credential.clone(), Arc::new(Gates::open(store, &links, &options.clock).await?));
                }
                let gates = gates.get(&credential).map(Arc::clone).unwrap_or_default();
                let (store, options, trust) = (Arc::clone(store), options.clone(), Trust::default());
                let at_work = Some(gates.join(&link));
                Session { store, link, run, options, gates, trust, known: 0, at_work, began_ms: started_ms }
                    .sync()
                    .await?
            }
        });
    }
    for gates in gates.values() {
        gates.close(&options.clock).await?;
    }
    let report = RunReport { run, started_ms, ended_ms: options.clock.now_ms(), connections };
    let (summary, ended_ms) = (serde_json::to_string(&report).unwrap_or_default(), report.ended_ms);
    store.write(move |tx| ledger::end_run(tx, run, ended_ms, &summary)).await?;
    setup.note_gone(store).await?;
    Ok(report)
}
