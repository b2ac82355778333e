//! Members as plain data, and the packed form that the host would make of them.

use crate::Change;
use crate::bindings::enroute::destination::types::Cells;

/// A value in a test: a text from `&str`, anything else from `serde_json::json!`, digits kept with [`Cell::raw`].
///
/// ```
/// use enroute_sdk::testing::Cell;
///
/// let cells = [Cell::from("ann"), Cell::from(serde_json::json!(450.0)), Cell::raw("18446744073709551616")];
/// assert_ne!(cells[0], cells[1]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    kind: u8,
    text: String,
}

impl Cell {
    /// A value by its JSON text, digit for digit.
    #[must_use]
    pub fn raw(json: &str) -> Self {
        let json = json.trim();
        let kind = match json.as_bytes().first() {
            Some(b'n') => 1,
            Some(b'f') => 2,
            Some(b't') => 3,
            Some(b'"') => return Self { kind: 5, text: serde_json::from_str(json).unwrap_or_default() },
            Some(b'[' | b'{') => 6,
            _ => 4,
        };
        Self { kind, text: if kind < 4 { String::new() } else { json.to_owned() } }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { kind: 5, text: text.to_owned() }
    }
}

impl From<serde_json::Value> for Cell {
    fn from(value: serde_json::Value) -> Self {
        Self::raw(&value.to_string())
    }
}

/// A member in a test.
///
/// ```
/// use enroute_sdk::testing::Person;
///
/// let person = Person::added("u1").identifier("email", "ann@example.com").value("score", serde_json::json!(4));
/// assert_eq!(person.id(), "u1");
/// ```
#[derive(Debug, Clone)]
pub struct Person {
    pub(super) id: String,
    pub(super) change: Change,
    pub(super) identifiers: Vec<(String, Cell)>,
    pub(super) sent: Vec<Vec<(String, Cell)>>,
    pub(super) values: Vec<(String, Cell)>,
}

impl Person {
    /// A member with this change; the id is for messages of tests only.
    #[must_use]
    pub fn new(id: &str, change: Change) -> Self {
        Self { id: id.to_owned(), change, identifiers: Vec::new(), sent: Vec::new(), values: Vec::new() }
    }

    /// A member who entered.
    #[must_use]
    pub fn added(id: &str) -> Self {
        Self::new(id, Change::Added)
    }

    /// A member with a changed value.
    #[must_use]
    pub fn updated(id: &str) -> Self {
        Self::new(id, Change::Updated)
    }

    /// A member who left.
    #[must_use]
    pub fn removed(id: &str) -> Self {
        Self::new(id, Change::Removed)
    }

    /// With an identifier now, by the field it goes into.
    #[must_use]
    pub fn identifier(mut self, field: &str, value: impl Into<Cell>) -> Self {
        self.identifiers.push((field.to_owned(), value.into()));
        self
    }

    /// With a set of identifiers that an earlier delivery used, by field.
    #[must_use]
    pub fn sent<'a, V: Into<Cell>>(mut self, identifiers: impl IntoIterator<Item = (&'a str, V)>) -> Self {
        let row = identifiers.into_iter().map(|(field, value)| (field.to_owned(), value.into())).collect();
        self.sent.push(row);
        self
    }

    /// With the value of a trait; every row with that trait gets it.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl Into<Cell>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// What travels: a removed member has no values.
    pub(super) fn values_now(&self) -> &[(String, Cell)] {
        if self.change == Change::Removed { &[] } else { &self.values }
    }

    /// The id that the test gave.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Packs rows of named values, one column for each name.
pub(super) fn pack<'a>(
    names: &[&str],
    rows: impl IntoIterator<Item = &'a [(String, Cell)]>,
) -> Result<Cells, std::num::TryFromIntError> {
    let mut cells =
        Cells { columns: names.len().try_into()?, kinds: Vec::new(), ends: Vec::new(), text: String::new() };
    for row in rows {
        for name in names {
            let found = row.iter().rfind(|(known, _)| known == name);
            let (kind, text) = found.map_or((0, ""), |(_, cell)| (cell.kind, cell.text.as_str()));
            cells.text.push_str(text);
            cells.kinds.push(kind);
            cells.ends.push(cells.text.len().try_into()?);
        }
    }
    Ok(cells)
}
