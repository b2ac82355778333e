//! Answers about the project: its fields and its lists.

use std::collections::BTreeMap;

use enroute_sdk::{Answer, Finding, Verdict};
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
    /// Whether users can be put on it and taken off.
    pub(crate) fn is_static(&self) -> bool {
        self.kind == "Standard"
    }
}

/// What reading the fields says of the credential.
pub(crate) fn probe(answer: &Answer) -> Finding {
    Finding::verdict(read(answer).err().unwrap_or(Verdict::Ok))
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
