//! Values as they cross the border: one text, and where each cell of a table ends in it.
//!
//! Invariant: a [`Table`] was checked as a whole when it was made, so reading a cell cannot fail
//! (test `a_table_that_does_not_add_up_is_refused`).

use crate::bindings::enroute::destination::types::Cells;
use crate::date::{Date, Moment, Order, Unread};
use crate::text::trim;

/// One value of a member: of a mapping row or of an identifier.
///
/// Numbers and JSON are kept as the text they came with, so that 64-bit ids and `450.0` keep their digits.
///
/// ```
/// use enroute_sdk::Value;
///
/// assert_eq!(Value::Text("ann").scalar().as_deref(), Some("ann"));
/// assert_eq!(Value::Number("450.0").scalar().as_deref(), Some("450.0"));
/// assert_eq!(Value::Json("[1]").scalar(), None);
/// assert!(Value::Absent.is_absent() && !Value::Null.is_absent());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// The profile does not have it: leave the field out.
    Absent,
    /// The profile says null: an order to clear the field.
    Null,
    /// True or false.
    Bool(bool),
    /// A number as its JSON text.
    Number(&'a str),
    /// A text, without quotes or escapes; may be empty.
    Text(&'a str),
    /// A list or an object as JSON text.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// Whether the profile does not have it.
    #[must_use]
    pub const fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, where it is one.
    #[must_use]
    pub const fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Texts, numbers and booleans as text: what a destination that knows only texts should get.
    #[must_use]
    pub fn scalar(self) -> Option<std::borrow::Cow<'a, str>> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.into()),
            Self::Bool(true) => Some("true".into()),
            Self::Bool(false) => Some("false".into()),
            Self::Absent | Self::Null | Self::Json(_) => None,
        }
    }

    /// True or false, where the value is one of them in a spelling of which there is no doubt: a boolean, the number 1 or
    /// 0, or one of the texts `true`, `false`, `1`, `0` in any case and with blanks around. `yes`, `on`, `t` and an empty
    /// text are neither.
    ///
    /// ```
    /// use enroute_sdk::Value;
    ///
    /// assert_eq!(Value::Text(" TRUE").flag(), Some(true));
    /// assert_eq!(Value::Number("0").flag(), Some(false));
    /// assert_eq!(Value::Text("yes").flag(), None);
    /// assert_eq!(Value::Number("2").flag(), None);
    /// ```
    #[must_use]
    pub fn flag(self) -> Option<bool> {
        const WORDS: [(&str, bool); 4] = [("true", true), ("false", false), ("1", true), ("0", false)];
        match self {
            Self::Bool(flag) => Some(flag),
            Self::Number(digits) => match without_zeros(digits) {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            },
            Self::Text(text) => {
                let text = trim(text);
                WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, flag)| *flag)
            }
            Self::Absent | Self::Null | Self::Json(_) => None,
        }
    }

    /// The day or point in time that the value is: of a text what [`Moment::read`] understands, of a number eight digits
    /// (`19900704`). Numbers of seconds are not read: nothing says that they are any.
    ///
    /// ```
    /// use enroute_sdk::Value;
    /// use enroute_sdk::date::Unread;
    ///
    /// assert_eq!(Value::Number("19900704").moment(None).unwrap().to_string(), "1990-07-04");
    /// assert_eq!(Value::Number("1586786649").moment(None), Err(Unread::NoDate));
    /// ```
    ///
    /// # Errors
    /// Where it is no date, or has two readings and `order` does not decide.
    pub fn moment(self, order: Option<Order>) -> Result<Moment, Unread> {
        match self {
            Self::Text(text) => Moment::read(text, order),
            Self::Number(digits) if without_zeros(digits).len() == 8 => Moment::read(without_zeros(digits), order),
            _ => Err(Unread::NoDate),
        }
    }

    /// The day of it, as written: no time zone moves a birthday.
    ///
    /// # Errors
    /// As [`moment`](Self::moment).
    pub fn date(self, order: Option<Order>) -> Result<Date, Unread> {
        self.moment(order).map(|moment| moment.date)
    }
}

/// A number without a fraction of nothing but zeros: `1` of `1.0`.
fn without_zeros(digits: &str) -> &str {
    match digits.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => digits,
    }
}

/// Why a batch cannot be read: the host and this SDK disagree on the packed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub(crate) &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the packed values do not add up: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Largest number that `kinds` may hold.
const KIND_MAX: u8 = 6;

/// A checked view of packed cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a> {
    columns: usize,
    kinds: &'a [u8],
    ends: &'a [u32],
    text: &'a str,
}

impl<'a> Table<'a> {
    /// A table without columns.
    pub(crate) const EMPTY: Self = Self { columns: 0, kinds: &[], ends: &[], text: "" };

    /// Checks lengths, order and character boundaries of all cells.
    pub(crate) fn new(cells: &'a Cells, columns: usize, rows: usize) -> Result<Self, Malformed> {
        if cells.columns as usize != columns {
            return Err(Malformed("a table has another number of columns than the connection"));
        }
        let count = columns.checked_mul(rows).ok_or(Malformed("a table is too large"))?;
        if cells.kinds.len() != count || cells.ends.len() != count {
            return Err(Malformed("a table has another number of cells than rows times columns"));
        }
        if cells.kinds.iter().any(|kind| *kind > KIND_MAX) {
            return Err(Malformed("a cell is of an unknown kind"));
        }
        let mut start = 0;
        for end in &cells.ends {
            if *end < start || !cells.text.is_char_boundary(*end as usize) {
                return Err(Malformed("a cell ends before it starts, behind the text or inside a character"));
            }
            start = *end;
        }
        Ok(Self { columns, kinds: &cells.kinds, ends: &cells.ends, text: &cells.text })
    }

    /// The value in this place; absent outside of the table.
    pub(crate) fn value(&self, row: usize, column: usize) -> Value<'a> {
        if column >= self.columns {
            return Value::Absent;
        }
        let cell = row * self.columns + column;
        let start = match cell.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        match (self.kinds.get(cell), self.ends.get(cell)) {
            (Some(kind), Some(end)) => self.read(*kind, start, *end),
            _ => Value::Absent,
        }
    }

    /// The values of a row, in the order of the columns.
    pub(crate) fn row(&self, row: usize) -> RowValues<'a> {
        let first = row * self.columns;
        let cells = first..first + self.columns;
        let start = match first.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        RowValues {
            table: *self,
            kinds: self.kinds.get(cells.clone()).unwrap_or_default().iter(),
            ends: self.ends.get(cells).unwrap_or_default().iter(),
            start,
        }
    }

    fn read(&self, kind: u8, start: u32, end: u32) -> Value<'a> {
        let text = || self.text.get(start as usize..end as usize).unwrap_or_default();
        match kind {
            1 => Value::Null,
            2 => Value::Bool(false),
            3 => Value::Bool(true),
            4 => Value::Number(text()),
            5 => Value::Text(text()),
            6 => Value::Json(text()),
            _ => Value::Absent,
        }
    }
}

/// The values of one row.
#[derive(Debug, Clone)]
pub(crate) struct RowValues<'a> {
    table: Table<'a>,
    kinds: std::slice::Iter<'a, u8>,
    ends: std::slice::Iter<'a, u32>,
    start: u32,
}

impl<'a> Iterator for RowValues<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (kind, end) = (self.kinds.next()?, self.ends.next()?);
        let value = self.table.read(*kind, self.start, *end);
        self.start = *end;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(columns: u32, kinds: &[u8], ends: &[u32], text: &str) -> Cells {
        Cells { columns, kinds: kinds.to_vec(), ends: ends.to_vec(), text: text.to_owned() }
    }

    #[test]
    fn cells_of_all_kinds_read_as_values() {
        let packed = cells(7, &[0, 1, 2, 3, 4, 5, 6], &[0, 0, 0, 0, 3, 6, 9], "4.0é1[1]");
        let table = Table::new(&packed, 7, 1).expect("the cells add up");
        let expect = [
            Value::Absent,
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Number("4.0"),
            Value::Text("é1"),
            Value::Json("[1]"),
        ];
        assert_eq!(table.row(0).collect::<Vec<_>>(), expect);
        for (column, value) in expect.into_iter().enumerate() {
            assert_eq!(table.value(0, column), value);
        }
        assert_eq!(table.value(0, 7), Value::Absent);
        assert_eq!(table.value(9, 0), Value::Absent);
    }

    #[test]
    fn a_table_that_does_not_add_up_is_refused() {
        let refused = [
            cells(2, &[5, 5], &[0, 1], "a"),
            cells(1, &[5], &[0, 1], "a"),
            cells(1, &[5, 5], &[1, 0], "a"),
            cells(1, &[5, 5], &[0, 2], "a"),
            cells(1, &[5, 5], &[1, 2], "é"),
            cells(1, &[5, 7], &[0, 1], "a"),
        ];
        for packed in refused {
            assert!(Table::new(&packed, 1, 2).is_err(), "{packed:?}");
        }
    }
}
