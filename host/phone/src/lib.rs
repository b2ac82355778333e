//! Phone numbers as people write them, in E.164.
//!
//! One rule for the host, which lends it to plugins, and for tests that run plugins natively. It needs the tables of
//! Google's libphonenumber, which are too large to be in every plugin.

mod written;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region, ValidationError};

use crate::written::Written;

/// Fewest and most digits of an international number, without the plus (ITU-T E.164; the least is libphonenumber's).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What stands for a number in forms that want one.
const ZEROS: &str = "0000000";

/// Longest text that is looked at, in bytes: an international number with every digit bracketed, and an extension, is
/// shorter.
const TEXT_BYTES_MAX: usize = 128;

/// The number in E.164: a plus and digits. None where the text is no number, more than one, or a national one of no
/// known region.
///
/// An extension (`ext. 34`, `x34`, `#34`, `доб. 34`) is left out, and so is the zero that is dialled at home only, as
/// in `+44 (0)20`; where it belongs to the number, as in Italy, it stays. `region` is for numbers without a country
/// code: an ISO 3166-1 alpha-2 code, in any case, or the digits of a country code. An international number (`+…`,
/// `00…`) is taken at its word where the tables do not know it, unless it is longer than any of its country: they lag
/// behind the world.
///
/// ```
/// use enroute_phone::e164;
///
/// assert_eq!(e164("020 7946 0958", Some("gb")).as_deref(), Some("+442079460958"));
/// assert_eq!(e164("020 7946 0958", Some("44")).as_deref(), Some("+442079460958"));
/// assert_eq!(e164("+44 (0) 7911 123456", None).as_deref(), Some("+447911123456"));
/// assert_eq!(e164("+1 (800) 555-0100 ext. 34", None).as_deref(), Some("+18005550100"));
/// assert_eq!(e164("020 7946 0958", None), None);
/// assert_eq!(e164("+1 650 555 1212 / +1 650 555 1213", None), None);
/// ```
#[must_use]
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let written = Written::of(text)?;
    match region {
        _ if !written.is_international => national(&written.digits(), region?),
        // Two zeros may be more than that where the region dials abroad otherwise: 0011 in Australia.
        Some(region) if written.by_zeros => {
            national(&format!("00{}", written.digits()), region).or_else(|| international(&written.number))
        }
        _ => international(&written.number),
    }
}

/// A number that leads with a country code, its zero in brackets only where the tables want it.
fn international(number: &str) -> Option<String> {
    undisputed(number).or_else(|| by_tables(number))
}

/// A number that is the same whether or not the tables know it: of all that is asked of them, whether a number is valid
/// costs by far the most, and only a few are decided by it. Nothing where it may matter.
fn undisputed(number: &str) -> Option<String> {
    let plain = format!("+{}", digits(number));
    if number.contains("(0)") || plain.starts_with("+521") {
        return None;
    }
    let number = parsed(&plain, None)?;
    let is_too_long = number.is_possible_with_reason() == Err(ValidationError::TooLong);
    if is_too_long { None } else { at_its_word(shown(&number)) }
}

/// As [`international`], for every number.
fn by_tables(number: &str) -> Option<String> {
    let with_zero = format!("+{}", digits(number));
    let without_zero = format!("+{}", digits(&number.replacen("(0)", "", 1)));
    let valid = |text: &String| parsed(text, None).filter(PhoneNumber::is_valid);
    let known =
        [&with_zero, &without_zero].into_iter().find_map(valid).or_else(|| valid(&without_mobile_one(&with_zero)?));
    if let Some(number) = known {
        return Some(shown(&number));
    }
    match parsed(&without_zero, None) {
        Some(number) if number.is_possible_with_reason() == Err(ValidationError::TooLong) => None,
        Some(number) => at_its_word(shown(&number)),
        None => at_its_word(without_zero),
    }
}

/// A number of Mexico without the 1 that led to mobiles until 2019, and still stands in many a contact book.
fn without_mobile_one(number: &str) -> Option<String> {
    number.strip_prefix("+521").map(|rest| format!("+52{rest}"))
}

/// A number of a region, of a length that numbers have there. Where no region has the code, it is only put in front.
fn national(digits: &str, region: &str) -> Option<String> {
    let code = region.trim_start_matches('+');
    let of_code = |code: i32| PHONE_NUMBER_UTIL.get_region_for_country_code(code);
    let region = match code.parse() {
        Ok(number) => match of_code(number) {
            Some(region) => region,
            None => return international(&format!("{code}{digits}")),
        },
        Err(_) => Region::from_code(&region.to_ascii_uppercase()).ok()?,
    };
    let number = parsed(digits, Some(region))?;
    let has_length = number.is_possible_with_reason().is_ok_and(|length| length == NumberLengthType::IsPossible);
    // A zero that was not dialled away belongs to the number, or the number is none.
    let is_possible = has_length && !number.italian_leading_zero();
    (is_possible || number.is_valid()).then(|| shown(&number))
}

fn parsed(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(text, region).ok()
}

fn shown(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

/// A plus and digits, where there are as many as an international number has, no zero leads, and they are not zeros
/// alone behind the country code.
fn at_its_word(number: String) -> Option<String> {
    let digits = number.strip_prefix('+')?;
    let is_blank = digits.ends_with(ZEROS);
    (DIGITS.contains(&digits.len()) && !digits.starts_with('0') && !is_blank).then_some(number)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The ASCII digit that means the same in another script; any other character as it is.
fn digit(c: char) -> char {
    if !c.is_numeric() {
        return c;
    }
    let digits = PHONE_NUMBER_UTIL.normalize_digits_only(c.encode_utf8(&mut [0; 4]));
    digits.chars().next().unwrap_or(c)
}

#[cfg(test)]
mod tests;
