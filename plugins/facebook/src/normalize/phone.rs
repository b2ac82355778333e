//! `PHONE`: digits only, country code included, without `+` and leading zeros.
//!
//! A number that says that it is international (`+` or `00` in front) keeps its digits. Any other gets
//! the default country code, unless it carries it already.

use crate::normalize::digit;
use crate::normalize::{BlankCode, Filled, WarningCode};

/// Fewest digits of a number that is sent.
const DIGITS_MIN: usize = 7;
/// Most digits of a number, by ITU-T E.164.
const DIGITS_MAX: usize = 15;
/// Fewest digits of a number that may be taken to carry the default country code unasked.
const CARRYING_DIGITS_MIN: usize = 11;
/// Most digits of a country code: three by E.164, one more for codes such as 1-876 of the +1 area.
const DIAL_CODE_DIGITS_MAX: usize = 4;

/// A country code such as `1` or `44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialCode(u16);

impl DialCode {
    /// Parses one to four digits that do not begin with 0; a `+` in front is allowed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let well_formed = (1..=DIAL_CODE_DIGITS_MAX).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        if !well_formed {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    /// Says whether `digits`, which had no leading zero, begin with this code as the country code.
    ///
    /// Numbers of the +1 area have exactly 11 digits; elsewhere lengths differ.
    fn is_carried_by(self, digits: &str) -> bool {
        let long_enough =
            if self.0 == 1 { digits.len() == CARRYING_DIGITS_MIN } else { digits.len() >= CARRYING_DIGITS_MIN };
        long_enough && digits.starts_with(self.0.to_string().as_str())
    }
}

/// Appends the digits of a phone number.
pub(crate) fn append(text: &str, default_code: Option<DialCode>, out: &mut String) -> Filled {
    let start = out.len();
    let written = append_digits(text, out);
    let digits = out.get(start..).unwrap_or_default();
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return Filled::Blank(BlankCode::PhoneInvalid);
    }
    let mut filled = Filled::Yes;
    match default_code {
        _ if written.international => {}
        None => filled = Filled::WithWarning(WarningCode::PhoneWithoutCountryCode),
        Some(code) if !written.leading_zero && code.is_carried_by(digits) => {}
        Some(code) => out.insert_str(start, &code.0.to_string()),
    }
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&(out.len() - start)) {
        return Filled::Blank(BlankCode::PhoneInvalid);
    }
    filled
}

/// How a number was written.
struct Written {
    international: bool,
    leading_zero: bool,
}

/// Appends the digits of `text` from the first that is not 0.
fn append_digits(text: &str, out: &mut String) -> Written {
    let start = out.len();
    let (mut zeros, mut plus) = (0_usize, false);
    for c in text.chars().map(digit::to_ascii) {
        let leading = out.len() == start;
        match c {
            '+' | '\u{FF0B}' if leading && zeros == 0 => plus = true,
            '0' if leading => zeros += 1,
            '0'..='9' => out.push(c),
            _ => {}
        }
    }
    Written { international: plus || zeros >= 2, leading_zero: zeros > 0 }
}

#[cfg(test)]
mod tests {
    use super::{DialCode, append};
    use crate::normalize::Filled;

    #[track_caller]
    fn check(text: &str, code: &str, expect: &str) {
        let mut out = String::new();
        let got = match append(text, DialCode::parse(code), &mut out) {
            Filled::Yes => out,
            Filled::WithWarning(code) => format!("{out} {}", code.as_str()),
            Filled::Blank(code) => code.as_str().to_owned(),
        };
        assert_eq!(got, expect, "{text:?} with {code:?}");
    }

    #[test]
    fn a_plus_or_two_zeros_make_a_number_international() {
        check("+49 30 123456", "1", "4930123456");
        check("\u{FF0B}49 30 123456", "1", "4930123456");
        check("(+49) 30 123456", "1", "4930123456");
        check("0049 30 123456", "1", "4930123456");
        check("+39 06 1234 5678", "", "390612345678");
    }

    #[test]
    fn the_default_country_code_is_put_before_a_national_number() {
        check("650 555 1212", "1", "16505551212");
        check("030 123456", "49", "4930123456");
        check("0650 555 1212", "1", "16505551212");
    }

    #[test]
    fn a_number_that_carries_the_default_country_code_keeps_it_once() {
        check("1 650 555 1212", "1", "16505551212");
        check("44 7911 123456", "44", "447911123456");
        check("04479 1112345", "44", "4444791112345");
        check("123 456 7890", "1", "11234567890");
    }

    #[test]
    fn without_a_country_code_the_digits_go_as_they_are_with_a_warning() {
        check("@09432457768", "", "9432457768 phone_without_country_code");
        check("(650) 555-1212", "", "6505551212 phone_without_country_code");
    }

    #[test]
    fn numbers_that_are_too_short_or_too_long_are_blank() {
        check("+0000000000", "", "phone_invalid");
        check("0000000", "1", "phone_invalid");
        check("n/a", "1", "phone_invalid");
        check("+123456", "", "phone_invalid");
        check("+1234567", "", "1234567");
        check("+123456789012345", "", "123456789012345");
        check("+1234567890123456", "", "phone_invalid");
        check("912345678901234", "44", "phone_invalid");
    }

    #[test]
    fn digits_of_other_scripts_count() {
        check("+１ (６５０) ５５５-１２１２", "", "16505551212");
        check("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "", "966501234567");
    }

    #[test]
    fn a_country_code_is_one_to_four_digits() {
        assert_eq!(DialCode::parse("+44"), DialCode::parse("44"));
        assert!(DialCode::parse("1876").is_some());
        for bad in ["", "+", "0", "044", "12345", "4a", "++1"] {
            assert_eq!(DialCode::parse(bad), None, "{bad}");
        }
    }
}
