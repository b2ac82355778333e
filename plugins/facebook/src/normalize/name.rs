//! `FN`, `LN` and `FI`: names in lower case without punctuation or symbols, in any script.

use unicode_normalization::char::is_combining_mark;

use crate::normalize::BlankCode;
use enroute_sdk::text;

/// Appends a name: letters, digits, their marks, and single spaces between words.
pub(crate) fn append(name: &str, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    text::append_folded(name, out, |c| {
        if c.is_whitespace() {
            return Some(' ');
        }
        text::is_letter_digit_or_mark(c).then_some(c)
    });
    if out.len() == start {
        return Err(BlankCode::NoLetters);
    }
    Ok(())
}

/// Appends the first letter of a first name, an accent that is part of it included.
pub(crate) fn append_initial(name: &str, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    append(name, out)?;
    let normal = out.get(start..).unwrap_or_default();
    let initial = normal.chars().find(|c| !is_combining_mark(*c)).ok_or(BlankCode::NoLetters)?;
    out.truncate(start);
    out.push(initial);
    Ok(())
}
