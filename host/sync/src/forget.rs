//! Forgetting one person: withdrawn everywhere, erased here, and kept from coming back.
//!
//! The store erases what is known first, in one transaction; what is then at destinations and not in any audience is
//! withdrawn by the ordinary run, with what was sent. A destination that is down is tried again by every later sync, and
//! until the last one has confirmed the person is visible as one who is being forgotten.

use crate::change::only::Only;
use crate::clock::moment;
use crate::report::{LinkReport, RunReport};
use crate::run;
use crate::run::options::Options;
use crate::setup::prepare::Setup;
use crate::setup::watch::Watch;
use enroute_config::crash_point;
use enroute_store::forgotten::{self, Forgotten, Known};
use enroute_store::ledger::LinkName;
use enroute_store::{Error, Reader, Store};
use serde::Serialize;
use std::sync::Arc;

/// What forgetting somebody would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForgetPreview {
    /// The profile's id.
    pub profile: String,
    /// Connections from which the person would be withdrawn.
    pub withdrawn_from: Vec<Left>,
    /// Kinds of identifiers that no import would bring back, beside the id.
    pub tombstones: Vec<String>,
    /// Kinds of identifiers that other profiles have too: whoever has them stays, and is known by them.
    pub shared: Vec<Shared>,
    /// Events that would be erased, beside the profile and everything that was learned of it.
    pub events: u64,
}

/// An identifier that other profiles have too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// Its kind.
    pub identifier: String,
    /// Ids of some of them.
    pub profiles: Vec<String>,
}

/// A connection that holds somebody, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Why the person is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far the forgetting of somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forgetting {
    /// The profile's id; none where it was forgotten and nobody asked for it by id.
    pub profile: Option<String>,
    /// `being forgotten`, or `forgotten` once every destination has confirmed.
    pub state: &'static str,
    /// When it was asked for, in UTC.
    pub asked: String,
    /// When the last destination had confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Where the person still is, or may be.
    pub left: Vec<Left>,
}

impl Forgetting {
    fn of(found: Forgotten, key: Option<&str>) -> Self {
        Self {
            profile: found.key.or_else(|| key.map(str::to_owned)),
            state: if found.ended_ms.is_some() { "forgotten" } else { "being forgotten" },
            asked: moment(found.asked_ms),
            ended: found.ended_ms.map(moment),
            left: found.left.into_iter().map(left).collect(),
        }
    }

    /// Whether every destination has confirmed.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.ended.is_some()
    }
}

fn left(name: LinkName) -> Left {
    let LinkName { audience, destination, mapping } = name;
    Left { audience, destination, mapping, reason: None }
}

/// What forgetting a person would do; nothing where nobody has this id.
///
/// # Errors
/// When the store cannot be read.
pub fn forget_preview(reader: &Reader, key: &str) -> Result<Option<ForgetPreview>, Error> {
    let Some(Known { identifiers, shared, held, events, .. }) = forgotten::known(reader, key)? else { return Ok(None) };
    Ok(Some(ForgetPreview {
        profile: key.to_owned(),
        withdrawn_from: held.into_iter().map(left).collect(),
        tombstones: identifiers,
        shared: shared.into_iter().map(|(identifier, profiles)| Shared { identifier, profiles }).collect(),
        events,
    }))
}

/// How far the forgetting of a person is; nothing where nobody with this id was to be forgotten.
///
/// # Errors
/// When the store cannot be read.
pub fn forgetting(reader: &Reader, key: &str) -> Result<Option<Forgetting>, Error> {
    let found = forgotten::with_id(reader, reader.sealer(), key)?;
    Ok(found.map(|found| Forgetting::of(found, Some(key))))
}

/// Everybody who is being forgotten.
///
/// # Errors
/// When the store cannot be read.
pub fn being_forgotten(reader: &Reader) -> Result<Vec<Forgetting>, Error> {
    let found = forgotten::being_forgotten(reader, reader.sealer())?;
    Ok(found.into_iter().map(|found| Forgetting::of(found, None)).collect())
}

/// Forgets a person, or goes on with it; nothing where nobody has this id and nobody with it was to be forgotten. A run
/// is made where a destination still holds the person, or may.
///
/// # Errors
/// When the store fails. What goes wrong with a plugin or a destination is in the report.
pub async fn forget(
    store: &Arc<Store>,
    setup: &Setup,
    options: &Options,
    key: &str,
) -> Result<Option<(Forgetting, Option<RunReport>)>, Error> {
    let (id, sealer, at_ms) = (key.to_owned(), store.sealer().clone(), options.clock.now_ms());
    let begin = move |tx: &enroute_store::Transaction<'_>| {
        forgotten::begin(tx, &sealer, &id, at_ms)?;
        forgotten::finish(tx, &sealer, at_ms)
    };
    store.write(begin).await?;
    crash_point!("forget.begun");
    let Some(found) = forgotten::with_id(&store.reader()?, store.sealer(), key)? else { return Ok(None) };
    if found.ended_ms.is_some() {
        return Ok(Some((Forgetting::of(found, Some(key)), None)));
    }
    let only = Only { profile: found.profile, watch: Watch::default() };
    // One person leaves: no guard is meant for that.
    let options = Options { only: Some(only), allow_empty: true, ..options.clone() };
    let report = run::sync(store, setup, &options).await?;
    crash_point!("forget.withdrawn");
    let Some(mut told) = forgetting(&store.reader()?, key)? else { return Ok(None) };
    for left in &mut told.left {
        left.reason = Some(why(left, &report.connections));
    }
    Ok(Some((told, Some(report))))
}

/// Why somebody is still at a connection after a run.
fn why(left: &Left, reports: &[LinkReport]) -> String {
    let is_it = |one: &&LinkReport| {
        (&one.audience, &one.destination, &one.mapping) == (&left.audience, &left.destination, &left.mapping)
    };
    let Some(report) = reports.iter().find(is_it) else {
        return "the connection is not enabled, or not configured any more".to_owned();
    };
    let waits = report.waiting.first().map(|one| one.reason.clone());
    let refused = report.rejections.first().map(|one| one.reason.clone());
    let reason = report.reason.clone().filter(|reason| !reason.is_empty()).or(waits).or(refused);
    reason.unwrap_or_else(|| "the destination has not confirmed it yet".to_owned())
}
