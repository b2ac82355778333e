//! The contacts of an account, found by their identifiers.
//!
//! Invariant: no two contacts have an identifier in common, and whoever has one is found by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::contact::Contact;

/// All contacts, by their ids.
#[derive(Debug, Default)]
pub(super) struct People {
    contacts: BTreeMap<String, Contact>,
    /// Whose an identifier of a type is, so that not everybody is searched for each.
    holders: HashMap<(String, String), String>,
}

impl People {
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.contacts.contains_key(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Contact> {
        self.contacts.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Contact)> {
        self.contacts.iter()
    }

    /// The contact with this identifier, and its id.
    pub(super) fn find(&self, kind: &str, value: &str) -> Option<(&String, &Contact)> {
        let id = self.holders.get(&(kind.to_owned(), value.to_owned()))?;
        self.contacts.get_key_value(id)
    }

    /// Ids of the contacts that have one of these identifiers.
    pub(super) fn having(&self, ids: &BTreeMap<String, String>) -> BTreeSet<String> {
        ids.iter().filter_map(|(kind, value)| self.find(kind, value)).map(|(id, _)| id.clone()).collect()
    }

    /// Puts into a contact, which is made where there is none, what a request says.
    pub(super) fn update(&mut self, id: &str, request: &Map<String, Value>, lists: &[String]) {
        let contact = self.contacts.entry(id.to_owned()).or_default();
        for pair in pairs(contact) {
            self.holders.remove(&pair);
        }
        contact.update(request, lists);
        for pair in pairs(contact) {
            self.holders.insert(pair, id.to_owned());
        }
    }

    /// Takes a contact off a list; says whether there is such a contact.
    pub(super) fn leave(&mut self, id: &str, list: &str) -> bool {
        let Some(contact) = self.contacts.get_mut(id) else { return false };
        contact.lists.remove(list);
        true
    }

    /// Takes everybody off a list.
    pub(super) fn empty(&mut self, list: &str) {
        self.contacts.values_mut().for_each(|contact| {
            contact.lists.remove(list);
        });
    }

    /// Deletes a contact; says whether there was one.
    pub(super) fn delete(&mut self, id: &str) -> bool {
        let Some(contact) = self.contacts.remove(id) else { return false };
        for pair in pairs(&contact) {
            self.holders.remove(&pair);
        }
        true
    }

    /// Takes the identifier of a type off a contact.
    pub(super) fn detach(&mut self, id: &str, kind: &str) {
        let value = self.contacts.get_mut(id).and_then(|contact| contact.ids.remove(kind));
        if let Some(value) = value {
            self.holders.remove(&(kind.to_owned(), value));
        }
    }
}

/// Type and value of each identifier.
fn pairs(contact: &Contact) -> Vec<(String, String)> {
    contact.ids.iter().map(|(kind, value)| (kind.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Adds what the texts say to a contact each, numbered from 0.
    fn people(requests: &[Value]) -> People {
        let mut people = People::default();
        for (number, request) in requests.iter().enumerate() {
            people.update(&number.to_string(), request.as_object().unwrap(), &[]);
        }
        people
    }

    fn found<'p>(people: &'p People, kind: &str, value: &str) -> Option<&'p str> {
        people.find(kind, value).map(|(id, _)| id.as_str())
    }

    #[test]
    fn a_contact_is_found_by_each_identifier_and_by_its_type_only() {
        let people = people(&[json!({"email": "Ann@example.com", "external_id": "u1"}), json!({"anonymous_id": "u1"})]);
        assert_eq!(found(&people, "email", "ann@example.com"), Some("0"));
        assert_eq!(found(&people, "external_id", "u1"), Some("0"));
        assert_eq!(found(&people, "anonymous_id", "u1"), Some("1"));
        assert_eq!(found(&people, "phone_number_id", "u1"), None);
        let both = [("external_id", "u1"), ("anonymous_id", "u1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(people.having(&BTreeMap::from(both)).len(), 2);
    }

    #[test]
    fn what_was_taken_away_finds_nobody() {
        let mut people =
            people(&[json!({"email": "ann@example.com", "external_id": "u1"}), json!({"email": "b@c.de"})]);
        people.detach("0", "email");
        assert_eq!(
            (found(&people, "email", "ann@example.com"), found(&people, "external_id", "u1")),
            (None, Some("0"))
        );
        assert_eq!((people.delete("1"), people.delete("1"), people.len()), (true, false, 1));
        assert_eq!(found(&people, "email", "b@c.de"), None);
        let again = json!({"email": "ann@example.com"});
        people.update("2", again.as_object().unwrap(), &[]);
        assert_eq!(found(&people, "email", "ann@example.com"), Some("2"));
    }
}
