//! One contact: what a request may say of it, and what becomes of it when the job ends.
//!
//! Pure. Pages "Add or Update a Contact" and "Using Custom Fields".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fields::{Field, FieldType};

/// The four identifiers.
pub(super) const IDENTIFIERS: [&str; 4] = ["email", "phone_number_id", "external_id", "anonymous_id"];

/// Longest texts, in characters, where they are documented.
const LENGTHS: [(&str, usize); 12] = [
    ("email", 254),
    ("external_id", 254),
    ("anonymous_id", 254),
    ("phone_number_id", 16),
    ("first_name", 50),
    ("last_name", 50),
    ("address_line_1", 100),
    ("address_line_2", 100),
    ("city", 60),
    ("state_province_region", 50),
    ("country", 50),
    ("postal_code", usize::MAX),
];

/// Further texts that the field definitions list as writable.
const TEXTS: [&str; 5] = ["phone_number", "whatsapp", "line", "facebook", "unique_name"];

/// When every contact was made: this fake has no clock.
pub(super) const CREATED_AT: &str = "2026-11-01T10:00:00Z";

/// Most alternate addresses.
const ALTERNATE_EMAILS_MAX: usize = 5;

/// A contact of the account.
#[derive(Debug, Default, Clone)]
pub(super) struct Contact {
    pub(super) ids: BTreeMap<String, String>,
    pub(super) lists: BTreeSet<String>,
    fields: Map<String, Value>,
    customs: Map<String, Value>,
}

impl Contact {
    /// What a search shows.
    pub(super) fn shown(&self, id: &str) -> Value {
        let mut shown = self.fields.clone();
        for (kind, value) in &self.ids {
            shown.insert(kind.clone(), value.as_str().into());
        }
        shown.insert("id".to_owned(), id.into());
        shown.insert("list_ids".to_owned(), json!(self.lists));
        shown.insert("custom_fields".to_owned(), Value::Object(self.customs.clone()));
        Value::Object(shown)
    }

    /// What a look-up answers: all that a contact can have, and an empty text for what this one has not.
    pub(super) fn answered(&self, id: &str) -> Value {
        let mut answer = json!({
            "alternate_emails": [], "segment_ids": [], "created_at": CREATED_AT, "updated_at": CREATED_AT,
            "_metadata": { "self": format!("https://api.sendgrid.com/v3/marketing/contacts/{id}") },
        });
        if let (Some(answer), Value::Object(shown)) = (answer.as_object_mut(), self.shown(id)) {
            let texts = LENGTHS.iter().map(|(name, _)| *name).chain(TEXTS);
            answer.extend(texts.map(|name| (name.to_owned(), "".into())));
            answer.extend(shown);
        }
        answer
    }

    /// Takes over what a request says; what it leaves out stays.
    pub(super) fn update(&mut self, request: &Map<String, Value>, lists: &[String]) {
        self.ids.extend(identifiers(request));
        self.lists.extend(lists.iter().cloned());
        for (name, value) in request {
            match (name.as_str(), value) {
                ("custom_fields", Value::Object(customs)) => self.customs.extend(customs.clone()),
                (name, _) if IDENTIFIERS.contains(&name) => {}
                (name, value) => {
                    self.fields.insert(name.to_owned(), value.clone());
                }
            }
        }
    }
}

/// The identifiers in a request, as they are stored: addresses in lower case.
pub(super) fn identifiers(request: &Map<String, Value>) -> BTreeMap<String, String> {
    let of = |kind: &&str| {
        let text = request.get(*kind)?.as_str().filter(|text| !text.is_empty())?;
        Some(((*kind).to_owned(), if *kind == "email" { text.to_lowercase() } else { text.to_owned() }))
    };
    IDENTIFIERS.iter().filter_map(of).collect()
}

/// Whether a text can be an identifier of this type.
pub(super) fn is_identifier(kind: &str, text: &str) -> bool {
    match kind {
        "email" => is_email(text),
        // "Add or Update a Contact": a valid phone number; `+`, a digit that is no zero, 1 to 14 more.
        "phone_number_id" => text.strip_prefix('+').is_some_and(|digits| {
            (2..=15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        }),
        _ => (1..=254).contains(&text.chars().count()),
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let legal = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;<>()".contains(c));
    text.chars().count() <= 254
        && legal(local)
        && legal(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

/// What is wrong with a contact before anything is queued: message and field, which the whole request is refused for.
pub(super) fn check(at: usize, contact: &Value) -> Result<(), (String, String)> {
    let refuse = |message: String, field: &str| Err((message, format!("contacts[{at}]{field}")));
    let Some(contact) = contact.as_object() else { return refuse("a contact must be an object".to_owned(), "") };
    // "Add or Update a Contact": at least one identifier.
    if identifiers(contact).is_empty() {
        return refuse("at least one identifier is required".to_owned(), ".identifier");
    }
    for (name, value) in contact {
        let field = format!(".{name}");
        match (name.as_str(), value) {
            // The schema has plain strings: null is refused.
            (name, value) if is_text(name) => match value.as_str() {
                Some(text) if too_long(name, text) => return refuse(format!("{name} is too long"), &field),
                Some(text) if IDENTIFIERS.contains(&name) && !is_identifier(name, text) => {
                    let kind = if name == "email" { "email" } else { name };
                    return refuse(format!("{kind} '{text}' is not valid"), ".identifier");
                }
                Some(_) => {}
                None => return refuse(format!("{name} must be a string"), &field),
            },
            ("alternate_emails", value) => {
                let list = value.as_array().filter(|list| list.len() <= ALTERNATE_EMAILS_MAX);
                if !list.is_some_and(|list| list.iter().all(|one| one.as_str().is_some_and(is_email))) {
                    return refuse("alternate_emails must be at most 5 addresses".to_owned(), &field);
                }
            }
            ("custom_fields", Value::Object(customs)) => {
                // A value is a text or a number; null is neither.
                if let Some((id, _)) = customs.iter().find(|(_, value)| !value.is_string() && !value.is_number()) {
                    return refuse("a custom field must be a string or a number".to_owned(), &format!("{field}.{id}"));
                }
            }
            ("custom_fields", _) => return refuse("custom_fields must be an object".to_owned(), &field),
            // Further properties pass.
            _ => {}
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    LENGTHS.iter().any(|(known, _)| *known == name) || TEXTS.contains(&name)
}

fn too_long(name: &str, text: &str) -> bool {
    let most = LENGTHS.iter().find(|(known, _)| *known == name).map_or(usize::MAX, |(_, most)| *most);
    // An overlong address or number is no valid one, and is told as such.
    !matches!(name, "email" | "phone_number_id") && text.chars().count() > most
}

/// What is wrong with the values of a contact when its job comes to it: then it is not written.
pub(super) fn check_customs(request: &Map<String, Value>, fields: &[Field]) -> Result<(), String> {
    let Some(Value::Object(customs)) = request.get("custom_fields") else { return Ok(()) };
    for (id, value) in customs {
        let kind = fields.iter().find(|field| field.id == *id).map(|field| field.kind);
        let fits = match (kind, value) {
            (Some(FieldType::Text), Value::String(text)) => text.chars().count() <= 1_000,
            (Some(FieldType::Number), Value::Number(_)) => true,
            // "Using Custom Fields": MM/DD/YYYY, also with one digit. A number of seconds makes no contact.
            (Some(FieldType::Date), Value::String(text)) => is_day(text),
            _ => false,
        };
        if !fits {
            return Err(format!("the value of custom field {id} does not fit its type"));
        }
    }
    Ok(())
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let number = |text: &str, most: u32| {
        let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain && text.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number))
    };
    match parts.as_slice() {
        [month, day, year] => {
            number(month, 12) && number(day, 31) && year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}
