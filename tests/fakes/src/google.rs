//! A strict fake of Google's Customer Match: the Data Manager API, the jobs of the Google Ads API, and tokens.
//!
//! Owns one Google Ads account with its lists, requests and jobs. Who may call is decided in `token`, what an upload
//! may say in `upload` and `jobs`, what lists are like in `lists`, who is in them in `people`. There is no clock:
//! a request or job ends after it was asked about so many times.

mod jobs;
mod lists;
mod messages;
mod people;
mod proto;
mod query;
mod refusal;
mod token;
mod upload;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

pub use lists::{Key, List};

use jobs::Job;
use people::{People, Person};
use proto::Query;
use refusal::Refusal;
use upload::Upload;

/// What a call is answered.
type Answer = Result<Value, Refusal>;

/// A running fake of one Google Ads account.
#[derive(Debug)]
pub struct Google {
    server: Server,
    account: Arc<Account>,
}

/// How the account is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one access token that is accepted, and that the token endpoint hands out.
    pub access_token: String,
    /// The OAuth client and its refresh token.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// The refresh token of the user.
    pub refresh_token: String,
    /// The account's id, digits only.
    pub customer_id: String,
    /// If set, the account is reached through this manager only.
    pub login_customer_id: Option<String>,
    /// What the Google Ads API wants in `developer-token`.
    pub developer_token: String,
    /// Whether the developer token may upload Customer Match data.
    pub is_allowlisted: bool,
    /// Whether the Data Manager API is enabled in the Cloud project.
    pub is_enabled: bool,
    /// The lists that exist at the start.
    pub lists: Vec<List>,
    /// How often a request or job is asked about before it has ended; 0 ends it at once.
    pub polls_until_done: u32,
    /// Whether people without a consent are refused while a request is processed, as in the EEA.
    pub needs_consent: bool,
    /// Most lists on a page, whatever is asked for.
    pub page_entries_max: usize,
}

/// What the server and the handle both see.
#[derive(Debug)]
struct Account {
    config: Config,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    lists: Vec<(List, People)>,
    requests: Vec<Request>,
    jobs: Vec<Job>,
    /// Reasons and counts that the next uploads end with.
    spoilt: Vec<(String, usize)>,
}

/// A request of the Data Manager API that was taken in.
#[derive(Debug)]
struct Request {
    id: String,
    list: String,
    adds: bool,
    people: Vec<Person>,
    /// Reasons with the number of members that they cost.
    errors: Vec<(String, usize)>,
    asked: u32,
    is_done: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token: "fake-google-token".to_owned(),
            client_id: "fake-client.apps.googleusercontent.com".to_owned(),
            client_secret: "fake-client-secret".to_owned(),
            refresh_token: "fake-refresh-token".to_owned(),
            customer_id: "7693729833".to_owned(),
            login_customer_id: None,
            developer_token: "fake-developer-token".to_owned(),
            is_allowlisted: true,
            is_enabled: true,
            lists: Vec::new(),
            polls_until_done: 0,
            needs_consent: false,
            page_entries_max: 1000,
        }
    }
}

impl Google {
    /// Starts an account with empty lists on a free port.
    pub async fn start(config: Config) -> io::Result<Self> {
        let lists = config.lists.iter().map(|list| (list.clone(), People::default())).collect();
        let state = Mutex::new(State { lists, ..State::default() });
        let account = Arc::new(Account { config, state });
        let server = Server::start(account.clone()).await?;
        Ok(Self { server, account })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The people of a list: each with its identifiers as `kind:value`, such as `emailAddress:<hash>`.
    pub fn members(&self, list_id: &str) -> Vec<BTreeSet<String>> {
        let state = lock(&self.account.state);
        state.lists.iter().find(|(list, _)| list.id == list_id).map(|(_, people)| people.list()).unwrap_or_default()
    }

    /// The lists, created ones included, in the order they came.
    pub fn lists(&self) -> Vec<List> {
        lock(&self.account.state).lists.iter().map(|(list, _)| list.clone()).collect()
    }

    /// Lets the next upload that is taken in end with so many members lost for a reason; with `usize::MAX` it fails.
    pub fn spoil(&self, reason: &str, count: usize) {
        lock(&self.account.state).spoilt.push((reason.to_owned(), count));
    }

    /// Ends all requests and jobs that are running, as time would.
    pub fn finish(&self) {
        let mut state = lock(&self.account.state);
        state.finish_requests(|_| true);
        jobs::finish(&mut state, |_| true);
    }
}

impl State {
    fn people(&mut self, list: &str) -> Option<&mut People> {
        self.lists.iter_mut().find(|(known, _)| known.id == list).map(|(_, people)| people)
    }

    /// Processes requests that have not been, and that are chosen.
    fn finish_requests(&mut self, chosen: impl Fn(&Request) -> bool) {
        let mut requests = std::mem::take(&mut self.requests);
        for request in requests.iter_mut().filter(|request| !request.is_done && chosen(request)) {
            request.is_done = true;
            if let Some(people) = self.people(&request.list) {
                let lost: usize = request.errors.iter().map(|(_, count)| *count).fold(0, usize::saturating_add);
                let kept = request.people.len().saturating_sub(lost);
                request.people.iter().take(kept).for_each(|person| people.change(person, request.adds));
            }
        }
        self.requests = requests;
    }
}

impl Request {
    /// Data Manager API, `RequestStatusPerDestination`: how many members and identifiers there were, lost ones included.
    fn counted(&self, key: Key) -> (String, Value) {
        let (people, ids) = (self.people.len(), self.people.iter().map(BTreeSet::len).sum::<usize>());
        let of_ids = match key {
            Key::Contact => "userIdentifierCount",
            Key::Mobile => "mobileIdCount",
            Key::User => "userIdCount",
        };
        let counts = json!({"recordCount": people.to_string(), of_ids: ids.to_string()});
        let way = if self.adds { "Ingestion" } else { "Removal" };
        (format!("audienceMembers{way}Status"), json!({ format!("{}{way}Status", key.data()): counts }))
    }
}

impl Service for Account {
    fn answer(&self, request: &Recorded) -> Reply {
        if request.path == "/token" {
            return token::answer(request, &self.config);
        }
        match self.dispatch(request) {
            Ok((value, true)) => Reply::json(200, &proto::in_numbers(&value, messages::ANSWER)),
            Ok((value, false)) => Reply::json(200, &value),
            Err(refusal) => refusal.reply(request.sequence),
        }
    }
}

impl Account {
    /// Finds the endpoint and lets it answer; tells as well whether enums are answered by their numbers.
    fn dispatch(&self, request: &Recorded) -> Result<(Value, bool), Refusal> {
        token::check(request, &self.config)?;
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        let mut state = lock(&self.state);
        match (request.method.as_str(), path.as_slice()) {
            (method, ["v1", rest @ ..]) => {
                // Google: an API that is not enabled in the project is answered 403, SERVICE_DISABLED.
                if !self.config.is_enabled {
                    return Err(Refusal::permission("SERVICE_DISABLED"));
                }
                self.data_manager(method, rest, request, &mut state)
            }
            ("POST", [version, "customers", customer, rest @ ..]) if is_version(version) => {
                token::check_ads(request, &self.config, customer)?;
                let query = Query::read(request, &[])?;
                Ok((jobs::answer(rest, request, &self.config, &mut state)?, query.numbers))
            }
            _ => Err(Refusal::not_found("Method not found")),
        }
    }

    fn data_manager(
        &self,
        method: &str,
        path: &[&str],
        request: &Recorded,
        state: &mut State,
    ) -> Result<(Value, bool), Refusal> {
        let query = |own: &[&str]| Query::read(request, own);
        match (method, path) {
            ("POST", [edge @ ("audienceMembers:ingest" | "audienceMembers:remove")]) => {
                let numbers = query(&[])?.numbers;
                Ok((self.upload(request, state, *edge == "audienceMembers:ingest")?, numbers))
            }
            ("GET", ["requestStatus:retrieve"]) => {
                let query = query(&["requestId"])?;
                Ok((self.status(query.get("requestId").unwrap_or_default(), state)?, query.numbers))
            }
            (_, ["accountTypes", "GOOGLE_ADS", "accounts", customer, "userLists", rest @ ..]) => {
                token::check_account(request, &self.config, customer)?;
                match (method, rest) {
                    ("GET", []) => {
                        let query = query(&["filter", "pageSize", "pageToken"])?;
                        Ok((lists::page(&query, &self.config, state)?, query.numbers))
                    }
                    ("POST", []) => {
                        let query = query(&["validateOnly"])?;
                        let (body, validates) =
                            (proto::read(request, messages::USER_LIST)?, query.get("validateOnly") == Some("true"));
                        Ok((lists::create(&body, validates, &self.config, state)?, query.numbers))
                    }
                    ("GET", [id]) => Ok((lists::get(id, &self.config, state)?, query(&[])?.numbers)),
                    _ => Err(Refusal::not_found("Method not found")),
                }
            }
            _ => Err(Refusal::not_found("Method not found")),
        }
    }

    /// `audienceMembers.ingest` and `audienceMembers.remove`.
    fn upload(&self, request: &Recorded, state: &mut State, adds: bool) -> Answer {
        let lists: Vec<&List> = state.lists.iter().map(|(list, _)| list).collect();
        let Upload { list, people, consent, validates } = upload::read(request, &self.config, &lists, adds)?;
        // Data Manager API, `validateOnly`: checks and does nothing; there is no status to ask for.
        if validates {
            return Ok(json!({}));
        }
        let id = format!("req-{}", request.sequence);
        let mut errors = Vec::new();
        if adds {
            // Data Manager API, diagnostics: members without consent are refused while they are processed.
            let refused = match consent.as_deref() {
                Some("CONSENT_DENIED") => Some("PROCESSING_ERROR_REASON_DENIED_CONSENT"),
                Some("CONSENT_GRANTED") => None,
                _ => self.config.needs_consent.then_some("PROCESSING_ERROR_REASON_NO_CONSENT"),
            };
            errors.extend(refused.map(|reason| (reason.to_owned(), people.len())));
        }
        if !state.spoilt.is_empty() {
            let (reason, count) = state.spoilt.remove(0);
            errors.push((reason, count.min(people.len())));
        }
        state.requests.push(Request { id: id.clone(), list, adds, people, errors, asked: 0, is_done: false });
        if self.config.polls_until_done == 0 {
            state.finish_requests(|request| request.id == id);
        }
        Ok(json!({"requestId": id}))
    }

    /// `requestStatus.retrieve`: counts only, and 64-bit numbers as text.
    fn status(&self, wanted: &str, state: &mut State) -> Answer {
        let Some(found) = state.requests.iter_mut().find(|known| known.id == wanted) else {
            return Err(Refusal::not_found("INVALID_REQUEST_ID"));
        };
        found.asked += 1;
        let ends = found.asked >= self.config.polls_until_done;
        if ends {
            state.finish_requests(|request| request.id == wanted);
        }
        let destination = |list: &str| {
            json!({
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": self.config.customer_id},
                "productDestinationId": list,
            })
        };
        let Some(found) = state.requests.iter().find(|known| known.id == wanted) else {
            return Err(Refusal::not_found("INVALID_REQUEST_ID"));
        };
        let (sent, lost) = (found.people.len(), found.errors.iter().map(|(_, count)| *count).sum::<usize>());
        let status = match (found.is_done, lost) {
            (false, _) => "PROCESSING",
            (true, 0) => "SUCCESS",
            (true, lost) if lost >= sent => "FAILED",
            (true, _) => "PARTIAL_SUCCESS",
        };
        let counts: Vec<Value> = found
            .errors
            .iter()
            .map(|(reason, count)| json!({"recordCount": count.to_string(), "reason": reason}))
            .collect();
        let destination = destination(&found.list);
        let mut entry = json!({"destination": destination, "requestStatus": status});
        if let (true, Some(entry)) = (found.is_done, entry.as_object_mut()) {
            if !counts.is_empty() {
                entry.insert("errorInfo".to_owned(), json!({"errorCounts": counts}));
            }
            let key =
                state.lists.iter().find(|(list, _)| list.id == found.list).map_or(Key::Contact, |(list, _)| list.key);
            entry.extend([found.counted(key)]);
        }
        Ok(json!({"requestStatusPerDestination": [entry]}))
    }
}

/// Whether a path segment is a version of the Google Ads API that is served.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .and_then(|number| number.parse::<u32>().ok())
        .is_some_and(|number| (22..=26).contains(&number))
}

#[cfg(test)]
mod tests;
