//! A request taken apart: what must be the same whoever else is in the batch.
//!
//! Nothing is known of a destination's bodies, so parts are found by comparing requests about one member each with one
//! about several: entries of lists are the members', everything else belongs to nobody in particular.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher as _;

use enroute_core::request::{Item, Request};
use serde_json::Value;

use crate::bodies::{self, Kind};

/// Longest part that is shown.
const SHOWN_CHARS: usize = 200;

/// A request, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) request: Request,
    /// What stands outside of lists, by its place.
    frame: BTreeMap<String, Leaf>,
    /// The entries of outermost lists, by the place of the list, each as a number that stands for all of it.
    pub(crate) lists: BTreeMap<String, Vec<u64>>,
    /// Whether the body could be taken apart; nothing is compared where it could not.
    pub(crate) is_read: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Leaf {
    Text(String),
    Number(String),
    Other(String),
}

/// What is not as it would be for each member alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// What belongs to nobody in particular: what it is alone, and what it is among others.
    Head(String, String),
    /// Entries that no member has alone.
    Stranger(String),
    /// Entries that a member has once alone, and more often here.
    Twice(String),
}

impl Parts {
    pub(crate) fn new(request: &Request) -> Self {
        let mut parts =
            Self { request: request.clone(), frame: BTreeMap::new(), lists: BTreeMap::new(), is_read: true };
        match bodies::kind(request) {
            Some(Kind::JsonLines | Kind::Table(_)) => parts.take_lines(),
            Some(Kind::Form) => match bodies::wrong(request) {
                None => parts.take_form(),
                Some(_) => parts.is_read = false,
            },
            _ if request.body.is_empty() => {}
            _ => match serde_json::from_slice::<Value>(&request.body) {
                Ok(body) => parts.take_json(String::new(), &body),
                Err(_) => parts.take_lines(),
            },
        }
        parts
    }

    fn take_json(&mut self, place: String, value: &Value) {
        let leaf = match value {
            Value::Array(list) => {
                self.lists.insert(place, list.iter().map(number_of).collect());
                return;
            }
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    self.take_json(format!("{place}/{name}"), value);
                }
                return;
            }
            Value::String(text) => Leaf::Text(text.clone()),
            Value::Number(number) => Leaf::Number(number.to_string()),
            other => Leaf::Other(other.to_string()),
        };
        self.frame.insert(place, leaf);
    }

    fn take_lines(&mut self) {
        self.is_read = self.request.body.contains(&b'\n');
        if self.request.body.contains(&b'\n') {
            let lines = bodies::lines(&self.request.body).map(|line| hash(&line)).collect();
            self.lists.insert("lines".to_owned(), lines);
        }
    }

    fn take_form(&mut self) {
        let body = String::from_utf8_lossy(&self.request.body).into_owned();
        for item in body.split('&').filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            self.frame.insert(format!("form {name}"), Leaf::Text(value.to_owned()));
        }
    }

    /// Method, host and path.
    pub(crate) fn place(&self) -> (&'static str, &str, &[String]) {
        (self.request.method.as_str(), &self.request.origin, &self.request.path)
    }

    pub(crate) fn shown_place(&self) -> String {
        format!("{} {}{}", self.request.method.as_str(), self.request.origin, self.request.target())
    }

    pub(crate) fn shown_body(&self) -> String {
        shown(&String::from_utf8_lossy(&self.request.body))
    }

    /// The first entry of a list that stands there several times.
    pub(crate) fn entry_twice(&self) -> Option<&str> {
        let twice = |list: &Vec<u64>| list.iter().collect::<BTreeSet<_>>().len() < list.len();
        self.lists.iter().find(|(_, list)| twice(list)).map(|(place, _)| place.as_str())
    }

    /// What is not as in the requests to the same place about each of its members alone.
    pub(crate) fn wrong_among(&self, alone: &[&Self], members: usize) -> Option<Wrong> {
        let is_read = self.is_read && alone.iter().all(|one| one.is_read);
        let body = || if is_read { self.outside(alone, members).or_else(|| self.entries(alone)) } else { None };
        self.head(alone).or_else(body)
    }

    /// Headers, slots and query.
    pub(crate) fn head(&self, alone: &[&Self]) -> Option<Wrong> {
        for one in alone {
            let (ours, theirs) = (headers(&self.request.headers), headers(&one.request.headers));
            if ours != theirs {
                return Some(Wrong::Head(format!("the headers {theirs:?}"), format!("{ours:?}")));
            }
            let (ours, theirs) = (slots(&self.request), slots(&one.request));
            if ours != theirs {
                return Some(Wrong::Head(format!("the slots {theirs:?}"), format!("{ours:?}")));
            }
            let names = |request: &Request| request.query.iter().map(|item| item.name.clone()).collect::<BTreeSet<_>>();
            let (ours, theirs) = (names(&self.request), names(&one.request));
            if ours != theirs {
                return Some(Wrong::Head(format!("the query's names {theirs:?}"), format!("{ours:?}")));
            }
        }
        self.request.query.iter().find_map(|item| {
            let theirs: Vec<&str> = alone.iter().filter_map(|one| value(&one.request.query, &item.name)).collect();
            // A list of members in one item has all that each has there alone.
            let fits =
                if differ(&theirs) { holds_all(&item.value, &theirs) } else { theirs.contains(&item.value.as_str()) };
            (!fits).then(|| {
                let got = format!("{}={}", item.name, shown(&item.value));
                Wrong::Head(format!("{}={}", item.name, shown(theirs.first().unwrap_or(&""))), got)
            })
        })
    }

    /// What stands in the body outside of lists.
    fn outside(&self, alone: &[&Self], members: usize) -> Option<Wrong> {
        let places =
            |parts: &Self| -> BTreeSet<String> { parts.frame.keys().chain(parts.lists.keys()).cloned().collect() };
        let (ours, theirs) = (places(self), alone.iter().flat_map(|one| places(one)).collect::<BTreeSet<_>>());
        if let Some(place) = ours.symmetric_difference(&theirs).next() {
            let (has, lacks) = (format!("a body with `{place}`"), "a body without it".to_owned());
            return Some(if theirs.contains(place) { Wrong::Head(has, lacks) } else { Wrong::Head(lacks, has) });
        }
        self.frame.iter().find_map(|(place, ours)| {
            let theirs: Vec<&Leaf> = alone.iter().filter_map(|one| one.frame.get(place)).collect();
            let first = theirs.first()?;
            let fits = theirs.contains(&ours) || differ(&theirs) || self.counts(ours, first, members);
            (!fits).then(|| Wrong::Head(format!("`{place}` {}", first.shown()), ours.shown()))
        })
    }

    /// Whether a number may count members or requests, which belongs to the packing.
    fn counts(&self, ours: &Leaf, alone: &Leaf, members: usize) -> bool {
        let number = |leaf: &Leaf| if let Leaf::Number(text) = leaf { text.parse::<usize>().ok() } else { None };
        let (Some(ours), Some(alone)) = (number(ours), number(alone)) else { return false };
        alone <= 1 || ours == members || self.lists.values().any(|list| list.len() == ours)
    }

    /// What the lists have beyond the members' own.
    fn entries(&self, alone: &[&Self]) -> Option<Wrong> {
        self.lists.iter().find_map(|(place, ours)| {
            let mut theirs: HashMap<u64, usize> = HashMap::new();
            for entry in alone.iter().filter_map(|one| one.lists.get(place)).flatten() {
                *theirs.entry(*entry).or_default() += 1;
            }
            let (mut strangers, mut twice) = (0, 0);
            for entry in ours {
                match theirs.get_mut(entry) {
                    None => strangers += 1,
                    Some(0) => twice += 1,
                    Some(left) => *left -= 1,
                }
            }
            let told = |count: usize| format!("{count} of {} entries of {}", ours.len(), list_name(place));
            match (strangers, twice) {
                (0, 0) => None,
                (0, twice) => Some(Wrong::Twice(told(twice))),
                (strangers, _) => Some(Wrong::Stranger(told(strangers))),
            }
        })
    }

    /// Whether every entry stands in a request about several members, of which `shared` has the entries.
    pub(crate) fn stands_in(&self, shared: &Entries) -> bool {
        self.lists.iter().all(|(place, list)| list.iter().all(|entry| shared.has(place, *entry)))
    }
}

impl Leaf {
    fn shown(&self) -> String {
        let (Self::Text(text) | Self::Number(text) | Self::Other(text)) = self;
        shown(text)
    }
}

/// The entries of a request, to be looked up.
pub(crate) struct Entries(BTreeMap<String, BTreeSet<u64>>);

impl Entries {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self(parts.lists.iter().map(|(place, list)| (place.clone(), list.iter().copied().collect())).collect())
    }

    fn has(&self, place: &str, entry: u64) -> bool {
        self.0.get(place).is_some_and(|list| list.contains(&entry))
    }
}

/// For reports: `/contacts`, or the body where it is a list itself.
pub(crate) fn list_name(place: &str) -> &str {
    if place.is_empty() { "the body" } else { place }
}

/// Whether no two are alike, so that each belongs to its member.
fn differ<T: Ord>(values: &[T]) -> bool {
    values.len() > 1 && values.iter().collect::<BTreeSet<_>>().len() == values.len()
}

/// Whether a text begins and ends as all of these do, and has what each of them has between.
fn holds_all(text: &str, theirs: &[&str]) -> bool {
    let same = |one: &str, other: &str| one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let same_back =
        |one: &str, other: &str| one.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    let Some(first) = theirs.first() else { return true };
    let begin = theirs.iter().map(|one| same(first, one)).min().unwrap_or(0);
    let end = theirs.iter().map(|one| same_back(first, one)).min().unwrap_or(0);
    let middle = |one: &str| one.as_bytes().get(begin..one.len().saturating_sub(end).max(begin)).map(<[u8]>::to_vec);
    let Some(whole) = middle(text) else { return false };
    let has = |part: Vec<u8>| part.is_empty() || whole.windows(part.len()).any(|window| window == part);
    let frame = |one: &str| same(one, text) >= begin && same_back(one, text) >= end;
    frame(first) && theirs.iter().filter_map(|one| middle(one)).all(has)
}

fn value<'i>(items: &'i [Item], name: &str) -> Option<&'i str> {
    items.iter().find(|item| item.name == name).map(|item| item.value.as_str())
}

fn headers(items: &[Item]) -> Vec<(String, String)> {
    let mut headers: Vec<_> = items.iter().map(|item| (item.name.to_lowercase(), item.value.clone())).collect();
    headers.sort();
    headers
}

fn slots(request: &Request) -> Vec<String> {
    let mut slots: Vec<_> = request.slots.iter().map(|slot| format!("{} = {}", slot.place, slot.value)).collect();
    slots.sort();
    slots
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A number that stands for a value, whatever the order of its names.
fn number_of(value: &Value) -> u64 {
    match value {
        Value::Null => 1,
        Value::Bool(flag) => hash(flag),
        Value::Number(number) => hash(&number.to_string()),
        Value::String(text) => hash(text),
        Value::Array(list) => list.iter().fold(2, |sum, value| hash(&(sum, number_of(value)))),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| hash(&(name, number_of(value))));
            hash(&(3, members.fold(0_u64, u64::wrapping_add)))
        }
    }
}

#[cfg(test)]
mod tests {
    use enroute_core::request::Method;

    use super::*;

    fn parts(query: &str, body: &str) -> Parts {
        Parts::new(&Request {
            method: Method::Post,
            origin: String::new(),
            path: Vec::new(),
            query: vec![Item { name: "q".to_owned(), value: query.to_owned() }],
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            slots: Vec::new(),
        })
    }

    #[track_caller]
    fn check(alone: &str, shared: &str, expect: bool) {
        let (alone, shared) = (parts("", alone), parts("", shared));
        assert_eq!(alone.stands_in(&Entries::of(&shared)), expect, "{alone:?} in {shared:?}");
    }

    #[test]
    fn entries_are_found_and_counts_do_not_matter() {
        check(r#"{"n":1,"users":[{"id":"a","x":1}]}"#, r#"{"n":2,"users":[{"id":"b"},{"x":1,"id":"a"}]}"#, true);
        check(r#"{"users":[{"id":"a","x":1}]}"#, r#"{"users":[{"id":"b"},{"id":"a","x":2}]}"#, false);
        check(r#"{"payload":{"data":[["h1"]]}}"#, r#"{"payload":{"data":[["h0"],["h1"]]}}"#, true);
        check(r#"{"add":["a"]}"#, r#"{"remove":["a"]}"#, false);
        check("id\na\n", "id\nb\na\n", true);
        check("id\na\n", "id\nb\n", false);
    }

    #[test]
    fn what_belongs_to_nobody_is_the_same_among_others() {
        let a = r#"{"n":1,"as":"u","key":"ka","users":["a"]}"#;
        let b = r#"{"n":1,"as":"u","key":"kb","users":["b"]}"#;
        let wrong = |query: &str, body: &str| {
            let (a, b) = (parts("a", a), parts("b", b));
            parts(query, body).wrong_among(&[&a, &b], 2)
        };
        assert_eq!(wrong("a,b", r#"{"n":2,"as":"u","key":"kc","users":["a","b"]}"#), None);
        let is_head = |wrong: Option<Wrong>| matches!(wrong, Some(Wrong::Head(..)));
        assert!(is_head(wrong("a", r#"{"n":2,"as":"u","key":"kc","users":["a","b"]}"#)));
        assert!(is_head(wrong("a,b", r#"{"n":2,"as":"v","key":"kc","users":["a","b"]}"#)));
        assert!(is_head(wrong("a,b", r#"{"n":2,"as":"u","key":"kc","users":["a","b"],"more":true}"#)));
        assert!(is_head(wrong("a,b", r#"{"n":2,"as":"u","users":["a","b"]}"#)));
        let twice = wrong("a,b", r#"{"n":2,"as":"u","key":"kc","users":["a","b","a"]}"#);
        assert_eq!(twice, Some(Wrong::Twice("1 of 3 entries of /users".to_owned())));
        let stranger = wrong("a,b", r#"{"n":2,"as":"u","key":"kc","users":["a","c"]}"#);
        assert_eq!(stranger, Some(Wrong::Stranger("1 of 2 entries of /users".to_owned())));
    }
}
