//! Values packed into one text with offsets, the form in which they cross into a plugin.
//!
//! A batch of thousands of members crosses the border in three copies instead of one allocation a value;
//! `cargo run -p enroute-tests --example sandbox` prints what crossing costs. Invariant: what was pushed is what is read back
//! (property test `what_is_pushed_is_read_back`).

/// A value of a member as a plugin sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// The profile has no such trait.
    Absent,
    /// The trait is null.
    Null,
    /// The trait is true or false.
    Bool(bool),
    /// A number, as its JSON text: no digit is ever rounded.
    Number(&'a str),
    /// A text, unescaped.
    Text(&'a str),
    /// A list or an object, as JSON text.
    Json(&'a str),
}

/// A table of values, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    /// Columns in a row.
    pub columns: u32,
    /// Kind of each cell; see the contract.
    pub kinds: Vec<u8>,
    /// End of each cell in `text`.
    pub ends: Vec<u32>,
    /// All texts, one behind the other.
    pub text: String,
}

/// A JSON text that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored value is no JSON")]
pub struct NotJson;

impl Cells {
    /// An empty table with room for `rows` rows.
    #[must_use]
    pub fn with_capacity(columns: u32, rows: usize) -> Self {
        let cells = rows.saturating_mul(columns as usize);
        Self {
            columns,
            kinds: Vec::with_capacity(cells),
            ends: Vec::with_capacity(cells),
            text: String::with_capacity(cells * 16),
        }
    }

    /// Complete rows in the table.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.kinds.len().checked_div(self.columns as usize).unwrap_or(0)
    }

    /// Appends one cell.
    pub fn push(&mut self, value: Value<'_>) {
        let kind = match value {
            Value::Absent => 0,
            Value::Null => 1,
            Value::Bool(false) => 2,
            Value::Bool(true) => 3,
            Value::Number(text) => self.keep(4, text),
            Value::Text(text) => self.keep(5, text),
            Value::Json(text) => self.keep(6, text),
        };
        self.kinds.push(kind);
        self.end();
    }

    /// Appends one cell from JSON text as the store gives it; `None` is absent.
    ///
    /// # Errors
    /// When the text is no JSON, which only a damaged store can cause.
    pub fn push_json(&mut self, json: Option<&str>) -> Result<(), NotJson> {
        let Some(json) = json else {
            self.push(Value::Absent);
            return Ok(());
        };
        match json.as_bytes().first() {
            Some(b'n') => self.push(Value::Null),
            Some(b't') => self.push(Value::Bool(true)),
            Some(b'f') => self.push(Value::Bool(false)),
            Some(b'"') => return self.push_json_text(json),
            Some(b'{' | b'[') => self.push(Value::Json(json)),
            Some(b'-' | b'0'..=b'9') => self.push(Value::Number(json)),
            _ => return Err(NotJson),
        }
        Ok(())
    }

    /// Appends one cell from JSON text, and an absent one where the text is no JSON.
    pub fn push_json_or_absent(&mut self, json: Option<&str>) {
        if self.push_json(json).is_err() {
            self.push(Value::Absent);
        }
    }

    fn push_json_text(&mut self, json: &str) -> Result<(), NotJson> {
        let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(NotJson)?;
        if inner.contains('\\') {
            let text: String = serde_json::from_str(json).map_err(|_| NotJson)?;
            self.push(Value::Text(&text));
        } else {
            self.push(Value::Text(inner));
        }
        Ok(())
    }

    /// The value at this place; absent where there is none.
    #[must_use]
    pub fn value(&self, row: usize, column: usize) -> Value<'_> {
        let at = row * self.columns as usize + column;
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(at).copied().unwrap_or(start);
        let text = self.text.get(start as usize..end as usize).unwrap_or("");
        match self.kinds.get(at) {
            Some(1) => Value::Null,
            Some(2) => Value::Bool(false),
            Some(3) => Value::Bool(true),
            Some(4) => Value::Number(text),
            Some(5) => Value::Text(text),
            Some(6) => Value::Json(text),
            _ => Value::Absent,
        }
    }

    /// Kinds and texts of one row in a form that two equal rows share and different rows do not: what a
    /// change hash is taken over.
    pub fn fingerprint_row(&self, row: usize, mut feed: impl FnMut(&[u8])) {
        for column in 0..self.columns as usize {
            let (kind, text) = match self.value(row, column) {
                Value::Absent => (0_u8, ""),
                Value::Null => (1, ""),
                Value::Bool(false) => (2, ""),
                Value::Bool(true) => (3, ""),
                Value::Number(text) => (4, text),
                Value::Text(text) => (5, text),
                Value::Json(text) => (6, text),
            };
            feed(&[kind]);
            feed(&(text.len() as u64).to_be_bytes());
            feed(text.as_bytes());
        }
    }

    /// Appends a row of another table with the same columns.
    pub fn push_row(&mut self, other: &Self, row: usize) {
        let cells = row * other.columns as usize..(row + 1) * other.columns as usize;
        let start = cells.start.checked_sub(1).map_or(Some(0), |before| other.ends.get(before).copied());
        let found = (other.kinds.get(cells.clone()), other.ends.get(cells), start);
        let (Some(kinds), Some(ends), Some(start)) = found else {
            return (0..self.columns).for_each(|_| self.push(Value::Absent));
        };
        let end = ends.last().copied().unwrap_or(start);
        let shift = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.kinds.extend_from_slice(kinds);
        self.ends.extend(ends.iter().map(|end| (end - start).saturating_add(shift)));
        self.text.push_str(other.text.get(start as usize..end as usize).unwrap_or_default());
    }

    /// Bytes that the table takes on its way across the border.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.kinds.len() * 5
    }

    fn keep(&mut self, kind: u8, text: &str) -> u8 {
        self.text.push_str(text);
        kind
    }

    fn end(&mut self) {
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Value<'_>) {
        let mut cells = Cells::with_capacity(1, 1);
        cells.push_json(Some(json)).unwrap();
        assert_eq!(cells.value(0, 0), expect);
    }

    #[test]
    fn json_texts_become_values_without_losing_a_digit() {
        check("null", Value::Null);
        check("true", Value::Bool(true));
        check("450.0", Value::Number("450.0"));
        check("18446744073709551616", Value::Number("18446744073709551616"));
        check(r#""O'Neil""#, Value::Text("O'Neil"));
        check(r#""a\"b\u00e9""#, Value::Text("a\"bé"));
        check("[1,2]", Value::Json("[1,2]"));
    }

    #[test]
    fn five_kinds_of_nothing_stay_apart() {
        let mut cells = Cells::with_capacity(5, 1);
        for json in [None, Some("null"), Some("\"\""), Some("[]"), Some("{}")] {
            cells.push_json(json).unwrap();
        }
        let got: Vec<_> = (0..5).map(|column| cells.value(0, column)).collect();
        assert_eq!(got, [Value::Absent, Value::Null, Value::Text(""), Value::Json("[]"), Value::Json("{}")]);
    }

    #[test]
    fn a_row_of_another_table_is_the_same_row_here() {
        let mut table = Cells::with_capacity(2, 3);
        let rows = [[Value::Text("é"), Value::Null], [Value::Absent, Value::Number("1.0")], [Value::Text(""); 2]];
        rows.iter().flatten().for_each(|value| table.push(*value));
        let mut other = Cells::with_capacity(2, 5);
        [2, 1, 0, 1, 7].into_iter().for_each(|row| other.push_row(&table, row));
        let got: Vec<_> = (0..5).map(|row| [other.value(row, 0), other.value(row, 1)]).collect();
        assert_eq!(got, [rows[2], rows[1], rows[0], rows[1], [Value::Absent; 2]]);
    }

    proptest! {
        #[test]
        fn what_is_pushed_is_read_back(texts in prop::collection::vec(prop::option::of("[a-cé]{0,3}"), 0..12)) {
            let mut cells = Cells::with_capacity(2, 6);
            for text in &texts {
                cells.push(text.as_deref().map_or(Value::Null, Value::Text));
            }
            for (at, text) in texts.iter().enumerate() {
                let expect = text.as_deref().map_or(Value::Null, Value::Text);
                prop_assert_eq!(cells.value(at / 2, at % 2), expect);
            }
        }
    }
}
