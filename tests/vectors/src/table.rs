//! The tables: rows of what is given and how it is read.

use std::collections::{BTreeMap, BTreeSet};

use enroute_sdk::testing::Cell;
use serde::Deserialize;

use crate::place::{Place, Seen, places};

/// A table of one kind of value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    row: Vec<Row>,
}

/// One value, and how it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// A value of TOML, or `{ json = "…" }` for null and for digits that TOML would lose.
    pub(crate) given: toml::Value,
    /// What an operator's settings say about such values, by name: see `hints` in `destinations.toml`.
    #[serde(default)]
    hints: toml::Table,
    /// The reading; empty where there is none, and the value cannot be used.
    read: String,
    /// The reading where the destination has no setting for any of the hints.
    unhinted: Option<String>,
    /// Readings of destinations that differ, and why.
    #[serde(default)]
    differs: BTreeMap<String, String>,
    why: Option<String>,
}

impl Row {
    /// The reading that a place should have.
    fn reading(&self, place: &Place) -> &str {
        if let Some(reading) = self.differs.get(place.destination) {
            return reading;
        }
        match &self.unhinted {
            Some(reading) if !place.takes(&self.hints) => reading,
            _ => &self.read,
        }
    }
}

/// Checks every row at every place. `expect` says what becomes of a reading at a place; of an empty one, nothing is
/// asked but that its code is told and nothing sent.
///
/// # Panics
/// With every row that is not as it says, a line each; and when the table has fewer than `rows_min` different rows.
pub(crate) fn check(kind: &str, table: &str, rows_min: usize, expect: fn(&Place, &Row, &str) -> Seen) {
    let table: Table = toml::from_str(table).unwrap_or_else(|error| panic!("the table of {kind}: {error}"));
    let places = places(kind);
    let destinations: BTreeSet<&str> = places.iter().map(|place| place.destination).collect();
    let mut found = Vec::new();
    let mut given: BTreeSet<String> = BTreeSet::new();
    for row in &table.row {
        if !given.insert(format!("{} {}", row.given, row.hints)) {
            found.push(format!("{}: it is there twice", row.given));
        }
        if row.differs.is_empty() != row.why.is_none() {
            found.push(format!("{}: `differs` and `why` go together", row.given));
        }
        let strangers = row.differs.keys().filter(|name| !destinations.contains(name.as_str()));
        found.extend(strangers.map(|name| format!("{}: no place of {name} takes {kind}", row.given)));
        for place in &places {
            let reading = row.reading(place);
            let expect = match reading {
                "" => Seen::new(None, [place.unusable.clone()].into_iter().chain(told_of(place, row))),
                reading => expect(place, row, reading),
            };
            let seen = place.seen(&row.given, &row.hints);
            if seen != expect {
                found.push(format!("{} at {place}: {seen:?}, and {expect:?} was expected", row.given));
            }
        }
    }
    if given.len() < rows_min {
        found.push(format!("{kind}: {} rows, and {rows_min} are promised", given.len()));
    }
    assert!(found.is_empty(), "{} to mend:\n{}", found.len(), found.join("\n"));
}

/// Checks rows whose reading is sent as each place writes it, without anything told.
pub(crate) fn written(place: &Place, row: &Row, reading: &str) -> Seen {
    Seen::new(Some(place.form.of(reading)), told_of(place, row))
}

/// The code that a place tells of numbers, where the value is one.
pub(crate) fn told_of(place: &Place, row: &Row) -> Option<String> {
    if row.given.is_str() { None } else { place.number.clone() }
}

/// A value of a table as a member has it. Days and times of TOML's own are none: write them as texts.
pub(crate) fn cell(value: &toml::Value) -> Cell {
    match value.get("json").and_then(toml::Value::as_str) {
        Some(raw) => Cell::raw(raw),
        None => json(value).into(),
    }
}

/// A value of TOML as JSON.
pub(crate) fn json(value: &toml::Value) -> serde_json::Value {
    serde_json::to_value(value).expect("TOML of a table is JSON too")
}
