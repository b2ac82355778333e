//! Normalising that several destinations share.
//!
//! Pure, and idempotent: normalising twice changes nothing more.

pub mod digit;
mod fold;

use std::borrow::Cow;

pub use fold::{append_folded, is_invisible, is_letter_digit_or_mark, is_letter_or_mark};
use unicode_normalization::UnicodeNormalization as _;

/// Without white space and invisible characters (byte order mark, direction marks…) at both ends.
///
/// ```
/// assert_eq!(enroute_sdk::text::trim("\u{feff}\u{a0} Ann\u{3000}"), "Ann");
/// ```
#[must_use]
pub fn trim(text: &str) -> &str {
    let graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if graphic(text.as_bytes().first()) && graphic(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// In lower case, by Unicode's rules. Borrows where nothing changes.
///
/// ```
/// assert_eq!(enroute_sdk::text::lower("ÅSA"), "åsa");
/// ```
#[must_use]
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase())
}

/// Trimmed and in lower case.
///
/// ```
/// assert_eq!(enroute_sdk::text::trim_lower(" Ann@Example.com "), "ann@example.com");
/// ```
#[must_use]
pub fn trim_lower(text: &str) -> Cow<'_, str> {
    lower(trim(text))
}

/// In Unicode normal form C: one code point for `é`, however it was typed. Borrows where the text is ASCII.
///
/// ```
/// assert_eq!(enroute_sdk::text::nfc("e\u{301}"), "é");
/// ```
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Whether a text is a SHA-256 in hexadecimal already, in either case.
///
/// ```
/// assert!(enroute_sdk::text::is_hex64(&enroute_sdk::hash::sha256_hex("x").to_uppercase()));
/// assert!(!enroute_sdk::text::is_hex64("abc"));
/// ```
#[must_use]
pub fn is_hex64(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The ASCII digits of a text, and nothing else.
///
/// ```
/// assert_eq!(enroute_sdk::text::digits("+351 912-345"), "351912345");
/// ```
#[must_use]
pub fn digits(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(char::is_ascii_digit).collect())
}

/// Longest run of letters and digits that is a word; a longer one is taken for a hash or a token.
const WORD_CHARS_MAX: usize = 31;

/// What a destination says, fit for a reason or a report: on one line, of at most `chars_max` characters, and without
/// words that look like an address, a hash or a token, because destinations repeat what they were sent.
///
/// ```
/// use enroute_sdk::text::quotable;
///
/// assert_eq!(quotable("no user\nann@example.com here", 100), "no user […] here");
/// assert_eq!(quotable("one two three", 7), "one two");
/// ```
#[must_use]
pub fn quotable(said: &str, chars_max: usize) -> String {
    let words = said.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words = words.map(|word| if is_opaque(word) { "[…]" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(chars_max).collect()
}

fn is_opaque(word: &str) -> bool {
    let longest = word.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap_or(0);
    word.contains('@') || longest > WORD_CHARS_MAX
}
