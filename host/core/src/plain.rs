//! Text that a stranger wrote, made fit to be kept and shown: one line, of bounded length, with nothing hidden in it.
//!
//! Pure. What a plugin says goes through here where it enters, so nothing behind that place has to think of it again.

use std::borrow::Cow;

/// Longest code of a reason, in bytes. The longest of the seven destinations' has 31.
pub const CODE_BYTES_MAX: usize = 64;
/// Longest reason, message or hint, in bytes: two long sentences.
pub const LINE_BYTES_MAX: usize = 500;
/// Stands for a code of which nothing is left.
const NAMELESS: &str = "unnamed";
/// What a shortened line ends in.
const CUT: char = '…';

/// A text with every letter and digit replaced, so that its form shows and nothing else.
///
/// ```
/// assert_eq!(enroute_core::plain::shape("Ann-7@x.no"), "Xxx-9@x.xx");
/// ```
#[must_use]
pub fn shape(text: &str) -> String {
    let masked = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    text.chars().map(masked).collect()
}

/// Whether a character steers a terminal, turns the direction of writing, or cannot be seen.
///
/// ```
/// use enroute_core::plain::is_hidden;
///
/// assert!(['\n', '\u{1b}', '\u{202e}', '\u{200b}', '\u{ad}'].into_iter().all(is_hidden));
/// assert!(!['a', 'ß', ' ', '用', '👍'].into_iter().any(is_hidden));
/// ```
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with what is hidden in it written out, as `\u{200b}` or `\n`.
///
/// ```
/// assert_eq!(enroute_core::plain::visible("a\n\u{202e}b"), "a\\n\\u{202e}b");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    Cow::Owned(shown)
}

/// The text on one line of at most [`LINE_BYTES_MAX`] bytes, nothing hidden in it; a longer one ends in `…`.
///
/// ```
/// use enroute_core::plain::{LINE_BYTES_MAX, line};
///
/// assert_eq!(line("first\nsecond".to_owned()), "first\\nsecond");
/// assert_eq!(line("x".repeat(1_000)).len(), LINE_BYTES_MAX);
/// ```
#[must_use]
pub fn line(text: String) -> String {
    if text.len() <= LINE_BYTES_MAX && !text.contains(is_hidden) {
        return text;
    }
    // What is written out is longer than what it stands for, so a beginning of this length is enough to look at.
    let head = beginning(&text, LINE_BYTES_MAX + 1);
    let shown = visible(head);
    if shown.len() <= LINE_BYTES_MAX && head.len() == text.len() {
        return shown.into_owned();
    }
    let mut cut = beginning(&shown, LINE_BYTES_MAX - CUT.len_utf8()).to_owned();
    cut.push(CUT);
    cut
}

/// The longest beginning of at most so many bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// Whether a text is a code: snake_case, at most [`CODE_BYTES_MAX`] bytes.
///
/// ```
/// use enroute_core::plain::is_code;
///
/// assert!(is_code("email_invalid") && is_code("http_404"));
/// assert!(!is_code("") && !is_code("Email-Invalid") && !is_code("_x") && !is_code("404"));
/// ```
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.len() <= CODE_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The text held to the form of a code: what does not fit becomes `_`, what is too long is cut.
///
/// ```
/// use enroute_core::plain::code;
///
/// assert_eq!(code("email_invalid".to_owned()), "email_invalid");
/// assert_eq!(code("E-Mail\u{202e} bad".to_owned()), "e_mail_bad");
/// assert_eq!(code("404".to_owned()), "code_404");
/// assert_eq!(code(String::new()), "unnamed");
/// ```
#[must_use]
pub fn code(text: String) -> String {
    if is_code(&text) {
        return text;
    }
    let mut held = String::new();
    for character in beginning(&text, CODE_BYTES_MAX).chars() {
        match character.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() => held.push(c),
            c if c.is_ascii_digit() => held.push_str(if held.is_empty() { "code_" } else { "" }),
            _ if held.is_empty() || held.ends_with('_') => {}
            _ => held.push('_'),
        }
        if character.is_ascii_digit() {
            held.push(character);
        }
    }
    held.truncate(CODE_BYTES_MAX);
    let held = held.trim_end_matches('_');
    if held.is_empty() { NAMELESS.to_owned() } else { held.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_characters_and_says_so() {
        for unit in ["é", "用", "👍", "\n", "\u{202e}"] {
            let cut = line(unit.repeat(LINE_BYTES_MAX));
            assert!(cut.len() <= LINE_BYTES_MAX && cut.ends_with(CUT), "{unit:?} gives {cut}");
            assert!(!cut.contains(is_hidden));
        }
        assert_eq!(line("用".repeat(166)), "用".repeat(166));
        assert_eq!(line(String::new()), "");
    }

    #[test]
    fn what_is_held_to_the_form_of_a_code_has_it() {
        for text in ["", "__", "404", "A b", "ÄÖ", "a__b", &"9".repeat(200), &"é_".repeat(90), "\u{1b}[2J", "-x-"] {
            let held = code(text.to_owned());
            assert!(is_code(&held), "{text:?} gives {held:?}");
        }
    }
}
