//! Values from cells of text: numbers, truth, lists, JSON and dates, as the operator says or as a whole column shows.
//!
//! What must never happen: a value that is guessed from itself alone, or a digit that is lost.

use std::borrow::Cow;

use enroute_config::audiences_file::source::types::{DIGITS, Digits, Kind};
use jiff::fmt::strtime;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::{self, Cell};
use crate::reject::{Bad, Code, shown};

/// How people write days and moments; the order is that in which they are named.
pub(super) const DATES: [&str; 13] = [
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
];

/// The value of a cell as JSON; nothing where it is empty.
pub(super) fn read(kind: &Kind, cell: &str, column: &str) -> Result<Cell<'static>, Bad> {
    if cell.is_empty() {
        return Ok(None);
    }
    if *kind == Kind::Text {
        return Ok(columns::text(cell));
    }
    let cell = cell.trim();
    if cell.is_empty() {
        return Ok(None);
    }
    let bad = |what: &str| Bad::new(Code::CsvType, format!("column `{}` has a cell that is {what}", shown(column)));
    let text = match kind {
        Kind::Text => return Ok(columns::text(cell)),
        Kind::Number(digits) => {
            number(cell, *digits).ok_or_else(|| bad(&format!("no number like {}", digits.sample)))?
        }
        Kind::Boolean(words) => {
            let is_true = boolean(cell, words.as_ref()).ok_or_else(|| bad("neither true nor false"))?;
            is_true.to_string()
        }
        Kind::List(between) => {
            let parts = cell.split(*between).map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(Value::from).collect()).to_string()
        }
        Kind::Json => {
            let raw: Box<RawValue> = serde_json::from_str(cell).map_err(|_| bad("no JSON"))?;
            raw.get().to_owned()
        }
        Kind::Date(format) => {
            let iso = date(cell, format).ok_or_else(|| bad(&format!("no date like {format}")))?;
            Value::from(iso).to_string()
        }
    };
    Ok(Some(Cow::Owned(text)))
}

/// A number as JSON writes it, with every digit that is there.
pub(super) fn number(text: &str, digits: Digits) -> Option<String> {
    let (sign, rest) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let (whole, decimals) = match mantissa.split_once(digits.decimal) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (mantissa, None),
    };
    let whole = ungrouped(whole, digits.group)?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = is_digits(&whole) || whole.is_empty() && decimals.is_some();
    let exponent_digits = exponent.trim_start_matches(['e', 'E']).trim_start_matches(['+', '-']);
    if !is_whole || !decimals.is_none_or(is_digits) || !(exponent.is_empty() || is_digits(exponent_digits)) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let decimals = decimals.map_or_else(String::new, |decimals| format!(".{decimals}"));
    Some(format!("{sign}{whole}{decimals}{exponent}"))
}

/// The digits before the decimals; nothing where what stands between them does not group thousands.
fn ungrouped(whole: &str, group: Option<char>) -> Option<Cow<'_, str>> {
    let Some(group) = group else { return Some(Cow::Borrowed(whole)) };
    let is_group =
        |c: char| c == group || group == ' ' && matches!(c, '\u{a0}' | '\u{202f}') || group == '\'' && c == '\u{2019}';
    if !whole.contains(is_group) {
        return Some(Cow::Borrowed(whole));
    }
    let mut groups = whole.split(is_group);
    let first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
    (first && groups.all(|group| group.len() == 3)).then(|| Cow::Owned(whole.replace(is_group, "")))
}

/// Whether a word is the one for true.
pub(super) fn boolean(text: &str, words: Option<&(String, String)>) -> Option<bool> {
    let is = |word: &str| text.to_lowercase() == word.to_lowercase();
    match words {
        Some((yes, _)) if is(yes) => Some(true),
        Some((_, no)) if is(no) => Some(false),
        Some(_) => None,
        None if ["true", "t", "yes", "y", "1"].into_iter().any(is) => Some(true),
        None if ["false", "f", "no", "n", "0"].into_iter().any(is) => Some(false),
        None => None,
    }
}

/// A day as `2024-02-29`, a moment as `2024-02-29T12:00:00`, and with `Z` where the format has a zone.
pub(super) fn date(text: &str, format: &str) -> Option<String> {
    // A year of two digits is not one of four.
    let has_year = || text.as_bytes().windows(4).any(|digits| digits.iter().all(u8::is_ascii_digit));
    if format.contains("%Y") && !has_year() {
        return None;
    }
    let parts = strtime::parse(format, text).ok()?;
    let has = |words: &[&str]| words.iter().any(|word| format.contains(word));
    if has(&["%z", "%:z", "%s"]) {
        return parts.to_timestamp().ok().map(|moment| moment.to_string());
    }
    if has(&["%H", "%I", "%T", "%R"]) {
        return parts.to_datetime().ok().map(|moment| moment.to_string());
    }
    parts.to_date().ok().map(|day| day.to_string())
}

/// The formats that read every cell of a column so far.
#[derive(Debug, Clone)]
struct Formats {
    alive: u16,
    /// For each format, those of the ones behind it that read some cell in another way.
    differ: [u16; DATES.len()],
}

impl Formats {
    const fn all(count: usize) -> Self {
        Self { alive: (1 << count) - 1, differ: [0; DATES.len()] }
    }

    /// Keeps those that read a cell.
    fn keep(&mut self, read: impl Fn(usize) -> Option<String>) {
        let mut texts: [Option<String>; DATES.len()] = Default::default();
        for (index, text) in texts.iter_mut().enumerate() {
            if self.alive & (1 << index) != 0 {
                *text = read(index);
            }
            if text.is_none() {
                self.alive &= !(1 << index);
            }
        }
        for ((index, text), differ) in texts.iter().enumerate().zip(&mut self.differ) {
            let others = texts.iter().enumerate().skip(index + 1);
            let others = others.filter(|(_, other)| text.is_some() && other.is_some() && *other != text);
            *differ |= others.fold(0, |mask, (other, _)| mask | 1 << other);
        }
    }

    /// Those that read everything.
    fn left(&self) -> Vec<usize> {
        (0..DATES.len()).filter(|index| self.alive & (1 << index) != 0).collect()
    }

    /// Whether two of them read a cell in two ways.
    fn is_unclear(&self) -> bool {
        self.left().into_iter().any(|index| self.differ.get(index).is_some_and(|differ| differ & self.alive != 0))
    }
}

/// What the cells of a column were so far, to tell what they all are.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    filled: u64,
    numbers: Formats,
    dates: Formats,
    is_boolean: bool,
    /// A leading zero or a plus: digits that are no number.
    is_code: bool,
    has_exponent: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            filled: 0,
            numbers: Formats::all(DIGITS.len()),
            dates: Formats::all(DATES.len()),
            is_boolean: true,
            is_code: false,
            has_exponent: false,
        }
    }
}

/// What a column was found to be, and why not more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Its name.
    pub column: String,
    /// What its cells are.
    pub kind: Kind,
    /// What an operator should know.
    pub note: Option<String>,
}

impl Seen {
    /// Looks at a cell.
    pub(super) fn look(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        self.is_boolean &= matches!(cell.to_lowercase().as_str(), "true" | "false" | "yes" | "no");
        let mut digits = cell.strip_prefix('-').unwrap_or(cell).bytes();
        let (first, second) = (digits.next(), digits.next());
        self.is_code |= first == Some(b'+') || first == Some(b'0') && second.is_some_and(|byte| byte.is_ascii_digit());
        if self.numbers.alive != 0 {
            self.numbers.keep(|index| number(cell, *DIGITS.get(index)?));
            self.has_exponent |= self.numbers.alive != 0 && cell.contains(['e', 'E']);
        }
        if self.dates.alive != 0 {
            self.dates.keep(|index| date(cell, DATES.get(index)?));
        }
    }

    /// The types that read all cells, for a column that another type does not read.
    pub(super) fn fitting(&self) -> Vec<Kind> {
        let digits =
            self.numbers.left().into_iter().filter_map(|index| DIGITS.get(index)).map(|one| Kind::Number(*one));
        let dates = self.dates.left().into_iter().filter_map(|index| DATES.get(index));
        let dates = dates.map(|format| Kind::Date((*format).to_owned()));
        if self.filled == 0 { Vec::new() } else { digits.chain(dates).collect() }
    }

    /// What the column is.
    pub(super) fn decide(&self, column: &str) -> Decided {
        let as_text = |note: Option<String>| Decided { column: column.to_owned(), kind: Kind::Text, note };
        let several = || {
            let all: Vec<String> = self.fitting().iter().map(ToString::to_string).collect();
            as_text(Some(format!("kept as text, for several types fit: {}", all.join(", "))))
        };
        let is = |kind: Kind| Decided { column: column.to_owned(), kind, note: None };
        if self.filled == 0 {
            return as_text(None);
        }
        if self.is_boolean {
            return is(Kind::Boolean(None));
        }
        let (numbers, dates) = (self.numbers.left(), self.dates.left());
        match (numbers.first().and_then(|index| DIGITS.get(*index)), dates.first().and_then(|index| DATES.get(*index)))
        {
            (Some(_), _) if self.is_code => as_text(None),
            (Some(_), _) if self.has_exponent => as_text(Some(
                "kept as text: it has numbers like 4.6E+09, from which a spreadsheet cut digits".to_owned(),
            )),
            (Some(_), _) if self.numbers.is_unclear() => several(),
            (Some(digits), _) => is(Kind::Number(*digits)),
            (None, Some(_)) if self.dates.is_unclear() => several(),
            (None, Some(format)) => is(Kind::Date((*format).to_owned())),
            (None, None) => as_text(None),
        }
    }
}

#[cfg(test)]
mod tests;
