//! Requests about contacts: adding, searching, removing. All but the search only begin a job.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply};

use super::contact::{self, IDENTIFIERS};
use super::jobs::Work;
use super::{Account, State, complaint, error};

/// "Add or Update a Contact": contacts in one request.
const CONTACTS_MAX: usize = 30_000;

/// "Get Contacts by Identifiers": values in one search.
const SEARCH_MAX: usize = 100;

/// Words for types where an identifier is taken off.
const WORDS: [(&str, &str); 4] = [
    ("EMAIL", "email"),
    ("PHONENUMBERID", "phone_number_id"),
    ("EXTERNALID", "external_id"),
    ("ANONYMOUSID", "anonymous_id"),
];

impl Account {
    /// `PUT /v3/marketing/contacts`.
    pub(super) fn upsert(&self, state: &mut State, request: &Recorded) -> Reply {
        let body = request.json();
        let Some(body) = body.as_ref().and_then(Value::as_object) else {
            return error(400, "the body must be a JSON object", Value::Null);
        };
        let contacts = body.get("contacts").and_then(Value::as_array);
        let Some(contacts) = contacts.filter(|contacts| (1..=CONTACTS_MAX).contains(&contacts.len())) else {
            return error(400, "contacts must have 1 to 30000 entries", "contacts".into());
        };
        let lists = match list_ids(body) {
            Some(lists) => lists,
            None => return error(400, "list_ids must be a list of strings", "list_ids".into()),
        };
        // "Add or Update a Contact": a list must exist.
        if lists.iter().any(|id| !state.has_list(id)) {
            return error(404, "list not found", "list_ids".into());
        }
        let wrong = contacts.iter().enumerate().filter_map(|(at, contact)| contact::check(at, contact).err());
        let wrong: Vec<Value> = wrong.map(|(message, field)| json!({ "message": message, "field": field })).collect();
        // One bad contact refuses the whole request.
        if !wrong.is_empty() {
            return Reply::json(400, &json!({ "errors": wrong }));
        }
        let contacts: Vec<Map<String, Value>> = contacts.iter().filter_map(Value::as_object).cloned().collect();
        // "Using Custom Fields": by id, and only those that exist; names are refused.
        let unknown = state.unknown_fields(&contacts);
        if !unknown.is_empty() {
            let ids: Vec<String> = unknown.into_iter().collect();
            return error(400, &format!("invalid custom field ids supplied - {}", ids.join(",")), "".into());
        }
        self.begin(state, Work::Upsert { lists, contacts })
    }

    /// `DELETE /v3/marketing/contacts?ids=`.
    pub(super) fn delete_contacts(&self, state: &mut State, request: &Recorded) -> Reply {
        // Deleting all contacts is never asked for by a destination, so it is refused here.
        let ids = match (request.parameter("ids"), request.parameter("delete_all_contacts")) {
            (Some(ids), None) if !ids.is_empty() => ids.split(',').map(str::to_owned).collect(),
            _ => return error(400, "ids is required", "ids".into()),
        };
        self.begin(state, Work::Delete { ids })
    }

    /// `DELETE /v3/marketing/lists/{id}/contacts?contact_ids=`.
    pub(super) fn leave(&self, state: &mut State, list: &str, request: &Recorded) -> Reply {
        let Some(ids) = request.parameter("contact_ids").filter(|ids| !ids.is_empty()) else {
            return error(400, "contact_ids is required", "contact_ids".into());
        };
        let ids: Vec<String> = ids.split(',').map(str::to_owned).collect();
        // "Remove Contacts from a List": 404 where the list or one of the contacts does not exist.
        if !state.has_list(list) || ids.iter().any(|id| !state.contacts.has(id)) {
            return error(404, "list or contact not found", Value::Null);
        }
        self.begin(state, Work::Leave { list: list.to_owned(), ids })
    }

    /// `DELETE /v3/marketing/contacts/{id}/identifiers`.
    pub(super) fn detach(&self, state: &mut State, id: &str, request: &Recorded) -> Reply {
        let body = request.json().unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let kind = WORDS.iter().find(|(word, _)| text("identifier_type") == Some(word)).map(|(_, kind)| *kind);
        let (Some(kind), Some(value)) = (kind, text("identifier_value")) else {
            return error(400, "identifier_type and identifier_value are required", Value::Null);
        };
        if !state.contacts.has(id) {
            return error(404, "contact not found", Value::Null);
        }
        let value = if kind == "email" { value.to_lowercase() } else { value.to_owned() };
        self.begin(state, Work::Detach { id: id.to_owned(), kind, value })
    }
}

impl State {
    /// `POST /v3/marketing/contacts/search/identifiers/{type}`, whose errors are a bare complaint.
    pub(super) fn search(&self, kind: &str, request: &Recorded) -> Reply {
        let refused = |status, message: &str, field: Value| Reply::json(status, &complaint(message, field));
        if !IDENTIFIERS.contains(&kind) {
            return refused(404, "not found", Value::Null);
        }
        let body = request.json().unwrap_or_default();
        // The description has objects with the type's name, examples have plain texts.
        let one = |value: &Value| value.as_str().or_else(|| value.get(kind)?.as_str()).map(str::to_owned);
        let values: Option<Vec<String>> =
            body.get("identifiers").and_then(Value::as_array).and_then(|list| list.iter().map(one).collect());
        let Some(values) = values.filter(|values| (1..=SEARCH_MAX).contains(&values.len())) else {
            return refused(400, "identifiers must have 1 to 100 entries", "identifiers".into());
        };
        // "Get Contacts by Identifiers": 400 if any value is invalid.
        if values.iter().any(|value| !contact::is_identifier(kind, value)) {
            return refused(400, "an identifier is not valid", "identifiers".into());
        }
        match self.found(kind, &values) {
            Some(result) => Reply::json(200, &json!({ "result": result })),
            // "Get Contacts by Identifiers": 404 if nobody is found.
            None => refused(404, "no contacts found", Value::Null),
        }
    }

    /// `POST /v3/marketing/contacts/search/emails`: alternate addresses count, answers are in lower case.
    pub(super) fn search_emails(&self, request: &Recorded) -> Reply {
        let body = request.json().unwrap_or_default();
        let one = |value: &Value| value.as_str().map(str::to_lowercase);
        let values: Option<Vec<String>> =
            body.get("emails").and_then(Value::as_array).and_then(|list| list.iter().map(one).collect());
        let Some(mut values) = values.filter(|values| (1..=SEARCH_MAX).contains(&values.len())) else {
            return error(400, "emails must have 1 to 100 entries", "emails".into());
        };
        values.retain(|value| !value.is_empty());
        if values.iter().any(|value| !contact::is_identifier("email", value)) {
            return error(400, "an address is not valid", "emails".into());
        }
        match self.found("email", &values) {
            Some(result) => Reply::json(200, &json!({ "result": result })),
            None => error(404, "no contacts found", Value::Null),
        }
    }

    /// `GET /v3/marketing/contacts/{id}`.
    pub(super) fn show_contact(&self, id: &str) -> Reply {
        match self.contacts.get(id) {
            Some(contact) => Reply::json(200, &contact.answered(id)),
            None => error(404, "contact not found", Value::Null),
        }
    }

    /// An entry for each value, if it is somebody's at all.
    fn found(&self, kind: &str, values: &[String]) -> Option<Map<String, Value>> {
        let (mut result, mut any) = (Map::new(), false);
        for value in values {
            let stored = if kind == "email" { value.to_lowercase() } else { value.clone() };
            let found = self.contacts.find(kind, &stored);
            any |= found.is_some();
            let entry = match found {
                Some((id, contact)) => json!({ "contact": contact.answered(id) }),
                None => json!({ "error": "contact not found" }),
            };
            result.insert(value.clone(), entry);
        }
        any.then_some(result)
    }

    /// Ids of custom fields in these contacts that the account does not have.
    fn unknown_fields(&self, contacts: &[Map<String, Value>]) -> BTreeSet<String> {
        let customs = contacts.iter().filter_map(|contact| contact.get("custom_fields")).filter_map(Value::as_object);
        let ids = customs.flat_map(Map::keys);
        ids.filter(|id| !self.fields.iter().any(|field| field.id == **id)).cloned().collect()
    }
}

/// The lists that a request names; none are fine.
fn list_ids(body: &Map<String, Value>) -> Option<Vec<String>> {
    match body.get("list_ids") {
        None => Some(Vec::new()),
        Some(lists) => lists.as_array()?.iter().map(|id| id.as_str().map(str::to_owned)).collect(),
    }
}
