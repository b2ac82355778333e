//! Where requests go.
//!
//! Pages "Contacts", "Lists" and "Custom Fields" of SendGrid's Marketing Campaigns API. The key is a bearer token,
//! which the host adds; `accept` is always there, because SendGrid answers 406 without it.

mod url;

use enroute_sdk::{Method, Request, SlotPlace, SlotValue, json};

use crate::mapping::identity::{Id, Kind};
use crate::mapping::remote::LIST_ID;
use crate::settings::{RemoveMode, Settings};

pub(crate) use url::file;

/// Contacts that are added or updated.
pub(crate) const UPSERT: &str = "upsert";
/// The same for members who were known by other identifiers before.
pub(crate) const MOVE: &str = "move";
/// Contacts that leave the list.
pub(crate) const REMOVE: &str = "remove";

/// The bucket of imports.
pub(crate) const CONTACTS: &str = "contacts";
/// The bucket of everything else.
pub(crate) const REQUESTS: &str = "requests";

/// After the last contact of a body.
pub(crate) const UPSERT_SUFFIX: &str = "]}";

/// What the query item with the ids of contacts is filled from.
pub(crate) const CONTACT_IDS: &str = "contact_ids";

/// Lists on a page: the most that SendGrid gives.
const PAGE_SIZE: &str = "1000";

/// Before the first contact of a body: the list, whose id may not be known yet.
pub(crate) fn upsert_prefix(settings: &Settings) -> Vec<u8> {
    let mut prefix = b"{\"list_ids\":[".to_vec();
    json::write_str(&mut prefix, settings.list_id.as_deref().unwrap_or_default());
    prefix.extend_from_slice(b"],\"contacts\":[");
    prefix
}

/// Adds or updates contacts, and puts them on the list.
pub(crate) fn upsert(settings: &Settings, body: Vec<u8>) -> Request {
    let request = with_body(start(settings, Method::Put, &["contacts"]), body);
    match settings.list_id {
        Some(_) => request,
        None => request.remote_body("/list_ids/0", LIST_ID),
    }
}

/// Takes contacts off the list, or deletes them; which ones is known when their ids were looked up.
pub(crate) fn remove(settings: &Settings) -> Request {
    let learned = |item: &str| (SlotPlace::Query(item.to_owned()), SlotValue::Learned(CONTACT_IDS.to_owned()));
    if settings.remove_mode == RemoveMode::DeleteContact {
        let (place, value) = learned("ids");
        return accepting(start(settings, Method::Delete, &["contacts"])).query("ids", "").slot(place, value);
    }
    let list = settings.list_id.as_deref().unwrap_or_default();
    let request = accepting(start(settings, Method::Delete, &["lists", list, "contacts"]));
    let (place, value) = learned("contact_ids");
    let request = request.query("contact_ids", "").slot(place, value);
    match settings.list_id {
        Some(_) => request,
        None => request.remote_segment(3, LIST_ID),
    }
}

/// Takes contacts off the list whose ids are known.
pub(crate) fn leave(settings: &Settings, list_id: &str, contact_ids: &str) -> Request {
    accepting(start(settings, Method::Delete, &["lists", list_id, "contacts"])).query("contact_ids", contact_ids)
}

/// Takes one identifier off a contact.
pub(crate) fn detach(settings: &Settings, contact_id: &str, (kind, value): &Id<'_>) -> Request {
    let mut body = Vec::new();
    body.extend_from_slice(b"{\"identifier_type\":");
    json::write_str(&mut body, kind.word());
    body.extend_from_slice(b",\"identifier_value\":");
    json::write_str(&mut body, value);
    body.push(b'}');
    with_body(start(settings, Method::Delete, &["contacts", contact_id, "identifiers"]), body)
}

/// Finds contacts by one type of identifier, at most 100 at a time.
pub(crate) fn search(settings: &Settings, kind: Kind, values: &[&str]) -> Request {
    let mut body = b"{\"identifiers\":[".to_vec();
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        json::write_str(&mut body, value);
    }
    body.extend_from_slice(b"]}");
    with_body(start(settings, Method::Post, &["contacts", "search", "identifiers", kind.field()]), body)
}

/// Asks how a job stands.
pub(crate) fn job(settings: &Settings, id: &str) -> Request {
    accepting(start(settings, Method::Get, &["contacts", "imports", id]))
}

/// Reads the custom fields.
pub(crate) fn definitions(settings: &Settings) -> Request {
    accepting(start(settings, Method::Get, &["field_definitions"]))
}

/// Reads a page of lists.
pub(crate) fn lists(settings: &Settings, page_token: Option<&str>) -> Request {
    let request = accepting(start(settings, Method::Get, &["lists"])).query("page_size", PAGE_SIZE);
    match page_token {
        Some(token) => request.query("page_token", token),
        None => request,
    }
}

/// Reads a list.
pub(crate) fn list(settings: &Settings, id: &str) -> Request {
    accepting(start(settings, Method::Get, &["lists", id]))
}

/// Creates a list.
pub(crate) fn create_list(settings: &Settings, name: &str) -> Request {
    let mut body = b"{\"name\":".to_vec();
    json::write_str(&mut body, name);
    body.push(b'}');
    with_body(start(settings, Method::Post, &["lists"]), body)
}

/// Reads the rights of the key.
pub(crate) fn scopes(settings: &Settings) -> Request {
    accepting(behalf(settings, Request::get(&settings.base_url).path(["v3", "scopes"])))
}

/// The token of the next page, from the address that a page gives for it.
pub(crate) fn page_token(next: &str) -> Option<String> {
    let items = url::query(next.split_once('?')?.1);
    items.into_iter().find(|(name, token)| name == "page_token" && !token.is_empty()).map(|(_, token)| token)
}

fn start(settings: &Settings, method: Method, path: &[&str]) -> Request {
    let path = ["v3", "marketing"].iter().chain(path).copied();
    behalf(settings, Request::new(method, &settings.base_url).path(path))
}

fn behalf(settings: &Settings, request: Request) -> Request {
    match &settings.on_behalf_of {
        Some(subuser) => request.header("on-behalf-of", subuser),
        None => request,
    }
}

fn accepting(request: Request) -> Request {
    request.header("accept", "application/json")
}

fn with_body(request: Request, body: Vec<u8>) -> Request {
    request.json(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_its_token() {
        let next = "https://api.sendgrid.com/v3/marketing/lists?page_size=1000&page_token=a%2Bb";
        assert_eq!(page_token(next).as_deref(), Some("a+b"));
        assert_eq!(page_token("https://api.sendgrid.com/v3/marketing/lists?page_token="), None);
        assert_eq!(page_token("https://api.sendgrid.com/v3/marketing/lists"), None);
    }

    #[test]
    fn an_apostrophe_needs_no_quoting() {
        let settings: Settings = serde_json::from_str(r#"{"base_url": "https://api.sendgrid.com"}"#).expect("settings");
        let request = search(&settings, Kind::Email, &["o'brien@example.com"]);
        assert_eq!(request.body, br#"{"identifiers":["o'brien@example.com"]}"#);
    }
}
