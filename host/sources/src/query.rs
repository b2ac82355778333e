//! SQL traits: the result of a query, a person a row, every column but the id a trait.
//!
//! What must never happen: half a result, a value that is guessed, memory that grows with the result, or a password
//! in a message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::value::RawValue;

use crate::Error;
use crate::reject::{check_id, shown};
use crate::staged::{Replaced, Staged};
use enroute_store::Store;
use enroute_store::layers::Kind;
use enroute_store::warehouse::{self, Rows, Value};

/// Most rows of a result. A person a row; more people than the largest destinations take.
pub const ROWS_MAX: u64 = 25_000_000;

/// Most columns of a result. A destination takes some hundred fields.
pub const COLUMNS_MAX: usize = 300;

/// Longest row in bytes, as JSON: what a person's record has at destinations at most.
pub const ROW_BYTES_MAX: usize = 16 << 10;

/// Rows between two reports of progress.
const ROWS_BETWEEN_REPORTS: u64 = 5_000;

/// A query, and whose traits its columns are.
#[derive(Debug, Clone)]
pub struct Query {
    /// The name of the source.
    pub source: String,
    /// The statement.
    pub query: String,
    /// The column of the profile's id.
    pub id: String,
}

/// Replaces what the source says by what a query of a SQLite file gives.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
///
/// If the result cannot be had or used, a trait belongs to another source, or the store fails. Unless the store fails
/// nothing is written then.
pub fn sqlite(
    store: &Store,
    query: &Query,
    file: &Path,
    now_ms: i64,
    on_progress: &mut dyn FnMut(u64),
) -> Result<Replaced, Error> {
    let mut sink = Sink::begin(store, query, on_progress)?;
    warehouse::read(file, &query.query, warehouse::QUERY_TIME_MAX, &mut sink)?;
    sink.end(now_ms)
}

/// Takes rows and puts them aside.
pub(super) struct Sink<'a> {
    query: &'a Query,
    staged: Staged<'a>,
    columns: Vec<String>,
    id: usize,
    on_progress: &'a mut dyn FnMut(u64),
}

impl<'a> Sink<'a> {
    pub(super) fn begin(
        store: &'a Store,
        query: &'a Query,
        on_progress: &'a mut dyn FnMut(u64),
    ) -> Result<Self, Error> {
        Ok(Self { query, staged: Staged::begin(store)?, columns: Vec::new(), id: 0, on_progress })
    }

    pub(super) fn end(mut self, now_ms: i64) -> Result<Replaced, Error> {
        (self.on_progress)(self.staged.counts.read);
        let names = std::mem::take(&mut self.columns);
        let names = names.into_iter().enumerate().filter(|(index, _)| *index != self.id).map(|(_, name)| name);
        self.staged.carry(Kind::Sql, &self.query.source, names.collect(), &[], now_ms)
    }
}

impl Rows for Sink<'_> {
    type Error = Error;

    fn columns(&mut self, names: Vec<String>) -> Result<(), Error> {
        let fail = |reason: String| Err(Error::Result { reason });
        if names.len() > COLUMNS_MAX {
            return fail(format!("it has {} columns, and {COLUMNS_MAX} is the most", names.len()));
        }
        for (index, name) in names.iter().enumerate() {
            if *name != self.query.id && (name.is_empty() || name.contains(['"', '\\', '.', '\0'])) {
                let name = shown(name);
                return fail(format!("column `{name}` cannot be a trait; rename it in the query: `select … as name`"));
            }
            if names.iter().skip(index + 1).any(|other| other == name) {
                return fail(format!("column `{}` stands twice; rename one in the query", shown(name)));
            }
        }
        let Some(id) = names.iter().position(|name| *name == self.query.id) else {
            return fail(format!("it has no column `{}`, which is the id of a profile", shown(&self.query.id)));
        };
        (self.id, self.columns) = (id, names);
        Ok(())
    }

    fn row(&mut self, values: &[Value<'_>]) -> Result<(), Error> {
        self.staged.counts.read += 1;
        let read = self.staged.counts.read;
        if read > ROWS_MAX {
            return Err(Error::Result { reason: format!("it has more than {ROWS_MAX} rows") });
        }
        if read.is_multiple_of(ROWS_BETWEEN_REPORTS) {
            (self.on_progress)(read);
        }
        let key = match values.get(self.id) {
            Some(Value::Text(text)) => Cow::Borrowed(*text),
            Some(Value::Number(number)) if number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
                number.clone()
            }
            _ => Cow::Borrowed(""),
        };
        if check_id(&key, &self.query.id).is_err() {
            self.staged.counts.rejected += 1;
            return Ok(());
        }
        let mut traits: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
        let mut bytes = 0;
        for (index, (name, value)) in self.columns.iter().zip(values).enumerate() {
            if index != self.id {
                self.staged.counts.endless += u64::from(*value == Value::Endless);
                let value = json(value);
                bytes += name.len() + value.get().len();
                traits.insert(name, value);
            }
        }
        if bytes > ROW_BYTES_MAX {
            let reason = format!("row {read} has {bytes} bytes, and {ROW_BYTES_MAX} is the most");
            return Err(Error::Result { reason });
        }
        self.staged.put(&key, &traits)
    }
}

fn json(value: &Value<'_>) -> Box<RawValue> {
    let text = match value {
        Value::Null | Value::Endless => None,
        Value::Boolean(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(serde_json::Value::from(*text).to_string()),
    };
    text.and_then(|text| RawValue::from_string(text).ok()).unwrap_or_else(|| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests;
