//! A `POST /users/track` request: its shape and the fate of each object.
//!
//! Pure: from a request to what must be applied and answered, or to a refusal.

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply};

use super::object::{self, Update};
use super::{Config, json_reply, message};

/// Braze, `POST /users/track`: objects in one request, over all three arrays.
const OBJECTS_MAX: usize = 75;

/// Braze, `POST /users/track`: size of one request, 4 MB.
const REQUEST_BYTES_MAX: usize = 4_000_000;

/// Braze, "Errors & Responses", 400: more objects than one request may have.
const TOO_MANY: &str = "Max input length exceeded";

/// Braze, `POST /users/track`, 400: nothing to do.
const NOTHING_VALID: &str = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.";

/// The arrays a request may have, in the order Braze works through them.
const ARRAYS: [&str; 3] = ["attributes", "events", "purchases"];

/// A request of which at least one object is valid.
#[derive(Debug)]
pub(super) struct Batch {
    /// What to apply, in order.
    pub(super) updates: Vec<Update>,
    /// The body of the 201.
    pub(super) answer: Value,
}

/// Reads a request, or gives the answer that refuses all of it.
pub(super) fn read(request: &Recorded, config: &Config) -> Result<Batch, Reply> {
    if request.body.len() > REQUEST_BYTES_MAX {
        return Err(message(413, "request entity too large"));
    }
    // Braze, `POST /users/track`: the request has `Content-Type: application/json`.
    if !request.declares_json() {
        return Err(message(400, "the content type must be application/json"));
    }
    let body = request.json().ok_or_else(|| message(400, "the body is not valid JSON"))?;
    let members = body.as_object().ok_or_else(|| message(400, "the body must be an object"))?;
    let arrays = ARRAYS.iter().map(|name| array(members, name)).collect::<Result<Vec<_>, _>>()?;
    match arrays.iter().map(|objects| objects.len()).sum::<usize>() {
        0 => return Err(message(400, NOTHING_VALID)),
        1..=OBJECTS_MAX => {}
        _ => return Err(message(400, TOO_MANY)),
    }
    judge(&arrays, config)
}

/// The objects of one array; an array that is not given is empty.
fn array<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Reply> {
    match members.get(name) {
        None => Ok(&[]),
        Some(Value::Array(objects)) => Ok(objects),
        Some(_) => Err(message(400, &format!("'{name}' must be an array"))),
    }
}

/// Tells valid objects from invalid ones.
fn judge(arrays: &[&[Value]], config: &Config) -> Result<Batch, Reply> {
    let (mut updates, mut errors, mut answer) = (Vec::new(), Vec::new(), Map::new());
    for (name, objects) in ARRAYS.iter().zip(arrays) {
        let mut processed = 0_usize;
        for (index, object) in objects.iter().enumerate() {
            // Events and purchases have no effect on an audience; only their identifiers are checked.
            let judged = match *name {
                "attributes" => object::read(object, config).map(Some),
                _ => object::identify(object, config).map(|_| None),
            };
            match judged {
                Ok(update) => {
                    processed += 1;
                    updates.extend(update);
                }
                Err(error) => errors.push(json!({"type": error, "input_array": name, "index": index})),
            }
        }
        if processed > 0 {
            answer.insert(format!("{name}_processed"), processed.into());
        }
    }
    // Braze, `POST /users/track`: 400 if no object at all is valid, else errors beside the success.
    if answer.is_empty() {
        return Err(json_reply(400, json!({"message": NOTHING_VALID, "errors": errors})));
    }
    answer.insert("message".into(), "success".into());
    if !errors.is_empty() {
        answer.insert("errors".into(), errors.into());
    }
    Ok(Batch { updates, answer: answer.into() })
}
