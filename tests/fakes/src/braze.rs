//! A strict fake of Braze: `POST /users/track`, the profiles behind it, and the custom attributes of the workspace.
//!
//! Owns the workspace: its key, its pace, its profiles. What one object may say
//! is decided in `object`, `fields` and `custom`; what it does to a profile in
//! `profiles`. Time is a counter that the caller sets; there is no clock here.

mod attributes;
mod custom;
mod fields;
mod object;
mod profiles;
mod track;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

pub use attributes::Attribute;
use object::Identity;
use profiles::Profiles;

/// Braze, "Rate limits": requests to `/users/track` in one window, when no pace is configured.
const REQUESTS_PER_WINDOW: u64 = 3_000;

/// Braze, "Rate limits": seconds of a window of `/users/track`.
const WINDOW_S: u64 = 3;

/// Braze, "Errors & Responses": 401 for a key that is missing or wrong.
const KEY_INVALID: &str = "Invalid API key";

/// Braze, "Errors & Responses": 404 for a key of another instance.
const KEY_UNKNOWN: &str = "unknown REST API key";

/// A running fake of one Braze workspace.
#[derive(Debug)]
pub struct Braze {
    server: Server,
    workspace: Arc<Workspace>,
}

/// How the workspace is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one REST API key that is accepted.
    pub api_key: String,
    /// Keys answered 404 instead of 401: good ones, but of another instance.
    pub foreign_keys: BTreeSet<String>,
    /// Whether the account is inactive: 403 for the good key.
    pub inactive: bool,
    /// External ids refused as `BLACKLISTED_EXTERNAL_USER_ID`.
    pub blocked_ids: BTreeSet<String>,
    /// Elements an array attribute may have; Braze's default is 25.
    pub array_elements_max: usize,
    /// How rate limit headers are written.
    pub plan: Plan,
    /// The pace that is enforced; without one, every request is in time.
    pub pace: Option<Pace>,
    /// The custom attributes of the workspace.
    pub attributes: Vec<Attribute>,
    /// Whether the key has `custom_attributes.get`; without it, 401.
    pub reads_attributes: bool,
    /// Where the counter of seconds begins; see [`Braze::set_now`].
    pub now_s: u64,
}

/// The contract of the account, which decides the form of rate limit headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// `X-RateLimit-Reset` is a moment in seconds since 1970.
    #[default]
    Classic,
    /// `X-RateLimit-Reset` is a number of seconds; a 429 has only `X-Ratelimit-Retry-After`.
    Mau,
}

/// So many requests in each window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests in one window.
    pub requests: u64,
    /// Length of a window; it begins with its first request.
    pub window_s: u64,
}

/// What the server and the handle both see.
#[derive(Debug)]
struct Workspace {
    config: Config,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    profiles: Profiles,
    /// Updates taken in during maintenance; `None` when there is none.
    queue: Option<Vec<object::Update>>,
    now_s: u64,
    window_start_s: u64,
    window_requests: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_key: "fake-braze-key".to_owned(),
            foreign_keys: BTreeSet::new(),
            inactive: false,
            blocked_ids: BTreeSet::new(),
            array_elements_max: 25,
            plan: Plan::Classic,
            pace: None,
            attributes: Vec::new(),
            reads_attributes: true,
            now_s: 1_800_000_000,
        }
    }
}

impl Braze {
    /// Starts an empty workspace on a free port.
    pub async fn start(config: Config) -> io::Result<Self> {
        let state = Mutex::new(State { now_s: config.now_s, ..State::default() });
        let workspace = Arc::new(Workspace { config, state });
        let server = Server::start(workspace.clone()).await?;
        Ok(Self { server, workspace })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// External ids of the profiles for which the attribute is `true`.
    pub fn members(&self, attribute: &str) -> BTreeSet<String> {
        lock(&self.workspace.state).profiles.external_ids(attribute, |value| *value == Value::Bool(true))
    }

    /// External ids of the profiles whose array attribute has this element.
    pub fn members_with_element(&self, attribute: &str, element: &str) -> BTreeSet<String> {
        let has = |value: &Value| value.as_array().is_some_and(|list| list.iter().any(|known| known == element));
        lock(&self.workspace.state).profiles.external_ids(attribute, has)
    }

    /// External ids of the profiles that are subscribed to the group.
    pub fn subscribers(&self, group: &str) -> BTreeSet<String> {
        lock(&self.workspace.state).profiles.external_ids_in_group(group, "subscribed")
    }

    /// The attributes of the profile with this external id.
    pub fn profile(&self, external_id: &str) -> Option<Value> {
        lock(&self.workspace.state).profiles.get(&Identity::External(external_id.to_owned()))
    }

    /// All profiles, those known by alias, email or phone only included, in the order they were made.
    pub fn profiles(&self) -> Vec<Value> {
        lock(&self.workspace.state).profiles.list()
    }

    /// Moves the counter of seconds that windows are measured with.
    pub fn set_now(&self, now_s: u64) {
        lock(&self.workspace.state).now_s = now_s;
    }

    /// Begins or ends maintenance: meanwhile requests are answered 202 "queued"
    /// and take effect when it ends.
    pub fn set_maintenance(&self, on: bool) {
        let mut state = lock(&self.workspace.state);
        if on {
            state.queue.get_or_insert_default();
        } else {
            for update in state.queue.take().unwrap_or_default() {
                state.profiles.apply(update, self.workspace.config.array_elements_max);
            }
        }
    }
}

impl Service for Workspace {
    fn answer(&self, request: &Recorded) -> Reply {
        if let Some(refusal) = self.refuse_key(request) {
            return refusal;
        }
        if request.path == "/custom_attributes" && request.method == "GET" {
            return match self.config.reads_attributes {
                true => attributes::page(request, &self.config.attributes),
                false => message(401, KEY_INVALID),
            };
        }
        if request.path != "/users/track" || request.method != "POST" {
            return message(404, "no such endpoint");
        }
        let headers = match self.refuse_pace() {
            Ok(headers) => headers,
            Err(refusal) => return refusal,
        };
        let reply = match track::read(request, &self.config) {
            Ok(batch) => self.take(batch),
            Err(refusal) => refusal,
        };
        headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}

impl Workspace {
    /// Braze, "Errors & Responses": 401, 403 and 404 by the state of the key.
    fn refuse_key(&self, request: &Recorded) -> Option<Reply> {
        let Some(key) = request.bearer() else { return Some(message(401, KEY_INVALID)) };
        if self.config.foreign_keys.contains(key) {
            return Some(message(404, KEY_UNKNOWN));
        }
        if key != self.config.api_key {
            return Some(message(401, KEY_INVALID));
        }
        self.config.inactive.then(|| message(403, "account or plan inactive"))
    }

    /// Counts the request; gives the headers of an answer in time, or the 429.
    ///
    /// Braze, "Rate limits": header names and which of them come with which plan.
    fn refuse_pace(&self) -> Result<Vec<(&'static str, String)>, Reply> {
        let mut state = lock(&self.state);
        let pace = self.config.pace.unwrap_or(Pace { requests: REQUESTS_PER_WINDOW, window_s: WINDOW_S });
        if self.config.pace.is_none() || state.now_s >= state.window_start_s.saturating_add(pace.window_s) {
            state.window_start_s = state.now_s;
            state.window_requests = 0;
        }
        let in_time = state.window_requests < pace.requests;
        state.window_requests += u64::from(in_time);
        let end_s = state.window_start_s.saturating_add(pace.window_s);
        let left_s = end_s.saturating_sub(state.now_s);
        let reset_s = if self.config.plan == Plan::Mau { left_s } else { end_s };
        let headers = vec![
            ("x-ratelimit-limit", pace.requests.to_string()),
            ("x-ratelimit-remaining", pace.requests.saturating_sub(state.window_requests).to_string()),
            ("x-ratelimit-reset", reset_s.to_string()),
        ];
        if in_time {
            return Ok(headers);
        }
        let late = message(429, "rate limit exceeded");
        Err(match self.config.plan {
            Plan::Mau => late.header("x-ratelimit-retry-after", &left_s.to_string()),
            Plan::Classic => headers.iter().fold(late, |reply, (name, value)| reply.header(name, value)),
        })
    }

    /// Applies or queues what is valid and answers.
    fn take(&self, batch: track::Batch) -> Reply {
        let mut state = lock(&self.state);
        let State { profiles, queue, .. } = &mut *state;
        match queue {
            // Braze, `POST /users/track`: during maintenance, 202 and processed later.
            Some(queue) => {
                queue.extend(batch.updates);
                json_reply(202, json!({"message": "queued"}))
            }
            None => {
                for update in batch.updates {
                    profiles.apply(update, self.config.array_elements_max);
                }
                json_reply(201, batch.answer)
            }
        }
    }
}

/// An answer that is only a message.
fn message(status: u16, text: &str) -> Reply {
    json_reply(status, json!({ "message": text }))
}

fn json_reply(status: u16, value: Value) -> Reply {
    Reply::json(status, &value)
}

#[cfg(test)]
mod tests;
