//! Where records stand, by their ids and by the values that writes look for.
//!
//! Knows nothing of deletion or of objects: whoever asks judges the records at the places. Must never leave out a place
//! whose record has the value.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::schema::Object;

/// Fields that are looked for although they are neither unique nor an external id.
const FURTHER: [&str; 3] = ["Email", "LeadId", "ContactId"];

/// Characters of an id that tell a record from all others.
const ID_CHARS: usize = 15;

/// The places of all records.
#[derive(Clone, Debug)]
pub(super) struct Places {
    names: BTreeSet<String>,
    ids: HashMap<String, usize>,
    /// By field and value, the latter in lower case.
    values: HashMap<(String, String), BTreeSet<usize>>,
}

impl Places {
    /// No places yet, of records of these objects.
    pub(super) fn new(objects: &[Object]) -> Self {
        let fields = objects.iter().flat_map(|object| &object.fields);
        let sought = fields.filter(|field| field.unique || field.external_id).map(|field| field.name.as_str());
        let names = sought.chain(FURTHER).map(str::to_owned).collect();
        Self { names, ids: HashMap::new(), values: HashMap::new() }
    }

    /// Notes the place of an id; the first of an id stays.
    pub(super) fn name(&mut self, id: &str, place: usize) {
        if let Some(short) = id.get(..ID_CHARS) {
            self.ids.entry(short.to_owned()).or_insert(place);
        }
    }

    /// The place of an id, in its long or its short form.
    pub(super) fn with_id(&self, id: &str) -> Option<usize> {
        self.ids.get(id.get(..ID_CHARS)?).copied()
    }

    /// Notes what a record has.
    pub(super) fn enter(&mut self, place: usize, fields: &Map<String, Value>) {
        for key in self.keys(fields) {
            self.values.entry(key).or_default().insert(place);
        }
    }

    /// Forgets what a record has.
    pub(super) fn leave(&mut self, place: usize, fields: &Map<String, Value>) {
        for key in self.keys(fields) {
            if let Some(places) = self.values.get_mut(&key) {
                places.remove(&place);
                if places.is_empty() {
                    self.values.remove(&key);
                }
            }
        }
    }

    /// The places of this value in any case, in order; none where places are not kept by this field.
    pub(super) fn with_value(&self, field: &str, value: &str) -> Option<Vec<usize>> {
        let places = self.values.get(&(field.to_owned(), value.to_lowercase()));
        self.names.contains(field).then(|| places.into_iter().flatten().copied().collect())
    }

    fn keys(&self, fields: &Map<String, Value>) -> Vec<(String, String)> {
        let key = |name: &String| Some((name.clone(), fields.get(name)?.as_str()?.to_lowercase()));
        self.names.iter().filter_map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_record_is_found_by_what_it_has_now() {
        let mut places = Places::new(&[]);
        places.enter(7, &fields(json!({"Email": "Ann@example.com", "City": "Porto"})));
        places.enter(3, &fields(json!({"Email": "ann@example.com"})));
        assert_eq!(places.with_value("Email", "ANN@example.com"), Some(vec![3, 7]));
        places.leave(7, &fields(json!({"Email": "Ann@example.com"})));
        assert_eq!(places.with_value("Email", "ann@example.com"), Some(vec![3]));
        assert_eq!(places.with_value("Email", "bob@example.com"), Some(vec![]));
        assert_eq!(places.with_value("City", "Porto"), None, "places are not kept by this field");
    }

    #[test]
    fn an_id_is_found_in_both_of_its_forms() {
        let mut places = Places::new(&[]);
        places.name("00Q000000000001AAA", 0);
        assert_eq!((places.with_id("00Q000000000001"), places.with_id("00Q000000000001AAA")), (Some(0), Some(0)));
        assert_eq!((places.with_id("00Q000000000002AAA"), places.with_id("00Q")), (None, None));
    }
}
