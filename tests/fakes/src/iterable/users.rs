//! The users of a project: who a request means, and what it does to them.
//!
//! Invariant: no two users have the email (in email and hybrid projects) or the
//! user id (in user id and hybrid projects) in common.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::fields::News;
use super::shape::{Batch, Call, Person};
use super::{Config, ProjectType};

/// Iterable, "Project Types and Unique Identifiers": most characters of a user id.
const USER_ID_CHARS_MAX: usize = 52;

/// Iterable, "Field Data Types": most characters of a value, about.
const TEXT_CHARS_MAX: usize = 32_000;

/// Iterable, "User Profile Fields": names that must not stand in `dataFields`.
const RESERVED: [&str; 13] = [
    "emailListIds",
    "userListIds",
    "unsubscribedChannelIds",
    "unsubscribedMessageTypeIds",
    "subscribedMessageTypeIds",
    "profileUpdatedAt",
    "signupSource",
    "itblInternal",
    "itblDS",
    "itblUserId",
    "devices",
    "phoneNumberDetails",
    "createdAt",
];

/// All users, in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Users {
    users: Vec<User>,
    /// The first user with an email, and with a user id.
    emails: HashMap<String, usize>,
    ids: HashMap<String, usize>,
}

/// One user.
#[derive(Debug, Default)]
pub(super) struct User {
    email: Option<String>,
    user_id: Option<String>,
    pub(super) fields: Map<String, Value>,
    pub(super) lists: BTreeSet<u64>,
    pub(super) channel_unsubscribed: bool,
}

/// Iterable, `POST /api/users/bulkUpdate`, answer: why a user failed, as the arrays of the answer are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Invalid,
    NotFound,
    InvalidData,
    Conflict,
    Forgotten,
}

/// A user who failed, by the identifiers the answer names.
#[derive(Debug)]
pub(super) struct Failure {
    reason: Reason,
    email: Option<String>,
    user_id: Option<String>,
}

/// All who failed.
#[derive(Debug, Default)]
pub(super) struct Failures {
    pub(super) count: usize,
    named: Vec<Failure>,
}

impl Users {
    /// Who a person is: an index, or why it is nobody. Makes the user where the request may.
    pub(super) fn place(&mut self, config: &Config, batch: &Batch, person: &Person) -> Result<usize, Failure> {
        self.refuse(config, person)?;
        let by_email = person.email.as_deref().and_then(|email| self.by_email(email));
        let by_id = person.user_id.as_deref().and_then(|id| self.by_id(id));
        let found = match config.project_type {
            // Iterable, "Project Types and Unique Identifiers": with both, the email identifies and the user id is overwritten.
            ProjectType::Email if person.email.is_some() => by_email,
            ProjectType::Email | ProjectType::UserId => by_id,
            ProjectType::Hybrid => self.hybrid(person, by_email, by_id)?,
        };
        match found {
            Some(place) => Ok(place),
            None if self.may_create(config, batch, person) => Ok(self.create(config, person)),
            None => Err(Failure::both(Reason::NotFound, person)),
        }
    }

    /// Identifiers and values that are refused whoever they are.
    fn refuse(&self, config: &Config, person: &Person) -> Result<(), Failure> {
        let listed = |list: &BTreeSet<String>| {
            let email = person.email.as_ref().filter(|email| list.contains(&email.to_lowercase()));
            (email.is_some() || person.user_id.as_ref().is_some_and(|id| list.contains(id))).then_some(())
        };
        // Iterable, "Project Types and Unique Identifiers": what is no identifier is named as invalid.
        if let Some(email) = person.email.as_ref().filter(|email| !is_email(email)) {
            return Err(Failure { reason: Reason::Invalid, email: Some(email.clone()), user_id: None });
        }
        if let Some(id) = person.user_id.as_ref().filter(|id| !is_user_id(id)) {
            return Err(Failure { reason: Reason::Invalid, email: None, user_id: Some(id.clone()) });
        }
        // Iterable, "Project Types and Unique Identifiers": a user id project identifies by the user id only.
        if config.project_type == ProjectType::UserId && person.user_id.is_none() {
            return Err(Failure::both(Reason::Invalid, person));
        }
        if listed(&config.forgotten).is_some() {
            return Err(Failure::both(Reason::Forgotten, person));
        }
        let bad_data = person.data.as_ref().is_some_and(|data| !is_sound(data, config.project_type));
        if bad_data || listed(&config.invalid_data).is_some() {
            return Err(Failure::both(Reason::InvalidData, person));
        }
        Ok(())
    }

    /// Iterable, "Project Types and Unique Identifiers": two identifiers of two people are a conflict.
    fn hybrid(&self, person: &Person, by_email: Option<usize>, by_id: Option<usize>) -> Result<Option<usize>, Failure> {
        match (by_email, by_id) {
            (Some(one), Some(other)) if one != other => Err(Failure::both(Reason::Conflict, person)),
            (Some(place), None) => {
                let own = self.users.get(place).and_then(|user| user.user_id.as_ref());
                let other = own.is_some() && person.user_id.is_some() && own != person.user_id.as_ref();
                if other { Err(Failure::both(Reason::Conflict, person)) } else { Ok(Some(place)) }
            }
            (found, other) => Ok(found.or(other)),
        }
    }

    fn may_create(&self, config: &Config, batch: &Batch, person: &Person) -> bool {
        // Iterable, API reference: `updateExistingUsersOnly` is honoured in user id and hybrid projects only.
        let existing_only = batch.existing_only && config.project_type != ProjectType::Email;
        // Iterable, "Project Types and Unique Identifiers": in email projects an unknown user id alone is an error without `preferUserId`.
        let nameless = config.project_type == ProjectType::Email && person.email.is_none() && !person.prefers_user_id;
        batch.call != Call::Unsubscribe && !existing_only && !nameless
    }

    fn create(&mut self, config: &Config, person: &Person) -> usize {
        let place = self.users.len();
        let placeholder = || {
            // Iterable, "Project Types and Unique Identifiers": placeholder addresses exist in email projects only.
            let id = person.user_id.as_ref().filter(|_| config.project_type == ProjectType::Email)?;
            Some(format!("{id}+{place}@placeholder.email"))
        };
        let email = person.email.as_ref().filter(|_| config.project_type != ProjectType::UserId);
        let email = email.map(|email| email.to_lowercase()).or_else(placeholder);
        self.users.push(User::default());
        self.rename(place, email, person.user_id.clone());
        place
    }

    /// Does to a user what the request says.
    pub(super) fn change(&mut self, place: usize, batch: &Batch, person: &Person, dropped: &BTreeSet<String>) {
        let Some(user) = self.users.get_mut(place) else { return };
        match (batch.call, batch.list) {
            (Call::Unsubscribe, Some(list)) => {
                user.lists.remove(&list);
                user.channel_unsubscribed |= batch.leaves_channel;
                return;
            }
            (Call::Subscribe, Some(list)) => {
                user.lists.insert(list);
            }
            _ => {}
        }
        for (name, value) in person.data.iter().flatten().filter(|(name, _)| !dropped.contains(*name)) {
            user.set(name, value, person.merges);
        }
        // Where an email may stand among the fields, it is the user's email too.
        let mapped = person.data.as_ref().and_then(|data| data.get("email")).and_then(Value::as_str);
        let email = person.email.as_deref().or(mapped).map(str::to_lowercase);
        let email = email.or_else(|| user.email.clone());
        let user_id = person.user_id.clone().or_else(|| user.user_id.clone());
        self.rename(place, email, user_id);
    }

    /// Gives a user its identifiers, and finds it by them from now on.
    fn rename(&mut self, place: usize, email: Option<String>, user_id: Option<String>) {
        let Some(user) = self.users.get_mut(place) else { return };
        for (table, old, new) in [(&mut self.emails, &user.email, &email), (&mut self.ids, &user.user_id, &user_id)] {
            if old == new {
                continue;
            }
            if let Some(old) = old.as_ref().filter(|old| table.get(*old) == Some(&place)) {
                table.remove(old);
            }
            if let Some(new) = new {
                table.entry(new.clone()).or_insert(place);
            }
        }
        (user.email, user.user_id) = (email, user_id);
    }

    /// The names of users that pass: the user id, or the email of users without one.
    pub(super) fn names(&self, passes: impl Fn(&User) -> bool) -> BTreeSet<String> {
        let passing = self.users.iter().filter(|user| passes(user));
        passing.filter_map(|user| user.user_id.clone().or_else(|| user.email.clone())).collect()
    }

    pub(super) fn find(&self, email_or_id: &str) -> Option<&User> {
        let place = self.by_email(email_or_id).or_else(|| self.by_id(email_or_id))?;
        self.users.get(place)
    }

    pub(super) fn list(&self) -> Vec<Value> {
        self.users.iter().map(User::to_json).collect()
    }

    /// Iterable, "Project Types and Unique Identifiers": emails are compared in lower case.
    fn by_email(&self, email: &str) -> Option<usize> {
        self.emails.get(&email.to_lowercase()).copied()
    }

    /// Iterable, "Project Types and Unique Identifiers": user ids are compared to the letter.
    fn by_id(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }
}

impl User {
    pub(super) fn to_json(&self) -> Value {
        let User { email, user_id, fields, lists, .. } = self;
        let mut user = json!({ "dataFields": fields, "listIds": lists });
        // Iterable, "User Profile Fields": an identifier that a user does not have is not there.
        if let Some(members) = user.as_object_mut() {
            let known = [("email", email), ("userId", user_id)].into_iter();
            members.extend(known.filter_map(|(name, id)| Some((name.to_owned(), id.clone()?.into()))));
        }
        user
    }

    /// Iterable, "Field Data Types": null removes; merging is one level deep.
    fn set(&mut self, name: &str, value: &Value, merges: bool) {
        match (value, self.fields.get_mut(name)) {
            (Value::Null, _) => drop(self.fields.remove(name)),
            (Value::Object(parts), Some(Value::Object(known))) if merges => {
                for (part, value) in parts {
                    match value {
                        Value::Null => drop(known.remove(part)),
                        value => drop(known.insert(part.clone(), value.clone())),
                    }
                }
            }
            _ => drop(self.fields.insert(name.to_owned(), value.clone())),
        }
    }
}

impl Failure {
    fn both(reason: Reason, person: &Person) -> Self {
        Self { reason, email: person.email.clone(), user_id: person.user_id.clone() }
    }
}

impl Failures {
    /// Counts a failure, and names it unless the script says otherwise.
    pub(super) fn add(&mut self, config: &Config, mut failure: Failure) {
        self.count += 1;
        let is_unnamed = |text: &Option<String>| text.as_ref().is_some_and(|text| config.unnamed.contains(text));
        if is_unnamed(&failure.email) || is_unnamed(&failure.user_id) {
            return;
        }
        if config.shouts {
            failure.email = failure.email.map(|email| email.to_uppercase());
        }
        self.named.push(failure);
    }

    /// Iterable, `POST /api/users/bulkUpdate`, answer: the whole answer, deprecated copies included.
    pub(super) fn answer(&self, taken: usize, news: &News) -> Value {
        let emails = |reason| self.of(reason).filter_map(|failure| failure.email.clone()).collect::<Vec<_>>();
        let ids = |reason| self.of(reason).filter_map(|failure| failure.user_id.clone()).collect::<Vec<_>>();
        json!({
            "successCount": taken,
            "failCount": self.count,
            "failedUpdates": {
                "invalidEmails": emails(Reason::Invalid), "invalidUserIds": ids(Reason::Invalid),
                "notFoundEmails": emails(Reason::NotFound), "notFoundUserIds": ids(Reason::NotFound),
                "invalidDataEmails": emails(Reason::InvalidData), "invalidDataUserIds": ids(Reason::InvalidData),
                "conflictEmails": emails(Reason::Conflict), "conflictUserIds": ids(Reason::Conflict),
                "forgottenEmails": emails(Reason::Forgotten), "forgottenUserIds": ids(Reason::Forgotten),
            },
            "createdFields": news.created.keys().collect::<Vec<_>>(),
            "filteredOutFields": news.dropped,
            "invalidEmails": emails(Reason::Invalid),
            "invalidUserIds": ids(Reason::Invalid),
        })
    }

    fn of(&self, reason: Reason) -> impl Iterator<Item = &Failure> {
        self.named.iter().filter(move |failure| failure.reason == reason)
    }
}

/// Iterable, "User Profile Fields": what must not stand in `dataFields`. An email there is a field of the user in user id projects, and in
/// the others an identity that nobody asked to change.
fn is_sound(data: &Map<String, Value>, project: ProjectType) -> bool {
    data.iter().all(|(name, value)| {
        let root = name.split('.').next().unwrap_or(name);
        let fits = match value {
            Value::String(text) => text.chars().count() <= TEXT_CHARS_MAX,
            // Iterable, "Field Data Types": both parts are numbers.
            Value::Object(parts) if name.ends_with("_geo_location") => {
                parts.len() == 2 && ["lat", "lon"].iter().all(|part| parts.get(*part).is_some_and(Value::is_number))
            }
            _ => !name.ends_with("_geo_location") || value.is_null(),
        };
        let identifies = root == "userId" || (root == "email" && project != ProjectType::UserId);
        fits && !name.is_empty() && !identifies && !RESERVED.contains(&root)
    })
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    plain(local) && plain(domain) && domain.contains('.')
}

/// Iterable, "Project Types and Unique Identifiers": 1 to 52 printable ASCII characters without space at the ends.
fn is_user_id(text: &str) -> bool {
    let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    printable && (1..=USER_ID_CHARS_MAX).contains(&text.len()) && text.trim() == text
}
