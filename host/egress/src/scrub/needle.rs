//! A secret as it is looked for: step by step, each step read through the escapes that texts travel in.
//!
//! Pure. An escape is decoded where it stands, so any subset of a secret's characters may be escaped, in any mixture.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use crate::encode::{base64, hex};

/// Shortest inner part of a base64 text that is looked for, in letters.
const BASE64_PART_MIN: usize = 8;
/// Backslashes in front of an escaped character: one, or more where a text was quoted again and again.
const BACKSLASHES: RangeInclusive<usize> = 1..=8;
/// Longest number of a character reference that is read: `&#x10FFFF;` with some zeros in front.
const REFERENCE_DIGITS_MAX: usize = 10;

/// What is looked for, and how it may be written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Needle {
    text: Zeroizing<String>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is, each character escaped or not: by percent sign, for JSON or HTML, or as quoted-printable.
    Text,
    /// In UTF-16, the low byte first or last.
    Utf16 { low_first: bool },
    /// Hex digits in either case, with separators between them.
    Hex,
    /// Base64 in either alphabet, wrapped or not; `is_whole` where padding may follow.
    Base64 { is_whole: bool },
}

impl Needle {
    /// Every form in which a secret may come back.
    pub(super) fn all(secret: &str) -> Vec<Self> {
        if secret.is_empty() {
            return Vec::new();
        }
        let needle = |text: String, form| Self { text: Zeroizing::new(text), form };
        let wide: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
        let mut all = vec![
            needle(secret.to_owned(), Form::Text),
            needle(secret.to_owned(), Form::Utf16 { low_first: true }),
            needle(secret.to_owned(), Form::Utf16 { low_first: false }),
            needle(hex(secret.as_bytes()), Form::Hex),
            needle(hex(&wide), Form::Hex),
        ];
        for bytes in [secret.as_bytes(), &wide] {
            let whole = base64(bytes).trim_end_matches('=').to_owned();
            all.push(needle(whole, Form::Base64 { is_whole: true }));
            let parts = (0..3).filter_map(|lead| base64_part(bytes, lead));
            all.extend(parts.map(|part| needle(part, Form::Base64 { is_whole: false })));
        }
        all
    }

    /// Length of what is looked for, in bytes without any escape.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Bytes that an occurrence can begin with.
    pub(super) fn firsts(&self) -> Vec<u8> {
        let Some(first) = self.text.chars().next() else { return Vec::new() };
        let own = first.encode_utf8(&mut [0; 4]).as_bytes().first().copied().unwrap_or_default();
        let mut firsts = match self.form {
            Form::Text => vec![own, b'%', b'\\', b'&', b'=', b'+'],
            Form::Utf16 { low_first } => {
                let unit = first.encode_utf16(&mut [0; 2]).first().copied().unwrap_or_default();
                let [low, high] = unit.to_le_bytes();
                vec![if low_first { low } else { high }]
            }
            Form::Hex => vec![own, own.to_ascii_uppercase()],
            Form::Base64 { .. } => vec![own, b'-', b'_', b'%', b'\\', b'&'],
        };
        firsts.sort_unstable();
        firsts.dedup();
        firsts
    }

    /// Where an occurrence that begins at `at` ends.
    pub(super) fn end_of_match(&self, input: &[u8], at: usize) -> Option<usize> {
        // Where an escape can be read in two ways, both are followed.
        let mut ends = vec![at];
        for (index, character) in self.text.chars().enumerate() {
            let mut next = Vec::new();
            for &end in &ends {
                self.step(input, end, index, character, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return None;
            }
            ends = next;
        }
        let end = ends.last().copied()?;
        let padding = match self.form {
            Form::Base64 { is_whole: true } => input.iter().skip(end).take_while(|byte| **byte == b'=').take(2).count(),
            _ => 0,
        };
        Some(end + padding)
    }

    fn step(&self, input: &[u8], at: usize, index: usize, character: char, ends: &mut Vec<usize>) {
        match self.form {
            Form::Text => character_at(input, at, character, ends),
            Form::Utf16 { low_first } => {
                let mut end = at;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let bytes = if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() };
                    if !starts_with(input, end, &bytes) {
                        return;
                    }
                    end += bytes.len();
                }
                ends.push(end);
            }
            Form::Hex => {
                let gap = if index > 0 && index.is_multiple_of(2) { separators(input, at, b":- \r\n") } else { 0 };
                let digit = input.get(at + gap).map(u8::to_ascii_lowercase);
                if digit.map(char::from) == Some(character) {
                    ends.push(at + gap + 1);
                }
            }
            Form::Base64 { .. } => {
                let at = if index > 0 { after_line_break(input, at) } else { at };
                character_at(input, at, character, ends);
                match character {
                    '+' => character_at(input, at, '-', ends),
                    '/' => character_at(input, at, '_', ends),
                    _ => {}
                }
            }
        }
    }
}

/// The base64 letters that a text has in common wherever it stands in a longer one, `lead` bytes into a group.
fn base64_part(bytes: &[u8], lead: usize) -> Option<String> {
    let mut led = Zeroizing::new(vec![0; lead]);
    led.extend_from_slice(bytes);
    let whole = Zeroizing::new(base64(&led));
    // Letters that also depend on what stands in front and behind say nothing.
    let (from, to) = ((lead * 8).div_ceil(6), led.len() * 8 / 6);
    whole.get(from..to).filter(|part| part.len() >= BASE64_PART_MIN).map(str::to_owned)
}

/// The ends of one character that is written at `at`, in every way that it can be.
fn character_at(input: &[u8], at: usize, character: char, ends: &mut Vec<usize>) {
    bytes_at(input, at, character, ends);
    match input.get(at) {
        Some(b'+') if character == ' ' => ends.push(at + 1),
        Some(b'\\') => ends.extend(backslash_escape(input, at, character)),
        Some(b'&') => ends.extend(character_reference(input, at, character)),
        _ => {}
    }
}

/// UTF-8, each byte as it is or as `%2F`, `%252F`, `=2F` or `\x2F`.
fn bytes_at(input: &[u8], at: usize, character: char, ends: &mut Vec<usize>) {
    let mut starts = vec![at];
    for &byte in character.encode_utf8(&mut [0; 4]).as_bytes() {
        let mut next = Vec::new();
        for &start in &starts {
            if input.get(start) == Some(&byte) {
                next.push(start + 1);
            }
            for mark in [b"%".as_slice(), b"%25", b"=", b"\\x", b"\\\\x"] {
                let digits = start + mark.len();
                if starts_with(input, start, mark) && number(input, digits, 2, 16) == Some(u32::from(byte)) {
                    next.push(digits + 2);
                }
            }
        }
        starts = next;
    }
    ends.extend(starts);
}

/// `\u002f`, `\u{2f}`, `\/`, `\n`, with any number of backslashes that quoting again makes.
fn backslash_escape(input: &[u8], at: usize, character: char) -> Option<usize> {
    let slashes = input.iter().skip(at).take_while(|byte| **byte == b'\\').count();
    if !BACKSLASHES.contains(&slashes) {
        return None;
    }
    let after = at + slashes;
    let short = match character {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        other => other,
    };
    if !short.is_alphanumeric() || short != character {
        let mut bytes = [0; 4];
        let short = short.encode_utf8(&mut bytes).as_bytes();
        if starts_with(input, after, short) {
            return Some(after + short.len());
        }
    }
    if starts_with(input, after, b"u{") {
        let digits = input.iter().skip(after + 2).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let is_it = number(input, after + 2, digits.min(REFERENCE_DIGITS_MAX), 16) == Some(u32::from(character));
        return (is_it && input.get(after + 2 + digits) == Some(&b'}')).then_some(after + 3 + digits);
    }
    let escape = utf16_escapes(input, after, character);
    // Where none follows, the backslashes themselves may stand for one.
    escape.or_else(|| (character == '\\' && slashes > 1).then_some(after))
}

/// `u002f` behind its backslashes, or two of them for a character beyond sixteen bits.
fn utf16_escapes(input: &[u8], after: usize, character: char) -> Option<usize> {
    let mut end = after;
    for (index, unit) in character.encode_utf16(&mut [0; 2]).iter().enumerate() {
        if index > 0 {
            end += input.iter().skip(end).take_while(|byte| **byte == b'\\').count();
        }
        if input.get(end) != Some(&b'u') || number(input, end + 1, 4, 16) != Some(u32::from(*unit)) {
            return None;
        }
        end += 5;
    }
    Some(end)
}

/// `&amp;`, `&#47;`, `&#x2f;`, also where its own ampersand was escaped again.
fn character_reference(input: &[u8], at: usize, character: char) -> Option<usize> {
    let mut at = at + 1;
    loop {
        if let Some(end) = reference_body(input, at, character) {
            return Some(end);
        }
        if !starts_with(input, at, b"amp;") {
            return None;
        }
        at += b"amp;".len();
    }
}

fn reference_body(input: &[u8], at: usize, character: char) -> Option<usize> {
    let name: &[u8] = match character {
        '&' => b"amp;",
        '<' => b"lt;",
        '>' => b"gt;",
        '"' => b"quot;",
        '\'' => b"apos;",
        _ => b"",
    };
    // The longest reading of `&amp;amp;` is taken: it is left out as a whole.
    let escaped_again = name == b"amp;" && (starts_with(input, at, b"amp;amp;") || starts_with(input, at, b"amp;#"));
    if !name.is_empty() && starts_with(input, at, name) && !escaped_again {
        return Some(at + name.len());
    }
    if input.get(at) != Some(&b'#') {
        return None;
    }
    let is_hex = matches!(input.get(at + 1), Some(b'x' | b'X'));
    let (start, radix) = if is_hex { (at + 2, 16) } else { (at + 1, 10) };
    let digits = input.iter().skip(start).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let is_it = digits <= REFERENCE_DIGITS_MAX && number(input, start, digits, radix) == Some(u32::from(character));
    is_it.then_some(start + digits + usize::from(input.get(start + digits) == Some(&b';')))
}

/// The number that so many digits write.
fn number(input: &[u8], at: usize, digits: usize, radix: u32) -> Option<u32> {
    let text = input.get(at..at.checked_add(digits)?)?;
    if text.is_empty() || !text.iter().all(|byte| char::from(*byte).is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()
}

fn starts_with(input: &[u8], at: usize, text: &[u8]) -> bool {
    input.get(at..).is_some_and(|rest| rest.starts_with(text))
}

/// How many of these bytes stand here, at most two.
fn separators(input: &[u8], at: usize, bytes: &[u8]) -> usize {
    input.iter().skip(at).take(2).take_while(|byte| bytes.contains(byte)).count()
}

/// Where a base64 text goes on after a line break, escaped for JSON or not.
fn after_line_break(input: &[u8], mut at: usize) -> usize {
    for mark in [b"\r".as_slice(), b"\\r", b"\n", b"\\n"] {
        if starts_with(input, at, mark) {
            at += mark.len();
        }
    }
    at
}
