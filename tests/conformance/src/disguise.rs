//! A member's values in disguise: turned round, in hex, in base64, hashed.
//!
//! What is said of nobody names nobody, however it is spelled. A value is found by its mark, which is part of no other
//! text; a hash by the whole value. What this cannot find: a value that is encrypted, hashed with a key, or cut up.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use enroute_host::egress::base64_url;
use enroute_sdk::hash::sha256_hex;

use crate::people::{Cell, Crowd, marked_word};

/// Whose value is where, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The field that the value goes into.
    pub(crate) field: String,
    /// `as it is`, `in hex`, …
    pub(crate) form: &'static str,
}

/// What to look for, and what it is; in lower case, with `-` and `_` for base64's `+` and `/`.
struct Needle {
    text: String,
    found: Found,
}

/// Looks for values of some members.
pub(crate) struct Disguises(Vec<Needle>);

impl Disguises {
    pub(crate) fn of(crowd: &Crowd) -> Self {
        let mut needles = Vec::new();
        for person in &crowd.people {
            for mark in &person.marks {
                of_mark(&mut needles, &mark.field, &mark.text);
            }
            let sent = person.sent.iter().flatten().filter_map(text);
            for word in sent.filter_map(marked_word) {
                of_mark(&mut needles, "an earlier identifier", word);
            }
            let cells = person.identifiers.iter().chain(&person.values).chain(person.sent.iter().flatten());
            for value in cells.filter_map(text) {
                let folded = value.trim().to_lowercase();
                let mark = person.marks.iter().find(|mark| folded.contains(&mark.text));
                if mark.is_some() || marked_word(value).is_some() {
                    of_hash(&mut needles, mark.map_or("an earlier identifier", |mark| &mark.field), &folded);
                }
            }
        }
        Self(needles)
    }

    /// The first value in a text.
    pub(crate) fn find(&self, text: &str) -> Option<&Found> {
        let folded = text.to_lowercase().replace('+', "-").replace('/', "_");
        self.0.iter().find(|needle| folded.contains(&needle.text)).map(|needle| &needle.found)
    }
}

/// Stands for what is looked for: the same for the same members.
pub(crate) fn key(crowd: &Crowd) -> u64 {
    let mut hasher = DefaultHasher::new();
    for person in &crowd.people {
        person.marks.iter().for_each(|mark| mark.text.hash(&mut hasher));
        person.sent.iter().flatten().filter_map(text).for_each(|text| text.hash(&mut hasher));
    }
    hasher.finish()
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn of_mark(needles: &mut Vec<Needle>, field: &str, mark: &str) {
    let mut add = |form, text: String| {
        needles.push(Needle { text, found: Found { field: field.to_owned(), form } });
    };
    add("as it is", mark.to_owned());
    add("turned round", mark.chars().rev().collect());
    add("in hex", hex(mark.as_bytes()));
    for offset in 0..3 {
        add("in base64", base64_within(mark.as_bytes(), offset).to_lowercase());
    }
}

/// Hashes of a value as it is usually hashed: in lower case, and of a phone number also without its sign.
fn of_hash(needles: &mut Vec<Needle>, field: &str, value: &str) {
    let mut add = |form, text: String| {
        needles.push(Needle { text, found: Found { field: field.to_owned(), form } });
    };
    let bare = value.strip_prefix('+').into_iter();
    for value in [value].into_iter().chain(bare) {
        let digest = sha256_hex(value);
        add("as base64 of its SHA-256", base64_url(&unhex(&digest)).to_lowercase());
        add("as its SHA-256", digest);
    }
}

/// The letters of base64 (with `-` and `_`) that stand for these bytes alone, where so many others stand before them
/// (modulo 3).
pub(crate) fn base64_within(bytes: &[u8], offset: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let begin = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    base64_url(&padded).get(begin..end).unwrap_or_default().to_owned()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len() / 2).filter_map(|at| text.get(at * 2..at * 2 + 2));
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use enroute_core::batch::Change;

    use super::*;
    use crate::people::{Mark, Person, token};

    fn crowd() -> Crowd {
        let (now, earlier) = (token(7, 1), token(8, 1));
        let person = Person {
            change: Change::Updated,
            identifiers: vec![Cell::text(format!("{now}@example.com"))],
            sent: vec![vec![Cell::text(format!("{earlier}@example.com"))]],
            values: Vec::new(),
            marks: vec![Mark { field: "email".to_owned(), text: now }],
        };
        Crowd::new(1, 0, vec![person])
    }

    #[test]
    fn a_value_is_found_in_every_form() {
        let disguises = Disguises::of(&crowd());
        let form = |text: &str| disguises.find(text).map(|found| (found.field.as_str(), found.form));
        for (number, field) in [(7, "email"), (8, "an earlier identifier")] {
            let mail = format!("{}@example.com", token(number, 1));
            assert_eq!(form(&format!("it is {}", mail.to_uppercase())), Some((field, "as it is")));
            assert_eq!(form(&mail.chars().rev().collect::<String>()), Some((field, "turned round")));
            assert_eq!(form(&format!("x{}", hex(mail.as_bytes()))), Some((field, "in hex")));
            for before in ["", "a", "ab", "abc"] {
                let text = base64_url(format!("{before}{mail}").as_bytes());
                assert_eq!(form(&text), Some((field, "in base64")), "{before}");
            }
            assert_eq!(form(&format!("#{}", sha256_hex(&mail))), Some((field, "as its SHA-256")));
            let digest = base64_url(&unhex(&sha256_hex(&mail)));
            assert_eq!(form(&digest), Some((field, "as base64 of its SHA-256")));
        }
        assert_eq!(form("nobody is named here, neither kq nor zx"), None);
        assert_eq!(form(&sha256_hex("somebody@example.com")), None);
    }
}
