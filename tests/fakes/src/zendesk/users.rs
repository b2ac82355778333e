//! All users, and which of them a request means.
//!
//! Invariant: no two users have an address or, whatever its case, an external id in common; both tables say whose each is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::Config;
use super::fields::Field;
use super::user::{Refusal, User};

/// Ids begin here, so that none is taken for a place or a count.
const FIRST_ID: u64 = 9_000_001;

/// All users, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// By their ids, which grow.
    users: BTreeMap<u64, User>,
    /// Whose an external id, in lower case, and an address is, so that not everybody is searched for each.
    external_ids: HashMap<String, u64>,
    emails: HashMap<String, u64>,
    made: u64,
}

/// What became of an upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) id: u64,
    pub(super) is_new: bool,
}

impl Users {
    /// Zendesk, "Users", "Create or update user": matched by external id, whatever its case, or by address; a match
    /// takes on the spelling that was sent. A pair that means two users is refused.
    pub(super) fn upsert(&mut self, said: &Value, fields: &[Field], config: &Config) -> Result<Written, Refusal> {
        let said = said.as_object().ok_or_else(|| Refusal::new("base", "User: is invalid"))?;
        if let Some(id) = self.meant(said)? {
            self.take(id, said, fields, config).transpose()?;
            return Ok(Written { id, is_new: false });
        }
        let id = FIRST_ID + self.made;
        let mut user = User::new(id);
        user.take(said, fields, config)?;
        self.made += 1;
        self.users.insert(id, user);
        self.enter(id);
        Ok(Written { id, is_new: true })
    }

    fn meant(&self, said: &Map<String, Value>) -> Result<Option<u64>, Refusal> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let by_id = text("external_id").and_then(|id| self.holder_of_external_id(id));
        let by_email = text("email").and_then(|email| self.holder_of_email(email));
        match (by_id, by_email) {
            (Some(one), Some(other)) if one != other => {
                Err(Refusal::duplicate("email", text("email").unwrap_or_default()))
            }
            (by_id, by_email) => Ok(by_id.or(by_email)),
        }
    }

    /// The user who is meant by what is said, where that is one who exists.
    pub(super) fn meant_id(&self, said: &Map<String, Value>) -> Option<u64> {
        self.meant(said).ok().flatten()
    }

    /// Changes a user who exists. Addresses and ids of others are refused.
    pub(super) fn update(
        &mut self,
        id: u64,
        said: &Map<String, Value>,
        fields: &[Field],
        config: &Config,
    ) -> Option<Result<(), Refusal>> {
        self.by_id(id)?;
        for (name, found) in [
            ("email", said.get("email").and_then(Value::as_str).and_then(|email| self.holder_of_email(email))),
            (
                "external_id",
                said.get("external_id").and_then(Value::as_str).and_then(|id| self.holder_of_external_id(id)),
            ),
        ] {
            if found.is_some_and(|found| found != id) {
                let value = said.get(name).and_then(Value::as_str).unwrap_or_default();
                return Some(Err(Refusal::duplicate(name, value)));
            }
        }
        self.take(id, said, fields, config)
    }

    /// Lets a user take in what is said, and finds it by what it has from then on.
    fn take(
        &mut self,
        id: u64,
        said: &Map<String, Value>,
        fields: &[Field],
        config: &Config,
    ) -> Option<Result<(), Refusal>> {
        self.leave(id);
        let taken = self.users.get_mut(&id).map(|user| user.take(said, fields, config));
        self.enter(id);
        taken
    }

    /// Puts into both tables what a user has.
    fn enter(&mut self, id: u64) {
        let Some(user) = self.users.get(&id) else { return };
        self.external_ids.extend(user.external_id.iter().map(|known| (known.to_lowercase(), id)));
        self.emails.extend(user.emails.iter().map(|email| (email.clone(), id)));
    }

    /// Takes out of both tables what a user has.
    fn leave(&mut self, id: u64) {
        let Some(user) = self.users.get(&id) else { return };
        if let Some(known) = &user.external_id {
            self.external_ids.remove(&known.to_lowercase());
        }
        for email in &user.emails {
            self.emails.remove(email);
        }
    }

    fn holder_of_external_id(&self, id: &str) -> Option<u64> {
        self.external_ids.get(&id.to_lowercase()).copied()
    }

    fn holder_of_email(&self, email: &str) -> Option<u64> {
        self.emails.get(&email.trim().to_lowercase()).copied()
    }

    pub(super) fn by_external_id(&self, id: &str) -> Option<&User> {
        self.by_id(self.holder_of_external_id(id)?)
    }

    pub(super) fn by_id(&self, id: u64) -> Option<&User> {
        self.users.get(&id)
    }

    /// To change anything about a user but its external id and its addresses.
    pub(super) fn by_id_mut(&mut self, id: u64) -> Option<&mut User> {
        self.users.get_mut(&id)
    }

    /// Zendesk, "Users", "Search users": full text, so that it finds more than was meant: every user in whose name or
    /// address the words before the domain stand.
    pub(super) fn search(&self, query: &str) -> Vec<Value> {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).collect();
        let first = words.first().copied().unwrap_or_default();
        let fits = |user: &&User| {
            let shown = user.to_json();
            let text = |name: &str| shown.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
            !first.is_empty() && (text("name").contains(first) || user.emails.iter().any(|email| email.contains(first)))
        };
        self.users.values().filter(fits).map(User::to_json).collect()
    }

    pub(super) fn delete(&mut self, id: u64) {
        self.leave(id);
        self.users.remove(&id);
    }

    pub(super) fn list(&self) -> Vec<Value> {
        self.users.values().map(User::to_json).collect()
    }

    /// External ids, or addresses where there is none, of users who fit.
    pub(super) fn names(&self, fits: impl Fn(&User) -> bool) -> BTreeSet<String> {
        let name = |user: &User| {
            user.external_id.clone().or_else(|| user.emails.first().cloned()).unwrap_or_else(|| user.id.to_string())
        };
        self.users.values().filter(|user| fits(user)).map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upsert(users: &mut Users, said: Value) -> Option<u64> {
        users.upsert(&said, &[], &Config::default()).ok().map(|written| written.id - FIRST_ID)
    }

    #[test]
    fn a_user_who_takes_another_external_id_is_found_by_that_one_only() {
        let mut users = Users::default();
        assert_eq!(upsert(&mut users, json!({"external_id": "U1", "email": "a@example.com", "name": "Ana"})), Some(0));
        assert_eq!(upsert(&mut users, json!({"external_id": "u2", "email": "A@example.com"})), Some(0));
        assert_eq!(upsert(&mut users, json!({"external_id": "U2"})), Some(0));
        assert!(users.by_external_id("u1").is_none());
        assert_eq!(upsert(&mut users, json!({"external_id": "u1", "name": "Bea"})), Some(1));
    }

    #[test]
    fn a_refused_change_leaves_a_user_to_be_found_and_a_deleted_one_is_not() {
        let mut users = Users::default();
        upsert(&mut users, json!({"external_id": "u1", "email": "a@example.com", "name": "Ana"}));
        assert_eq!(upsert(&mut users, json!({"external_id": "u1", "email": "nowhere"})), None);
        assert_eq!(upsert(&mut users, json!({"email": "a@example.com"})), Some(0));
        users.delete(FIRST_ID);
        assert!(users.by_external_id("u1").is_none() && users.list().is_empty());
        assert_eq!(upsert(&mut users, json!({"email": "a@example.com", "name": "Ana"})), Some(1));
    }
}
