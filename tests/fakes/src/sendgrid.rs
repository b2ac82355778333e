//! A strict fake of SendGrid Marketing Campaigns: contacts, lists, custom fields, and the jobs between them.
//!
//! Owns the account: its key, its contacts, its lists and its jobs. Contacts change only when a job ends, and a job
//! ends when it was asked about often enough, never by the clock. Files of errors lie on a server of their own, which
//! refuses a credential, as signed addresses do.

mod contact;
mod contacts;
mod fields;
mod jobs;
mod lists;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

use fields::Field;
pub use fields::FieldType;
use jobs::Job;
use lists::List;
use people::People;

/// "Responses": what a key that is missing or wrong is told.
const UNAUTHORIZED: &str = "authorization required";

/// "Responses": what a key without the right is told.
const FORBIDDEN: &str = "access forbidden";

/// Longest request line, path and query together: 8 KB, beyond which addresses are refused.
const URL_BYTES_MAX: usize = 8 << 10;

/// "Add or Update a Contact": 6 MB of data.
const REQUEST_BYTES_MAX: usize = 6_000_000;

/// A running fake of one account.
#[derive(Debug)]
pub struct SendGrid {
    server: Server,
    files: Server,
    account: Arc<Account>,
}

/// How the account is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one API key that is accepted.
    pub api_key: String,
    /// The rights of the key; without one that begins with `marketing`, contacts and lists are forbidden.
    pub scopes: Vec<String>,
    /// The subuser that requests must name in `on-behalf-of`; without one, the header is refused.
    pub subuser: Option<String>,
    /// Lists that exist, by name.
    pub lists: Vec<String>,
    /// Custom fields that exist.
    pub custom_fields: Vec<(String, FieldType)>,
    /// How often a job is pending when it is asked about; 0 ends it at once.
    pub polls_until_done: u32,
    /// Whether jobs with errors have a file that names whom.
    pub errors_files: bool,
    /// What `X-RateLimit-Remaining` says.
    pub remaining: u64,
    /// What `X-RateLimit-Reset` says, in seconds since 1970.
    pub reset_s: u64,
}

/// What the servers and the handle see.
#[derive(Debug)]
struct Account {
    config: Config,
    files_url: OnceLock<String>,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    contacts: People,
    lists: Vec<List>,
    fields: Vec<Field>,
    jobs: BTreeMap<String, Job>,
    /// Files of errors, by the job.
    files: BTreeMap<String, String>,
    numbered: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_key: "fake-sendgrid-key".to_owned(),
            scopes: ["mail.send", "marketing.read", "marketing.automation.read"].map(str::to_owned).to_vec(),
            subuser: None,
            lists: Vec::new(),
            custom_fields: Vec::new(),
            polls_until_done: 0,
            errors_files: true,
            remaining: 599,
            reset_s: 1_800_000_060,
        }
    }
}

impl SendGrid {
    /// Starts an account on a free port, with another one for files.
    pub async fn start(config: Config) -> io::Result<Self> {
        let mut state = State::default();
        for name in &config.lists {
            state.new_list(name);
        }
        for (name, kind) in &config.custom_fields {
            state.new_field(name, *kind);
        }
        let account = Arc::new(Account { config, files_url: OnceLock::new(), state: Mutex::new(state) });
        let files = Server::start(Files(account.clone())).await?;
        account.files_url.get_or_init(|| files.url());
        let server = Server::start(account.clone()).await?;
        Ok(Self { server, files, account })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The server of files of errors.
    pub fn files(&self) -> &Server {
        &self.files
    }

    /// Who is on a list, by its id or name: external ids, and the e-mail address of contacts without one.
    pub fn members(&self, list: &str) -> BTreeSet<String> {
        self.on_list(list, &["external_id", "email", "phone_number_id", "anonymous_id"])
    }

    /// The e-mail addresses on a list, by its id or name.
    pub fn emails(&self, list: &str) -> BTreeSet<String> {
        self.on_list(list, &["email"])
    }

    /// The contact with this identifier of any type, as a search shows it.
    pub fn contact(&self, identifier: &str) -> Option<Value> {
        let state = lock(&self.account.state);
        let mut found = state.contacts.iter().filter(|(_, contact)| contact.ids.values().any(|id| id == identifier));
        found.next().map(|(id, contact)| contact.shown(id))
    }

    /// Number of contacts, on lists or not.
    pub fn contacts(&self) -> usize {
        lock(&self.account.state).contacts.len()
    }

    /// The lists: ids and names, in the order they were made.
    pub fn lists(&self) -> Vec<(String, String)> {
        lock(&self.account.state).lists.iter().map(|list| (list.id.clone(), list.name.clone())).collect()
    }

    /// The id of a custom field.
    pub fn field_id(&self, name: &str) -> Option<String> {
        let state = lock(&self.account.state);
        state.fields.iter().find(|field| field.name == name).map(|field| field.id.clone())
    }

    /// Deletes a list as a person would; contacts stay.
    pub fn delete_list(&self, id: &str) {
        lock(&self.account.state).delete_list(id);
    }

    /// Deletes a custom field and makes it anew: same name and type, another id.
    pub fn renew_field(&self, name: &str) {
        let mut state = lock(&self.account.state);
        let old = state.fields.iter().position(|field| field.name == name).map(|at| state.fields.remove(at));
        if let Some(field) = old {
            state.new_field(&field.name, field.kind);
        }
    }

    /// Ends all jobs now, the last one first: jobs have no order.
    pub fn finish_jobs(&self) {
        let mut state = lock(&self.account.state);
        let ids: Vec<String> = state.jobs.keys().rev().cloned().collect();
        ids.iter().for_each(|id| state.finish(id));
    }

    fn on_list(&self, list: &str, kinds: &[&str]) -> BTreeSet<String> {
        let state = lock(&self.account.state);
        let ids: Vec<&String> =
            state.lists.iter().filter(|one| one.id == list || one.name == list).map(|one| &one.id).collect();
        let on = state
            .contacts
            .iter()
            .map(|(_, contact)| contact)
            .filter(|contact| ids.iter().any(|id| contact.lists.contains(*id)));
        on.filter_map(|contact| kinds.iter().find_map(|kind| contact.ids.get(*kind).cloned())).collect()
    }
}

/// The answer to requests that come too fast, for a [`Fault`](crate::Fault): "Rate Limits" has the body and the header.
pub fn too_many_requests(reset_s: u64) -> Reply {
    error(429, "too many requests", Value::Null)
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &reset_s.to_string())
}

impl Service for Account {
    fn answer(&self, request: &Recorded) -> Reply {
        let reply = self.refuse(request).unwrap_or_else(|| self.route(request));
        // "Rate Limits": every answer has the three headers.
        let remaining = self.config.remaining.to_string();
        let numbers = [("limit", "600"), ("remaining", &remaining), ("reset", &self.config.reset_s.to_string())];
        numbers.iter().fold(reply, |reply, (name, value)| reply.header(&format!("x-ratelimit-{name}"), value))
    }
}

impl Account {
    /// "Responses": 401, 403, 406, 413 and 415, whatever is asked for.
    fn refuse(&self, request: &Recorded) -> Option<Reply> {
        if request.bearer() != Some(&self.config.api_key) {
            return Some(error(401, UNAUTHORIZED, Value::Null));
        }
        if request.header("on-behalf-of") != self.config.subuser.as_deref() {
            return Some(error(403, FORBIDDEN, Value::Null));
        }
        if request.header("accept").is_none_or(|kinds| !kinds.contains("json") && !kinds.contains("*/*")) {
            return Some(error(406, "the Accept header must allow application/json", Value::Null));
        }
        let url_bytes: usize =
            request.path.len() + request.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
        if url_bytes > URL_BYTES_MAX {
            return Some(error(414, "the address is too long", Value::Null));
        }
        if request.body.len() > REQUEST_BYTES_MAX {
            return Some(error(413, "the request is too large", Value::Null));
        }
        if !request.body.is_empty() && !request.declares_json() {
            return Some(error(415, "the content type must be application/json", Value::Null));
        }
        None
    }

    fn route(&self, request: &Recorded) -> Reply {
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let mut state = lock(&self.state);
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v3", "scopes"]) => Reply::json(200, &json!({ "scopes": self.config.scopes })),
            ("PUT", ["v3", "marketing", "contacts"]) => self.gated(|| self.upsert(&mut state, request)),
            ("DELETE", ["v3", "marketing", "contacts"]) => self.gated(|| self.delete_contacts(&mut state, request)),
            ("DELETE", ["v3", "marketing", "contacts", id, "identifiers"]) => {
                self.gated(|| self.detach(&mut state, id, request))
            }
            ("POST", ["v3", "marketing", "contacts", "search", "identifiers", kind]) => {
                self.gated(|| state.search(kind, request))
            }
            ("POST", ["v3", "marketing", "contacts", "search", "emails"]) => {
                self.gated(|| state.search_emails(request))
            }
            ("GET", ["v3", "marketing", "contacts", id]) => self.gated(|| state.show_contact(id)),
            ("GET", ["v3", "marketing", "contacts", "imports", id]) => self.gated(|| self.job(&mut state, id)),
            ("GET", ["v3", "marketing", "field_definitions"]) => self.gated(|| state.definitions()),
            ("POST", ["v3", "marketing", "field_definitions"]) => self.gated(|| state.define(request)),
            ("GET", ["v3", "marketing", "lists"]) => self.gated(|| state.page(request)),
            ("POST", ["v3", "marketing", "lists"]) => self.gated(|| state.create_list(request)),
            ("GET", ["v3", "marketing", "lists", id]) => self.gated(|| state.show_list(id)),
            ("DELETE", ["v3", "marketing", "lists", id, "contacts"]) => {
                self.gated(|| self.leave(&mut state, id, request))
            }
            _ => error(404, "not found", Value::Null),
        }
    }

    /// "Responses": 403 for a key without the right.
    fn gated(&self, answer: impl FnOnce() -> Reply) -> Reply {
        if self.config.scopes.iter().any(|scope| scope.starts_with("marketing")) {
            return answer();
        }
        error(403, FORBIDDEN, Value::Null)
    }
}

/// The server behind signed addresses.
#[derive(Debug)]
struct Files(Arc<Account>);

/// What a signed address has in its query.
const SIGNATURE: &str = "a+b/c=";

impl Service for Files {
    fn answer(&self, request: &Recorded) -> Reply {
        // A signed address is its own credential, and a second one is refused.
        if request.header("authorization").is_some() {
            return Reply::text(400, "only one authentication is allowed");
        }
        if request.parameter("signature") != Some(SIGNATURE) {
            return Reply::text(403, "the signature does not match");
        }
        let job = request.path.strip_prefix("/errors/").and_then(|path| path.strip_suffix(".csv"));
        match job.and_then(|job| lock(&self.0.state).files.get(job).cloned()) {
            Some(text) => Reply::text(200, &text).header("x-kind", "csv"),
            None => Reply::text(404, "no such file"),
        }
    }
}

impl State {
    /// An id that no other thing has.
    fn new_id(&mut self) -> String {
        self.numbered += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.numbered)
    }
}

/// "Responses": an error body of one entry.
fn error(status: u16, message: &str, field: Value) -> Reply {
    Reply::json(status, &json!({ "errors": [complaint(message, field)] }))
}

/// One entry of an error body. In some answers `field` is a text and never null, so it is left out instead.
fn complaint(message: &str, field: Value) -> Value {
    if field.is_null() { json!({ "message": message }) } else { json!({ "message": message, "field": field }) }
}

#[cfg(test)]
mod tests;
