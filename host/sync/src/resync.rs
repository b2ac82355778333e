//! Sending again what destinations hold: counted first, carried out by the ordinary run.
//!
//! Members are marked in the store and sent like every other update: the destination's pace, retries and receipts are
//! the same, and what is cut off goes on with those who are left. Nobody enters or leaves by it.

use crate::change::resend::Resend;
use crate::change::snapshot::SnapshotError;
use crate::clock::Clock;
use crate::plan::{self, Detail, LinkPlan, Scope};
use crate::report::{ReasonCount, RunReport};
use crate::run::{self, options::Options};
use crate::setup::prepare::Setup;
use enroute_store::{Error, Store, again};
use serde::Serialize;
use std::sync::Arc;

/// What a resync of one connection would send.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LinkResync {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Plugin and version.
    pub plugin: String,
    /// Why a sync would not run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Whether an earlier resync of everybody was cut off, and this one goes on with those who are left.
    pub goes_on: bool,
    /// Members who would be sent again.
    pub members: u64,
    /// Members whom the destination holds under older settings.
    pub stale: u64,
    /// Members who would be in a request.
    pub sendable: u64,
    /// Members who cannot be delivered, by reason.
    pub rejections: Vec<ReasonCount>,
    /// Requests that would be made.
    pub requests: u64,
    /// Shortest time at the destination's pace, in milliseconds.
    pub pace_ms: u64,
    /// Why it would stop: more held members than allowed cannot be sent any more, and would be withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
}

/// Counts what a resync would send. Nothing is written or sent.
///
/// # Errors
/// When the store cannot be read, or an audience cannot be evaluated.
pub async fn preview(
    store: &Arc<Store>,
    setup: &Setup,
    clock: &Clock,
    resend: Resend,
) -> Result<Vec<LinkResync>, SnapshotError> {
    let mut found = Vec::new();
    for planned in setup.links() {
        let (link, _) = setup.bind_for_reading(store, planned).await?;
        let read = move |reader: &enroute_store::Reader| again::goes_on(reader, link.id, &resend.which(reader, &link)?);
        let goes_on = store.read(read).await?;
        let plan = plan::plan_link(store, setup, planned, clock, Detail::default(), Scope::Again(resend)).await?;
        found.push(LinkResync { goes_on, ..told(plan) });
    }
    Ok(setup.in_order(found, |stopped| told(plan::stopped(stopped))))
}

fn told(plan: LinkPlan) -> LinkResync {
    LinkResync {
        members: plan.changes.total(),
        audience: plan.audience,
        destination: plan.destination,
        mapping: plan.mapping,
        plugin: plan.plugin,
        stopped: plan.stopped,
        goes_on: false,
        stale: plan.stale,
        sendable: plan.sendable,
        rejections: plan.rejections,
        requests: plan.requests.len() as u64,
        pace_ms: plan.pace_ms,
        guard: plan.guard,
    }
}

/// Sends members again. A resync of everybody that was cut off goes on with those who are left.
///
/// # Errors
/// When the store fails. What goes wrong with a plugin or a destination is in the report.
pub async fn resync(store: &Arc<Store>, setup: &Setup, options: &Options, resend: Resend) -> Result<RunReport, Error> {
    for planned in setup.links() {
        let link = setup.bind(store, planned).await?;
        let id = link.id;
        let which = store.read(move |reader| resend.which(reader, &link)).await?;
        store.write(move |tx| again::mark(tx, id, &which)).await?;
    }
    run::sync(store, setup, &Options { again: Some(resend), ..options.clone() }).await
}
