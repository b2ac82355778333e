//! The lists of a project. Who is on them stands with the users.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A list, as `GET /api/lists` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// What people call it; need not be unique.
    pub name: String,
    /// `Standard`, `Dynamic`, `Suppression` or `Internal`; only the first can be joined and left.
    pub kind: String,
}

impl List {
    /// A static list.
    pub fn standard(name: &str) -> Self {
        Self::of_kind(name, "Standard")
    }

    /// A list of any kind.
    pub fn of_kind(name: &str, kind: &str) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned() }
    }
}

/// All lists by their id.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: BTreeMap<u64, List>,
    made: u64,
}

impl Lists {
    pub(super) fn new(seed: Vec<List>) -> Self {
        let mut lists = Self::default();
        for list in seed {
            lists.add(list);
        }
        lists
    }

    fn add(&mut self, list: List) -> u64 {
        self.made += 1;
        self.lists.insert(self.made, list);
        self.made
    }

    /// Makes a static list, whether or not there is one of the name.
    pub(super) fn create(&mut self, name: &str) -> u64 {
        self.add(List::standard(name))
    }

    pub(super) fn delete(&mut self, id: u64) {
        self.lists.remove(&id);
    }

    /// Whether users can be put on it.
    pub(super) fn is_static(&self, id: u64) -> bool {
        self.lists.get(&id).is_some_and(|list| list.kind == "Standard")
    }

    /// The id in a path or query, where there is such a list.
    pub(super) fn parse(&self, text: &str) -> Option<u64> {
        text.parse().ok().filter(|id| self.lists.contains_key(id))
    }

    /// The ids of all lists of this name.
    pub(super) fn named(&self, name: &str) -> BTreeSet<u64> {
        self.lists.iter().filter(|(_, list)| list.name == name).map(|(id, _)| *id).collect()
    }

    pub(super) fn list(&self) -> Vec<(u64, List)> {
        self.lists.iter().map(|(id, list)| (*id, list.clone())).collect()
    }

    /// Iterable, "Lists" of the API reference: `{"lists":[{id,name,listType,createdAt,description?}]}`.
    pub(super) fn to_json(&self) -> Value {
        let one = |(id, list): (&u64, &List)| json!({ "id": id, "name": list.name, "listType": list.kind, "createdAt": 1_700_000_000_000_u64 });
        json!({ "lists": self.lists.iter().map(one).collect::<Vec<_>>() })
    }
}
