//! `composite`, and `sobjects`: one record at a time, by external id or by id.

use serde_json::{Map, Value, json};

use super::collections::{effects, key};
use super::records::{Effects, Store};
use super::schema::Refusal;
use super::{decoded, fault, text};
use crate::server::{Recorded, Reply};

/// Salesforce, "Composite": at most 25 requests in one.
const PARTS_MAX: usize = 25;

/// Answers `POST /composite`. Only parts that update or upsert one record are known here.
pub(super) fn answer(request: &Recorded, store: &mut Store) -> Reply {
    if !request.declares_json() {
        return fault(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not supported");
    }
    let unreadable = || fault(400, "JSON_PARSER_ERROR", "The HTTP entity body is not what was expected");
    let Some(Value::Object(body)) = request.json() else { return unreadable() };
    let known = ["allOrNone", "collateSubrequests", "compositeRequest"];
    let Some(Value::Array(parts)) = body.get("compositeRequest") else { return unreadable() };
    if body.keys().any(|name| !known.contains(&name.as_str())) {
        return unreadable();
    }
    if parts.len() > PARTS_MAX {
        return fault(400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 25 subrequests");
    }
    let reference = |part: &Value| text(part, "referenceId").to_owned();
    let sound = |reference: &str| {
        !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut seen: Vec<String> = parts.iter().map(reference).collect();
    seen.sort();
    let before = seen.len();
    seen.dedup();
    if seen.len() != before || !seen.iter().all(|known| sound(known)) {
        return fault(400, "INVALID_INPUT", "referenceId must be unique letters and digits");
    }
    let answers = parts.iter().map(|part| {
        let (status, body) = answer_part(part, store);
        json!({"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": reference(part)})
    });
    Reply::json(200, &json!({"compositeResponse": answers.collect::<Vec<_>>()}))
}

fn answer_part(part: &Value, store: &mut Store) -> (u16, Value) {
    let refused = |status: u16, code: &str, message: &str| (status, json!([{"errorCode": code, "message": message}]));
    let url = text(part, "url");
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let segments: Vec<String> = path.split('/').skip(4).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let assign = part.get("httpHeaders").map_or("", |headers| text(headers, "Sforce-Auto-Assign"));
    let assigns = !assign.eq_ignore_ascii_case("false");
    let ("PATCH", ["sobjects", object, field, value]) = (text(part, "method"), segments.as_slice()) else {
        return refused(404, "NOT_FOUND", "The requested resource does not exist");
    };
    let Some(fields) = part.get("body").and_then(Value::as_object) else {
        return refused(400, "JSON_PARSER_ERROR", "the part has no body");
    };
    let effects = Effects { assigns, passes_alerts: false };
    upsert_one((object, field, value), fields, query.contains("updateOnly=true"), effects, store)
}

/// Answers a request below `/sobjects`.
pub(super) fn single(path: &[&str], request: &Recorded, store: &mut Store) -> Reply {
    let reply = |(status, body): (u16, Value)| {
        if body.is_null() { Reply::empty(status) } else { Reply::json(status, &body) }
    };
    let body = || match request.json() {
        Some(Value::Object(fields)) if request.declares_json() => Ok(fields),
        _ => Err(fault(400, "JSON_PARSER_ERROR", "The HTTP entity body is not what was expected")),
    };
    match (request.method.as_str(), path) {
        ("POST", [object]) => body().map_or_else(
            |refusal| refusal,
            |fields| {
                let Some(known) = store.object(object).cloned() else {
                    return fault(404, "NOT_FOUND", "The requested resource does not exist");
                };
                let spelled = match store.readable(&known, &fields) {
                    Ok(spelled) => spelled,
                    Err((code, message)) => return fault(400, code, message),
                };
                match store.create(&known.name, spelled, effects(request)) {
                    Ok(written) => Reply::json(201, &json!({"id": written.id, "success": true, "errors": []})),
                    Err(refusal) => reply(refused(&refusal)),
                }
            },
        ),
        ("GET", [object, at @ ..]) => show(object, at, store),
        ("PATCH", [object, id]) => body()
            .map_or_else(|refusal| refusal, |fields| reply(update_one((object, id), &fields, effects(request), store))),
        ("DELETE", [object, id]) => {
            let known = store.object(object).is_some_and(|known| store.shown(known, None, id).is_some());
            if known && store.delete(id).is_ok() { Reply::empty(204) } else { reply(not_found()) }
        }
        ("PATCH", [object, field, value]) => body().map_or_else(
            |refusal| refusal,
            |fields| {
                let update_only = request.parameter("updateOnly") == Some("true");
                reply(upsert_one((object, field, value), &fields, update_only, effects(request), store))
            },
        ),
        _ => fault(404, "NOT_FOUND", "The requested resource does not exist"),
    }
}

/// Salesforce, "sObject Rows": a record by its id, or by the value of a field that is a key.
fn show(object: &str, at: &[&str], store: &Store) -> Reply {
    let found = store.object(object).and_then(|object| match at {
        [id] => store.shown(object, None, id),
        [field, value] => store.shown(object, Some(&object.field(field).filter(|f| f.external_id)?.name), value),
        _ => None,
    });
    let absent = || fault(404, "NOT_FOUND", "The requested resource does not exist");
    found.map_or_else(absent, |record| Reply::json(200, &record))
}

/// Updates one record by its id: 204 without a body where all went well.
fn update_one(
    (object, id): (&str, &str),
    fields: &Map<String, Value>,
    effects: Effects,
    store: &mut Store,
) -> (u16, Value) {
    let Some(known) = store.object(object).filter(|known| store.shown(known, None, id).is_some()).cloned() else {
        return not_found();
    };
    let spelled = match store.readable(&known, fields) {
        Ok(spelled) => spelled,
        Err((code, message)) => return (400, json!([{"errorCode": code, "message": message}])),
    };
    store.update(id, spelled, effects).map_or_else(|refusal| refused(&refusal), |_| (204, Value::Null))
}

fn not_found() -> (u16, Value) {
    (404, json!([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]))
}

/// Upserts one record: 201 created, 204 updated, 300 several, 404 absent.
fn upsert_one(
    (object, field, value): (&str, &str, &str),
    fields: &Map<String, Value>,
    update_only: bool,
    effects: Effects,
    store: &mut Store,
) -> (u16, Value) {
    let Ok((known, key)) = key(object, field, store) else { return not_found() };
    // Salesforce finds nobody by a path whose value looks like an address at some domains, such as `.inc`.
    if value.contains('@') && value.ends_with(".inc") {
        return not_found();
    }
    // Salesforce, "Upsert": the external id stands in the path and not in the body.
    if fields.keys().any(|name| name.eq_ignore_ascii_case(&key)) {
        return (400, json!([{"errorCode": "INVALID_FIELD", "message": "The external id is in the path already"}]));
    }
    let mut spelled = match store.readable(&known, fields) {
        Ok(spelled) => spelled,
        Err((code, message)) => return (400, json!([{"errorCode": code, "message": message}])),
    };
    spelled.insert(key.clone(), value.into());
    match store.upsert(&known.name, &key, spelled, effects, !update_only) {
        Ok(Some(written)) if written.created => {
            (201, json!({"id": written.id, "success": true, "created": true, "errors": []}))
        }
        Ok(Some(_)) => (204, Value::Null),
        Ok(None) => not_found(),
        Err(refusal) if refusal.code == "DUPLICATE_EXTERNAL_ID" => (300, json!(["/several", "/records"])),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> (u16, Value) {
    (400, json!([{"errorCode": refusal.code, "message": refusal.message, "fields": refusal.fields}]))
}
