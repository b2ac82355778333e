//! The fields of a project and their types.
//!
//! Iterable, "Field Data Types": the first value ever sent fixes the type, and another type later is refused with the whole request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::server::Reply;

use super::{Config, refused};

/// All fields; names of parts of objects have dots.
#[derive(Debug, Default)]
pub(super) struct Fields {
    types: BTreeMap<String, String>,
}

/// What a request does to the fields of the project.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) created: BTreeMap<String, String>,
    /// Names at the top of `dataFields` that nobody may create.
    pub(super) dropped: BTreeSet<String>,
}

/// A value of another type than its field.
struct Mismatch {
    field: String,
    expected: String,
    incoming: &'static str,
    value: Value,
}

impl Fields {
    pub(super) fn new(seed: &BTreeMap<String, String>) -> Self {
        Self { types: seed.clone() }
    }

    pub(super) fn types(&self) -> BTreeMap<String, String> {
        self.types.clone()
    }

    pub(super) fn add(&mut self, created: &BTreeMap<String, String>) {
        self.types.extend(created.clone());
    }

    /// Judges the values of a request; what is of another type refuses all of it.
    pub(super) fn judge(
        &self,
        config: &Config,
        data: impl Iterator<Item = Map<String, Value>>,
        creates: bool,
    ) -> Result<News, Reply> {
        let (mut news, mut mismatches) = (News::default(), Vec::new());
        for fields in data {
            for (name, value) in &fields {
                if name == "email" || name == "userId" || value.is_null() {
                    continue;
                }
                if !creates && !self.types.contains_key(name) {
                    news.dropped.insert(name.clone());
                    continue;
                }
                self.learn(config, name, value, &mut news.created, &mut mismatches);
            }
        }
        if !mismatches.is_empty() {
            return Err(mismatched(mismatches));
        }
        // Iterable, "Field Data Types": a project has a limited number of fields.
        if !news.created.is_empty() && self.types.len() + news.created.len() > config.fields_max {
            return Err(refused(400, "UniqueFieldsLimitExceeded", "the project has too many unique fields"));
        }
        Ok(news)
    }

    /// Compares a value with the type of its field, or makes that type.
    fn learn(
        &self,
        config: &Config,
        name: &str,
        value: &Value,
        created: &mut BTreeMap<String, String>,
        mismatches: &mut Vec<Mismatch>,
    ) {
        let Some(incoming) = type_of(name, value) else { return };
        match self.types.get(name).or_else(|| created.get(name)) {
            Some(known) if fits(known, incoming, config) => {}
            Some(known) => mismatches.push(Mismatch {
                field: name.to_owned(),
                expected: known.clone(),
                incoming,
                value: value.clone(),
            }),
            None => {
                created.insert(name.to_owned(), incoming.to_owned());
            }
        }
        // Iterable, "Field Data Types": nested names count.
        if let (Value::Object(inner), "object") = (value, incoming) {
            for (part, value) in inner.iter().filter(|(_, value)| !value.is_null()) {
                self.learn(config, &format!("{name}.{part}"), value, created, mismatches);
            }
        }
    }
}

/// Iterable, "API Response Codes": `params.validationErrors` maps a field to what was expected and what came.
fn mismatched(mismatches: Vec<Mismatch>) -> Reply {
    let one = |mismatch: Mismatch| {
        let Mismatch { field, expected, incoming, value } = mismatch;
        let error = json!({
            "expectedType": expected, "incomingTypes": [incoming], "offendingValue": value,
            "category": "user", "_type": "UnexpectedType",
        });
        (format!("fake_project_etl:::{field}"), error)
    };
    let errors: Map<String, Value> = mismatches.into_iter().map(one).collect();
    let body = json!({
        "code": "RequestFieldsTypesMismatched", "msg": "a value has another type than its field",
        "params": { "validationErrors": errors },
    });
    Reply::json(400, &body)
}

/// The type a value would give its field; none where it says nothing, like an empty list.
fn type_of(name: &str, value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "long",
        Value::String(text) if is_date(text) => "date",
        Value::String(_) => "string",
        // Iterable, "Field Data Types": arrays of all types; of objects they are `nested`.
        Value::Array(items) if items.iter().any(Value::is_object) => "nested",
        Value::Array(items) => return items.iter().find_map(|item| type_of(name, item)),
        Value::Object(_) if name.ends_with("_geo_location") => "geo_location",
        Value::Object(_) => "object",
    })
}

fn fits(known: &str, incoming: &str, config: &Config) -> bool {
    known == incoming
        // A date is written as a text, so a field of texts takes it.
        || (known == "string" && incoming == "date")
        // Not documented: whether integers are accepted by `double` fields.
        || (known == "double" && incoming == "long" && config.doubles_take_integers)
        || (known == "nested" && incoming == "object")
}

/// Iterable, "Field Data Types": the forms of dates. A fraction is legal only with `T`.
fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    const DAY: &str = "0000-00-00";
    let Some(rest) = shape.strip_prefix(DAY) else { return false };
    let offsets = ["Z", "+00:00", "-00:00"];
    match rest {
        "" | " 00:00:00" => true,
        _ => match (rest.strip_prefix(" 00:00:00"), rest.strip_prefix("T00:00:00")) {
            (Some(zone), _) => offsets.contains(&zone.trim_start()) && zone.trim_start() != "Z",
            (_, Some(zone)) => {
                let zone = zone.strip_prefix('.').map_or(zone, |fraction| fraction.trim_start_matches('0'));
                offsets.contains(&zone)
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_documented_forms() {
        for date in [
            "2020-04-13",
            "2020-04-13 14:04:09",
            "2020-04-13 14:04:09 +00:00",
            "2020-08-19T20:50:04.000Z",
            "2020-08-19T20:50:04+02:00",
        ] {
            assert!(is_date(date), "{date}");
        }
        for text in ["2020", "2020-04-13 14:04:09.000", "2020-04-13T14:04:09", "20200413", "2020-04-13 noon"] {
            assert!(!is_date(text), "{text}");
        }
    }
}
