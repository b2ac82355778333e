//! Values and moments as pages show them: masked by shape, with signs for what would steer, differences line by line.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

/// Most characters of a value that are shown.
const SHOWN_MAX: usize = 60;

/// A value with every letter and digit replaced, so that its form shows and nothing else. A literal of JSON stays.
#[must_use]
pub fn masked(text: &str) -> String {
    let one = |char: char| match char {
        char if char.is_numeric() => '9',
        char if char.is_uppercase() => 'X',
        char if char.is_alphabetic() => 'x',
        char if char.is_control() => '�',
        char => char,
    };
    let mut text_masked: String = text.chars().take(SHOWN_MAX).map(one).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        text_masked.push('…');
    }
    text_masked
}

/// The same for a value as JSON writes it.
#[must_use]
pub fn masked_json(json: &str) -> String {
    match json {
        "true" | "false" | "null" => json.to_owned(),
        _ => masked(json.trim_matches('"')),
    }
}

/// A number with commas between thousands.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long something took.
#[must_use]
pub fn took(ms: u64) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
    }
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// `add`, `del`, `same` or `gap`.
    pub kind: &'static str,
    /// With its sign.
    pub text: String,
}

/// What changes between two texts, three lines around each place.
#[must_use]
pub fn difference(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(3).iter().enumerate() {
        if at > 0 {
            lines.push(DiffLine { kind: "gap", text: "⋯".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (kind, sign) = match change.tag() {
                ChangeTag::Insert => ("add", '+'),
                ChangeTag::Delete => ("del", '-'),
                ChangeTag::Equal => ("same", ' '),
            };
            let text = change.value().trim_end_matches(['\n', '\r']);
            lines.push(DiffLine { kind, text: format!("{sign} {text}") });
        }
    }
    lines
}

/// A part of an address.
#[must_use]
pub fn escaped(part: &str) -> String {
    let mut text = String::new();
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_value_shows_its_form_and_nothing_of_it() {
        assert_eq!(masked("Ann-7\u{1b}"), "Xxx-9�");
        assert_eq!(masked_json("\"<b>Zoë\""), "<x>Xxx");
        assert_eq!((number(1_234_567), number(12)), ("1,234,567".to_owned(), "12".to_owned()));
    }
}
