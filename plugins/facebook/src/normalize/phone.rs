//! `PHONE`: digits only, country code included, without `+` and leading zeros.
//!
//! Numbers are read by the host's tables. One without a country code gets the default one, or goes with a warning as
//! the digits that it has.

use enroute_sdk::phone::{self, DialCode, Number};

use crate::normalize::{BlankCode, Filled, WarningCode};

/// Appends the digits of a phone number.
pub(crate) fn append(text: &str, default_code: Option<DialCode>, out: &mut String) -> Filled {
    let read = match default_code {
        Some(code) => code.e164(text).map(Number::International),
        None => phone::read(text, None),
    };
    match read {
        Some(Number::International(number)) => {
            out.push_str(number.trim_start_matches('+'));
            Filled::Yes
        }
        Some(Number::National(digits)) => {
            out.push_str(digits.trim_start_matches('0'));
            Filled::WithWarning(WarningCode::PhoneWithoutCountryCode)
        }
        None => Filled::Blank(BlankCode::PhoneInvalid),
    }
}

#[cfg(test)]
mod tests {
    use enroute_sdk::phone::DialCode;

    use super::append;
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
        check("+999123456789012", "", "999123456789012");
        check("+9991234567890123", "", "phone_invalid");
        check("912345678901234", "44", "phone_invalid");
    }

    #[test]
    fn the_zero_that_is_dialled_at_home_and_extensions_stay_out() {
        check("+44 (0) 7911 123456", "", "447911123456");
        check("+1 650 555 1212 ext. 34", "", "16505551212");
        check("650 555 1212 ext. 34", "1", "16505551212");
        check("650 555 1212 ext. 34", "", "phone_invalid");
    }

    #[test]
    fn digits_of_other_scripts_count() {
        check("+１ (６５０) ５５５-１２１２", "", "16505551212");
        check("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "", "966501234567");
    }
}
