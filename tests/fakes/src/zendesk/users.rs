//! All users, and which of them a request means.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Config;
use super::fields::Field;
use super::user::{Refusal, User};

/// Ids begin here, so that none is taken for a place or a count.
const FIRST_ID: u64 = 9_000_001;

/// All users, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Users {
    users: Vec<User>,
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
        let place = self.meant(said)?;
        if let Some(user) = place.and_then(|place| self.users.get_mut(place)) {
            user.take(said, fields, config)?;
            return Ok(Written { id: user.id, is_new: false });
        }
        let mut user = User::new(FIRST_ID + self.made);
        user.take(said, fields, config)?;
        self.made += 1;
        let id = user.id;
        self.users.push(user);
        Ok(Written { id, is_new: true })
    }

    fn meant(&self, said: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let by_id = text("external_id").and_then(|id| self.place_of_external_id(id));
        let by_email = text("email").and_then(|email| self.place_of_email(email));
        match (by_id, by_email) {
            (Some(one), Some(other)) if one != other => {
                Err(Refusal::duplicate("email", text("email").unwrap_or_default()))
            }
            (by_id, by_email) => Ok(by_id.or(by_email)),
        }
    }

    /// The user who is meant by what is said, where that is one who exists.
    pub(super) fn meant_id(&self, said: &Map<String, Value>) -> Option<u64> {
        let place = self.meant(said).ok().flatten()?;
        self.users.get(place).map(|user| user.id)
    }

    /// Changes a user who exists. Addresses and ids of others are refused.
    pub(super) fn update(
        &mut self,
        id: u64,
        said: &Map<String, Value>,
        fields: &[Field],
        config: &Config,
    ) -> Option<Result<(), Refusal>> {
        let place = self.users.iter().position(|user| user.id == id)?;
        for (name, found) in [
            ("email", said.get("email").and_then(Value::as_str).and_then(|email| self.place_of_email(email))),
            (
                "external_id",
                said.get("external_id").and_then(Value::as_str).and_then(|id| self.place_of_external_id(id)),
            ),
        ] {
            if found.is_some_and(|found| found != place) {
                let value = said.get(name).and_then(Value::as_str).unwrap_or_default();
                return Some(Err(Refusal::duplicate(name, value)));
            }
        }
        Some(self.users.get_mut(place)?.take(said, fields, config))
    }

    fn place_of_external_id(&self, id: &str) -> Option<usize> {
        let same =
            |user: &User| user.external_id.as_deref().is_some_and(|known| known.to_lowercase() == id.to_lowercase());
        self.users.iter().position(same)
    }

    fn place_of_email(&self, email: &str) -> Option<usize> {
        let email = email.trim().to_lowercase();
        self.users.iter().position(|user| user.emails.contains(&email))
    }

    pub(super) fn by_external_id(&self, id: &str) -> Option<&User> {
        self.users.get(self.place_of_external_id(id)?)
    }

    pub(super) fn by_id(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn by_id_mut(&mut self, id: u64) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
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
        self.users.iter().filter(fits).map(User::to_json).collect()
    }

    pub(super) fn delete(&mut self, id: u64) {
        self.users.retain(|user| user.id != id);
    }

    pub(super) fn list(&self) -> Vec<Value> {
        self.users.iter().map(User::to_json).collect()
    }

    /// External ids, or addresses where there is none, of users who fit.
    pub(super) fn names(&self, fits: impl Fn(&User) -> bool) -> BTreeSet<String> {
        let name = |user: &User| {
            user.external_id.clone().or_else(|| user.emails.first().cloned()).unwrap_or_else(|| user.id.to_string())
        };
        self.users.iter().filter(|user| fits(user)).map(name).collect()
    }
}
