//! A member's value in other letters: reversed, in hex, in base64, hashed.
//!
//! What is looked for are the marks of the kit's own values, so a sentence that holds none costs one look.

use enroute_sdk::hash::sha256_hex;

use crate::disguise::{base64_within, hex};
use crate::people::{Cell, Crowd, Mark};

/// What words begin and end with that stand for a value ([`crate::people::token`]).
const WORD: [&str; 2] = ["kq", "zx"];
/// What telephone numbers of the kit have in common.
const PHONE: &str = "151";
/// Digits in a row from which on they may be those of a telephone number, whichever way round.
const DIGITS_MIN: usize = 8;
const HASH_CHARS: usize = 64;

/// A text as it is searched.
pub(crate) struct Said {
    /// In lower case.
    folded: String,
    /// With the letters of one base64 for those of the other.
    letters: String,
    /// Whether a value may stand in it in other letters.
    may_hide: bool,
}

impl Said {
    pub(crate) fn new(text: &str) -> Self {
        let (folded, letters) = (text.to_lowercase(), text.replace('+', "-").replace('/', "_"));
        let may_hide = may_hide(&folded, &letters);
        Self { folded, letters, may_hide }
    }

    /// How the value of a mark is written in this text, if it is there.
    pub(crate) fn spelling(&self, mark: &Mark) -> Option<&'static str> {
        if self.folded.contains(&mark.text) {
            return Some("in clear");
        }
        if !self.may_hide {
            return None;
        }
        if self.folded.contains(&reversed(&mark.text)) {
            Some("reversed")
        } else if self.folded.contains(&hex(mark.text.as_bytes())) {
            Some("in hex")
        } else {
            has_base64(&self.letters, &mark.text).then_some("in base64")
        }
    }
}

/// The field whose value stands in a text, and how it is spelled there.
pub(crate) fn quoted<'c>(crowd: &'c Crowd, text: &str) -> Option<(&'c str, &'static str)> {
    let said = Said::new(text);
    let has_hash = longest(&said.folded, |byte| byte.is_ascii_hexdigit()) >= HASH_CHARS;
    let may_say = said.folded.contains(WORD[0]) || said.folded.contains(PHONE);
    if !may_say && !said.may_hide && !has_hash {
        return None;
    }
    let mut marks = crowd.people.iter().flat_map(|person| &person.marks);
    let found = marks.find_map(|mark| Some((mark.field.as_str(), said.spelling(mark)?)));
    found.or_else(|| if has_hash { hashed(crowd, &said.folded) } else { None })
}

fn may_hide(folded: &str, letters: &str) -> bool {
    WORD.iter().all(|end| folded.contains(&reversed(end)))
        || WORD.iter().all(|end| folded.contains(&hex(end.as_bytes())))
        || WORD.iter().all(|end| has_base64(letters, end))
        || folded.contains(&hex(PHONE.as_bytes()))
        || has_base64(letters, PHONE)
        || longest(folded, |byte| byte.is_ascii_digit()) >= DIGITS_MIN
}

/// Whether a word stands in base64, in small or capital letters.
fn has_base64(letters: &str, word: &str) -> bool {
    [word.to_owned(), word.to_uppercase()]
        .iter()
        .any(|word| (0..3).any(|before| letters.contains(&base64_within(word.as_bytes(), before))))
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

fn longest(text: &str, is_one: impl Fn(u8) -> bool) -> usize {
    text.bytes().map(is_one).fold((0, 0), run).1
}

/// The length of the run that is going on, and of the longest.
fn run((now, most): (usize, usize), is_one: bool) -> (usize, usize) {
    let now = if is_one { now + 1 } else { 0 };
    (now, most.max(now))
}

fn hashed<'c>(crowd: &'c Crowd, folded: &str) -> Option<(&'c str, &'static str)> {
    let is_hash = |word: &&str| word.len() == HASH_CHARS && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hashes: Vec<&str> = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_hash).collect();
    if hashes.is_empty() {
        return None;
    }
    let stands = |text: &str| hashes.contains(&sha256_hex(text).as_str());
    crowd.people.iter().find_map(|person| {
        let cells = person.identifiers.iter().chain(&person.values).chain(person.sent.iter().flatten());
        let texts = cells.filter_map(|cell| match cell {
            Cell::Text(text) | Cell::Number(text) if text.len() > 3 => Some(text),
            _ => None,
        });
        let spelled = |text: &String| {
            let folded = text.trim().to_lowercase();
            stands(text) || stands(&folded) || stands(folded.trim_start_matches('+'))
        };
        texts.into_iter().any(spelled).then_some(("one of its fields", "as its SHA-256"))
    })
}

#[cfg(test)]
mod tests {
    use enroute_core::batch::Change;

    use super::*;
    use crate::people::Person;

    #[test]
    fn a_value_is_found_in_whatever_letters() {
        let person = Person {
            change: Change::Added,
            identifiers: vec![Cell::text("kqabcdezx@example.com")],
            sent: Vec::new(),
            values: Vec::new(),
            marks: vec![Mark { field: "email".to_owned(), text: "kqabcdezx".to_owned() }],
        };
        let crowd = Crowd::new(1, 0, vec![person]);
        let hash = sha256_hex("kqabcdezx@example.com");
        for (text, how) in [
            ("the value KQabcdezx@example.com is bad", Some("in clear")),
            ("moc.elpmaxe@xzedcbaqk", Some("reversed")),
            ("6b71616263646557", None),
            ("x6B716162636465 7a78", None),
            ("id 6B71616263646 57A78406578", None),
            ("id 6B7161626364657A78406578", Some("in hex")),
            ("a3FhYmNkZXp4QGV4YW1wbGUuY29t", Some("in base64")),
            ("eGtxYWJjZGV6eEBleGFtcGxl", Some("in base64")),
            ("eHhrcWFiY2RlenhAZXhhbXBsZS5jb20", Some("in base64")),
            (&hash, Some("as its SHA-256")),
            ("the source of the member has no usable id", None),
        ] {
            assert_eq!(quoted(&crowd, text).map(|(_, how)| how), how, "{text}");
        }
    }
}
