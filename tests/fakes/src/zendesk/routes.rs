//! Which request does what.

use serde_json::{Map, Value, json};

use super::fields::Field;
use super::jobs::{self, Work};
use super::user::{CREATED_AT, Refusal, is_tag, url};
use super::{Config, Role, State, forbidden, not_an_endpoint, not_found};
use crate::server::{Recorded, Reply};

/// Zendesk, "Users": users in one request of many, and ids in one look-up.
const USERS_MAX: usize = 100;

/// Answers a request of somebody who is known.
pub(super) fn answer(request: &Recorded, path: &[&str], config: &Config, state: &mut State) -> Reply {
    if config.role == Role::EndUser {
        return forbidden();
    }
    let reads = request.method == "GET";
    // Zendesk, "Users": users are written by admins, and by agents whose role allows it.
    if !reads && config.role == Role::LightAgent {
        return forbidden();
    }
    match (request.method.as_str(), path) {
        ("GET", ["user_fields"]) => fields(request, config, state),
        ("POST", ["user_fields"]) => with_body(request, |body| create_field(body, config, state)),
        ("GET", ["users", "show_many"]) => show_many(request, state),
        ("GET", ["users", "search"]) => search(request, state),
        ("POST", ["users", "create_or_update"]) => with_body(request, |body| upsert(body, config, state)),
        ("POST", ["users", "create_or_update_many"]) => with_body(request, |body| upsert_many(body, config, state)),
        ("PUT", ["users", "update_many"]) => with_body(request, |body| update_many(request, body, config, state)),
        ("GET", ["job_statuses", "show_many"]) => {
            let asked = request.parameter("ids").unwrap_or_default();
            let known: Vec<Value> = asked.split(',').filter_map(|id| jobs::ask(state, id, config)).collect();
            Reply::json(200, &json!({"job_statuses": known, "count": known.len()}))
        }
        ("GET", ["job_statuses", id]) => {
            jobs::ask(state, id, config).map_or_else(not_found, |job| Reply::json(200, &json!({"job_status": job})))
        }
        (_, ["users", id, rest @ ..]) => match id.parse() {
            Ok(id) => one(request, id, rest, config, state),
            Err(_) => not_an_endpoint(),
        },
        _ => not_an_endpoint(),
    }
}

/// Requests about one user, by Zendesk's own id.
fn one(request: &Recorded, id: u64, rest: &[&str], config: &Config, state: &mut State) -> Reply {
    if state.users.by_id(id).is_none() {
        return not_found();
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => shown(state, id, 200),
        ("PUT", []) => with_body(request, |body| {
            let Some(said) = body.get("user").and_then(Value::as_object) else { return missing("user") };
            if let Some(refusal) = invalid_id(said, None).or_else(|| too_often(id, config, state)) {
                return refusal;
            }
            match state.users.update(id, said, &state.fields, config) {
                Some(Ok(())) => shown(state, id, 200),
                Some(Err(refusal)) => invalid(&refusal),
                None => not_found(),
            }
        }),
        // Zendesk, "Tags": PUT adds, POST replaces, DELETE takes away.
        ("PUT" | "POST" | "DELETE", ["tags"]) => with_body(request, |body| {
            let Some(tags) = body.get("tags").and_then(Value::as_array) else { return missing("tags") };
            if let Some(refusal) = too_often(id, config, state) {
                return refusal;
            }
            let Some(user) = state.users.by_id_mut(id) else { return not_found() };
            if request.method == "POST" {
                user.tags.clear();
            }
            for tag in tags.iter().filter_map(Value::as_str).filter(|tag| is_tag(tag)) {
                if request.method == "DELETE" {
                    user.tags.remove(tag);
                } else {
                    user.tags.insert(tag.to_owned());
                }
            }
            Reply::json(200, &json!({"tags": user.tags}))
        }),
        ("GET", ["identities"]) => Reply::json(200, &json!({"identities": identities(state, id)})),
        ("PUT", ["identities", place, "make_primary"]) => {
            let made = place.parse::<usize>().is_ok_and(|place| {
                state.users.by_id_mut(id).is_some_and(|user| user.make_primary(place.wrapping_sub(1)))
            });
            if made { Reply::json(200, &json!({"identities": identities(state, id)})) } else { not_found() }
        }
        _ => not_an_endpoint(),
    }
}

/// The addresses of a user; an identity's id is its place, from 1.
fn identities(state: &State, id: u64) -> Vec<Value> {
    let emails = state.users.by_id(id).map(|user| user.emails.as_slice()).unwrap_or_default();
    let one = |(place, email): (usize, &String)| {
        json!({
            "id": place, "url": url(&format!("users/{id}/identities/{place}")), "user_id": id, "type": "email",
            "value": email, "primary": place == 1, "verified": false, "deliverable_state": "deliverable",
            "created_at": CREATED_AT, "updated_at": CREATED_AT,
        })
    };
    (1..).zip(emails).map(one).collect()
}

/// Zendesk, "Pagination": cursors, at most 100 entries on a page.
fn fields(request: &Recorded, config: &Config, state: &State) -> Reply {
    let size = request.parameter("page[size]").and_then(|size| size.parse().ok()).unwrap_or(100_usize);
    let size = size.clamp(1, config.page_entries.clamp(1, 100));
    let start = request.parameter("page[after]").and_then(|cursor| cursor.strip_prefix("after-")?.parse().ok());
    let start: usize = start.unwrap_or_default();
    let shown = |(place, field): (usize, &Field)| field.to_json(place);
    let page: Vec<Value> = (1..).zip(&state.fields).skip(start).take(size).map(shown).collect();
    let has_more = start + page.len() < state.fields.len();
    let cursor = has_more.then(|| format!("after-{}", start + page.len()));
    Reply::json(200, &json!({"user_fields": page, "meta": {"has_more": has_more, "after_cursor": cursor}}))
}

/// Zendesk, "User Fields": only admins create fields.
fn create_field(body: &Value, config: &Config, state: &mut State) -> Reply {
    if config.role != Role::Admin {
        return forbidden();
    }
    let Some(asked) = body.get("user_field") else { return missing("user_field") };
    match Field::create(asked, &state.fields) {
        Ok(field) => {
            let reply = Reply::json(201, &json!({"user_field": field.to_json(state.fields.len() + 1)}));
            state.fields.push(field);
            reply
        }
        Err(refusal) => invalid(&refusal),
    }
}

fn show_many(request: &Recorded, state: &State) -> Reply {
    let (by_id, asked) = match (request.parameter("ids"), request.parameter("external_ids")) {
        (Some(ids), None) => (true, ids),
        (None, Some(ids)) => (false, ids),
        _ => return missing("ids or external_ids"),
    };
    let asked: Vec<&str> = asked.split(',').filter(|id| !id.is_empty()).collect();
    if asked.len() > USERS_MAX {
        return too_many();
    }
    let one = |id: &&str| {
        if by_id { id.parse().ok().and_then(|id| state.users.by_id(id)) } else { state.users.by_external_id(id) }
    };
    let users: Vec<Value> = asked.iter().filter_map(one).map(|user| user.to_json()).collect();
    Reply::json(200, &json!({"users": users, "count": users.len(), "next_page": null}))
}

fn search(request: &Recorded, state: &State) -> Reply {
    let users: Vec<Value> = match (request.parameter("external_id"), request.parameter("query")) {
        (Some(id), None) => state.users.by_external_id(id).map(|user| user.to_json()).into_iter().collect(),
        (None, Some(query)) => state.users.search(query),
        _ => return missing("query or external_id"),
    };
    Reply::json(200, &json!({"users": users, "count": users.len(), "next_page": null}))
}

/// Zendesk, "Users", "Create or update user": 201 where the user is new, 200 otherwise, and where it is.
fn upsert(body: &Value, config: &Config, state: &mut State) -> Reply {
    let Some(said) = body.get("user").and_then(Value::as_object) else { return missing("user") };
    if let Some(refusal) = invalid_id(said, None) {
        return refusal;
    }
    if let Some(refusal) = state.users.meant_id(said).and_then(|id| too_often(id, config, state)) {
        return refusal;
    }
    match state.users.upsert(&Value::Object(said.clone()), &state.fields, config) {
        Ok(written) => {
            let place = format!("/api/v2/users/{}.json", written.id);
            shown(state, written.id, if written.is_new { 201 } else { 200 }).header("location", &place)
        }
        Err(refusal) => invalid(&refusal),
    }
}

/// Zendesk, "Users", "Create or update many users": a job of at most 100, for accounts that may import data.
fn upsert_many(body: &Value, config: &Config, state: &mut State) -> Reply {
    if !config.data_imports {
        return forbidden();
    }
    let Some(users) = body.get("users").and_then(Value::as_array) else { return missing("users") };
    if users.len() > USERS_MAX {
        return too_many();
    }
    for (place, user) in users.iter().enumerate() {
        let Some(said) = user.as_object() else { return missing("users") };
        if let Some(refusal) = invalid_id(said, Some(place)) {
            return refusal;
        }
    }
    begin(Work::Upsert(users.clone()), config, state)
}

/// Zendesk, "Users", "Update many users": the same for all who are named in the query, or what each entry says.
fn update_many(request: &Recorded, body: &Value, config: &Config, state: &mut State) -> Reply {
    if !config.data_imports {
        return forbidden();
    }
    let named = request.parameter("external_ids").map(|ids| (false, ids));
    let work: Vec<(u64, Map<String, Value>)> = match named.or(request.parameter("ids").map(|ids| (true, ids))) {
        Some((by_id, ids)) => {
            let Some(said) = body.get("user").and_then(Value::as_object) else { return missing("user") };
            let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
            if ids.len() > USERS_MAX {
                return too_many();
            }
            let id = |id: &&str| {
                if by_id { id.parse().ok() } else { state.users.by_external_id(id).map(|user| user.id) }
            };
            ids.iter().filter_map(id).map(|id| (id, said.clone())).collect()
        }
        None => {
            let Some(users) = body.get("users").and_then(Value::as_array) else { return missing("users") };
            if users.len() > USERS_MAX {
                return too_many();
            }
            let one = |user: &Value| Some((user.get("id")?.as_u64()?, user.as_object()?.clone()));
            users.iter().filter_map(one).collect()
        }
    };
    begin(Work::Update(work), config, state)
}

fn begin(work: Work, config: &Config, state: &mut State) -> Reply {
    match state.jobs.begin(work, config) {
        Some(job) => Reply::json(200, &json!({"job_status": job})),
        None => {
            let description = "Too many jobs are queued or running for this account";
            Reply::json(429, &json!({"error": "TooManyJobs", "description": description}))
        }
    }
}

/// Zendesk, "Rate limits": 5 updates a minute of one and the same user, told in plain text.
fn too_often(id: u64, config: &Config, state: &mut State) -> Option<Reply> {
    let limit = config.updates_per_user?;
    let updates = state.updates_this_minute.entry(id).or_default();
    *updates += 1;
    (*updates > limit).then(|| {
        let text = "You have exceeded the rate limit for updating a single unique user. Please try again later.";
        Reply::text(429, text).header("retry-after", "27")
    })
}

fn shown(state: &State, id: u64, status: u16) -> Reply {
    state.users.by_id(id).map_or_else(not_found, |user| Reply::json(status, &json!({"user": user.to_json()})))
}

/// Zendesk, "Responses": a body is JSON and says so.
fn with_body(request: &Recorded, answer: impl FnOnce(&Value) -> Reply) -> Reply {
    match request.json().filter(|_| request.declares_json()) {
        Some(body) => answer(&body),
        None => {
            let message = "The syntax of the body is not that of its content type";
            Reply::json(422, &json!({"error": "Unprocessable Entity", "message": message}))
        }
    }
}

fn invalid(refusal: &Refusal) -> Reply {
    Reply::json(422, &refusal.to_json())
}

/// A 400 for an `id` of null, which names its place where there are many.
fn invalid_id(said: &Map<String, Value>, place: Option<usize>) -> Option<Reply> {
    (said.get("id") == Some(&Value::Null)).then(|| {
        let path = place.map_or_else(|| "user.id".to_owned(), |place| format!("users.{place}.id"));
        let message = format!("You passed an invalid value for the {path} attribute. Must be an integer");
        Reply::json(400, &json!({"error": {"title": "Invalid attribute", "message": message}}))
    })
}

fn too_many() -> Reply {
    let description = format!("Maximum {USERS_MAX} users may be created per call");
    Reply::json(400, &json!({"error": "TooManyValues", "description": description}))
}

fn missing(what: &str) -> Reply {
    Reply::json(400, &json!({"error": "RequiredParameterMissing", "description": format!("{what} is missing")}))
}
