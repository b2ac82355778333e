//! `composite/sobjects`: up to 200 records in a request, one result for each, in their order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fault;
use super::records::{Effects, Store, Written};
use super::schema::{Object, Refusal};
use crate::server::{Recorded, Reply};

/// Salesforce, "sObject Collections": at most 200 records.
const RECORDS_MAX: usize = 200;

/// Largest body of a collection.
const BODY_BYTES_MAX: usize = 6_000_000;

/// A body that could be read.
struct Body {
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

type Result<T> = std::result::Result<T, Reply>;

pub(super) fn answer(path: &[&str], request: &Recorded, store: &mut Store) -> Reply {
    let answered = match (request.method.as_str(), path) {
        ("PATCH", [object, field]) => upsert(object, field, request, store),
        ("PATCH", []) => update(request, store),
        ("POST", []) => create(request, store),
        ("DELETE", []) => delete(request, store),
        _ => Err(fault(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed")),
    };
    answered.unwrap_or_else(|refusal| refusal)
}

/// What the headers of a request set off. Assignment rules run unless they are switched off.
pub(super) fn effects(request: &Recorded) -> Effects {
    let says = |name: &str, value: &str| {
        request.header(name).is_some_and(|header| header.replace(' ', "").to_ascii_lowercase().contains(value))
    };
    Effects {
        assigns: !says("sforce-auto-assign", "false"),
        passes_alerts: says("sforce-duplicate-rule-header", "allowsave=true"),
    }
}

/// The object and the field of an upsert; the field must be one that can be a key.
pub(super) fn key(object: &str, field: &str, store: &Store) -> Result<(Object, String)> {
    let not_found = |message: &str| fault(404, "NOT_FOUND", message);
    let known = store.object(object).ok_or_else(|| not_found("The requested resource does not exist"))?;
    // Salesforce, "Upsert with collections": by a field that is flagged External ID, and not by the record id.
    let field = known.field(field).filter(|field| field.external_id);
    let field = field.ok_or_else(|| not_found("Provided external ID field does not exist or is not accessible"))?;
    Ok((known.clone(), field.name.clone()))
}

fn upsert(object: &str, field: &str, request: &Recorded, store: &mut Store) -> Result<Reply> {
    let (object, key) = key(object, field, store)?;
    // The older note says that campaign members cannot be upserted.
    if object.name == "CampaignMember" {
        return Err(fault(405, "METHOD_NOT_ALLOWED", "CampaignMember does not support upsert"));
    }
    let body = read(request)?;
    let records = typed(&body.records, Some(&object), store)?;
    if records.iter().any(|(_, fields)| fields.contains_key("Id")) {
        return Err(fault(400, "INVALID_FIELD", "Cannot specify the record id in an upsert by external id"));
    }
    // The same external id twice in one call is refused, each time.
    let id = |fields: &Map<String, Value>| {
        fields.get(&key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase()
    };
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    records.iter().for_each(|(_, fields)| *times.entry(id(fields)).or_default() += 1);
    let effects = effects(request);
    carry_out(body.all_or_none, store, records, |store, (object, fields)| {
        if times.get(&id(&fields)).is_some_and(|times| *times > 1) && !id(&fields).is_empty() {
            return Err(Refusal::new("DUPLICATE_VALUE", "duplicate external id in the request"));
        }
        let written = store.upsert(&object.name, &key, fields, effects, true)?;
        written.ok_or_else(|| Refusal::new("NOT_FOUND", "not found"))
    })
}

fn create(request: &Recorded, store: &mut Store) -> Result<Reply> {
    let body = read(request)?;
    let records = typed(&body.records, None, store)?;
    let effects = effects(request);
    carry_out(body.all_or_none, store, records, |store, (object, fields)| {
        if fields.contains_key("Id") {
            return Err(Refusal::new("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call"));
        }
        store.create(&object.name, fields, effects)
    })
}

fn update(request: &Recorded, store: &mut Store) -> Result<Reply> {
    let body = read(request)?;
    let records = typed(&body.records, None, store)?;
    let effects = effects(request);
    carry_out(body.all_or_none, store, records, |store, (object, mut fields)| {
        // Salesforce, "Update with collections": a record names its type and its id.
        let id = match fields.remove("Id") {
            Some(Value::String(id)) => id,
            _ => return Err(Refusal::new("MISSING_ARGUMENT", "Id not specified in an update call")),
        };
        if !super::schema::is_id(&id) || !id.starts_with(&object.prefix) {
            return Err(Refusal::new("MALFORMED_ID", "malformed id"));
        }
        store.update(&id, fields, effects)
    })
}

fn delete(request: &Recorded, store: &mut Store) -> Result<Reply> {
    let ids: Vec<String> = request.parameter("ids").unwrap_or_default().split(',').map(str::to_owned).collect();
    if ids.len() > RECORDS_MAX {
        return Err(fault(400, "EXCEEDED_ID_LIMIT", "record limit reached"));
    }
    if ids.iter().any(|id| !super::schema::is_id(id)) {
        return Err(fault(400, "MALFORMED_ID", "bad id"));
    }
    let all_or_none = request.parameter("allOrNone") == Some("true");
    carry_out(all_or_none, store, ids, |store, id| store.delete(&id))
}

/// Reads a body: only its two members, and 200 records at most.
fn read(request: &Recorded) -> Result<Body> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(fault(413, "REQUEST_TOO_LARGE", "request entity too large"));
    }
    if !request.declares_json() {
        return Err(fault(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not supported"));
    }
    let unreadable = || fault(400, "JSON_PARSER_ERROR", "The HTTP entity body is not what was expected");
    let Some(Value::Object(mut body)) = request.json() else { return Err(unreadable()) };
    let all_or_none = match body.remove("allOrNone") {
        None => false,
        Some(Value::Bool(flag)) => flag,
        Some(_) => return Err(unreadable()),
    };
    let Some(Value::Array(list)) = body.remove("records") else { return Err(unreadable()) };
    if !body.is_empty() {
        return Err(unreadable());
    }
    if list.len() > RECORDS_MAX {
        return Err(fault(400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records"));
    }
    let record = |value: Value| if let Value::Object(record) = value { Ok(record) } else { Err(unreadable()) };
    Ok(Body { all_or_none, records: list.into_iter().map(record).collect::<Result<_>>()? })
}

type Typed = (Object, Map<String, Value>);

/// Records with the object that each names, which must be the one of the path where that has one.
fn typed(records: &[Map<String, Value>], of: Option<&Object>, store: &Store) -> Result<Vec<Typed>> {
    let one = |record: &Map<String, Value>| {
        let name = record.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Value::as_str);
        let object =
            name.and_then(|name| store.object(name)).filter(|object| of.is_none_or(|of| of.name == object.name));
        let object =
            object.ok_or_else(|| fault(400, "INVALID_TYPE", "sObject type is not supported or not the same"))?;
        let mut fields = record.clone();
        let id = ["id", "Id"].into_iter().find_map(|name| fields.remove(name));
        let spelled = store.readable(object, &fields).map_err(|(code, message)| fault(400, code, message))?;
        Ok((object.clone(), spelled.into_iter().chain(id.map(|id| ("Id".to_owned(), id))).collect()))
    };
    records.iter().map(one).collect()
}

/// Does something to each record, and answers in their order. Where one fails of all or none, nothing was done.
fn carry_out<T>(
    all_or_none: bool,
    store: &mut Store,
    records: Vec<T>,
    mut act: impl FnMut(&mut Store, T) -> std::result::Result<Written, Refusal>,
) -> Result<Reply> {
    let before = all_or_none.then(|| store.clone());
    let results: Vec<_> = records.into_iter().map(|record| act(store, record)).collect();
    let rolled_back = || Err(Refusal::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back"));
    let results: Vec<_> = match before {
        Some(before) if results.iter().any(std::result::Result::is_err) => {
            *store = before;
            results.into_iter().map(|result| if result.is_ok() { rolled_back() } else { result }).collect()
        }
        _ => results,
    };
    Ok(Reply::json(200, &results.iter().map(result).collect()))
}

/// One result, whose errors have a `statusCode` where errors of a whole request have an `errorCode`.
fn result(result: &std::result::Result<Written, Refusal>) -> Value {
    match result {
        Ok(Written { id, created }) => json!({"id": id, "success": true, "created": created, "errors": []}),
        Err(Refusal { code, message, fields }) => json!({
            "success": false, "created": false,
            "errors": [{"statusCode": code, "message": message, "fields": fields}],
        }),
    }
}
