//! What a request may look like: members, types and sizes.
//!
//! Pure: from a request to its people, or to the refusal of the whole.

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply};

use super::refused;

/// Iterable, `POST /api/users/bulkUpdate`: users in one call.
const USERS_MAX: usize = 1_000;

/// Iterable, `POST /api/users/bulkUpdate`: bytes of a body.
const BODY_BYTES_MAX: usize = 4_000_000;

/// A call that is about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    BulkUpdate,
    Subscribe,
    Unsubscribe,
}

/// A request whose shape is right.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) call: Call,
    pub(super) list: Option<u64>,
    pub(super) people: Vec<Person>,
    /// `createNewFields`, where it is said.
    pub(super) creates_fields: Option<bool>,
    pub(super) existing_only: bool,
    pub(super) leaves_channel: bool,
}

/// One user of a request.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) email: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) data: Option<Map<String, Value>>,
    pub(super) prefers_user_id: bool,
    pub(super) merges: bool,
}

/// What a member of a body must be.
#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    Flag,
    /// Iterable, `POST /api/lists/subscribe`: `listId` is an integer on the wire.
    Whole,
    Object,
    List,
}

impl Type {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Whole => value.is_u64(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
        }
    }
}

impl Call {
    /// The members that a body may have. A name that Iterable does not document does nothing there, so it is refused
    /// here: whoever sends it is mistaken. `createNewFields` is no option of subscribe.
    const fn members(self) -> &'static [(&'static str, Type)] {
        match self {
            Self::BulkUpdate => &[("users", Type::List), ("createNewFields", Type::Flag)],
            Self::Subscribe => {
                &[("listId", Type::Whole), ("subscribers", Type::List), ("updateExistingUsersOnly", Type::Flag)]
            }
            Self::Unsubscribe => &[
                ("listId", Type::Whole),
                ("subscribers", Type::List),
                ("channelUnsubscribe", Type::Flag),
                ("campaignId", Type::Whole),
            ],
        }
    }

    /// The members that a user may have. Iterable, `POST /api/lists/unsubscribe`: on unsubscribe only the identifiers.
    const fn person(self) -> &'static [(&'static str, Type)] {
        match self {
            Self::Unsubscribe => &[("email", Type::Text), ("userId", Type::Text)],
            Self::BulkUpdate | Self::Subscribe => &[
                ("email", Type::Text),
                ("userId", Type::Text),
                ("dataFields", Type::Object),
                ("preferUserId", Type::Flag),
                ("mergeNestedObjects", Type::Flag),
            ],
        }
    }

    const fn list(self) -> &'static str {
        match self {
            Self::BulkUpdate => "users",
            Self::Subscribe | Self::Unsubscribe => "subscribers",
        }
    }
}

/// Reads a request about people.
pub(super) fn read(request: &Recorded, call: Call) -> Result<Batch, Reply> {
    let body = body(request)?;
    check(&body, call.members(), "obj")?;
    let name = call.list();
    let people = body.get(name).and_then(Value::as_array).ok_or_else(|| bad(&format!("obj.{name}"), "is missing"))?;
    let list = body.get("listId").and_then(Value::as_u64);
    if call != Call::BulkUpdate && list.is_none() {
        return Err(bad("obj.listId", "is missing"));
    }
    if people.is_empty() {
        // Not documented; an empty batch is a mistake of the sender.
        return Err(refused(400, "BadParams", "the batch is empty"));
    }
    if people.len() > USERS_MAX {
        return Err(refused(400, "BatchTooLarge", "too many users in one request"));
    }
    let people = people.iter().enumerate().map(|(at, value)| person(value, call, &format!("obj.{name}[{at}]")));
    let flag = |name: &str| body.get(name).and_then(Value::as_bool);
    Ok(Batch {
        call,
        list,
        people: people.collect::<Result<_, _>>()?,
        creates_fields: flag("createNewFields"),
        existing_only: flag("updateExistingUsersOnly").unwrap_or(false),
        // Iterable, `POST /api/lists/unsubscribe`: sources disagree on the default, so a sender who leaves it out gets the dangerous one.
        leaves_channel: call == Call::Unsubscribe && flag("channelUnsubscribe").unwrap_or(true),
    })
}

/// Reads the name of a list that is to be created.
pub(super) fn new_list(request: &Recorded) -> Result<String, Reply> {
    let body = body(request)?;
    check(&body, &[("name", Type::Text), ("description", Type::Text)], "obj")?;
    match body.get("name").and_then(Value::as_str) {
        Some(name) if !name.trim().is_empty() => Ok(name.to_owned()),
        _ => Err(bad("obj.name", "is missing")),
    }
}

fn body(request: &Recorded) -> Result<Map<String, Value>, Reply> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(refused(413, "BatchTooLarge", "request entity too large"));
    }
    if !request.declares_json() {
        return Err(refused(400, "BadJsonBody", "the content type must be application/json"));
    }
    match request.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(refused(400, "BadJsonBody", "the body is no JSON object")),
    }
}

fn person(value: &Value, call: Call, at: &str) -> Result<Person, Reply> {
    let object = value.as_object().ok_or_else(|| bad(at, "is no object"))?;
    check(object, call.person(), at)?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| object.get(name).and_then(Value::as_bool).unwrap_or(false);
    let person = Person {
        email: text("email"),
        user_id: text("userId"),
        data: object.get("dataFields").and_then(Value::as_object).cloned(),
        prefers_user_id: flag("preferUserId"),
        // Iterable, API reference: the wire default is false.
        merges: flag("mergeNestedObjects"),
    };
    match (&person.email, &person.user_id) {
        (None, None) => Err(bad(at, "has neither email nor userId")),
        _ => Ok(person),
    }
}

/// Whether an object has only these members, each of its type.
fn check(object: &Map<String, Value>, members: &[(&str, Type)], at: &str) -> Result<(), Reply> {
    for (name, value) in object {
        match members.iter().find(|(known, _)| known == name) {
            Some((_, kind)) if kind.fits(value) => {}
            Some((_, kind)) => return Err(bad(&format!("{at}.{name}"), &format!("is not of type {kind:?}"))),
            None => return Err(bad(&format!("{at}.{name}"), "is not expected here")),
        }
    }
    Ok(())
}

/// Iterable, "API Response Codes": `BadJsonBody`, with params that say where.
fn bad(at: &str, why: &str) -> Reply {
    let params = json!({ at: [{ "msg": [why], "args": [] }] });
    Reply::json(400, &json!({ "code": "BadJsonBody", "msg": "the body cannot be read", "params": params }))
}
