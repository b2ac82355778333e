//! Members that the kit makes up, and marks in their values by which they are found again.

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::{Cells, Value};

/// A value of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Absent,
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Json(String),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Absent => Value::Absent,
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(text) => Value::Number(text),
            Self::Text(text) => Value::Text(text),
            Self::Json(text) => Value::Json(text),
        }
    }

    /// Whether the host would take it for an identifier.
    pub(crate) fn identifies(&self) -> bool {
        match self {
            Self::Text(text) | Self::Number(text) => !text.trim().is_empty(),
            _ => false,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words().len()
    }

    /// What it says; nothing where it is no text, number or JSON.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Number(text) | Self::Text(text) | Self::Json(text) => text,
            Self::Absent | Self::Null | Self::Bool(_) => "",
        }
    }
}

/// A part of a value by which it is found again, whatever the case of its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The field that the value goes into.
    pub(crate) field: String,
    /// In lower case.
    pub(crate) text: String,
}

/// A member.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) change: Change,
    pub(crate) identifiers: Vec<Cell>,
    pub(crate) sent: Vec<Vec<Cell>>,
    pub(crate) values: Vec<Cell>,
    /// Marks of what identifies the member now, and of its values.
    pub(crate) marks: Vec<Mark>,
}

/// Members with the connection's numbers of columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd {
    pub(crate) people: Vec<Person>,
    fields: usize,
    rows: usize,
    consent: Option<String>,
}

impl Crowd {
    pub(crate) fn new(fields: usize, rows: usize, people: Vec<Person>) -> Self {
        Self { people, fields, rows, consent: None }
    }

    /// Some of them, in this order.
    pub(crate) fn chosen(&self, positions: &[usize]) -> Self {
        let people = positions.iter().filter_map(|at| self.people.get(*at)).cloned().collect();
        Self { people, fields: self.fields, rows: self.rows, consent: self.consent.clone() }
    }

    pub(crate) fn len(&self) -> usize {
        self.people.len()
    }

    /// The same members with another consent, as JSON text.
    pub(crate) fn consenting(&self, consent: Option<String>) -> Self {
        Self { people: self.people.clone(), fields: self.fields, rows: self.rows, consent }
    }

    /// Every value of every member, also what was sent of it.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.people
            .iter()
            .flat_map(|person| person.identifiers.iter().chain(&person.values).chain(person.sent.iter().flatten()))
    }

    /// The members as they cross the border.
    pub(crate) fn batch(&self) -> Batch {
        let columns = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut batch = Batch::new(columns(self.fields), columns(self.rows), self.people.len());
        batch.consent.clone_from(&self.consent);
        for (person, number) in self.people.iter().zip(0..) {
            batch.profiles.push(number);
            batch.changes.push(person.change);
            push(&mut batch.identifiers, &person.identifiers, self.fields);
            let values: &[Cell] = if person.change == Change::Removed { &[] } else { &person.values };
            push(&mut batch.values, values, self.rows);
            for row in &person.sent {
                push(&mut batch.sent, row, self.fields);
                batch.sent_members.push(number);
            }
        }
        batch
    }
}

fn push(cells: &mut Cells, row: &[Cell], columns: usize) {
    for column in 0..columns {
        cells.push(row.get(column).map_or(Value::Absent, Cell::value));
    }
}

/// The members of a batch that came from a case; nothing is marked in them.
impl From<&Batch> for Crowd {
    fn from(batch: &Batch) -> Self {
        let row = |cells: &Cells, row: usize| -> Vec<Cell> {
            (0..cells.columns as usize).map(|column| cell(cells.value(row, column))).collect()
        };
        let person = |(at, change): (usize, &Change)| {
            let sent = batch.sent_members.iter().enumerate().filter(|(_, owner)| usize::try_from(**owner) == Ok(at));
            Person {
                change: *change,
                identifiers: row(&batch.identifiers, at),
                sent: sent.map(|(number, _)| row(&batch.sent, number)).collect(),
                values: row(&batch.values, at),
                marks: Vec::new(),
            }
        };
        Self {
            people: batch.changes.iter().enumerate().map(person).collect(),
            fields: batch.identifiers.columns as usize,
            rows: batch.values.columns as usize,
            consent: batch.consent.clone(),
        }
    }
}

fn cell(value: Value<'_>) -> Cell {
    match value {
        Value::Absent => Cell::Absent,
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Bool(flag),
        Value::Number(text) => Cell::Number(text.to_owned()),
        Value::Text(text) => Cell::Text(text.to_owned()),
        Value::Json(text) => Cell::Json(text.to_owned()),
    }
}

/// A word of letters only that stands for one value of one member, and is part of no other.
pub(crate) fn token(number: usize, column: usize) -> String {
    let mut word = "kq".to_owned();
    for (mut rest, letters) in [(number, 4), (column, 2)] {
        for _ in 0..letters {
            let letter = u8::try_from(rest % 20).unwrap_or(0);
            // Without `k`, so that `kq` stands only at the beginning.
            word.push(char::from(if letter >= 10 { b'b' + letter } else { b'a' + letter }));
            rest /= 20;
        }
    }
    word.push_str("zx");
    word
}

/// Letters of a [`token`].
const TOKEN_LETTERS: usize = 10;

/// The token in a text, if there is one.
pub(crate) fn marked_word(text: &str) -> Option<&str> {
    let at = text.find("kq")?;
    text.get(at..at + TOKEN_LETTERS).filter(|word| word.ends_with("zx"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_its_text() {
        let token = token(7, 3);
        assert_eq!(token.len(), TOKEN_LETTERS);
        assert_eq!(marked_word(&format!("a.{token}@example.com")), Some(token.as_str()));
        assert_eq!(marked_word("kq@example.com"), None);
    }

    #[test]
    fn tokens_differ_and_none_is_part_of_another() {
        let tokens: Vec<String> = (0..500).flat_map(|number| (0..5).map(move |column| token(number, column))).collect();
        for (at, one) in tokens.iter().enumerate().step_by(37) {
            let holders = tokens.iter().enumerate().filter(|(other, text)| *other != at && text.contains(one.as_str()));
            assert_eq!(holders.count(), 0, "{one}");
        }
    }
}
