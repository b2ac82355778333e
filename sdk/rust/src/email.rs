//! E-mail addresses: one rule for what is one.
//!
//! The rule is what mail systems take without quoting: RFC 5321 and 5322, with letters of all scripts (RFC 6531) and
//! domains as RFC 1123 and IDNA 2008 have them. Whether a mailbox exists, only its server knows. Nothing is mended but
//! the ends: white space and characters that show nothing go there (see [`text::trim`]). Inside, where they came with
//! a copied text, nobody knows what the address was, and a frame (`mailto:`, `<…>`, a comma) is no part of one.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

use crate::text::{self, is_letter_digit_or_mark};

/// Longest local part, domain, label of a domain and address, in bytes: RFC 5321, 4.5.3.1, and RFC 1035, 2.3.4.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
const ADDRESS_BYTES_MAX: usize = 254;

/// The address in a text, its case as it came; none where the text is no address.
///
/// ```
/// use enroute_sdk::email::address;
///
/// assert_eq!(address(" Ann@Example.com\u{200b}"), Some("Ann@Example.com"));
/// assert_eq!(address("jörg@bücher.example"), Some("jörg@bücher.example"));
/// for text in ["ann@example", "mailto:ann@example.com", ".ann@example.com", "ann\u{200b}x@example.com"] {
///     assert_eq!(address(text), None);
/// }
/// ```
#[must_use]
pub fn address(text: &str) -> Option<&str> {
    let text = text::trim(text);
    let (local, domain) = text.split_once('@')?;
    (text.len() <= ADDRESS_BYTES_MAX && is_local_part(local) && is_domain(domain)).then_some(text)
}

/// The address in a text, in lower case by Unicode's rules: how most destinations want it.
///
/// ```
/// assert_eq!(enroute_sdk::email::lower(" Ann@Example.com ").as_deref(), Some("ann@example.com"));
/// ```
#[must_use]
pub fn lower(text: &str) -> Option<Cow<'_, str>> {
    address(text).map(text::lower)
}

/// Appends the address in a text, in lower case and NFC; says whether there is one.
///
/// `İ` becomes `i` with a dot above (U+0307), as it does in the libraries of vendors who compare hashes.
///
/// ```
/// let mut out = String::new();
/// assert!(enroute_sdk::email::append_lower("İpek@Example.com", &mut out));
/// assert_eq!(out, "i\u{307}pek@example.com");
/// ```
pub fn append_lower(text: &str, out: &mut String) -> bool {
    let Some(address) = address(text) else { return false };
    if address.is_ascii() {
        out.extend(address.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        let composed: String = address.nfc().collect();
        out.extend(composed.to_lowercase().nfc());
    }
    true
}

/// Words with single points between them.
fn is_local_part(local: &str) -> bool {
    let legal = |c: char| match c {
        '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~' => true,
        _ => is_letter(c),
    };
    local.len() <= LOCAL_BYTES_MAX && local.split('.').all(|word| starts_soundly(word) && word.chars().all(legal))
}

/// Two labels or more, the last of which is no number.
fn is_domain(domain: &str) -> bool {
    let sound = |label: &str| {
        starts_soundly(label)
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || is_letter(c))
    };
    let is_number = |label: &str| label.chars().all(char::is_numeric);
    domain.len() <= DOMAIN_BYTES_MAX
        && domain.split('.').all(sound)
        && domain.rsplit_once('.').is_some_and(|(_, last)| !is_number(last))
}

/// Whether there is a first character that is no mark, which would stand upon nothing.
fn starts_soundly(part: &str) -> bool {
    part.chars().next().is_some_and(|c| c.is_ascii() || c.is_alphanumeric())
}

/// A letter or digit of any script, or a mark upon one. Forms of another width or style are none: mail systems do not
/// take them for the letters that they look like.
fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    is_letter_digit_or_mark(c) && is_nfkc_quick(std::iter::once(c)) != IsNormalized::No
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mail_systems_take_is_an_address() {
        for text in [
            "a@b.c",
            "O'Hara+x@Mail.example.com",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "ann@xn--bcher-kva.example",
            "用户@例え.jp",
            "jörg@bücher.example",
            "1@123.example.com",
            "i\u{307}pek@example.com",
        ] {
            assert_eq!(address(text), Some(text));
        }
    }

    #[test]
    fn what_no_mail_system_takes_is_none() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example",
            "ann@@example.com",
            "ann@b@example.com",
            ".ann@example.com",
            "ann.@example.com",
            "ann..b@example.com",
            "ann@.example.com",
            "ann@example..com",
            "ann@example.com.",
            "ann@-example.com",
            "ann@example-.com",
            "ann@ex_ample.com",
            "ann@example.123",
            "ann@127.0.0.1",
            "ann@[127.0.0.1]",
            "ann b@example.com",
            "ann\tb@example.com",
            "ann\u{a0}b@example.com",
            "ann\u{200b}x@example.com",
            "ida@exa\u{ad}mple.com",
            "ann\u{202e}x@example.com",
            "ann@exam\u{feff}ple.com",
            "ann\0@example.com",
            "mailto:ann@example.com",
            "<ann@example.com>",
            "Ann <ann@example.com>",
            "\"ann\"@example.com",
            "ann@example.com,",
            "ann@example.com;bob@example.com",
            "ann(work)@example.com",
            "ann@exam!ple.com",
            "ann＠example.com",
            "ann@ｅxample.com",
            "ann@example。com",
            "\u{307}@x.y",
            "ann@\u{301}x.y",
        ] {
            assert_eq!(address(text), None, "{text:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_protocol() {
        let of = |local: usize, label: usize| format!("{}@{}.com", "a".repeat(local), "b".repeat(label));
        assert!(address(&of(64, 63)).is_some());
        assert!(address(&of(65, 63)).is_none());
        assert!(address(&of(64, 64)).is_none());
        let long = format!("{}@{}.{}.{}.com", "a".repeat(64), "b".repeat(63), "c".repeat(63), "d".repeat(58));
        assert_eq!(long.len(), 255);
        assert!(address(&long).is_none());
        assert!(address(&long[1..]).is_some());
    }

    #[test]
    fn only_the_ends_are_mended() {
        assert_eq!(address("\u{feff}\u{a0} ann@example.com\u{200b}\r\n"), Some("ann@example.com"));
    }

    #[test]
    fn lower_case_is_unicodes_and_composed() {
        for (text, expect) in [
            ("Ann@EXAMPLE.com", "ann@example.com"),
            ("İPEK@example.com", "i\u{307}pek@example.com"),
            ("I\u{307}pek@example.com", "i\u{307}pek@example.com"),
            ("JE\u{301}ROME@example.com", "jérome@example.com"),
            ("ΟΔΥΣΣΕΥΣ@example.com", "οδυσσευς@example.com"),
        ] {
            let mut out = "before ".to_owned();
            assert!(append_lower(text, &mut out));
            assert_eq!(out, format!("before {expect}"));
        }
    }
}
