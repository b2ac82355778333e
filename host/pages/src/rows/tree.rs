//! Rows and groups of rows, and the SQL that is written of them.

use crate::rows::operators::{Asks, operator};
use crate::rows::tokens::{is_number, quoted, tokens};

/// A part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// All of these.
    All(Vec<Node>),
    /// Any of these.
    Any(Vec<Node>),
    /// One row.
    Row(Row),
    /// A part that no row says, as its text.
    Sql(String),
}

/// What, operator, value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// `traits.plan`, `traits.address.city`, `identifiers.email` or `id`; names with a dot stand in double quotes.
    pub what: String,
    /// The operator's key.
    pub op: String,
    /// The value as people write it.
    pub value: String,
}

/// Why there is no SQL: the row, from 1, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {what}")]
pub struct Unfinished {
    /// From 1, in the order of reading.
    pub row: usize,
    /// What is missing.
    pub what: &'static str,
}

/// Writes a condition.
///
/// # Errors
/// The first row that is not finished: it is never left out.
pub fn write(node: &Node) -> Result<String, Unfinished> {
    let mut row = 0;
    node_sql(node, true, &mut row)
}

fn node_sql(node: &Node, outermost: bool, row: &mut usize) -> Result<String, Unfinished> {
    let (parts, word) = match node {
        Node::All(parts) => (parts, " and "),
        Node::Any(parts) => (parts, " or "),
        Node::Row(one) => {
            *row += 1;
            return row_sql(one).map_err(|what| Unfinished { row: *row, what });
        }
        Node::Sql(text) => {
            *row += 1;
            let text = text.trim();
            if text.is_empty() {
                return Err(Unfinished { row: *row, what: "it has no SQL" });
            }
            return Ok(if joins(text) { format!("({text})") } else { text.to_owned() });
        }
    };
    let parts = parts.iter().map(|part| node_sql(part, false, row)).collect::<Result<Vec<_>, _>>()?;
    let text = parts.join(word);
    Ok(if outermost || parts.len() < 2 { text } else { format!("({text})") })
}

/// Whether a text falls apart where it stands beside others.
fn joins(text: &str) -> bool {
    let mut depth = 0_i32;
    tokens(text).is_none_or(|tokens| {
        tokens.iter().any(|token| {
            depth += i32::from(token.text == "(") - i32::from(token.text == ")");
            depth == 0 && matches!(token.text.as_str(), "and" | "or")
        })
    })
}

fn row_sql(row: &Row) -> Result<String, &'static str> {
    let operator = operator(&row.op).ok_or("choose an operator")?;
    let (column, path) = place(&row.what).ok_or("choose a trait")?;
    if operator.sql.contains(" J ") && column != "traits" {
        return Err("lists are looked at in traits only");
    }
    let values = values(operator.asks, &row.value)?;
    let value = |at: usize| values.get(at).cloned().unwrap_or_default();
    let written = operator.sql.split(' ').map(|token| match token {
        "T" if column == "id" => "id".to_owned(),
        "T" => format!("{column} ->> {}", quoted(&label(&path))),
        "J" => quoted(&dollar(&path)),
        "S" | "N" | "P" => value(0),
        "M" => value(1),
        "F" => value(0).replacen("'-", "'+", 1),
        "L" | "K" => values.join(", "),
        word => word.to_owned(),
    });
    Ok(spaced(written.collect::<Vec<_>>()))
}

/// Tokens with the spaces that people put between them.
fn spaced(tokens: Vec<String>) -> String {
    let mut text = String::new();
    let mut before = String::new();
    for token in tokens {
        let is_call = token == "("
            && matches!(
                before.as_str(),
                "instr" | "substr" | "length" | "datetime" | "cast" | "coalesce" | "json_each" | "json_array_length"
            );
        let is_tight = is_call || matches!(token.as_str(), ")" | ",") || matches!(before.as_str(), "" | "(" | "-");
        if !is_tight {
            text.push(' ');
        }
        text.push_str(&token);
        before = token;
    }
    text
}

fn values(asks: Asks, value: &str) -> Result<Vec<String>, &'static str> {
    let value = value.trim();
    if value.is_empty() && !matches!(asks, Asks::Nothing | Asks::Text) {
        return Err("it has no value");
    }
    let numbers = |values: Vec<String>| {
        if values.iter().all(|value| is_number(value)) { Ok(values) } else { Err("it asks for a number") }
    };
    match asks {
        Asks::Nothing => Ok(Vec::new()),
        Asks::Text if value.is_empty() => Err("it has no value"),
        Asks::Text => Ok(vec![quoted(value)]),
        Asks::Day => {
            let is_day = value.starts_with(|char: char| char.is_ascii_digit()) && value.len() >= 10;
            if is_day { Ok(vec![quoted(value)]) } else { Err("write the day as 2026-01-31") }
        }
        Asks::Number => numbers(vec![value.to_owned()]),
        Asks::Two => {
            let two = listed(value);
            if two.len() == 2 { numbers(two) } else { Err("it asks for two numbers, as `50, 500`") }
        }
        Asks::Texts => Ok(listed(value).iter().map(|value| quoted(value)).collect()),
        Asks::Numbers => numbers(listed(value)),
        Asks::Span => {
            let (count, unit) = value.split_once(' ').unwrap_or((value, "days"));
            let is_unit = matches!(unit, "hours" | "days" | "months" | "years");
            let is_count = (1..=5).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit());
            if is_unit && is_count { Ok(vec![format!("'-{count} {unit}'")]) } else { Err("write it as `30 days`") }
        }
    }
}

/// Values between commas; one with a comma or quotes stands in double quotes.
#[must_use]
pub fn listed(text: &str) -> Vec<String> {
    let (mut found, mut value, mut is_quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => value.push('"'),
            '"' if is_quoted => is_quoted = false,
            '"' if value.trim().is_empty() => {
                value.clear();
                (is_quoted, was_quoted) = (true, true);
            }
            ',' if !is_quoted => found.push(finished(&mut value, &mut was_quoted)),
            char => value.push(char),
        }
    }
    found.push(finished(&mut value, &mut was_quoted));
    found
}

fn finished(value: &mut String, was_quoted: &mut bool) -> String {
    let value = std::mem::take(value);
    if std::mem::take(was_quoted) { value } else { value.trim().to_owned() }
}

/// The same the other way round.
#[must_use]
pub fn joined(values: &[String]) -> String {
    let one = |value: &String| {
        let is_plain = !value.is_empty() && !value.contains([',', '"']) && value.trim() == value;
        if is_plain { value.clone() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The column and the names on the way.
fn place(what: &str) -> Option<(&'static str, Vec<String>)> {
    let what = what.trim();
    if what == "id" {
        return Some(("id", Vec::new()));
    }
    let (column, path) = match what.split_once('.') {
        Some(("identifiers", path)) => ("identifiers", path),
        Some(("traits", path)) => ("traits", path),
        _ => ("traits", what),
    };
    let names = names(path)?;
    (!names.is_empty()).then_some((column, names))
}

fn names(path: &str) -> Option<Vec<String>> {
    let (mut found, mut rest) = (Vec::new(), path);
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(inner) => inner.split_once('"').map(|(name, after)| (name.to_owned(), after))?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest.get(..end)?.to_owned(), rest.get(end..)?)
            }
        };
        if name.is_empty() || name.contains('"') {
            return None;
        }
        found.push(name);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(found),
        }
    }
}

/// What stands behind `->>`.
fn label(path: &[String]) -> String {
    match path {
        [one] if !one.starts_with('$') => one.clone(),
        _ => dollar(path),
    }
}

/// A path as SQLite's functions take it.
fn dollar(path: &[String]) -> String {
    let plain = |name: &String| name.chars().all(|char| char.is_alphanumeric() || char == '_');
    let one = |name: &String| if plain(name) { format!(".{name}") } else { format!(".\"{name}\"") };
    std::iter::once("$".to_owned()).chain(path.iter().map(one)).collect()
}

/// The name of a place: the reverse of what is written. Nothing where it is no path of names.
#[must_use]
pub fn named(column: &str, path: &str) -> Option<String> {
    let names = match path.strip_prefix("$.") {
        Some(inner) => names(inner)?,
        None if path.is_empty() || path.starts_with('$') || path.contains('"') => return None,
        None => vec![path.to_owned()],
    };
    let plain = |name: &String| name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | ' '));
    let one = |name: &String| if plain(name) { name.clone() } else { format!("\"{name}\"") };
    Some(format!("{column}.{}", names.iter().map(one).collect::<Vec<_>>().join(".")))
}
