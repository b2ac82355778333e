//! A request as `plan` shows it: what leaves, with names in place of what the host fills in.
//!
//! Pure. Nothing here ever held a secret's value.

use enroute_core::request::{Item, Request, SEGMENT_EXTRA, SlotPlace, escape_into};

use crate::place::{Place, Placed};
use crate::rules::path_slot;

/// A request as it will leave, with `{remote:/id}` for slots and `{secret:api_key}` for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `POST`.
    pub method: &'static str,
    /// The whole URL, escaped but for what the host fills in.
    pub url: String,
    /// Headers in order, the host's own at the end. `Host` and the lengths are not among them.
    pub headers: Vec<Item>,
    /// What the host puts into the body: a JSON pointer or the name of a member or field, and what goes there.
    pub body: Vec<Item>,
    /// Why the request would be refused, where it would be.
    pub refused: Option<String>,
}

/// Shows a request with what the host adds.
pub(super) fn preview(request: &Request, agent: Item, credentials: &[Placed], refused: Option<String>) -> Preview {
    let mut url = request.origin.trim_end_matches('/').to_owned();
    for (index, text) in request.path.iter().enumerate() {
        url.push('/');
        match path_slot(request, index) {
            Some(slot) => url.push_str(&format!("{{{}}}", slot.value)),
            None => escape_into(&mut url, text, SEGMENT_EXTRA),
        }
    }
    if request.path.is_empty() {
        url.push('/');
    }
    let mut mark = '?';
    let mut push_query = |name: &str, value: Shown<'_>| {
        url.push(mark);
        mark = '&';
        escape_into(&mut url, name, b"");
        url.push('=');
        match value {
            Shown::Name(name) => url.push_str(name),
            Shown::Text(text) => escape_into(&mut url, text, b""),
        }
    };
    for item in &request.query {
        match slot_at(request, &SlotPlace::Query(item.name.clone())) {
            Some(value) => push_query(&item.name, Shown::Name(&value)),
            None => push_query(&item.name, Shown::Text(&item.value)),
        }
    }
    let mut headers = Vec::new();
    for item in &request.headers {
        let value = slot_at(request, &SlotPlace::Header(item.name.clone())).unwrap_or_else(|| item.value.clone());
        headers.push(Item { name: item.name.to_ascii_lowercase(), value });
    }
    if !headers.iter().any(|header| header.name == agent.name) {
        headers.push(agent);
    }
    let mut body = Vec::new();
    for slot in &request.slots {
        if let SlotPlace::Body(pointer) = &slot.place {
            body.push(Item { name: pointer.clone(), value: format!("{{{}}}", slot.value) });
        }
    }
    for placed in credentials {
        let item = |name: &String| Item { name: name.clone(), value: placed.value.as_str().to_owned() };
        match &placed.place {
            Place::Header(name) => headers.push(item(name)),
            Place::Query(name) => push_query(name, Shown::Name(&placed.value)),
            Place::Form(name) | Place::Json(name) if !request.body.is_empty() => body.push(item(name)),
            Place::Form(_) | Place::Json(_) => {}
        }
    }
    Preview { method: request.method.as_str(), url, headers, body, refused }
}

enum Shown<'a> {
    /// Of something that the host fills in.
    Name(&'a str),
    /// As the plugin wrote it.
    Text(&'a str),
}

fn slot_at(request: &Request, place: &SlotPlace) -> Option<String> {
    let same = |candidate: &SlotPlace| match (candidate, place) {
        (SlotPlace::Header(a), SlotPlace::Header(b)) => a.eq_ignore_ascii_case(b),
        _ => candidate == place,
    };
    request.slots.iter().find(|slot| same(&slot.place)).map(|slot| format!("{{{}}}", slot.value))
}
