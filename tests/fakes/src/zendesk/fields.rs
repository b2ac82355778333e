//! User fields: what exists, and what each takes.

use serde_json::{Value, json};

use super::user::{CREATED_AT, Refusal, url};

/// A user field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in `user_fields`.
    pub key: String,
    /// What agents read.
    pub title: String,
    /// What it takes.
    pub kind: Kind,
    /// Values (not labels) of its options.
    pub options: Vec<String>,
    /// The tag that a set checkbox gives its user.
    pub tag: Option<String>,
    /// Whether it is in use.
    pub active: bool,
}

/// What a user field takes: the types of Zendesk, "User Fields".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line of text.
    Text,
    /// Lines of text.
    Textarea,
    /// True or false.
    Checkbox,
    /// A day.
    Date,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// One of its options.
    Dropdown,
    /// Several of its options.
    Multiselect,
}

const KINDS: [(&str, Kind); 8] = [
    ("text", Kind::Text),
    ("textarea", Kind::Textarea),
    ("checkbox", Kind::Checkbox),
    ("date", Kind::Date),
    ("integer", Kind::Integer),
    ("decimal", Kind::Decimal),
    ("dropdown", Kind::Dropdown),
    ("multiselect", Kind::Multiselect),
];

impl Field {
    /// A field in use, without options, whose title is its key.
    pub fn new(key: &str, kind: Kind) -> Self {
        let (key, title) = (key.to_owned(), key.to_owned());
        Self { key, title, kind, options: Vec::new(), tag: None, active: true }
    }

    /// With options, by their values.
    #[must_use]
    pub fn options<'a>(mut self, options: impl IntoIterator<Item = &'a str>) -> Self {
        self.options = options.into_iter().map(str::to_owned).collect();
        self
    }

    /// As it is shown; its id is its place among the fields, from 1.
    pub(super) fn to_json(&self, place: usize) -> Value {
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("text", |(name, _)| *name);
        let option = |(number, value): (usize, &String)| json!({"id": number + 1, "name": format!("Label of {value}"), "value": value});
        json!({
            "id": place, "url": url(&format!("user_fields/{place}")), "position": place,
            "key": self.key, "title": self.title, "raw_title": self.title, "description": "", "raw_description": "",
            "type": kind, "active": self.active, "system": false, "tag": self.tag, "regexp_for_validation": null,
            "created_at": CREATED_AT, "updated_at": CREATED_AT,
            "custom_field_options": self.options.iter().enumerate().map(option).collect::<Vec<_>>(),
        })
    }

    /// Zendesk, "User Fields", "Create user field": key and title are needed, the type is text where it is not given;
    /// the key has letters, digits and underscores and is not only digits; one that exists is refused with 422.
    pub(super) fn create(asked: &Value, known: &[Self]) -> Result<Self, Refusal> {
        let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = text("key");
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if key.is_empty() || !key.bytes().all(legal) || key.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::new("key", "Key: is invalid"));
        }
        if known.iter().any(|field| field.key == key) {
            return Err(Refusal::new("key", "Key: has already been taken"));
        }
        if text("title").is_empty() {
            return Err(Refusal::new("title", "Title: cannot be blank"));
        }
        let name = asked.get("type").and_then(Value::as_str).unwrap_or("text");
        let kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| Refusal::new("type", "Type: is invalid"))?;
        Ok(Self { title: text("title").to_owned(), ..Self::new(key, kind) })
    }

    /// The value as it is kept, or why it is refused. Null clears, and a cleared checkbox is false.
    pub(super) fn take(&self, value: &Value) -> Result<Value, Refusal> {
        let place = format!("user_fields.{}", self.key);
        let refused = || Refusal::new(&place, &format!("{}: is invalid", self.title));
        let fits = match (self.kind, value) {
            (Kind::Checkbox, Value::Null) => return Ok(Value::Bool(false)),
            (_, Value::Null) => return Ok(Value::Null),
            (Kind::Text | Kind::Textarea, Value::String(_)) | (Kind::Checkbox, Value::Bool(_)) => true,
            (Kind::Integer, Value::Number(number)) => !number.to_string().contains(['.', 'e', 'E']),
            (Kind::Decimal, Value::Number(_)) => true,
            // A point in time is cut to the day's beginning.
            (Kind::Date, Value::String(text)) => {
                return day(text).map(|day| json!(format!("{day}T00:00:00+00:00"))).ok_or_else(refused);
            }
            // The value of an option, not its label.
            (Kind::Dropdown, Value::String(text)) => self.options.contains(text),
            (Kind::Multiselect, Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some_and(|text| self.options.iter().any(|o| o == text)))
            }
            _ => false,
        };
        if fits { Ok(value.clone()) } else { Err(refused()) }
    }
}

/// `YYYY-MM-DD` at the beginning of a text.
fn day(text: &str) -> Option<&str> {
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, date] = parts.as_slice() else { return None };
    let number = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u32>().ok())?
    };
    number(year, 4)?;
    let legal = (1..=12).contains(&number(month, 2)?) && (1..=31).contains(&number(date, 2)?);
    (legal && (rest.is_empty() || rest.starts_with('T'))).then_some(day)
}
