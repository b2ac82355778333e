//! Numbers of all kinds, and what they are read as.

use proptest::prelude::*;

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
    for text in [
        "",
        "+",
        "abc-def",
        "12",
        "+0000000000",
        "+1 800 FLOWERS",
        "+12+34567890",
        "n/a",
        "0000000000",
        "+1 000 000 0000",
    ] {
        check(text, "US", "none");
    }
    check("09876543210", "", "none");
    check("020 7946 0958", "Great Britain", "none");
    check(&"9".repeat(100), "US", "none");
}

#[test]
fn the_zero_that_is_dialled_at_home_is_no_part_of_an_international_number() {
    check("+44 (0) 7911 123456", "", "+447911123456");
    check("+44(0)7911123456", "", "+447911123456");
    check("+44 07911 123456", "", "+447911123456");
    check("+49 (0)30 901820", "", "+4930901820");
    check("0044 (0)20 7946 0958", "US", "+442079460958");
    check("+7 (8) 912 345-67-89", "", "+79123456789");
    check("+1 (0) 650 555 1212", "", "+16505551212");
    check("+999 (0) 123 456 789", "", "+999123456789");
}

#[test]
fn a_mobile_of_mexico_loses_the_one_of_old() {
    check("+52 1 55 1234 5678", "", "+525512345678");
    check("+52 55 1234 5678", "", "+525512345678");
}

#[test]
fn what_frames_a_number_is_no_part_of_it() {
    check("\"+44 7911 123456\"", "", "+447911123456");
    check("'+447911123456", "", "+447911123456");
    check("+44 7911 123456;", "", "+447911123456");
    check("+44 [0] 7911 123456", "", "+447911123456");
}

#[test]
fn a_zero_that_belongs_to_the_number_stays() {
    check("+39 06 1234 5678", "", "+390612345678");
    check("+39 (0)6 1234 5678", "", "+390612345678");
    check("06 1234 5678", "39", "+390612345678");
    check("+225 07 08 09 10 11", "", "+2250708091011");
}

#[test]
fn an_extension_is_left_out_and_never_glued_on() {
    for extension in [
        "ext. 34",
        "ext34",
        "ext 34",
        "Ext: 34",
        "x34",
        "x 34",
        "#34",
        ";ext=34",
        "extension 34",
        "доб. 34",
        "доб 34",
        "int. 3",
        ", 34",
        ",,34",
        ";34",
        "poste 12",
        "(ext. 34)",
        "- ext 34",
        "Durchwahl 34",
        "DW 34",
        "ramal 34",
        "内线34",
        "anexo 34",
        "extn. 1234",
        "×34",
    ] {
        check(&format!("+1 650 555 1212 {extension}"), "", "+16505551212");
        check(&format!("+16505551212{extension}"), "", "+16505551212");
        check(&format!("(650) 555-1212 {extension}"), "US", "+16505551212");
    }
    for other in ["34", "ext 12345678", "ext. 34 or 35", "or 34", "home", "x", "ext", "- 503#"] {
        check(&format!("+1 650 555 1212 {other}"), "", "none");
    }
}

#[test]
fn two_numbers_are_none() {
    for text in [
        "+1 650 555 1212 / +1 650 555 1213",
        "+1 650 555 1212, +1 650 555 1213",
        "+16505551212;+16505551213",
        "+1 650 555 1212 or +1 650 555 1213",
        "+1 650 555 1212/1213",
        "+49 30 901820/21",
        "650 555 1212 / 650 555 1213",
        "555 1212 / 555 1213",
        "+1 650 555 1212 650 555 1213",
    ] {
        check(text, "US", "none");
    }
    check("+49 30/901820", "", "+4930901820");
    check("030/901820", "DE", "+4930901820");
    check("02/123.45.67", "BE", "+3221234567");
    check("0475/12/34/56", "BE", "+32475123456");
    check("0171/1234567/8", "DE", "none");
    check("+49 30 901820 (34)", "", "none");
}

#[test]
fn digits_blanks_and_signs_may_be_of_any_script() {
    check("＋１ （６５０） ５５５－１２１２", "", "+16505551212");
    check("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "", "+966501234567");
    check("०९८७६५४३२१०", "IN", "+919876543210");
    check("+1\u{a0}650\u{2009}555\u{2011}1212", "", "+16505551212");
    check("+44\t7911\n123456", "", "+447911123456");
    check("+1 650 555\u{2013}1212", "", "+16505551212");
}

#[test]
fn characters_that_show_nothing_are_left_out() {
    check("\u{202a}+44 7911 123456\u{202c}", "", "+447911123456");
    check("\u{feff}+44 79\u{200b}11 123\u{ad}456", "", "+447911123456");
    check("\u{2068}07911 123456\u{2069}", "GB", "+447911123456");
}

#[test]
fn a_code_may_stand_in_brackets_behind_zeros_or_in_an_address() {
    check("(+44) 7911 123456", "", "+447911123456");
    check("(0044) 7911 123456", "", "+447911123456");
    check("+0044 7911 123456", "", "+447911123456");
    check("011 44 7911 123456", "US", "+447911123456");
    check("tel:+44-7911-123456", "", "+447911123456");
    check("TEL:+447911123456;ext=34", "", "+447911123456");
    check("tel:7911-123456;phone-context=+44", "", "+447911123456");
    check("tel:7911-123456;phone-context=example.com", "", "none");
}

#[test]
fn a_region_may_be_a_country_code() {
    check("020 7946 0958", "44", "+442079460958");
    check("(650) 555-1212", "+1", "+16505551212");
    check("1 650 555 1212", "1", "+16505551212");
    check("44 7911 123456", "44", "+447911123456");
    check("555 1212", "1876", "+18765551212");
    check("555 1212", "1", "none");
    check("+351 912 345 678", "44", "+351912345678");
    check("0011 44 7911 123456", "AU", "+447911123456");
    check("010 44 7911 123456", "JP", "+447911123456");
}

#[test]
fn a_number_that_is_longer_than_any_of_its_country_is_none() {
    check("+1 650 555 1212 34", "", "none");
    check("+123456789012345", "", "none");
    check("+1234567", "", "+1234567");
}

#[test]
fn a_number_that_the_tables_do_not_know_is_taken_at_its_word() {
    check("+999 123 456 789", "", "+999123456789");
}

proptest! {
    // Codes of one region, of many, of none, and the ones with rules of their own; every length there is.
    #[test]
    fn what_the_tables_cannot_change_is_what_they_would_give(
        code in prop::sample::select(vec!["1", "44", "39", "49", "52", "521", "55", "54", "7", "225", "247", "683", "800", "979", "999", "0"]),
        rest in prop_oneof!["[0-9]{2,14}", "0[0-9]{4,12}", "[0-9]{2,5}0{6,8}", "(0)[0-9]{6,11}", "800[0-9]{7}", "20[0-9]{8}"],
    ) {
        let number = format!("+{code} {rest}");
        if let Some(found) = undisputed(&number) {
            prop_assert_eq!(Some(found), by_tables(&number));
        }
    }
}
