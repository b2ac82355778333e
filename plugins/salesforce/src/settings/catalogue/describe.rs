//! The answer of `sobjects/{Object}/describe`, and what is kept of it.
//!
//! Picklist values can be many, so they are kept for the fields that matter only.

use enroute_sdk::{AccountItem, ValueType};
use serde::Deserialize;

use super::{Field, Kind};

/// The parts of a description that are looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Describe {
    /// The object's own spelling of its name.
    pub(crate) name: String,
    #[serde(default)]
    fields: Vec<Described>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Described {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    length: u32,
    createable: bool,
    updateable: bool,
    external_id: bool,
    id_lookup: bool,
    case_sensitive: bool,
    nillable: bool,
    defaulted_on_create: bool,
    restricted_picklist: bool,
    relationship_name: Option<String>,
    picklist_values: Vec<Choice>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    value: String,
    active: bool,
}

impl Describe {
    /// The fields, with the values of restricted picklists for those that matter.
    pub(crate) fn fields(self, matters: impl Fn(&str) -> bool) -> Vec<Field> {
        self.fields.into_iter().map(|field| kept(field, &matters)).collect()
    }
}

impl Describe {
    /// The fields that can be written, as a host offers them, and the names under which related records are nested.
    pub(crate) fn account(&self) -> Vec<AccountItem> {
        let written = self.fields.iter().filter(|field| field.createable || field.updateable);
        written.filter(|field| kind(&field.kind) != Kind::Compound).flat_map(Described::items).collect()
    }
}

impl Described {
    fn items(&self) -> impl Iterator<Item = AccountItem> {
        let choices = self.picklist_values.iter().filter(|choice| choice.active && self.restricted_picklist);
        let item = AccountItem::field(&self.name, takes(kind(&self.kind)))
            .label(if self.label == self.name { "" } else { &self.label })
            .required(self.is_required())
            .choices(choices.map(|choice| choice.value.as_str()));
        let nested = self.relationship_name.as_deref().map(|name| AccountItem::field(name, ValueType::Object));
        std::iter::once(item).chain(nested)
    }

    /// Whether no record can be created without it. A checkbox is false where nothing is said.
    fn is_required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create && kind(&self.kind) != Kind::Boolean
    }
}

const fn takes(kind: Kind) -> ValueType {
    match kind {
        Kind::Text | Kind::LongText | Kind::Email | Kind::Phone | Kind::Picklist | Kind::Reference => ValueType::Text,
        Kind::Boolean => ValueType::Boolean,
        Kind::Integer | Kind::Number => ValueType::Number,
        Kind::Date => ValueType::Date,
        Kind::DateTime => ValueType::Moment,
        Kind::MultiPicklist => ValueType::List,
        Kind::Unknown | Kind::Compound => ValueType::Any,
    }
}

fn kept(field: Described, matters: impl Fn(&str) -> bool) -> Field {
    let kind = kind(&field.kind);
    let required = field.is_required();
    let flags = [
        ('c', field.createable),
        ('u', field.updateable),
        ('x', field.external_id),
        ('i', field.id_lookup),
        ('s', field.case_sensitive),
        ('r', required),
    ];
    let restricted = field.restricted_picklist && matters(&field.name);
    let values = || field.picklist_values.into_iter().filter(|choice| choice.active).map(|choice| choice.value);
    let limited = matches!(kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone | Kind::Picklist);
    Field {
        kind,
        length: if limited { field.length } else { 0 },
        flags: flags.into_iter().filter_map(|(flag, set)| set.then_some(flag)).collect(),
        relationship: field.relationship_name,
        values: restricted.then(|| values().collect()),
        name: field.name,
    }
}

/// Field types of the object reference.
fn kind(text: &str) -> Kind {
    match text {
        "string" | "url" | "combobox" | "encryptedstring" => Kind::Text,
        "textarea" => Kind::LongText,
        "email" => Kind::Email,
        "phone" => Kind::Phone,
        "boolean" => Kind::Boolean,
        "int" | "long" => Kind::Integer,
        "double" | "currency" | "percent" => Kind::Number,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        "picklist" => Kind::Picklist,
        "multipicklist" => Kind::MultiPicklist,
        "reference" | "id" => Kind::Reference,
        "address" | "location" | "base64" | "complexvalue" => Kind::Compound,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD: &str = r#"{"name": "Lead", "fields": [
        {"name": "LastName", "type": "string", "length": 80, "createable": true, "updateable": true, "nillable": false},
        {"name": "Enroute_Id__c", "type": "string", "length": 255, "createable": true, "updateable": true,
         "nillable": true, "externalId": true, "idLookup": true},
        {"name": "Rating", "type": "picklist", "length": 40, "createable": true, "updateable": true, "nillable": true,
         "restrictedPicklist": true, "picklistValues": [{"value": "Hot", "active": true}, {"value": "Old", "active": false}]},
        {"name": "IsConverted", "type": "boolean", "createable": true, "updateable": false, "nillable": false},
        {"name": "Address", "type": "address"}]}"#;

    fn lead(matters: bool) -> Vec<Field> {
        serde_json::from_str::<Describe>(LEAD).expect("a description").fields(|_| matters)
    }

    #[test]
    fn flags_are_kept_and_what_is_required_is_worked_out() {
        let flags: Vec<_> = lead(true).into_iter().map(|field| (field.name, field.flags)).collect();
        let expect =
            [("LastName", "cur"), ("Enroute_Id__c", "cuxi"), ("Rating", "cu"), ("IsConverted", "c"), ("Address", "")];
        assert_eq!(flags, expect.map(|(name, flags)| (name.to_owned(), flags.to_owned())));
    }

    #[test]
    fn picklist_values_are_kept_where_they_matter_and_are_in_use() {
        let values = |matters| lead(matters).into_iter().find_map(|field| field.values);
        assert_eq!(values(true), Some(vec!["Hot".to_owned()]));
        assert_eq!(values(false), None);
    }
}
