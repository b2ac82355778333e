//! Looking for users who must exist already.
//!
//! The page "Search Users": a search by text finds too much, so an address counts only where it is the user's own,
//! letter for letter. Where several users fit, nobody is chosen.

use enroute_sdk::{Answer, Context, Http, Reading, Request, Verdict};
use serde_json::Value;

use super::{classify, id_text};
use crate::mapping::identity::{Target, same};
use crate::request::{find_email, find_external, find_many};
use crate::settings::Settings;

/// External ids in one look-up.
const IDS_MAX: usize = 100;
/// Bytes of external ids in one look-up, so that the URL stays below what servers take.
const IDS_BYTES_MAX: usize = 2_400;

/// Who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The user with this id.
    One(String),
    /// Nobody.
    Nobody,
    /// Several, none of whom is chosen.
    Several,
}

/// A user as look-ups tell of it.
struct User {
    id: String,
    external_id: Option<String>,
    email: Option<String>,
}

/// Looks for all targets; the answer keeps their order. Where a look-up is not answered well, what that means.
pub(super) fn find(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    targets: &[&Target<'_>],
) -> Result<Vec<Found>, Box<Reading>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let requests = requests(ctx.settings(), targets);
    let mut users = Vec::new();
    for answer in http.send_all("find", &requests) {
        users.extend(read(&answer.map_err(|failure| Box::new(Reading::unanswered(failure)))?)?);
    }
    Ok(targets.iter().map(|target| pick(target, &users)).collect())
}

fn requests(settings: &Settings, targets: &[&Target<'_>]) -> Vec<Request> {
    let mut requests = Vec::new();
    let (mut ids, mut bytes): (Vec<&str>, usize) = (Vec::new(), 0);
    for target in targets {
        match target.listable() {
            Some(id) => {
                if ids.len() >= IDS_MAX || bytes + id.len() > IDS_BYTES_MAX && !ids.is_empty() {
                    requests.push(find_many(settings, &ids));
                    (ids, bytes) = (Vec::new(), 0);
                }
                bytes += id.len() + 1;
                ids.push(id);
            }
            None => requests.push(match target {
                Target::External(id) => find_external(settings, id),
                Target::Email(email) => find_email(settings, email),
            }),
        }
    }
    if !ids.is_empty() {
        requests.push(find_many(settings, &ids));
    }
    requests
}

fn read(answer: &Answer) -> Result<Vec<User>, Box<Reading>> {
    if let Some(reading) = classify(answer) {
        return Err(Box::new(reading));
    }
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let body: Value = answer.json().unwrap_or_default();
    let Some(users) = body.get("users").and_then(Value::as_array).filter(|_| answer.is_success()) else {
        let why = format!("a look-up of users was answered with {} and no list", answer.status);
        return Err(Box::new(Reading::deferred(0).verdict(Verdict::Unavailable(why))));
    };
    let text = |user: &Value, name: &str| user.get(name).and_then(id_text);
    Ok(users
        .iter()
        .filter_map(|user| {
            Some(User { id: text(user, "id")?, external_id: text(user, "external_id"), email: text(user, "email") })
        })
        .collect())
}

fn pick(target: &Target<'_>, users: &[User]) -> Found {
    let fits = |user: &&User| match target {
        Target::External(id) => user.external_id.as_deref().is_some_and(|known| same(known, id)),
        Target::Email(email) => user.email.as_deref().is_some_and(|known| known.to_lowercase() == *email),
    };
    let mut ids: Vec<&str> = users.iter().filter(fits).map(|user| user.id.as_str()).collect();
    ids.dedup();
    match ids.as_slice() {
        [] => Found::Nobody,
        [id, rest @ ..] if rest.iter().all(|other| other == id) => Found::One((*id).to_owned()),
        _ => Found::Several,
    }
}
