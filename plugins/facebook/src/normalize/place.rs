//! `ST`, `CT` and `ZIP`, of which states and postal codes have rules of their own in the United States.
//!
//! Where no country is known, a value counts as American only if it has an American shape: the name or
//! code of a state, five digits, or five and four. Territories with a country code of their own (`PR`,
//! `GU`…) are not the United States here.

mod states;

use crate::normalize::BlankCode;
use crate::normalize::country::Country;
use enroute_sdk::text::{self, digit};

const ZIP_DIGITS: usize = 5;
const ZIP_PLUS_4_DIGITS: usize = 9;
/// Digits left of a ZIP code that lost its leading zeros as a number: the lowest is 00501.
const ZIP_DIGITS_MIN: usize = 3;

/// Appends a city: letters and their marks, nothing between them.
pub(crate) fn append_city(text: &str, out: &mut String) -> Result<(), BlankCode> {
    append_letters(text, out)
}

/// Appends the code of an American state, or the letters of any other.
pub(crate) fn append_state(text: &str, country: Option<Country>, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    append_letters(text, out)?;
    if country.is_some_and(|country| country != Country::US) {
        return Ok(());
    }
    match states::code(out.get(start..).unwrap_or_default()) {
        Some(code) => {
            out.truncate(start);
            out.push_str(code);
            Ok(())
        }
        None if country.is_none() => Ok(()),
        None => Err(BlankCode::StateUnknown),
    }
}

/// Appends a postal code: five digits in the United States, elsewhere all of it but white space. In every country it
/// ends at the first hyphen, as it does in both normalisers that Meta itself ships (of the Business SDK's server side,
/// and of the pixel): `1229-076` is `1229`. Codes of one character they refuse.
///
/// American codes of three or four digits lost zeros on their way through a number and get them back.
/// Text without any digit ("n/a") is a postal code nowhere; even `FIQQ 1ZZ` has one.
pub(crate) fn append_zip(text: &str, country: Option<Country>, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    text::append_folded(text, out, |c| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}' => Some('-'),
        _ => (!c.is_whitespace()).then(|| digit::to_ascii(c)),
    });
    let whole = out.get(start..).unwrap_or_default();
    let has_digit = whole.contains(|c: char| c.is_ascii_digit());
    let length = whole.find('-').unwrap_or(whole.len());
    out.truncate(start + length);
    let code = out.get(start..).unwrap_or_default();
    let american = match country {
        Some(country) => country == Country::US,
        None => has_zip_shape(code),
    };
    if american {
        let zip = five_digits(code).ok_or(BlankCode::ZipInvalid)?;
        out.truncate(start);
        out.extend(zip);
        return Ok(());
    }
    if has_digit && code.chars().nth(1).is_some() { Ok(()) } else { Err(BlankCode::ZipInvalid) }
}

fn append_letters(text: &str, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    text::append_folded(text, out, |c| text::is_letter_or_mark(c).then_some(c));
    if out.len() == start {
        return Err(BlankCode::NoLetters);
    }
    Ok(())
}

fn has_zip_shape(code: &str) -> bool {
    matches!(code.len(), ZIP_DIGITS | ZIP_PLUS_4_DIGITS) && all_digits(code)
}

fn five_digits(zip: &str) -> Option<[char; ZIP_DIGITS]> {
    let whole = matches!(zip.len(), ZIP_DIGITS_MIN..=ZIP_DIGITS | ZIP_PLUS_4_DIGITS);
    if !whole || !all_digits(zip) {
        return None;
    }
    let mut five = ['0'; ZIP_DIGITS];
    let padding = ZIP_DIGITS.saturating_sub(zip.len());
    for (slot, digit) in five.iter_mut().skip(padding).zip(zip.chars()) {
        *slot = digit;
    }
    Some(five)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{append_state, append_zip};
    use crate::normalize::BlankCode;
    use crate::normalize::country::Country;

    type Append = fn(&str, Option<Country>, &mut String) -> Result<(), BlankCode>;

    #[track_caller]
    fn check(append: Append, text: &str, country: &str, expect: &str) {
        let mut out = String::new();
        let got = append(text, Country::parse(country), &mut out);
        let got = got.map_or_else(|code| code.as_str().to_owned(), |()| out);
        assert_eq!(got, expect, "{text:?} in {country:?}");
    }

    #[test]
    fn a_postal_code_ends_at_its_hyphen_in_every_country() {
        check(append_zip, "1229-076", "pt", "1229");
        check(append_zip, "01310-100", "br", "01310");
        check(append_zip, "530-0001", "jp", "530");
        check(append_zip, "５３０\u{2212}０００１", "jp", "530");
        check(append_zip, "SE-111 22", "se", "se");
        check(append_zip, "00-950", "pl", "00");
        check(append_zip, " 111 22 ", "se", "11122");
        check(append_zip, "D-10115", "de", "zip_invalid");
        check(append_zip, "-10115", "de", "zip_invalid");
        check(append_zip, "SW1A 1AA", "gb", "sw1a1aa");
    }

    #[test]
    fn only_american_postal_codes_are_cut_to_five_digits() {
        check(append_zip, "94025-1234", "us", "94025");
        check(append_zip, "94025 1234", "us", "94025");
        check(append_zip, "94025\u{2013}1234", "us", "94025");
        check(append_zip, "９４０２５", "us", "94025");
        check(append_zip, "940251234", "sa", "940251234");
        check(append_zip, "sw1a 1aa", "us", "zip_invalid");
        check(append_zip, "123456", "us", "zip_invalid");
    }

    #[test]
    fn without_a_country_five_and_four_digits_are_american() {
        check(append_zip, "94025-1234", "", "94025");
        check(append_zip, "940251234", "", "94025");
        check(append_zip, "01000-000", "", "01000");
        check(append_zip, "2134", "", "2134");
    }

    #[test]
    fn american_codes_get_back_the_zeros_a_number_lost() {
        check(append_zip, "2134", "us", "02134");
        check(append_zip, "501", "us", "00501");
        check(append_zip, "2134-1000", "us", "02134");
        check(append_zip, "12", "us", "zip_invalid");
    }

    #[test]
    fn a_postal_code_has_a_digit() {
        check(append_zip, "FIQQ 1ZZ", "fk", "fiqq1zz");
        check(append_zip, "n/a", "de", "zip_invalid");
        check(append_zip, "-", "", "zip_invalid");
    }

    #[test]
    fn american_states_become_codes_and_others_keep_their_letters() {
        check(append_state, "N.Y.", "us", "ny");
        check(append_state, "US-CA", "us", "ca");
        check(append_state, "u.s. virgin islands", "us", "vi");
        check(append_state, "Bayern", "us", "state_unknown");
        check(append_state, "Bayern", "de", "bayern");
        check(append_state, "Georgia", "ge", "georgia");
        check(append_state, "Provence-Alpes-Côte d'Azur", "fr", "provencealpescôtedazur");
    }

    #[test]
    fn without_a_country_the_name_of_an_american_state_is_one() {
        check(append_state, "New York", "", "ny");
        check(append_state, "TX", "", "tx");
        check(append_state, "Bayern", "", "bayern");
        check(append_state, "13", "", "no_letters");
    }
}
