//! Where every connection stands, and what needs a person first.

use std::collections::BTreeMap;

use enroute_config::Config;
use enroute_core::id::AudienceKey;
use enroute_store::chronicle::{self, Wanted};
use enroute_store::ledger::{self, LinkName};
use enroute_store::{Reader, waiting};
use enroute_sync::{Status, status};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::desk::{Desk, moment};
use crate::problem::Problem;

/// Members who wait, up to which it is looked for what most of them do.
const WAITING_LOOKED_AT: u64 = 10_000;

/// Runs that are looked through for the last one of each connection.
const RUNS_LOOKED_AT: usize = 200;

/// How the host is, and every connection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    /// `ok`, `degraded` or `stopping`.
    pub status: String,
    /// The host's version.
    pub version: String,
    /// Whether nothing may be changed here.
    pub read_only: bool,
    /// Since when the configuration in force is, in UTC.
    pub in_force_since: String,
    /// Why what is in the files is not in force.
    pub refused: Option<String>,
    /// What needs a person, the most urgent first.
    pub needs: Vec<Need>,
    /// Every connection, a row a mapping.
    pub connections: Vec<Connection>,
    /// Every destination.
    pub destinations: Vec<DestinationState>,
    /// Profiles in the store.
    pub people: u64,
}

/// Something that waits for a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Need {
    /// `paused`, `guarded`, `failed`, `refused`, `given_up`, `outage`, `configuration` or `source`.
    pub kind: String,
    /// What it is about: `AUDIENCE/DESTINATION`, a source, or a file.
    pub about: String,
    /// The audience's key; empty where it is about none.
    pub audience: String,
    /// The destination's name; empty where it is about none.
    pub destination: String,
    /// One sentence.
    pub reason: String,
    /// Members that wait for it.
    pub waiting: u64,
}

/// How a destination is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DestinationState {
    /// Its name.
    pub destination: String,
    /// Its plugin.
    pub plugin: String,
    /// `connected`, `disconnected` or `disabled`.
    pub state: String,
}

/// Where one connection stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Connection {
    /// The audience's key.
    pub audience: String,
    /// What people call it.
    pub audience_name: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection has none of its own.
    pub mapping: String,
    /// The plugin.
    pub plugin: String,
    /// `never_synced`, `connected`, `running`, `waiting`, `paused`, `guarded`, `failed`, `turned_off` or `disabled`.
    pub state: String,
    /// Why it is not well, or why most of those who wait do so.
    pub reason: Option<String>,
    /// Whether the destination failed several times in a row and is only probed, while members wait.
    pub is_down: bool,
    /// Members whom the destination holds.
    pub held: u64,
    /// Members who wait.
    pub waiting: u64,
    /// Members of whom it is in doubt what the destination has.
    pub in_doubt: u64,
    /// Members who stand refused.
    pub refused: u64,
    /// Of those, the ones given up after hours.
    pub given_up: u64,
    /// When the first of those who wait is due, in UTC.
    pub next_due: Option<String>,
    /// Its schedule; nothing where it follows its data.
    pub schedule: Option<String>,
    /// Version of settings and mapping.
    pub settings_version: u64,
    /// The newest run that did something about it.
    pub last_run: Option<LastRun>,
}

/// A run as far as one connection is concerned.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastRun {
    /// Its number.
    pub run: i64,
    /// In UTC.
    pub started: String,
    /// How it ended: `done`, `waiting`, `paused`, `guarded`, `failed` or `interrupted`.
    pub state: String,
    /// Members delivered.
    pub delivered: u64,
    /// Members rejected.
    pub rejected: u64,
}

impl Desk {
    /// Where everything stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overview(&self) -> Result<Overview, Problem> {
        self.read(|desk, reader| desk.overview_of(reader)).await
    }

    fn overview_of(&self, reader: &Reader) -> Result<Overview, Problem> {
        let told = self.handle().state();
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let mut needs = Vec::new();
        let refused = text("/configuration/refused");
        if let Some(why) = &refused {
            let first = why.lines().next().unwrap_or_default().to_owned();
            needs.push(need("configuration", "the two files", first));
        }
        for (name, unit) in told.get("sources").and_then(Value::as_object).into_iter().flatten() {
            if unit.get("state").and_then(Value::as_str) == Some("person") {
                let reason = unit.get("reason").and_then(Value::as_str).unwrap_or("it could not be read");
                needs.push(need("source", name, reason.to_owned()));
            }
        }
        let units = told.get("connections").cloned().unwrap_or_default();
        let (connections, destinations) = match self.config() {
            Some(config) => standing(reader, &config, &units)?,
            None => (Vec::new(), Vec::new()),
        };
        needs.extend(connections.iter().filter_map(wanted_by));
        Ok(Overview {
            status: text("/status").unwrap_or_default(),
            version: self.version().to_owned(),
            read_only: self.is_read_only(),
            in_force_since: text("/configuration/since").unwrap_or_default(),
            refused,
            needs,
            connections,
            destinations,
            people: reader.profile_count()?,
        })
    }
}

/// Where every connection and every destination stands. `units` is what the host says of connections.
fn standing(
    reader: &Reader,
    config: &Config,
    units: &Value,
) -> Result<(Vec<Connection>, Vec<DestinationState>), Problem> {
    let standing = status(reader, config)?;
    let last = last_runs(reader)?;
    let connections = standing.connections.iter().map(|one| {
        let key = |name: &AudienceKey| name.as_str() == one.audience;
        let name = config.audiences.iter().find(|(found, _)| key(found)).map(|(_, audience)| audience.name.clone());
        let plugin = standing.destinations.iter().find(|found| found.destination == one.destination);
        let outage =
            standing.held_back.iter().find(|held| held.kind == "outage" && held.destination == one.destination);
        let mut found = connection(
            one,
            (
                name.unwrap_or_else(|| one.audience.clone()),
                plugin.map(|found| found.plugin.clone()).unwrap_or_default(),
            ),
            units.get(format!("{}/{}", one.audience, one.destination)),
            last.get(&(one.audience.clone(), one.destination.clone(), one.mapping.clone())),
        );
        found.is_down = outage.is_some() && found.waiting > 0;
        if found.reason.is_none() && found.waiting > 0 {
            found.reason = match outage {
                Some(outage) => Some(outage.reason.clone()),
                None => why_they_wait(reader, &found)?,
            };
        }
        Ok(found)
    });
    let connections = connections.collect::<Result<_, Problem>>()?;
    let destinations = standing.destinations.into_iter().map(|one| DestinationState {
        destination: one.destination,
        plugin: one.plugin,
        state: one.state.to_owned(),
    });
    Ok((connections, destinations.collect()))
}

fn need(kind: &str, about: &str, reason: String) -> Need {
    let (audience, destination) = (String::new(), String::new());
    Need { kind: kind.to_owned(), about: about.to_owned(), audience, destination, reason, waiting: 0 }
}

/// What a connection needs a person for, if it does.
fn wanted_by(one: &Connection) -> Option<Need> {
    let (kind, reason) = match one.state.as_str() {
        state @ ("paused" | "guarded" | "failed") => (state, one.reason.clone().unwrap_or_default()),
        _ if one.is_down => ("outage", one.reason.clone().unwrap_or_default()),
        _ if one.given_up > 0 => ("given_up", format!("{} were given up after hours", one.given_up)),
        _ => return None,
    };
    let (audience, destination) = (one.audience.clone(), one.destination.clone());
    let about = format!("{audience}/{destination}");
    Some(Need { kind: kind.to_owned(), about, audience, destination, reason, waiting: one.waiting })
}

fn connection(
    one: &Status,
    (audience_name, plugin): (String, String),
    unit: Option<&Value>,
    last: Option<&LastRun>,
) -> Connection {
    let of_unit = |name: &str| unit.and_then(|unit| unit.get(name)).and_then(Value::as_str);
    let ended = last.map(|last| last.state.as_str());
    let state = match (one.state, of_unit("state"), ended) {
        ("paused", ..) => "turned_off",
        ("disabled", ..) => "disabled",
        (_, Some("running"), _) => "running",
        (_, _, Some(state @ ("paused" | "guarded" | "failed"))) if of_unit("state") == Some("person") => state,
        (_, Some("person"), _) => "paused",
        ("never synced", ..) => "never_synced",
        _ if one.waiting > 0 => "waiting",
        _ => "connected",
    };
    Connection {
        audience: one.audience.clone(),
        audience_name,
        destination: one.destination.clone(),
        mapping: one.mapping.clone(),
        plugin,
        state: state.to_owned(),
        reason: of_unit("reason").map(str::to_owned).or_else(|| one.stopped_because.clone()),
        is_down: false,
        held: one.held,
        waiting: one.waiting,
        in_doubt: one.in_doubt,
        refused: one.refused,
        given_up: one.dead_letters,
        next_due: one.next_due.clone().or_else(|| of_unit("next").map(str::to_owned)),
        schedule: of_unit("schedule").map(str::to_owned),
        settings_version: one.settings_version,
        last_run: last.cloned(),
    }
}

/// Why most of those who wait do so, where that is quickly told.
fn why_they_wait(reader: &Reader, one: &Connection) -> Result<Option<String>, Problem> {
    let (audience, destination, mapping) = (one.audience.clone(), one.destination.clone(), one.mapping.clone());
    if one.waiting > WAITING_LOOKED_AT {
        return Ok(None);
    }
    let Some(link) = ledger::find_link(reader, &LinkName { audience, destination, mapping })? else { return Ok(None) };
    Ok(waiting::reasons(reader, link.id)?.into_iter().find_map(|most| most.reason))
}

type Name = (String, String, String);

/// The newest run of each connection, as far as the last ones tell.
fn last_runs(reader: &Reader) -> Result<BTreeMap<Name, LastRun>, Problem> {
    let (mut found, mut left) = (BTreeMap::new(), RUNS_LOOKED_AT);
    chronicle::runs(reader, &Wanted::default(), |run| {
        let summary: Value =
            run.summary.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for link in summary.get("connections").and_then(Value::as_array).into_iter().flatten() {
            let word = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let outcome = |name: &str| link.pointer(&format!("/outcomes/{name}")).and_then(Value::as_u64).unwrap_or(0);
            found.entry((word("audience"), word("destination"), word("mapping"))).or_insert_with(|| LastRun {
                run: run.run,
                started: moment(run.started_ms),
                state: word("state"),
                delivered: outcome("delivered"),
                rejected: outcome("rejected"),
            });
        }
        left -= 1;
        left > 0
    })?;
    Ok(found)
}
