//! One person tried at one connection: the event, which mappings it meets, and the requests; sent only when asked to.

use std::sync::Arc;

use enroute_core::emission::{Input, emission_id};
use enroute_core::json::Json;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::change::only::Only;
use crate::change::snapshot::SnapshotError;
use crate::clock::Clock;
use crate::plan::{Detail, LinkPlan, Scope, plan_link};
use crate::report::RunReport;
use crate::run::options::Options;
use crate::run::sync;
use crate::setup::identify;
use crate::setup::planned::Planned;
use crate::setup::prepare::Setup;
use crate::setup::program;
use crate::setup::watch::{Exchange, Watch};
use enroute_config::Config;
use enroute_store::profiles::Profile;
use enroute_store::{Reader, Store, ValueReader};

/// What became of one person at one connection.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// The profile's id.
    pub profile: String,
    /// Whether the person is in the audience and may be sent.
    pub is_member: bool,
    /// The mappings, in the order of the file.
    pub mappings: Vec<TriedMapping>,
    /// What was sent and answered, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}

/// One mapping.
#[derive(Debug, Serialize)]
pub struct TriedMapping {
    /// Its name; empty where the connection names none.
    pub mapping: String,
    /// Whether its condition is met.
    pub matches: bool,
    /// Why it does nothing, where that has another reason than a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each condition, and whether it is met.
    pub conditions: Vec<Condition>,
    /// The event that the mapping is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<RawValue>>,
    /// What would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<LinkPlan>,
}

/// A condition and whether it is met.
#[derive(Debug, Serialize)]
pub struct Condition {
    /// In words.
    pub condition: String,
    /// Whether it is met.
    pub is_met: bool,
}

/// What was sent and answered.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// The run's report.
    pub report: RunReport,
    /// The exchanges, in order.
    pub exchanges: Vec<Exchange>,
}

/// Tries a person at the connection of the setup; nothing where nobody has this id. With `send`, what was shown is
/// sent, and the ledger has it like everything else.
///
/// # Errors
/// When the store fails, or the audience cannot be evaluated.
pub async fn try_profile(
    store: &Arc<Store>,
    setup: &Setup,
    config: &Config,
    key: &str,
    clock: &Clock,
    send: bool,
) -> Result<Option<Trial>, SnapshotError> {
    let Some(found) = store.reader()?.profile(key)? else { return Ok(None) };
    let only = Only { profile: found.id, watch: Watch::default() };
    let detail = Detail { bodies: true, values: true };
    let (mut mappings, mut is_member) = (Vec::new(), false);
    for planned in setup.links() {
        let plan = plan_link(store, setup, planned, clock, detail, Scope::Person(only.clone())).await?;
        is_member |= plan.changes.total() > plan.changes.removed;
        let (planned, profile, member) = (planned.clone(), found.clone(), plan.changes.removed == 0);
        let moment = clock.moment();
        let mut tried = store.read(move |reader| tried(reader, &planned, &profile, member, &moment)).await?;
        tried.plan = Some(plan);
        mappings.push(tried);
    }
    mappings.extend(setup.stopped().iter().map(|stopped| TriedMapping {
        mapping: stopped.mapping.clone(),
        matches: false,
        reason: Some(format!("it is stopped: {}", stopped.reason)),
        conditions: Vec::new(),
        event: None,
        plan: None,
    }));
    for wanted in &config.connections {
        let here = |planned: &&Planned| planned.is_of(wanted);
        if setup.links().iter().any(|planned| here(&planned)) {
            mappings.extend(wanted.mappings.iter().filter(|mapping| !mapping.enabled).map(|mapping| TriedMapping {
                mapping: mapping.name.value.clone(),
                matches: false,
                reason: Some("the mapping is not enabled".to_owned()),
                conditions: Vec::new(),
                event: None,
                plan: None,
            }));
        }
    }
    let mut sent = None;
    if send {
        let options = Options { only: Some(only.clone()), clock: clock.clone(), ..Options::default() };
        let report = sync(store, setup, &options).await?;
        sent = Some(Sent { report, exchanges: only.watch.take() });
    }
    Ok(Some(Trial { profile: key.to_owned(), is_member, mappings, sent }))
}

/// The event and the conditions of one mapping.
fn tried(
    reader: &Reader,
    planned: &Planned,
    profile: &Profile,
    is_member: bool,
    moment: &str,
) -> Result<TriedMapping, SnapshotError> {
    let read = |input: &Input| -> Option<String> {
        let column = program::column(input).ok()?;
        let mut found = None;
        let mut values = ValueReader::new(reader, std::slice::from_ref(&column)).ok()?;
        let result = values.read([profile.id], |_, _, _, json| {
            found = json.first().copied().flatten().map(str::to_owned);
            Ok::<_, enroute_store::Error>(())
        });
        result.ok()?;
        match input {
            Input::Identifier(_) => found.as_deref().and_then(identify::last_of).map(std::borrow::Cow::into_owned),
            _ => found,
        }
    };
    let (emission, form) = planned.emission_with_inputs();
    let change = if is_member { "entered" } else { "exited" };
    let id = emission_id(&planned.title(), &profile.key, change);
    let value = |input: &Input| read(input).and_then(|text| Json::parse(&text).ok());
    let event = emission.event(form, is_member, value, &id, moment);
    let conditions = planned.conditions(reader, profile.id, is_member)?;
    let conditions: Vec<Condition> =
        conditions.into_iter().map(|(condition, is_met)| Condition { condition, is_met }).collect();
    Ok(TriedMapping {
        mapping: planned.mapping().to_owned(),
        matches: planned.admits(reader, profile.id)?,
        reason: None,
        conditions,
        event: RawValue::from_string(event.to_string()).ok(),
        plan: None,
    })
}
