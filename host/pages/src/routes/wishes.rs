//! What forms say, as edits of the files take it.

use serde_json::Value as Json;

use crate::edit::{DestinationWish, MappingWish, Wish};
use crate::form::Form;
use crate::rows::tree::{Node, Row, write};

/// A condition from the builder: its SQL, or its rows.
///
/// # Errors
/// The row that is not finished.
pub(super) fn condition(form: &Form) -> Result<String, String> {
    let sql = form.text("sql").trim().to_owned();
    if form.text("view") == "sql" {
        return if sql.is_empty() { Err("the condition is empty; that".to_owned()) } else { Ok(sql) };
    }
    let node = rows(form);
    if matches!(&node, Node::All(parts) | Node::Any(parts) if parts.is_empty()) {
        return Err("the condition has no row; that".to_owned());
    }
    // Rows that say what the text says leave it byte for byte.
    if crate::rows::parse::parse(&sql).as_ref() == Some(&node) {
        return Ok(sql);
    }
    write(&node).map_err(|error| format!("{error}; that"))
}

/// The rows of the builder: `what`, `op` and `value` side by side, `group` says in which group.
pub(super) fn rows(form: &Form) -> Node {
    let (whats, ops, values, groups) = (form.all("what"), form.all("op_"), form.all("value"), form.all("group"));
    let mut parts: Vec<(String, Vec<Node>)> = Vec::new();
    for (at, what) in whats.iter().enumerate() {
        let get = |list: &[&str]| list.get(at).copied().unwrap_or_default().to_owned();
        let (op, value, group) = (get(&ops), get(&values), get(&groups));
        let row = Row { what: what.trim().to_owned(), op: op.clone(), value: value.clone() };
        let node = if op == "sql" { Node::Sql(value) } else { Node::Row(row) };
        match parts.last_mut() {
            Some((name, list)) if *name == group && !group.is_empty() => list.push(node),
            _ => parts.push((group, vec![node])),
        }
    }
    let one = |(group, mut list): (String, Vec<Node>)| {
        if list.len() == 1 {
            return list.remove(0);
        }
        if form.text(&format!("mode_{group}")) == "all" { Node::All(list) } else { Node::Any(list) }
    };
    let parts = parts.into_iter().map(one).collect();
    if form.text("mode") == "any" { Node::Any(parts) } else { Node::All(parts) }
}

fn some(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A value of a setting by its type.
fn typed(text: &str, kind: &str) -> Json {
    match kind {
        "integer" => text.parse::<i64>().map_or_else(|_| Json::from(text), Json::from),
        "boolean" => Json::from(text == "true"),
        _ => Json::from(text),
    }
}

/// Settings that are filled and not what they would be anyway.
fn settings(form: &Form) -> Vec<(String, Json)> {
    let filled = form.prefixed("set.").into_iter().filter(|(name, value)| {
        let is_kept = form.has(&format!("had.{name}"));
        !value.is_empty() && (is_kept || *value != form.text(&format!("usual.{name}")))
    });
    filled.map(|(name, value)| (name.to_owned(), typed(value, form.text(&format!("type.{name}"))))).collect()
}

/// A connection.
pub(super) fn connection(form: &Form) -> Wish {
    let (names, fields) = (form.all("trait"), form.all("field"));
    let row = |(name, field): (&&str, &&str)| Some((some(name)?, some(field)));
    let traits = names.iter().zip(&fields).filter_map(row).collect();
    let (kinds, into, uses) = (form.all("id_kind"), form.all("id_field"), form.all("id_use"));
    let identifier = |(at, kind): (usize, &&str)| {
        let of = |list: &[&str]| list.get(at).and_then(|text| some(text));
        Some((some(kind)?, of(&into), of(&uses)))
    };
    let identifiers: Vec<_> = kinds.iter().enumerate().filter_map(identifier).collect();
    let percent = some(form.text("remove_max_percent")).and_then(|text| text.parse().ok());
    Wish {
        audience: form.text("audience").to_owned(),
        destination: form.text("destination").to_owned(),
        enabled: form.text("enabled") != "false",
        traits: (form.text("setup") != "default").then_some(traits),
        identifiers: (form.text("ids") == "own").then_some(identifiers),
        settings: settings(form),
        identify: form.text("identify") == "true",
        track: form.text("track") == "true",
        events: (form.text("entered").trim().to_owned(), form.text("exited").trim().to_owned()),
        on_entry: form.text("resend") == "entered",
        on_exit: form.text("enrich_on_exit") == "true",
        remove_max_percent: percent,
    }
}

/// A destination.
pub(super) fn destination(form: &Form) -> DestinationWish {
    let lines = |name: &str| -> Vec<String> { form.text(name).split(['\n', ',']).filter_map(some).collect() };
    let secrets = form.prefixed("secret.").into_iter().filter(|(_, value)| !value.trim().is_empty());
    let component = some(form.text("component_file")).zip(some(form.text("component_digest")));
    DestinationWish {
        name: form.text("destination").trim().to_owned(),
        plugin: form.text("plugin").to_owned(),
        component,
        enabled: form.text("enabled") != "false",
        hosts: lines("hosts"),
        networks: lines("networks"),
        settings: settings(form),
        secrets: secrets.map(|(name, value)| (name.to_owned(), Json::from(value.trim()))).collect(),
    }
}

/// A mapping.
///
/// # Errors
/// What cannot be read.
pub(super) fn mapping(form: &Form) -> Result<MappingWish, String> {
    let (fields, values) = (form.all("m_field"), form.all("m_value"));
    let mut filled = Vec::new();
    for (field, value) in fields.iter().zip(&values) {
        if let (Some(field), Some(value)) = (some(field), some(value)) {
            filled.push((field, expression(&value)?));
        }
    }
    let name = some(form.text("m_name")).ok_or("a mapping without a name; that")?;
    Ok(MappingWish {
        was: form.text("was").to_owned(),
        name,
        enabled: form.text("m_enabled") == "true",
        preset: form.text("preset").to_owned(),
        when: when(form)?,
        fields: filled,
    })
}

/// The trigger: rows, unless it is the preset's or stays as it is written.
fn when(form: &Form) -> Result<Option<Json>, String> {
    match form.text("trigger") {
        "preset" | "" => Ok(None),
        "written" => serde_json::from_str(form.text("when_written")).map(Some).map_err(|error| error.to_string()),
        _ => {
            let (paths, operators, values) = (form.all("w_path"), form.all("w_op"), form.all("w_value"));
            let row = |(at, path): (usize, &&str)| {
                let operator = operators.get(at).copied().unwrap_or("=");
                let value = values.get(at).copied().unwrap_or_default();
                let mut row = serde_json::json!({ "path": some(path)?, "operator": operator });
                if !matches!(operator, "exists" | "not_exists" | "is_true" | "is_false")
                    && let Some(object) = row.as_object_mut()
                {
                    object.insert("value".to_owned(), Json::from(value));
                }
                Some(row)
            };
            let rows: Vec<Json> = paths.iter().enumerate().filter_map(row).collect();
            let word = if form.text("w_mode") == "any" { "any" } else { "all" };
            Ok(Some(serde_json::json!({ (word): rows })))
        }
    }
}

/// What a field holds: a path of the event, an expression as JSON, or a text.
pub(super) fn expression(text: &str) -> Result<Json, String> {
    let path = text.strip_prefix("$.").unwrap_or(text);
    if ["traits.", "context.", "properties."].iter().any(|start| path.starts_with(start))
        || matches!(path, "type" | "event" | "userId")
    {
        return Ok(serde_json::json!({ "@path": text }));
    }
    if text.starts_with(['{', '[', '"']) {
        return serde_json::from_str(text)
            .map_err(|error| format!("the expression `{text}` is no JSON ({error}); that"));
    }
    Ok(Json::from(text))
}

/// The same the other way round.
pub(super) fn written(value: &Json) -> String {
    match value {
        Json::Object(object) if object.len() == 1 => match object.get("@path").and_then(Json::as_str) {
            Some(path) => path.to_owned(),
            None => value.to_string(),
        },
        Json::String(text) if !matches!(expression(text), Ok(Json::String(_))) => value.to_string(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
