//! A strict fake of one Iterable project: its users, its fields and its lists.
//!
//! Owns the project and answers for it. What a request may look like is decided
//! in `shape`, what a field may hold in `fields`, and what happens to a user in
//! `users`. There is no clock here: a pace is scripted with faults.

mod fields;
mod lists;
mod shape;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Recorded, Reply, Server, Service, decode, lock};

use fields::Fields;
pub use lists::List;
use lists::Lists;
use shape::{Call, Person};
use users::{Failures, Users};

/// A running fake of one Iterable project.
#[derive(Debug)]
pub struct Iterable {
    server: Server,
    project: Arc<Project>,
}

/// What makes a user unique; Iterable, "Project Types and Unique Identifiers".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectType {
    /// The email; several users may share a user id.
    #[default]
    Email,
    /// The user id; several users may share an email.
    UserId,
    /// Both, at least one of which is there.
    Hybrid,
}

/// How the project is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one server-side key that is accepted.
    pub api_key: String,
    /// Keys that are disabled, or of a type without the right: 401 that says so.
    pub weak_keys: BTreeSet<String>,
    /// What makes a user unique.
    pub project_type: ProjectType,
    /// Whether unknown fields are created where a request does not say.
    pub creates_fields: bool,
    /// Fields there are from the beginning, with their types.
    pub fields: BTreeMap<String, String>,
    /// User fields that the project may have.
    pub fields_max: usize,
    /// Whether a field of type `double` takes a number without fraction.
    pub doubles_take_integers: bool,
    /// Lists there are from the beginning; their ids count from 1.
    pub lists: Vec<List>,
    /// Emails and user ids of people who were forgotten on request.
    pub forgotten: BTreeSet<String>,
    /// Emails and user ids whose failures are counted and not named.
    pub unnamed: BTreeSet<String>,
    /// Emails and user ids that always fail as `invalidData`.
    pub invalid_data: BTreeSet<String>,
    /// Whether emails in answers are written in capitals.
    pub shouts: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_key: "fake-iterable-key".to_owned(),
            weak_keys: BTreeSet::new(),
            project_type: ProjectType::Email,
            creates_fields: true,
            fields: BTreeMap::new(),
            fields_max: 1_000,
            doubles_take_integers: false,
            lists: Vec::new(),
            forgotten: BTreeSet::new(),
            unnamed: BTreeSet::new(),
            invalid_data: BTreeSet::new(),
            shouts: false,
        }
    }
}

/// What the server and the handle both see.
#[derive(Debug)]
struct Project {
    config: Config,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    users: Users,
    fields: Fields,
    lists: Lists,
}

impl Iterable {
    /// Starts a project on a free port; there are no users in it.
    pub async fn start(config: Config) -> io::Result<Self> {
        let state = State {
            users: Users::default(),
            fields: Fields::new(&config.fields),
            lists: Lists::new(config.lists.clone()),
        };
        let project = Arc::new(Project { config, state: Mutex::new(state) });
        let server = Server::start(project.clone()).await?;
        Ok(Self { server, project })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Those for whom the field is `true`: the user id, or the email of users without one.
    pub fn members(&self, field: &str) -> BTreeSet<String> {
        lock(&self.project.state).users.names(|user| user.fields.get(field) == Some(&Value::Bool(true)))
    }

    /// Those on the static list of this name, named as by [`members`](Self::members).
    pub fn subscribers(&self, list: &str) -> BTreeSet<String> {
        let state = lock(&self.project.state);
        let ids = state.lists.named(list);
        state.users.names(|user| user.lists.iter().any(|id| ids.contains(id)))
    }

    /// Those who were unsubscribed from a whole channel, named as by [`members`](Self::members).
    pub fn channel_unsubscribed(&self) -> BTreeSet<String> {
        lock(&self.project.state).users.names(|user| user.channel_unsubscribed)
    }

    /// The user with this email or user id.
    pub fn user(&self, email_or_id: &str) -> Option<Value> {
        lock(&self.project.state).users.find(email_or_id).map(users::User::to_json)
    }

    /// All users, in the order they were made.
    pub fn users(&self) -> Vec<Value> {
        lock(&self.project.state).users.list()
    }

    /// The fields of the project with their types.
    pub fn fields(&self) -> BTreeMap<String, String> {
        lock(&self.project.state).fields.types()
    }

    /// The lists with their ids.
    pub fn lists(&self) -> Vec<(u64, List)> {
        lock(&self.project.state).lists.list()
    }

    /// Takes a list away; its id is invalid from then on.
    pub fn delete_list(&self, id: u64) {
        lock(&self.project.state).lists.delete(id);
    }
}

impl Service for Project {
    fn answer(&self, request: &Recorded) -> Reply {
        if let Some(refusal) = self.refuse_key(request) {
            return refusal;
        }
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), path.as_slice()) {
            ("POST", ["api", "users", "bulkUpdate"]) => self.people(request, Call::BulkUpdate),
            ("POST", ["api", "lists", "subscribe"]) => self.people(request, Call::Subscribe),
            ("POST", ["api", "lists", "unsubscribe"]) => self.people(request, Call::Unsubscribe),
            ("GET", ["api", "users", "getFields"]) => {
                Reply::json(200, &json!({ "fields": lock(&self.state).fields.types() }))
            }
            ("GET", ["api", "lists"]) => Reply::json(200, &lock(&self.state).lists.to_json()),
            ("POST", ["api", "lists"]) => self.create_list(request),
            ("DELETE", ["api", "lists", id]) => self.remove_list(id),
            ("GET", ["api", "lists", "getUsers"]) => self.list_users(request.parameter("listId").unwrap_or_default()),
            ("GET", ["api", "lists", id, "size"]) => self.list_size(id),
            ("GET", ["api", "channels"]) => Reply::json(200, &json!({ "channels": [] })),
            ("GET", ["api", "users", "getByEmail"]) => self.one(request.parameter("email")),
            ("GET", ["api", "users", "byUserId"]) => self.one(request.parameter("userId")),
            ("GET", ["api", "users", "byUserId", id]) => self.one(Some(&decode(&id.replace('+', "%2B")))),
            ("GET", ["api", "users", email]) => self.one(Some(&decode(&email.replace('+', "%2B")))),
            _ => refused(404, "NotFound", "no such endpoint"),
        }
    }
}

impl Project {
    /// Iterable, "API Overview": the key stands in the header `Api-Key`, never in the query; 401 says what is wrong with it.
    fn refuse_key(&self, request: &Recorded) -> Option<Reply> {
        match request.header("api-key") {
            Some(key) if key == self.config.api_key => None,
            Some(key) if self.config.weak_keys.contains(key) => {
                Some(refused(401, "BadApiKey", "Disabled API key or insufficient privileges"))
            }
            _ => Some(refused(401, "BadApiKey", "Invalid API key")),
        }
    }

    /// The three calls that are about people.
    fn people(&self, request: &Recorded, call: Call) -> Reply {
        let batch = match shape::read(request, call) {
            Ok(batch) => batch,
            Err(refusal) => return refusal,
        };
        let mut state = lock(&self.state);
        // Iterable, "API Response Codes": `error.lists.invalidListId`. Iterable, `POST /api/lists/subscribe`: Dynamic, Suppression and Internal lists cannot be used.
        if let Some(list) = batch.list
            && !state.lists.is_static(list)
        {
            return refused(400, "BadParams", "error.lists.invalidListId");
        }
        match state.apply(&self.config, &batch) {
            Ok(answer) => Reply::json(200, &answer),
            Err(refusal) => refusal,
        }
    }

    /// Iterable, "Lists" of the API reference: `POST /api/lists {name, description?}` → `{"listId": n}`; a second list of the name is no error.
    fn create_list(&self, request: &Recorded) -> Reply {
        match shape::new_list(request) {
            Ok(name) => Reply::json(200, &json!({ "listId": lock(&self.state).lists.create(&name) })),
            Err(refusal) => refusal,
        }
    }

    /// Iterable, "Lists" of the API reference: `DELETE /api/lists/{listId}`.
    fn remove_list(&self, id: &str) -> Reply {
        let mut state = lock(&self.state);
        let Some(id) = state.lists.parse(id) else { return refused(404, "NotFound", "no such list") };
        state.lists.delete(id);
        Reply::json(200, &json!({ "code": "Success", "msg": "", "params": null }))
    }

    /// Iterable, "Lists" of the API reference: one line for each user.
    fn list_users(&self, id: &str) -> Reply {
        let state = lock(&self.state);
        let Some(id) = state.lists.parse(id) else { return refused(400, "BadParams", "error.lists.invalidListId") };
        let lines: Vec<String> = state.users.names(|user| user.lists.contains(&id)).into_iter().collect();
        Reply::text(200, &lines.join("\n"))
    }

    /// Iterable, "Lists" of the API reference: the number as text.
    fn list_size(&self, id: &str) -> Reply {
        let state = lock(&self.state);
        let Some(id) = state.lists.parse(id) else { return refused(404, "NotFound", "no such list") };
        Reply::text(200, &state.users.names(|user| user.lists.contains(&id)).len().to_string())
    }

    /// Iterable, "Lists" of the API reference: an unknown user is 200 with `{}`.
    fn one(&self, email_or_id: Option<&str>) -> Reply {
        let state = lock(&self.state);
        match email_or_id.and_then(|text| state.users.find(text)) {
            Some(user) => Reply::json(200, &json!({ "user": user.to_json() })),
            None => Reply::json(200, &json!({})),
        }
    }
}

impl State {
    /// Applies a request user by user; gives the answer, or the refusal of the whole, which then has no effect.
    fn apply(&mut self, config: &Config, batch: &shape::Batch) -> Result<Value, Reply> {
        let mut failures = Failures::default();
        let creates = batch.creates_fields.unwrap_or(config.creates_fields);
        let data = |person: &Person| person.data.clone();
        let news = self.fields.judge(config, batch.people.iter().filter_map(data), creates)?;
        for person in &batch.people {
            match self.users.place(config, batch, person) {
                Ok(place) => self.users.change(place, batch, person, &news.dropped),
                Err(failure) => failures.add(config, failure),
            }
        }
        self.fields.add(&news.created);
        let taken = batch.people.len().saturating_sub(failures.count);
        Ok(failures.answer(taken, &news))
    }
}

/// A refusal as Iterable writes it.
fn refused(status: u16, code: &str, msg: &str) -> Reply {
    Reply::json(status, &json!({ "code": code, "msg": msg, "params": null }))
}

#[cfg(test)]
mod tests;
