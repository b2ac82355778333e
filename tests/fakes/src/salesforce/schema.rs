//! Objects, their fields, and what a field takes.
//!
//! Types and lengths are those of the object reference for Lead, Contact and Account.

use serde_json::{Map, Value, json};

use super::Config;

/// An object of the org.
#[derive(Clone, Debug)]
pub struct Object {
    /// The API name.
    pub name: String,
    /// First three characters of the ids of its records.
    pub prefix: String,
    /// Its fields, without `Id`.
    pub fields: Vec<Field>,
}

/// A field of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// The API name.
    pub name: String,
    /// What it takes.
    pub kind: Kind,
    /// Longest text in characters.
    pub length: usize,
    /// Whether a new record needs it.
    pub required: bool,
    /// Whether it can be written at all.
    pub writable: bool,
    /// Whether it can be the key of an upsert.
    pub external_id: bool,
    /// Whether no two records may have the same value.
    pub unique: bool,
    /// The values of a restricted picklist.
    pub values: Option<Vec<String>>,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A text on several lines.
    LongText,
    /// An e-mail address.
    Email,
    /// True or false, never null.
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    /// A number.
    Number,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM-DDThh:mm:ss.sssZ`, or with an offset.
    DateTime,
    /// One value of a list.
    Picklist,
    /// Several values with semicolons between them.
    MultiPicklist,
    /// The id of a record.
    Reference,
}

/// A refusal of one record: status code, message, fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) fields: Vec<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: &str) -> Self {
        Self { code, message: message.to_owned(), fields: Vec::new() }
    }

    fn field(code: &'static str, message: &str, field: &str) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::new(code, message) }
    }
}

impl Field {
    /// A field that is neither required nor unique.
    pub fn new(name: &str, kind: Kind, length: usize) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            length,
            required: false,
            writable: true,
            external_id: false,
            unique: false,
            values: None,
        }
    }

    /// A checkbox.
    pub fn checkbox(name: &str) -> Self {
        Self::new(name, Kind::Boolean, 0)
    }

    /// A number.
    pub fn number(name: &str) -> Self {
        Self::new(name, Kind::Number, 0)
    }

    /// A text of at most 255 characters.
    pub fn text(name: &str) -> Self {
        Self::new(name, Kind::Text, 255)
    }

    /// A text of at most 255 characters, unique and marked as an external id.
    pub fn external_id(name: &str) -> Self {
        Self { external_id: true, unique: true, ..Self::text(name) }
    }

    /// A restricted multi-select picklist.
    pub fn multi_picklist(name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Self { values: Some(values), ..Self::new(name, Kind::MultiPicklist, 4_099) }
    }

    const fn needed(mut self) -> Self {
        self.required = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    fn describe(&self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::LongText => "textarea",
            Kind::Email => "email",
            Kind::Boolean => "boolean",
            Kind::Integer => "int",
            Kind::Number => "double",
            Kind::Date => "date",
            Kind::DateTime => "datetime",
            Kind::Picklist => "picklist",
            Kind::MultiPicklist => "multipicklist",
            Kind::Reference => "reference",
        };
        let choice = |value: &String| json!({"value": value, "label": value, "active": true, "defaultValue": false});
        json!({
            "name": self.name, "label": self.name, "type": kind, "length": self.length,
            "createable": self.writable, "updateable": self.writable,
            "nillable": !self.required && self.kind != Kind::Boolean,
            "defaultedOnCreate": self.kind == Kind::Boolean,
            "externalId": self.external_id, "idLookup": self.external_id, "unique": self.unique, "caseSensitive": false,
            "restrictedPicklist": self.values.is_some(),
            "picklistValues": self.values.iter().flatten().map(choice).collect::<Vec<_>>(),
            "relationshipName": (self.kind == Kind::Reference).then(|| self.name.trim_end_matches("Id")),
        })
    }

    /// Whether a JSON value has the form that the field is read in; where not, the whole body cannot be read.
    ///
    /// A date field takes a day; a moment, a number or a boolean makes the JSON unreadable to Salesforce.
    pub(super) fn reads(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (_, Value::Null) => true,
            (Kind::Boolean, value) => value.is_boolean(),
            (Kind::Integer, value) => value.is_i64() || value.is_u64(),
            (Kind::Number, value) => value.is_number(),
            (Kind::Date, Value::String(text)) => is_day(text),
            (Kind::DateTime, Value::String(text)) => is_moment(text),
            (_, Value::Array(_) | Value::Object(_)) => false,
            _ => true,
        }
    }

    /// Why a value of the right form cannot be stored.
    pub(super) fn refuse(&self, value: &Value) -> Option<Refusal> {
        let no = |code, message: &str| Some(Refusal::field(code, message, &self.name));
        if !self.writable {
            return no(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Unable to create/update fields; check the security settings",
            );
        }
        if value.is_null() {
            // A checkbox is true or false, never null.
            return if self.kind == Kind::Boolean {
                no("INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type")
            } else {
                None
            };
        }
        let text = value.as_str().unwrap_or_default();
        if self.length > 0 && text.chars().count() > self.length {
            return no("STRING_TOO_LONG", "data value too large");
        }
        let known = |text: &str| self.values.as_ref().is_none_or(|values| values.iter().any(|value| value == text));
        match self.kind {
            Kind::Email if !text.is_empty() && !is_email(text) => no("INVALID_EMAIL_ADDRESS", "invalid email address"),
            Kind::Integer if value.as_i64().is_none_or(|number| i32::try_from(number).is_err()) => {
                no("NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range")
            }
            Kind::Picklist if !text.is_empty() && !known(text) => {
                no("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field")
            }
            Kind::MultiPicklist if !text.is_empty() && !text.split(';').all(known) => {
                no("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field")
            }
            Kind::Reference if !text.is_empty() && !is_id(text) => no("MALFORMED_ID", "id value of incorrect type"),
            _ => None,
        }
    }
}

impl Object {
    /// An object of the org's own.
    pub fn new(name: &str, prefix: &str, fields: Vec<Field>) -> Self {
        Self { name: name.to_owned(), prefix: prefix.to_owned(), fields }
    }

    /// The field with this name; names are compared without case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// As the list of all objects has it.
    pub(super) fn summary(&self) -> Value {
        json!({"name": self.name, "label": self.name, "keyPrefix": self.prefix, "createable": true, "updateable": true,
            "urls": {"sobject": format!("/services/data/v67.0/sobjects/{}", self.name)}})
    }

    pub(super) fn describe(&self) -> Value {
        let id = json!({"name": "Id", "type": "id", "length": 18, "createable": false, "updateable": false,
            "nillable": false, "defaultedOnCreate": true, "externalId": false, "idLookup": true});
        let fields: Vec<Value> = std::iter::once(id).chain(self.fields.iter().map(Field::describe)).collect();
        json!({"name": self.name, "label": self.name, "keyPrefix": self.prefix, "createable": true, "updateable": true,
            "fields": fields})
    }

    /// Required fields that a new record does not have.
    pub(super) fn missing(&self, fields: &Map<String, Value>) -> Option<Refusal> {
        let empty = |name: &str| {
            matches!(fields.get(name), None | Some(Value::Null)) || fields.get(name).is_some_and(|v| v == "")
        };
        let missing: Vec<String> = self
            .fields
            .iter()
            .filter(|field| field.required && empty(&field.name))
            .map(|field| field.name.clone())
            .collect();
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        (!missing.is_empty()).then_some(Refusal { code: "REQUIRED_FIELD_MISSING", message, fields: missing })
    }
}

/// All objects of an org.
pub(super) fn objects(config: &Config) -> Vec<Object> {
    let mut objects = vec![
        Object::new("Lead", "00Q", lead()),
        Object::new("Contact", "003", contact()),
        Object::new("Account", "001", account()),
        Object::new("Campaign", "701", vec![Field::new("Name", Kind::Text, 80).needed(), Field::checkbox("IsActive")]),
        Object::new(
            "CampaignMember",
            "00v",
            vec![
                Field::new("CampaignId", Kind::Reference, 0).needed(),
                Field::new("LeadId", Kind::Reference, 0),
                Field::new("ContactId", Kind::Reference, 0),
                // Salesforce, "CampaignMember": each campaign has its own list of statuses, of at most 40 characters.
                Field {
                    values: Some(vec!["Sent".into(), "Responded".into()]),
                    ..Field::new("Status", Kind::Picklist, 40)
                },
            ],
        ),
    ];
    objects.extend(config.objects.iter().cloned());
    for (name, field) in &config.fields {
        if let Some(object) = objects.iter_mut().find(|object| object.name == *name) {
            object.fields.push(field.clone());
        }
    }
    objects
}

fn texts(fields: &[(&str, usize)]) -> impl Iterator<Item = Field> {
    fields.iter().map(|(name, length)| Field::new(name, Kind::Text, *length))
}

fn person() -> Vec<Field> {
    let mut fields = vec![
        Field::new("LastName", Kind::Text, 80).needed(),
        Field::new("Email", Kind::Email, 80),
        Field::new("Description", Kind::LongText, 32_000),
        Field::checkbox("HasOptedOutOfEmail"),
        Field::checkbox("DoNotCall"),
        Field::new("Name", Kind::Text, 121).read_only(),
        Field::new("OwnerId", Kind::Reference, 0),
    ];
    fields.extend(texts(&[("FirstName", 40), ("Phone", 40), ("MobilePhone", 40), ("Fax", 40), ("Title", 128)]));
    fields
}

fn lead() -> Vec<Field> {
    let rating = ["Hot", "Warm", "Cold"].map(str::to_owned).to_vec();
    let mut fields = person();
    fields.extend(texts(&[
        ("Street", 255),
        ("City", 40),
        ("State", 80),
        ("PostalCode", 20),
        ("Country", 80),
        ("Website", 255),
    ]));
    fields.extend([
        Field::new("Company", Kind::Text, 255).needed(),
        Field { values: Some(rating), ..Field::new("Rating", Kind::Picklist, 40) },
        Field::new("LeadSource", Kind::Picklist, 40),
        Field::new("Industry", Kind::Picklist, 40),
        Field::new("NumberOfEmployees", Kind::Integer, 0),
        Field::new("AnnualRevenue", Kind::Number, 0),
        Field::checkbox("IsConverted").read_only(),
    ]);
    fields
}

fn contact() -> Vec<Field> {
    let mut fields = person();
    fields.extend(texts(&[
        ("MailingStreet", 255),
        ("MailingCity", 40),
        ("MailingState", 80),
        ("MailingPostalCode", 20),
        ("MailingCountry", 80),
        ("Department", 80),
    ]));
    fields.extend([Field::new("AccountId", Kind::Reference, 0), Field::new("Birthdate", Kind::Date, 0)]);
    fields
}

fn account() -> Vec<Field> {
    let mut fields = vec![
        Field::new("Name", Kind::Text, 255).needed(),
        Field::new("NumberOfEmployees", Kind::Integer, 0),
        Field::new("AnnualRevenue", Kind::Number, 0),
        Field::new("Description", Kind::LongText, 32_000),
    ];
    fields.extend(texts(&[
        ("AccountNumber", 40),
        ("BillingCity", 40),
        ("BillingCountry", 80),
        ("Phone", 40),
        ("Website", 255),
    ]));
    fields
}

/// 15 or 18 letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_email(text: &str) -> bool {
    let sound = |part: &str| !part.is_empty() && !part.contains([' ', '@', ',']);
    text.split_once('@').is_some_and(|(local, domain)| sound(local) && sound(domain) && domain.contains('.'))
}

fn is_day(text: &str) -> bool {
    let digit = |place: usize| !matches!(place, 4 | 7);
    text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| if digit(place) { byte.is_ascii_digit() } else { byte == b'-' })
}

fn is_moment(text: &str) -> bool {
    let Some((day, time)) = text.split_once('T') else { return false };
    let clock = time.trim_end_matches('Z').split(['+', '-']).next().unwrap_or_default();
    let zoned = time.ends_with('Z') || time.contains(['+', '-']);
    is_day(day) && zoned && clock.split(':').count() == 3
}
