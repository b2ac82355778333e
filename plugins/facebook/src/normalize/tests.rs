//! What holds for all keys; `examples` has the normal form of each, `properties` the invariants.

mod examples;
mod properties;

use sha2::{Digest, Sha256};

use super::country::{self, Country};
use super::key::Key;
use super::{CellError, Filled, Hashing, Rules, cell};
use enroute_sdk::phone::DialCode;

/// SHA-256 of `user1@example.com`.
const USER1: &str = "b36a83701f1c3191e19722d6f90274bc1b5501fe69ebf33313e440fe4b0fe210";
const MD5_OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn rules() -> Rules {
    Rules::new(2026)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The cell as text, followed by the code of its warning; the code alone if it is blank or an error.
fn outcome(key: Key, raw: &str, country: Option<Country>, rules: &Rules) -> String {
    let mut out = "before,".to_owned();
    let filled = cell(key, raw, country, rules, &mut out);
    let text = out.strip_prefix("before,").expect("what stood in the buffer stays").to_owned();
    match filled {
        Ok(Filled::Yes) => text,
        Ok(Filled::WithWarning(code)) => format!("{text} {}", code.as_str()),
        Ok(Filled::Blank(code)) => format!("{text}{}", code.as_str()),
        Err(error) => format!("{text}{}", error.code()),
    }
}

#[track_caller]
fn check(key: Key, raw: &str, hashing: Hashing, expect: &str) {
    let rules = Rules { hashing, ..rules() };
    assert_eq!(outcome(key, raw, None, &rules), expect, "{key} {raw:?} {hashing:?}");
}

#[test]
fn auto_passes_a_hash_through_in_lower_case_and_hashes_the_rest() {
    check(Key::Email, "user1@example.com", Hashing::Auto, USER1);
    check(Key::Email, &format!(" {} ", USER1.to_uppercase()), Hashing::Auto, USER1);
    for key in Key::ALL.into_iter().filter(|key| key.is_hashed()) {
        check(key, USER1, Hashing::Auto, USER1);
    }
}

#[test]
fn always_refuses_a_hash() {
    check(Key::Email, "user1@example.com", Hashing::Always, USER1);
    check(Key::Email, USER1, Hashing::Always, "already_hashed");
}

#[test]
fn prehashed_refuses_everything_but_hashes_and_nothing() {
    check(Key::Email, &USER1.to_uppercase(), Hashing::Prehashed, USER1);
    check(Key::Email, "user1@example.com", Hashing::Prehashed, "not_hashed");
    check(Key::Email, &USER1[1..], Hashing::Prehashed, "not_hashed");
    check(Key::Email, " ", Hashing::Prehashed, "missing");
    check(Key::Madid, "Ab-12", Hashing::Prehashed, "ab-12");
}

#[test]
fn an_md5_is_refused_in_every_mode_but_may_be_an_own_id() {
    for hashing in [Hashing::Auto, Hashing::Always, Hashing::Prehashed] {
        check(Key::Email, MD5_OF_NOTHING, hashing, "md5_value");
        check(Key::ExternId, MD5_OF_NOTHING, hashing, MD5_OF_NOTHING);
    }
}

#[test]
fn a_value_of_nothing_but_white_space_is_missing_in_every_column() {
    for key in Key::ALL {
        check(key, "", Hashing::Auto, "missing");
        check(key, " \u{3000}\n", Hashing::Auto, "missing");
    }
}

#[test]
fn the_default_country_fills_an_empty_column_and_not_a_wrong_one() {
    let rules = Rules { default_country: Country::parse("us"), ..rules() };
    for (raw, expect) in [("", sha256("us")), ("de", sha256("de")), ("Atlantis", "country_unknown".into())] {
        assert_eq!(outcome(Key::Country, raw, None, &rules), expect, "{raw:?}");
    }
    let row = country::of_row(Some("Atlantis"), &rules);
    assert_eq!(outcome(Key::Zip, "94025-1234", row, &rules), sha256("94025"));
}

#[test]
fn the_default_country_code_is_for_numbers_without_one() {
    let rules = Rules { default_phone_country_code: DialCode::parse("44"), ..rules() };
    assert_eq!(outcome(Key::Phone, "07911 123456", None, &rules), sha256("447911123456"));
    assert_eq!(outcome(Key::Phone, "+49 30 123456", None, &rules), sha256("4930123456"));
}

#[test]
fn an_error_names_the_column_and_never_the_value() {
    let mut out = String::new();
    let error = cell(Key::Email, MD5_OF_NOTHING, None, &rules(), &mut out).unwrap_err();
    assert_eq!(error, CellError::Md5(Key::Email));
    assert_eq!(error.to_string(), "EMAIL looks like an MD5, and customer lists take SHA-256 only");
    assert_eq!(CellError::AlreadyHashed(Key::Ln).to_string(), "LN is hashed already but `hashing` is `always`");
    assert_eq!(CellError::NotHashed(Key::Zip).to_string(), "ZIP is not a SHA-256 but `hashing` is `prehashed`");
    assert_eq!(
        CellError::ProcessingOptionUnknown.to_string(),
        "DATA_PROCESSING_OPTIONS is neither `LDU` nor an empty list"
    );
}
