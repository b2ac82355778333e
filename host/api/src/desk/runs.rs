//! What happened: runs, their requests, who waits and who stands refused.

use std::collections::BTreeMap;

use enroute_core::plain;
use enroute_store::chronicle::{self, Wanted};
use enroute_store::letters;
use enroute_store::{ledger, waiting};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::desk::{Desk, PAGE, moment};
use crate::problem::Problem;

/// Requests of a run that are shown.
const REQUESTS_SHOWN: usize = 500;
/// People of a reason that are shown.
const SAMPLES: usize = 5;

/// A page of runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Runs {
    /// The newest first.
    pub runs: Vec<Run>,
    /// Where the next page begins: `before` of the next question. Nothing on the last page.
    pub before: Option<i64>,
}

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// In UTC.
    pub started: String,
    /// In UTC; nothing while it runs, or where it was cut off.
    pub ended: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// What came of each connection, as `enroute sync --json` reports it.
    #[schema(value_type = Vec<Object>)]
    pub connections: Vec<Value>,
}

/// A request that left, or was to leave.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Request {
    /// In UTC.
    pub at: String,
    /// The connection, `AUDIENCE/DESTINATION`.
    pub connection: String,
    /// The manifest's operation, or what it was for.
    pub what: String,
    /// `prepared`, `subset`, `derived`, `probe` or `open`.
    pub label: String,
    /// Members in its delivery.
    pub members: u64,
    /// SHA-256 over everything but what the host fills in.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// The beginning of an answer that is no success, masked.
    pub answer: Option<String>,
}

/// People who wait for one reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Waiting {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection has none of its own.
    pub mapping: String,
    /// `deferred`, `accepted` or `unknown`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// How many.
    pub members: u64,
    /// When the last of them is due, in UTC.
    pub until: String,
}

/// People who stand refused for one reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Refused {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection has none of its own.
    pub mapping: String,
    /// The code.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
    /// How many.
    pub members: u64,
    /// Since when the first of them is, in UTC.
    pub since: String,
    /// Ids of some, by their shape.
    pub samples: Vec<String>,
}

impl Desk {
    /// Runs, the newest first; `before` a number of a run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, before: Option<i64>, only: Option<(String, String)>) -> Result<Runs, Problem> {
        self.read(move |_, reader| {
            let mut runs = Vec::new();
            chronicle::runs(reader, &Wanted::default(), |found| {
                if before.is_none_or(|before| found.run < before) {
                    let mut one = run(found);
                    if let Some((audience, destination)) = &only {
                        one.connections.retain(|link| is_of(link, audience, destination));
                    }
                    if only.is_none() || !one.connections.is_empty() {
                        runs.push(one);
                    }
                }
                runs.len() <= PAGE
            })?;
            let has_more = runs.len() > PAGE;
            runs.truncate(PAGE);
            let before = runs.last().map(|last| last.run).filter(|_| has_more);
            Ok(Runs { runs, before })
        })
        .await
    }

    /// One run.
    ///
    /// # Errors
    /// [`Problem::Missing`], or when the store fails.
    pub async fn run(&self, number: i64) -> Result<Run, Problem> {
        self.read(move |_, reader| {
            let mut found = None;
            let wanted = Wanted { run: Some(number), ..Wanted::default() };
            chronicle::runs(reader, &wanted, |one| {
                found = Some(run(one));
                false
            })?;
            found.ok_or_else(|| Problem::Missing(format!("run {number}")))
        })
        .await
    }

    /// The requests of a run, the newest first, at most 500.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn requests(&self, run: i64) -> Result<Vec<Request>, Problem> {
        self.read(move |_, reader| {
            let mut found = Vec::new();
            let wanted = Wanted { run: Some(run), ..Wanted::default() };
            chronicle::requests(reader, &wanted, |one| {
                found.push(Request {
                    at: moment(one.at_ms),
                    connection: format!("{}/{}", one.name.audience, one.name.destination),
                    what: one.kind.or(one.operation).unwrap_or_else(|| one.label.clone()),
                    label: one.label,
                    members: one.members,
                    digest: one.digest,
                    status: one.status,
                    failure: one.failure,
                    answer: one.answer,
                });
                found.len() < REQUESTS_SHOWN
            })?;
            Ok(found)
        })
        .await
    }

    /// Who waits, by connection and reason.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, Problem> {
        self.read(|desk, reader| {
            let Some(config) = desk.config() else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for status in enroute_sync::status(reader, &config)?.connections {
                let (audience, destination, mapping) = (status.audience, status.destination, status.mapping);
                let name = ledger::LinkName { audience, destination, mapping };
                let Some(link) = ledger::find_link(reader, &name)? else { continue };
                found.extend(waiting::reasons(reader, link.id)?.into_iter().map(|one| Waiting {
                    audience: name.audience.clone(),
                    destination: name.destination.clone(),
                    mapping: name.mapping.clone(),
                    state: one.state,
                    reason: one.reason,
                    members: one.members,
                    until: moment(one.until_ms),
                }));
            }
            Ok(found)
        })
        .await
    }

    /// Who stands refused, by connection and reason, the largest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refused(&self) -> Result<Vec<Refused>, Problem> {
        self.read(|_, reader| {
            let mut found: BTreeMap<_, (u64, u64, Vec<String>)> = BTreeMap::new();
            letters::each(reader, &letters::Wanted::default(), |letter| {
                let name = letter.name;
                let key = (name.audience, name.destination, name.mapping, letter.code, letter.field, letter.reason);
                let (members, since_ms, samples) = found.entry(key).or_insert((0, letter.at_ms, Vec::new()));
                *members += 1;
                *since_ms = (*since_ms).min(letter.at_ms);
                if samples.len() < SAMPLES {
                    samples.extend(letter.key.as_deref().map(plain::shape));
                }
                true
            })?;
            let one = |((audience, destination, mapping, code, field, reason), (members, since_ms, samples))| Refused {
                audience,
                destination,
                mapping,
                code,
                field,
                reason,
                members,
                since: moment(since_ms),
                samples,
            };
            let mut all: Vec<Refused> = found.into_iter().map(one).collect();
            all.sort_by_key(|one| std::cmp::Reverse(one.members));
            Ok(all)
        })
        .await
    }
}

/// Whether a link of a report is about this connection.
pub(crate) fn is_of(link: &Value, audience: &str, destination: &str) -> bool {
    let is = |name: &str, wanted: &str| link.get(name).and_then(Value::as_str) == Some(wanted);
    is("audience", audience) && is("destination", destination)
}

fn run(found: chronicle::Run) -> Run {
    let summary: Value = found.summary.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let connections = summary.get("connections").and_then(Value::as_array).cloned().unwrap_or_default();
    Run {
        run: found.run,
        started: moment(found.started_ms),
        ended: found.ended_ms.map(moment),
        took_ms: found.ended_ms.map(|ended_ms| ended_ms.saturating_sub(found.started_ms)),
        connections,
    }
}
