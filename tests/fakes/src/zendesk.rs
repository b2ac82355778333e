//! A strict fake of Zendesk Support: users, their fields and tags, and the jobs that write many of them.
//!
//! Owns the account: its credentials, its pace, its people. What one user may say is decided in `user` and `fields`,
//! what becomes of many in `jobs`. There is no clock here: a minute passes when the caller says so, and a job goes on
//! when it is asked about.

mod auth;
mod fields;
mod jobs;
mod routes;
mod user;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

use jobs::Jobs;
use users::Users;

pub use auth::Client;
pub use fields::{Field, Kind};
pub use jobs::Shape;

/// A running fake of one Zendesk account.
#[derive(Debug)]
pub struct Zendesk {
    server: Server,
    account: Arc<Account>,
}

/// How the account is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The agent whom the API token acts for.
    pub email: String,
    /// The API token.
    pub api_token: String,
    /// OAuth tokens that are accepted as they are.
    pub access_tokens: BTreeSet<String>,
    /// The OAuth client that may renew tokens, if there is one.
    pub client: Option<Client>,
    /// What the credential is.
    pub role: Role,
    /// Whether the account may write many users in one request.
    pub data_imports: bool,
    /// The user fields that exist.
    pub fields: Vec<Field>,
    /// User fields on one page, whatever more is asked for.
    pub page_entries: usize,
    /// Ids of organizations that exist.
    pub organizations: BTreeSet<u64>,
    /// Whether numbers must be in E.164.
    pub validates_phones: bool,
    /// Questions that a job is answered as still open.
    pub job_asks: u32,
    /// Jobs that may be open at once.
    pub jobs_max: usize,
    /// So many of the first jobs end early, without effect.
    pub jobs_killed: usize,
    /// How the results of jobs are written.
    pub results: Shape,
    /// Results that each job leaves out, from the end.
    pub results_missing: usize,
    /// Requests in a minute; without a number, every request is in time.
    pub requests_per_minute: Option<u64>,
    /// Updates of one user in a minute; without a number, as many as come.
    pub updates_per_user: Option<u64>,
    /// How rate limit headers are spelled.
    pub headers: Headers,
}

/// What a credential may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    #[default]
    Admin,
    /// Manages users, but creates no fields.
    Agent,
    /// Reads, but does not manage users.
    LightAgent,
    /// Manages nobody.
    EndUser,
}

/// Spellings of rate limit headers that Zendesk has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// `ratelimit-limit`, as the documentation has it.
    #[default]
    Documented,
    /// `rate-limit`, recorded in 2023.
    Dashed,
    /// `X-Rate-Limit`, recorded in 2021, without a time.
    Old,
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
    fields: Vec<Field>,
    users: Users,
    jobs: Jobs,
    /// OAuth tokens that were given out, and the refresh token that is good for the next one.
    tokens: auth::Tokens,
    requests_this_minute: u64,
    updates_this_minute: BTreeMap<u64, u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            email: "agent@example.com".to_owned(),
            api_token: "fake-zendesk-token".to_owned(),
            access_tokens: BTreeSet::new(),
            client: None,
            role: Role::Admin,
            data_imports: true,
            fields: Vec::new(),
            page_entries: 100,
            organizations: BTreeSet::new(),
            validates_phones: false,
            job_asks: 0,
            jobs_max: 30,
            jobs_killed: 0,
            results: Shape::Keys,
            results_missing: 0,
            requests_per_minute: None,
            updates_per_user: None,
            headers: Headers::Documented,
        }
    }
}

impl Zendesk {
    /// Starts an account without people on a free port.
    pub async fn start(config: Config) -> io::Result<Self> {
        let state = State { fields: config.fields.clone(), tokens: auth::Tokens::new(&config), ..State::default() };
        let account = Arc::new(Account { config, state: Mutex::new(state) });
        let server = Server::start(account.clone()).await?;
        Ok(Self { server, account })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Who is a member: external ids, or addresses where there is none, of users whose checkbox is set.
    pub fn members(&self, field: &str) -> BTreeSet<String> {
        lock(&self.account.state).users.names(|user| user.field(field) == Some(&Value::Bool(true)))
    }

    /// The same of users who have a tag.
    pub fn members_with_tag(&self, tag: &str) -> BTreeSet<String> {
        lock(&self.account.state).users.names(|user| user.tags.contains(tag))
    }

    /// All people, as a GET would show them, in the order in which they were made.
    pub fn people(&self) -> Vec<Value> {
        lock(&self.account.state).users.list()
    }

    /// The person with this external id, in any case.
    pub fn person(&self, external_id: &str) -> Option<Value> {
        lock(&self.account.state).users.by_external_id(external_id).map(|user| user.to_json())
    }

    /// Adds a person as an agent would, by what a request could say of one. Gives the id.
    ///
    /// # Panics
    /// When the account refuses the person: that is a mistake in the test.
    #[expect(clippy::panic, reason = "only tests call it, with people of their own")]
    pub fn add(&self, person: &Value) -> u64 {
        let mut state = lock(&self.account.state);
        let State { fields, users, .. } = &mut *state;
        match users.upsert(person, fields, &self.account.config) {
            Ok(written) => written.id,
            Err(refusal) => panic!("the account refuses {person}: {refusal:?}"),
        }
    }

    /// Deletes a person.
    pub fn delete(&self, id: u64) {
        lock(&self.account.state).users.delete(id);
    }

    /// Keys of the user fields that exist.
    pub fn fields(&self) -> Vec<String> {
        lock(&self.account.state).fields.iter().map(|field| field.key.clone()).collect()
    }

    /// Number of jobs that are not at their end.
    pub fn open_jobs(&self) -> usize {
        lock(&self.account.state).jobs.open()
    }

    /// The largest number of jobs that were open at once.
    pub fn most_open_jobs(&self) -> usize {
        lock(&self.account.state).jobs.most_open()
    }

    /// Lets an hour pass for jobs: none is known any more.
    pub fn forget_jobs(&self) {
        lock(&self.account.state).jobs.forget();
    }

    /// Lets a minute pass for the limits of pace.
    pub fn next_minute(&self) {
        let mut state = lock(&self.account.state);
        state.requests_this_minute = 0;
        state.updates_this_minute.clear();
    }

    /// Makes all OAuth tokens that were given out worthless.
    pub fn expire_tokens(&self) {
        lock(&self.account.state).tokens.expire();
    }
}

impl Service for Account {
    fn answer(&self, request: &Recorded) -> Reply {
        let mut state = lock(&self.state);
        if request.path == "/oauth/tokens" {
            return auth::renew(request, &self.config, &mut state.tokens);
        }
        let Some(path) = request.path.strip_prefix("/api/v2/") else { return not_an_endpoint() };
        // Zendesk, "API reference": the suffix `.json` may be left out.
        let path: Vec<&str> = path.strip_suffix(".json").unwrap_or(path).split('/').collect();
        let known = auth::accepts(request, &self.config, &state.tokens);
        if path == ["users", "me"] && request.method == "GET" {
            return self.me(known);
        }
        if !known {
            // Zendesk, "Security and authentication": 401 for a credential that is not accepted.
            return Reply::json(401, &json!({"error": "Couldn't authenticate you"}));
        }
        let headers = match self.pace(&mut state) {
            Ok(headers) => headers,
            Err(refusal) => return refusal,
        };
        let reply = routes::answer(request, &path, &self.config, &mut state);
        headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}

impl Account {
    /// Zendesk, "Users", "Show self": allowed for anonymous users, whose id is null.
    fn me(&self, known: bool) -> Reply {
        let role = match self.config.role {
            Role::Admin => "admin",
            Role::Agent | Role::LightAgent => "agent",
            Role::EndUser => "end-user",
        };
        Reply::json(
            200,
            &if known {
                json!({"user": {"id": 1, "name": "Agent", "email": self.config.email, "role": role}})
            } else {
                json!({"user": {"id": null, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}})
            },
        )
    }

    /// Zendesk, "Rate limits": so many requests a minute for the whole account, with what is left in headers.
    fn pace(&self, state: &mut State) -> Result<Vec<(&'static str, String)>, Reply> {
        let Some(limit) = self.config.requests_per_minute else { return Ok(Vec::new()) };
        let in_time = state.requests_this_minute < limit;
        state.requests_this_minute += u64::from(in_time);
        let left = limit.saturating_sub(state.requests_this_minute).to_string();
        let headers = match self.config.headers {
            Headers::Documented => vec![
                ("ratelimit-limit", limit.to_string()),
                ("ratelimit-remaining", left),
                ("ratelimit-reset", "30".to_owned()),
            ],
            Headers::Dashed => vec![
                ("rate-limit", limit.to_string()),
                ("rate-limit-remaining", left),
                ("rate-limit-reset", "30".to_owned()),
            ],
            Headers::Old => vec![("x-rate-limit", limit.to_string()), ("x-rate-limit-remaining", left)],
        };
        if in_time {
            return Ok(headers);
        }
        let late = Reply::text(429, "Number of allowed API requests per minute exceeded").header("retry-after", "30");
        Err(headers.iter().fold(late, |reply, (name, value)| reply.header(name, value)))
    }
}

/// Zendesk, "Responses": 404 for a path that does not exist.
fn not_an_endpoint() -> Reply {
    Reply::json(404, &json!({"error": "InvalidEndpoint", "description": "Not found"}))
}

/// Zendesk, "Responses": 404 for a record that does not exist.
fn not_found() -> Reply {
    Reply::json(404, &json!({"error": "RecordNotFound", "description": "Not found"}))
}

/// Zendesk, "Responses": 403 for what the credential or the account may not do.
fn forbidden() -> Reply {
    let message = "You do not have access to this page. Please contact the account owner of this help desk.";
    Reply::json(403, &json!({"error": {"title": "Forbidden", "message": message}}))
}

#[cfg(test)]
mod tests;
