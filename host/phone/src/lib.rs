//! Phone numbers as people write them, in E.164.
//!
//! One rule for the host, which lends it to plugins, and for tests that run plugins natively. It needs the tables of
//! Google's libphonenumber, which are too large to be in every plugin.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Fewest and most digits of an international number, without the plus (ITU-T E.164; the least is libphonenumber's).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Longest text that is looked at, in bytes: an international number with every digit bracketed is shorter.
const TEXT_BYTES_MAX: usize = 64;

/// The number in E.164: a plus and digits. None where the text is no number, or a national one of no known region.
///
/// `region` is an ISO 3166-1 alpha-2 code, in any case, for numbers without a country code. An international number
/// (`+…`, `00…`) is taken at its word where the tables do not know it: they lag behind the world.
///
/// ```
/// use enroute_phone::e164;
///
/// assert_eq!(e164("020 7946 0958", Some("gb")).as_deref(), Some("+442079460958"));
/// assert_eq!(e164("+1 (800) 555-0100", None).as_deref(), Some("+18005550100"));
/// assert_eq!(e164("020 7946 0958", None), None);
/// assert_eq!(e164("abc-def", Some("US")), None);
/// ```
#[must_use]
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || !text.chars().all(may_stand_in_a_number) {
        return None;
    }
    let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    match international {
        Some(rest) => parsed(&format!("+{rest}"), None).or_else(|| at_its_word(rest)),
        None => parsed(text, Some(Region::from_code(&region?.to_ascii_uppercase()).ok()?)),
    }
}

/// Digits and what people put between them. Letters are refused: an extension, or no number at all.
fn may_stand_in_a_number(character: char) -> bool {
    character.is_ascii_digit() || " \u{a0}\t+-‐‑–.()/".contains(character)
}

/// What the tables make of it. A national number must be of a length that its region has; an international one must
/// be one that is in use.
fn parsed(text: &str, region: Option<Region>) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let is_known = if region.is_some() { PHONE_NUMBER_UTIL.is_possible_number(&number) } else { number.is_valid() };
    is_known.then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// The digits behind the plus, where there are as many as an international number has and no trunk zero leads.
fn at_its_word(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (DIGITS.contains(&digits.len()) && !digits.starts_with('0') && !text.contains('+')).then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, region: &str, expect: &str) {
        let region = Some(region).filter(|region| !region.is_empty());
        assert_eq!(e164(text, region).as_deref().unwrap_or("none"), expect, "{text:?} in {region:?}");
    }

    #[test]
    fn an_international_number_needs_no_region() {
        check("+1 800-555-0100", "", "+18005550100");
        check("+44 20 7946 0958", "US", "+442079460958");
        check("+44 (0)20 7946 0958", "", "+442079460958");
        check("0049 30 123456", "", "+4930123456");
        check("  +34.600.111.222 ", "", "+34600111222");
        check("+351912345678", "", "+351912345678");
    }

    #[test]
    fn numbers_of_the_destinations_own_examples_come_out_as_they_say() {
        // Google, Meta, Zendesk, Iterable, SendGrid and Braze in turn. What Meta makes of `@09432457768` is its own
        // rule, and stays in the plugin: here it is no number.
        check("+1 800-555-0100", "", "+18005550100");
        check("0049 30 123456", "", "+4930123456");
        check("3234567890", "IN", "+913234567890");
        check("+1 (650) 555-1212", "", "+16505551212");
        check("0044 7911 123456", "", "+447911123456");
        check("07911 123456", "GB", "+447911123456");
        check("+1-555-123-4567", "", "+15551234567");
        check("@09432457768", "IN", "none");
        check("+34600111222", "", "+34600111222");
        check("+351912345678", "", "+351912345678");
    }

    #[test]
    fn a_national_number_is_read_in_its_region() {
        check("020 7946 0958", "GB", "+442079460958");
        check("3234567890", "US", "+13234567890");
        check("1 800 555 0100", "US", "+18005550100");
        check("09876543210", "IN", "+919876543210");
        check("912 345 678", "pt", "+351912345678");
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "+", "abc-def", "12", "+0000000000", "+1 800 FLOWERS", "٠١٢٣٤٥٦٧٨٩", "+12+34567890"]
        {
            check(text, "US", "none");
        }
        check("09876543210", "", "none");
        check("020 7946 0958", "Great Britain", "none");
        check(&"9".repeat(100), "US", "none");
    }

    #[test]
    fn a_number_that_the_tables_do_not_know_is_taken_at_its_word() {
        check("+999 123 456 789", "", "+999123456789");
    }
}
