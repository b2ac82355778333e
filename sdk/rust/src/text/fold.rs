//! Lower case and composition: what all normal forms of text have in common.
//!
//! Text is brought to NFC, then to lower case with the mapping of Unicode (the one of JavaScript, which
//! knows final sigma and no locale), then characters are left out, then NFC is restored, because what is
//! left out may have kept a letter and its accent apart.
//!
//! The Turkish `İ` becomes a plain `i`. Unicode lower-cases it to `i` with a combining dot above, which
//! nobody types: `İstanbul` and `istanbul` would never match. Dotless `ı` stays, and `I` becomes `i`.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

const DOT_ABOVE: char = '\u{307}';

/// Says whether `c` is a letter or digit of any script, or a mark upon one.
///
/// ```
/// assert!(enroute_sdk::text::is_letter_digit_or_mark('é') && !enroute_sdk::text::is_letter_digit_or_mark('-'));
/// ```
#[must_use]
pub fn is_letter_digit_or_mark(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Says whether `c` is a letter of any script or a mark upon one.
///
/// ```
/// assert!(enroute_sdk::text::is_letter_or_mark('漢') && !enroute_sdk::text::is_letter_or_mark('1'));
/// ```
#[must_use]
pub fn is_letter_or_mark(c: char) -> bool {
    c.is_alphabetic() || is_combining_mark(c)
}

/// Says whether `c` shows nothing and takes no space: formatting, joiners, marks of direction, variation selectors.
///
/// ```
/// assert!(enroute_sdk::text::is_invisible('\u{200b}') && !enroute_sdk::text::is_invisible(' '));
/// ```
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E01EF}'
    )
}

/// Appends `text` in lower case and NFC.
///
/// `keep` gets each lower-case character and answers what to append for it, if anything. An appended
/// space stands only between other characters, and alone. Invisible characters are left out, and so are
/// marks whose letter was.
///
/// ```
/// let mut out = String::new();
/// let letters = |c: char| if c == ' ' { Some(c) } else { c.is_alphanumeric().then_some(c) };
/// enroute_sdk::text::append_folded(" Ann-Marie  O'HARA ", &mut out, letters);
/// assert_eq!(out, "annmarie ohara");
/// ```
pub fn append_folded(text: &str, out: &mut String, keep: impl Fn(char) -> Option<char>) {
    let start = out.len();
    let mut tail = Tail { out, start, space: false, orphan: true };
    if text.is_ascii() {
        text.chars().for_each(|c| tail.push(c.to_ascii_lowercase(), &keep));
        return;
    }
    let composed = nfc(text);
    // Only the mapping of whole strings knows which sigma ends a word.
    let lowered = if composed.contains('Σ') { Cow::Owned(composed.to_lowercase()) } else { composed };
    lowered.chars().flat_map(char::to_lowercase).for_each(|c| tail.push(c, &keep));
    compose_tail(out, start);
}

/// The part of a buffer that is being folded.
struct Tail<'a> {
    out: &'a mut String,
    start: usize,
    space: bool,
    orphan: bool,
}

impl Tail<'_> {
    fn push(&mut self, c: char, keep: impl Fn(char) -> Option<char>) {
        let is_mark = !c.is_ascii() && is_combining_mark(c);
        if is_invisible(c) || (is_mark && self.orphan) || (c == DOT_ABOVE && self.out.ends_with('i')) {
            return;
        }
        match keep(c) {
            None => self.orphan = true,
            Some(' ') => {
                self.orphan = true;
                self.space = true;
            }
            Some(kept) => {
                if self.space && self.out.len() > self.start {
                    self.out.push(' ');
                }
                self.out.push(kept);
                self.orphan = false;
                self.space = false;
            }
        }
    }
}

fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

fn compose_tail(out: &mut String, start: usize) {
    let composed = match nfc(out.get(start..).unwrap_or_default()) {
        Cow::Borrowed(_) => return,
        Cow::Owned(composed) => composed,
    };
    out.truncate(start);
    out.push_str(&composed);
}

#[cfg(test)]
mod tests {
    use super::{append_folded, is_letter_digit_or_mark};
    use crate::text::trim;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut out = "before i".to_owned();
        append_folded(text, &mut out, |c| {
            if c.is_whitespace() {
                return Some(' ');
            }
            is_letter_digit_or_mark(c).then_some(c)
        });
        assert_eq!(out.strip_prefix("before i"), Some(expect), "{text:?}");
    }

    #[test]
    fn both_ends_lose_white_space_of_every_kind_and_the_byte_order_mark() {
        assert_eq!(trim("\u{FEFF}\u{A0}\t\u{3000}a b\u{2009}\u{200B}\r\n"), "a b");
    }

    #[test]
    fn dotted_capital_i_becomes_plain_i_however_it_is_written() {
        check("İSTANBUL", "istanbul");
        check("I\u{307}stanbul", "istanbul");
        check("i\u{307}stanbul", "istanbul");
        check("İ\u{301}", "í");
        check("ISPARTA", "isparta");
        check("ısparta", "ısparta");
    }

    #[test]
    fn sigma_at_the_end_of_a_word_takes_its_final_form() {
        check("ΟΔΥΣΣΕΥΣ ΟΔΥΣΣΕΥΣ", "οδυσσευς οδυσσευς");
    }

    #[test]
    fn accents_compose_even_where_a_left_out_character_kept_them_apart() {
        check("e\u{301}mile", "émile");
        check("e\u{200D}\u{301}", "é");
        check("\u{1112}\u{1161}\u{11AB}", "한");
    }

    #[test]
    fn marks_go_with_the_character_they_belong_to() {
        check("Ann \u{2764}\u{FE0F}", "ann");
        check("a-\u{301}b", "ab");
        check("\u{301}a", "a");
        check("क़", "क\u{93C}");
    }

    #[test]
    fn spaces_stand_alone_and_between_words() {
        check(" - Mary \u{A0} - Ann - ", "mary ann");
    }
}
