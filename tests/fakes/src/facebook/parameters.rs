//! The parameters of a call: from the query, from JSON or from a form.
//!
//! Pure. Meta, "Graph API, overview": a call takes its parameters in the query or in the body, and a body is JSON or a
//! form. Meta's own libraries send forms, and the parameters of a DELETE in the query; what is no text there is JSON.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::server::{Recorded, pairs};

/// Parameters that are texts; of the others, text is JSON.
const TEXTS: [&str; 11] = [
    "name",
    "description",
    "subtype",
    "namespace",
    "customer_file_source",
    "access_token",
    "appsecret_proof",
    "appsecret_time",
    "fields",
    "after",
    "input_token",
];

/// Parameters that every call has, and that do nothing here.
pub(super) const OF_ALL: [&str; 4] = ["fields", "format", "locale", "pretty"];

/// All parameters of a call; the query comes first.
pub(super) fn read(request: &Recorded) -> Result<Map<String, Value>, Refusal> {
    let mut parameters: Map<String, Value> = request.query.iter().map(|(name, text)| of_form(name, text)).collect();
    let kind = request.header("content-type").unwrap_or_default();
    let (media, rest) = kind.split_once(';').unwrap_or((kind, ""));
    let body = match media.trim().to_ascii_lowercase().as_str() {
        _ if request.body.is_empty() => Map::new(),
        "application/json" => match request.json() {
            Some(Value::Object(members)) => members,
            Some(_) => return Err(Refusal::parameter("The body must be a JSON object")),
            None => return Err(Refusal::parameter("The body is not valid JSON")),
        },
        "application/x-www-form-urlencoded" => {
            pairs(&String::from_utf8_lossy(&request.body)).iter().map(|(name, text)| of_form(name, text)).collect()
        }
        "multipart/form-data" => {
            let parts = parts(&String::from_utf8_lossy(&request.body), rest);
            parts.ok_or_else(|| Refusal::parameter("The body is not valid multipart/form-data"))?
        }
        _ => return Err(Refusal::parameter("The body must be declared as JSON or as a form")),
    };
    for (name, value) in body {
        parameters.entry(name).or_insert(value);
    }
    Ok(parameters)
}

/// A parameter as text, wherever it stands; nothing where the call cannot be read.
pub(super) fn text(request: &Recorded, name: &str) -> Option<String> {
    match read(request).ok()?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn of_form(name: &str, text: &str) -> (String, Value) {
    let value = if TEXTS.contains(&name) { None } else { serde_json::from_str(text).ok() };
    (name.to_owned(), value.unwrap_or_else(|| text.into()))
}

/// The fields of a form in parts, each between two lines with the boundary.
fn parts(body: &str, declared: &str) -> Option<Map<String, Value>> {
    let boundary = declared.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    let mut fields = Map::new();
    let line = format!("--{boundary}");
    let mut pieces = body.split(&line).skip(1);
    loop {
        let piece = pieces.next()?;
        if piece.starts_with("--") {
            return Some(fields);
        }
        let (head, value) = piece.split_once("\r\n\r\n")?;
        let name = head.split(';').find_map(|part| part.trim().strip_prefix("name="))?;
        let name = name.lines().next()?.trim_matches('"');
        let (name, value) = of_form(name, value.strip_suffix("\r\n")?);
        fields.insert(name, value);
    }
}
