//! Keeps each destination's audience equal to ours: plans, sends, settles and reports.
//!
//! Owns the order of things: intent before the first byte, outcomes and held state in one transaction, removals
//! before additions, one request about a member at a time. What is decided without I/O is in `enroute-core`.

mod bounded;
mod clock;
mod columns;
mod coverage;
mod cutter;
mod decide;
mod deliver;
mod dispatch;
mod doubt;
mod explain;
mod history;
mod identify;
mod link;
mod lot;
mod mapper;
mod open;
mod outlet;
mod pace;
mod plan;
mod program;
mod report;
mod resume;
mod run;
mod search;
mod settle;
mod setup;
mod snapshot;
mod trial;

use std::sync::Arc;

use crate::store::{Error, Reader, Store};

pub use clock::Clock;
pub use coverage::{Coverage, FieldCoverage, IdentifierCoverage};
pub use dispatch::{Progress, ProgressSink};
pub use doubt::conditions;
pub use explain::{Chapter, DestinationStatus, Explanation, Standing, Status, explain, status};
pub use link::{batch_members, limits};
pub use open::Probed;
pub use plan::{Detail, LinkPlan, PlannedRequest, plan};
pub use report::{
    ChangeCounts, FaultReport, LinkReport, LinkState, OutcomeCounts, ReasonCount, RefusedRequests, RequestCounts,
    RunReport,
};
pub use run::{Options, probe, sync};
pub use setup::{Matched, Setup};
pub use snapshot::SnapshotError;
pub use trial::{Exchange, Sent, Trial, TriedMapping, try_profile};

/// Reads the store on a thread where blocking is fine.
async fn reading<T: Send + 'static, E: From<Error> + Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Reader) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let store = Arc::clone(store);
    let read = tokio::task::spawn_blocking(move || work(&store.reader()?));
    read.await.unwrap_or_else(|_| Err(Error::Broken("a reader was lost").into()))
}
