//! Whether what came in as a number or a text leaves with every digit and character that it came with.
//!
//! A plugin may leave a value out, or refuse the member; what must not be is a value that is nearly the one that came.

use crate::people::{Cell, Crowd};

/// Significant digits from which on a number of 32 or 64 bits may be another one.
const DIGITS_MIN: usize = 8;
/// What rounding makes of a number is nearer to it than this, in parts of it.
const NEAR: f64 = 1e-6;

/// A decimal number without zeros that mean nothing: digits, and the power of ten of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{part}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let trimmed = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - trimmed.len()).ok()?;
        let exponent = power.checked_sub(i64::try_from(part.len()).ok()?)?.checked_add(zeros)?;
        Some(Self { is_negative, digits: trimmed.trim_start_matches('0').to_owned(), exponent })
    }
}

/// A number that came in, and the one that stands in a body in its stead.
pub(crate) fn lost(crowd: &Crowd, body: &[u8]) -> Option<(String, String)> {
    let came: Vec<(&str, Decimal, f64)> = numbers(crowd)
        .filter_map(|text| Some((text, Decimal::parse(text)?, text.parse::<f64>().ok()?)))
        .filter(|(_, decimal, value)| decimal.digits.len() >= DIGITS_MIN && value.is_finite())
        .collect();
    if came.is_empty() {
        return None;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
    for word in body.split(|byte| !is_word(*byte)).filter(|word| word.len() >= DIGITS_MIN - 1) {
        let Ok(word) = std::str::from_utf8(word) else { continue };
        let (Some(decimal), Ok(value)) = (Decimal::parse(word), word.parse::<f64>()) else { continue };
        if came.iter().any(|(_, known, _)| *known == decimal) {
            continue;
        }
        if let Some((text, ..)) = came.iter().find(|(_, _, known)| (known - value).abs() < known.abs() * NEAR) {
            return Some(((*text).to_owned(), word.to_owned()));
        }
    }
    None
}

fn numbers(crowd: &Crowd) -> impl Iterator<Item = &str> {
    crowd.cells().filter_map(|cell| if let Cell::Number(text) = cell { Some(text.as_str()) } else { None })
}

/// What is wrong with the characters of texts in a body: one that stands for others, or bytes read as another script.
/// Texts are found by the marks in them.
pub(crate) fn garbled(crowd: &Crowd, body: &str) -> Option<String> {
    let came = |character: char| crowd.cells().any(|cell| cell.words().contains(character));
    if (body.contains('\u{fffd}') || body.contains("\\ufffd")) && !came('\u{fffd}') {
        return Some("U+FFFD, which stands for a character that was lost".to_owned());
    }
    let is_ascii = body.is_ascii() && !body.contains('?');
    if is_ascii {
        return None;
    }
    for person in &crowd.people {
        for mark in &person.marks {
            let cells = person.identifiers.iter().chain(&person.values).filter(|cell| !cell.words().is_ascii());
            for (cell, at) in cells.filter_map(|cell| Some((cell, cell.words().find(&mark.text)?))) {
                let Some(next) = after(cell.words(), at, &mark.text) else { continue };
                let places = body.match_indices(&mark.text).filter_map(|(at, _)| after(body, at, &mark.text));
                let odd = |character: &char| matches!(character, '?' | 'Ã' | 'Â' | 'ð' | 'â' | 'ã' | 'å');
                if let Some(odd) = places.filter(|character| *character != next).find(odd) {
                    return Some(format!("`{odd}` where `{next}` came in"));
                }
            }
        }
    }
    None
}

fn after(text: &str, at: usize, mark: &str) -> Option<char> {
    text.get(at + mark.len()..)?.chars().next()
}

#[cfg(test)]
mod tests {
    use enroute_core::batch::Change;

    use super::*;
    use crate::people::{Mark, Person};

    fn crowd(cells: Vec<Cell>) -> Crowd {
        let marks = vec![Mark { field: "x".to_owned(), text: "kqaazx".to_owned() }];
        let person = Person { change: Change::Added, identifiers: Vec::new(), sent: Vec::new(), values: cells, marks };
        Crowd::new(0, 1, vec![person])
    }

    #[test]
    fn a_rounded_number_is_another_one() {
        let number = |text: &str| crowd(vec![Cell::Number(text.to_owned())]);
        for (came, body, kept) in [
            ("9007199254740993", "[9007199254740993]", true),
            ("9007199254740993", "[9007199254740992]", false),
            ("9007199254740993", "{\"a\":9.007199254740992e15}", false),
            ("18446744073709551616", "\"18446744073709552000\"", false),
            ("0.123456789012345678901234567890", "a,0.123456789012345678901234567890", true),
            ("0.123456789012345678901234567890", "a,0.12345679,b", false),
            ("16777217", "[1.6777216E7]", false),
            ("450.0", "[450]", true),
            ("1795392000000", "[1795392000]", true),
            ("1e400", "[1e400]", true),
        ] {
            assert_eq!(lost(&number(came), body.as_bytes()).is_none(), kept, "{came} in {body}");
        }
    }

    #[test]
    fn a_replaced_character_is_told_from_a_text_that_was_cut() {
        let came = crowd(vec![Cell::text("kqaazxé漢")]);
        for (body, kept) in [
            ("\"kqaazxé漢\"", true),
            ("\"kqaazx\"", true),
            ("\"kqaazx\\u00e9\"", true),
            ("\"kqaazx??\"", false),
            ("\"kqaazxÃ©\"", false),
            ("\"kqaazxé\u{fffd}\"", false),
        ] {
            assert_eq!(garbled(&came, body).is_none(), kept, "{body}");
        }
    }
}
