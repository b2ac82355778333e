//! Answers to "why": one person's story, and where every connection stands.

use crate::change::lot::open_sent;
use crate::clock::{Clock, moment};
use crate::flow::{HeldBack, held_back};
use crate::forget::{Forgetting, being_forgotten};
use crate::history::{LastReports, entries, text};
use crate::left::{LeftBehind, left_behind};
use crate::report::{ChangeCounts, NO_MATCHING_MAPPING, codes};
use crate::setup::paused::Paused;
use enroute_config::Config;
use enroute_core::id::DestinationName;
use enroute_runtime::Peak;
use enroute_store::ledger::{self, LinkName};
use enroute_store::{Error, Reader, letters, story, waiting};
use serde::Serialize;
use serde_json::Value;

/// One person's story at every destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The profile's id.
    pub profile: String,
    /// One entry a connection.
    pub connections: Vec<Chapter>,
}

/// One person at one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Whether this is about a further value of the identifier that the destination knows the person by.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub further_record: bool,
    /// What the destination is for and the person has not agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_missing: Option<String>,
    /// `held`, `in doubt`, `carried by another profile`, `refused`, `waiting` or `not there`.
    pub state: String,
    /// Settings version of the last request.
    pub settings_version: Option<u64>,
    /// Fields of the identifiers that were sent; their values stay sealed.
    pub identifiers_sent: Vec<String>,
    /// Why it is not delivered.
    pub refusal: Option<Refusal>,
    /// When it is tried again or asked about, in milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// The same in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_because: Option<String>,
    /// Why the newest run of the connection ended early, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_stopped: Option<String>,
    /// How the plugin failed in that run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_faults: Vec<Fault>,
    /// Requests of the plugin that the host refused in that run, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_requests: Vec<String>,
    /// Newest first.
    pub receipts: Vec<Receipt>,
}

/// A way in which a plugin failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// `validate`, `map` or `send`.
    pub function: String,
    /// One sentence, with the guest's own words where it left some.
    pub reason: String,
    /// What it logged last.
    pub log: Vec<String>,
}

/// A refusal in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// snake_case.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
    /// What to do, where the code is the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The run.
    pub run: i64,
    /// The change that was sent.
    pub change: Option<String>,
    /// What became of it.
    pub outcome: String,
    /// The outcome's code.
    pub code: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// The requests: label, digest, status.
    pub requests: Vec<Request>,
}

/// A request that was sent about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// `prepared`, `subset` or `derived`.
    pub label: String,
    /// SHA-256 with slots unfilled.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Tells one person's story, or nothing where nobody has this id. With the configuration, also what it holds back.
///
/// # Errors
/// When the store cannot be read.
pub fn explain(reader: &Reader, config: Option<&Config>, profile: &str) -> Result<Option<Explanation>, Error> {
    let Some(found) = reader.profile(profile)? else { return Ok(None) };
    let mut connections = Vec::new();
    let reports = LastReports::read(reader)?;
    for chapter in story::of(reader, found.id)? {
        let mut told = tell(reader, chapter, found.id);
        if let Some(report) = reports.of(&told.audience, &told.destination, &told.mapping) {
            told.connection_stopped = text(report, "reason").filter(|reason| !reason.is_empty());
            told.plugin_faults = entries(report, "faults").map(fault).collect();
            told.refused_requests = entries(report, "refused_requests").filter_map(|one| text(one, "reason")).collect();
        }
        told.consent_missing = consent_missing(reader, config, &told.destination, found.id)?;
        connections.push(told);
    }
    Ok(Some(Explanation { profile: profile.to_owned(), connections }))
}

fn fault(report: &Value) -> Fault {
    Fault {
        function: text(report, "function").unwrap_or_default(),
        reason: text(report, "reason").unwrap_or_default(),
        log: entries(report, "log").filter_map(|line| line.as_str().map(str::to_owned)).collect(),
    }
}

/// What keeps a person from a destination for want of consent.
fn consent_missing(
    reader: &Reader,
    config: Option<&Config>,
    destination: &str,
    profile: u32,
) -> Result<Option<String>, Error> {
    let destinations = config.iter().flat_map(|config| &config.destinations);
    let found = destinations.into_iter().find(|(name, _)| name.as_str() == destination);
    for purpose in found.iter().flat_map(|(_, destination)| &destination.requires_consent) {
        if !reader.consents(profile, std::slice::from_ref(&purpose.value))? {
            return Ok(Some(purpose.value.clone()));
        }
    }
    Ok(None)
}

fn tell(reader: &Reader, chapter: story::Chapter, profile: u32) -> Chapter {
    let held = chapter.held.as_ref();
    let state = match (held, &chapter.waiting, &chapter.refusal) {
        (_, Some(waiting), _) => format!("waiting ({})", waiting.state),
        (Some(held), ..) if held.folded => "carried by another profile".to_owned(),
        (Some(held), ..) if held.hash.is_none() => "in doubt".to_owned(),
        (Some(_), ..) => "held".to_owned(),
        (None, None, Some(refusal)) if refusal.code == NO_MATCHING_MAPPING => "left out by the mapping".to_owned(),
        (None, None, Some(_)) => "refused".to_owned(),
        (None, None, None) => "not there".to_owned(),
    };
    let sent = held.map(|held| open_sent(reader.sealer(), chapter.link, held)).unwrap_or_default();
    let (due_ms, waits_because) = chapter.waiting.map(|waiting| (waiting.due_ms, waiting.reason)).unzip();
    let mut identifiers_sent: Vec<String> =
        sent.into_iter().flat_map(|row| row.0.into_iter().map(|(field, _)| field)).collect();
    identifiers_sent.sort_unstable();
    identifiers_sent.dedup();
    Chapter {
        audience: chapter.audience,
        destination: chapter.destination,
        mapping: chapter.mapping,
        further_record: chapter.id != profile,
        consent_missing: None,
        state,
        settings_version: held.map(|held| held.version),
        identifiers_sent,
        refusal: chapter.refusal.map(|standing| Refusal {
            hint: codes::hint(&standing.code),
            code: standing.code,
            field: standing.field,
            reason: standing.reason,
        }),
        due_ms,
        due: due_ms.map(moment),
        waits_because: waits_because.flatten(),
        connection_stopped: None,
        plugin_faults: Vec::new(),
        refused_requests: Vec::new(),
        receipts: chapter.receipts.into_iter().map(receipt).collect(),
    }
}

fn receipt(receipt: story::Receipt) -> Receipt {
    let request = |request: story::Request| {
        let story::Request { label, digest, status, failure } = request;
        Request { label, digest, status, failure }
    };
    Receipt {
        run: receipt.run,
        change: receipt.change,
        outcome: receipt.outcome,
        code: receipt.code,
        at_ms: receipt.at_ms,
        requests: receipt.requests.into_iter().map(request).collect(),
    }
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Every destination of `plugins.toml`.
    pub destinations: Vec<DestinationStatus>,
    /// Every connection of `audiences.toml`, a row a mapping.
    pub connections: Vec<Status>,
    /// People who are being forgotten, and where they still are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub being_forgotten: Vec<Forgetting>,
    /// Members who are held and whom no connection is about, or not at this place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<LeftBehind>,
    /// What holds deliveries back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<HeldBack>,
}

impl Status {
    /// What the store knows it by.
    pub(crate) fn name(&self) -> LinkName {
        let (audience, destination) = (self.audience.clone(), self.destination.clone());
        LinkName { audience, destination, mapping: self.mapping.clone() }
    }
}

/// Where one destination stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DestinationStatus {
    /// Its name.
    pub destination: String,
    /// Its plugin.
    pub plugin: String,
    /// `connected`: enabled, and an enabled connection leads to it. `disconnected`: one of the two is not so.
    /// `disabled`: neither is.
    pub state: &'static str,
}

/// Where one connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// `connected`, `never synced`, `paused` (the connection or its mapping is not enabled) or `disabled` (the
    /// destination is not).
    pub state: &'static str,
    /// Members whom the destination holds, as it has confirmed.
    pub held: u64,
    /// Of one that is paused: who would have to be looked at if it were resumed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_resume: Option<ChangeCounts>,
    /// Members of whom it is in doubt what the destination has; they are not counted as held.
    pub in_doubt: u64,
    /// Members who cannot be delivered as they stand.
    pub refused: u64,
    /// Of those, the ones who were given up after hours: `enroute retry` sends them again.
    pub dead_letters: u64,
    /// Members who wait for a moment or a job.
    pub waiting: u64,
    /// When the first of them is due, in UTC; a run before does nothing about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due: Option<String>,
    /// When the last of them is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<String>,
    /// Version of settings and mapping.
    pub settings_version: u64,
    /// Why the newest run that it was part of ended early, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_because: Option<String>,
    /// The most that one call of the plugin used in the connection's last run, beside what it may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Peak>,
}

/// The state of a destination.
const fn destination_state(is_enabled: bool, is_fed: bool) -> &'static str {
    match (is_enabled, is_fed) {
        (true, true) => "connected",
        (false, false) => "disabled",
        _ => "disconnected",
    }
}

/// Where every destination and every connection stands.
///
/// # Errors
/// When the store cannot be read.
pub fn status(reader: &Reader, config: &Config) -> Result<Standing, Error> {
    let fed =
        |name: &DestinationName| config.connections.iter().any(|one| one.enabled && one.destination.value == *name);
    let destinations = config.destinations.iter().map(|(name, destination)| DestinationStatus {
        destination: name.as_str().to_owned(),
        plugin: destination.plugin.value.as_str().to_owned(),
        state: destination_state(destination.enabled, fed(name)),
    });
    let destinations = destinations.collect();
    let reports = LastReports::read(reader)?;
    let (mut connections, paused) = (Vec::new(), Paused::all(config, None));
    for wanted in &config.connections {
        let is_on = config.destinations.get(&wanted.destination.value).is_some_and(|destination| destination.enabled);
        let mut mappings: Vec<(&str, bool)> =
            wanted.mappings.iter().map(|one| (one.name.value.as_str(), one.enabled)).collect();
        if mappings.is_empty() {
            mappings.push(("", true));
        }
        for (mapping, is_enabled) in mappings {
            let name = LinkName {
                audience: wanted.audience.value.as_str().to_owned(),
                destination: wanted.destination.value.as_str().to_owned(),
                mapping: mapping.to_owned(),
            };
            let paused = paused.iter().find(|paused| paused.name == name);
            let on_resume = paused.map(|paused| paused.gathered(reader)).transpose()?.flatten();
            let status = one_status(reader, &reports, name, (is_on, wanted.enabled && is_enabled))?;
            connections.push(Status { on_resume, ..status });
        }
    }
    let (being_forgotten, left_behind) = (being_forgotten(reader)?, left_behind(reader, config)?);
    let held_back = held_back(reader, &Clock::System)?;
    Ok(Standing { destinations, connections, being_forgotten, left_behind, held_back })
}

fn one_status(
    reader: &Reader,
    reports: &LastReports,
    name: LinkName,
    (is_on, is_enabled): (bool, bool),
) -> Result<Status, Error> {
    let known = ledger::find_link(reader, &name)?;
    let [held, in_doubt, refused, waiting] = match &known {
        Some(link) => story::counts(reader, link.id)?,
        None => [0; 4],
    };
    let dead_letters = known.as_ref().map_or(Ok(0), |link| letters::count(reader, link.id))?;
    let state = match (is_on, is_enabled, &known) {
        (false, ..) => "disabled",
        (true, false, _) => "paused",
        (true, true, None) => "never synced",
        (true, true, Some(_)) => "connected",
    };
    let due = known.as_ref().map(|link| waiting::due(reader, link.id)).transpose()?.flatten();
    let (next_due, waits_until) = due.map(|(first_ms, last_ms)| (moment(first_ms), moment(last_ms))).unzip();
    let usage = reports.of(&name.audience, &name.destination, &name.mapping);
    let usage = usage.and_then(|report| serde_json::from_value(report.get("usage")?.clone()).ok()).unwrap_or_default();
    let LinkName { audience, destination, mapping } = name;
    let settings_version = known.map_or(0, |link| link.settings_version);
    let report = reports.of(&audience, &destination, &mapping);
    let stopped_because = report.and_then(|report| text(report, "reason")).filter(|reason| !reason.is_empty());
    Ok(Status {
        audience,
        destination,
        mapping,
        state,
        held,
        on_resume: None,
        in_doubt,
        refused,
        dead_letters,
        waiting,
        next_due,
        waits_until,
        settings_version,
        stopped_because,
        usage,
    })
}

#[cfg(test)]
mod tests {
    use super::destination_state;

    #[test]
    fn a_destination_is_connected_only_when_it_is_enabled_and_fed() {
        assert_eq!(destination_state(true, true), "connected");
        assert_eq!(destination_state(true, false), "disconnected");
        assert_eq!(destination_state(false, true), "disconnected");
        assert_eq!(destination_state(false, false), "disabled");
    }
}
