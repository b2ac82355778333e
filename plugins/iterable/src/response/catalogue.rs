//! Answers about the project: its fields and its lists.

use std::collections::BTreeMap;

use enroute_sdk::{AccountItem, Answer, ValueType, Verdict};
use serde::Deserialize;
use serde_json::{Number, Value};

use super::common;

/// A list of the project.
#[derive(Debug, Deserialize)]
pub(crate) struct ListEntry {
    pub(crate) id: Number,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default, rename = "listType")]
    pub(crate) kind: String,
}

impl ListEntry {
    /// The list that was just made; none where the number is of one that was there.
    pub(crate) fn created(id: &Value, name: &str, known: &[Self]) -> Option<Self> {
        let Value::Number(id) = id else { return None };
        let is_new = !known.iter().any(|list| list.id == *id);
        is_new.then(|| Self { id: id.clone(), name: name.to_owned(), kind: "Standard".to_owned() })
    }

    /// Whether users can be put on it and taken off.
    pub(crate) fn is_static(&self) -> bool {
        self.kind == "Standard"
    }
}

/// Fields and lists as a host offers them.
pub(crate) fn account(fields: &BTreeMap<String, Value>, lists: &[ListEntry]) -> Vec<AccountItem> {
    let field = |(name, kind): (&String, &Value)| AccountItem::field(name, takes(kind.as_str().unwrap_or_default()));
    let list = |list: &ListEntry| AccountItem::list(list.id.to_string(), &list.name);
    let lists = lists.iter().filter(|list| list.is_static()).map(list);
    fields.iter().map(field).chain(lists).collect()
}

/// A type of Iterable's, of the page "Updating User Profiles"; a `date` has a time.
fn takes(kind: &str) -> ValueType {
    match kind {
        "string" => ValueType::Text,
        "long" | "double" => ValueType::Number,
        "boolean" => ValueType::Boolean,
        "date" => ValueType::Moment,
        "nested" => ValueType::List,
        "object" | "geo_location" => ValueType::Object,
        _ => ValueType::Any,
    }
}

/// The names and types of user fields.
pub(crate) fn read(answer: &Answer) -> Result<BTreeMap<String, Value>, Verdict> {
    #[derive(Deserialize)]
    struct Body {
        fields: BTreeMap<String, Value>,
    }
    body::<Body>(answer).map(|body| body.fields)
}

/// The lists.
pub(crate) fn read_lists(answer: &Answer) -> Result<Vec<ListEntry>, Verdict> {
    #[derive(Deserialize)]
    struct Body {
        lists: Vec<ListEntry>,
    }
    body::<Body>(answer).map(|body| body.lists)
}

/// The number of a list that was created.
pub(crate) fn read_created(answer: &Answer) -> Result<Number, Verdict> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "listId")]
        list_id: Number,
    }
    body::<Body>(answer).map(|body| body.list_id)
}

fn body<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Verdict> {
    match answer.json() {
        Some(body) if answer.is_success() => Ok(body),
        _ if answer.is_success() => {
            let why = format!("iterable answered {} with something else than was asked for", answer.status);
            Err(Verdict::Unavailable(why))
        }
        _ => Err(common(answer)),
    }
}
