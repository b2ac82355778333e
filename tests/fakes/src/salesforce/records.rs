//! The records of an org and what a write does to them.
//!
//! Owns the state. Invariant: no two records of an object that are not deleted have the same value in a unique field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::places::Places;
use super::schema::{Field, Kind, Object, Refusal};

/// Values of an external id field have at most 255 characters.
const KEY_CHARS_MAX: usize = 255;

/// All records.
#[derive(Clone, Debug)]
pub(super) struct Store {
    objects: Vec<Object>,
    records: Vec<Record>,
    places: Places,
    locks: BTreeMap<String, u32>,
    duplicate_rule: bool,
    /// Records that assignment rules ran for.
    pub(super) assigned: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Record {
    object: String,
    id: String,
    fields: Map<String, Value>,
    deleted: bool,
    converted: bool,
}

/// What the headers of a write allow it to set off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effects {
    /// `Sforce-Auto-Assign` is TRUE unless the request says FALSE.
    pub(super) assigns: bool,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub(super) passes_alerts: bool,
}

/// What became of a record that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) id: String,
    pub(super) created: bool,
}

impl Store {
    pub(super) fn new(objects: Vec<Object>, locks: BTreeMap<String, u32>, duplicate_rule: bool) -> Self {
        let places = Places::new(&objects);
        Self { objects, records: Vec::new(), places, locks, duplicate_rule, assigned: BTreeSet::new() }
    }

    /// All objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// The record of an object with this id, or with this value in a field, as a query would show it.
    pub(super) fn shown(&self, object: &Object, field: Option<&str>, value: &str) -> Option<Value> {
        let (found, name) = (self.list(&object.name), field.unwrap_or("Id"));
        let is = |record: &&Map<String, Value>| {
            let held = record.get(name).and_then(Value::as_str).unwrap_or_default();
            // Salesforce, "ID": 15 characters, or 18 in any case.
            let is_id = field.is_none() && value.len() >= 15 && held.get(..15) == value.get(..15);
            is_id || (field.is_some() && held.to_lowercase() == value.to_lowercase())
        };
        let record = found.iter().find(is)?;
        let names = std::iter::once("Id").chain(object.fields.iter().map(|field| field.name.as_str()));
        let mut shown = Map::from_iter([("attributes".to_owned(), attributes(&object.name, record))]);
        shown.extend(names.map(|name| (name.to_owned(), record.get(name).cloned().unwrap_or_default())));
        Some(shown.into())
    }

    /// The object with this name, in any case.
    pub(super) fn object(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The records of an object that are not deleted, each with its id.
    pub(super) fn list(&self, object: &str) -> Vec<Map<String, Value>> {
        let alive = self.records.iter().filter(|record| record.object.eq_ignore_ascii_case(object) && !record.deleted);
        let whole = |record: &Record| {
            let mut fields = record.fields.clone();
            fields.insert("Id".to_owned(), record.id.as_str().into());
            fields
        };
        alive.map(whole).collect()
    }

    /// Puts a record in without any check.
    pub(super) fn seed(&mut self, object: &str, fields: Map<String, Value>) -> String {
        let prefix = self.object(object).map_or_else(|| "000".to_owned(), |object| object.prefix.clone());
        let id = format!("{prefix}{:012}AAA", self.records.len() + 1);
        let object = object.to_owned();
        self.places.name(&id, self.records.len());
        self.places.enter(self.records.len(), &fields);
        self.records.push(Record { object, id: id.clone(), fields, deleted: false, converted: false });
        id
    }

    pub(super) fn convert(&mut self, external_id: &str) {
        for record in &mut self.records {
            record.converted |= record.fields.get("Enroute_Id__c").is_some_and(|known| known == external_id);
        }
    }

    /// Fields as the object spells them; the error is one of the whole body.
    pub(super) fn readable(
        &self,
        object: &Object,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, (&'static str, &'static str)> {
        let mut spelled = Map::new();
        for (name, value) in fields.iter().filter(|(name, _)| *name != "attributes") {
            let relation = |field: &&Field| field.kind == Kind::Reference && field.name.trim_end_matches("Id") == name;
            if let (Some(_), Value::Object(_)) = (object.fields.iter().find(relation), value) {
                spelled.insert(name.clone(), value.clone());
                continue;
            }
            // An unknown field refuses the request as a whole.
            let field = object.field(name).ok_or(("INVALID_FIELD", "No such column on sobject"))?;
            if !field.reads(value) {
                return Err(("JSON_PARSER_ERROR", "Cannot deserialize instance of a field from the value"));
            }
            spelled.insert(field.name.clone(), value.clone());
        }
        Ok(spelled)
    }

    /// Updates the record with this external id, or creates it unless it may only be updated.
    pub(super) fn upsert(
        &mut self,
        object: &str,
        key: &str,
        mut fields: Map<String, Value>,
        effects: Effects,
        creates: bool,
    ) -> Result<Option<Written>, Refusal> {
        let id = fields.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        if id.is_empty() {
            return Err(Refusal::new("MISSING_ARGUMENT", "External ID field not specified"));
        }
        if id.chars().count() > KEY_CHARS_MAX {
            return Err(Refusal::new("STRING_TOO_LONG", "data value too large"));
        }
        let found = self.with_value(object, key, &id);
        match found.as_slice() {
            [] if creates => self.create(object, fields, effects).map(Some),
            [] => Ok(None),
            [one] => {
                fields.remove(key);
                let one = *one;
                self.change(one, fields, effects).map(Some)
            }
            // 300 of the single form; several records match.
            _ => Err(Refusal::new("DUPLICATE_EXTERNAL_ID", "More than one record found for external id field")),
        }
    }

    pub(super) fn create(
        &mut self,
        object: &str,
        fields: Map<String, Value>,
        effects: Effects,
    ) -> Result<Written, Refusal> {
        let fields = self.linked(object, fields)?;
        let Some(known) = self.object(object).cloned() else {
            return Err(Refusal::new("INVALID_TYPE", "sObject type is not supported"));
        };
        self.locked(fields.get("Enroute_Id__c"))?;
        judge(&known, &fields)?;
        if let Some(refusal) = known.missing(&fields) {
            return Err(refusal);
        }
        let fields = if known.name == "CampaignMember" { self.membership(fields)? } else { fields };
        self.unique(&known, &fields, None)?;
        let email = fields.get("Email").and_then(Value::as_str).unwrap_or_default();
        if self.duplicate_rule && !effects.passes_alerts && !self.with_value(object, "Email", email).is_empty() {
            return Err(Refusal::new("DUPLICATES_DETECTED", "Use one of these records?"));
        }
        let id = self.seed(&known.name, fields);
        if effects.assigns {
            self.assigned.insert(id.clone());
        }
        Ok(Written { id, created: true })
    }

    /// Updates the record with this id.
    pub(super) fn update(
        &mut self,
        id: &str,
        fields: Map<String, Value>,
        effects: Effects,
    ) -> Result<Written, Refusal> {
        let Some(place) = self.places.with_id(id) else {
            return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        self.change(place, fields, effects)
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<Written, Refusal> {
        let Some(place) = self.places.with_id(id) else {
            return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        match self.records.get_mut(place) {
            Some(record) if !record.deleted => {
                record.deleted = true;
                Ok(Written { id: record.id.clone(), created: false })
            }
            _ => Err(Refusal::new("ENTITY_IS_DELETED", "entity is deleted")),
        }
    }

    fn change(&mut self, place: usize, fields: Map<String, Value>, effects: Effects) -> Result<Written, Refusal> {
        let Some(record) = self.records.get(place).cloned() else {
            return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        if record.deleted {
            return Err(Refusal::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        if record.converted {
            return Err(Refusal::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        self.locked(record.fields.get("Enroute_Id__c"))?;
        let fields = self.linked(&record.object, fields)?;
        if let Some(object) = self.object(&record.object).cloned() {
            judge(&object, &fields)?;
            let mut whole = record.fields.clone();
            whole.extend(fields.clone());
            if let Some(refusal) = object.missing(&whole) {
                return Err(refusal);
            }
            self.unique(&object, &fields, Some(place))?;
        }
        if let Some(record) = self.records.get_mut(place) {
            self.places.leave(place, &record.fields);
            record.fields.extend(fields);
            // An empty text is what null is.
            record.fields.retain(|_, value| !value.is_null() && value != "");
            self.places.enter(place, &record.fields);
        }
        if effects.assigns {
            self.assigned.insert(record.id.clone());
        }
        Ok(Written { id: record.id, created: false })
    }

    /// Places of records that are not deleted and have this value, in any case.
    pub(super) fn with_value(&self, object: &str, field: &str, value: &str) -> Vec<usize> {
        let has = |record: &Record| {
            let held = record.fields.get(field).and_then(Value::as_str).unwrap_or_default();
            !value.is_empty() && held.to_lowercase() == value.to_lowercase()
        };
        let alive = |record: &Record| record.object.eq_ignore_ascii_case(object) && !record.deleted;
        let fits = |(_, record): &(usize, &Record)| alive(record) && has(record);
        self.candidates(field, value).filter(fits).map(|(place, _)| place).collect()
    }

    /// All records that can have this value, in the order they were made; more than have it are fine.
    fn candidates(&self, field: &str, value: &str) -> Box<dyn Iterator<Item = (usize, &Record)> + '_> {
        match self.places.with_value(field, value) {
            Some(places) => Box::new(places.into_iter().filter_map(|place| Some((place, self.records.get(place)?)))),
            None => Box::new((0..).zip(&self.records)),
        }
    }

    /// Counts down the lock of a record.
    fn locked(&mut self, external_id: Option<&Value>) -> Result<(), Refusal> {
        let id = external_id.and_then(Value::as_str).unwrap_or_default();
        match self.locks.get_mut(id) {
            Some(left @ 1..) => {
                *left -= 1;
                Err(Refusal::new("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"))
            }
            _ => Ok(()),
        }
    }

    /// Replaces nested records by the ids of what they name.
    fn linked(&self, object: &str, fields: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        let Some(known) = self.object(object) else { return Ok(fields) };
        let mut flat = Map::new();
        for (name, value) in fields {
            let Value::Object(nested) = &value else {
                flat.insert(name, value);
                continue;
            };
            let field = known.fields.iter().find(|field| field.name.trim_end_matches("Id") == name);
            let named = |(_, record): &(usize, &Record)| {
                !record.deleted && nested.iter().all(|(name, value)| record.fields.get(name) == Some(value))
            };
            // The first text is what a record is mostly named by.
            let (name, value) =
                nested.iter().find_map(|(name, value)| Some((name.as_str(), value.as_str()?))).unwrap_or_default();
            match (field, self.candidates(name, value).find(named)) {
                (Some(field), Some((_, record))) => flat.insert(field.name.clone(), record.id.as_str().into()),
                _ => return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", "Foreign key external ID not found")),
            };
        }
        Ok(flat)
    }

    fn unique(&self, object: &Object, fields: &Map<String, Value>, own: Option<usize>) -> Result<(), Refusal> {
        for field in object.fields.iter().filter(|field| field.unique) {
            let value = fields.get(&field.name).and_then(Value::as_str).unwrap_or_default();
            if self.with_value(&object.name, &field.name, value).iter().any(|place| Some(*place) != own) {
                return Err(Refusal::new("DUPLICATE_VALUE", "duplicate value found"));
            }
        }
        Ok(())
    }

    /// Salesforce, "CampaignMember": one lead or one contact, of whom the contact wins; once in a campaign.
    fn membership(&self, mut fields: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        let person = if fields.contains_key("ContactId") { "ContactId" } else { "LeadId" };
        if person == "ContactId" {
            fields.remove("LeadId");
        }
        let id = fields.get(person).and_then(Value::as_str).unwrap_or_default();
        if id.is_empty() {
            return Err(Refusal::new("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId or ContactId]"));
        }
        let campaign = fields.get("CampaignId").and_then(Value::as_str).unwrap_or_default();
        if self.places.with_id(id).is_none() || self.places.with_id(campaign).is_none() {
            return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        }
        let same = |(_, record): (usize, &Record)| {
            let is_link = !record.deleted && record.object.eq_ignore_ascii_case("CampaignMember");
            is_link && [person, "CampaignId"].iter().all(|name| record.fields.get(*name) == fields.get(*name))
        };
        if self.candidates(person, id).any(same) {
            return Err(Refusal::new("DUPLICATE_VALUE", "Already a campaign member."));
        }
        Ok(fields)
    }
}

/// Salesforce, "sObject rows": each has its type and its address.
pub(super) fn attributes(object: &str, record: &Map<String, Value>) -> Value {
    let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
    json!({"type": object, "url": format!("/services/data/v67.0/sobjects/{object}/{id}")})
}

/// The first field whose value cannot be stored.
fn judge(object: &Object, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let refused = |(name, value): (&String, &Value)| object.field(name).and_then(|field| field.refuse(value));
    fields.iter().find_map(refused).map_or(Ok(()), Err)
}
