//! Custom fields: names with ids, whose end tells the type.

use serde_json::{Value, json};

use crate::server::{Recorded, Reply};

use super::{State, error};

/// "Create Custom Field Definition": custom fields of an account.
const FIELDS_MAX: usize = 500;

/// "Create Custom Field Definition": characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// Names that SendGrid reserves, with whether they are its own to write.
const RESERVED: [(&str, bool); 26] = [
    ("first_name", false),
    ("last_name", false),
    ("email", false),
    ("alternate_emails", false),
    ("address_line_1", false),
    ("address_line_2", false),
    ("city", false),
    ("state_province_region", false),
    ("postal_code", false),
    ("country", false),
    ("phone_number", false),
    ("whatsapp", false),
    ("line", false),
    ("facebook", false),
    ("unique_name", false),
    ("phone_number_id", false),
    ("external_id", false),
    ("anonymous_id", false),
    ("email_domains", true),
    ("last_clicked", true),
    ("last_opened", true),
    ("last_emailed", true),
    ("singlesend_id", true),
    ("created_at", true),
    ("updated_at", true),
    ("contact_id", true),
];

/// Where SendGrid says that fields are.
const FIELDS_URL: &str = "https://api.sendgrid.com/v3/marketing/field_definitions";

/// What a custom field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A day, `MM/DD/YYYY`.
    Date,
}

/// A custom field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: FieldType,
}

impl FieldType {
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::Text, "Text", "T"), (Self::Number, "Number", "N"), (Self::Date, "Date", "D")];

    fn words(self) -> (&'static str, &'static str) {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or(("", ""), |(_, word, end)| (*word, *end))
    }
}

impl State {
    pub(super) fn new_field(&mut self, name: &str, kind: FieldType) -> Field {
        self.numbered += 1;
        let field = Field { id: format!("e{}_{}", self.numbered, kind.words().1), name: name.to_owned(), kind };
        self.fields.push(field.clone());
        field
    }

    /// `GET /v3/marketing/field_definitions`.
    pub(super) fn definitions(&self) -> Reply {
        let reserved = RESERVED.iter().enumerate().map(|(number, (name, read_only))| {
            json!({ "id": format!("_rf{number}_T"), "name": name, "field_type": "Text", "read_only": read_only })
        });
        let reserved: Vec<Value> = reserved.collect();
        let custom: Vec<Value> = self.fields.iter().map(shown).collect();
        Reply::json(
            200,
            &json!({ "custom_fields": custom, "reserved_fields": reserved, "_metadata": { "self": FIELDS_URL } }),
        )
    }

    /// `POST /v3/marketing/field_definitions`.
    pub(super) fn define(&mut self, request: &Recorded) -> Reply {
        let body = request.json().unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        let kind = FieldType::ALL.iter().find(|(_, word, _)| *word == text("field_type"));
        // "Create Custom Field Definition": letters, digits and underscores; free, whatever the case; not reserved.
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let begins = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        let taken = self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
            || RESERVED.iter().any(|(reserved, _)| reserved.eq_ignore_ascii_case(name));
        match kind {
            Some((kind, ..)) if plain && begins && !taken && name.len() <= NAME_CHARS_MAX => {
                if self.fields.len() >= FIELDS_MAX {
                    return error(400, "there are 500 custom fields already", Value::Null);
                }
                let field = self.new_field(name, *kind);
                Reply::json(200, &shown(&field))
            }
            Some(_) => error(400, "the name is taken or not valid", "name".into()),
            None => error(400, "field_type must be Text, Number or Date", "field_type".into()),
        }
    }
}

fn shown(field: &Field) -> Value {
    let own = format!("{FIELDS_URL}/{}", field.id);
    json!({
        "id": field.id, "name": field.name, "field_type": field.kind.words().0, "_metadata": { "self": own }
    })
}
