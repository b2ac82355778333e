//! The invariants of the module head, over a small world in which everything meets everything: all short
//! strings of characters that are awkward next to each other, and every assigned character alone.

use super::rules;
use crate::normalize::country::Country;
use crate::normalize::key::Key;
use crate::normalize::{Filled, cell, normal_form, text};

/// Pieces of values: cases of `i`, marks of different classes, a sigma, what is left out, what is a unit.
const PIECES: [&str; 24] = [
    "I", "İ", "ı", "\u{307}", "\u{301}", "\u{323}", "Σ", "a", "ẞ", "\u{1112}", "\u{1161}", "क", "़", "\u{200D}", " ",
    "-", ".", "'", "@", "+", "0", "1945", "７", "/",
];

fn short_strings() -> impl Iterator<Item = String> {
    let one = || PIECES.iter().copied().chain([""]);
    one().flat_map(move |a| one().flat_map(move |b| one().map(move |c| [a, b, c].concat())))
}

fn hashed_keys() -> impl Iterator<Item = Key> {
    Key::ALL.into_iter().filter(|key| key.is_hashed())
}

/// The normal form of a value, or nothing where the cell would be blank.
fn normal(key: Key, raw: &str, country: Option<Country>) -> Option<String> {
    let mut out = String::new();
    match normal_form(key, text::trim(raw), country, &rules(), &mut out) {
        Filled::Blank(_) => None,
        Filled::Yes | Filled::WithWarning(_) => Some(out),
    }
}

#[track_caller]
fn check_stable(key: Key, raw: &str, country: Option<Country>) {
    if let Some(first) = normal(key, raw, country) {
        assert!(!first.is_empty(), "{key} {raw:?}");
        if key == Key::Zip && raw.contains('-') && !first.contains(|c: char| c.is_ascii_digit()) {
            return;
        }
        assert_eq!(normal(key, &first, country).as_ref(), Some(&first), "{key} {raw:?}");
    }
}

#[test]
fn a_normal_form_is_its_own_normal_form() {
    for raw in short_strings() {
        for key in hashed_keys() {
            check_stable(key, &raw, None);
        }
        check_stable(Key::Email, &format!("{raw}@x.y"), None);
        check_stable(Key::Zip, &raw, Some(Country::US));
        check_stable(Key::St, &raw, Some(Country::US));
    }
}

#[test]
fn every_character_alone_and_in_a_name_has_a_stable_normal_form() {
    for c in '\0'..'\u{30000}' {
        check_stable(Key::Ln, &format!("a{c}b"), None);
        check_stable(Key::Fi, &c.to_string(), None);
    }
}

#[test]
fn a_hashed_cell_is_empty_or_64_lower_case_hexadecimal_digits() {
    let mut out = String::new();
    for raw in short_strings().step_by(3) {
        for key in hashed_keys() {
            out.clear();
            let filled = cell(key, &raw, Some(Country::US), &rules(), &mut out).expect("nothing here is a hash");
            let hex = out.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            let length = if matches!(filled, Filled::Blank(_)) { 0 } else { 64 };
            assert!(hex && out.len() == length, "{key} {raw:?} {out:?}");
        }
    }
}

#[test]
fn case_and_composition_do_not_change_the_hash() {
    let words = ["İZMİR", "ΑΘΗΝΑΣ", "ÉMILE", "МОСКВА", "O'NEILL", "ÅSE Ø"];
    for word in words {
        for key in [Key::Fn, Key::Ln, Key::Ct, Key::Fi] {
            let lower = normal(key, &word.to_lowercase(), None);
            assert_eq!(normal(key, word, None), lower, "{key} {word}");
            let apart: String = unicode_normalization::UnicodeNormalization::nfd(word).collect();
            assert_eq!(normal(key, &apart, None), lower, "{key} {word}");
        }
    }
}
