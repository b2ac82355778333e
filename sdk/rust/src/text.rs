//! Normalising that several destinations share.
//!
//! Pure, and idempotent: normalising twice changes nothing more.

pub mod digit;
mod fold;

use std::borrow::Cow;

pub use fold::{append_folded, is_invisible, is_letter_digit_or_mark, is_letter_or_mark};
use unicode_normalization::UnicodeNormalization as _;

/// Longest e-mail address that is worth sending, from RFC 5321.
const EMAIL_BYTES_MAX: usize = 254;

/// Fewest and most digits of an E.164 number, country code included.
const E164_DIGITS_MIN: usize = 8;
const E164_DIGITS_MAX: usize = 15;

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

/// Trimmed and in lower case: how most destinations want e-mail addresses.
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

/// Whether a text could be an e-mail address: one `@` with something on both sides, a dot inside the domain, no white
/// space. Letters of all scripts are fine; whether a mailbox exists, only its server knows.
///
/// ```
/// use enroute_sdk::text::looks_like_email;
///
/// assert!(looks_like_email("jörg@bücher.example"));
/// assert!(!looks_like_email("ann@example"));
/// assert!(!looks_like_email("ann@@example.com"));
/// ```
#[must_use]
pub fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let legal = |part: &str| {
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'));
        plain || !part.contains(|c: char| c.is_whitespace() || c.is_control() || "@,;<>()".contains(c))
    };
    !local.is_empty()
        && text.len() <= EMAIL_BYTES_MAX
        && legal(local)
        && legal(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
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

/// The text as an E.164 number, where it is one but for punctuation: `+` and 8 to 15 digits.
///
/// A number without `+` names no country, so it is none: guessing one would reach a stranger.
///
/// ```
/// use enroute_sdk::text::e164;
///
/// assert_eq!(e164("+351 912 345-678").as_deref(), Some("+351912345678"));
/// assert_eq!(e164("912 345 678"), None);
/// assert_eq!(e164("+351 912 call me"), None);
/// ```
#[must_use]
pub fn e164(text: &str) -> Option<String> {
    let number = trim(text).strip_prefix('+')?;
    let mut digits = String::with_capacity(1 + E164_DIGITS_MAX);
    digits.push('+');
    for c in number.chars() {
        match c {
            '0'..='9' if digits.len() <= E164_DIGITS_MAX => digits.push(c),
            ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/' => {}
            _ => return None,
        }
    }
    (digits.len() > E164_DIGITS_MIN && !digits.starts_with("+0")).then_some(digits)
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
