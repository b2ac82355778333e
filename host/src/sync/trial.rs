//! One person tried at one connection: the event, which mappings it meets, and the requests; sent only when asked to.

use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::emission::{Input, emission_id};
use enroute_core::json::Json;
use enroute_core::request::{Request, Response};
use roaring::RoaringBitmap;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::egress::Failure;
use crate::store::profiles::Profile;
use crate::store::{Reader, Store, ValueReader};
use crate::sync::clock::Clock;
use crate::sync::identify;
use crate::sync::plan::{Detail, LinkPlan, plan_link};
use crate::sync::program;
use crate::sync::reading;
use crate::sync::report::RunReport;
use crate::sync::run::{Options, sync};
use crate::sync::setup::{Planned, Setup};
use crate::sync::snapshot::SnapshotError;

/// Bytes of an answer that are shown.
const ANSWER_BYTES_MAX: usize = 4_096;

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

/// One request that left, and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// GET, POST, …
    pub method: &'static str,
    /// SHA-256 over everything but what the host fills in.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// The answer's body, as text, with secrets masked; its first bytes where it is long.
    pub answer: Option<String>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// Keeps what is sent and answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Vec<Exchange>>>);

impl Watch {
    pub(super) fn saw(&self, request: &Request, answer: &Result<Response, Failure>) {
        let text = |response: &Response| {
            let body = response.body.get(..ANSWER_BYTES_MAX).unwrap_or(&response.body);
            String::from_utf8_lossy(body).into_owned()
        };
        let exchange = Exchange {
            method: request.method.as_str(),
            digest: request.digest().to_string(),
            status: answer.as_ref().ok().map(|response| response.status),
            answer: answer.as_ref().ok().map(text),
            failure: answer.as_ref().err().map(ToString::to_string),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A run about one person.
#[derive(Debug, Clone)]
pub struct Only {
    /// The profile's number.
    pub(super) profile: u32,
    pub(super) watch: Watch,
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
        let plan = plan_link(store, planned, clock, detail, Some(&only)).await?;
        is_member |= plan.changes.total() > plan.changes.removed;
        let (planned, profile, member) = (planned.clone(), found.clone(), plan.changes.removed == 0);
        let moment = clock.moment();
        let mut tried = reading(store, move |reader| tried(reader, &planned, &profile, member, &moment)).await?;
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
            Ok::<_, crate::store::Error>(())
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

impl Only {
    /// The numbers under which the person goes.
    pub(super) fn numbers(&self, reader: &Reader) -> Result<RoaringBitmap, crate::store::Error> {
        let mut numbers: RoaringBitmap =
            crate::store::records::of(reader.connection(), self.profile)?.into_iter().collect();
        numbers.insert(self.profile);
        Ok(numbers)
    }
}
