//! A strict fake of a Salesforce org: its token endpoint, its records, its campaigns and its bulk jobs.
//!
//! Owns the org: sessions, the day's calls, objects and what lies in them. What a field takes is decided in `schema`,
//! what a write does in `records`, what a query finds in `soql`. Nothing here waits: a job ends after a number of
//! questions, a session after a number of calls.

mod auth;
mod bulk;
mod collections;
mod composite;
mod csv;
mod places;
mod records;
pub mod schema;
mod soql;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

use auth::Sessions;
use bulk::Jobs;
use records::Store;
use schema::{Field, Object};

/// Oldest version that is still served: v21.0 to v30.0 were retired in Summer '25.
const VERSION_RETIRED_MAX: u32 = 30;

/// Newest version in Winter '27.
const VERSION_MAX: u32 = 68;

/// Longest request line that Salesforce reads; a longer one is answered 414.
const URI_BYTES_MAX: usize = 16_384;

/// A running fake of one org.
#[derive(Debug)]
pub struct Salesforce {
    server: Server,
    org: Arc<Org>,
}

/// How the org and its app are set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Consumer key of the one app.
    pub client_id: String,
    /// Its consumer secret.
    pub client_secret: String,
    /// The user that assertions may name; the app is approved for nobody else.
    pub username: String,
    /// The refresh token that is valid at the start.
    pub refresh_token: String,
    /// Whether a refresh token dies when it is used, and the answer has a new one.
    pub rotate_refresh_tokens: bool,
    /// A session that is valid without the token endpoint.
    pub access_token: String,
    /// Calls after which a session has expired; none for sessions that never do.
    pub session_calls: Option<u64>,
    /// The `instance_url` of token answers; the fake's own address where none is given.
    pub instance_url: Option<String>,
    /// Whether the API is enabled for the user.
    pub api_enabled: bool,
    /// Calls of the rolling day, for the whole org.
    pub daily_calls_max: u64,
    /// Calls that others made already.
    pub daily_calls_used: u64,
    /// Rows in one page of a query.
    pub page_rows: usize,
    /// Questions that are answered with `InProgress` before a job ends.
    pub job_polls: u32,
    /// Whether a duplicate rule raises an alert where a new record has an e-mail address that is taken.
    pub duplicate_rule: bool,
    /// External ids whose record is locked so many times before it can be written.
    pub locks: BTreeMap<String, u32>,
    /// Fields of the org's own: the object, and the field.
    pub fields: Vec<(String, Field)>,
    /// Objects of the org's own, beside Lead, Contact, Account, Campaign and CampaignMember.
    pub objects: Vec<Object>,
}

impl Default for Config {
    fn default() -> Self {
        let own = |object: &str| (object.to_owned(), Field::external_id("Enroute_Id__c"));
        Self {
            client_id: "fake-consumer-key".to_owned(),
            client_secret: "fake-consumer-secret".to_owned(),
            username: "sync@example.com".to_owned(),
            refresh_token: "fake-refresh-token".to_owned(),
            rotate_refresh_tokens: false,
            access_token: "fake-salesforce-token".to_owned(),
            session_calls: None,
            instance_url: None,
            api_enabled: true,
            daily_calls_max: 100_000,
            daily_calls_used: 0,
            page_rows: 2_000,
            job_polls: 0,
            duplicate_rule: false,
            locks: BTreeMap::new(),
            fields: ["Lead", "Contact", "Account"].into_iter().map(own).collect(),
            objects: Vec::new(),
        }
    }
}

impl Config {
    /// With one more field of the org's own.
    #[must_use]
    pub fn field(mut self, object: &str, field: Field) -> Self {
        self.fields.push((object.to_owned(), field));
        self
    }
}

/// What the server and the handle both see.
#[derive(Debug)]
struct Org {
    config: Config,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
struct State {
    sessions: Sessions,
    store: Store,
    jobs: Jobs,
    cursors: Vec<Vec<Value>>,
    calls: u64,
}

impl Salesforce {
    /// Starts an org without records on a free port.
    pub async fn start(config: Config) -> io::Result<Self> {
        let state = State {
            sessions: Sessions::new(&config),
            store: Store::new(schema::objects(&config), config.locks.clone(), config.duplicate_rule),
            jobs: Jobs::new(config.job_polls),
            cursors: Vec::new(),
            calls: config.daily_calls_used,
        };
        let org = Arc::new(Org { config, state: Mutex::new(state) });
        let server = Server::start(org.clone()).await?;
        Ok(Self { server, org })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// External ids of the records of an object whose checkbox is ticked.
    pub fn members(&self, object: &str, field: &str) -> BTreeSet<String> {
        self.external_ids(object, |record| record.get(field) == Some(&Value::Bool(true)))
    }

    /// External ids of the records of an object whose multi-select picklist has the value.
    pub fn members_with_value(&self, object: &str, field: &str, value: &str) -> BTreeSet<String> {
        self.external_ids(object, |record| {
            record.get(field).and_then(Value::as_str).is_some_and(|text| text.split(';').any(|known| known == value))
        })
    }

    /// External ids of the people in the campaign of this name.
    pub fn campaign_members(&self, campaign: &str) -> BTreeSet<String> {
        let text =
            |record: &Map<String, Value>, name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = |record: &&Map<String, Value>| record.get("Name").is_some_and(|name| name == campaign);
        let campaigns = self.records("Campaign");
        let id = campaigns.iter().find(named).and_then(|record| text(record, "Id"));
        let links = self.records("CampaignMember").into_iter().filter(|link| text(link, "CampaignId") == id);
        let people: BTreeSet<String> =
            links.filter_map(|link| text(&link, "LeadId").or_else(|| text(&link, "ContactId"))).collect();
        let of = |object| self.external_ids(object, |record| text(record, "Id").is_some_and(|id| people.contains(&id)));
        of("Lead").into_iter().chain(of("Contact")).collect()
    }

    /// The records of an object that are not deleted, each with its id, in the order they were made.
    pub fn records(&self, object: &str) -> Vec<Map<String, Value>> {
        lock(&self.org.state).store.list(object)
    }

    /// The record with this external id.
    pub fn record(&self, object: &str, external_id: &str) -> Option<Map<String, Value>> {
        self.records(object).into_iter().find(|record| external_id_of(record) == Some(external_id))
    }

    /// Puts a record into the org, as somebody else would, and gives its id.
    pub fn seed(&self, object: &str, fields: &Value) -> String {
        lock(&self.org.state).store.seed(object, fields.as_object().cloned().unwrap_or_default())
    }

    /// Converts a lead: from then on it cannot be changed.
    pub fn convert_lead(&self, external_id: &str) {
        lock(&self.org.state).store.convert(external_id);
    }

    /// Ids of records that assignment rules ran for, because a request did not keep them from it.
    pub fn assigned(&self) -> BTreeSet<String> {
        lock(&self.org.state).store.assigned.clone()
    }

    /// Ends all sessions: what uses their tokens is answered 401 `INVALID_SESSION_ID`.
    pub fn expire_sessions(&self) {
        lock(&self.org.state).sessions.expire();
    }

    /// The refresh token that is valid now.
    pub fn refresh_token(&self) -> String {
        lock(&self.org.state).sessions.refresh_token().to_owned()
    }

    /// Calls that count against the day.
    pub fn calls(&self) -> u64 {
        lock(&self.org.state).calls
    }

    /// States of all bulk jobs, in the order they were made.
    pub fn job_states(&self) -> Vec<String> {
        lock(&self.org.state).jobs.states()
    }

    fn external_ids(&self, object: &str, is: impl Fn(&Map<String, Value>) -> bool) -> BTreeSet<String> {
        let records = self.records(object);
        records.iter().filter(|record| is(record)).filter_map(external_id_of).map(str::to_owned).collect()
    }
}

fn external_id_of(record: &Map<String, Value>) -> Option<&str> {
    record.get("Enroute_Id__c")?.as_str()
}

impl Service for Org {
    fn answer(&self, request: &Recorded) -> Reply {
        let mut state = lock(&self.state);
        let segments: Vec<String> = request.path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ["services", "oauth2", rest @ ..] = segments.as_slice() {
            return state.sessions.answer(rest, request, &self.config);
        }
        let Some(path) = segments.strip_prefix(&["services", "data"]) else {
            return fault(404, "NOT_FOUND", "The requested resource does not exist");
        };
        // Salesforce, "Versions": anybody may ask.
        if matches!(path, [] | [""]) && request.method == "GET" {
            let version =
                |number: u32| json!({"version": format!("{number}.0"), "url": format!("/services/data/v{number}.0")});
            return Reply::json(200, &(VERSION_RETIRED_MAX + 1..=VERSION_MAX).map(version).collect());
        }
        if let Err(refusal) = self.admit(&mut state, request) {
            return refusal;
        }
        let reply = self.serve(&mut state, request, path);
        // Salesforce, "Limit Info Header": on every answer.
        let info = format!("api-usage={}/{}", state.calls, self.config.daily_calls_max);
        reply.header("sforce-limit-info", &info)
    }
}

impl Org {
    /// Session, address, right and allowance, in that order.
    fn admit(&self, state: &mut State, request: &Recorded) -> Result<(), Reply> {
        let uri: usize =
            request.path.len() + request.query.iter().map(|(n, v)| n.len() + escaped_len(v) + 2).sum::<usize>();
        if uri > URI_BYTES_MAX {
            return Err(fault(414, "URI_TOO_LONG", "URI Too Long"));
        }
        // 401 `INVALID_AUTH_HEADER` where there is no bearer, `INVALID_SESSION_ID` where it is none of ours.
        let Some(token) = request.bearer() else {
            return Err(fault(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"));
        };
        if !state.sessions.accepts(token) {
            return Err(fault(401, "INVALID_SESSION_ID", "Session expired or invalid"));
        }
        if !self.config.api_enabled {
            return Err(fault(403, "API_CURRENTLY_DISABLED", "API is currently disabled for this User"));
        }
        // The daily allowance is the whole org's; beyond it, 403.
        if state.calls >= self.config.daily_calls_max {
            return Err(fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        state.calls += 1;
        Ok(())
    }

    fn serve(&self, state: &mut State, request: &Recorded, path: &[&str]) -> Reply {
        let Some((version, path)) = path.split_first() else {
            return fault(404, "NOT_FOUND", "The requested resource does not exist");
        };
        let number = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).and_then(|n| n.parse().ok());
        match number {
            Some(1..=VERSION_RETIRED_MAX) => return fault(410, "UNSUPPORTED_API_VERSION", "The version is retired"),
            Some(31..=VERSION_MAX) => {}
            _ => return fault(404, "NOT_FOUND", "The requested resource does not exist"),
        }
        let version: u32 = number.unwrap_or(VERSION_MAX);
        // A slash at the end changes nothing.
        let path = path.strip_suffix(&[""]).unwrap_or(path);
        match (request.method.as_str(), path) {
            ("GET", ["limits"]) => {
                let left = self.config.daily_calls_max.saturating_sub(state.calls);
                Reply::json(200, &json!({"DailyApiRequests": {"Max": self.config.daily_calls_max, "Remaining": left}}))
            }
            // Salesforce, "Describe Global".
            ("GET", ["sobjects"]) => {
                let objects: Vec<Value> = state.store.objects().map(Object::summary).collect();
                Reply::json(200, &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}))
            }
            ("GET", ["sobjects", object, "describe"]) => match state.store.object(object) {
                Some(object) => Reply::json(200, &object.describe()),
                None => fault(404, "NOT_FOUND", "The requested resource does not exist"),
            },
            ("GET", ["query", ..]) => self.query(state, request, version, path),
            (_, ["jobs", "ingest", rest @ ..]) => {
                let State { jobs, store, .. } = state;
                jobs.answer(rest, request, store)
            }
            // Upserts of collections came with v46.0.
            (_, ["composite", "sobjects", ..]) if version < 46 => {
                fault(404, "NOT_FOUND", "The requested resource does not exist")
            }
            (_, ["composite", "sobjects", rest @ ..]) => collections::answer(rest, request, &mut state.store),
            ("POST", ["composite"]) => composite::answer(request, &mut state.store),
            (_, ["sobjects", rest @ ..]) => composite::single(rest, request, &mut state.store),
            _ => fault(404, "NOT_FOUND", "The requested resource does not exist"),
        }
    }

    /// A query, or a further page of one: 2,000 rows by default.
    fn query(&self, state: &mut State, request: &Recorded, version: u32, path: &[&str]) -> Reply {
        let (cursor, from) = match path {
            ["query"] => {
                let soql = request.parameter("q").unwrap_or_default();
                match soql::run(soql, &state.store) {
                    Ok(rows) => state.cursors.push(rows),
                    Err((code, message)) => return fault(400, code, message),
                }
                (state.cursors.len() - 1, 0)
            }
            ["query", locator] => {
                let parts = locator.strip_prefix("01g").and_then(|rest| rest.split_once('-'));
                match parts.and_then(|(cursor, from)| Some((cursor.parse().ok()?, from.parse().ok()?))) {
                    Some(parts) => parts,
                    None => return fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
                }
            }
            _ => return fault(404, "NOT_FOUND", "The requested resource does not exist"),
        };
        let Some(rows) = state.cursors.get(cursor) else {
            return fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
        };
        let to = from + self.config.page_rows;
        let page: Vec<&Value> = rows.iter().skip(from).take(self.config.page_rows).collect();
        let mut answer = Map::new();
        answer.insert("totalSize".to_owned(), rows.len().into());
        answer.insert("done".to_owned(), (to >= rows.len()).into());
        answer.insert("records".to_owned(), json!(page));
        if to < rows.len() {
            let next = format!("/services/data/v{version}.0/query/01g{cursor}-{to}");
            answer.insert("nextRecordsUrl".to_owned(), next.into());
        }
        Reply::json(200, &answer.into())
    }
}

/// Salesforce, "Status codes and error responses": a list of errors.
fn fault(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!([{"message": message, "errorCode": code}]))
}

/// The text of a member of an object; empty where there is none.
fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A path segment as text.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let pair = (byte == b'%').then(|| (rest.next(), rest.next()));
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match pair.and_then(|(high, low)| u8::try_from(digit(high)? * 16 + digit(low)?).ok()) {
            Some(escaped) => bytes.push(escaped),
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Bytes of a query value on the wire, where each that is not unreserved takes three.
fn escaped_len(value: &str) -> usize {
    value.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { 1 } else { 3 }).sum()
}

#[cfg(test)]
mod tests;
