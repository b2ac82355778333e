//! The body of a `/users` call: its shape, its schema and its rows.
//!
//! Pure: from a body to rows that are valid or not, or to the refusal of the
//! whole call. Source of the rules: Meta, "Customer File Custom Audiences" and
//! the reference of "Custom Audience users".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::server::Recorded;

use super::cells::{Kind, OPTIONS, VALUE};
use super::parameters;
use super::refusal::{Refusal, TOO_MUCH, UPDATE_FAILED};

/// Meta, "Customer File Custom Audiences": rows in one call.
const ROWS_MAX: usize = 10_000;

/// Meta, error 1, subcode 99: what too many rows were seen to be answered with.
const TOO_MANY_ROWS: (i64, i64) = (1, 99);

/// Meta, error 100: a value-based audience gets a value in every row.
const VALUE_REQUIRED: &str = "Value-Based Custom Audience requires LOOKALIKE_VALUE attribute";

/// Members of the body that the edge knows; token and proof may also stand here.
const MEMBERS: [&str; 7] =
    ["payload", "session", "namespace", "customer_consent", "access_token", "appsecret_proof", "appsecret_time"];

/// Members of `payload` that the edge knows.
const PAYLOAD_MEMBERS: [&str; 7] = ["schema", "data", "is_raw", "data_source", "app_ids", "page_ids", "ig_account_ids"];

/// A person as uploaded: each key that was not blank.
pub(super) type Row = BTreeMap<String, String>;

/// A call that is accepted, row by row.
#[derive(Debug)]
pub(super) struct Upload {
    /// In order, each row or why it is invalid.
    pub(super) rows: Vec<Result<Row, String>>,
    /// The session named by the caller.
    pub(super) session_id: Option<u64>,
}

/// Reads the body of a call.
///
/// `is_value_based` is the audience's; `adds` tells POST from DELETE.
pub(super) fn read(
    request: &Recorded,
    body_bytes_max: usize,
    is_value_based: bool,
    adds: bool,
) -> Result<Upload, Refusal> {
    if request.body.len() > body_bytes_max {
        let refusal =
            Refusal::new(TOO_MUCH, "Please reduce the amount of data you are sending, then retry your request");
        return Err(Refusal { status: 413, ..refusal });
    }
    let members = parameters::read(request)?;
    let known: Vec<&str> = MEMBERS.iter().chain(&parameters::OF_ALL).copied().collect();
    only_known(&members, &known, "parameter")?;
    is(members.get("customer_consent"), Value::is_boolean, "customer_consent must be a boolean")?;
    is(members.get("namespace"), Value::is_string, "namespace must be a string")?;
    let session_id = members.get("session").map(session).transpose()?;
    let payload = members.get("payload").ok_or_else(|| Refusal::parameter("The parameter payload is required"))?;
    let payload = payload.as_object().ok_or_else(|| Refusal::parameter("payload must be an object"))?;
    only_known(payload, &PAYLOAD_MEMBERS, "member of payload")?;
    is(payload.get("is_raw"), Value::is_boolean, "is_raw must be a boolean")?;
    is(payload.get("data_source"), Value::is_object, "data_source must be an object")?;
    let schema = schema(payload, is_value_based, adds)?;
    let rows = rows(payload, &schema)?;
    Ok(Upload { rows, session_id })
}

/// Refuses a member that is not listed: a misspelt one must not pass unnoticed.
fn only_known(members: &Map<String, Value>, known: &[&str], what: &str) -> Result<(), Refusal> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refusal::parameter(format!("Unknown {what} '{name}'"))),
    }
}

/// Refuses a member that is given and does not pass the test.
fn is(member: Option<&Value>, passes: fn(&Value) -> bool, complaint: &str) -> Result<(), Refusal> {
    if member.is_none_or(passes) { Ok(()) } else { Err(Refusal::parameter(complaint)) }
}

/// Meta, `session`: an unsigned id, a sequence from 1, a flag for the last batch and maybe a total.
fn session(session: &Value) -> Result<u64, Refusal> {
    let number = |name: &str| session.get(name).and_then(Value::as_u64).filter(|number| *number > 0);
    let total = session.get("estimated_num_total").is_none_or(Value::is_u64);
    let last = session.get("last_batch_flag").is_some_and(Value::is_boolean);
    match (number("session_id"), number("batch_seq")) {
        (Some(id), Some(_)) if last && total => Ok(id),
        _ => Err(Refusal::parameter("session needs session_id, batch_seq (from 1) and last_batch_flag")),
    }
}

/// Reads `payload.schema`: known keys, each once, with what they need beside them.
fn schema(payload: &Map<String, Value>, is_value_based: bool, adds: bool) -> Result<Vec<(String, Kind)>, Refusal> {
    let keys = match payload.get("schema") {
        Some(Value::Array(keys)) if !keys.is_empty() => keys,
        // Meta, error 2650: an audience of the multi-key form refuses the single-key form.
        Some(Value::String(key)) => {
            return Err(Refusal::new(UPDATE_FAILED, format!("MULTI_HASHES does not support the schema {key}")));
        }
        _ => return Err(Refusal::parameter("schema must be an array of keys")),
    };
    let mut schema: Vec<(String, Kind)> = Vec::new();
    for key in keys {
        let name = key.as_str().unwrap_or_default();
        let kind = Kind::of(name).ok_or_else(|| Refusal::parameter(format!("schema has an unknown key {key}")))?;
        if schema.iter().any(|(known, _)| known == name) {
            return Err(Refusal::parameter(format!("schema has the key {key} twice")));
        }
        schema.push((name.to_owned(), kind));
    }
    let has = |name: &str| schema.iter().any(|(known, _)| known == name);
    match (is_value_based, has(VALUE)) {
        (true, false) if adds => return Err(Refusal::parameter(VALUE_REQUIRED)),
        (false, true) => return Err(Refusal::parameter("LOOKALIKE_VALUE is only for value-based audiences")),
        _ => {}
    }
    // Meta: scoped ids come with the ids of what they are scoped to.
    for (key, ids) in [("APPUID", "app_ids"), ("PAGEUID", "page_ids"), ("IGUID", "ig_account_ids")] {
        let given = payload.get(ids).and_then(Value::as_array).is_some_and(|ids| !ids.is_empty());
        if has(key) && !given {
            return Err(Refusal::parameter(format!("{key} requires {ids}")));
        }
    }
    Ok(schema)
}

/// Reads `payload.data`: at most 10,000 rows, each as wide as the schema.
fn rows(payload: &Map<String, Value>, schema: &[(String, Kind)]) -> Result<Vec<Result<Row, String>>, Refusal> {
    let data = payload.get("data").and_then(Value::as_array);
    let data = data.ok_or_else(|| Refusal::parameter("data must be an array of rows"))?;
    if data.len() > ROWS_MAX {
        let (code, subcode) = TOO_MANY_ROWS;
        return Err(Refusal::new(code, format!("At most {ROWS_MAX} rows per call")).subcode(subcode));
    }
    let width = |(index, row): (usize, &Value)| match row.as_array() {
        Some(cells) if cells.len() == schema.len() => Ok(read_row(cells, schema)),
        _ => Err(Refusal::parameter(format!("row {index} must be an array of {} cells", schema.len()))),
    };
    data.iter().enumerate().map(width).collect()
}

/// Reads one row of the right width; a row that names nobody is invalid.
fn read_row(cells: &[Value], schema: &[(String, Kind)]) -> Result<Row, String> {
    let mut row = Row::new();
    for ((key, kind), cell) in schema.iter().zip(cells) {
        if let Some(text) = kind.read(cell).map_err(|why| format!("{key}: {why}"))? {
            row.insert(key.clone(), text);
        }
    }
    if row.keys().any(|key| key != VALUE && key != OPTIONS) { Ok(row) } else { Err("the row is blank".to_owned()) }
}
