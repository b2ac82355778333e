//! Decimal digits of every script.

use std::borrow::Cow;

/// The zeros of all decimal digits beyond ASCII, sorted: Unicode keeps the ten digits of a set together.
const ZEROS: [char; 67] = [
    '\u{660}',
    '\u{6F0}',
    '\u{7C0}',
    '\u{966}',
    '\u{9E6}',
    '\u{A66}',
    '\u{AE6}',
    '\u{B66}',
    '\u{BE6}',
    '\u{C66}',
    '\u{CE6}',
    '\u{D66}',
    '\u{DE6}',
    '\u{E50}',
    '\u{ED0}',
    '\u{F20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17E0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19D0}',
    '\u{1A80}',
    '\u{1A90}',
    '\u{1B50}',
    '\u{1BB0}',
    '\u{1C40}',
    '\u{1C50}',
    '\u{A620}',
    '\u{A8D0}',
    '\u{A900}',
    '\u{A9D0}',
    '\u{A9F0}',
    '\u{AA50}',
    '\u{ABF0}',
    '\u{FF10}',
    '\u{104A0}',
    '\u{10D30}',
    '\u{11066}',
    '\u{110F0}',
    '\u{11136}',
    '\u{111D0}',
    '\u{112F0}',
    '\u{11450}',
    '\u{114D0}',
    '\u{11650}',
    '\u{116C0}',
    '\u{11730}',
    '\u{118E0}',
    '\u{11950}',
    '\u{11C50}',
    '\u{11D50}',
    '\u{11DA0}',
    '\u{11F50}',
    '\u{16A60}',
    '\u{16AC0}',
    '\u{16B50}',
    '\u{1D7CE}',
    '\u{1D7D8}',
    '\u{1D7E2}',
    '\u{1D7EC}',
    '\u{1D7F6}',
    '\u{1E140}',
    '\u{1E2F0}',
    '\u{1E4F0}',
    '\u{1E950}',
    '\u{1FBF0}',
];

/// Returns the ASCII digit that means the same as `c`, or `c` itself when it is no decimal digit.
///
/// ```
/// assert_eq!(enroute_sdk::text::digit::to_ascii('\u{665}'), '5');
/// ```
#[must_use]
pub fn to_ascii(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let above = ZEROS.partition_point(|zero| *zero <= c);
    let Some(zero) = above.checked_sub(1).and_then(|at| ZEROS.get(at)) else {
        return c;
    };
    char::from_digit(u32::from(c) - u32::from(*zero), 10).unwrap_or(c)
}

/// Returns `text` with every decimal digit in ASCII.
///
/// ```
/// assert_eq!(enroute_sdk::text::digit::fold("\u{FF11}\u{FF19}90"), "1990");
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(to_ascii).collect())
}

#[cfg(test)]
mod tests {
    use super::{ZEROS, fold, to_ascii};

    #[test]
    fn zeros_are_sorted_and_ten_apart() {
        assert!(ZEROS.windows(2).all(|pair| u32::from(pair[0]) + 10 <= u32::from(pair[1])));
    }

    #[test]
    fn digits_of_any_script_become_ascii_and_nothing_else_changes() {
        assert_eq!(fold("\u{FF10}\u{FF19} \u{0663}\u{096C}\u{1D7FF}"), "09 369");
        assert_eq!(fold("\u{FF0F}\u{FF1A}\u{00B2}\u{4E94}é"), "\u{FF0F}\u{FF1A}\u{00B2}\u{4E94}é");
        assert_eq!(to_ascii('7'), '7');
    }
}
