//! One user: what is kept of it, and what a request may say of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Config;
use super::fields::Field;

/// Why a user is refused: the field, Zendesk's sentence, and the name of the error where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    field: String,
    sentence: String,
    error: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(field: &str, sentence: &str) -> Self {
        Self { field: field.to_owned(), sentence: sentence.to_owned(), error: None }
    }

    /// Zendesk, "Users", "Create or update user": what is somebody else's.
    pub(super) fn duplicate(field: &str, value: &str) -> Self {
        let mut title = field.to_owned();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let sentence = format!("{title}: {value} is already being used by another user");
        Self { error: Some("DuplicateValue"), ..Self::new(field, &sentence) }
    }

    /// Zendesk, "Responses": the envelope of a 422.
    pub(super) fn to_json(&self) -> Value {
        let mut entry = json!({"description": self.sentence});
        if let (Some(error), Some(members)) = (self.error, entry.as_object_mut()) {
            members.insert("error".to_owned(), error.into());
        }
        json!({
            "error": "RecordInvalid", "description": "Record validation errors",
            "details": {self.field.as_str(): [entry]}
        })
    }

    /// The sentence, as an entry of a job has it.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }
}

/// When everything was made: this fake has no clock.
pub(super) const CREATED_AT: &str = "2026-11-01T10:00:00Z";

/// Where Zendesk says that something is; not to be followed.
pub(super) fn url(path: &str) -> String {
    format!("https://elsewhere.example/api/v2/{path}.json")
}

/// A user.
#[derive(Debug, Clone, Default)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) external_id: Option<String>,
    /// Addresses, the first one first.
    pub(super) emails: Vec<String>,
    /// Numbers, the first one first.
    phones: Vec<String>,
    name: String,
    pub(super) tags: BTreeSet<String>,
    user_fields: BTreeMap<String, Value>,
    /// Everything else that was said, as it was said.
    others: Map<String, Value>,
}

impl User {
    pub(super) fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// A user field's value.
    pub(super) fn field(&self, key: &str) -> Option<&Value> {
        self.user_fields.get(key)
    }

    /// Takes in what a request says, or nothing of it.
    pub(super) fn take(&mut self, said: &Map<String, Value>, fields: &[Field], config: &Config) -> Result<(), Refusal> {
        let mut next = self.clone();
        for (name, value) in said {
            next.member(name, value, config)?;
        }
        if let Some(values) = said.get("user_fields") {
            next.fields(values, fields)?;
        }
        // Zendesk, "Users": a user has a name of at least one character.
        if next.name.trim().is_empty() {
            return Err(Refusal::new("name", "Name: is too short (minimum is 1 characters)"));
        }
        *self = next;
        Ok(())
    }

    fn member(&mut self, name: &str, value: &Value, config: &Config) -> Result<(), Refusal> {
        match (name, value) {
            ("name", Value::String(text)) => text.trim().clone_into(&mut self.name),
            ("external_id", Value::String(text)) => self.external_id = Some(text.clone()),
            ("email", Value::String(text)) => self.email(text)?,
            ("phone", Value::String(text)) => self.phone(text, config)?,
            // Zendesk, "Users": writing `tags` replaces the whole set.
            ("tags", Value::Array(tags)) => {
                self.tags =
                    tags.iter().filter_map(Value::as_str).filter(|tag| is_tag(tag)).map(str::to_owned).collect();
            }
            ("organization_id", Value::Null) => {
                self.others.remove(name);
            }
            ("organization_id", Value::Number(id))
                if id.as_u64().is_some_and(|id| config.organizations.contains(&id)) =>
            {
                self.others.insert(name.to_owned(), value.clone());
            }
            ("organization_id", _) => return Err(Refusal::new(name, "Organization: is not found")),
            // Zendesk's names, not those of the IANA database, which are given back as `iana_time_zone`.
            ("time_zone", Value::String(text)) if !text.contains('/') && !text.is_empty() => {
                self.others.insert(name.to_owned(), value.clone());
            }
            ("locale", Value::String(_)) | ("locale_id", Value::Number(_)) => {
                self.others.insert(name.to_owned(), value.clone());
            }
            // Only a request says whether somebody is written to; no answer has it.
            ("skip_verify_email", Value::Bool(_)) => {}
            ("details" | "notes" | "alias", Value::String(_) | Value::Null) | ("verified", Value::Bool(_)) => {
                self.others.insert(name.to_owned(), value.clone());
            }
            // Rights are taken as they come, so that a test can see that nobody sends any.
            ("role", Value::String(_)) | ("custom_role_id" | "suspended" | "moderator" | "ticket_restriction", _) => {
                self.others.insert(name.to_owned(), value.clone());
            }
            ("user_fields" | "id", _) => {}
            (
                "name" | "external_id" | "email" | "phone" | "tags" | "time_zone" | "locale" | "locale_id" | "details"
                | "notes" | "alias" | "verified" | "skip_verify_email" | "role",
                _,
            ) => return Err(Refusal::new(name, &format!("{name}: is invalid"))),
            // What Zendesk does not know, it ignores.
            _ => {}
        }
        Ok(())
    }

    /// A new address stands behind those that there are; the first stays the first.
    fn email(&mut self, text: &str) -> Result<(), Refusal> {
        let address = text.trim().to_lowercase();
        let legal = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !address.contains(char::is_whitespace) && !domain.contains('@')
        });
        if !legal {
            return Err(Refusal::new("email", &format!("Email: {text} is not properly formatted")));
        }
        if !self.emails.contains(&address) {
            self.emails.push(address);
        }
        Ok(())
    }

    /// A second number is added, an empty one takes the numbers away.
    fn phone(&mut self, text: &str, config: &Config) -> Result<(), Refusal> {
        if text.is_empty() {
            self.phones.clear();
            return Ok(());
        }
        let digits = text.strip_prefix('+').unwrap_or_default();
        let strict = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if config.validates_phones && !strict {
            return Err(Refusal::new("phone", "Phone: is invalid"));
        }
        if !self.phones.iter().any(|known| known == text) {
            self.phones.push(text.to_owned());
        }
        Ok(())
    }

    fn fields(&mut self, values: &Value, fields: &[Field]) -> Result<(), Refusal> {
        let values = values.as_object().ok_or_else(|| Refusal::new("user_fields", "User fields: is invalid"))?;
        for (key, value) in values {
            // Zendesk ignores keys that it does not know, without a word.
            let Some(field) = fields.iter().find(|field| field.key == *key && field.active) else { continue };
            let kept = field.take(value)?;
            if let Some(tag) = &field.tag {
                if kept == Value::Bool(true) {
                    self.tags.insert(tag.clone());
                } else {
                    self.tags.remove(tag);
                }
            }
            self.user_fields.insert(key.clone(), kept);
        }
        Ok(())
    }

    /// Makes an address the first one.
    pub(super) fn make_primary(&mut self, place: usize) -> bool {
        if place >= self.emails.len() {
            return false;
        }
        let address = self.emails.remove(place);
        self.emails.insert(0, address);
        true
    }

    /// As a GET shows it.
    pub(super) fn to_json(&self) -> Value {
        let mut user = self.others.clone();
        for (name, value) in [
            ("role", json!("end-user")),
            ("active", true.into()),
            ("verified", false.into()),
            ("suspended", false.into()),
            ("created_at", CREATED_AT.into()),
            ("updated_at", CREATED_AT.into()),
        ] {
            user.entry(name).or_insert(value);
        }
        for name in ["organization_id", "time_zone", "locale", "details", "notes", "alias", "last_login_at", "photo"] {
            user.entry(name).or_insert(Value::Null);
        }
        user.insert("url".to_owned(), url(&format!("users/{}", self.id)).into());
        user.insert("id".to_owned(), self.id.into());
        user.insert("external_id".to_owned(), self.external_id.clone().into());
        user.insert("name".to_owned(), self.name.clone().into());
        user.insert("email".to_owned(), self.emails.first().cloned().into());
        user.insert("phone".to_owned(), self.phones.first().cloned().into());
        user.insert("tags".to_owned(), self.tags.iter().cloned().collect());
        user.insert("user_fields".to_owned(), Value::Object(self.user_fields.clone().into_iter().collect()));
        Value::Object(user)
    }
}

/// Zendesk, "Tags": lower case, no spaces.
pub(super) fn is_tag(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && text == text.to_lowercase()
}
