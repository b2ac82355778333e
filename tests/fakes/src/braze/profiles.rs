//! The profiles of a workspace and what an update does to them.
//!
//! Owns the state and its look-up table; refuses nothing. Invariant: the table
//! lists a profile under exactly the identifiers it has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::object::{Change, Identity, Update};

/// Braze, "Nested custom attributes": an object or array of objects above this size is not stored.
const NESTED_BYTES_MAX: usize = 100_000;

/// All profiles.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    profiles: Vec<Profile>,
    table: BTreeMap<Identity, BTreeSet<usize>>,
    updates: u64,
}

/// One person.
#[derive(Debug)]
struct Profile {
    /// The primary identifier it was made with; `None` for profiles known by email, phone or token only.
    primary: Option<Identity>,
    braze_id: String,
    attributes: Map<String, Value>,
    groups: BTreeMap<String, String>,
    /// Number of the last update that touched it.
    updated: u64,
}

impl Profiles {
    /// Applies one update, creating the profile if that is allowed.
    pub(super) fn apply(&mut self, update: Update, array_elements_max: usize) {
        let Some(place) = self.find(&update.who).or_else(|| self.create(&update)) else { return };
        self.updates += 1;
        let Some(profile) = self.profiles.get_mut(place) else { return };
        profile.updated = self.updates;
        let before = profile.contacts();
        for (name, change) in update.changes {
            profile.change(name, change, array_elements_max);
        }
        let after = profile.contacts();
        for gone in before.difference(&after) {
            if let Some(places) = self.table.get_mut(gone) {
                places.remove(&place);
            }
        }
        for come in after.difference(&before) {
            self.table.entry(come.clone()).or_default().insert(place);
        }
    }

    /// The profile's attributes and identifiers.
    pub(super) fn get(&self, who: &Identity) -> Option<Value> {
        self.profiles.get(self.find(who)?).map(Profile::to_json)
    }

    /// All profiles, in the order they were made.
    pub(super) fn list(&self) -> Vec<Value> {
        self.profiles.iter().map(Profile::to_json).collect()
    }

    /// External ids of the profiles whose attribute passes the test.
    pub(super) fn external_ids(&self, attribute: &str, passes: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let passing = self.profiles.iter().filter(|profile| profile.attributes.get(attribute).is_some_and(&passes));
        passing.filter_map(Profile::external_id).collect()
    }

    /// External ids of the profiles with this state in the group.
    pub(super) fn external_ids_in_group(&self, group: &str, state: &str) -> BTreeSet<String> {
        let inside = self.profiles.iter().filter(|profile| profile.groups.get(group).is_some_and(|now| now == state));
        inside.filter_map(Profile::external_id).collect()
    }

    /// Braze, `POST /users/track`: an email finds the most recently updated profile
    /// that has an external id, or else the one that has none.
    fn find(&self, who: &Identity) -> Option<usize> {
        let rank = |place: &&usize| {
            let profile = self.profiles.get(**place);
            profile.map(|profile| (profile.external_id().is_some(), profile.updated))
        };
        self.table.get(who)?.iter().max_by_key(rank).copied()
    }

    /// Braze, "Create and update users": an alias updates only, unless the flag is
    /// explicitly false; an unknown `braze_id` never makes a profile.
    fn create(&mut self, update: &Update) -> Option<usize> {
        let allowed = match update.who {
            Identity::Braze(_) => false,
            Identity::Alias { .. } => update.existing_only == Some(false),
            _ => update.existing_only != Some(true),
        };
        if !allowed {
            return None;
        }
        let place = self.profiles.len();
        let braze_id = format!("{place:024x}");
        let primary = matches!(update.who, Identity::External(_) | Identity::Alias { .. }).then(|| update.who.clone());
        let mut attributes = Map::new();
        match &update.who {
            Identity::Email(email) => drop(attributes.insert("email".into(), email.as_str().into())),
            Identity::Phone(phone) => drop(attributes.insert("phone".into(), phone.as_str().into())),
            _ => {}
        }
        for key in [update.who.clone(), Identity::Braze(braze_id.clone())] {
            self.table.entry(key).or_default().insert(place);
        }
        self.profiles.push(Profile { primary, braze_id, attributes, groups: BTreeMap::new(), updated: 0 });
        Some(place)
    }
}

impl Profile {
    fn external_id(&self) -> Option<String> {
        match &self.primary {
            Some(Identity::External(id)) => Some(id.clone()),
            _ => None,
        }
    }

    /// Under which email and phone the profile is found.
    fn contacts(&self) -> BTreeSet<Identity> {
        let text = |name: &str| self.attributes.get(name).and_then(Value::as_str);
        let email = text("email").map(|email| Identity::Email(email.to_lowercase()));
        let phone = text("phone").map(|phone| Identity::Phone(phone.to_owned()));
        email.into_iter().chain(phone).collect()
    }

    fn to_json(&self) -> Value {
        let mut whole = self.attributes.clone();
        whole.insert("braze_id".into(), self.braze_id.as_str().into());
        match &self.primary {
            Some(Identity::External(id)) => drop(whole.insert("external_id".into(), id.as_str().into())),
            Some(Identity::Alias { label, name }) => {
                drop(whole.insert("user_alias".into(), json!({"alias_label": label, "alias_name": name})));
            }
            _ => {}
        }
        if !self.groups.is_empty() {
            let group =
                |(id, state): (&String, &String)| json!({"subscription_group_id": id, "subscription_state": state});
            whole.insert("subscription_groups".into(), self.groups.iter().map(group).collect());
        }
        Value::Object(whole)
    }

    fn change(&mut self, name: String, change: Change, array_elements_max: usize) {
        let old = self.attributes.get(&name);
        let new = match change {
            Change::Nothing => return,
            Change::Unset => {
                self.attributes.remove(&name);
                return;
            }
            Change::Groups(groups) => return self.join(&groups),
            Change::Set(value) => value,
            Change::Elements { add, remove } => elements(old, add, &remove, array_elements_max),
            Change::Increment(step) => (old.and_then(Value::as_i64).unwrap_or(0).saturating_add(step)).into(),
            Change::Objects { add, update, remove } => objects(old, add, &update, &remove),
            Change::Merge(members) => {
                let mut merged = old.and_then(Value::as_object).cloned().unwrap_or_default();
                merge(&mut merged, members);
                merged.into()
            }
        };
        let nested = new.is_object() || new.as_array().is_some_and(|list| list.iter().any(Value::is_object));
        // Braze, "Nested custom attributes": what would grow too large is dropped without an error.
        if !nested || new.to_string().len() <= NESTED_BYTES_MAX {
            self.attributes.insert(name, new);
        }
    }

    fn join(&mut self, groups: &[Value]) {
        let text = |group: &Value, key: &str| group.get(key).and_then(Value::as_str).map(str::to_owned);
        for group in groups {
            if let (Some(id), Some(state)) = (text(group, "subscription_group_id"), text(group, "subscription_state")) {
                self.groups.insert(id, state);
            }
        }
    }
}

/// Braze, "User attributes object": adding what is there moves it to the end; over the limit, the oldest go.
fn elements(old: Option<&Value>, add: Vec<Value>, remove: &[Value], elements_max: usize) -> Value {
    let mut list = old.and_then(Value::as_array).cloned().unwrap_or_default();
    list.retain(|element| !add.contains(element) && !remove.contains(element));
    list.extend(add);
    let surplus = list.len().saturating_sub(elements_max);
    list.drain(..surplus);
    list.into()
}

/// Braze, "Array of objects": `$add`, `$update` and `$remove` name elements by one of their members.
fn objects(old: Option<&Value>, add: Vec<Value>, update: &[Value], remove: &[Value]) -> Value {
    let mut list = old.and_then(Value::as_array).cloned().unwrap_or_default();
    let names = |step: &Value, element: &Value| {
        let key = step.get("$identifier_key").and_then(Value::as_str).unwrap_or_default();
        element.get(key).is_some_and(|value| Some(value) == step.get("$identifier_value"))
    };
    list.extend(add);
    for element in &mut list {
        for step in update.iter().filter(|step| names(step, element)).collect::<Vec<_>>() {
            if let (Some(members), Some(Value::Object(new))) = (element.as_object_mut(), step.get("$new_object")) {
                merge(members, new.clone());
            }
        }
    }
    list.retain(|element| !remove.iter().any(|step| names(step, element)));
    list.into()
}

/// Puts `new` into `old`, member by member, at every depth.
fn merge(old: &mut Map<String, Value>, new: Map<String, Value>) {
    for (name, value) in new {
        match (old.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(members)) => merge(inner, members),
            (_, value) => drop(old.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, object};
    use super::*;

    /// Applies the objects one after the other and compares all profiles, braze ids apart.
    #[track_caller]
    fn check(objects: Value, expect: Value) {
        let config = Config { array_elements_max: 3, ..Config::default() };
        let mut profiles = Profiles::default();
        for object in objects.as_array().unwrap() {
            profiles.apply(object::read(object, &config).unwrap(), config.array_elements_max);
        }
        let mut list = profiles.list();
        for profile in &mut list {
            profile.as_object_mut().unwrap().remove("braze_id");
        }
        assert_eq!(Value::from(list), expect);
    }

    #[test]
    fn an_update_creates_the_profile_unless_told_not_to() {
        check(
            json!([{"external_id": "u1", "a": 1}, {"external_id": "u2", "a": 1, "_update_existing_only": true}]),
            json!([{"external_id": "u1", "a": 1}]),
        );
        check(
            json!([{"external_id": "u1", "a": true}, {"external_id": "u1", "a": false, "_update_existing_only": true}]),
            json!([{"external_id": "u1", "a": false}]),
        );
    }

    #[test]
    fn an_alias_makes_a_profile_only_if_explicitly_allowed() {
        let alias = json!({"alias_label": "l", "alias_name": "n"});
        check(json!([{"user_alias": alias, "a": 1}]), json!([]));
        check(
            json!([{"user_alias": alias, "a": 1, "_update_existing_only": false}, {"user_alias": alias, "a": 2}]),
            json!([{"user_alias": alias, "a": 2}]),
        );
    }

    #[test]
    fn an_unknown_braze_id_makes_no_profile_and_a_known_one_is_found() {
        check(json!([{"braze_id": "b", "a": 1}]), json!([]));
        check(
            json!([{"external_id": "u1"}, {"braze_id": format!("{:024x}", 0), "a": 1}]),
            json!([{"external_id": "u1", "a": 1}]),
        );
    }

    #[test]
    fn an_email_makes_a_profile_of_its_own_and_finds_it_again() {
        check(
            json!([{"email": "ann@example.com", "a": 1}, {"email": "Ann@example.com", "b": 2}]),
            json!([{"email": "Ann@example.com", "a": 1, "b": 2}]),
        );
    }

    #[test]
    fn an_email_finds_the_profile_with_an_external_id_that_was_updated_last() {
        let email = "ann@example.com";
        check(
            json!([
                {"external_id": "u1", "email": email}, {"external_id": "u2", "email": email}, {"external_id": "u1", "b": 1},
                {"email": email, "a": 1},
            ]),
            json!([{"external_id": "u1", "email": email, "a": 1, "b": 1}, {"external_id": "u2", "email": email}]),
        );
    }

    #[test]
    fn a_new_external_id_beside_an_email_only_profile_makes_a_duplicate() {
        let email = "ann@example.com";
        check(
            json!([{"email": email}, {"external_id": "u1", "email": email}]),
            json!([{"email": email}, {"external_id": "u1", "email": email}]),
        );
    }

    #[test]
    fn a_changed_email_no_longer_finds_the_profile() {
        check(
            json!([{"external_id": "u1", "email": "old@example.com"}, {"external_id": "u1", "email": null}, {"email": "old@example.com", "a": 1}]),
            json!([{"external_id": "u1"}, {"email": "old@example.com", "a": 1}]),
        );
    }

    #[test]
    fn null_removes_an_attribute() {
        check(json!([{"external_id": "u1", "a": 1}, {"external_id": "u1", "a": null}]), json!([{"external_id": "u1"}]));
    }

    #[test]
    fn elements_are_unique_ordered_by_addition_and_bounded() {
        check(
            json!([{"external_id": "u1", "a": ["x", "y"]}, {"external_id": "u1", "a": {"add": ["x"]}}]),
            json!([{"external_id": "u1", "a": ["y", "x"]}]),
        );
        check(
            json!([{"external_id": "u1", "a": {"add": ["x", "y", "z"]}}, {"external_id": "u1", "a": {"add": ["w"], "remove": ["y"]}}]),
            json!([{"external_id": "u1", "a": ["x", "z", "w"]}]),
        );
        check(
            json!([{"external_id": "u1", "a": ["x", "y", "z"]}, {"external_id": "u1", "a": {"add": ["w"]}}]),
            json!([{"external_id": "u1", "a": ["y", "z", "w"]}]),
        );
    }

    #[test]
    fn an_object_replaces_or_is_merged() {
        check(
            json!([{"external_id": "u1", "o": {"a": 1}}, {"external_id": "u1", "o": {"b": 2}}]),
            json!([{"external_id": "u1", "o": {"b": 2}}]),
        );
        check(
            json!([{"external_id": "u1", "o": {"a": {"x": 1}}}, {"external_id": "u1", "o": {"a": {"y": 2}}, "_merge_objects": true}]),
            json!([{"external_id": "u1", "o": {"a": {"x": 1, "y": 2}}}]),
        );
    }

    #[test]
    fn objects_in_an_array_are_added_updated_and_removed() {
        check(
            json!([
                {"external_id": "u1", "p": [{"id": 1, "n": "a"}, {"id": 2}]},
                {"external_id": "u1", "p": {
                    "$add": [{"id": 3}],
                    "$update": [{"$identifier_key": "id", "$identifier_value": 1, "$new_object": {"n": "b"}}],
                    "$remove": [{"$identifier_key": "id", "$identifier_value": 2}],
                }},
            ]),
            json!([{"external_id": "u1", "p": [{"id": 1, "n": "b"}, {"id": 3}]}]),
        );
    }

    #[test]
    fn a_counter_counts_and_a_group_keeps_its_last_state() {
        let group = |state: &str| json!([{"subscription_group_id": "g", "subscription_state": state}]);
        check(
            json!([
                {"external_id": "u1", "n": {"inc": 2}, "subscription_groups": group("subscribed")},
                {"external_id": "u1", "n": {"inc": -1}, "subscription_groups": group("unsubscribed")},
            ]),
            json!([{"external_id": "u1", "n": 1, "subscription_groups": group("unsubscribed")}]),
        );
    }

    #[test]
    fn an_object_that_would_grow_too_large_stays_as_it_was() {
        let part = |range: std::ops::Range<u32>| -> Value {
            range.map(|n| (format!("k{n}"), json!("x".repeat(250)))).collect::<Map<_, _>>().into()
        };
        check(
            json!([{"external_id": "u1", "o": part(0..300)}, {"external_id": "u1", "o": part(300..600), "_merge_objects": true}]),
            json!([{"external_id": "u1", "o": part(0..300)}]),
        );
    }
}
