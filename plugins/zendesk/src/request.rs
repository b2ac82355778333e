//! Where requests go.
//!
//! Zendesk's "Users", "User Fields", "User Identities" and "Job Statuses" pages: JSON below `/api/v2`. Addresses in
//! answers are never followed: every path is made here from an id.

use enroute_sdk::{Request, SlotPlace, SlotValue, json};

use crate::settings::Settings;

/// Many users at once, created or updated by a job.
pub(crate) const UPSERT_MANY: &str = "upsert_many";
/// One user, created or updated at once.
pub(crate) const UPSERT_ONE: &str = "upsert_one";
/// The same change for many users who exist, by a job.
pub(crate) const UPDATE_MANY: &str = "update_many";
/// Users who exist, one by one.
pub(crate) const UPDATE_EACH: &str = "update_each";

/// Before the first user of a body with many.
pub(crate) const PREFIX: &[u8] = b"{\"users\":[";
/// After the last one.
pub(crate) const SUFFIX: &[u8] = b"]}";

/// The last path segment of an upsert of one user.
pub(crate) const UPSERT_PATH: &str = "create_or_update";

/// What the id of a user is called that is found before a request leaves.
pub(crate) const LEARNED_ID: &str = "id";

/// Segments before the id in the path of a user.
const ID_SEGMENT: u32 = 3;

/// Entries on a page of user fields or identities: the most that Zendesk gives.
const PAGE_ENTRIES: &str = "100";

fn path<'a>(rest: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    ["api", "v2"].into_iter().chain(rest).collect()
}

fn get<'a>(settings: &Settings, rest: impl IntoIterator<Item = &'a str>) -> Request {
    Request::get(&settings.origin()).path(path(rest)).header("accept", "application/json")
}

/// Asks who the credential is.
pub(crate) fn me(settings: &Settings) -> Request {
    get(settings, ["users", "me"])
}

/// A page of the user fields.
pub(crate) fn user_fields(settings: &Settings, after: Option<&str>) -> Request {
    let request = get(settings, ["user_fields"]).query("page[size]", PAGE_ENTRIES);
    match after {
        Some(cursor) => request.query("page[after]", cursor),
        None => request,
    }
}

/// Creates a user field.
pub(crate) fn create_field(settings: &Settings, key: &str, title: &str, kind: &str) -> Request {
    let mut body = b"{\"user_field\":{".to_vec();
    for (name, value) in [("key", key), ("title", title), ("type", kind)] {
        json::write_key(&mut body, name);
        json::write_str(&mut body, value);
    }
    body.extend_from_slice(b"}}");
    Request::post(&settings.origin()).path(path(["user_fields"])).json(body)
}

/// Creates or updates the users of a body.
pub(crate) fn upsert_many(settings: &Settings, body: Vec<u8>) -> Request {
    Request::post(&settings.origin()).path(path(["users", "create_or_update_many"])).json(body)
}

/// Creates or updates one user.
pub(crate) fn upsert_one(settings: &Settings, user: &[u8]) -> Request {
    Request::post(&settings.origin()).path(path(["users", UPSERT_PATH])).json(wrapped(user))
}

/// Makes the same change for all users with these external ids; creates nobody.
pub(crate) fn update_many(settings: &Settings, external_ids: &[&str], user: &[u8]) -> Request {
    let ids = external_ids.join(",");
    Request::put(&settings.origin()).path(path(["users", "update_many"])).query("external_ids", ids).json(wrapped(user))
}

/// Changes a user whose id is found before.
pub(crate) fn update_found(settings: &Settings, user: &[u8]) -> Request {
    let request = Request::put(&settings.origin()).path(path(["users", ""]));
    request.json(wrapped(user)).slot(SlotPlace::PathSegment(ID_SEGMENT), SlotValue::Learned(LEARNED_ID.to_owned()))
}

/// Adds a tag to a user whose id is found before, or takes it away. Other tags stay.
pub(crate) fn tag_found(settings: &Settings, tag: &str, joins: bool) -> Request {
    let request = if joins { Request::put(&settings.origin()) } else { Request::delete(&settings.origin()) };
    let request = request.path(path(["users", "", "tags"])).json(tags(tag));
    request.slot(SlotPlace::PathSegment(ID_SEGMENT), SlotValue::Learned(LEARNED_ID.to_owned()))
}

/// Adds a tag to a user with this id.
pub(crate) fn tag(settings: &Settings, id: &str, tag: &str) -> Request {
    Request::put(&settings.origin()).path(path(["users", id, "tags"])).json(tags(tag))
}

/// Looks for users by external id, at most a hundred.
pub(crate) fn find_many(settings: &Settings, external_ids: &[&str]) -> Request {
    get(settings, ["users", "show_many"]).query("external_ids", external_ids.join(","))
}

/// Looks for users by one external id, also where it has a comma.
pub(crate) fn find_external(settings: &Settings, external_id: &str) -> Request {
    get(settings, ["users", "search"]).query("external_id", external_id)
}

/// Looks for users in whose record the address stands; what is found must be compared.
pub(crate) fn find_email(settings: &Settings, email: &str) -> Request {
    get(settings, ["users", "search"]).query("query", email)
}

/// The addresses and numbers of a user.
pub(crate) fn identities(settings: &Settings, user: &str) -> Request {
    get(settings, ["users", user, "identities"]).query("page[size]", PAGE_ENTRIES)
}

/// Makes one of them the first.
pub(crate) fn make_primary(settings: &Settings, user: &str, identity: &str) -> Request {
    Request::put(&settings.origin())
        .path(path(["users", user, "identities", identity, "make_primary"]))
        .json(b"{}".to_vec())
}

/// Asks how far jobs are.
pub(crate) fn jobs(settings: &Settings, ids: &[&str]) -> Request {
    get(settings, ["job_statuses", "show_many"]).query("ids", ids.join(","))
}

fn wrapped(user: &[u8]) -> Vec<u8> {
    [b"{\"user\":", user, b"}"].concat()
}

fn tags(tag: &str) -> Vec<u8> {
    let mut body = b"{\"tags\":[".to_vec();
    json::write_str(&mut body, tag);
    body.extend_from_slice(b"]}");
    body
}
