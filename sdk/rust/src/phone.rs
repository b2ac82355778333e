//! Phone numbers: in E.164 by tables that the host lends, and those that name no country.
//!
//! One way to read a number for all plugins, the host's: a plugin that read numbers by itself would send the zero of
//! `+44 (0)20`, or the digits of an extension.

mod dial;

use std::borrow::Cow;

pub use dial::DialCode;

use crate::Value;
use crate::text::{digit, is_invisible, trim};

/// Fewest and most digits of a number that names no country.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Most digits of an area in front of a slash, its zero included, and fewest behind it: fewer are another ending.
const AREA_DIGITS_MAX: usize = 6;
const BEHIND_SLASH_DIGITS_MIN: usize = 5;

/// Whole numbers up to this one are exact as a double.
const WHOLE_NUMBER_MAX: f64 = 9_007_199_254_740_992.0;

/// A phone number as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// In E.164: a plus and digits.
    International(String),
    /// Of a country that nobody named: its digits, as many zeros in front as it was written with.
    National(String),
}

/// Reads a number; none where the text is no number, more than one, or a national one that is none in `region`.
///
/// ```
/// use enroute_sdk::phone::{Number, read};
///
/// assert_eq!(read("+351 912 345 678", None), Some(Number::International("+351912345678".into())));
/// assert_eq!(read("(020) 7946 0958", None), Some(Number::National("02079460958".into())));
/// assert_eq!(read("(650) 555-1212 or (650) 555-1213", None), None);
/// ```
#[must_use]
pub fn read(text: &str, region: Option<&str>) -> Option<Number> {
    if let Some(number) = e164(text, region) {
        return Some(Number::International(number));
    }
    if region.is_some() { None } else { national_digits(text).map(Number::National) }
}

/// The number in E.164: a plus and digits. None where the text is no number, or a national one and `region` is not
/// given.
///
/// An extension is left out, and so is the zero in `+44 (0)20`. `region` is for numbers without a country code: an
/// ISO 3166-1 alpha-2 code, or the digits of a country code. In native builds the tables are there with the feature
/// `phone`, meant for a plugin's tests; without it, only plain international numbers are read.
///
/// ```
/// assert_eq!(enroute_sdk::phone::e164("+351 912 345 678", None).as_deref(), Some("+351912345678"));
/// assert_eq!(enroute_sdk::phone::e164("912 345 678", None), None);
/// ```
#[must_use]
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::enroute::destination::normalize::phone(text, region);
    #[cfg(all(not(target_arch = "wasm32"), feature = "phone"))]
    return enroute_phone::e164(text, region);
    #[cfg(all(not(target_arch = "wasm32"), not(feature = "phone")))]
    return without_tables(text, region);
}

/// The text of a value that a phone number may be: trimmed, and a JSON number without a fraction or an exponent that
/// it does not need. None for anything else, and for what is blank.
///
/// ```
/// use enroute_sdk::{Value, phone};
///
/// assert_eq!(phone::text_of(Value::Text(" +1 650 ")).as_deref(), Some("+1 650"));
/// assert_eq!(phone::text_of(Value::Number("1.6505551212E10")).as_deref(), Some("16505551212"));
/// assert_eq!(phone::text_of(Value::Bool(true)), None);
/// ```
#[must_use]
pub fn text_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    let text = match value {
        Value::Text(text) => Cow::Borrowed(trim(text)),
        Value::Number(digits) if digits.contains(['.', 'e', 'E']) => match digits.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 && number.abs() <= WHOLE_NUMBER_MAX => {
                Cow::Owned(format!("{number:.0}"))
            }
            _ => Cow::Borrowed(digits),
        },
        Value::Number(digits) => Cow::Borrowed(digits),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The digits, of any script, of a number that names no country.
///
/// Symbols between them are passed over, unless they may stand between two numbers or lead to an extension.
fn national_digits(text: &str) -> Option<String> {
    let (mut digits, mut area) = (String::new(), None);
    for c in trim(text).chars().map(digit::to_ascii) {
        match c {
            '0'..='9' => digits.push(c),
            '/' => area = area.or(Some(digits.len())),
            ',' | ';' | ':' | '&' | '#' | '*' | '+' | '|' | '=' | '~' | '\\' => return None,
            _ if c.is_ascii_punctuation() || c.is_whitespace() || is_invisible(c) || is_dash(c) => {}
            _ => return None,
        }
    }
    let slash_is_sound =
        area.is_none_or(|area| area <= AREA_DIGITS_MAX && digits.len() >= area + BEHIND_SLASH_DIGITS_MIN);
    let significant = digits.trim_start_matches('0').len();
    // Two zeros say that a country code follows, and the tables have refused it.
    let is_national = digits.len() - significant < 2;
    (slash_is_sound && is_national && DIGITS.contains(&significant)).then_some(digits)
}

const fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}')
}

/// Digits behind a plus.
#[cfg(all(not(target_arch = "wasm32"), not(feature = "phone")))]
fn without_tables(text: &str, _: Option<&str>) -> Option<String> {
    let rest = text.trim().strip_prefix('+')?;
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    let is_number = rest.chars().all(|c| c.is_ascii_digit() || " -.()/".contains(c));
    (fits && is_number).then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::national_digits;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(national_digits(text).as_deref().unwrap_or("none"), expect, "{text:?}");
    }

    #[test]
    fn a_number_of_no_country_is_its_digits() {
        check("(650) 555-1212", "6505551212");
        check("020 7946 0958", "02079460958");
        check("٠٩٨٧٦٥٤٣٢١٠", "09876543210");
        check("030/901820", "030901820");
        check("@09432457768", "09432457768");
        check("650\u{2011}555\u{a0}12\u{200b}12", "6505551212");
    }

    #[test]
    fn what_may_be_two_numbers_or_have_an_extension_is_none() {
        for text in [
            "650 555 1212 ext 34",
            "650 555 1212, 650 555 1213",
            "5551212/5551213",
            "901820/21",
            "650 555 1212 #34",
            "*31#6505551212",
            "0000000",
            "00 44 7911",
            "+44 7911 123456",
            "12",
            "1234567890123456",
            "n/a",
        ] {
            check(text, "none");
        }
    }
}
